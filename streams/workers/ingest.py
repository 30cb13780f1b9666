"""The ingest worker: whole batches of raw records in, exactly once out: events, signals, features, links, dead letters.

A batch's results and its offsets are one Kafka transaction. There is no other state: add a process to scale.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import chain
from typing import Final

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka import Message as KafkaMessage

from models.entity import EntityLink
from models.errors import KafkaUnavailable
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from streams import wire
from streams.clockcheck import Clock, ClockCheck
from streams.config import Settings
from streams.features.folding import Counting, envelopes
from streams.flood import fold_batch
from streams.ingest import Ingested, Routed
from streams.sources.framing import split_message
from streams.sources.registry import SOURCES
from streams.topics import RAW_PREFIX
from streams.workers import clients
from streams.workers.clients import LOG, Stop
from streams.workers.context import ContextTopics
from streams.workers.enrichment import RunningEnrichment
from streams.workers.health import Health
from streams.workers.lines import Lines
from streams.workers.rules import RunningRules
from streams.workers.ticks import Place, Ticks

POLL_SECONDS: Final = 0.2
LINKS_REMEMBERED: Final = 100_000
COMMIT_SECONDS: Final = 20.0
CLOCK_SECONDS: Final = 60.0  # between two looks at the clocks


class IngestWorker:
    """Run the ingest stage between Kafka topics."""

    def __init__(self, settings: Settings, health: Health, stop: Stop) -> None:
        self._settings = settings
        self._health = health
        self._stop = stop
        self._partitions = clients.keyed_partitions(settings, stop)
        self._enrichment = RunningEnrichment(settings, health, ContextTopics(settings))
        self._rules = RunningRules(settings, health)
        self._ingest = self._rules.ingest
        self._ticks = Ticks()
        self._read_at = 0
        self._links: dict[str, None] = {}
        self._lines = Lines(settings.join_seconds)
        self._clocks = ClockCheck()
        self._told: set[Clock] = set()
        self._looked = time.monotonic()

    def run(self) -> None:
        """Work until asked to stop; raise KafkaUnavailable when the broker is gone for good."""
        producer = clients.transactional_producer(self._settings, "ingest", self._stop)
        topics = [source.topic for source in SOURCES.values()]
        consumer = clients.consumer(
            self._settings, "ingest", topics, on_assign=self._assigned, on_revoke=self._revoked, ends=True
        )
        self._rules.start()
        self._enrichment.start()
        self._health.set(status="running")
        try:
            while not self._stop.requested:
                self._begin()
                batch = self._noted(consumer.consume(self._settings.batch_records, POLL_SECONDS))
                if batch or self._lines.silent() or self._ticks.any_due(self._read_at):
                    self._transact(consumer, producer, batch)
        finally:
            self._health.set(status="stopping")
            self._enrichment.close()
            self._rules.close()
            consumer.close()

    def _begin(self) -> None:
        """Begin a batch, with the newest rules and the newest enrichers."""
        self._rules.begin()
        self._enrichment.begin()
        self._ingest = self._rules.ingest.with_enrichment(self._enrichment.chain)

    def _noted(self, messages: list[KafkaMessage]) -> list[KafkaMessage]:
        """Take note of which partitions go on and which are at their end; return the records."""
        self._read_at = time.time_ns() // 1_000_000
        for message in messages:
            if message.error() is None:
                self._ticks.came(self._place(message), self._read_at)
            elif clients.reached_end(message):
                self._ticks.ended(self._place(message), message.offset() or 0)
        return clients.usable(messages)

    def _place(self, at: KafkaMessage | TopicPartition) -> Place:
        topic, partition = (at.topic, at.partition) if isinstance(at, TopicPartition) else (at.topic(), at.partition())
        return self._source(topic or ""), partition or 0

    def _source(self, topic: str) -> str:
        return topic.removeprefix(self._settings.topic_prefix + RAW_PREFIX)

    def _transact(self, consumer: Consumer, producer: Producer, batch: list[KafkaMessage]) -> None:
        """Process one batch in one transaction; on an abortable error take the batch again."""
        producer.begin_transaction()
        try:
            counts = self._process(producer, batch)
            offsets = [self._lines.position(at) for at in consumer.position(consumer.assignment())]
            producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), COMMIT_SECONDS)
            producer.commit_transaction(COMMIT_SECONDS)
        except KafkaException as error:
            self._give_back(consumer, producer, error)
        else:
            self._health.add(transactions=1, **counts)
            self._rules.end()
            self._tell_of_clocks()

    def _tell_of_clocks(self) -> None:
        """Report clocks that are wrong, in the health endpoint and, once each, in the log."""
        if time.monotonic() - self._looked < CLOCK_SECONDS:
            return
        self._looked = time.monotonic()
        found = self._clocks.found()
        for clock in found:
            if (clock.source, clock.host) not in self._told:
                self._told.add((clock.source, clock.host))
                LOG.warning("%s", clock)
        if found:
            self._health.set(wrong_clocks=[clock.setting for clock in found])

    def _give_back(self, consumer: Consumer, producer: Producer, error: KafkaException) -> None:
        problem = error.args[0]
        if not problem.txn_requires_abort():
            raise KafkaUnavailable(f"ingest cannot go on: {problem.str()}") from error
        LOG.warning("transaction aborted, its batch is taken again: %s", problem.str())
        producer.abort_transaction(COMMIT_SECONDS)
        self._ticks.unsaid()
        self._links.clear()
        self._health.add(aborted_transactions=1)
        committed = consumer.committed(consumer.assignment(), COMMIT_SECONDS)
        self._lines.resume(committed)
        for partition in committed:
            partition.offset = max(partition.offset, 0)
            consumer.seek(partition)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._lines.resume(consumer.committed(partitions, COMMIT_SECONDS))
        for at in partitions:
            place = self._place(at)
            self._ticks.assigned(place, SOURCES[place[0]].delay_ms)

    def _revoked(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        for at in partitions:
            self._lines.forget((at.topic, at.partition))
            self._ticks.revoked(self._place(at))

    def _process(self, producer: Producer, batch: list[KafkaMessage]) -> dict[str, int]:
        counts = {"records": 0, "events": 0, "signals": 0, "excepted_matches": 0, "dead_letters": 0}
        counts["enrichment_failures"] = 0
        found: list[Routed] = []
        counting = Counting()
        for record in chain(chain.from_iterable(map(self._records, batch)), self._lines.waited_for()):
            counts["records"] += 1
            for result in self._one(record):
                if result.event is not None:
                    counts["events"] += 1
                    counting.add(result.event)
                counts["signals"] += len(result.signals)
                counts["excepted_matches"] += result.excepted
                counts["dead_letters"] += len(result.dead)
                counts["enrichment_failures"] += len(result.failed)
                self._rules.observe(result.dead)
                found += result.signals
                for outgoing in self._outgoing(result):
                    clients.produce(producer, self._settings.topic_prefix, outgoing)
        for outgoing in chain(self._folded(found), self._counted(counting), self._new_ticks()):
            clients.produce(producer, self._settings.topic_prefix, outgoing)
        return counts

    def _one(self, record: RawRecord | DeadLetter) -> tuple[Ingested, ...]:
        if isinstance(record, DeadLetter):
            return (Ingested(None, dead=(record,)),)
        source = SOURCES[record.source]
        results = self._ingest.process(source, record)
        place = source.name, record.at.partition
        for result in results:
            if result.event is not None:
                self._clocks.observe(result.event, record.broker_time)
                self._ticks.observe(place, result.event.time, record.broker_time, self._read_at)
        return results

    def _records(self, message: KafkaMessage) -> Iterable[RawRecord | DeadLetter]:
        topic, partition, offset = message.topic() or "", message.partition() or 0, message.offset() or 0
        source = self._source(topic)
        at = Coordinates(topic, partition, offset)
        _, broker_time = message.timestamp()
        payload = message.value() or b""
        split = split_message(source, payload, at, broker_time)
        if isinstance(split, ParseError):
            return [DeadLetter(RawRecord(source, payload, at, broker_time), "split", split)]
        join = SOURCES[source].join
        if join is None:
            return split
        return self._lines.take((topic, partition), split, join)

    def _outgoing(self, result: Ingested) -> Iterable[wire.Message]:
        if result.event is not None:
            yield wire.event_message(result.event)
        for link in result.links:
            yield from self._link_once(link)
        for letter in result.dead:
            yield wire.dead_letter_message(letter)

    def _folded(self, found: Iterable[Routed]) -> Iterable[wire.Message]:
        """Send a batch's signals to all of their keys, floods among them folded."""
        copies, dropped = [], 0
        for routed in found:
            copies += [(routed.signal, key) for key in routed.routes.keys]
            dropped += routed.routes.dropped
        sent = fold_batch(copies, self._settings.flood_limit)
        in_floods = len(copies) - sum(signal.flood is None for signal, _ in sent)
        self._health.add(signal_copies=len(sent), signal_copies_dropped=dropped, copies_in_floods=in_floods)
        return (wire.signal_message(signal, key) for signal, key in sent)

    def _counted(self, counting: Counting) -> Iterable[wire.Message]:
        """Send what a batch's events count to, by entity and minute."""
        deltas = counting.deltas()
        if not deltas:
            return ()
        messages = list(
            wire.feature_messages(envelopes(deltas, self._partitions), max(delta.start for delta in deltas))
        )
        self._health.add(feature_deltas=len(deltas), feature_messages=len(messages))
        return messages

    def _link_once(self, link: EntityLink) -> Iterable[wire.Message]:
        """Send a link the first time this process sees it: the same fact stands in thousands of records."""
        if link.uid in self._links:
            return
        if len(self._links) >= LINKS_REMEMBERED:
            self._links.clear()
        self._links[link.uid] = None
        yield from wire.link_messages(link, self._partitions)

    def _new_ticks(self) -> Iterable[wire.Message]:
        ticks = self._ticks.due(self._read_at)
        if not ticks:
            return ()
        return chain.from_iterable(
            wire.tick_messages(ticks, self._partitions, topic) for topic in ("signals", "features")
        )


def run(settings: Settings, health: Health, stop: Stop) -> None:
    """Run the worker."""
    IngestWorker(settings, health, stop).run()
