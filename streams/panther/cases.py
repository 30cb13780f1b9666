"""Read the `Tests` of a Panther correlation rule: which rules match when, with which values, and what is expected."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from streams.panther.model import MINUTE_MS, Hit, PantherTest
from streams.panther.nodes import Members, Node, Reading
from streams.sources.times import EPOCH, from_rfc3339

MAX_HITS: Final = 10_000  # of one test: what `braid rules test` takes
_MINUTES: Final = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
_MS: Final = timedelta(milliseconds=1)
_REPEATED: Final = "{n}"  # a test of Braid's writes a number for it
Columns = Mapping[str, list[str]]  # values by field


def read_tests(top: Members, entries: frozenset[str], reading: Reading) -> tuple[PantherTest, ...]:
    """Read all tests.

    Args:
        top: The rule.
        entries: The IDs of its entries.
        reading: Collects what is wrong.
    """
    return tuple(_test(item, entries, reading) for item in reading.items(top, "Tests"))


def _test(item: Node, entries: frozenset[str], reading: Reading) -> PantherTest:
    stated = reading.members(item, "Tests", {"Name", "ExpectedResult", "RuleOutputs"})
    times = _Times(reading)
    outputs = reading.items(stated, "RuleOutputs")
    hits = [hit for output in outputs for hit in _output(output, entries, times, reading)]
    start = min((hit.at for hit in hits if hit.fields), default=0)
    if len(hits) > MAX_HITS:
        reading.fault(item.line, f"Tests: more than {MAX_HITS} matches in one test")
    fires = reading.flag(stated, "ExpectedResult", default=False)
    placed = tuple(hit if hit.fields else replace(hit, at=start) for hit in hits)
    return PantherTest(reading.text(stated, "Name"), fires, placed, item.line)


class _Times:
    """Read the times of one test, which are of one kind all: moments, or minutes since its start."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._is_minutes: bool | None = None

    def ms(self, node: Node) -> int:
        """Return a time in ms; report what is none, or is of another kind than those before."""
        is_minutes = _MINUTES.fullmatch(node.text) is not None
        moment = round(float(node.text) * MINUTE_MS) if is_minutes else _moment(node.text)
        if node.kind in {"map", "list", "null"} or moment is None:
            self._reading.fault(
                node.line, f"Matches: {node.text!r:.80} is no time; write 2024-06-01T10:00:00Z or minutes"
            )
            return 0
        if self._is_minutes not in {None, is_minutes}:
            self._reading.fault(node.line, "Matches: moments and minutes in one test have no common start")
        self._is_minutes = is_minutes
        return moment


def _moment(text: str) -> int | None:
    """Return a moment in ms since 1970; UTC where it names no zone."""
    exact = from_rfc3339(text)
    if exact is not None:
        return exact
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return (aware - EPOCH) // _MS


def _output(item: Node, entries: frozenset[str], times: _Times, reading: Reading) -> Iterator[Hit]:
    stated = reading.members(item, "RuleOutputs", {"ID"}, {"Matches"})
    uid = reading.text(stated, "ID")
    if uid and uid not in entries:
        told = ", ".join(sorted(entries))
        reading.fault(stated["ID"].line, f"RuleOutputs: no entry has the ID {uid!r:.80}; there are {told}")
    node = stated.get("Matches")
    if node is None or node.kind == "null":
        yield Hit(uid, 0, {})  # it matched, nobody says when or with which values
        return
    for at, columns in sorted(_by_time(node, times, reading).items()):
        for fields in _rows(columns, node, reading):
            yield Hit(uid, at, fields)


def _by_time(node: Node, times: _Times, reading: Reading) -> dict[int, dict[str, list[str]]]:
    """Return the values of every field at every time: what is said of one time is said of the same match."""
    found: dict[int, dict[str, list[str]]] = {}
    for field, values in reading.any_members(node, "Matches").items():
        members = reading.any_members(values, "Matches")
        for value in members:
            if _REPEATED in value:
                reading.fault(
                    members[value].line, f"Matches: the value {value!r:.80} cannot stand in a test of Braid's"
                )
            for moment in reading.items(members, value):
                found.setdefault(times.ms(moment), {}).setdefault(field, []).append(value)
    return found


def _rows(columns: Columns, node: Node, reading: Reading) -> Iterator[Mapping[str, str]]:
    """Put the values of one time together to matches; report it where they fit together in several ways."""
    count = max(map(len, columns.values()))
    several = [values for values in columns.values() if len(set(values)) > 1]
    if any(len(values) not in {1, count} for values in columns.values()) or len(several) > 1:
        reading.fault(node.line, "Matches: which values of several fields at one time belong together?")
        return
    for number in range(count):
        yield {field: values[number % len(values)] for field, values in columns.items()}
