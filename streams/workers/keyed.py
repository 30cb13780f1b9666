"""What the keyed workers have in common: bundles of records in, one state value per key in a plain Faust table.

Records come in bundles of one topic and partition (`streams.workers.committed`). For a bundle the new states are held
in memory; then its outputs are produced and acknowledged, then each changed state is written once, then (later, by
Faust) the offset is committed. So a crash can repeat an output, under the same uid and revision, and never lose one.

A tick that moves a watermark ends what may be written together: what stood before it is written first, with a note of
how far the partition was read, since states that go with time must not be built anew from records that had built them
before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

import faust
import orjson

from models.errors import InvalidRecord
from streams import wire
from streams.config import Settings
from streams.correlate.due import Deadlines, Due
from streams.correlate.watermark import Tick, Watermarks
from streams.topics import partition_for
from streams.workers.clients import LOG
from streams.workers.health import Health
from streams.workers.sending import Sender

TABLE: Final = "state"
OWN_KEYS: Final = b"\x00"  # no group key begins with a zero byte
WATERMARKS_KEY: Final = OWN_KEYS + b"watermarks"
READ_KEY: Final = OWN_KEYS + b"read"
CACHED_STATES: Final = 10_000

Item = TypeVar("Item")
State = TypeVar("State")
Output = TypeVar("Output")


class Stage(Protocol[Item, State, Output]):
    """What a keyed worker does: a pure core, and how its values look on Kafka."""

    @property
    def name(self) -> str:
        """Return the name under which dead letters say who gave up."""

    def renew(self) -> bool:
        """Take new rules where there are some; tell whether what is due has to be reckoned anew."""

    def read(self, topic: str, record: Any) -> Item | tuple[Tick, ...]:
        """Read one record of a topic (named without prefix), no tick for one that is passed over.

        Raises:
            InvalidRecord: When it is none; ValueError likewise.
        """

    def keys(self, item: Item, record: Any) -> Iterable[bytes]:
        """Return the state keys that an item concerns, of those that live on the record's partition."""

    def step(
        self, key: bytes, state: State | None, item: Item | None, marks: Watermarks
    ) -> tuple[State | None, Sequence[Output]]:
        """Take an item in, or only the time; return the state, the very same one where nothing changed, and outputs."""

    def deadlines(self, key: bytes, state: State, marks: Watermarks) -> Deadlines:
        """Return when (ms) a state needs a step because time has passed, by the sources waited for."""

    def encode(self, state: State, deadlines: Deadlines) -> bytes:
        """Write a state for the table."""

    def decode(self, data: bytes) -> State:
        """Read what `encode` wrote; raise InvalidRecord when it is anything else."""

    def stored_deadlines(self, key: bytes, data: bytes) -> Deadlines:
        """Return the deadlines of a state as it lies in the table."""

    def messages(self, outputs: Sequence[Output]) -> Iterable[wire.Message]:
        """Return what goes to Kafka, in order; of two revisions of one thing the first may be left out."""

    def counts(self, items: Sequence[Item], outputs: Sequence[Output]) -> Mapping[str, int]:
        """Return what the health endpoint counts."""


@dataclass(slots=True)
class _Unwritten(Generic[Item, State, Output]):
    """What a bundle has led to and is not written yet; None is the state of a key that holds nothing any more."""

    partition: int
    states: dict[bytes, State | None] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    marks: Watermarks | None = None


class Keyed(Generic[Item, State, Output]):
    """All partitions of one worker process: states, watermarks, deadlines."""

    def __init__(
        self, app: faust.App, stage: Stage[Item, State, Output], settings: Settings, health: Health, partitions: int
    ) -> None:
        self._sender = Sender(app, stage.name, settings.topic_prefix, partitions, health)
        self._stage = stage
        self._health = health
        self._prefix = settings.topic_prefix
        self._partitions = partitions
        self.table: Any = app.Table(TABLE, key_type=bytes, value_type=bytes, partitions=partitions)
        self._cache: dict[bytes, tuple[bytes, State]] = {}
        self._due: dict[int, Due[bytes]] = {}
        self._held: set[int] = set()
        self._marks: dict[int, tuple[bytes, Watermarks]] = {}
        self._read: dict[int, dict[str, tuple[int, int]]] = {}

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

    async def take(self, records: Sequence[Any]) -> None:
        """Take a bundle of records of one topic and partition."""
        if self._stage.renew():
            self._due.clear()
        partition = records[0].partition
        unwritten = _Unwritten[Item, State, Output](partition)
        for record in records:
            read = self._read_of(partition)
            offset, stamp = read.get(record.topic, (-1, 0))
            if record.offset <= offset and record.timestamp <= stamp:
                continue  # it came again after a kill, and what it led to may have been let go of since
            await self._take(record, unwritten)
            read[record.topic] = record.offset, max(stamp, record.timestamp)
        await self._write(unwritten)

    async def _take(self, record: Any, unwritten: _Unwritten[Item, State, Output]) -> None:
        try:
            item = self._stage.read(record.topic.removeprefix(self._prefix), record)
        except (InvalidRecord, ValueError) as error:
            await self._sender.dead(record, str(error))
            return
        if isinstance(item, tuple):
            if item:
                await self._ticks(item, unwritten)
            return
        marks = self._watermarks(record.partition)
        for key in self._stage.keys(item, record):
            self._step(key, item, marks, unwritten)
        unwritten.items.append(item)

    async def _ticks(self, ticks: tuple[Tick, ...], unwritten: _Unwritten[Item, State, Output]) -> None:
        partition = unwritten.partition
        before = self._watermarks(partition)
        after = before.observe(*ticks)
        if after != before:
            await self._write(unwritten)
            due = self._of(partition).take(after)
            if due:
                self.table[_of_partition(READ_KEY, partition)] = orjson.dumps(self._read_of(partition))
            for key in due:
                self._step(key, None, after, unwritten)
            unwritten.marks = after
            await self._write(unwritten)
        self._health.set(watermark=after.effective, silent_sources=list(after.silent))

    def _step(
        self, key: bytes, item: Item | None, marks: Watermarks, unwritten: _Unwritten[Item, State, Output]
    ) -> None:
        state = unwritten.states[key] if key in unwritten.states else self._state(key)
        after, outputs = self._stage.step(key, state, item, marks)
        unwritten.outputs += outputs
        if after is not state or item is None:
            unwritten.states[key] = after

    async def _write(self, unwritten: _Unwritten[Item, State, Output]) -> None:
        """Send the outputs and wait until the broker has them, then write the states, then the watermarks."""
        if unwritten.outputs:
            await self._sender.send(self._stage.messages(unwritten.outputs))
        partition = unwritten.partition
        marks = unwritten.marks or self._watermarks(partition)
        for key, state in unwritten.states.items():
            self._store(partition, key, state, marks)
        if unwritten.marks is not None:
            data = orjson.dumps(unwritten.marks.to_json())
            self.table[_of_partition(WATERMARKS_KEY, partition)] = data
            self._marks[partition] = data, unwritten.marks
        self._health.add(**self._stage.counts(unwritten.items, unwritten.outputs))
        unwritten.states, unwritten.outputs, unwritten.items, unwritten.marks = {}, [], [], None

    def _state(self, key: bytes) -> State | None:
        data = self.table.get(key)
        if data is None:
            return None
        cached = self._cache.get(key)
        if cached is not None and cached[0] is data:
            return cached[1]
        try:
            return self._stage.decode(data)
        except InvalidRecord as error:
            LOG.error("state of %r is unreadable and starts anew: %s", key, error)
            self._health.add(unreadable_states=1)
            return None

    def _store(self, partition: int, key: bytes, state: State | None, marks: Watermarks) -> None:
        due = self._of(partition)
        if state is None:
            self._cache.pop(key, None)
            due.drop(key)
            self.table.pop(key, None)
            return
        deadlines = self._stage.deadlines(key, state, marks)
        cached = self._cache.get(key)
        if cached is None or cached[1] is not state:
            if len(self._cache) >= CACHED_STATES:
                self._cache.clear()
            data = self._stage.encode(state, deadlines)
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
                    known.put(key, self._stage.stored_deadlines(key, data))
            self._due.update(fresh)
        return self._due[partition]

    def _read_of(self, partition: int) -> dict[str, tuple[int, int]]:
        """Return up to where each topic was read: the offset, and the latest of the broker's times (ms) up to there."""
        if partition not in self._read:
            data = self.table.get(_of_partition(READ_KEY, partition))
            self._read[partition] = {name: tuple(at) for name, at in orjson.loads(data).items()} if data else {}
        return self._read[partition]

    def _watermarks(self, partition: int) -> Watermarks:
        data = self.table.get(_of_partition(WATERMARKS_KEY, partition))
        if not data:
            return Watermarks()
        known = self._marks.get(partition)
        if known is None or known[0] is not data:
            known = self._marks[partition] = data, Watermarks.from_json(orjson.loads(data))
        return known[1]


def _of_partition(key: bytes, partition: int) -> bytes:
    return key + str(partition).encode()
