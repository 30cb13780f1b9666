"""The profile stage of a replay: every partition in memory, in event time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from models.anomaly.base import HOUR_MS
from models.feature import MINUTE_MS, Delta
from models.finding import Signal
from streams.profile.engine import Profiler
from streams.profile.outputs import Evicted, Output, Raised, Told, Vanished, Withheld
from streams.profile.partition import Partition
from streams.profile.progress import Progress
from streams.profile.reports import Report
from streams.topics import KEYED_PARTITIONS, partition_for

COUNTED: Final = {Raised: "anomalies", Withheld: "anomalies_withheld", Vanished: "entities_vanished"}


class Anomalies:
    """Play minutes through as many partitions as there are on Kafka: what is judged together there, is here."""

    def __init__(self, profiler: Profiler) -> None:
        """Begin with nothing learned."""
        self._partitions = [Partition(profiler, n, KEYED_PARTITIONS, {}) for n in range(KEYED_PARTITIONS)]
        self._sources: set[str] = set()
        self._told: dict[str, dict[int, int]] = {}
        self._played = 0
        self.signals: list[Signal] = []
        self.counts = Counter[str]()

    def play(self, minutes: Iterable[tuple[int, list[Delta]]]) -> None:
        """Play minutes in order of time, then let the last hour end."""
        end = 0
        for minute, deltas in minutes:
            self._take(deltas)
            end = (minute + 1) * MINUTE_MS
            self._come(end)
        for _ in ("the last hour", "what groups were told of it"):
            self._come(end + HOUR_MS - end % HOUR_MS)

    def _take(self, deltas: list[Delta]) -> None:
        self._played += 1
        self._sources.update(delta.source for delta in deltas)
        of_partition: dict[int, list[Delta]] = {}
        for delta in deltas:
            of_partition.setdefault(_partition(delta.entity), []).append(delta)
        for number, some in of_partition.items():
            self._partitions[number].take_deltas(some, self._played, 0)

    def _come(self, end: int) -> None:
        """Close all minutes up to a time (ms): those of entities now, and of groups up to the time before."""
        own = dict.fromkeys(self._sources, end)
        told, self._told = self._told, dict.fromkeys(self._sources, dict.fromkeys(range(KEYED_PARTITIONS), end))
        for partition in self._partitions:
            partition.come(Progress(own, told, end))
            self._note(partition.outputs())

    def _note(self, outputs: Iterable[Output]) -> None:
        for out in outputs:
            if isinstance(out, Told):
                self._tell(out.report)
            elif isinstance(out, Raised):
                self.signals.append(out.signal)
            elif isinstance(out, Evicted):
                self.counts["minutes_evicted"] += out.count
            if type(out) in COUNTED:
                self.counts[COUNTED[type(out)]] += 1

    def _tell(self, report: Report) -> None:
        self._partitions[_partition(report.group)].take_reports([report])


@lru_cache(65_536)
def _partition(key: str) -> int:
    return partition_for(key.encode(), KEYED_PARTITIONS)
