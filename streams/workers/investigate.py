"""The investigate worker: escalated sequences in, verdicts and proposed actions out.

Slow and few: one batch at a time, its latest revision of each sequence, offsets committed after the results are
acknowledged. A sequence is investigated once the lake holds its signals and events, or when waiting has lasted too
long; the verdict then says what was missing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Final

from confluent_kafka import Message as KafkaMessage

from agents.deterministic import DeterministicInvestigator
from agents.investigate import Investigator
from models.errors import InvalidRecord
from models.finding import Sequence, SequenceClosed, sequence_from_ocsf
from models.ocsf import decode
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from models.verdict import close_verdict
from streams import wire
from streams.config import Settings
from streams.lake_store import LakeStore
from streams.workers import clients
from streams.workers.clients import LOG, Stop
from streams.workers.health import Health

POLL_SECONDS: Final = 0.2
BATCH: Final = 100
LAKE_POLL_SECONDS: Final = 0.5


class InvestigateWorker:
    """Judge escalated sequences with one investigator."""

    def __init__(self, settings: Settings, health: Health, stop: Stop, investigator: Investigator) -> None:
        self._settings = settings
        self._health = health
        self._stop = stop
        self._investigator = investigator
        self._store = LakeStore(settings.lake)

    def run(self) -> None:
        """Work until asked to stop; a batch that was not finished is taken again next time."""
        producer = clients.producer(self._settings, "investigate")
        consumer = clients.consumer(self._settings, "investigate", ["sequences"])
        self._health.set(status="running", investigator=self._investigator.name)
        try:
            while not self._stop.requested:
                batch = clients.usable(consumer.consume(BATCH, POLL_SECONDS))
                if not batch:
                    continue
                for message in self._results(batch):
                    clients.produce(producer, self._settings.topic_prefix, message)
                clients.flush(producer)
                if not self._stop.requested:
                    clients.commit(consumer)
        finally:
            self._health.set(status="stopping")
            consumer.close()

    def _results(self, batch: Iterable[KafkaMessage]) -> Iterator[wire.Message]:
        latest: dict[str, Sequence | SequenceClosed] = {}
        for message in batch:
            try:
                sequence = sequence_from_ocsf(decode(message.value() or b""))
            except (InvalidRecord, ValueError) as error:
                yield self._dead(message, str(error))
                continue
            latest.pop(sequence.uid, None)
            latest[sequence.uid] = sequence
        for sequence in latest.values():
            if self._stop.requested:
                return
            yield from self._judge(sequence)

    def _judge(self, sequence: Sequence | SequenceClosed) -> Iterator[wire.Message]:
        if isinstance(sequence, SequenceClosed):
            if sequence.was_alert:
                yield wire.verdict_closed_message(close_verdict(sequence))
                self._health.add(withdrawn=1)
            return
        if not sequence.is_alert:
            return
        self._await_evidence(sequence)
        if self._stop.requested:
            return
        result = self._investigator.investigate(sequence, self._store)
        yield wire.verdict_message(result.verdict)
        for action in result.actions:
            yield wire.action_message(action)
        self._health.add(verdicts=1, actions=len(result.actions))

    def _await_evidence(self, sequence: Sequence) -> None:
        deadline = time.monotonic() + self._settings.evidence_seconds
        while missing := self._store.missing(sequence):
            if time.monotonic() >= deadline:
                LOG.warning("sequence %s is judged without %d of its records", sequence.uid, len(missing))
                self._health.add(judged_with_gaps=1)
                return
            if self._stop.wait(LAKE_POLL_SECONDS):
                return

    def _dead(self, message: KafkaMessage, reason: str) -> wire.Message:
        at = Coordinates(message.topic() or "", message.partition() or 0, message.offset() or 0)
        record = RawRecord("", message.value() or b"", at, message.timestamp()[1])
        self._health.add(dead_letters=1)
        return wire.dead_letter_message(DeadLetter(record, "investigate", ParseError(reason)))


def run(settings: Settings, health: Health, stop: Stop) -> None:
    """Run the worker with the deterministic investigator."""
    InvestigateWorker(settings, health, stop, DeterministicInvestigator()).run()
