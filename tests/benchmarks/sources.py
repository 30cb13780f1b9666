"""How long each source takes to turn a record into an event: `make bench`, or `python -m tests.benchmarks.sources`.

The records are those of `tests/sources/samples.ndjson`, a few of each source. What a record takes is set beside the
least that any reader of it would need: parse its JSON (or decode its text) and hash it. That ratio is what may be
compared between machines; events per second are those of one process on one core of this one.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256

import click
import orjson
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.errors import Unparseable
from models.records import ParseError, RawRecord
from streams.sources.base import Source, decode_json
from streams.sources.registry import SOURCES
from tests.sources.samples import samples

ROUNDS = 7
RECORDS = 300


@dataclass(frozen=True, slots=True)
class Measured:
    """One source.

    Attributes:
        source: Its name.
        record_bytes: Mean length of its records.
        parse_us: Microseconds from a record to its event.
        floor_us: Microseconds to decode and hash the record, and no more.
    """

    source: str
    record_bytes: int
    parse_us: float
    floor_us: float

    @property
    def events_per_second(self) -> int:
        return round(1e6 / self.parse_us)

    @property
    def ratio(self) -> float:
        return self.parse_us / self.floor_us


def measure(source: Source, rounds: int = ROUNDS, records: int = RECORDS) -> Measured:
    """Measure one source against its floor, round by round in turns; the best round of each counts."""
    given = [record for record in samples(source.name) if not isinstance(source.parse(record), ParseError)]
    many = (given * records)[:records]
    best_parse = best_floor = float("inf")
    for _ in range(rounds):
        best_floor = min(best_floor, _seconds(_floor, many))
        best_parse = min(best_parse, _seconds(source.parse, many))
    size = round(sum(len(record.raw) for record in many) / len(many))
    return Measured(source.name, size, best_parse / len(many) * 1e6, best_floor / len(many) * 1e6)


def _seconds(work: Callable[[RawRecord], object], records: list[RawRecord]) -> float:
    began = time.perf_counter()
    for record in records:
        work(record)
    return time.perf_counter() - began


def _floor(record: RawRecord) -> object:
    try:
        return decode_json(record) if record.raw[:1] == b"{" else record.raw.decode(), sha256(record.raw).hexdigest()
    except (Unparseable, orjson.JSONDecodeError):
        return record.raw.decode()


def measure_all(rounds: int = ROUNDS, records: int = RECORDS) -> Iterator[Measured]:
    """Measure every source, in the order of their names."""
    for name in track(sorted(SOURCES), "measuring", console=Console(stderr=True), transient=True):
        yield measure(SOURCES[name], rounds, records)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--rounds", default=ROUNDS, show_default=True, help="The best of so many rounds counts.")
def main(*, as_json: bool, rounds: int) -> None:
    """Print what a record of each source takes."""
    found = list(measure_all(rounds))
    if as_json:
        rows = [asdict(one) | {"events_per_second": one.events_per_second, "ratio": one.ratio} for one in found]
        json.dump(rows, sys.stdout, indent=2)
        return
    table = Table("source", "bytes", "us/event", "events/s", "us to decode and hash", "ratio")
    for one in sorted(found, key=lambda one: one.parse_us):
        numbers = (
            one.record_bytes,
            f"{one.parse_us:.1f}",
            one.events_per_second,
            f"{one.floor_us:.1f}",
            f"{one.ratio:.1f}",
        )
        table.add_row(one.source, *map(str, numbers))
    Console().print(table)


if __name__ == "__main__":
    main()
