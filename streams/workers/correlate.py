"""The correlate worker: the pure core of `streams.correlate` on Faust, one state value per key in a plain table.

For every record: outputs are produced and acknowledged first, then the new state is written, then (later, by Faust)
the offset is committed. So a crash can repeat an output, under the same uid and revision, and never lose one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
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
from streams.correlate.engine import Correlator, Evicted, Forward, Late, Output, Published
from streams.correlate.state import KeyState, decode_state, encode_state
from streams.correlate.watermark import Tick, Watermarks
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
CACHED_STATES: Final = 10_000


class Correlation:
    """All partitions of one worker process: states, watermarks, deadlines."""

    def __init__(self, app: faust.App, settings: Settings, health: Health, partitions: int) -> None:
        self.rules: Reloader[Correlator] = Reloader(settings, health, partial(_correlator, settings.flood_limit))
        self._correlator = self.rules.load().made
        self._health = health
        self._prefix = settings.topic_prefix
        self._partitions = partitions
        self._app = app
        self.table: Any = app.Table(TABLE, key_type=bytes, value_type=bytes, partitions=self._partitions)
        self._topics: dict[str, Any] = {}
        self._cache: dict[bytes, tuple[bytes, KeyState]] = {}
        self._deadlines: dict[int, dict[bytes, int]] = {}

    def forget(self, partitions: set[int]) -> None:
        """Drop what is remembered of partitions that other workers have now."""
        for partition in partitions:
            self._deadlines.pop(partition, None)
        self._cache.clear()

    def _renew(self) -> None:
        """Take new correlations where there are some. Between two records: no step is under way."""
        loaded = self.rules.take()
        if loaded is not None and loaded.made.specs != self._correlator.specs:
            self._correlator = loaded.made
            self._deadlines.clear()  # they follow from the correlations, and are read from the table anew

    async def take(self, event: Any) -> None:
        """Take one record of `signals` or `entity-links`."""
        self._renew()
        message = event.message
        try:
            item = _item(message.topic.removeprefix(self._prefix), event.value, event.headers or {})
        except (InvalidRecord, ValueError) as error:
            await self._dead(message, event, str(error))
            return
        if isinstance(item, Tick):
            await self._tick(message.partition, item)
            return
        watermark = self._watermarks(message.partition).effective
        for key in _keys(item, event.key or b"", message.partition, self._partitions):
            await self._step(message.partition, key, item, watermark)
        self._health.add(links=isinstance(item, EntityLink), signals=isinstance(item, Signal))

    async def _tick(self, partition: int, tick: Tick) -> None:
        before = self._watermarks(partition)
        after = before.observe(tick)
        if after.effective > before.effective:
            for key in self._due(partition, after.effective):
                await self._step(partition, key, None, after.effective)
        if after != before:
            self.table[_watermarks_key(partition)] = orjson.dumps(after.to_json())
        self._health.set(watermark=after.effective, silent_sources=list(after.silent))

    async def _step(self, partition: int, key: bytes, item: Signal | EntityLink | None, watermark: int) -> None:
        state = self._state(key)
        after, outputs = self._correlator.step(key.decode(), state, item, watermark)
        if outputs:
            await asyncio.gather(*[await self._send(message) for out in outputs if (message := _message(out))])
            self._count(outputs)
        if after is not state:
            self._store(partition, key, after)

    def _state(self, key: bytes) -> KeyState:
        data = self.table.get(key)
        if data is None:
            return KeyState()
        cached = self._cache.get(key)
        if cached is not None and cached[0] is data:
            return cached[1]
        try:
            return decode_state(data)
        except InvalidRecord as error:
            LOG.error("state of %r is unreadable and starts anew: %s", key, error)
            self._health.add(unreadable_states=1)
            return KeyState()

    def _store(self, partition: int, key: bytes, state: KeyState) -> None:
        deadlines = self._indexed(partition)
        if state.empty:
            self._cache.pop(key, None)
            deadlines.pop(key, None)
            self.table.pop(key, None)
            return
        data = encode_state(state)
        if len(self._cache) >= CACHED_STATES:
            self._cache.clear()
        self.table[key] = data
        self._cache[key] = data, state
        deadlines[key] = self._correlator.deadline(key.decode(), state)

    def _due(self, partition: int, watermark: int) -> list[bytes]:
        return sorted(key for key, deadline in self._indexed(partition).items() if deadline <= watermark)

    def _indexed(self, partition: int) -> dict[bytes, int]:
        """Return the deadlines of a partition's keys, read from the table when the partition is new here."""
        known = self._deadlines.get(partition)
        if known is None:
            known = self._deadlines[partition] = {}
            for key in list(self.table.keys()):
                if not key.startswith(WATERMARKS_KEY) and partition_for(key, self._partitions) == partition:
                    known[key] = self._correlator.deadline(key.decode(), self._state(key))
        return known

    def _watermarks(self, partition: int) -> Watermarks:
        data = self.table.get(_watermarks_key(partition))
        return Watermarks.from_json(orjson.loads(data)) if data else Watermarks()

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
            late=sum(isinstance(out, Late) for out in outputs),
            signals_folded=sum(out.count for out in outputs if isinstance(out, Evicted)),
        )


def _correlator(flood_limit: int, rulebook: Rulebook) -> Correlator:
    made = Correlator(rulebook.correlations, flood_limit)
    freeze_heap()
    return made


def _watermarks_key(partition: int) -> bytes:
    return WATERMARKS_KEY + str(partition).encode()


def _item(topic: str, value: Any, headers: Any) -> Signal | EntityLink | Tick:
    data = value if isinstance(value, bytes) else b""
    if topic == "entity-links":
        return wire.link_from_json(data)
    kind = headers.get(wire.TYPE_HEADER) if isinstance(headers, dict) else dict(headers).get(wire.TYPE_HEADER)
    if kind == wire.TICK.encode():
        return Tick.from_json(decode(data))
    return signal_from_ocsf(decode(data))


def _keys(item: Signal | EntityLink, key: bytes, partition: int, partitions: int) -> list[bytes]:
    """Return the state keys an item concerns: a link, those of its ends that live on this partition."""
    if isinstance(item, Signal):
        return [key]
    ends = [str(item.left).encode(), str(item.right).encode()]
    return [end for end in ends if partition_for(end, partitions) == partition]


def _message(output: Output) -> wire.Message | None:
    if isinstance(output, Published):
        return wire.sequence_message(output)
    if isinstance(output, SequenceClosed):
        return wire.closed_message(output)
    if isinstance(output, Forward):
        return wire.signal_message(output.signal, output.key, "correlate")
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

    async def assigned(_: faust.App, __: Any, **___: Any) -> None:
        health.set(status="running")

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
