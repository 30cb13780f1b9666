"""`braid topics` and `braid dead-letter`, and how commands read a topic."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from uuid import uuid4

import click
import orjson
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

from models.errors import KafkaUnavailable
from streams.cli.output import print_json
from streams.config import Settings, load_settings
from streams.deadletter import dead_letter_from_json
from streams.sources.headers import with_header
from streams.sources.registry import SOURCES
from streams.topics import table
from streams.wire import Message
from streams.workers import clients, kafka_admin
from streams.workers.reaching import reach
from streams.workers.security import client_settings

_JSON = click.option("--json", "as_json", is_flag=True, help="Machine output.")
ANSWER_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.2
BATCH: Final = 100


@click.group()
def topics() -> None:
    """Make, list and check the topics."""


@topics.command("create")
@click.option("--replication", default=kafka_admin.BROKER_DEFAULT, help="Copies of each partition (default: broker's).")
@_JSON
def topics_create(*, replication: int, as_json: bool) -> None:
    """Create the topics that are missing; touch none that is there."""
    settings = load_settings()
    reach(settings, clients.Stop())
    wanted = table(SOURCES, settings.topic_prefix)
    result = kafka_admin.create(settings.bootstrap, wanted, replication, client=client_settings(settings))
    if as_json:
        print_json({"created": result.created, "existed": result.existed})
        return
    click.echo(f"{len(result.created)} created, {len(result.existed)} were there")


@topics.command("list")
@_JSON
def topics_list(*, as_json: bool) -> None:
    """List every topic: partitions, how long it is kept, its key."""
    rows = table(SOURCES, load_settings().topic_prefix)
    if as_json:
        print_json([{name: getattr(row, name) for name in row.__slots__} for row in rows])
        return
    for row in rows:
        kept = "compacted" if row.cleanup == "compact" else f"{row.retention_ms // 86_400_000} days"
        kept = "forever" if row.cleanup == "delete" and row.retention_ms < 0 else kept
        click.echo(f"{row.name:32} {row.partitions:3} partitions  {kept:10}  key: {row.key}")


@topics.command("check")
@_JSON
def topics_check(*, as_json: bool) -> int:
    """Compare a cluster with the table and explain each difference."""
    settings = load_settings()
    reach(settings, clients.Stop())
    wanted = table(SOURCES, settings.topic_prefix)
    differences = kafka_admin.check(settings.bootstrap, wanted, client=client_settings(settings))
    if as_json:
        print_json([{name: getattr(d, name) for name in d.__slots__} for d in differences])
    else:
        for difference in differences:
            click.echo(str(difference))
        click.echo(f"{len(differences)} differences")
    return 1 if differences else 0


@click.group()
def dead_letter() -> None:
    """Records that could not go on."""


@dead_letter.command("list")
@click.option(
    "--max", "limit", type=click.IntRange(min=1), default=100, show_default=True, help="Stop after this many."
)
@_JSON
def dead_letter_list(*, limit: int, as_json: bool) -> None:
    """List dead letters: where from, which stage, why.

    The oldest of each partition come first. With --json, each is printed whole, a line each.
    """
    for number, value in enumerate(standing_values(load_settings(), "dead-letter"), 1):
        letter = orjson.loads(value)
        if as_json:
            click.echo(value.decode())
        else:
            where = f"{letter['topic']}/{letter['partition']}@{letter['offset']}"
            click.echo(f"{where}  {letter['stage']}: {letter['reason']}  {letter['preview'][:60]!r}")
        if number == limit:
            break


@dead_letter.command("replay")
@click.option("--stage", help="Only letters of this stage.")
@click.option("--source", help="Only letters of this source.")
@_JSON
def dead_letter_replay(*, stage: str | None, source: str | None, as_json: bool) -> None:
    """Send dead letters round again.

    The original bytes of what is there now go to the topic they came from. Nothing is remembered: a second run sends
    them once more.
    """
    settings = load_settings()
    producer = clients.producer(settings, "dead-letter-replay")
    count = 0
    for found in standing_values(settings, "dead-letter"):
        letter = dead_letter_from_json(orjson.loads(found))
        if (stage and letter.stage != stage) or (source and letter.record.source != source):
            continue
        record = letter.record
        topic = record.at.topic.removeprefix(settings.topic_prefix)
        value = with_header(record.raw, record.columns)
        clients.produce(producer, settings.topic_prefix, Message(topic, b"", value, []))
        count += 1
    clients.flush(producer)
    if as_json:
        print_json({"sent": count})
        return
    click.echo(f"{count} sent again")


def coming_values(settings: Settings, topic: str, idle: float | None, *, from_beginning: bool) -> Iterator[bytes]:
    """Yield the values of a topic as they come, until none came for `idle` seconds."""
    with _consumer(settings) as consumer:
        start = OFFSET_BEGINNING if from_beginning else OFFSET_END
        consumer.assign(_partitions(settings, consumer, topic, start))
        last = time.monotonic()
        while idle is None or time.monotonic() - last < idle:
            for message in clients.usable(consumer.consume(BATCH, POLL_SECONDS)):
                last = time.monotonic()
                yield message.value() or b""
            sys.stdout.flush()


def standing_values(settings: Settings, topic: str) -> Iterator[bytes]:
    """Yield the values a topic has now; what comes meanwhile may well follow from what is done with these."""
    return (value for _, value in standing_records(settings, topic))


def standing_records(settings: Settings, topic: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values a topic has now."""
    with _consumer(settings) as consumer:
        partitions = _partitions(settings, consumer, topic, OFFSET_BEGINNING)
        ends = {at.partition: _end(settings, consumer, at) for at in partitions}
        consumer.assign(partitions)
        left = {number for number, end in ends.items() if end > 0}
        last = time.monotonic()
        while left:
            messages = consumer.consume(BATCH, POLL_SECONDS)
            last = time.monotonic() if messages else last
            if time.monotonic() - last > ANSWER_SECONDS:
                raise KafkaUnavailable(f"{settings.bootstrap} sent nothing for {ANSWER_SECONDS:g} s")
            left -= {message.partition() or 0 for message in messages if clients.reached_end(message)}
            kept = [(m.partition() or 0, m.offset() or 0, m) for m in clients.usable(messages)]
            yield from ((m.key() or b"", m.value() or b"") for number, offset, m in kept if offset < ends[number])
            left -= {number for number, offset, _ in kept if offset + 1 >= ends[number]}


def _end(settings: Settings, consumer: Consumer, at: TopicPartition) -> int:
    """Return the offset behind the last record of a partition, which on a new topic may still elect its leader."""
    ask = partial(consumer.get_watermark_offsets, at)
    _, end = clients.patiently(lambda seconds: ask(timeout=seconds), settings, clients.Stop())
    return int(end)


@contextmanager
def _consumer(settings: Settings) -> Iterator[Consumer]:
    """Make a consumer in a group of nobody else, that commits nothing."""
    config: dict[str, Any] = {
        **client_settings(settings),
        "group.id": f"braid-cli-{uuid4().hex}",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "fetch.wait.max.ms": 50,
        "log_level": 0,  # what goes wrong is raised; the library's own lines would stand between the records
    }
    reach(settings, clients.Stop(), ANSWER_SECONDS)
    made = Consumer(config)
    try:
        yield made
    except KafkaException as error:
        raise KafkaUnavailable(f"{settings.bootstrap}: {error.args[0].str()}") from error
    finally:
        made.close()


def _partitions(settings: Settings, consumer: Consumer, topic: str, offset: int) -> list[TopicPartition]:
    name = settings.topic_prefix + topic
    metadata: Any = consumer.list_topics(name, timeout=ANSWER_SECONDS).topics[name]
    if metadata.error is not None:
        raise KafkaUnavailable(f"{name}: {metadata.error.str()}; make the topics with: braid topics create")
    return [TopicPartition(name, number, offset) for number in metadata.partitions]
