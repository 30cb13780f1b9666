"""A few records of every source, written for the tests; what is measured and told apart is these."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import orjson

from models.records import Coordinates, RawRecord

FILE = Path(__file__).with_name("samples.ndjson")


@cache
def _all() -> dict[str, list[tuple[str, list[str]]]]:
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for line in FILE.read_bytes().splitlines():
        sample = orjson.loads(line)
        found.setdefault(sample["source"], []).append((sample["record"], sample.get("columns", [])))
    return found


def samples(source: str) -> list[RawRecord]:
    """Return the records of one source."""
    return [
        RawRecord(source, record.encode(), Coordinates(f"raw.{source}", 0, number), 1_718_452_800_000, tuple(columns))
        for number, (record, columns) in enumerate(_all().get(source, []), 1)
    ]
