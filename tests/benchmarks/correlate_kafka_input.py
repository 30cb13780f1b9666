"""What the correlate worker is given on Kafka: the made rules as Sigma, their signals as messages, quiet states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import yaml
from confluent_kafka import Producer

from models.finding import Signal
from streams.correlate.routing import Router
from streams.correlate.spec import CorrelationSpec
from streams.correlate.state import KeyState, encode_state
from streams.correlate.watermark import Tick
from streams.rulebook import load_rulebook
from streams.topics import partition_for
from streams.wire import Message, signal_message, tick_messages
from tests.benchmarks import correlating
from tests.benchmarks.correlating import DELAY_MS, DETECTIONS, MINUTE_MS

ASK_S: Final = 60.0
TOLD: Final = 10_000  # states between two words on how far it is


def rule_id(uid: str) -> str:
    """Return a made rule's uid as Sigma writes ids."""
    return str(UUID(uid))


def write_rules(folder: Path, count: int) -> tuple[CorrelationSpec, ...]:
    """Write the made correlations and detections as Sigma; return the correlations as the worker will have them."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = [_detection(number) for number in range(DETECTIONS)]
    documents += [_correlation(spec) for spec in correlating.correlations(count)]
    (folder / "rules.yml").write_text(yaml.safe_dump_all(documents, sort_keys=False), "utf-8")
    return load_rulebook([folder]).sound().correlations


def _detection(number: int) -> dict[str, Any]:
    analytic = correlating.detection(number)
    return {
        "title": analytic.name,
        "id": rule_id(analytic.uid),
        "level": "medium",
        "logsource": {"product": "windows", "category": "process_creation"},
        "detection": {"one": {"Image": f"program{number}.exe"}, "condition": "one"},
    }


def _correlation(spec: CorrelationSpec) -> dict[str, Any]:
    condition: dict[str, Any] = {spec.threshold.op: spec.threshold.count}
    if spec.count_fields:
        condition["field"] = spec.count_fields[0]
    return {
        "title": spec.analytic.name,
        "id": rule_id(spec.analytic.uid),
        "level": "high",
        "correlation": {
            "type": spec.kind,
            "rules": [rule_id(rule) for rule in spec.rules],
            "group-by": list(spec.group_by),
            "timespan": f"{spec.timespan // MINUTE_MS}m",
            **({} if spec.kind.startswith("temporal") else {"condition": condition}),
        },
    }


def signals(count: int) -> Iterator[Signal]:
    """Yield the made signals under the ids that the rules have in Sigma."""
    return map(_renamed, correlating.signals(count))


def _renamed(signal: Signal) -> Signal:
    return replace(signal, analytic=replace(signal.analytic, uid=rule_id(signal.analytic.uid)))


def messages(specs: Iterable[CorrelationSpec], count: int, partitions: int) -> Iterator[tuple[int, Message]]:
    """Yield the copies of so many signals and a tick for every minute of event time, each with its partition."""
    router, latest, told = Router(specs), 0, 0
    for signal in signals(count):
        latest = max(latest, signal.time)
        if latest - told >= MINUTE_MS:
            told = latest
            tick = Tick("windows", 0, latest - DELAY_MS, latest)
            yield from ((message.partition or 0, message) for message in tick_messages((tick,), partitions))
        for key in router.routes(signal).keys:
            yield partition_for(key.encode(), partitions), signal_message(signal, key)


def probes(partitions: int) -> Iterator[tuple[int, Message]]:
    """Yield one signal for each partition, of hosts that nothing is known of."""
    wanted = set(range(partitions))
    for number, signal in enumerate(signals(100 * partitions)):
        key = f"host:probe{number}.example.com"
        partition = partition_for(key.encode(), partitions)
        if partition in wanted:
            wanted.remove(partition)
            yield partition, signal_message(signal, key)


def states(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys with encoded quiet states: one signal, every fourth three."""
    for number in range(count):
        key, held = correlating.quiet(number, 1 if number % 4 else 3)
        found = tuple(sorted(map(_renamed, held), key=lambda signal: (signal.time, signal.uid)))
        yield key.encode(), encode_state(KeyState(signals=found))


def send(bootstrap: str, prefix: str, given: Iterable[tuple[int, Message]]) -> int:
    """Send messages to their partitions; return how many of them are signals."""
    producer, count = _producer(bootstrap), 0
    for partition, message in given:
        count += bool(message.key)
        _send(producer, prefix + message.topic, message.value, message.key, partition, message.headers)
    _flush(producer)
    return count


def fill(bootstrap: str, changelog: str, count: int, partitions: int, told: Callable[[int], object]) -> int:
    """Write so many states to a changelog; return how many bytes keys and values have."""
    producer, size = _producer(bootstrap), 0
    for number, (key, data) in enumerate(states(count), 1):
        size += len(key) + len(data)
        _send(producer, changelog, data, key, partition_for(key, partitions), [])
        if number % TOLD == 0:
            told(number)
    _flush(producer)
    return size


def _producer(bootstrap: str) -> Producer:
    """Return a producer that keeps the order: without idempotence a batch that is sent again can come after others."""
    config = {"bootstrap.servers": bootstrap, "compression.type": "lz4", "enable.idempotence": True}
    return Producer({**config, "linger.ms": 20, "log_level": 0})


def _send(
    producer: Producer, topic: str, value: bytes, key: bytes, partition: int, headers: list[tuple[str, bytes]]
) -> None:
    while True:
        try:
            producer.produce(topic, value, key, partition, headers=headers)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _flush(producer: Producer) -> None:
    if producer.flush(ASK_S):
        raise TimeoutError(f"the broker took not all records within {ASK_S:g} s")
