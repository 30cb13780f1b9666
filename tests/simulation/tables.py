"""What the organization knows of itself, as the tables that Braid reads; and the truth about what was injected."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from tests.enrichers.mmdb_file import write_mmdb
from tests.simulation.behaviours import Injection
from tests.simulation.days import date, start_of
from tests.simulation.machines import BACKUP_STORE, DOMAIN, MONITOR, SCANNER
from tests.simulation.organization import NOBODYS_ACCOUNTS, Organization
from tests.simulation.people import SSO_ROLES, Person
from tests.simulation.places import CLOUD_EGRESS, OFFICE_EGRESS, OFFICES, VPN, VPN_EGRESS, Place

IDENTITIES: Final = (
    *("uid", "names", "emails", "sids", "principals", "employee_id", "peer_group", "manager"),
    *("privileged", "service_account", "leave", "travel"),
)
ASSETS: Final = ("uid", "names", "ips", "criticality", "owner", "environment")
Row = Mapping[str, str]


def write_tables(organization: Organization, injections: Iterable[Injection], out: Path) -> None:
    """Write `identities.csv`, `assets.csv`, `geo.mmdb`, `networks.json` and `truth.json`."""
    _table(out / "identities.csv", IDENTITIES, _identities(organization))
    _table(out / "assets.csv", ASSETS, _assets(organization))
    networks = {"offices": OFFICE_EGRESS, "vpn_egress": VPN_EGRESS, "cloud_egress": CLOUD_EGRESS}
    write_mmdb(out / "geo.mmdb", _places(), "Example-Enterprise")
    (out / "networks.json").write_bytes(orjson.dumps(networks, option=orjson.OPT_INDENT_2))
    (out / "truth.json").write_bytes(orjson.dumps(truth(organization, injections), option=orjson.OPT_INDENT_2))


def _places() -> dict[str, Any]:
    """Return what a database of places knows of the organization's own ways out; it tells that of the gateway."""
    offices = {f"{ip}/32": _place(place) for ip, place in zip(OFFICE_EGRESS, OFFICES, strict=True)}
    gateways = {f"{ip}/32": _place(VPN) | {"is_anonymous_vpn": True} for ip in VPN_EGRESS}
    return offices | gateways | {f"{ip}/32": _place(VPN) | {"is_hosting_provider": True} for ip in CLOUD_EGRESS}


def _place(place: Place) -> dict[str, Any]:
    return {
        "city": {"names": {"en": place.city}},
        "country": {"iso_code": place.code, "names": {"en": place.country}},
        "location": {"latitude": place.latitude, "longitude": place.longitude},
        "autonomous_system_number": place.asn,
        "autonomous_system_organization": place.isp,
    }


def truth(organization: Organization, injections: Iterable[Injection]) -> dict[str, Any]:
    """Return the truth: when the organization was watched, and what was injected."""
    return {
        "seed": organization.seed,
        "start_ms": start_of(0),
        "warm_up_end_ms": start_of(organization.warm_up_days),
        "end_ms": start_of(organization.days),
        "users": len(organization.people),
        "hosts": len(organization.people) + len(organization.servers),
        "services": len(organization.services),
        "behaviours": [_told(injection) for injection in injections],
    }


def _told(injection: Injection) -> dict[str, Any]:
    return {
        "name": injection.name,
        "domain": injection.domain,
        "strength": injection.strength,
        "entities": injection.entities,
        "touched": injection.touched,
        "start_ms": injection.start_ms,
        "end_ms": injection.end_ms,
        "detected_by": injection.detected_by,
        "records": len(injection.records),
    }


def _table(path: Path, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _identities(organization: Organization) -> Iterator[Row]:
    managers = organization.department("management")
    for person in organization.people:
        yield _identity(person, managers[person.number % len(managers)].email)
    for name in NOBODYS_ACCOUNTS:
        yield {"uid": name, "names": f"CORP\\{name}", "peer_group": "accounts", "service_account": "yes"}
    for service in organization.services:
        yield {
            "uid": f"service-{service.name}",
            "names": service.account,
            "principals": service.role_session,
            "peer_group": f"services-{service.namespace}",
            "service_account": "yes",
        }


def _identity(person: Person, manager: str) -> Row:
    trips = (f"{date(trip.first)}/{date(trip.last)} {trip.place.code}" for trip in person.trips if trip.is_told)
    return {
        "uid": person.email,
        "names": f"CORP\\{person.login}",
        "emails": person.email,
        "sids": person.sid,
        "principals": person.role_session if person.department.name in SSO_ROLES else "",
        "employee_id": f"E{person.number + 1000}",
        "peer_group": person.department.name,
        "manager": manager,
        "privileged": "yes" if person.department.name == "operations" else "no",
        "service_account": "no",
        "leave": f"{date(person.leave[0])}/{date(person.leave[1])}" if person.leave else "",
        "travel": ";".join(trips),
    }


def _assets(organization: Organization) -> Iterator[Row]:
    for server in organization.servers:
        yield {
            "uid": server.name,
            "names": server.fqdn,
            "ips": server.ip,
            "criticality": server.criticality,
            "owner": "operations@example.com",
            "environment": f"production-{server.group}",
        }
    for name, ip in (("backup-store", BACKUP_STORE), ("monitor", MONITOR), ("scanner", SCANNER)):
        yield {"uid": name, "names": f"{name}.{DOMAIN}", "ips": ip, "criticality": "high", "environment": "tools"}
    for person in organization.people:
        for laptop in dict.fromkeys((person.laptop(0), person.laptop(organization.days - 1))):
            yield {
                "uid": laptop,
                "names": f"{laptop}.{DOMAIN}",
                "criticality": "low",
                "owner": person.email,
                "environment": f"laptop-{person.department.name}",
            }
