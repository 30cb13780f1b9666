"""The profile worker: the pure stage of `streams.profile` on Faust, one state value per key in a plain table.

Records come in bundles of one partition. For a bundle everything is worked out in memory; then its outputs are produced
and acknowledged, then each changed state is written once, ledgers first, then (later, by Faust) the offset is
committed. So a crash can repeat a signal, under the same uid, and never lose one; and what is learned twice from the
input is learned once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import faust

from models.errors import InvalidRecord
from models.finding import Signal
from streams import wire
from streams.config import Settings
from streams.correlate.routing import Router
from streams.profile import messages
from streams.profile.configured import profile_settings
from streams.profile.engine import Profiler
from streams.profile.messages import Deltas, Item, Reports, Ticks
from streams.profile.outputs import Closed, Evicted, Late, Output, Raised, Relearned, Told, Vanished, Withheld
from streams.profile.partition import OWN_KEYS, Partition
from streams.rulebook import Rulebook
from streams.stage import freeze_heap
from streams.topics import FEATURES, partition_for
from streams.workers.app import attach, keyed_app, make_folder, run_app
from streams.workers.clients import LOG, Stop, keyed_partitions
from streams.workers.health import Health
from streams.workers.reload import Reloader
from streams.workers.sending import Sender

APP: Final = "braid-profile"
TABLE: Final = "state"
COUNTED: Final[Mapping[type, str]] = {
    Raised: "anomalies",
    Withheld: "withheld",
    Late: "late",
    Vanished: "vanished",
    Relearned: "relearned",
}


class Profiling:
    """All partitions of one worker process."""

    def __init__(self, app: faust.App, settings: Settings, health: Health, partitions: int) -> None:
        self.rules: Reloader[Router] = Reloader(settings, health, _router)
        self._router = self.rules.load().made
        self._sender = Sender(app, "profile", settings.topic_prefix, partitions, health)
        self._health = health
        self._partitions = partitions
        self._profiler = Profiler(profile_settings(settings, partitions))
        self.table: Any = app.Table(TABLE, key_type=bytes, value_type=bytes, partitions=partitions)
        self._held: set[int] = set()
        self._open: dict[int, Partition] = {}

    def hold(self, partitions: set[int]) -> None:
        """Note the partitions that this worker has now: what was remembered is read anew."""
        self._held = partitions
        self._open.clear()

    def forget(self, partitions: set[int]) -> None:
        """Drop what is remembered of partitions that other workers have now."""
        for partition in partitions:
            self._open.pop(partition, None)

    async def take(self, records: Sequence[Any]) -> None:
        """Take a bundle of records of one partition."""
        loaded = self.rules.take()
        if loaded is not None:
            self._router = loaded.made
        held = self._of(records[0].partition)
        for record in records:
            try:
                item = messages.read(record.value or b"", record.headers)
            except (InvalidRecord, ValueError) as error:
                await self._sender.dead(record, str(error))
            else:
                self._take(held, item, record)
        outputs = held.outputs()
        for sent in self._messages(outputs):  # what the last say is true once the others are there
            await self._sender.send(sent)
        for key, value in held.changes():
            if value is None:
                self.table.pop(key, None)
            else:
                self.table[key] = value
        self._tell(held, outputs)

    def _take(self, held: Partition, item: Item, record: Any) -> None:
        if isinstance(item, Deltas):
            held.take_deltas(item.deltas, record.offset, record.timestamp)
            self._health.add(deltas=len(item.deltas))
        elif isinstance(item, Reports):
            held.take_reports(item.reports)
            self._health.add(reports=len(item.reports))
        elif isinstance(item, Ticks):
            held.take_ticks(item.ticks)
        else:
            held.take_closed(item)

    def _of(self, partition: int) -> Partition:
        """Return a partition; when any is new here, the table is read once for all that are."""
        if partition not in self._open:
            fresh = {number: list[bytes]() for number in self._held | {partition} if number not in self._open}
            for key in self.table:
                at = -1 if key.startswith(OWN_KEYS) else partition_for(key, self._partitions)
                if at in fresh:
                    fresh[at].append(key)
            for number, keys in fresh.items():
                self._open[number] = Partition(self._profiler, number, self._partitions, self.table, keys)
        return self._open[partition]

    def _messages(self, outputs: Iterable[Output]) -> Iterator[Iterable[wire.Message]]:
        """Yield what goes to Kafka: signals and reports, and then how far the partition has closed."""
        reports = messages.report_messages((out.report for out in outputs if isinstance(out, Told)), self._partitions)
        yield chain(self._signals(out.signal for out in outputs if isinstance(out, Raised)), reports)
        closed = [out for out in outputs if isinstance(out, Closed)]
        yield messages.closed_messages(closed[-1], self._partitions) if closed else ()

    def _signals(self, signals: Iterable[Signal]) -> Iterator[wire.Message]:
        for signal in signals:
            routes = self._router.routes(signal)
            self._health.add(signal_copies_dropped=routes.dropped)
            yield from (wire.signal_message(signal, key, "profile") for key in routes.keys)

    def _tell(self, held: Partition, outputs: Iterable[Output]) -> None:
        """Report what came out, in the health endpoint and, where something was lost, in the log."""
        for out in outputs:
            if isinstance(out, Relearned):
                LOG.error("what was learned of %r is unreadable and begins anew: %s", out.key, out.reason)
        counts = Counter(COUNTED[type(out)] for out in outputs if type(out) in COUNTED)
        counts["evicted"] += sum(out.count for out in outputs if isinstance(out, Evicted))
        self._health.add(**counts)
        entities = sum(one.entities for one in self._open.values())
        open_minutes = sum(one.open_minutes for one in self._open.values())
        silent = list(held.marks.silent)
        self._health.set(entities=entities, open_minutes=open_minutes, silent_sources=silent)


def _router(rulebook: Rulebook) -> Router:
    made = Router(rulebook.correlations)
    freeze_heap()
    return made


def build_app(settings: Settings, health: Health, partitions: int) -> faust.App:
    """Make the Faust app of one profile worker; `partitions` is how many `features` has."""
    app = keyed_app(settings, APP)
    profiling = Profiling(app, settings, health, partitions)
    profiling.rules.start()
    attach(app, profiling, [settings.topic_prefix + FEATURES.name], health)
    return app


def run(settings: Settings, health: Health, stop: Stop) -> None:
    """Run the worker; Faust takes SIGTERM and SIGINT over and ends in good order."""
    make_folder(settings.data_dir)
    app = build_app(settings, health, keyed_partitions(settings, stop))
    run_app(app, settings, stop)
