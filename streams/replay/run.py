"""One replay from files to verdicts.

Events are read in the order of the files; signals and links are then played in event time, so that how the input was
cut into files, and in which order these were named, shows in no sequence and no verdict. Memory grows with signals, not
with events: those go to disk and come back through the lake that the investigation reads.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from agents.investigation import Investigation, Investigator
from models import ocsf
from models.action_ocsf import action_to_ocsf
from models.entity import EntityLink
from models.errors import ConfigError
from models.finding import Sequence, Signal
from models.finding_ocsf import sequence_to_ocsf, signal_to_ocsf
from models.records import Coordinates, DeadLetter
from models.uids import sha256_hex
from models.verdict_ocsf import verdict_to_ocsf
from streams import lake
from streams.clockcheck import ClockCheck, WrongClock
from streams.correlate.outputs import Forward, Late
from streams.deadletter import dead_letter_to_json
from streams.flood import Folds, Keyed
from streams.ingest import Ingested, Routed
from streams.lake_store import LakeStore
from streams.replay.anomalies import Anomalies
from streams.replay.deltas import Deltas
from streams.replay.inputs import Sourced
from streams.replay.outputs import NAMES, SUMMARY, SortedLines, write_lines, write_summary
from streams.replay.timeline import Timed, Timeline
from streams.stage import Stages
from streams.wire import link_to_json

LAKE_BATCH: Final = 10_000
TELL_EVERY: Final = 1000


@dataclass(slots=True)
class Replayed:
    """What a replay found.

    Attributes:
        signals: Distinct signals in order of time and uid.
        sequences: Sequences that stand in the end, in order of start and uid.
        investigations: One for each escalated sequence, in the same order.
        late: Signals behind the watermark.
        counts: How much of everything.
        by_source: Events by source.
        by_rule: Signals by the title of the rule.
        clocks: Clocks that are wrong, by the records themselves.
    """

    signals: list[Signal] = field(default_factory=list)
    sequences: list[Sequence] = field(default_factory=list)
    investigations: list[Investigation] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    by_source: Counter[str] = field(default_factory=Counter)
    by_rule: Counter[str] = field(default_factory=Counter)
    clocks: tuple[WrongClock, ...] = ()

    def summary(self, left_out: Iterable[tuple[Path, str]]) -> dict[str, Any]:
        """Render for `summary.json`, every map sorted: two runs give the same bytes."""
        return {
            "counts": {name: self.counts[name] for name in sorted({*self.counts, *NAMES})},
            "events_by_source": dict(sorted(self.by_source.items())),
            "signals_by_rule": dict(sorted(self.by_rule.items())),
            "escalated": [
                {"sequence": i.verdict.sequence_uid, "verdict": i.verdict.uid, "group": i.verdict.group}
                for i in self.investigations
            ],
            "clocks": [{**asdict(clock), "setting": clock.setting} for clock in self.clocks],
            "left_out": {str(path): reason for path, reason in left_out},
        }


class Replay:
    """Play records through all stages. Use once."""

    def __init__(self, stages: Stages, investigator: Investigator, out: Path | None) -> None:
        """Prepare.

        Args:
            stages: The compiled stages.
            investigator: Judges escalated sequences.
            out: Directory for the output files, made when missing; None writes none.
        """
        self._stages = stages
        self._investigator = investigator
        self._out = out
        self._found = Replayed()
        self._events = SortedLines()
        self._dead = SortedLines()
        self._clocks = ClockCheck()
        self._links: dict[str, tuple[int, EntityLink]] = {}
        self._folds = Folds(stages.correlator.flood_limit)
        self._copies: list[Keyed] = []
        self._deltas = Deltas()

    def run(
        self, records: Iterable[Sourced | DeadLetter], left_out: Iterable[tuple[Path, str]], tell: Callable[[int], None]
    ) -> Replayed:
        """Run all stages.

        Args:
            records: Raw records with their source, and what could not be cut into records.
            left_out: Files that were not read, for the summary.
            tell: Called with the number of records read so far, now and then.

        Raises:
            ConfigError: When the directory for the output cannot be made, or a file cannot be read.
        """
        try:
            if self._out:
                _make(self._out)
            self._play(records, tell)
            if self._out:
                self._write(self._out, left_out)
        finally:
            self._events.close()
            self._dead.close()
            self._deltas.close()
        return self._found

    def _play(self, records: Iterable[Sourced | DeadLetter], tell: Callable[[int], None]) -> None:
        with tempfile.TemporaryDirectory(prefix="braid-replay-") as scratch:
            writer = lake.LakeWriter(Path(scratch))
            self._ingest(records, writer, tell)
            self._found.clocks = self._clocks.found()
            self._profile()
            self._copies = sorted(self._folds.parts(), key=lambda copy: (copy[0].time, copy[0].uid, copy[1]))
            self._found.signals = list({signal.uid: signal for signal, _ in self._copies}.values())
            self._archive_signals(writer)
            self._correlate()
            self._investigate(LakeStore(Path(scratch)))

    def _ingest(
        self, records: Iterable[Sourced | DeadLetter], writer: lake.LakeWriter, tell: Callable[[int], None]
    ) -> None:
        rows: list[lake.LakeRow] = []
        for number, item in enumerate(records, 1):
            if isinstance(item, DeadLetter):
                self._add_dead(item)
            else:
                for result in self._stages.ingest.process(*item):
                    rows.extend(self._take(result))
            if len(rows) >= LAKE_BATCH:
                writer.write(lake.EVENTS, rows)
                rows.clear()
            if number % TELL_EVERY == 0:
                tell(number)
            self._found.counts["records"] = number
        writer.write(lake.EVENTS, rows)

    def _take(self, result: Ingested) -> Iterator[lake.LakeRow]:
        for letter in result.dead:
            self._add_dead(letter)
        event = result.event
        if event is None:
            return
        if event.uid in self._events:
            self._found.counts["duplicates"] += 1
            return
        if result.failed:
            self._found.counts["enrichment_failures"] += len(result.failed)
        self._clocks.observe(event)
        record = ocsf.encode(event.ocsf)
        self._events.add(event.time, event.uid, record)
        self._found.by_source[event.source] += 1
        self._deltas.add(event)
        for routed in result.signals:
            self._route(routed)
        for link in result.links:
            at, _ = self._links.get(link.uid, (event.time, link))
            self._links[link.uid] = min((at, link), (event.time, link), key=lambda seen: (seen[0], seen[1].evidence))
        yield lake.event_row(event, record)

    def _route(self, routed: Routed) -> None:
        self._found.counts["signal_copies_dropped"] += routed.routes.dropped
        for key in routed.routes.keys:
            self._folds.add(routed.signal, key)

    def _profile(self) -> None:
        """Find anomalies; they join the other signals."""
        anomalies = Anomalies(self._stages.profiler)
        anomalies.play(self._deltas.by_minute())
        self._found.counts.update(anomalies.counts)
        for signal in anomalies.signals:
            self._route(Routed(signal, self._stages.correlator.router.routes(signal)))

    def _add_dead(self, letter: DeadLetter) -> None:
        at = letter.record.at
        what = f"{letter.stage}\x00{sorted(letter.details.items())}\x00{sha256_hex(letter.record.raw)}"
        uid = f"{at.topic}\x00{at.offset:020d}\x00{what}"  # a line may hold several records
        self._dead.add(0, uid, ocsf.encode(dead_letter_to_json(letter)))

    def _archive_signals(self, writer: lake.LakeWriter) -> None:
        rows = [
            lake.row_of(lake.SIGNALS, ocsf.encode(signal_to_ocsf(signal)), Coordinates("signals.ndjson", 0, line))
            for line, signal in enumerate(self._found.signals, 1)
        ]
        writer.write(lake.SIGNALS, rows)
        self._found.by_rule.update(signal.analytic.name for signal in self._found.signals)

    def _correlate(self) -> None:
        timeline = Timeline(self._stages.correlator)
        items: list[Timed] = [(signal.time, Forward(key, signal)) for signal, key in self._copies]
        items += self._links.values()
        timeline.play(sorted(items, key=lambda item: (item[0], item[1].uid)))
        self._found.sequences = sorted(timeline.standing.values(), key=lambda s: (s.start_time, s.uid))
        self._found.late = timeline.late
        self._found.counts["signals_folded"] = timeline.folded
        told = timeline.told_links
        self._found.counts["shared_links"] = sum(link.is_shared and not link.is_derived for link in told.values())
        self._found.counts["derived_links"] = sum(link.is_derived for link in told.values())
        self._links.update((uid, (link.valid_from, link)) for uid, link in told.items())

    async def _judge(self, store: LakeStore) -> None:
        """Judge one sequence after the other: what each may spend depends on those before."""
        for sequence in self._found.sequences:
            if sequence.is_alert:
                self._found.investigations.append(await self._investigator.judge(sequence, store))

    def _investigate(self, store: LakeStore) -> None:
        asyncio.run(self._judge(store))
        found = self._found
        found.counts.update(
            {
                "events": len(self._events),
                "signals": len(found.signals),
                "links": len(self._links),
                "sequences": len(found.sequences),
                "escalated": len(found.investigations),
                "verdicts": len(found.investigations),
                "actions": sum(len(i.actions) for i in found.investigations),
                "dead-letter": len(self._dead),
                "late": len(found.late),
            }
        )

    def _write(self, out: Path, left_out: Iterable[tuple[Path, str]]) -> None:
        found = self._found
        self._events.write(out / "events.ndjson")
        self._dead.write(out / "dead-letter.ndjson")
        write_lines(out / "signals.ndjson", (signal_to_ocsf(signal) for signal in found.signals))
        write_lines(out / "sequences.ndjson", (sequence_to_ocsf(sequence) for sequence in found.sequences))
        write_lines(out / "verdicts.ndjson", (verdict_to_ocsf(i.verdict) for i in found.investigations))
        write_lines(out / "actions.ndjson", (action_to_ocsf(a) for i in found.investigations for a in i.actions))
        write_lines(out / "late.ndjson", (signal_to_ocsf(late.signal) for late in found.late))
        links = sorted((link for _, link in self._links.values()), key=lambda link: (link.valid_from, link.uid))
        write_lines(out / "links.ndjson", map(link_to_json, links))
        write_summary(out / SUMMARY, found.summary(left_out))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made: {error.strerror or error}") from error
