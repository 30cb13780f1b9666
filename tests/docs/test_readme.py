"""The documents say what is so: their made parts are as the code has them, their examples run, their links resolve."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
import yaml

from streams.cli import cli
from streams.config import CONFIG_VARIABLE, PREFIX, Settings
from streams.sources.registry import SOURCES
from streams.topics import TOPICS
from streams.workers.up import WORKERS
from tests.command import braid
from tests.conftest import REPO
from tests.docs.made import DOCS, DOCUMENTS, PART, PARTS, README, commands, options, renewed

RENEW = "the document is not as the code has it: .venv/bin/python -m tests.docs.renew"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLE = re.compile(r"^`my-rules/([\w.]+)`\n\n```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def _fenced(text: str, *languages: str) -> Iterator[str]:
    return (body for language, body in FENCE.findall(text) if language in languages)


def _shell_lines() -> Iterator[tuple[str, str]]:
    """Yield each command of the documents, and where it stands: lines of shell blocks, and code in the text."""
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        for block in _fenced(text, "sh"):
            yield from ((path.name, line.partition(" #")[0].strip()) for line in block.splitlines())
        yield from ((path.name, code) for code in CODE.findall(FENCE.sub("", text)))


@documents
def test_made_parts_are_as_the_code_has_them(path: Path) -> None:
    before = path.read_text("utf-8")
    assert before == renewed(before), RENEW


def test_every_part_that_can_be_made_stands_in_one_document() -> None:
    found = [part["name"] for path in DOCUMENTS for part in PART.finditer(path.read_text("utf-8"))]
    assert sorted(found) == sorted(PARTS)


def test_every_command_and_option_that_is_told_exists() -> None:
    known = dict(commands())
    wrong = []
    told = [(where, line) for where, line in _shell_lines() if re.match(r"(?:[A-Z_]+=\S+ )*braid [a-z]", line)]
    for where, line in told:
        words = [word for word in shlex.split(line.split("|")[0]) if "=" not in word][1:]
        name = next((" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in known), "")
        group = cli.get_command(click.Context(cli), words[0])
        if name:
            wrong += [f"{where}: {line}: {word}" for word in words if _unknown(known[name], word)]
        elif not (len(words) == 1 and isinstance(group, click.Group)):
            wrong.append(f"{where}: {line}")
    assert len(told) > 10
    assert wrong == []


def _unknown(command: click.Command, word: str) -> bool:
    return word.startswith("--") and word not in (*options(command), "--help")


def test_every_make_target_that_is_told_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPO / "Makefile").read_text("utf-8"), re.MULTILINE))
    told = {line.split()[1] for _, line in _shell_lines() if line.startswith("make ")}
    assert {"demo", "test", "up"} <= told <= targets


def test_every_setting_that_is_told_exists() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE}
    for path in DOCUMENTS:
        assert set(re.findall(r"\bBRAID_[A-Z_]+", path.read_text("utf-8"))) <= known


def test_every_raw_topic_that_is_told_has_a_source() -> None:
    told = set(re.findall(r"raw\.([a-z]\w*)", README.read_text("utf-8")))
    assert told == SOURCES.keys()


@documents
def test_snippets_of_configuration_are_well_formed(path: Path) -> None:
    text = path.read_text("utf-8")
    for block in _fenced(text, "yaml"):
        assert yaml.safe_load(block)
    for block in _fenced(text, "toml"):
        assert tomllib.loads(block)
    for block in _fenced(text, "json"):
        assert json.loads(block)
    assert {language for language, _ in FENCE.findall(text)} <= {"sh", "text", "yaml", "toml", "json"}


def test_the_example_rules_pass_check_and_test(tmp_path: Path) -> None:
    blocks = dict(found for path in DOCUMENTS for found in EXAMPLE.findall(path.read_text("utf-8")))
    assert {name.endswith(".tests.yml") for name in blocks} == {True, False}
    for name, block in blocks.items():
        (tmp_path / name).write_text(block, "utf-8")
    checked = braid("rules", "check", BRAID_RULES=str(tmp_path))
    assert checked.returncode == 0, checked.stdout
    tested = json.loads(braid("rules", "test", "--json", BRAID_RULES=str(tmp_path)).stdout)
    mine = [case for case in tested["cases"] if Path(case["path"]).parent == tmp_path]
    rules = {name.partition(".")[0] for name in blocks}
    assert {Path(case["path"]).name.partition(".")[0] for case in mine} == rules
    assert [case for case in mine if not case["passed"]] == []
    assert tested["problems"] == []


def _slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@documents
def test_links_and_images_resolve(path: Path) -> None:
    text = FENCE.sub("", path.read_text("utf-8"))
    broken = []
    for target in LINK.findall(text):
        name, _, anchor = target.partition("#")
        if "://" in name:
            continue
        file = (path.parent / name) if name else path
        anchors = {_slug(heading) for heading in HEADING.findall(file.read_text("utf-8"))} if anchor else {""}
        if not file.is_relative_to(REPO) or not file.exists() or anchor not in anchors:
            broken.append(target)
    assert broken == []


def test_the_longer_documents_are_all_linked_from_the_readme() -> None:
    linked = {target.partition("#")[0] for target in LINK.findall(README.read_text("utf-8"))}
    assert {path.relative_to(REPO).as_posix() for path in DOCS.iterdir()} <= linked


def test_the_picture_shows_every_worker_and_the_topics_between_them() -> None:
    picture = ET.parse(DOCS / "path.svg").getroot()  # noqa: S314  # our own file
    shown = {(element.text or "").strip() for element in picture.iter("{http://www.w3.org/2000/svg}text")}
    between = {topic.name for topic in TOPICS} - {"approvals", "feedback", "audit"}  # nobody's yet
    assert set(WORKERS) <= shown
    assert {name for name in between if not name.startswith("events.")} | {"raw.*", "events.*", "lake"} <= shown
