"""The investigate worker: escalated sequences in, verdicts and proposed actions out.

Slow and few, several at a time: the budget of investigations per hour goes to the highest risk first, and what waits is
visible in the health endpoint. A sequence is investigated once the lake holds its signals and events, or when waiting
for them has lasted too long; the verdict then says what was missing. An offset is committed after its result is
acknowledged.

Where the settings name services outside, they are asked in between, each investigation for a bounded time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from functools import partial
from typing import Final, NamedTuple

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import Message as KafkaMessage

from agents.audit.events import action_moved, investigation_ended
from agents.investigation import Investigation, Investigator, investigation_uid, name_of
from agents.llm.budget import Charge
from agents.llm.tiers import Models
from agents.waiting import Waiting, WaitingList
from enrichers.background import Background
from enrichers.lookups.client import Clocks
from enrichers.lookups.desk import Desk
from models.errors import InvalidRecord
from models.finding import SequenceClosed
from models.finding_ocsf import sequence_from_ocsf
from models.ocsf import decode
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from models.verdict import close_verdict
from streams import wire
from streams.config import Settings
from streams.investigating import check_files, open_investigator
from streams.lake_store import LakeStore
from streams.lookups import open_lookups
from streams.workers import clients
from streams.workers.auditing import AuditLog
from streams.workers.clients import LOG, Stop
from streams.workers.health import Health
from streams.workers.journal import KafkaJournal

POLL_SECONDS: Final = 0.2
BATCH: Final = 100
MAX_WAITING: Final = 10_000  # beyond this, the topic keeps what is still to be read
Make = Callable[[KafkaJournal, Iterable[Charge]], AbstractAsyncContextManager[Investigator]]


class Running(NamedTuple):
    """An investigation that goes on."""

    investigation: str
    judging: Future[Investigation]


class InvestigateWorker:
    """Judge escalated sequences with one investigator, several at a time."""

    def __init__(self, settings: Settings, health: Health, stop: Stop, make: Make, desk: Desk | None = None) -> None:
        """Prepare.

        Args:
            settings: The settings.
            health: Told what goes on.
            stop: Ends the work.
            make: Makes what judges, over the journal and with what models took before, both of which it is given.
            desk: What the investigator asks services outside through, None when it asks nobody.
        """
        self._desk = desk
        self._settings = settings
        self._health = health
        self._stop = stop
        self._make = make
        self._store = LakeStore(settings.lake)
        self._waiting = WaitingList(settings.investigations_per_hour)
        self._running: dict[str, Running] = {}
        self._committed: dict[int, tuple[int, str]] = {}
        self._investigator: Investigator | None = None
        self._charges: list[Charge] = []

    def run(self) -> None:
        """Work until asked to stop; what was not judged by then is read again next time."""
        self._producer = clients.producer(self._settings, "investigate")
        self._journal = KafkaJournal(self._settings, clients.producer(self._settings, "investigate-journal"))
        self._audit = AuditLog.open(self._settings, "investigate")
        with Background() as background:
            self._background = background
            self._produce(self._audit.begin(_now_ms()))
            consumer = clients.consumer(self._settings, "investigate", ["sequences"], self._assigned, self._revoked)
            self._health.set(status="running")
            try:
                while not self._stop.requested:
                    self._turn(consumer)
            finally:
                self._health.set(status="stopping")
                self._produce(self._audit.end(_now_ms()))
                clients.flush(self._producer)
                consumer.close()

    def _turn(self, consumer: Consumer) -> None:
        hold = consumer.pause if len(self._waiting) >= MAX_WAITING else consumer.resume
        hold(consumer.assignment())
        for message in clients.usable(consumer.consume(BATCH, POLL_SECONDS)):
            self._produce(self._take(message))
        self._begin()
        over = self._finished()
        clients.flush(self._producer)
        for uid in over:
            self._waiting.done(uid)
            self._journal.over(self._running.pop(uid).investigation)
        self._commit(consumer)

    def _take(self, message: KafkaMessage) -> Iterator[wire.Message]:
        """Take one record in: into the waiting list, or out of it when its sequence was withdrawn."""
        position = message.partition() or 0, message.offset() or 0
        self._waiting.read(position)
        try:
            sequence = sequence_from_ocsf(decode(message.value() or b""))
        except (InvalidRecord, ValueError) as error:
            yield self._dead(message, str(error))
            return
        if isinstance(sequence, SequenceClosed):
            if self._waiting.withdraw(sequence.uid):
                self._abandon(sequence.uid)
            if sequence.was_alert:
                yield wire.verdict_closed_message(close_verdict(sequence))
                self._health.add(withdrawn=1)
        elif sequence.is_alert:
            self._waiting.add(sequence, _now_ms(), position)

    def _opened(self) -> Investigator:
        """Return what judges; it is made once it is known what models took before a restart."""
        if self._investigator is None:
            self._investigator = self._background.enter(self._make(self._journal, self._charges))
            self._health.set(investigator=self._investigator.name)
        return self._investigator

    def _begin(self) -> None:
        """Begin on what is ready, as far as there is room."""
        while len(self._running) < self._settings.investigations_at_once and not self._stop.requested:
            waiting = self._waiting.next(_now_ms(), self._is_ready)
            if waiting is None:
                break
            sequence = waiting.sequence
            investigation = investigation_uid(sequence)
            self._journal.assign(investigation, waiting.position[0])
            judging = self._background.submit(self._opened().judge(sequence, self._store))
            self._running[sequence.uid] = Running(investigation, judging)
        left = self._waiting.left(_now_ms())
        self._health.set(waiting=len(self._waiting), running=len(self._running), budget_left=left)

    def _finished(self) -> list[str]:
        """Produce what came of the investigations that are over; return their sequences."""
        over = [uid for uid, running in self._running.items() if running.judging.done()]
        for uid in over:
            self._produce(self._outcome(self._running[uid].judging.result()))
        return over

    def _is_ready(self, waiting: Waiting) -> bool:
        missing = self._store.missing(waiting.sequence)
        if not missing:
            return True
        if _now_ms() - waiting.since < self._settings.evidence_seconds * 1000:
            return False
        LOG.warning("sequence %s is judged without %d of its records", waiting.sequence.uid, len(missing))
        self._health.add(judged_with_gaps=1)
        return True

    def _outcome(self, result: Investigation) -> Iterator[wire.Message]:
        yield wire.verdict_message(result.verdict)
        for action in result.actions:
            yield wire.action_message(action)
        verdict = result.verdict  # the fixed rules have no clock, and tell nothing themselves
        uid = name_of(verdict.sequence_uid, verdict.sequence_revision)
        told = result.events or (investigation_ended(_now_ms(), uid, verdict),)
        yield from self._audit.append((*told, *map(action_moved, result.actions)))
        self._health.add(verdicts=1, actions=len(result.actions))
        if self._desk is not None:
            self._health.set(lookups={name: asdict(tally) for name, tally in self._desk.tallies.items()})

    def _produce(self, messages: Iterable[wire.Message]) -> None:
        for message in messages:
            clients.produce(self._producer, self._settings.topic_prefix, message)

    def _commit(self, consumer: Consumer) -> None:
        """Commit what is done, and beside it where the journal of what is not begins."""
        offsets = {
            partition: (offset, self._journal.begin(partition))
            for partition, offset in self._waiting.committable().items()
        }
        if offsets != self._committed:
            name = f"{self._settings.topic_prefix}sequences"
            places = [TopicPartition(name, number, *place) for number, place in offsets.items()]
            clients.commit(consumer, places)
            self._committed = offsets

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Read the journal of partitions that this worker gets, before their first record."""
        known = clients.patiently(
            lambda seconds: consumer.committed(partitions, timeout=seconds), self._settings, self._stop
        )
        begins = [(place.partition, place.metadata or "") for place in known]
        charges = self._journal.read(begins, _now_ms())
        if self._investigator is None:  # what is assigned later, others have paid for
            self._charges += charges

    def _revoked(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        gone = [partition.partition for partition in partitions]
        for uid in self._waiting.forget(gone):
            self._abandon(uid)
        self._journal.forget(gone)
        self._committed = {}

    def _abandon(self, sequence_uid: str) -> None:
        """Stop judging a sequence: no verdict of it may come behind what ended it."""
        running = self._running.pop(sequence_uid)
        running.judging.cancel()
        self._journal.over(running.investigation)

    def _dead(self, message: KafkaMessage, reason: str) -> wire.Message:
        at = Coordinates(message.topic() or "", message.partition() or 0, message.offset() or 0)
        record = RawRecord("", message.value() or b"", at, message.timestamp()[1])
        self._health.add(dead_letters=1)
        return wire.dead_letter_message(DeadLetter(record, "investigate", ParseError(reason)))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def run(settings: Settings, health: Health, stop: Stop) -> None:
    """Run the worker with the investigator, and the services outside, that the settings name."""

    def tell(models: Models) -> None:
        health.watch("models", lambda: [asdict(one) for one in models.health])

    problems: list[str] = []
    clocks = Clocks(_now_ms, time.monotonic)
    with open_lookups(settings, os.environ, clocks, problems.append, lambda: stop.requested) as desk:
        for problem in problems:
            LOG.error("lookups: %s", problem)
        health.set(lookup_problems=problems)
        check_files(settings)
        make = partial(open_investigator, settings, os.environ, clocks, desk, tell)
        InvestigateWorker(settings, health, stop, make, desk).run()
