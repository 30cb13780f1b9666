"""Prompts have a name, a version and an owner; a text that changes is another version."""

from __future__ import annotations

import pytest

from agents.investigate.prompts import MARKER, bundled_prompt, read_prompt
from models.errors import ConfigError

WHOLE = "---\nname: a\nversion: 1\nowner: b\n---\nData stands behind {marker}.\n"
VERSIONS = {"investigate": "investigate/1 ecf8bed134be"}


@pytest.mark.parametrize("name", VERSIONS)
def test_a_prompt_that_changes_is_another_version(name: str) -> None:
    assert bundled_prompt(name).label == VERSIONS[name], "give the prompt a new version, and note both here"


def test_instructions_name_the_marker_of_the_run_and_nothing_else_of_it() -> None:
    prompt = bundled_prompt("investigate")
    assert prompt.instructions("m123") == prompt.text.replace(MARKER, "m123")
    assert prompt.owner


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no head", "p.md:1: front matter: must begin the file"),
        (WHOLE.replace("version: 1", "version: one"), "p.md:3: version: must be a whole number"),
        (WHOLE.replace("owner: b", ""), "p.md:2: owner: must be given"),
        (WHOLE.replace("{marker}", "that"), "data cannot be told from instructions"),
        (WHOLE.replace("name: a", "name: [a"), "not YAML"),
        (WHOLE.replace("name: a\nversion: 1\nowner: b", "- a"), "p.md:2: front matter: must be a map"),
    ],
)
def test_what_is_wrong_with_a_prompt_is_said(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        read_prompt(text, "p.md")
