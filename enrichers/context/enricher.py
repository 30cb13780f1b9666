"""Say of an event whose machine it is on and who acts: owner, criticality, peer group, privileges, leave and travel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from enrichers.base import Additions, Path
from enrichers.context.index import AssetIndex, Found, IdentityIndex
from enrichers.context.known import Asset, Identity, holding
from enrichers.context.memory import Memory
from enrichers.context.users import NAMES, user_names, users_of
from enrichers.entities import MAX_RESOURCES, host_of
from models.event import Event

NAME: Final = "context"
MAX_DEPENDENCIES: Final = 16  # of those that stand on an event
ADMIN: Final = {"type_id": 2, "type": "Admin"}
SERVICE: Final = {"type_id": 4, "type": "Service"}
RESOURCES: Final = "resources"


class _Part:
    """What one object of an event adds: attributes of its own, and one enrichment. Never changed once it is made."""

    __slots__ = ("alone", "attributes", "enrichment", "path")

    def __init__(self, path: Path, attributes: Mapping[str, Any], enrichment: Mapping[str, Any]) -> None:
        self.path = path
        self.attributes = attributes
        self.enrichment = enrichment
        self.alone = Additions(((path, attributes),) if attributes else (), (enrichment,))


class _KnownAsset:
    """What an asset adds, wherever in an event it stands."""

    __slots__ = ("_found", "_parts")

    def __init__(self, found: Found[Asset]) -> None:
        self._found = found
        self._parts: dict[tuple[str, bool], _Part] = {}

    def part(self, path: str, place: Mapping[str, Any]) -> _Part:
        """Return what it adds at a path; the owner only where the source names none."""
        known = path, "owner" in place
        part = self._parts.get(known)
        if part is None:
            part = self._parts[known] = self._made(*known)
        return part

    def _made(self, path: str, has_owner: bool) -> _Part:
        asset = self._found.record
        owned = has_owner or not asset.owner or path == RESOURCES
        adds = {} if owned else {"owner": {"name": asset.owner}}
        return _Part((path,), adds, _enrichment((path,), self._found, "asset", _asset_facts(asset)))


class _KnownIdentity:
    """What an identity adds, wherever in an event it stands."""

    __slots__ = ("_found", "_parts", "_timed")

    def __init__(self, found: Found[Identity]) -> None:
        self._found = found
        self._timed = bool(found.record.leave or found.record.travel)
        self._parts: dict[tuple[Path, bool, bool], _Part] = {}

    def part(self, path: Path, user: Mapping[str, Any], time_ms: int) -> _Part:
        """Return what it adds at a path; type and person only where the source names none."""
        known = path, "type_id" in user or "type" in user, "ldap_person" in user
        part = self._parts.get(known)
        if part is None:
            part = self._parts[known] = self._made(*known)
        return self._at_time(path, part, time_ms) if self._timed else part

    def _made(self, path: Path, has_type: bool, has_person: bool) -> _Part:
        identity = self._found.record
        adds: dict[str, Any] = {} if has_type else _type_of(identity)
        if not has_person and (person := _person(identity)):
            adds = {**adds, "ldap_person": person}
        enrichment = _enrichment(path, self._found, "identity", _facts(identity))
        return _Part(path, adds, enrichment)

    def _at_time(self, path: Path, part: _Part, time_ms: int) -> _Part:
        """Add what is so at the time of the event only; most people are neither on leave nor away."""
        identity = self._found.record
        facts: dict[str, Any] = {}
        if holding(identity.leave, time_ms):
            facts["is_on_leave"] = True
        trips = [trip for trip in identity.travel if trip.interval.holds_at(time_ms)]
        if trips:
            countries = sorted({country for trip in trips for country in trip.countries})
            facts |= {"is_travelling": True, "travel_countries": countries}
        if not facts:
            return part
        return _Part(path, part.attributes, _enrichment(path, self._found, "identity", _facts(identity) | facts))


class ContextEnricher:
    """Add what the tables of assets and identities know. Immutable but for what it remembers."""

    __slots__ = ("_assets", "_devices", "_identities", "_missing", "_people", "_places", "name")

    def __init__(
        self, assets: Iterable[Asset] = (), identities: Iterable[Identity] = (), missing: Iterable[str] = ()
    ) -> None:
        """Prepare.

        Args:
            assets: All that are known.
            identities: All that are known.
            missing: Which tables there should be besides, and why they are not.
        """
        self.name = NAME
        self._assets = AssetIndex(assets)
        self._identities = IdentityIndex(identities)
        self._missing = tuple(missing)
        self._devices = Memory(self._device)
        self._places = Memory(self._place)
        self._people = Memory(self._person)

    @property
    def shared(self) -> tuple[str, ...]:
        """Return names that several records have; by them none of those is found."""
        return (*self._assets.shared, *self._identities.shared)

    def enrich(self, event: Event) -> Additions | None:
        """Look up every machine and every user of the event."""
        parts = self._machines(event.ocsf)
        self._acting(event, parts)
        if not parts:
            return Additions(missing=self._missing) if self._missing else None
        if len(parts) == 1 and not self._missing:
            return parts[0].alone
        attributes, enrichments = [], []
        for part in parts:
            enrichments.append(part.enrichment)
            if part.attributes:
                attributes.append((part.path, part.attributes))
        return Additions(tuple(attributes), tuple(enrichments), (), self._missing)

    def _machines(self, body: Mapping[str, Any]) -> list[_Part]:
        parts = []
        device, source, target = body.get("device"), body.get("src_endpoint"), body.get("dst_endpoint")
        if type(device) is dict and (known := self._devices.of(_names_of(device))):
            parts.append(known.part("device", device))
        if type(source) is dict and (known := self._places.of(_names_of(source))):
            parts.append(known.part("src_endpoint", source))
        if type(target) is dict and (known := self._places.of(_names_of(target))):
            parts.append(known.part("dst_endpoint", target))
        if RESOURCES in body:
            parts += self._resources(body[RESOURCES])
        return parts

    def _resources(self, resources: Any) -> Iterator[_Part]:
        for resource in resources[:MAX_RESOURCES] if isinstance(resources, list) else ():
            if isinstance(resource, dict) and (known := self._places.of(_names_of(resource))):
                yield known.part(RESOURCES, resource)

    def _acting(self, event: Event, parts: list[_Part]) -> None:
        body = event.ocsf
        users = users_of(body)
        if not users:
            return
        host = host_of(body) if "device" in body else None
        for path, user in users:
            known = self._people.of(user_names(user, host))
            if known is not None:
                parts.append(known.part(path, user, event.time))

    def _device(self, *names: str | None) -> _KnownAsset | None:
        found = self._assets.find(dict(zip(_BY, names, strict=True)), own=True)
        return _KnownAsset(found) if found else None

    def _place(self, *names: str | None) -> _KnownAsset | None:
        found = self._assets.find(dict(zip(_BY, names, strict=True)), own=False)
        return _KnownAsset(found) if found else None

    def _person(self, *names: str | None) -> _KnownIdentity | None:
        *named, employee, host = names
        user: dict[str, Any] = dict(zip(NAMES, named, strict=True))
        found = self._identities.find({**user, "ldap_person": {"employee_uid": employee}}, host)
        return _KnownIdentity(found) if found else None


_BY: Final = ("hostname", "name", "instance_uid", "uid", "ip")


def _names_of(place: Mapping[str, Any]) -> tuple[Any, ...]:
    return place.get("hostname"), place.get("name"), place.get("instance_uid"), place.get("uid"), place.get("ip")


def _asset_facts(asset: Asset) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "uid": asset.uid,
        "criticality": asset.criticality,
        "owner": asset.owner,
        "environment": asset.environment,
        "sensitivity": list(asset.sensitivity),
        "dependencies": list(asset.dependencies[:MAX_DEPENDENCIES]),
    }
    return {name: fact for name, fact in facts.items() if fact}


def _facts(identity: Identity) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "uid": identity.uid,
        "employee_id": identity.employee_id,
        "peer_group": identity.peer_group,
        "manager": identity.manager,
        "is_privileged": identity.privileged,
        "is_service_account": identity.service_account,
    }
    return {name: fact for name, fact in facts.items() if fact}


def _type_of(identity: Identity) -> dict[str, Any]:
    if identity.service_account:
        return SERVICE
    return ADMIN if identity.privileged else {}


def _person(identity: Identity) -> dict[str, Any]:
    person: dict[str, Any] = {"employee_uid": identity.employee_id} if identity.employee_id else {}
    return {**person, "manager": {"name": identity.manager}} if identity.manager else person


def _enrichment(
    path: tuple[str, ...], found: Found[Asset] | Found[Identity], kind: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    attribute = "ldap_person.employee_uid" if found.attribute == "employee_uid" else found.attribute
    return {
        "name": ".".join((*path, attribute)),
        "value": found.value,
        "type": kind,
        "data": _under(path, facts),
        "provider": "braid",
    }


def _under(path: Path, value: Mapping[str, Any]) -> dict[str, Any]:
    """Nest a value under a path."""
    for name in reversed(path):
        value = {name: value}
    return dict(value)
