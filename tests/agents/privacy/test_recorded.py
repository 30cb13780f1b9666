"""Recorded telemetry, as a model would see it: no name of the case and no secret in any of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import orjson
import pytest

from agents.privacy.names import COMMON
from agents.privacy.own import Own
from agents.privacy.policy_file import default_policy
from agents.privacy.screen import Screen
from enrichers.entities import entities_of
from models.entity import EntityKey
from models.event import Event
from models.records import DeadLetter
from streams.ingest import Ingest
from streams.rulebook import Rulebook
from streams.stage import build_stages
from tests.sources.test_all_shared import files, records

PER_FILE = 6
MARKER = "kq3f8a7b2c9d0e1f"
MIN_CHARS, MIN_DIGITS = 3, 6


@pytest.fixture(scope="module")
def ingest() -> Ingest:
    return build_stages(Rulebook((), (), ())).ingest


def events(path: Path, ingest: Ingest) -> Iterator[Event]:
    for item in islice(records(path), PER_FILE):
        if not isinstance(item, DeadLetter):
            yield from (result.event for result in ingest.process(*item) if result.event)


def is_hidden(key: EntityKey) -> bool:
    """Tell whether a key has to be hidden everywhere: not outside, not an ordinary word, not too short to be one."""
    if key.type == "ip":
        return Own().has_address(key.value)
    telling = len(key.value) >= (MIN_DIGITS if key.value.isdigit() else MIN_CHARS) and key.value not in COMMON
    return telling and ("." not in key.value or "@" in key.value) and not key.value.startswith(("arn:", "system:"))


def test_no_name_of_a_case_is_in_what_is_shown_of_it(shared: Path, ingest: Ingest) -> None:
    given_away, shown_events = [], 0
    for path in files(shared):
        screen, keys, rows = Screen(default_policy().handling([])), set[EntityKey](), []
        for event in events(path, ingest):
            rows.append(screen.event(event.ocsf))
            keys |= set(entities_of(event.ocsf))
        text = screen.again(screen.wrap(MARKER, "events", rows))
        shown_events += len(rows)
        given_away += [(path.name, leak) for leak in screen.leaks(text)]
        lines = [orjson.loads(line) for line in text.split("\n")[1:-1] if line]
        seen = "\n".join(str(value) for line in lines for value in line.values()).lower()
        for key in filter(is_hidden, keys):
            if re.search(rf"(?<![^\W_]){re.escape(key.value)}(?![^\W_])", seen):
                given_away.append((path.name, str(key)))
    assert given_away == []
    assert shown_events > 0
