"""The correlate worker: the pure core of `streams.correlate` on Faust, one state value per key in a plain table.

For every record: outputs are produced and acknowledged first, then the new state is written, then (later, by Faust)
the offset is committed. So a crash can repeat an output, under the same uid and revision, and never lose one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import faust
import orjson
from yarl import URL

from models.entity import EntityLink
from models.errors import ConfigError, InvalidRecord
from models.finding import SequenceClosed, Signal
from models.finding_ocsf import signal_from_ocsf
from models.ocsf import decode
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from streams import wire
from streams.config import Settings
from streams.correlate.due import Due
from streams.correlate.engine import ALL_SOURCES, Correlator
from streams.correlate.outputs import Evicted, Forward, Item, Late, Output, Published
from streams.correlate.state import KeyState, decode_state, encode_state, read_stamped, stamped
from streams.correlate.watermark import Tick, Watermarks, ticks_from_json
from streams.rulebook import Rulebook
from streams.stage import freeze_heap
from streams.topics import partition_for
from streams.workers.clients import LOG, Stop, keyed_partitions
from streams.workers.committed import CommittedTransport
from streams.workers.health import Health
from streams.workers.reload import Reloader

APP: Final = "braid-correlate"
TABLE: Final = "state"
WATERMARKS_KEY: Final = b"\x00watermarks"  # no group key begins with a zero byte
READ_KEY: Final = b"\x00read"
OWN_KEYS: Final = b"\x00"
CACHED_STATES: Final = 10_000


class Correlation:
    """All partitions of one worker process: states, watermarks, deadlines."""

    def __init__(self, app: faust.App, settings: Settings, health: Health, partitions: int) -> None:
        self.rules: Reloader[Correlator] = Reloader(settings, health, partial(_correlator, settings))
        self._correlator = self.rules.load().made
        self._health = health
        self._prefix = settings.topic_prefix
        self._partitions = partitions
        self._app = app
        self.table: Any = app.Table(TABLE, key_type=bytes, value_type=bytes, partitions=self._partitions)
        self._topics: dict[str, Any] = {}
        self._cache: dict[bytes, tuple[bytes, KeyState]] = {}
        self._due: dict[int, Due[bytes]] = {}
        self._held: set[int] = set()
        self._reckon = False  # whether states may have been stored under other correlations than those in force
        self._marks: dict[int, tuple[bytes, Watermarks]] = {}
        self._read: dict[int, dict[str, tuple[int, float]]] = {}

    def hold(self, partitions: set[int]) -> None:
        """Note the partitions that this worker has now."""
        self._held = partitions

    def forget(self, partitions: set[int]) -> None:
        """Drop what is remembered of partitions that other workers have now."""
        for partition in partitions:
            self._due.pop(partition, None)
            self._marks.pop(partition, None)
            self._read.pop(partition, None)
        self._cache.clear()

    def _renew(self) -> None:
        """Take new correlations where there are some. Between two records: no step is under way."""
        loaded = self.rules.take()
        if loaded is not None and loaded.made.specs != self._correlator.specs:
            self._correlator = loaded.made
            self._due.clear()  # what is due follows from the correlations, and is worked out anew
            self._reckon = True

    async def take(self, event: Any) -> None:
        """Take one record of `signals` or `entity-links`."""
        self._renew()
        message = event.message
        read = self._read_of(message.partition)
        offset, stamp = read.get(message.topic, (-1, 0.0))
        if message.offset <= offset and (message.timestamp or 0.0) <= stamp:
            return  # it came again after a kill, and what it led to may have been let go of since
        await self._take(message, event)
        read[message.topic] = message.offset, max(stamp, message.timestamp or 0.0)

    async def _take(self, message: Any, event: Any) -> None:
        try:
            item = _item(message.topic.removeprefix(self._prefix), event.value, event.headers or {})
        except (InvalidRecord, ValueError) as error:
            await self._dead(message, event, str(error))
            return
        if isinstance(item, tuple):
            await self._ticks(message.partition, item)
            return
        marks = self._watermarks(message.partition)
        for key in _keys(item, event.key or b"", message.partition, self._partitions):
            await self._step(message.partition, key, item, marks)
        self._health.add(links=isinstance(item, EntityLink), signals=isinstance(item, Signal))

    async def _ticks(self, partition: int, ticks: tuple[Tick, ...]) -> None:
        before = self._watermarks(partition)
        after = before.observe(*ticks)
        if after != before:
            due = self._of(partition).take(after)
            if due:  # states that go with time must not be built anew from records that had built them before
                self.table[_read_key(partition)] = orjson.dumps(self._read_of(partition))
            for key in due:
                await self._step(partition, key, None, after)
            data = orjson.dumps(after.to_json())
            self.table[_watermarks_key(partition)] = data
            self._marks[partition] = data, after
        self._health.set(watermark=after.effective, silent_sources=list(after.silent))

    async def _step(self, partition: int, key: bytes, item: Item | None, marks: Watermarks) -> None:
        state = self._state(key)
        after, outputs = self._correlator.step(key.decode(), state, item, marks.effective, marks)
        if outputs:
            await asyncio.gather(*[await self._send(message) for out in outputs if (message := _message(out))])
            self._count(outputs)
        if after is not state:
            self._store(partition, key, after, marks)

    def _state(self, key: bytes) -> KeyState:
        data = self.table.get(key)
        if data is None:
            return KeyState()
        cached = self._cache.get(key)
        if cached is not None and cached[0] is data:
            return cached[1]
        try:
            return decode_state(read_stamped(data)[1])
        except InvalidRecord as error:
            LOG.error("state of %r is unreadable and starts anew: %s", key, error)
            self._health.add(unreadable_states=1)
            return KeyState()

    def _store(self, partition: int, key: bytes, state: KeyState, marks: Watermarks) -> None:
        due = self._of(partition)
        if state.empty:
            self._cache.pop(key, None)
            due.drop(key)
            self.table.pop(key, None)
            return
        deadlines = self._correlator.deadlines(key.decode(), state, marks)
        data = stamped(encode_state(state), min(deadlines.values()))
        if len(self._cache) >= CACHED_STATES:
            self._cache.clear()
        self.table[key] = data
        self._cache[key] = data, state
        due.put(key, deadlines)

    def _of(self, partition: int) -> Due[bytes]:
        """Return what is due on a partition; when any is new here, the table is read once for all that are."""
        if partition not in self._due:
            fresh = {number: Due[bytes]() for number in self._held | {partition} if number not in self._due}
            for key, data in self.table.items():
                known = None if key.startswith(OWN_KEYS) else fresh.get(partition_for(key, self._partitions))
                if known is not None:
                    known.put(key, self._deadlines(key, data))
            self._due.update(fresh)
        return self._due[partition]

    def _deadlines(self, key: bytes, data: bytes) -> Mapping[frozenset[str], int]:
        """Return when a state that was read back needs a step; under other rules than it was stored by, reckon anew."""
        if self._reckon:
            return self._correlator.deadlines(key.decode(), self._state(key))
        try:
            return {ALL_SOURCES: read_stamped(data)[0]}
        except InvalidRecord:
            return {ALL_SOURCES: 0}  # the step finds out, tells of it and starts anew

    def _read_of(self, partition: int) -> dict[str, tuple[int, float]]:
        """Return up to where each topic was read: the offset, and the latest of the broker's times (s) up to there."""
        if partition not in self._read:
            data = self.table.get(_read_key(partition))
            self._read[partition] = {name: tuple(at) for name, at in orjson.loads(data).items()} if data else {}
        return self._read[partition]

    def _watermarks(self, partition: int) -> Watermarks:
        data = self.table.get(_watermarks_key(partition))
        if not data:
            return Watermarks()
        known = self._marks.get(partition)
        if known is None or known[0] is not data:
            known = self._marks[partition] = data, Watermarks.from_json(orjson.loads(data))
        return known[1]

    async def _send(self, message: wire.Message) -> Awaitable[Any]:
        topic = self._topics.get(message.topic)
        if topic is None:
            name = self._prefix + message.topic
            topic = self._topics[message.topic] = self._app.topic(
                name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
            )
        partition = message.partition
        if message.topic == "signals" and partition is None:
            partition = partition_for(message.key, self._partitions)
        elif message.topic == "entity-links" and partition is None:
            partition = wire.link_partition(message.key, self._partitions)
        sent: Awaitable[Any] = await topic.send(
            key=message.key, value=message.value, headers=message.headers, partition=partition
        )
        return sent

    async def _dead(self, message: Any, event: Any, reason: str) -> None:
        at = Coordinates(message.topic, message.partition, message.offset)
        raw = event.value if isinstance(event.value, bytes) else b""
        record = RawRecord("", raw, at, int((message.timestamp or 0) * 1000))
        letter = DeadLetter(record, "correlate", ParseError(reason))
        await (await self._send(wire.dead_letter_message(letter)))
        self._health.add(dead_letters=1)

    def _count(self, outputs: tuple[Output, ...]) -> None:
        self._health.add(
            sequences=sum(isinstance(out, Published) for out in outputs),
            closed=sum(isinstance(out, SequenceClosed) for out in outputs),
            forwards=sum(isinstance(out, Forward) for out in outputs),
            shared_links=sum(isinstance(out, Forward) and isinstance(out.item, EntityLink) for out in outputs),
            late=sum(isinstance(out, Late) for out in outputs),
            signals_folded=sum(out.count for out in outputs if isinstance(out, Evicted)),
        )


def _correlator(settings: Settings, rulebook: Rulebook) -> Correlator:
    made = Correlator(rulebook.correlations, settings.flood_limit, settings.link_fanout)
    freeze_heap()
    return made


def _read_key(partition: int) -> bytes:
    return READ_KEY + str(partition).encode()


def _watermarks_key(partition: int) -> bytes:
    return WATERMARKS_KEY + str(partition).encode()


def _item(topic: str, value: Any, headers: Any) -> Item | tuple[Tick, ...]:
    data = value if isinstance(value, bytes) else b""
    if topic == "entity-links":
        return wire.link_from_json(data)
    kind = headers.get(wire.TYPE_HEADER) if isinstance(headers, dict) else dict(headers).get(wire.TYPE_HEADER)
    if kind == wire.TICK.encode():
        return ticks_from_json(decode(data))
    if kind == wire.WITHDRAWN.encode():
        return wire.withdrawn_from_json(data)
    return signal_from_ocsf(decode(data))


def _keys(item: Item, key: bytes, partition: int, partitions: int) -> list[bytes]:
    """Return the state keys an item concerns: a link, those of its ends that live on this partition."""
    if not isinstance(item, EntityLink):
        return [key]
    ends = [str(item.left).encode(), str(item.right).encode()]
    return [end for end in ends if partition_for(end, partitions) == partition]


def _message(output: Output) -> wire.Message | None:
    if isinstance(output, Published):
        return wire.sequence_message(output)
    if isinstance(output, SequenceClosed):
        return wire.closed_message(output)
    if isinstance(output, Forward):
        return wire.forward_message(output)
    if isinstance(output, Late):
        return wire.late_message(output)
    return None


def build_app(settings: Settings, health: Health, partitions: int) -> faust.App:
    """Make the Faust app of one correlate worker; `partitions` is how many `signals` has."""
    brokers = [URL(f"kafka://{server.strip()}") for server in settings.bootstrap.split(",")]
    app = faust.App(
        settings.topic_prefix + APP,
        broker=brokers,
        store="memory://",
        datadir=str(settings.data_dir),
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        stream_buffer_maxsize=4096,
        broker_commit_interval=1.0,
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        consumer_auto_offset_reset="earliest",
        worker_redirect_stdouts=False,
    )
    app.transport = CommittedTransport(brokers, app, loop=app.loop)
    correlation = Correlation(app, settings, health, partitions)
    correlation.rules.start()
    names = [settings.topic_prefix + name for name in ("signals", "entity-links")]
    channel = app.topic(*names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    @app.agent(channel, name=f"{settings.topic_prefix}{APP}-processor")
    async def processor(stream: Any) -> None:
        async for event in stream.events():
            await correlation.take(event)

    async def revoked(_: faust.App, partitions: Any, **__: Any) -> None:
        correlation.forget({tp.partition for tp in partitions})

    async def recovered(*_: Any) -> None:
        health.set(status="running")

    async def assigned(_: faust.App, partitions: Any, **__: Any) -> None:
        correlation.hold({tp.partition for tp in partitions})
        health.set(status="recovering")

    correlation.table.on_recover(recovered)
    signals: Any = app  # the type of its signals admits no coroutine function, their code does
    signals.on_partitions_revoked.connect(revoked)
    signals.on_partitions_assigned.connect(assigned)
    return app


def run(settings: Settings, health: Health, stop: Stop) -> None:
    """Run the worker; Faust takes SIGTERM and SIGINT over and ends in good order."""
    _make_folder(settings.data_dir)
    app = build_app(settings, health, keyed_partitions(settings, stop))
    if stop.requested:
        return
    worker = faust.Worker(app, loglevel=settings.log_level, quiet=True, redirect_stdouts=False)
    worker.execute_from_commandline()


def _make_folder(folder: Path) -> None:
    """Make a folder with all above it, which Faust would not; raise ConfigError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"BRAID_DATA_DIR={folder}: {error.strerror}") from error
