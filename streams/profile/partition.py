"""One partition of `features`: takes what comes on it, closes what is due, says what to send and then what to keep.

Knows neither Kafka nor a clock: the worker has one for each partition that it is given, a replay has all of them. After
what came, the caller sends `outputs()`, waits until they are acknowledged, and only then writes `changes()`, in their
order. A crash anywhere in between repeats outputs under the same uids, and loses or doubles nothing: a state knows the
message that last changed it, a group the moment it closed last, and a ledger, written first, up to where it has judged.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeVar

import orjson

from models.errors import InvalidRecord
from models.feature import Delta
from streams.correlate.watermark import Tick, Watermarks
from streams.profile import progress as progresses
from streams.profile.agenda import Agenda
from streams.profile.engine import Profiler
from streams.profile.ledger import Ledger, decode_ledger, encode_ledger
from streams.profile.outputs import Closed, Observation, Output, Relearned
from streams.profile.progress import GROUPS, PLACES, Progress
from streams.profile.reports import Report, source_of
from streams.profile.states import Change, States, is_group

OWN_KEYS: Final = b"\x00"  # no entity and no group begins with a zero byte
WATERMARKS_KEY: Final = OWN_KEYS + b"watermarks"
PROGRESS_KEY: Final = OWN_KEYS + b"progress"
LEDGER_KEY: Final = OWN_KEYS + b"ledger"
Kept = TypeVar("Kept")


class Partition:
    """The states of one partition, how far it has come, and what waits to be closed."""

    def __init__(
        self,
        profiler: Profiler,
        number: int,
        partitions: int,
        stored: Mapping[bytes, bytes],
        keys: Iterable[bytes] = (),
    ) -> None:
        """Take a partition up where it was left.

        Args:
            profiler: The pure steps.
            number: Of the partition.
            partitions: How many there are.
            stored: What was kept, by key; may hold keys of other partitions, as a worker's table does.
            keys: Those of the entities and groups of this one.
        """
        self._profiler = profiler
        self._number = number
        self._partitions = partitions
        self._stored = stored
        self._states = States(stored)
        self._agenda = Agenda()
        self._ledgers: dict[str, Ledger] = {}
        self._judged: dict[str, None] = {}
        self._has_come = False
        self.marks = self._kept(WATERMARKS_KEY, _watermarks) or Watermarks()
        self.progress = self._kept(PROGRESS_KEY, progresses.decode) or Progress()
        for key in keys:
            for name, end in self._states.found(key).items():
                self._agenda.put(key, name, end)
            self._states.forget_some()

    def take_deltas(self, deltas: Iterable[Delta], offset: int, stamp: int) -> None:
        """Take the deltas of one message.

        Args:
            deltas: Of entities of this partition.
            offset: Of the message; of one that was taken before, nothing is taken again.
            stamp: The broker's time (ms) of the message.
        """
        of_key: dict[bytes, list[Delta]] = {}
        for delta in deltas:
            of_key.setdefault(delta.entity.encode(), []).append(delta)
        for key, some in of_key.items():
            before = self._states.entity(key)
            after, outputs = self._profiler.join(key.decode(), before, some, self.progress, offset, stamp)
            self._states.outputs += outputs
            if after is not before:
                self._states.put_entity(key, after)
                for source in before.open | after.open:
                    self._agenda.put(key, source, after.end_of(source))

    def take_reports(self, reports: Iterable[Report]) -> None:
        """Take what members tell groups of this partition."""
        for report in reports:
            key = report.group.encode()
            before = self._states.group(key)
            after, outputs = self._profiler.hear(before, report, self.progress, self._partitions)
            self._states.outputs += outputs
            if after is not before:
                self._states.put_group(key, after)
                self._agenda.put(key, GROUPS + source_of(report.group), self._profiler.group_end(after))

    def take_ticks(self, ticks: Iterable[Tick]) -> None:
        """Take in how far sources have come, and close what that ends."""
        marks = self.marks.observe(*ticks)
        self._has_come |= marks != self.marks
        self.marks = marks
        self.come(self.progress.observe(marks, self._profiler.quick))

    def come(self, progress: Progress) -> None:
        """Come as far as this, and close what that ends."""
        before, self.progress = self.progress, progress
        self._has_come |= progress is not before
        self._close({**progress.own, PLACES: progress.places})
        if progress.told is not before.told:
            self._close_groups()
        if progress.own != before.own:
            self._states.outputs.append(Closed(self._number, progress.own))

    def take_closed(self, closed: Closed) -> None:
        """Take in how far a partition, this or another, has closed the minutes of its entities."""
        self.come(self.progress.heard(closed.partition, closed.own))

    @property
    def entities(self) -> int:
        """Return how many keys are remembered: entities, and their groups."""
        return self._states.kept

    @property
    def open_minutes(self) -> int:
        """Return how many minutes wait to be closed."""
        return self._states.open_minutes

    def outputs(self) -> list[Output]:
        """Return what has come out since the last time."""
        found, self._states.outputs = self._states.outputs, []
        return found

    def changes(self) -> Iterator[Change]:
        """Yield what has to be kept since the last time, in the order in which to write it."""
        for name in self._judged:
            yield self._own(LEDGER_KEY, name), encode_ledger(self._ledgers[name])
        self._judged.clear()
        yield from self._states.changes()
        if self._has_come:
            yield self._own(PROGRESS_KEY), progresses.encode(self.progress)
            yield self._own(WATERMARKS_KEY), orjson.dumps(self.marks.to_json())
        self._has_come = False

    def _close_groups(self) -> None:
        names = [name for name in self._agenda.names if name.startswith(GROUPS)]
        self._close({name: self.progress.at(name, self._partitions) for name in names})

    def _close(self, marks: Mapping[str, int]) -> None:
        """Close what is due by these marks in order of time; places come after the minutes that they are of."""
        due: list[tuple[int, bool, str]] = []
        for name, mark in marks.items():
            self._next(due, name, mark)
        while due:
            end, _, name = heapq.heappop(due)
            for key in self._agenda.take(name, end):
                self._close_one(name, end, key)
            if PLACES in marks and name != PLACES:
                self._next(due, PLACES, marks[PLACES])
            self._next(due, name, marks[name])

    def _next(self, due: list[tuple[int, bool, str]], name: str, mark: int) -> None:
        end = self._agenda.peek(name, mark)
        if end is not None:
            heapq.heappush(due, (end, name == PLACES, name))

    def _close_one(self, name: str, end: int, key: bytes) -> None:
        text = key.decode()
        if is_group(key):
            group, observations = self._profiler.close_group(text, self._states.group(key), end)
            self._states.put_group(key, group)
            self._agenda.put(key, name, self._profiler.group_end(group))
        else:
            before = self._states.entity(key)
            entity, observations, outputs = self._profiler.close(text, before, name, end)
            self._states.put_entity(key, entity)
            self._states.outputs += outputs
            self._agenda.put(key, name, entity.end_of(name))
            if entity.waiting is not before.waiting:
                self._agenda.put(key, PLACES, entity.end_of(PLACES))
        if observations:
            self._judge(name, end, text, observations)

    def _judge(self, name: str, end: int, key: str, observations: list[Observation]) -> None:
        ledger = self._ledgers.get(name)
        if ledger is None:
            ledger = self._read_ledger(name)
        self._ledgers[name], outputs = self._profiler.judge(ledger, end, key, observations)
        self._judged[name] = None
        self._states.outputs += outputs

    def _read_ledger(self, name: str) -> Ledger:
        return self._kept(LEDGER_KEY, decode_ledger, name) or Ledger()

    def _kept(self, kind: bytes, decode: Callable[[bytes], Kept], name: str = "") -> Kept | None:
        """Return what was kept under a key of the partition itself; None, said, where it cannot be read."""
        key = self._own(kind, name)
        data = self._stored.get(key)
        try:
            return None if data is None else decode(data)
        except (InvalidRecord, ValueError) as error:
            self._states.outputs.append(Relearned(key[1:].decode(), str(error)))
            return None

    def _own(self, kind: bytes, name: str = "") -> bytes:
        return kind + f"{self._number}/{name}".encode()


def _watermarks(data: bytes) -> Watermarks:
    return Watermarks.from_json(orjson.loads(data))
