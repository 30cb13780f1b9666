"""Allow lists and maintenance windows: what is known and accepted, by whom, and until when, in event time.

An event about something on the list says so. Rules that the list names do not fire on it, and are counted with what
exceptions take out; where it names none, it only marks. What needs more than one subject at a time, or looks at other
fields, is an exception: a Sigma filter with terms.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from enrichers.base import Additions
from enrichers.context.known import Interval, holding
from enrichers.context.memory import Strangers
from enrichers.context.users import users_of
from enrichers.entities import child, host_of
from enrichers.names import address, host_name, user_name
from models.event import Event

NAME: Final = "allow"
MAX_HASHES: Final = 16
PLACES: Final = ("src_endpoint", "dst_endpoint", "device")
FILES: Final = (("file",), ("process", "file"), ("actor", "process", "file"))
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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

    __slots__ = ("_bare", "_by_hash", "_by_host", "_by_user", "_networks", "_people", "_places", "name")

    def __init__(self, entries: Iterable[Allowed]) -> None:
        known = tuple(entries)
        self.name = NAME
        self._networks = [(network, entry) for entry in known for network in entry.addresses]
        self._by_host = _by_name((name, entry) for entry in known for name in entry.hosts)
        self._by_user = _by_name((name, entry) for entry in known for name in entry.users)
        self._by_hash = _by_name((name, entry) for entry in known for name in entry.hashes)
        self._bare = frozenset(name.rpartition("\\")[2] for name in self._by_user)
        self._places = Strangers(self._may_be_place)
        self._people = Strangers(self._may_be_user)

    def enrich(self, event: Event) -> Additions | None:
        """Mark each subject of the event that is on the list at the event's time."""
        listed = self._listed(event.ocsf)
        found = [each for each in listed if each[2].holds_at(event.time)] if listed else None
        if not found:
            return None
        quiet = frozenset[str]().union(*(entry.rules for _, _, entry in found))
        return Additions(enrichments=tuple(_marked(*each) for each in found), quiet=quiet)

    def _listed(self, body: Mapping[str, Any]) -> list[Listed]:
        found: list[Listed] = []
        if self._by_host or self._networks:
            for path in PLACES:
                place = body.get(path)
                if type(place) is dict:
                    names = place.get("ip"), place.get("hostname"), place.get("name")
                    if not self._places.are_strange(names):
                        found += _at(path, self._placed(names, own=path == "device"))
        if self._by_user:
            for user_path, user in users_of(body):
                called = user.get("name"), user.get("uid"), user.get("uid_alt"), user.get("email_addr")
                if not self._people.are_strange(called):
                    found += _at(".".join(user_path), self._acting(user, body))
        if self._by_hash:
            found += self._hashed(body)
        return found

    def _placed(self, names: tuple[Any, ...], *, own: bool) -> tuple[Listed, ...]:
        ip, *called = (name if isinstance(name, str) else None for name in names)
        return (*self._by_ip(ip), *self._by_names(called, own=own))

    def _acting(self, user: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[Listed, ...]:
        known = user_name(user, host_of(body))
        listed = self._by_user.get(known, ()) if known else ()
        return tuple(("name", _shown(user, known), entry) for entry in listed)

    def _may_be_place(self, name: str) -> bool:
        """Tell whether a name or an address can be that of a machine on the list."""
        full = name.strip().lower().rstrip(".")
        return full in self._by_host or host_name(name) in self._by_host or any(self._by_ip(name))

    def _may_be_user(self, name: str) -> bool:
        """Tell whether a name, with any domain and from any host, can be that of a user on the list."""
        known = user_name({"uid": name} if name.lower().startswith("arn:") else {"name": name}, None)
        bare = name.strip().lower().rpartition("\\")[2]
        return known in self._by_user or bare in self._bare

    def _by_ip(self, given: str | None) -> Iterator[Listed]:
        ip = address(given)
        if given is None or ip is None:
            return
        parsed = ipaddress.ip_address(ip)
        found = dict.fromkeys(entry for network, entry in self._networks if parsed in network)
        yield from (("ip", given, entry) for entry in found)

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

    def _hashed(self, body: Mapping[str, Any]) -> Iterator[Listed]:
        for path in FILES:
            file = body
            for name in path:
                file = child(file, name)
            hashes = file.get("hashes")
            for item in hashes[:MAX_HASHES] if isinstance(hashes, list) else ():
                value = item.get("value") if isinstance(item, dict) else None
                if isinstance(value, str):
                    listed = self._by_hash.get(value.lower(), ())
                    yield from ((f"{'.'.join(path)}.hashes.value", value, entry) for entry in listed)


def _by_name(pairs: Iterable[tuple[str, Allowed]]) -> dict[str, Entries]:
    found: dict[str, Entries] = {}
    for name, entry in pairs:
        found[name] = (*found.get(name, ()), entry)
    return found


def _at(path: str, listed: tuple[Listed, ...]) -> list[Listed]:
    return [(f"{path}.{attribute}", value, entry) for attribute, value, entry in listed]


def _shown(user: Mapping[str, Any], known: str | None) -> str:
    name = user.get("name")
    return name if isinstance(name, str) and name else known or ""


def _marked(path: str, value: str, entry: Allowed) -> dict[str, Any]:
    facts = {"title": entry.title, "owner": entry.owner, "reason": entry.reason, "expires": entry.interval.to_ms}
    allowed = {name: fact for name, fact in facts.items() if fact}
    return {"name": path, "value": value, "type": "allowed", "data": {"allowed": allowed}, "provider": "braid"}
