"""One event as features are read from it: what every reader asks for, and the minutes of the entities it is about.

Events may be of any producer: whatever is not of the right type is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from enrichers.entities import child, host_of
from enrichers.names import address, host_name, key, user_name
from models.entity import MAX_ENTITY_VALUE
from models.event import Event
from models.feature import MAX_AMOUNT
from streams.features import catalog as has
from streams.features.minute import Minute
from streams.features.texts import short
from streams.features.useragents import family

FAILURE: Final = 2  # OCSF status
FRACTION: Final = 10_000  # of a degree
MAX_ASN: Final = 2**32
MAX_LATITUDE, MAX_LONGITUDE = 90, 180
ISO_COUNTRY: Final = 2  # letters
MAX_ENRICHMENTS: Final = 32
RELAYS: Final = ("is_vpn", "is_tor", "is_hosting", "is_proxy", "is_relay", "is_anonymous", "is_residential_proxy")
SOURCE: Final = "src_endpoint"
DEVICE: Final = ("device",)
ACTOR: Final = ("actor", "user")
SUBJECT: Final = ("user",)
Path = tuple[str, ...]


class Minutes(Protocol):
    """Has the minute of every entity."""

    def of(self, entity: str, event: Event) -> Minute:
        """Return the minute of an entity that an event is in, turned to the event."""


class Look:
    """One event, with what is asked of it most."""

    __slots__ = ("_minutes", "activity", "body", "event", "failed", "host", "source")

    def __init__(self, event: Event, minutes: Minutes) -> None:
        self.event = event
        self.body = body = event.ocsf
        self.activity = body.get("activity_id")
        self.failed = body.get("status_id") == FAILURE
        self.source = child(body, SOURCE)
        self.host = host_of(body) if "device" in body else None
        self._minutes = minutes

    @property
    def actor(self) -> Mapping[str, Any]:
        """Return the user who acts."""
        return child(child(self.body, "actor"), "user")

    def user(self, user: Mapping[str, Any]) -> str:
        """Return the key of a user, empty where it names nobody in particular."""
        return entity_key("user", user_name(user, self.host)) if user else ""

    def minute(self, entity: str, *paths: Path, peers: str = "") -> Minute:
        """Return the minute of an entity.

        Args:
            entity: Its key.
            paths: Where in the event it stands, for the peer group that the context knows.
            peers: Its peer group where the context knows none.
        """
        minute = self._minutes.of(entity, self.event)
        group = (self.peer_group(*paths) if "enrichments" in self.body else "") or peers
        if group > minute.peers:
            minute.peers = short(group)
        return minute

    def peer_group(self, *paths: Path) -> str:
        """Return the peer group that an enrichment knows of what stands at one of these paths, empty for none.

        That of an identity; the peers of an asset are those of its environment.
        """
        for data in self._enrichments():
            for path in paths:
                found = _at(data, path)
                group, environment = found.get("peer_group"), found.get("environment")
                if isinstance(group, str) and group:
                    return group
                if isinstance(environment, str) and environment:
                    return f"assets-{environment}"
        return ""

    def came_from(self, minute: Minute) -> None:
        """Note from where and with what somebody came who was let in."""
        source = self.source
        ip = address(source.get("ip"))
        if ip:
            minute.kind(has.SOURCE, has.SOURCES, ip)
        agent = child(self.body, "http_request").get("user_agent")
        if type(agent) is str:
            minute.value(has.USER_AGENT, family(agent))
        asn = self._network(minute) if "autonomous_system" in source else 0
        if "location" in source:
            self._place(minute, child(source, "location"), asn)

    def _network(self, minute: Minute) -> int:
        number = child(self.source, "autonomous_system").get("number")
        if type(number) is not int or not 0 < number < MAX_ASN:
            return 0
        minute.value(has.ASN, f"AS{number}")
        return number

    def _place(self, minute: Minute, location: Mapping[str, Any], asn: int) -> None:
        told = location.get("country")
        country = told.strip() if type(told) is str else ""
        iso = country.upper() if len(country) == ISO_COUNTRY else ""
        minute.value(has.COUNTRY, iso or country)
        if "lat" not in location or "long" not in location:
            return
        latitude, longitude = degrees(location["lat"], MAX_LATITUDE), degrees(location["long"], MAX_LONGITUDE)
        if latitude is not None and longitude is not None:
            minute.point(latitude, longitude, short(iso), asn, relayed=self._is_relayed())

    def _is_relayed(self) -> bool:
        ends = (child(data, SOURCE) for data in self._enrichments())
        return "enrichments" in self.body and any(end.get(flag) is True for end in ends for flag in RELAYS)

    def _enrichments(self) -> Iterator[Mapping[str, Any]]:
        found = self.body["enrichments"]
        for item in found[:MAX_ENRICHMENTS] if isinstance(found, list) else ():
            if isinstance(item, dict):
                yield child(item, "data")


def entity_key(kind: str, name: str | None) -> str:
    """Return the key of an entity as it is written, empty for nobody."""
    if not name:
        return ""
    found = f"{kind}:{name}" if len(name) <= MAX_ENTITY_VALUE else str(key(kind, name))
    return found if found.isascii() else found.encode("utf-8", "replace").decode()


def amount(value: Any) -> int:
    """Return a number that can be added up, 0 for anything else."""
    return value if type(value) is int and 0 < value <= MAX_AMOUNT else 0


def degrees(value: Any, most: int) -> int | None:
    """Return degrees in 1/FRACTION, None for what is no such number."""
    known = isinstance(value, int | float) and -most <= value <= most  # no comparison with NaN holds
    return round(float(value) * FRACTION) if known else None


def named_host(value: Any) -> str:
    """Return the comparable name of a host, empty for what is none."""
    return host_name(value) or ""


def _at(data: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    for name in path:
        data = child(data, name)
    return data
