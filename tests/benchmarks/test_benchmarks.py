"""The benchmarks run, and leave no source out. What they measure is for people to judge."""

from __future__ import annotations

from streams.sources.registry import SOURCES
from tests.benchmarks.sources import measure_all


def test_every_source_is_measured() -> None:
    found = list(measure_all(rounds=1, records=1))
    assert [one.source for one in found] == sorted(SOURCES)
    assert all(one.parse_us > 0 and one.floor_us > 0 for one in found)
