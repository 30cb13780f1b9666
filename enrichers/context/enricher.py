"""Say of an event whose machine it is on and who acts: owner, criticality, peer group, privileges, leave and travel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from enrichers.base import NOTHING, Additions, Told
from enrichers.context.index import AssetIndex, Found, IdentityIndex
from enrichers.context.known import Asset, Identity, holding, standing
from enrichers.subjects import DEVICE, OBJECTS, PLACE, RESOURCES, USER, Subject

NAME: Final = "context"
MAX_DEPENDENCIES: Final = 16  # of those that stand on an event
ADMIN: Final = {"type_id": 2, "type": "Admin"}
SERVICE: Final = {"type_id": 4, "type": "Service"}


class ContextEnricher:
    """Add what the tables of assets and identities know. Immutable."""

    __slots__ = ("_assets", "_identities", "_missing", "kinds", "name")

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
        self.kinds = OBJECTS
        self._assets = AssetIndex(assets)
        self._identities = IdentityIndex(identities)
        self._missing = tuple(missing)

    @property
    def shared(self) -> tuple[str, ...]:
        """Return names that several records have; by them none of those is found."""
        return (*self._assets.shared, *self._identities.shared)

    def about(self, subject: Subject, time_ms: int) -> Told:
        """Look up a machine or a user; of the event itself say what is missing."""
        if subject.kind == PLACE:
            return self._machine(subject)
        if subject.kind == USER:
            return self._person(subject, time_ms)
        return Told(Additions(missing=self._missing)) if self._missing else NOTHING

    def _machine(self, subject: Subject) -> Told:
        found = self._assets.find(subject.names, own=subject.where == DEVICE)
        if found is None:
            return NOTHING
        owner = found.record.owner if subject.where != RESOURCES else ""
        attributes = ((subject.path, {"owner": {"name": owner}}),) if owner else ()
        return Told(Additions(attributes, (_enrichment(subject, found, "asset", _asset_facts(found.record)),)))

    def _person(self, subject: Subject, time_ms: int) -> Told:
        """Add who it is, and what is so at the time of the event only."""
        found = self._identities.find(subject.names, subject.names["host"])
        if found is None:
            return NOTHING
        identity = found.record
        adds = {} if subject.names["type_id"] is not None else _type_of(identity)
        if person := _person(identity):
            adds = {**adds, "ldap_person": person}
        attributes = ((subject.path, adds),) if adds else ()
        facts = _facts(identity)
        if not (identity.leave or identity.travel):
            return Told(Additions(attributes, (_enrichment(subject, found, "identity", facts),)))
        facts |= _facts_at(identity, time_ms)
        times = (*identity.leave, *(trip.interval for trip in identity.travel))
        told = Additions(attributes, (_enrichment(subject, found, "identity", facts),))
        return Told(told, *standing(times, time_ms))


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


def _facts_at(identity: Identity, time_ms: int) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if holding(identity.leave, time_ms):
        facts["is_on_leave"] = True
    trips = [trip for trip in identity.travel if trip.interval.holds_at(time_ms)]
    if trips:
        countries = sorted({country for trip in trips for country in trip.countries})
        facts |= {"is_travelling": True, "travel_countries": countries}
    return facts


def _type_of(identity: Identity) -> dict[str, Any]:
    if identity.service_account:
        return SERVICE
    return ADMIN if identity.privileged else {}


def _person(identity: Identity) -> dict[str, Any]:
    person: dict[str, Any] = {"employee_uid": identity.employee_id} if identity.employee_id else {}
    return {**person, "manager": {"name": identity.manager}} if identity.manager else person


def _enrichment(
    subject: Subject, found: Found[Asset] | Found[Identity], kind: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    attribute = "ldap_person.employee_uid" if found.attribute == "employee_uid" else found.attribute
    return {
        "name": f"{subject.where}.{attribute}",
        "value": found.value,
        "type": kind,
        "data": subject.under_path(facts),
        "provider": "braid",
    }
