"""How fast rules are matched: `make bench-detect`, or `python -m tests.benchmarks.detect RULES LABEL=PATH...`.

Every file of a path gives a stretch of its records, up to the bound; its first half is met by a detector that knows
nothing yet (`first`, plans made on the way included), the second half by the same detector then (`on`: other events of
the same machines), and that half once more (`again`: all values met before). Evaluating every rule in turn
is measured on a sample of the same events in the same run, and so is the command line of RSigma, if it is installed, on
the same records: NDJSON with the fields that rules look at and the log source, which both get to decode.
"""

from __future__ import annotations

import gc
import os
import resource
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.event import Event, LogSource
from models.records import Coordinates, DeadLetter, RawRecord
from streams.cli.output import print_json
from streams.detect.engine import Detector
from streams.detect.rule import DetectionRule
from streams.replay.inputs import find_inputs, read_file
from streams.rulebook import load_rulebook
from streams.sources.base import Source
from tests.benchmarks.rsigma import KEYS, RSigma

EVENTS = 60_000
EVERY_RULE_EVENTS = 300
RSIGMA_LINES = 50_000
PARTS = (300, 1000, 3141)
AT = Coordinates("benchmark", 0, 0)
Sourced = tuple[Source, RawRecord]


@dataclass(slots=True)
class Measured:
    """One kind of telemetry; times are microseconds per event, of this process.

    Attributes:
        label: What it is.
        events: How many events were measured, half of them first, half of them after that.
        mean_bytes: Mean length of their JSON.
        json_us: Decode the JSON.
        first_us: Match, met for the first time.
        on_us: Match, other events later on.
        again_us: Match, the same events again.
        held_mb: What the detector remembers of values, an estimate.
        whole_us: From the raw record to the OCSF event and its matches, later on.
        every_us: Evaluate every rule of the log source in turn.
        rsigma_us: RSigma, JSON decoded, less its start. 0 when it is not installed.
        matches: How many matches there were.
        rsigma_matches: How many RSigma found.
        differing: Rules, and how many more matches (fewer: negative) RSigma found for them.
        by_rules: Microseconds per event (on) for so many rules.
    """

    label: str
    events: int = 0
    mean_bytes: int = 0
    json_us: float = 0.0
    first_us: float = 0.0
    on_us: float = 0.0
    again_us: float = 0.0
    held_mb: float = 0.0
    whole_us: float = 0.0
    every_us: float = 0.0
    rsigma_us: float = 0.0
    matches: int = 0
    rsigma_matches: int = 0
    differing: dict[str, int] = field(default_factory=dict)
    by_rules: dict[int, float] = field(default_factory=dict)


def records_of(path: Path, most: int) -> list[list[Sourced]]:
    """Return a stretch of records of each file of a path."""
    files = find_inputs([path]).files
    each = max(2, most // len(files))
    found = []
    for file in track(files, f"reading {path.name}", transient=True):
        items = (item for item in read_file(file, None) if not isinstance(item, DeadLetter))
        known = ((source, record) for source, record in items if source is not None)
        found.append(list(islice(known, each)))
    return found


def lines_of(records: Iterable[Sourced]) -> Iterator[bytes]:
    """Yield each event's native fields with its log source as a line of JSON."""
    for source, record in records:
        parsed = source.parse_all(record)
        for event in parsed if isinstance(parsed, tuple) else ():
            names = (event.logsource.product, event.logsource.service or "none", _category(event.logsource))
            yield orjson.dumps({**event.native, **dict(zip(KEYS, names, strict=True))})


def _category(logsource: LogSource) -> str:
    return logsource.categories[-1] if logsource.categories else "none"


_LOGSOURCES: dict[tuple[str, str, str], LogSource] = {}


def event_of(line: bytes) -> Event:
    """Decode a line back to an event, as far as the rules look at it."""
    native = orjson.loads(line)
    names = native.pop(KEYS[0]), native.pop(KEYS[1]), native.pop(KEYS[2])
    logsource = _LOGSOURCES.get(names)
    if logsource is None:
        product, service, category = names
        own = LogSource(product, "" if service == "none" else service, () if category == "none" else (category,))
        logsource = _LOGSOURCES[names] = own
    return Event("", 0, "", logsource, native, {"class_uid": 0}, AT, "")


def seconds(work: Callable[[Any], object], items: Iterable[Any]) -> float:
    """Return the CPU seconds of this process for some work."""
    began = time.process_time()
    for item in items:
        work(item)
    return time.process_time() - began


def measure(label: str, path: Path, rules: Sequence[DetectionRule], most: int, rsigma: RSigma | None) -> Measured:
    """Measure one kind of telemetry."""
    stretches = records_of(path, most)
    halves = [
        [item for stretch in stretches for item in stretch[: (len(stretch) + 1) // 2]],
        [item for stretch in stretches for item in stretch[(len(stretch) + 1) // 2 :]],
    ]
    first, later = (list(lines_of(half)) for half in halves)
    found = Measured(label, len(first) + len(later))
    found.mean_bytes = round(sum(map(len, (*first, *later))) / found.events)
    _alone(found, rules, first, later)
    _beside_every_rule(found, rules, later)
    for count in PARTS:
        part = rules[:: max(1, len(rules) // count)][:count]
        match = partial(_match, Detector(part))
        seconds(match, first)
        found.by_rules[len(part)] = _us(seconds(match, later), later) - found.json_us
    _whole(found, rules, halves)
    if rsigma is not None:
        _beside_rsigma(found, rules, [*first, *later], rsigma)
    return found


def _us(spent: float, items: Sequence[object]) -> float:
    return spent / max(1, len(items)) * 1e6


def _match(detector: Detector, line: bytes) -> int:
    return len(detector.match(event_of(line)).matches)


def _alone(found: Measured, rules: Sequence[DetectionRule], first: list[bytes], later: list[bytes]) -> None:
    seconds(event_of, first)
    found.json_us = _us(seconds(event_of, [*first, *later]), [*first, *later])
    detector = Detector(rules)
    match = partial(_match, detector)
    found.first_us, found.on_us, found.again_us = (
        _us(seconds(match, lines), lines) - found.json_us for lines in (first, later, later)
    )
    found.matches = sum(map(match, first)) + sum(map(match, later))
    found.held_mb = detector.held_bytes / 1e6


def _beside_every_rule(found: Measured, rules: Sequence[DetectionRule], later: list[bytes]) -> None:
    sample = later[:: max(1, len(later) // EVERY_RULE_EVENTS)]
    detector = Detector(rules)
    events = [event_of(line) for line in sample]
    found.every_us = _us(seconds(detector.match_every, events), events)


def _whole(found: Measured, rules: Sequence[DetectionRule], halves: list[list[Sourced]]) -> None:
    detector = Detector(rules)

    def ingest(item: Sourced) -> None:
        parsed = item[0].parse_all(item[1])
        for event in parsed if isinstance(parsed, tuple) else ():
            detector.match(event)

    seconds(ingest, halves[0])
    found.whole_us = _us(seconds(ingest, halves[1]), halves[1])


def _beside_rsigma(found: Measured, rules: Sequence[DetectionRule], lines: list[bytes], rsigma: RSigma) -> None:
    times = max(1, RSIGMA_LINES // len(lines))  # so few that its start would drown them are given several times
    spent, theirs = rsigma.run((b"\n".join(lines) + b"\n") * times)
    theirs = Counter({uid: count // times for uid, count in theirs.items()})
    detector = Detector(rules)
    ours = Counter(match.rule.uid for line in lines for match in detector.match(event_of(line)).matches)
    titles = {rule.uid: rule.title for rule in rules}
    found.rsigma_us = _us(spent - rsigma.start_s, lines) / times
    found.rsigma_matches = theirs.total()
    found.differing = {
        titles.get(uid, uid): theirs[uid] - ours[uid] for uid in sorted({*ours, *theirs}) if ours[uid] != theirs[uid]
    }


def _resident_mb() -> float:
    with Path("/proc/self/statm").open() as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 1e6


@click.command()
@click.argument("rules", type=click.Path(exists=True, path_type=Path))
@click.argument("telemetry", nargs=-1, required=True)
@click.option("--events", default=EVENTS, show_default=True, help="Most events of each kind.")
@click.option(
    "--rsigma", default="rsigma", show_default=True, help="The command of RSigma; left out when there is none."
)
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def main(rules: Path, telemetry: tuple[str, ...], *, events: int, rsigma: str, as_json: bool) -> None:
    """Measure matching on recorded telemetry: RULES is a rule folder, TELEMETRY is LABEL=PATH, one or more."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # one core, for us and for what we start
    before = _resident_mb()
    began = time.perf_counter()
    book = load_rulebook([rules])
    loaded_s, loaded_mb = time.perf_counter() - began, _resident_mb() - before
    gc.collect()
    gc.freeze()
    command = shutil.which(rsigma)
    beside = RSigma(command, rules) if command else None
    found = []
    for given in telemetry:
        label, _, path = given.partition("=")
        found.append(measure(label, Path(path), book.detections, events, beside))
    about = {
        "rules": len(book.detections),
        "load_s": round(loaded_s, 2),
        "rules_mb": round(loaded_mb),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        "rsigma": beside.version if beside else "not installed",
        "rsigma_load_s": round(beside.start_s, 2) if beside else 0,
    }
    if as_json:
        print_json({**about, "telemetry": [asdict(one) for one in found]})
        return
    console = Console(width=150)
    console.print(", ".join(f"{name} {value}" for name, value in about.items()))
    for table in (_parts(found), _beside(found), _growth(found)):
        console.print(table)
    for one in found:
        for title, more in one.differing.items():
            console.print(f"{one.label}: RSigma found {more:+} of {title}")


def _parts(found: list[Measured]) -> Table:
    times = ("JSON us", "first us", "on us", "again us", "whole us")
    table = Table(
        "telemetry", "events", "bytes", *times, "events/s on", "with JSON", "held MB", title="Matching, by part"
    )
    for one in found:
        spent = (one.json_us, one.first_us, one.on_us, one.again_us, one.whole_us)
        a_second = 1e6 / one.on_us, 1e6 / (one.on_us + one.json_us)
        numbers = (*(f"{us:.1f}" for us in spent), *(f"{rate:,.0f}" for rate in a_second))
        table.add_row(one.label, f"{one.events:,}", f"{one.mean_bytes:,}", *numbers, f"{one.held_mb:.1f}")
    return table


def _beside(found: list[Measured]) -> Table:
    ours = ("Braid first us", "Braid on us", "matches")
    table = Table(
        "telemetry", "every rule us", "ratio", "RSigma us", *ours, "RSigma's", title="Beside others, with JSON"
    )
    for one in found:
        spent = (one.rsigma_us, one.json_us + one.first_us, one.json_us + one.on_us)
        numbers = (f"{one.every_us:,.0f}", f"{one.every_us / one.on_us:,.0f}", *(f"{us:.1f}" for us in spent))
        table.add_row(one.label, *numbers, f"{one.matches:,}", f"{one.rsigma_matches:,}")
    return table


def _growth(found: list[Measured]) -> Table:
    counts = [f"{count} rules" for count in found[0].by_rules]
    table = Table("telemetry", *counts, title="Microseconds per event (on) by number of rules")
    for one in found:
        table.add_row(one.label, *(f"{us:.1f}" for us in one.by_rules.values()))
    return table


if __name__ == "__main__":
    sys.exit(main())
