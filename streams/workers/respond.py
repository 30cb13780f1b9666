"""The respond worker: what is proposed is decided, approved by people, carried out, looked at, and taken back.

A worker has the same partitions of `actions`, `approvals` and `feedback`, and acts on what is in them. What stands it
reads from the topics, all of it, since limits and the breaker are about everything; it keeps nothing of its own. Each
step is one transaction: the next revision of an action, its records in the audit log, and the offsets. So `executing`
is there for good before an executor is asked, and a worker that has lost its partitions can no longer write it.

Who may write to `actions` is for Kafka's access lists to say. A revision by anybody else does not count, and whatever
a record says, an action runs only after it was decided on again, from signed approvals and evidence fetched anew.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from agents.audit.event import AuditEvent
from agents.executors.executors import Around
from agents.executors.file import read_executors
from agents.executors.operate import opened
from enrichers.background import Background
from enrichers.lookups.client import Clocks
from models.errors import KafkaUnavailable
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from streams import wire
from streams.config import Settings
from streams.responding import PolicyWatch
from streams.workers import clients
from streams.workers.auditing import AuditLog
from streams.workers.board import ACTIONS, APPROVALS, VERDICTS, KeptBoard
from streams.workers.clients import LOG, Stop
from streams.workers.evidence import Evidence
from streams.workers.flights import Flights
from streams.workers.health import Health
from streams.workers.respond_inbox import FEEDBACK, Inbox
from streams.workers.respond_steps import Steps

INBOX: Final = (ACTIONS, APPROVALS, FEEDBACK)
POLL_SECONDS: Final = 0.1
BATCH: Final = 100
COMMIT_SECONDS: Final = 30.0


class RespondWorker:
    """Carry out what policy and people allow."""

    def __init__(
        self,
        settings: Settings,
        health: Health,
        stop: Stop,
        now: Callable[[], int],
        environment: Mapping[str, str],
    ) -> None:
        """Prepare.

        Args:
            settings: The settings.
            health: Told what goes on.
            stop: Ends the work.
            now: The time, ms.
            environment: The variables of the process, where secrets of executors may be.
        """
        self._settings = settings
        self._health = health
        self._stop = stop
        self._now = now
        self._environment = environment
        self._watch = PolicyWatch(settings)
        self._executors = read_executors(settings.executors) if settings.executors else ()
        self._done: dict[tuple[str, int], int] = {}
        self._committed: dict[tuple[str, int], int] = {}
        self._consumer: Consumer | None = None
        self._is_sound = True

    def run(self) -> None:
        """Work until asked to stop; what an executor was asked by then is looked at again next time."""
        around = Around(self._environment, Clocks(self._now, time.monotonic), random.SystemRandom().random)
        self._audit = AuditLog.open(self._settings, "respond")
        self._producer = clients.transactional_producer(self._settings, "respond", self._stop)
        with KeptBoard(self._settings, self._stop) as kept, Background() as background:
            self._kept = kept
            self._flights = Flights(background.enter(opened(self._executors, around)), background)
            self._evidence = Evidence(self._settings, kept, self._now)
            self._steps = Steps(self._settings, kept, self._evidence, self._flights, self._now, self.write)
            self._inbox = Inbox(kept, self._evidence, self._now, self.write)
            self._transact(self._audit.begin(self._now()))
            kept.catch_up()
            self._work()

    def _work(self) -> None:
        self._consumer = consumer = clients.consumer(
            self._settings, "respond", INBOX, self._assigned, self._revoked, together=True
        )
        try:
            self._health.set(status="running")
            while not self._stop.requested:
                self._turn(consumer)
        finally:
            self._health.set(status="stopping")
            if self._is_sound:
                self._transact(self._audit.end(self._now()))
            self._evidence.close()
            consumer.close()

    def _turn(self, consumer: Consumer) -> None:
        messages = clients.usable(consumer.consume(BATCH, POLL_SECONDS))
        self._kept.follow()
        self._evidence.follow()
        policy = self._watch.now()
        news = list(self._watch.news(policy, self._kept.board.standing, self._now()))
        if news:
            self.write((), news)
        self._kept.reach(_behind(messages, self._settings.topic_prefix + ACTIONS))
        for message in messages:
            self._read(message)
        self._steps.turn(policy, self._owned())
        if self._done != self._committed:
            self._transact(())
        self._tell(policy.label, policy.mode, stopped=policy.kill_switch)

    def _read(self, message: KafkaMessage) -> None:
        place = message.topic() or "", message.partition() or 0
        if place not in self._done:
            return  # it went to another worker in between
        self._done[place] = (message.offset() or 0) + 1
        topic = place[0].removeprefix(self._settings.topic_prefix)
        problem = self._inbox.take(topic, message, self._watch.now())
        if problem:
            self.write((self._dead(message, problem),), ())

    def write(self, messages: Iterable[wire.Message], events: Iterable[AuditEvent]) -> None:
        """Write messages and what the audit log says of them for good, and know them."""
        written: list[KafkaMessage] = []
        self._transact((*messages, *self._audit.append(events)), written)
        self._kept.reach(_behind(written, *(self._settings.topic_prefix + topic for topic in (ACTIONS, VERDICTS))))

    def _transact(self, messages: Iterable[wire.Message], written: list[KafkaMessage] | None = None) -> None:
        """Write and commit at once, or end: the audit log could not be gone on with."""
        taken = [] if written is None else written
        offsets = [TopicPartition(*place, offset) for place, offset in self._done.items()]
        try:
            self._producer.begin_transaction()
            for message in messages:
                clients.produce(
                    self._producer, self._settings.topic_prefix, message, lambda _, sent: taken.append(sent)
                )
            if self._consumer is not None and offsets:
                group = self._consumer.consumer_group_metadata()
                self._producer.send_offsets_to_transaction(offsets, group, COMMIT_SECONDS)
            self._producer.commit_transaction(COMMIT_SECONDS)
        except KafkaException as error:
            self._is_sound = False
            raise KafkaUnavailable(f"respond cannot go on: {error.args[0].str()}") from error
        self._committed = dict(self._done)

    def _owned(self) -> frozenset[int]:
        name = self._settings.topic_prefix + ACTIONS
        return frozenset(partition for topic, partition in self._done if topic == name)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Know all that is committed of partitions that this worker gets, before anything is done about them.

        Asking for the offsets waits for transactions of whoever had the partitions.
        """
        known = clients.patiently(
            lambda seconds: consumer.committed(partitions, timeout=seconds), self._settings, self._stop
        )
        self._done = {(at.topic, at.partition): max(at.offset, 0) for at in known}
        self._committed = dict(self._done)
        self._kept.catch_up()
        name = self._settings.topic_prefix + APPROVALS
        self._inbox.remember({at.partition: max(at.offset, 0) for at in known if at.topic == name}, self._watch.now())
        owned, actions = self._owned(), self._kept.board.actions
        self._flights.cancel(lambda uid: uid in actions and actions[uid].partition in owned)
        LOG.info("respond: partitions %s", sorted(owned))

    def _revoked(self, _: Consumer, __: list[TopicPartition]) -> None:
        self._done = {}

    def _dead(self, message: KafkaMessage, reason: str) -> wire.Message:
        at = Coordinates(message.topic() or "", message.partition() or 0, message.offset() or 0)
        record = RawRecord("", message.value() or b"", at, message.timestamp()[1])
        self._health.add(dead_letters=1)
        return wire.dead_letter_message(DeadLetter(record, "respond", ParseError(reason)))

    def _tell(self, policy: str, mode: str, *, stopped: bool) -> None:
        counts: dict[str, int] = {}
        for known in self._kept.board.actions.values():
            counts[known.action.status] = counts.get(known.action.status, 0) + 1
        self._health.set(
            policy=policy,
            mode=mode,
            kill_switch=stopped,
            policy_problem=self._watch.problem,
            breaker=list(self._watch.breaker),
            actions=counts,
            at_executors=len(self._flights),
            partitions=sorted(self._owned()),
            evidence_problem=self._evidence.problem,
        )


def _behind(messages: Iterable[KafkaMessage], *topics: str) -> dict[tuple[str, int], int]:
    """Return the offsets behind the last of these messages, by topic and partition, of some topics."""
    ends: dict[tuple[str, int], int] = {}
    for message in messages:
        if message.topic() in topics:
            place = message.topic() or "", message.partition() or 0
            ends[place] = max(ends.get(place, 0), (message.offset() or 0) + 1)
    return ends


def run(settings: Settings, health: Health, stop: Stop) -> None:
    """Run the worker."""
    RespondWorker(settings, health, stop, lambda: time.time_ns() // 1_000_000, os.environ).run()
