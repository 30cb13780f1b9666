"""The journal of investigations on Kafka: each step acknowledged before the next, read again after a crash.

A partition of `journal` belongs to whoever has the same one of `sequences`. Where to begin to read it stands in the
metadata of the offset that is committed there: before the first step of the first investigation that is not over.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import KafkaError, Producer, TopicPartition
from confluent_kafka import Message as KafkaMessage

from agents.investigate.journal import ENDED, Entry
from agents.investigate.told import usage_from_json
from agents.llm.budget import Charge, taken
from models.errors import InvalidRecord, KafkaUnavailable
from streams import wire
from streams.config import Settings
from streams.topics import JOURNAL
from streams.workers import clients
from streams.workers.clients import LOG

DAY_MS: Final = 86_400_000
READ_SECONDS: Final = 10.0
BATCH: Final = 500


@dataclass(slots=True)
class _Told:
    """What one partition of the journal says."""

    end: int = 0
    began: dict[str, int] = field(default_factory=dict)  # offset of the first step of those that are not over


class KafkaJournal:
    """Steps by investigation, for the partitions that this worker has."""

    def __init__(self, settings: Settings, producer: Producer) -> None:
        """Prepare; reads nothing yet."""
        self._settings = settings
        self._producer = producer
        self._name = settings.topic_prefix + JOURNAL.name
        self._entries: dict[str, dict[int, Entry]] = defaultdict(dict)
        self._of: dict[str, int] = {}  # by investigation, whichever attempt at it
        self._told: dict[int, _Told] = {}
        self._lock = threading.Lock()

    def assign(self, investigation: str, partition: int) -> None:
        """Say in which partition the sequence of an investigation is, before its first step."""
        self._of[investigation] = partition

    def recorded(self, investigation: str) -> tuple[Entry, ...]:
        """Return the entries that an investigation has so far, in order, up to the first that is missing."""
        with self._lock:
            held = self._entries.get(investigation, {})
            return tuple(held[number] for number in range(len(held)) if number in held)

    async def append(self, investigation: str, entry: Entry) -> None:
        """Keep an entry; raise KafkaUnavailable when it is not acknowledged."""
        await asyncio.to_thread(self._append, investigation, entry)

    def _append(self, investigation: str, entry: Entry) -> None:
        partition, acknowledged = self._of[_first_attempt(investigation)], threading.Event()
        outcome: list[tuple[KafkaError | None, int]] = []

        def delivered(error: KafkaError | None, message: KafkaMessage) -> None:
            outcome.append((error, message.offset() or 0))
            acknowledged.set()

        sent = wire.step_message(investigation, entry, partition, 0)
        clients.produce(self._producer, self._settings.topic_prefix, sent, delivered)
        clients.flush(self._producer)
        # Another thread that flushes at the same time may be the one that is told.
        error, offset = outcome[0] if acknowledged.wait(clients.FLUSH_SECONDS) else (None, -1)
        if error is not None or offset < 0:
            raise KafkaUnavailable(f"a step was not acknowledged: {error.str() if error else 'no answer'}")
        self._keep(investigation, entry, partition, offset)  # over it is when its verdict is acknowledged

    def _keep(self, investigation: str, entry: Entry, partition: int, offset: int) -> None:
        with self._lock:
            told = self._told.setdefault(partition, _Told())
            told.end = max(told.end, offset + 1)
            self._of[_first_attempt(investigation)] = partition
            self._entries[investigation].setdefault(entry.number, entry)  # what came first is what was gone on from
            told.began.setdefault(investigation, offset)

    def over(self, investigation: str) -> None:
        """Forget an investigation whose outcome is where it has to be."""
        with self._lock:
            self._drop(investigation)

    def begin(self, partition: int) -> str:
        """Return what to commit beside an offset of `sequences`: where to begin to read, as text; empty for nowhere."""
        with self._lock:
            told = self._told.get(partition)
            return "" if told is None else str(min(told.began.values(), default=told.end))

    def forget(self, partitions: Iterable[int]) -> None:
        """Drop what is remembered of partitions that another worker has now."""
        gone = set(partitions)
        with self._lock:
            for investigation in [name for name, partition in self._of.items() if partition in gone]:
                self._drop(investigation)
            for partition in gone:
                self._told.pop(partition, None)

    def _drop(self, investigation: str) -> None:
        """Forget all attempts at an investigation."""
        partition = self._of.pop(investigation, None)
        began = self._told[partition].began if partition in self._told else {}
        for known in (self._entries, began):
            for name in [name for name in known if _first_attempt(name) == investigation]:
                known.pop(name)

    def read(self, begins: Iterable[tuple[int, str]], now_ms: int) -> list[Charge]:
        """Read partitions that this worker has now; return what models took in the last day, for its budgets.

        Args:
            begins: Partition, and what was committed beside its offset.
            now_ms: The clock's time.
        """
        charges: list[Charge] = []
        with clients.following(self._settings, "investigate-journal", self._name) as reader:
            wanted = [TopicPartition(self._name, number, now_ms - DAY_MS) for number, _ in begins]
            known = {place.partition: place.offset for place in reader.offsets_for_times(wanted, timeout=READ_SECONDS)}
            places = [TopicPartition(self._name, number, _first(known[number], begin)) for number, begin in begins]
            for message in clients.to_end(reader, places):
                if clients.reached_end(message):
                    self._told.setdefault(message.partition() or 0, _Told()).end = message.offset() or 0
                elif message.error() is None:
                    self._take(message, charges, now_ms)
        return charges

    def _take(self, message: KafkaMessage, charges: list[Charge], now_ms: int) -> None:
        try:
            entry = wire.step_from_json(message.value() or b"")
            used = taken(usage_from_json(entry.data["usage"])) if "usage" in entry.data else None
        except InvalidRecord as error:
            LOG.error("%s/%s/%s: %s", message.topic(), message.partition(), message.offset(), error)
            return
        key = (message.key() or b"").decode("utf-8", "replace")
        partition = message.partition() or 0
        self._keep(key, entry, partition, message.offset() or 0)
        if entry.kind == ENDED:
            self._told[partition].began.pop(key, None)
        time = message.timestamp()[1]
        if used is not None and time >= now_ms - DAY_MS:
            charges.append(Charge(_first_attempt(key), time, used))


def _first_attempt(investigation: str) -> str:
    return investigation.partition("-")[0]


def _first(by_time: int, begin: str) -> int:
    """Return where to begin: a day back, or earlier where an investigation is not over; negative is the end."""
    committed = int(begin) if begin.isdecimal() else -1
    known = [offset for offset in (by_time, committed) if offset >= 0]
    return min(known, default=by_time)
