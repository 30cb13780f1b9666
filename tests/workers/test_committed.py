"""Faust's consumer hands on bundles; it may go back to what is committed while one read ahead is handed on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import ConsumerRecord
from faust.types.tuples import TP

from streams.config import load_settings
from streams.workers.committed import BUNDLE_RECORDS, CommittedConsumer, CommittedConsumerThread, bundles
from streams.workers.correlate import APP, build_app
from streams.workers.health import Health

INPUT, CHANGELOG = TP("signals", 0), TP(f"{APP}-state-changelog", 0)
COMMITTED, AHEAD = 2, 5
END = AHEAD + BUNDLE_RECORDS + 3


def record(partition: TP, offset: int) -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord(partition.topic, partition.partition, offset, 0, 0, b"k", b"v", None, 1, 1, ())


class Played(CommittedConsumerThread):
    """Kafka, as far as the consumer asks for it: a position in each partition."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.positions = {INPUT: AHEAD, CHANGELOG: AHEAD}

    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, Any]:  # noqa: ARG002, ASYNC109
        found = {tp: [record(tp, n) for n in range(self.positions[tp], END)] for tp in active_partitions or ()}
        self.positions |= dict.fromkeys(found, END)
        return {tp: records for tp, records in found.items() if records}

    async def seek_to_committed(self) -> Mapping[TP, int]:
        await asyncio.sleep(0)
        self.positions[INPUT] = COMMITTED
        return {INPUT: COMMITTED}

    def assignment(self) -> set[TP]:
        return {INPUT, CHANGELOG}

    def highwater(self, tp: TP) -> int:  # noqa: ARG002  # the library's
        return END


class Reading(CommittedConsumer):
    """The consumer on that."""

    def _new_consumer_thread(self) -> Played:
        return Played(self, loop=self.loop, beacon=self.beacon)


@pytest.fixture
async def consumer(tmp_path: Path) -> AsyncIterator[Reading]:
    settings = load_settings(rules=(tmp_path,), default_rules=False, cache_dir="", rules_reload_seconds=0)
    app: faust.App = build_app(settings, Health("correlate"), 1)

    async def take(_: Any) -> None:
        """Take nothing: what is handed on is read from the iterator."""

    made = Reading(app.transport, callback=take, on_partitions_revoked=take, on_partitions_assigned=take)
    made.resume_partitions({INPUT, CHANGELOG})
    made.resume_flow()
    yield made
    made._thread.thread_loop.close()  # noqa: SLF001  # made with it, and closed by a thread that never ran


async def test_what_was_read_ahead_is_not_handed_on_after_the_seek(consumer: Reading) -> None:
    handed: dict[TP, list[int]] = {INPUT: [], CHANGELOG: []}
    async for partition, message in consumer.getmany(0):
        handed[partition] += offsets(message) if partition == INPUT else [message.offset]
        if partition == INPUT:
            await consumer.perform_seek()
            consumer._read_offset[partition] = message.offset  # noqa: SLF001  # as Faust does for what it handed on
    assert handed == {INPUT: list(range(AHEAD, AHEAD + BUNDLE_RECORDS)), CHANGELOG: list(range(AHEAD, END))}
    assert consumer._read_offset[INPUT] == COMMITTED  # noqa: SLF001  # below it, Faust takes records for handled
    assert await read(consumer) == list(range(COMMITTED, END))


async def test_no_input_is_fetched_while_it_goes_back(consumer: Reading) -> None:
    seek = asyncio.create_task(consumer.perform_seek())
    await asyncio.sleep(0)
    assert {partition async for partition, _ in consumer.getmany(0)} == {CHANGELOG}
    await seek
    assert await read(consumer) == list(range(COMMITTED, END))


@pytest.mark.parametrize(
    ("fetched", "committed"),
    [
        ([[0], [1, 2, 3]], 4),
        ([[0], [3, 4]], 5),  # what is missing are the marks of transactions
        ([[0, 1, 2], [3], [5, 7]], 8),
        ([[4, 5], [6]], 7),
    ],
)
async def test_a_bundle_is_committed_with_all_that_it_stands_for(
    consumer: Reading, fetched: list[list[int]], committed: int
) -> None:
    consumer.app.topics._acking_topics.add(INPUT.topic)  # noqa: SLF001  # as for every topic that an agent reads
    for found in fetched:
        (message,) = bundles([record(INPUT, offset) for offset in found])
        await consumer._pass_over(INPUT, message)  # noqa: SLF001  # what getmany does before it hands a bundle on
        consumer._read_offset[INPUT] = message.offset  # noqa: SLF001  # as Faust does for what it handed on
        consumer.ack(consumer._to_message(INPUT, message))  # noqa: SLF001  # as the stream does
        position = consumer._new_offset(INPUT)  # noqa: SLF001  # what Faust commits
        consumer._committed_offset[INPUT] = position  # noqa: SLF001  # same
    assert position == committed


def test_a_bundle_holds_so_many_records_and_no_more() -> None:
    found = bundles([record(INPUT, offset) for offset in range(2 * BUNDLE_RECORDS + 1)])
    assert [len(bundle.value) for bundle in found] == [BUNDLE_RECORDS, BUNDLE_RECORDS, 1]
    assert [offset for bundle in found for offset in offsets(bundle)] == list(range(2 * BUNDLE_RECORDS + 1))


def offsets(bundle: Any) -> list[int]:
    return [one.offset for one in bundle.value]


async def read(consumer: Reading) -> list[int]:
    return [offset async for _, bundle in consumer.getmany(0) for offset in offsets(bundle)]
