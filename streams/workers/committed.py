"""The one seam around Faust's Kafka clients: what is read is committed, and what is committed is written.

- Faust reads uncommitted records unless it runs transactions itself, so a worker would see records of aborted ingest
  transactions.
- Its fetch waits are fixed at a value made for throughput.
- While it restores its tables it reads ahead, and then goes back to the committed offset: but not where that is 0 or
  there is none yet, so that what was read ahead was lost. A worker killed in its first second took signals with it.
- It lets the input in again before it goes back, and what was fetched meanwhile is handed on afterwards: the offset it
  has read up to was then beyond what it read again, which it dropped as old, and took for handled. A rebalance in the
  middle of a window lost signals and links. Here nothing fetched before a seek is handed on after it.
- It spends four tenths of a millisecond on every message that it hands on. What one fetch brings of a partition is
  handed on as one message here, a bundle, which stands at the offset of its last record.
- Before it commits offsets it flushes what its tables wrote, but gives up after 0.1 s in which nothing went out, and
  does not count what is on its way to the broker. On a busy machine the offsets of signals were committed before their
  state; when the worker then died, that state was lost. Here a flush waits for the broker's acknowledgements.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import aiokafka
import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Producer, Transport
from faust.types.transports import ConsumerT, ProducerT
from faust.types.tuples import TP, FutureMessage

# Settings of the worker's consumer that Faust has none for, or another one: small waits for what comes now, and much at
# once of what lies there, since a state is written once for all that a bundle has of it.
SET_LATER: Final = {
    "_isolation_level": "read_committed",
    "_fetch_max_wait_ms": 50,
    "_max_partition_fetch_bytes": 4 * 1024 * 1024,
}
BUNDLE_RECORDS: Final = 200


class CommittedConsumerThread(AIOKafkaConsumerThread):
    """Make the worker's consumer as Faust does, then set what Faust gives no setting for."""

    def _create_worker_consumer(self, transport: Transport) -> aiokafka.AIOKafkaConsumer:
        made = super()._create_worker_consumer(transport)
        # aiokafka hands both to its fetcher when the consumer starts, which is later than now.
        for name, value in SET_LATER.items():
            if not hasattr(made, name):
                raise AttributeError(f"aiokafka {aiokafka.__version__} keeps no {name}: it has to be set another way")
            setattr(made, name, value)
        return made

    async def seek_to_committed(self) -> Any:
        """Go to the committed offset of every partition of the inputs, to the first one where there is none."""
        return await self.call_thread(self._seek_to_committed)

    async def _seek_to_committed(self) -> Mapping[Any, int | None]:
        client = self._ensure_consumer()
        changelogs = self.app.tables.changelog_topics  # whose positions the tables keep themselves
        inputs = [partition for partition in client.assignment() if partition.topic not in changelogs]
        committed = {partition: await client.committed(partition) for partition in inputs}
        for partition, offset in committed.items():
            if offset is not None:
                client.seek(partition, offset)
        fresh = [partition for partition, offset in committed.items() if offset is None]
        if fresh:  # no partition at all would mean all of them
            await client.seek_to_beginning(*fresh)
        return committed


class CommittedConsumer(Consumer):
    """Faust's consumer on the thread above, which hands on nothing that it fetched before it went back."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Make Faust's consumer."""
        super().__init__(*args, **options)
        self._seeks = 0
        self._fetched = asyncio.Event()
        self._fetched.set()

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return CommittedConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Go back to the committed offsets while no input is fetched."""
        inputs = {partition for partition in self._get_active_partitions() if not self._is_changelog_tp(partition)}
        self.pause_partitions(inputs)
        await self._fetched.wait()  # what the fetch under way brings was read ahead
        self._seeks += 1
        await super().perform_seek()
        self.resume_partitions(inputs)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109  # Faust's name
        self._fetched.clear()
        try:
            fetched = await super()._getmany(active_partitions, timeout)
        finally:
            self._fetched.set()
        return {
            partition: records if self._is_changelog_tp(partition) else bundles(records)
            for partition, records in fetched.items()
        }

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109  # Faust's name
        """Yield what was fetched; of the input, only what was fetched since the last seek."""
        seeks = self._seeks
        async for partition, message in super().getmany(timeout):
            is_input = not self._is_changelog_tp(partition)
            if seeks == self._seeks or not is_input:
                if is_input:
                    await self._pass_over(partition, message)
                yield partition, message
            if seeks != self._seeks and is_input:  # Faust notes what it handed on as read, also after the seek
                self._read_offset[partition] = self._committed_offset[partition]

    async def _pass_over(self, partition: TP, message: Any) -> None:
        """Count the offsets that a bundle stands for as a gap, as those of transaction marks are: committed with it.

        Faust finds such gaps itself, but none behind offset 0.
        """
        read = self._read_offset[partition]
        first = message.value[0].offset
        first = first if read is None else min(first, read + 1)
        if first < message.offset:
            await self._add_gap(partition, first, message.offset - 1)


def bundles(records: Sequence[Any]) -> list[Any]:
    """Put what was fetched of one partition into bundles: records whose value is a tuple of records.

    A bundle has the offset of its last record.
    """
    parts = (tuple(records[start : start + BUNDLE_RECORDS]) for start in range(0, len(records), BUNDLE_RECORDS))
    return [dataclasses.replace(part[-1], key=None, value=part, headers=()) for part in parts]


class Bundles(faust.Schema[Any, Any]):
    """Hand bundles on as they are: their records are read by whoever takes them."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> Any:  # noqa: ARG002  # the signature is the library's
        """Return no key: each record has its own."""
        return message.key

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:  # noqa: ARG002  # the signature is the library's
        """Return the records."""
        return message.value


class AcknowledgedProducer(Producer):
    """Faust's producer with a flush that waits for the broker."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Make Faust's producer."""
        super().__init__(*args, **options)
        self._unacknowledged: set[FutureMessage] = set()

    def send_soon(self, fut: FutureMessage) -> None:
        """Queue a message, as tables do for each write, and remember it until the broker has it."""
        self._unacknowledged.add(fut)
        fut.add_done_callback(self._unacknowledged.discard)
        super().send_soon(fut)

    async def flush(self) -> None:
        """Wait until the broker has everything that was queued before; raise what the first failure raised."""
        await asyncio.gather(*self._unacknowledged)
        await super().flush()


class CommittedTransport(Transport):
    """Faust's Kafka transport with the clients above."""

    Producer: type[ProducerT] = AcknowledgedProducer  # type: ignore[misc]  # the library declares it twice
    Consumer: type[ConsumerT] = CommittedConsumer  # type: ignore[misc]  # the library declares it twice
