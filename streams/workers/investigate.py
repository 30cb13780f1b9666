"""The investigate worker: escalated sequences in, verdicts and proposed actions out.

Slow and few: the budget of investigations per hour goes to the highest risk first, and what waits is visible in the
health endpoint. A sequence is investigated once the lake holds its signals and events, or when waiting for them has
lasted too long; the verdict then says what was missing. An offset is committed after its result is acknowledged.

Where the settings name services outside, they are asked in between, each investigation for a bounded time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka import Message as KafkaMessage

from agents.deterministic.investigator import DeterministicInvestigator
from agents.evidence.toolbox import Budget
from agents.investigate.base import Investigator
from agents.waiting import Waiting, WaitingList
from enrichers.lookups.client import Clocks
from enrichers.lookups.desk import Desk
from models.errors import InvalidRecord
from models.finding import Sequence, SequenceClosed
from models.finding_ocsf import sequence_from_ocsf
from models.ocsf import decode
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from models.verdict import close_verdict
from streams import wire
from streams.config import Settings
from streams.lake_store import LakeStore
from streams.lookups import open_lookups
from streams.workers import clients
from streams.workers.clients import LOG, Stop
from streams.workers.health import Health

POLL_SECONDS: Final = 0.2
BATCH: Final = 100
MAX_WAITING: Final = 10_000  # beyond this, the topic keeps what is still to be read
WORK_SECONDS: Final = 10.0  # of judging before Kafka hears of the worker again, far below what it puts up with


class InvestigateWorker:
    """Judge escalated sequences with one investigator."""

    def __init__(
        self, settings: Settings, health: Health, stop: Stop, investigator: Investigator, desk: Desk | None = None
    ) -> None:
        """Prepare.

        Args:
            settings: The settings.
            health: Told what goes on.
            stop: Ends the work.
            investigator: Judges.
            desk: What the investigator asks services outside through, None when it asks nobody.
        """
        self._desk = desk
        self._settings = settings
        self._health = health
        self._stop = stop
        self._investigator = investigator
        self._store = LakeStore(settings.lake)
        self._waiting = WaitingList(settings.investigations_per_hour)
        self._committed: dict[int, int] = {}

    def run(self) -> None:
        """Work until asked to stop; what was not judged by then is read again next time."""
        producer = clients.producer(self._settings, "investigate")
        consumer = clients.consumer(self._settings, "investigate", ["sequences"], on_revoke=self._revoked)
        self._health.set(status="running", investigator=self._investigator.name)
        try:
            while not self._stop.requested:
                hold = consumer.pause if len(self._waiting) >= MAX_WAITING else consumer.resume
                hold(consumer.assignment())
                for message in clients.usable(consumer.consume(BATCH, POLL_SECONDS)):
                    self._produce(producer, self._take(message))
                self._work_off(producer)
                clients.flush(producer)
                self._commit(consumer)
        finally:
            self._health.set(status="stopping")
            consumer.close()

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
            self._waiting.withdraw(sequence.uid)
            if sequence.was_alert:
                yield wire.verdict_closed_message(close_verdict(sequence))
                self._health.add(withdrawn=1)
        elif sequence.is_alert:
            self._waiting.add(sequence, _now_ms(), position)

    def _work_off(self, producer: Producer) -> None:
        until = time.monotonic() + WORK_SECONDS
        while not self._stop.requested and time.monotonic() < until:
            sequence = self._waiting.next(_now_ms(), self._is_ready)
            if sequence is None:
                break
            self._produce(producer, self._judge(sequence))
        self._health.set(waiting=len(self._waiting), budget_left=self._waiting.left(_now_ms()))

    def _is_ready(self, waiting: Waiting) -> bool:
        missing = self._store.missing(waiting.sequence)
        if not missing:
            return True
        if _now_ms() - waiting.since < self._settings.evidence_seconds * 1000:
            return False
        LOG.warning("sequence %s is judged without %d of its records", waiting.sequence.uid, len(missing))
        self._health.add(judged_with_gaps=1)
        return True

    def _judge(self, sequence: Sequence) -> Iterator[wire.Message]:
        result = self._investigator.investigate(sequence, self._store)
        yield wire.verdict_message(result.verdict)
        for action in result.actions:
            yield wire.action_message(action)
        self._health.add(verdicts=1, actions=len(result.actions))
        if self._desk is not None:
            self._health.set(lookups={name: asdict(tally) for name, tally in self._desk.tallies.items()})

    def _produce(self, producer: Producer, messages: Iterator[wire.Message]) -> None:
        for message in messages:
            clients.produce(producer, self._settings.topic_prefix, message)

    def _commit(self, consumer: Consumer) -> None:
        offsets = self._waiting.committable()
        if offsets != self._committed:
            name = f"{self._settings.topic_prefix}sequences"
            clients.commit(consumer, [TopicPartition(name, number, offset) for number, offset in offsets.items()])
            self._committed = offsets

    def _revoked(self, _: Consumer, partitions: list[Any]) -> None:
        self._waiting.forget(partition.partition for partition in partitions)
        self._committed = {}

    def _dead(self, message: KafkaMessage, reason: str) -> wire.Message:
        at = Coordinates(message.topic() or "", message.partition() or 0, message.offset() or 0)
        record = RawRecord("", message.value() or b"", at, message.timestamp()[1])
        self._health.add(dead_letters=1)
        return wire.dead_letter_message(DeadLetter(record, "investigate", ParseError(reason)))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def run(settings: Settings, health: Health, stop: Stop) -> None:
    """Run the worker with the deterministic investigator, and the services outside that the settings name."""
    problems: list[str] = []
    clocks = Clocks(_now_ms, time.monotonic)
    with open_lookups(settings, os.environ, clocks, problems.append, lambda: stop.requested) as desk:
        for problem in problems:
            LOG.error("lookups: %s", problem)
        health.set(lookup_problems=problems)
        investigator = DeterministicInvestigator(Budget(lookup_seconds=settings.lookup_seconds), desk)
        InvestigateWorker(settings, health, stop, investigator, desk).run()
