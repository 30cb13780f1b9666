"""The pages on investigation and response: what they name is there; what the example's model invented was struck."""

from __future__ import annotations

import re

import pytest

from agents.audit import events
from agents.investigate.journal import KINDS
from models.action import TRANSITIONS
from models.verdict import TRUE_POSITIVE
from tests.conftest import REPO
from tests.docs.investigation import run
from tests.docs.made import DOCS
from tests.docs.response import SAYS

INVESTIGATION = (DOCS / "investigation.md").read_text("utf-8")
RESPONSE = (DOCS / "response.md").read_text("utf-8")
SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")


def _cells(page: str, section: str, column: int) -> list[str]:
    """Return the code in a column of the table of a section."""
    text = dict(SECTION.findall(page))[section]
    lines = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [code for line in lines[2:] for code in CODE.findall(line[column])]


@pytest.mark.parametrize("page", [INVESTIGATION, RESPONSE], ids=["investigation", "response"])
def test_every_file_that_is_named_exists(page: str) -> None:
    named = {code for code in CODE.findall(page) if re.match(r"agents/[\w/.]+\Z", code)}
    assert named
    assert {code for code in named if not (REPO / code).exists()} == set()


def test_the_steps_of_the_journal_are_all_told() -> None:
    assert _cells(INVESTIGATION, "The journal", 0) == list(KINDS)


def test_every_audit_record_that_is_named_is_one() -> None:
    known = {value for value in vars(events).values() if isinstance(value, str)}
    told = _cells(INVESTIGATION, "What an attacker can do, and cannot", 2)
    assert len(told) > 5
    assert set(told) <= known


@pytest.mark.parametrize(
    ("page", "modules"),
    [
        (INVESTIGATION, ("streams/workers/investigate.py", "agents/llm/connection.py")),
        (RESPONSE, ("streams/workers/respond.py",)),
    ],
    ids=["investigation", "response"],
)
def test_every_field_of_health_that_is_named_is_set(page: str, modules: tuple[str, ...]) -> None:
    text = "".join((REPO / module).read_text("utf-8") for module in modules)
    fields = [code.replace("[]", "").rpartition(".")[2] for code in _cells(page, "What to watch", 0)]
    assert len(fields) > 5
    assert [field for field in fields if not re.search(rf"\b{field}\b[=:]|\"{field}\"", text)] == []


def test_every_status_of_an_action_is_told() -> None:
    assert SAYS.keys() == TRANSITIONS.keys()


def test_what_the_model_invented_was_struck_and_what_holds_decides() -> None:
    outcome = run().outcome
    assert outcome
    struck = [one.text for one in outcome.verdict.reasoning.struck]
    assert [text for text in struck if "192.0.2.99" in text]
    assert not [claim for claim in outcome.verdict.claims if "192.0.2.99" in claim.text]
    assert outcome.verdict.verdict_id == TRUE_POSITIVE
    assert {event.kind for event in outcome.events} >= {events.CLAIM_STRUCK, events.TOOL_CALLED}


def test_what_the_model_was_told_holds_no_name_of_the_case() -> None:
    told = [conversation.text for conversation in run().told]
    assert len(told) == len(["the case", "the answers of the tools"])
    assert not [name for name in ("ws-bob", "example\\\\bob", "10.20.4.17") for text in told if name in text]
