"""Find clocks that are wrong: by connections that two sensors saw, and by event times later than the broker's. Pure.

A connection is the same for both who see it: addresses, ports and protocol. Where one says that it began 19 hours
before the other does, time and again, a clock is wrong. And no event can be later than the broker's own time when its
record arrives: whoever is ahead of that is wrong, too.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any, Final

from models.event import Event
from models.records import TIME_FROM_BROKER

NETWORK: Final = range(4001, 5000)
MAX_CONNECTIONS: Final = 50_000  # remembered, the oldest go first
MAX_DIFFERENCES: Final = 500  # of one pair of clocks
MAX_LEADS: Final = 50  # of one clock before the broker
MIN_SHARED: Final = 3  # connections that two sensors must share before anything is said
MIN_EVENTS: Final = 20
CLOSE_MS: Final = (
    120_000  # sensors see the same connection at about the same time: more is not the same, or not a clock
)
TOLERANCE_MS: Final = 60_000
QUARTER_MS: Final = 900_000
BROKER: Final = "broker"
AHEAD_MS: Final = 300_000
MAX_CLOCKS: Final = 10_000

Clock = tuple[str, str]  # source and host, the host empty for a sensor that watches others
_Connection = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WrongClock:
    """A clock that is wrong.

    Attributes:
        source: Source of the events.
        host: Host whose clock it is, empty for the whole source.
        behind_ms: How far it is behind; below 0 it is ahead. What `--clock-offset` has to add.
        beside: What it was held against: another source, or `broker`.
        shared: How many connections, or events, say so.
    """

    source: str
    host: str
    behind_ms: int
    beside: str
    shared: int

    @property
    def setting(self) -> str:
        """Return the clock offset that corrects it: whole quarters of an hour where it is near one, else seconds.

        A clock that is hours off stands in a wrong zone, and is otherwise mostly right.
        """
        name = f"host:{self.host}" if self.host else self.source
        quarters = round(self.behind_ms / QUARTER_MS)
        if abs(self.behind_ms - quarters * QUARTER_MS) > TOLERANCE_MS or not quarters:
            return f"{name}={round(self.behind_ms / 1000)}s"
        return f"{name}={quarters * 15}m" if quarters % 4 else f"{name}={quarters // 4}h"

    def __str__(self) -> str:
        """Tell it in one line, with what to do."""
        whose = f"{self.source} on {self.host}" if self.host else self.source
        way = "behind" if self.behind_ms > 0 else "ahead of"
        amount = timedelta(seconds=round(abs(self.behind_ms) / 1000))
        proof = f"{self.shared} records" if self.beside == BROKER else f"{self.shared} connections that both saw"
        return f"the clock of {whose} is {amount} {way} {self.beside} ({proof}): --clock-offset {self.setting}"


@dataclass(slots=True)
class ClockCheck:
    """Watch events go by; bounded memory."""

    _connections: OrderedDict[_Connection, tuple[Clock, int]] = field(default_factory=OrderedDict)
    _differences: dict[tuple[Clock, Clock], deque[int]] = field(default_factory=dict)
    _leads: dict[Clock, deque[int]] = field(default_factory=dict)

    def observe(self, event: Event, broker_time: int = 0) -> None:
        """Take an event in, with the broker's time of its record (ms) where there is one."""
        if broker_time > 0:
            self._lead(event, broker_time)
        if event.class_uid in NETWORK:
            self._connection(event)

    def found(self) -> tuple[WrongClock, ...]:
        """Return the clocks that are wrong, in order of source and host."""
        wrong = [*self._by_connections(), *self._by_broker()]
        return tuple(sorted(wrong, key=lambda clock: (clock.source, clock.host, clock.beside)))

    def _lead(self, event: Event, broker_time: int) -> None:
        if TIME_FROM_BROKER in event.ocsf["metadata"].get("labels", ()):
            return
        clock = event.source, _host(event.ocsf)
        if clock in self._leads or len(self._leads) < MAX_CLOCKS:
            self._leads.setdefault(clock, deque(maxlen=MAX_LEADS)).append(event.time - broker_time)

    def _connection(self, event: Event) -> None:
        connection = _ends(event.ocsf)
        if connection is None:
            return
        clock = event.source, _host(event.ocsf)
        known = self._connections.get(connection)
        if known is None:
            self._connections[connection] = clock, event.time
            if len(self._connections) > MAX_CONNECTIONS:
                self._connections.popitem(last=False)
        elif known[0] != clock:
            pair, difference = (known[0], clock), event.time - known[1]
            if pair[0] > pair[1]:
                pair, difference = pair[::-1], -difference
            if pair in self._differences or len(self._differences) < MAX_CLOCKS:
                self._differences.setdefault(pair, deque(maxlen=MAX_DIFFERENCES)).append(difference)

    def _by_connections(self) -> list[WrongClock]:
        wrong = []
        for (one, other), differences in self._differences.items():
            agreed = _agreed(differences)
            if agreed is None or abs(agreed[0]) <= TOLERANCE_MS:
                continue
            behind, shared = agreed
            # A host keeps its own time; a sensor without a host watches many, and is more often right.
            if one[1] or not other[1]:
                wrong.append(WrongClock(*one, behind, other[0], shared))
            else:
                wrong.append(WrongClock(*other, -behind, one[0], shared))
        return wrong

    def _by_broker(self) -> list[WrongClock]:
        wrong = []
        for clock, leads in self._leads.items():
            lead = round(median(leads)) if len(leads) >= MIN_EVENTS else 0
            if lead > AHEAD_MS:
                wrong.append(WrongClock(*clock, -lead, BROKER, len(leads)))
        return wrong


def _agreed(differences: deque[int]) -> tuple[int, int] | None:
    """Return the difference that most connections agree on and how many do; None when they do not agree.

    Ports are used again, so that some pairs are no pair at all: the fullest stretch of CLOSE_MS counts.
    """
    if len(differences) < MIN_SHARED:
        return None
    stretch, _ = Counter(difference // CLOSE_MS for difference in differences).most_common(1)[0]
    middle = median(d for d in differences if d // CLOSE_MS == stretch)
    near = [difference for difference in differences if abs(difference - middle) <= CLOSE_MS]
    return (round(median(near)), len(near)) if len(near) >= max(MIN_SHARED, len(differences) // 2) else None


def _ends(event: Mapping[str, Any]) -> _Connection | None:
    """Return what names a connection, None where an address or a port is missing."""
    source, target = event.get("src_endpoint"), event.get("dst_endpoint")
    if not isinstance(source, dict) or not isinstance(target, dict):
        return None
    protocol = (event.get("connection_info") or {}).get("protocol_num")
    ips, ports = (source.get("ip"), target.get("ip")), (source.get("port"), target.get("port"))
    if None in ips or None in ports:
        return None
    return str(protocol), *map(str, ips), *map(str, ports)


def _host(event: Mapping[str, Any]) -> str:
    device = event.get("device")
    name = device.get("hostname") if isinstance(device, dict) else None
    return name.lower().partition(".")[0] if isinstance(name, str) else ""
