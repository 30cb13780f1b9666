"""The one seam around Faust's aiokafka consumer: read committed records only, and do not wait 1.5 s for more.

Faust reads uncommitted records unless it runs transactions itself, so a worker would see records of aborted ingest
transactions; and its fetch waits are fixed at a value made for throughput.
"""

from __future__ import annotations

import aiokafka
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types.transports import ConsumerT

FETCH_MAX_WAIT_MS = 50


class CommittedConsumerThread(AIOKafkaConsumerThread):
    """Make the worker's consumer as Faust does, then set what Faust gives no setting for."""

    def _create_worker_consumer(self, transport: Transport) -> aiokafka.AIOKafkaConsumer:
        made = super()._create_worker_consumer(transport)
        # aiokafka hands both to its fetcher when the consumer starts, which is later than now.
        for name, value in (("_isolation_level", "read_committed"), ("_fetch_max_wait_ms", FETCH_MAX_WAIT_MS)):
            if not hasattr(made, name):
                raise AttributeError(f"aiokafka {aiokafka.__version__} keeps no {name}: it has to be set another way")
            setattr(made, name, value)
        return made


class CommittedConsumer(Consumer):
    """Faust's consumer on the thread above."""

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return CommittedConsumerThread(self, loop=self.loop, beacon=self.beacon)


class CommittedTransport(Transport):
    """Faust's Kafka transport with the consumer above."""

    Consumer: type[ConsumerT] = CommittedConsumer  # type: ignore[misc]  # the library declares it twice
