"""Turn the tests of a Panther correlation rule into those that `braid rules test` runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from streams.panther.model import Hit, PantherRule, PantherTest
from streams.panther.translate import Untranslatable

UNITS_MS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
MAX_NUMBER: Final = 999_999_999  # what a test of Braid's takes before its unit
Signal = dict[str, Any]


def tests_of(rule: PantherRule, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the document of a rule's tests.

    Args:
        rule: The rule.
        names: Names of the detections by Panther rule id.

    Raises:
        Untranslatable: When the times of a test lie too far apart to be written.
    """
    named = {entry.uid: names[entry.rule] for entry in rule.pattern.entries}
    return {"tests": [_test(test, named) for test in rule.tests]}


def _test(test: PantherTest, named: Mapping[str, str]) -> dict[str, Any]:
    start = min((hit.at for hit in test.hits), default=0)
    placed = [(number, signal) for number, hits in enumerate(_alike(test.hits)) for signal in _runs(hits)]
    ordered = sorted(placed, key=lambda one: (one[1][0].at, one[0]))
    try:
        signals = [_signal(run, start, named) for _, run in ordered]
    except OverflowError as error:
        raise Untranslatable((test.line, f"{test.name}: its matches lie too far apart for a test")) from error
    return {"name": test.name, "signals": signals, "fires": test.fires}


def _alike(hits: Sequence[Hit]) -> list[list[Hit]]:
    """Return hits of one entry with the same values together, by time, in the order in which each first stands."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], list[Hit]] = {}
    for hit in hits:
        found.setdefault((hit.entry, tuple(sorted(hit.fields.items()))), []).append(hit)
    return [sorted(alike, key=lambda hit: hit.at) for alike in found.values()]


def _runs(hits: Sequence[Hit]) -> Iterator[list[Hit]]:
    """Cut hits where the distance between them changes."""
    run: list[Hit] = []
    for hit in hits:
        if len(run) > 1 and hit.at - run[-1].at != run[-1].at - run[-2].at:
            yield run
            run = []
        run.append(hit)
    yield run


def _signal(run: Sequence[Hit], start: int, named: Mapping[str, str]) -> Signal:
    first = run[0]
    signal: Signal = {"rule": named[first.entry], "at": time_text(first.at - start)}
    if len(run) > 1:
        signal["repeat"] = len(run)
        if run[1].at > first.at:
            signal["every"] = time_text(run[1].at - first.at)
    return signal | ({"fields": dict(first.fields)} if first.fields else {})


def time_text(ms: int) -> str:
    """Return a distance in time in the largest unit that says it exactly; raise OverflowError when none can."""
    unit, size = next((name, size) for name, size in UNITS_MS if ms % size == 0) if ms else ("s", 1000)
    if ms // size > MAX_NUMBER:
        raise OverflowError(ms)
    return f"{ms // size}{unit}"
