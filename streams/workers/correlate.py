"""The correlate worker: the pure core of `streams.correlate` as a keyed worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

import faust

from models.entity import EntityLink
from models.errors import InvalidRecord
from models.finding import SequenceClosed, Signal
from models.finding_ocsf import signal_from_ocsf
from models.ocsf import decode
from streams import wire
from streams.config import Settings
from streams.correlate.due import Deadlines
from streams.correlate.engine import ALL_SOURCES, Correlator
from streams.correlate.outputs import Evicted, Forward, Item, Late, Output, Published, latest
from streams.correlate.state import KeyState, decode_state, encode_state, read_stamped, stamped
from streams.correlate.watermark import Tick, Watermarks, ticks_from_json
from streams.rulebook import Rulebook
from streams.stage import freeze_heap
from streams.topics import partition_for
from streams.workers.app import attach, keyed_app, make_folder, run_app
from streams.workers.clients import Stop, keyed_partitions
from streams.workers.health import Health
from streams.workers.keyed import Keyed
from streams.workers.reload import Reloader

APP: Final = "braid-correlate"
LINKS: Final = "entity-links"


class Correlation:
    """The correlation core as the stage of a keyed worker, with rules that are loaded anew."""

    name: Final = "correlate"

    def __init__(self, settings: Settings, health: Health, partitions: int) -> None:
        self.rules: Reloader[Correlator] = Reloader(settings, health, partial(_correlator, settings))
        self._correlator = self.rules.load().made
        self._partitions = partitions
        self._reckon = False  # whether states may have been stored under other correlations than those in force

    def renew(self) -> bool:
        """Take new correlations where there are some: what is due follows from them."""
        loaded = self.rules.take()
        if loaded is None or loaded.made.specs == self._correlator.specs:
            return False
        self._correlator = loaded.made
        self._reckon = True
        return True

    def read(self, topic: str, record: Any) -> Item | tuple[Tick, ...]:
        """Read a signal, that one no longer stands, ticks, or a link; raise InvalidRecord when it is none."""
        data = record.value or b""
        if topic == LINKS:  # what Braid observes comes among the signals, which gives both one order
            return () if wire.is_own(record.headers) else wire.link_from_json(data)
        kind = dict(record.headers).get(wire.TYPE_HEADER)
        if kind == wire.LINK.encode():
            return wire.link_from_json(data)
        if kind == wire.TICK.encode():
            return ticks_from_json(decode(data))
        if kind == wire.WITHDRAWN.encode():
            return wire.withdrawn_from_json(data)
        return signal_from_ocsf(decode(data))

    def keys(self, item: Item, record: Any) -> Iterable[bytes]:
        """Return the state keys an item concerns: a link of others, those of its ends that live on this partition."""
        if not record.topic.endswith(LINKS):
            return [record.key or b""]
        assert isinstance(item, EntityLink)  # noqa: S101  # nothing else is read from that topic
        ends = [str(item.left).encode(), str(item.right).encode()]
        return [end for end in ends if partition_for(end, self._partitions) == record.partition]

    def step(
        self, key: bytes, state: KeyState | None, item: Item | None, marks: Watermarks
    ) -> tuple[KeyState | None, Sequence[Output]]:
        """Step one key."""
        before = state or KeyState()
        after, outputs = self._correlator.step(key.decode(), before, item, marks.effective, marks)
        if after is before:
            return state, outputs
        return (None if after.empty else after), outputs

    def deadlines(self, key: bytes, state: KeyState, marks: Watermarks) -> Deadlines:
        """Return when the state of a key needs a step."""
        return self._correlator.deadlines(key.decode(), state, marks)

    def encode(self, state: KeyState, deadlines: Deadlines) -> bytes:
        """Write a state, its earliest deadline before it."""
        return stamped(encode_state(state), min(deadlines.values()))

    def decode(self, data: bytes) -> KeyState:
        """Read a state."""
        return decode_state(read_stamped(data)[1])

    def stored_deadlines(self, key: bytes, data: bytes) -> Deadlines:
        """Return when a state that was read back needs a step; under other rules than it was stored by, reckon anew."""
        try:
            if self._reckon:
                return self._correlator.deadlines(key.decode(), self.decode(data))
            return {ALL_SOURCES: read_stamped(data)[0]}
        except InvalidRecord:
            return {ALL_SOURCES: 0}  # the step finds out, tells of it and starts anew

    def messages(self, outputs: Sequence[Output]) -> Iterable[wire.Message]:
        """Return what goes to Kafka, of each sequence the last revision."""
        return chain.from_iterable(map(_messages, latest(outputs)))

    def counts(self, items: Sequence[Item], outputs: Sequence[Output]) -> Mapping[str, int]:
        """Count items and outputs by kind."""
        told = [out.item for out in outputs if isinstance(out, Forward) and isinstance(out.item, EntityLink)]
        return {
            "links": sum(isinstance(item, EntityLink) for item in items),
            "signals": sum(isinstance(item, Signal) for item in items),
            "sequences": sum(isinstance(out, Published) for out in outputs),
            "closed": sum(isinstance(out, SequenceClosed) for out in outputs),
            "forwards": sum(isinstance(out, Forward) for out in outputs),
            "shared_links": sum(link.is_shared for link in told),
            "derived_links": sum(not link.is_shared for link in told),
            "late": sum(isinstance(out, Late) for out in outputs),
            "signals_folded": sum(out.count for out in outputs if isinstance(out, Evicted)),
        }


def _correlator(settings: Settings, rulebook: Rulebook) -> Correlator:
    made = Correlator(rulebook.correlations, settings.flood_limit, settings.link_fanout)
    freeze_heap()
    return made


def _messages(output: Output) -> Iterable[wire.Message]:
    if isinstance(output, Published):
        return (wire.sequence_message(output),)
    if isinstance(output, SequenceClosed):
        return (wire.closed_message(output),)
    if isinstance(output, Forward):
        return wire.forward_messages(output)
    if isinstance(output, Late):
        return (wire.late_message(output),)
    return ()


def build_app(settings: Settings, health: Health, partitions: int) -> faust.App:
    """Make the Faust app of one correlate worker; `partitions` is how many `signals` has."""
    app = keyed_app(settings, APP)
    stage = Correlation(settings, health, partitions)
    stage.rules.start()
    keyed = Keyed[Item, KeyState, Output](app, stage, settings, health, partitions)
    attach(app, keyed, [settings.topic_prefix + name for name in ("signals", LINKS)], health)
    return app


def run(settings: Settings, health: Health, stop: Stop) -> None:
    """Run the worker; Faust takes SIGTERM and SIGINT over and ends in good order."""
    make_folder(settings.data_dir)
    app = build_app(settings, health, keyed_partitions(settings, stop))
    run_app(app, settings, stop)
