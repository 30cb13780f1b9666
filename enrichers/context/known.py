"""What is known of an asset and of an identity: two records, as they come from tables and lie on Kafka."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from enrichers.base import ALWAYS

LEVELS: Final = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Interval:
    """From when to when something holds, in event time.

    Attributes:
        from_ms: First ms at which it holds, None for always before.
        to_ms: First ms at which it holds no longer, None for ever after.
    """

    from_ms: int | None = None
    to_ms: int | None = None

    def __post_init__(self) -> None:
        """Refuse an interval that holds nothing."""
        if self.from_ms is not None and self.to_ms is not None and self.from_ms >= self.to_ms:
            raise ValueError("ends before it begins")

    def holds_at(self, time_ms: int) -> bool:
        """Tell whether it holds at an event time."""
        return (self.from_ms is None or self.from_ms <= time_ms) and (self.to_ms is None or time_ms < self.to_ms)


@dataclass(frozen=True, slots=True)
class Trip:
    """Where somebody travels, and when: ISO codes of countries, none where that is not known."""

    interval: Interval
    countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asset:
    """A machine, an instance, a device.

    Attributes:
        uid: Its one name in the table it is from.
        names: Host names, with their domain or without.
        ips: Addresses that are its own for good, canonical.
        instances: Ids that clouds and agents have for it.
        criticality: One of LEVELS, or empty.
        owner: Who answers for it.
        environment: Such as `production`.
        sensitivity: Kinds of data it holds, such as `cardholder`.
        dependencies: What needs it, or what it needs: names, for a person.
    """

    uid: str
    names: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    criticality: str = ""
    owner: str = ""
    environment: str = ""
    sensitivity: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    r"""A person or a service account, with all the names it has.

    Attributes:
        uid: Its one name in the table it is from.
        names: User names, with their domain (`CORP\alice`) or without.
        emails: E-mail addresses and UPNs.
        sids: Windows SIDs.
        principals: What clouds call it: ARNs, object ids, unique ids.
        employee_id: Number of the employee.
        peer_group: Who does the same work.
        manager: Whom it reports to.
        privileged: Has rights that others have not.
        service_account: No person.
        leave: When it is on leave.
        travel: When it travels, and where.
    """

    uid: str
    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    sids: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    employee_id: str = ""
    peer_group: str = ""
    manager: str = ""
    privileged: bool = False
    service_account: bool = False
    leave: tuple[Interval, ...] = ()
    travel: tuple[Trip, ...] = ()


Known = Asset | Identity


def to_json(record: Known) -> dict[str, Any]:
    """Render a record as the readers in `enrichers.context.fields` take it; what is not set is left out."""
    rendered = {name: _rendered(getattr(record, name)) for name in type(record).__slots__}
    return {name: value for name, value in rendered.items() if value not in ("", [], False)}


def _rendered(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return [_moment(item) for item in value]


def _moment(item: Any) -> Any:
    if isinstance(item, Trip):
        return {**_interval(item.interval), "countries": list(item.countries)}
    return _interval(item) if isinstance(item, Interval) else item


def _interval(interval: Interval) -> dict[str, int]:
    ends = {"from_ms": interval.from_ms, "to_ms": interval.to_ms}
    return {name: time for name, time in ends.items() if time is not None}


def holding(intervals: Iterable[Interval], time_ms: int) -> bool:
    """Tell whether any of some intervals holds at an event time."""
    return any(interval.holds_at(time_ms) for interval in intervals)


def standing(intervals: Iterable[Interval], time_ms: int) -> tuple[int, int]:
    """Return from when to when, around an event time, the same of some intervals hold: first ms in it, first after."""
    ends = [end for interval in intervals for end in (interval.from_ms, interval.to_ms) if end is not None]
    before, after = [end for end in ends if end <= time_ms], [end for end in ends if end > time_ms]
    return max(before, default=-ALWAYS), min(after, default=ALWAYS)
