"""What events count to is on its topic exactly once, however ingest was cut off, and in few records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from confluent_kafka import Message

from models.feature import Delta, decode, join
from models.records import Coordinates, RawRecord
from streams.features.folding import Counting
from streams.rulebook import Rulebook
from streams.sources.registry import SOURCES
from streams.stage import build_stages
from streams.topics import partition_for
from streams.wire import FEATURES, TICK
from tests.workers.attack import attack, write_rules
from tests.workers.processes import Braid, headers

HOSTS, NOISE = 20, 3_000


def expected(raw: dict[str, list[bytes]]) -> dict[tuple[str, str, int], Delta]:
    """Return what the records count to in one batch."""
    ingest, counting = build_stages(Rulebook((), (), ())).ingest, Counting()
    for source, values in raw.items():
        for offset, value in enumerate(values):
            record = RawRecord(source, value, Coordinates(f"raw.{source}", 0, offset), 0)
            for result in ingest.process(SOURCES[source], record):
                if result.event is not None:
                    counting.add(result.event)
    return join(counting.deltas())


def told(messages: Iterable[Message]) -> Iterator[tuple[int, Delta]]:
    """Yield every delta with its partition."""
    for message in messages:
        if headers(message)["ce_type"].decode() == FEATURES:
            yield from ((message.partition() or 0, delta) for delta in decode(message.value() or b""))


def processes(messages: Iterable[Message]) -> int:
    """Return how many processes were counted in all."""
    return sum(delta.counts["processes"].amount for _, delta in told(messages) if "processes" in delta.counts)


def without_places(delta: Delta) -> tuple[object, ...]:
    """Return a delta but for where its records are: how they are spread over partitions is the broker's affair."""
    return (
        delta.key,
        delta.peers,
        delta.counts,
        delta.values,
        delta.distinct,
        delta.peaks,
        delta.points,
        set(delta.events),
    )


def test_behaviour_is_counted_exactly_once_after_kill_9(bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    braid = Braid(bootstrap, topic_prefix, write_rules(tmp_path / "rules"), tmp_path)
    with braid.running("topics", "create") as made:
        assert made.wait(30) == 0
    zeek, windows = attack(HOSTS, noise=NOISE)
    wanted = expected({"zeek": zeek, "windows": windows})
    braid.send("raw.windows", windows)
    braid.send("raw.zeek", zeek)
    small = {"BRAID_BATCH_RECORDS": "200"}
    with braid.running("worker", "ingest", **small) as worker:
        braid.read_until("features", lambda held: processes(held) >= 400)
        worker.kill()
        worker.wait()
    with braid.running("worker", "ingest", **small):
        braid.read_until("events.network", lambda held: len(held) >= 2 * HOSTS)
        found = braid.read_until("features", lambda held: processes(held) >= NOISE and len(joined(held)) >= len(wanted))
    assert {key: without_places(delta) for key, delta in joined(found).items()} == {
        key: without_places(delta) for key, delta in wanted.items()
    }
    check_messages(found)


def joined(messages: Iterable[Message]) -> dict[tuple[str, str, int], Delta]:
    return join(delta for _, delta in told(messages))


def check_messages(messages: list[Message]) -> None:
    """Every delta is in the partition of its entity, beside ticks, and many are in one record."""
    partitions = 12
    assert all(partition_for(delta.entity.encode(), partitions) == at for at, delta in told(messages))
    kinds = [headers(message)["ce_type"].decode() for message in messages]
    assert kinds.count(FEATURES) < NOISE / 10
    assert {message.partition() for message in messages if headers(message)["ce_type"].decode() == TICK} == {
        *range(partitions)
    }
    assert {headers(message)["content-type"] for message in messages} == {b"application/msgpack", b"application/json"}
