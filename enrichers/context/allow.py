"""Allow lists and maintenance windows: what is known and accepted, by whom, and until when, in event time.

An event about something on the list says so. Rules that the list names do not fire on it, and are counted with what
exceptions take out; where it names none, it only marks. What needs more than one subject at a time, or looks at other
fields, is an exception: a Sigma filter with terms.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from enrichers.base import NOTHING, Additions, Told
from enrichers.context.known import Interval, holding, standing
from enrichers.intel.indicator import HASH
from enrichers.names import address, host_name, user_name
from enrichers.reserved import Network, ipv4_number
from enrichers.subjects import DEVICE, PLACE, USER, Subject

NAME: Final = "allow"
PLACES: Final = frozenset({"src_endpoint", "dst_endpoint", DEVICE})
HASHES: Final = frozenset(f"{file}.hashes.value" for file in ("file", "process.file", "actor.process.file"))
BITS: Final = (32, 128)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of an allow list.

    Attributes:
        title: What it is.
        owner: Who answers for it.
        interval: When it holds; it always ends.
        reason: Why, or empty.
        windows: Within the interval it holds in these only; none for all of it.
        rules: Uids of the rules that do not fire, or EVERY_RULE; none where it only marks.
        addresses: Networks.
        hosts: Comparable host names; with a domain only that one is meant.
        users: Comparable names of users.
        hashes: Hashes of files, lower-case.
    """

    title: str
    owner: str
    interval: Interval
    reason: str = ""
    windows: tuple[Interval, ...] = ()
    rules: frozenset[str] = frozenset()
    addresses: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    hashes: frozenset[str] = frozenset()

    def holds_at(self, time_ms: int) -> bool:
        """Tell whether it holds at an event time."""
        return self.interval.holds_at(time_ms) and (not self.windows or holding(self.windows, time_ms))


Entries = tuple[Allowed, ...]
Listed = tuple[str, str, Allowed]  # attribute, its value, and the entry that it is on the list by


class AllowEnricher:
    """Mark what is allowed, and silence the rules that are not to fire on it."""

    __slots__ = ("_by_hash", "_by_host", "_by_user", "_lengths", "_networks", "kinds", "name")

    def __init__(self, entries: Iterable[Allowed]) -> None:
        known = tuple(entries)
        self.name = NAME
        self._networks = _by_name((_prefix(network), entry) for entry in known for network in entry.addresses)
        self._lengths = {size: sorted({length for bits, length, _ in self._networks if bits == size}) for size in BITS}
        self._by_host = _by_name((name, entry) for entry in known for name in entry.hosts)
        self._by_user = _by_name((name, entry) for entry in known for name in entry.users)
        self._by_hash = _by_name((name, entry) for entry in known for name in entry.hashes)
        lists = {PLACE: self._by_host or self._networks, USER: self._by_user, HASH: self._by_hash}
        self.kinds = frozenset(kind for kind, listed in lists.items() if listed)

    def about(self, subject: Subject, time_ms: int) -> Told:
        """Mark a subject that is on the list at a time."""
        listed = self._listed(subject)
        if not listed:
            return NOTHING
        found = [each for each in listed if each[2].holds_at(time_ms)]
        quiet = frozenset[str]().union(*(entry.rules for _, _, entry in found))
        marks = tuple(_marked(*each) for each in found)
        times = [time for _, _, entry in listed for time in (entry.interval, *entry.windows)]
        return Told(Additions(enrichments=marks, quiet=quiet) if found else None, *standing(times, time_ms))

    def _listed(self, subject: Subject) -> list[Listed]:
        where, names = subject.where, subject.names
        if subject.kind == PLACE:
            placed = self._placed(names, own=where == DEVICE) if where in PLACES else ()
        elif subject.kind == USER:
            placed = self._acting(names)
        else:
            known = self._by_hash.get(names["value"].lower(), ()) if where in HASHES else ()
            return [(where, names["value"], entry) for entry in known]
        return [(f"{where}.{attribute}", value, entry) for attribute, value, entry in placed]

    def _placed(self, names: Mapping[str, str | None], *, own: bool) -> tuple[Listed, ...]:
        called = names["hostname"], names["name"]
        return (*self._by_ip(names["ip"]), *self._by_names(called, own=own))

    def _acting(self, user: Mapping[str, Any]) -> tuple[Listed, ...]:
        known = user_name(user, user["host"])
        listed = self._by_user.get(known, ()) if known else ()
        return tuple(("name", user["name"] or known or "", entry) for entry in listed)

    def _by_ip(self, given: str | None) -> Iterator[Listed]:
        at = _number(given) if given and self._networks else None
        if given and at:
            bits, number = at
            found = [entry for length in self._lengths[bits] for entry in self._at(bits, length, number)]
            yield from (("ip", given, entry) for entry in dict.fromkeys(found))

    def _at(self, bits: int, length: int, number: int) -> Entries:
        return self._networks.get((bits, length, number >> (bits - length)), ())

    def _by_names(self, names: Iterable[str | None], *, own: bool) -> Iterator[Listed]:
        """Yield the entries of a machine: by its full name, and by its label where that can mean no other one."""
        for attribute, name in zip(("hostname", "name"), names, strict=True):
            if name is None:
                continue
            full = name.strip().lower().rstrip(".")
            label = host_name(name) if own or "." not in full else None
            found = [entry for known in {full, label or full} for entry in self._by_host.get(known, ())]
            if found:
                yield from ((attribute, name, entry) for entry in dict.fromkeys(found))
                return


def _number(given: str) -> tuple[int, int] | None:
    """Return the length of an address, and the address."""
    number = ipv4_number(given)
    if number is not None:
        return BITS[0], number
    ip = address(given)
    parsed = ipaddress.ip_address(ip) if ip else None
    return (parsed.max_prefixlen, int(parsed)) if parsed else None


def _prefix(network: Network) -> tuple[int, int, int]:
    """Return the length of an address, that of the network's prefix, and the prefix."""
    bits, length = network.max_prefixlen, network.prefixlen
    return bits, length, int(network.network_address) >> (bits - length)


def _by_name(pairs: Iterable[tuple[T, Allowed]]) -> dict[T, Entries]:
    found: dict[T, Entries] = {}
    for name, entry in pairs:
        found[name] = (*found.get(name, ()), entry)
    return found


def _marked(path: str, value: str, entry: Allowed) -> dict[str, Any]:
    facts = {"title": entry.title, "owner": entry.owner, "reason": entry.reason, "expires": entry.interval.to_ms}
    allowed = {name: fact for name, fact in facts.items() if fact}
    return {"name": path, "value": value, "type": "allowed", "data": {"allowed": allowed}, "provider": "braid"}
