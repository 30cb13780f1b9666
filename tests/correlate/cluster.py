"""Drive the pure core as workers on Kafka do: partitions, redelivery, changelogs, and a kill at any moment.

Every partition has a log of signals and links, with the ticks of ingest among them; its worker reads it in order, in
bundles of any length, and steps the keys that live there. Of a bundle, up to the next tick, outputs are
produced first, then each state goes to the changelog; offsets are committed now and then. A kill may fall between any
two of these. It takes with it all that is not in a log, and of the changelog what was not acknowledged; then the
records since the last commit come again.
"""

from __future__ import annotations

import json
from contextlib import suppress
from random import Random
from typing import Final

from models import ocsf
from models.entity import EntityLink
from models.finding import SequenceClosed, Signal
from models.finding_ocsf import sequence_to_ocsf
from streams.correlate.engine import NEVER, Correlator
from streams.correlate.outputs import Forward, Item, Output, Published, latest
from streams.correlate.state import KeyState, decode_state, encode_state
from streams.topics import partition_for
from tests.correlate.build import MINUTE

WATERMARK: Final = "\x00watermark"  # beside the states, as the worker keeps it
LEAD_MS: Final = 30 * MINUTE  # how far, in event time, a partition may be ahead of another

Record = tuple[str, Item] | int


class Killed(Exception):
    """The worker that was at work is gone."""


class Partition:
    """What Kafka keeps of one partition, and what its worker has in memory."""

    def __init__(self) -> None:
        self.log: list[Record] = []
        self.read = self.committed = 0
        self.changelog: list[tuple[str, bytes | None]] = []
        self.acknowledged = 0
        self.table: dict[str, bytes] = {}
        self.states: dict[str, KeyState] = {}
        self.deadlines: dict[str, int] = {}
        self.unwritten: dict[str, KeyState] = {}
        self.outputs: list[Output] = []

    @property
    def unread(self) -> bool:
        return self.read < len(self.log)

    @property
    def watermark(self) -> int:
        return int(self.mark[0])

    @property
    def mark(self) -> list[int]:
        return json.loads(self.table.get(WATERMARK, b"[0, 0]"))

    @property
    def keys(self) -> list[str]:
        return sorted(key for key in self.table if key != WATERMARK)

    def state(self, key: str) -> KeyState:
        if key in self.unwritten:
            return self.unwritten[key]
        if key not in self.states:
            self.states[key] = decode_state(self.table[key]) if key in self.table else KeyState()
        return self.states[key]

    def store(self, key: str, state: KeyState, deadline: int) -> None:
        self.states[key], self.deadlines[key] = state, deadline
        self.write(key, None if state.empty else encode_state(state))

    def write(self, key: str, data: bytes | None) -> None:
        self.changelog.append((key, data))
        self._apply(key, data)

    def _apply(self, key: str, data: bytes | None) -> None:
        if data is None:
            self.table.pop(key, None)
            self.states.pop(key, None)
            self.deadlines.pop(key, None)
        else:
            self.table[key] = data

    def commit(self) -> None:
        self.committed, self.acknowledged = self.read, len(self.changelog)

    def recover(self, chance: Random) -> None:
        """Begin again with what Kafka has: a changelog that may end too soon, and records since the last commit."""
        del self.changelog[chance.randint(self.acknowledged, len(self.changelog)) :]
        self.table, self.states, self.deadlines, self.read = {}, {}, {}, self.committed
        self.unwritten, self.outputs = {}, []
        for key, data in self.changelog:
            self._apply(key, data)


class Cluster:
    """Some workers over some partitions; what stands is what a consumer of `sequences` has kept."""

    def __init__(self, correlator: Correlator, chance: Random, *, kills: int) -> None:
        self._correlator, self._chance, self._kills = correlator, chance, kills
        self._partitions = [Partition() for _ in range(chance.randint(1, 6))]
        self._workers = chance.randint(1, 4)
        self._owners = [0] * len(self._partitions)
        self._rebalance()
        self._even = 0  # watermark up to which every log has been read
        self.standing: dict[str, bytes] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is remembered of any key."""
        return not any(partition.keys for partition in self._partitions)

    def send(self, item: Signal | EntityLink) -> None:
        """Produce what ingest does for a signal or a link; workers go on for a while."""
        if isinstance(item, EntityLink):
            for key in sorted({str(item.left), str(item.right)}):
                self._at(key).log.append((key, item))
        else:
            for key in self._correlator.router.routes(item).keys:
                self._at(key).log.append((key, item))
        self._work(self._chance.randint(0, 4))

    def pass_time(self, watermark: int) -> None:
        """Send a tick everywhere; where it is a large step, one for every deadline on the way, read before the next."""
        if watermark - self._even <= LEAD_MS:
            self._tick(watermark)
            self._work(self._chance.randint(0, 4))
            return
        self._work()
        while (deadline := min(map(self._deadline, self._partitions))) < watermark:
            self._tick(deadline)
            self._work()
        self._tick(watermark)
        self._work()
        self._even = watermark

    def _deadline(self, partition: Partition) -> int:
        """Return when the next key of a partition is due."""
        for key in partition.keys:
            if key not in partition.deadlines:  # it was read back
                partition.deadlines[key] = self._correlator.deadline(key, partition.state(key))
        return min(partition.deadlines.values(), default=NEVER)

    def _tick(self, watermark: int) -> None:
        for partition in self._partitions:
            partition.log.append(watermark)

    def _at(self, key: str) -> Partition:
        return self._partitions[partition_for(key.encode(), len(self._partitions))]

    def _work(self, records: int | None = None) -> None:
        """Let workers read so many records, or all, now of this partition and now of that."""
        while records != 0 and (behind := [n for n, one in enumerate(self._partitions) if one.unread]):
            number = self._chance.choice(behind)
            for _ in range(self._chance.randint(1, 5)):
                with suppress(Killed):
                    self._read(number)
                if records is not None:
                    records = max(0, records - 1)

    def _read(self, number: int) -> None:
        """Read a bundle."""
        partition = self._partitions[number]
        if not partition.unread:
            return
        start = partition.read
        bundle = partition.log[start : start + self._chance.randint(1, 6)]
        for offset, record in enumerate(bundle, start):
            if offset < partition.mark[1]:
                pass
            elif isinstance(record, int):
                self._pass(number, record)
            else:
                self._step(number, *record, partition.watermark)
            partition.read = offset + 1
        self._write(number)
        if self._chance.random() < 0.3:
            partition.commit()

    def _pass(self, number: int, watermark: int) -> None:
        partition = self._partitions[number]
        self._write(number)
        after = max(watermark, partition.watermark)
        done = max(partition.mark[1], partition.read)
        partition.write(WATERMARK, json.dumps([after, done]).encode())
        if self._deadline(partition) <= after:
            for key in sorted(key for key, deadline in partition.deadlines.items() if deadline <= after):
                self._step(number, key, None, after)
        self._write(number)

    def _step(self, number: int, key: str, item: Item | None, watermark: int) -> None:
        partition = self._partitions[number]
        before = partition.state(key)
        after, outputs = self._correlator.step(key, before, item, watermark)
        partition.outputs += outputs
        if after is not before:
            partition.unwritten[key] = after
        self._may_be_killed(number)

    def _write(self, number: int) -> None:
        """Produce what the records since the last time led to, then write what they changed."""
        partition = self._partitions[number]
        for output in latest(partition.outputs):
            self._produce(output)
            self._may_be_killed(number)
        for key, state in partition.unwritten.items():
            partition.store(key, state, self._correlator.deadline(key, state))
            self._may_be_killed(number)
        partition.unwritten, partition.outputs = {}, []

    def _produce(self, output: Output) -> None:
        if isinstance(output, Forward):
            self._at(output.key).log.append((output.key, output.item))
        elif isinstance(output, Published):
            self.standing[output.sequence.uid] = ocsf.encode(sequence_to_ocsf(output.sequence))
        elif isinstance(output, SequenceClosed):
            self.standing.pop(output.uid, None)

    def _may_be_killed(self, number: int) -> None:
        if self._kills and self._chance.random() < 0.05:
            self._kills -= 1
            worker = self._owners[number]
            for owner, partition in zip(self._owners, self._partitions, strict=True):
                if owner == worker:
                    partition.recover(self._chance)
            self._rebalance()
            raise Killed

    def _rebalance(self) -> None:
        """Give every partition to a worker; one that goes to another is read back from its changelog there."""
        before, self._owners = self._owners, [self._chance.randrange(self._workers) for _ in self._partitions]
        for old, new, partition in zip(before, self._owners, self._partitions, strict=True):
            if old != new:
                partition.commit()
                partition.states.clear()
                partition.deadlines.clear()
