"""What the profile stage reads on `features`, and what its partitions tell one another there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, Final

import msgspec
import orjson

from models import feature
from models.errors import InvalidRecord
from models.feature import Delta
from models.uids import content_uid
from streams.correlate.watermark import Tick, ticks_from_json
from streams.profile import reports as reporting
from streams.profile.outputs import Closed
from streams.profile.reports import Report
from streams.topics import headers_for, partition_for
from streams.wire import FEATURES, TICK, TYPE_HEADER, Message

PEER_REPORTS, CLOSED = "braid.peer-reports", "braid.profile-closed"
MOST_REPORTS: Final = 200  # in one message
MSGPACK: Final = "application/msgpack"


@dataclass(frozen=True, slots=True)
class Deltas:
    """Feature deltas of one message."""

    deltas: list[Delta]


@dataclass(frozen=True, slots=True)
class Reports:
    """Reports of one message."""

    reports: list[Report]


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ticks of one message."""

    ticks: tuple[Tick, ...]


Item = Deltas | Reports | Ticks | Closed


def read(value: bytes, headers: Iterable[tuple[str, bytes]]) -> Item:
    """Read one record of `features`; raise InvalidRecord when it is none."""
    kind = dict(headers).get(TYPE_HEADER, b"").decode("utf-8", "replace")
    if kind == FEATURES:
        return Deltas(feature.decode(value))
    if kind == PEER_REPORTS:
        return Reports(reporting.decode(value))
    if kind not in (CLOSED, TICK):
        raise InvalidRecord(f"not a record of features: type {kind[:80]!r}")
    try:
        plain = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise InvalidRecord(f"not JSON: {error}") from error
    return Ticks(ticks_from_json(plain)) if kind == TICK else _closed(plain)


def _closed(plain: Any) -> Closed:
    try:
        return msgspec.convert(plain, Closed)
    except msgspec.ValidationError as error:
        raise InvalidRecord(f"not how far a partition has closed: {error}") from error


def report_messages(reports: Iterable[Report], partitions: int) -> Iterator[Message]:
    """Send reports to the partitions of their groups, many in one message."""
    placed = sorted(reports, key=lambda one: (_partition(one, partitions), one.end, one.group, one.name))
    for partition, found in groupby(placed, key=lambda one: _partition(one, partitions)):
        while some := list(islice(found, MOST_REPORTS)):
            value, end = reporting.encode(some), max(one.end for one in some)
            yield Message("features", b"", value, _headers(PEER_REPORTS, value, end, MSGPACK), partition)


def _partition(report: Report, partitions: int) -> int:
    return partition_for(report.group.encode(), partitions)


def closed_messages(closed: Closed, partitions: int) -> Iterator[Message]:
    """Tell every partition how far one has closed."""
    value = orjson.dumps({"partition": closed.partition, "own": closed.own})
    headers = _headers(CLOSED, value, max(closed.own.values(), default=0), "application/json")
    yield from (Message("features", b"", value, headers, partition) for partition in range(partitions))


def _headers(kind: str, value: bytes, time: int, content_type: str) -> list[tuple[str, bytes]]:
    return headers_for(
        uid=content_uid("profile", kind, value),
        type=kind,
        source="/braid/profile",
        time_ms=max(time, 0),
        schema=f"{kind.removeprefix('braid.')}/1",
        content_type=content_type,
    )
