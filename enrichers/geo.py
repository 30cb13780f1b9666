"""Where an address is and whose network it is in: country, city, autonomous system, hosting, VPN and Tor.

The databases are the operator's MMDB files. Their shapes are those of MaxMind (and of whoever writes the same) and of
IPinfo. What the source itself said of an endpoint stays; only what it does not have is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

from enrichers.base import NOTHING, Additions, Told
from enrichers.names import address
from enrichers.places import flags_in, location_in, network_in, system_in
from enrichers.reserved import is_routed_ipv4, reserved_block
from enrichers.subjects import PLACE, Subject
from models.errors import EnrichmentFailed

NAME: Final = "geo"
ENDS: Final = frozenset({"src_endpoint", "dst_endpoint"})
REMEMBERED: Final = 32_768  # addresses


class Database(Protocol):
    """Answers for an address; what `enrichers.mmdb` opens."""

    @property
    def label(self) -> str:
        """Return the kind of database, for `provider`."""

    def get(self, ip: str) -> Mapping[str, Any] | None:
        """Return the record of the network an address is in, None when there is none; raise EnrichmentFailed."""


class Place(NamedTuple):
    """What the databases know of an address.

    Attributes:
        attributes: Of an OCSF network endpoint: `location`, `autonomous_system`, `isp`, `isp_org`.
        flags: Which of `is_hosting`, `is_vpn`, `is_tor` ... are so.
        provider: Kind of the database that the flags are from.
        missing: Why a database could not be asked.
    """

    attributes: dict[str, Any]
    flags: dict[str, bool]
    provider: str = ""
    missing: tuple[str, ...] = ()


class GeoEnricher:
    """Add location, autonomous system and flags to both ends of an event."""

    __slots__ = ("_place", "kinds", "name")

    def __init__(self, databases: Iterable[Database], missing: Iterable[str] = ()) -> None:
        """Prepare.

        Args:
            databases: Asked in this order; of two that know the same, the first is believed.
            missing: Which databases there should be besides, and why they are not; said on events with an address that
                would have been looked up.
        """
        self.name = NAME
        self.kinds = frozenset({PLACE})
        self._place = lru_cache(REMEMBERED)(_Lookup(tuple(databases), tuple(missing)))

    def about(self, subject: Subject, time_ms: int) -> Told:  # noqa: ARG002  # the protocol's
        """Look up the address of one end."""
        ip = subject.names["ip"]
        place = self._place(ip) if ip is not None and subject.where in ENDS else None
        if place is None:
            return NOTHING
        attributes = ((subject.path, place.attributes),) if place.attributes else ()
        enrichments = (_flagged(subject.where, ip, place),) if place.flags else ()
        return Told(Additions(attributes, enrichments, (), place.missing))


def _flagged(end: str, ip: str, place: Place) -> dict[str, Any]:
    return {
        "name": f"{end}.ip",
        "value": ip,
        "type": "network",
        "data": {end: place.flags},
        "provider": place.provider,
    }


class _Lookup:
    """Ask the databases for one address."""

    def __init__(self, databases: tuple[Database, ...], missing: tuple[str, ...]) -> None:
        self._databases = databases
        self._missing = missing

    def __call__(self, given: str) -> Place | None:
        ip = given if is_routed_ipv4(given) else _routed(given)
        if ip is None:
            return None
        attributes: dict[str, Any] = {}
        flags: dict[str, bool] = {}
        provider, missing = "", self._missing
        for database in self._databases:
            try:
                record = database.get(ip)
            except EnrichmentFailed as error:
                missing += (str(error),)
                continue
            if record is None:
                continue
            attributes = {
                **location_in(record, database.label),
                **system_in(record),
                **network_in(record),
                **attributes,
            }
            found = flags_in(record)
            provider = provider or (database.label if found else "")
            flags = {**found, **flags}
        return Place(attributes, flags, provider, missing) if attributes or flags or missing else None


def _routed(given: str) -> str | None:
    ip = address(given)
    return None if ip is None or reserved_block(ip) is not None else ip
