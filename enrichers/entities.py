"""Which entities an OCSF event is about, whatever its class and its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final

from enrichers.names import (
    address,
    container_id,
    dns_domain,
    host_name,
    instance_id,
    is_private,
    key,
    plain,
    session_id,
    user_name,
)
from models.entity import EntityKey

MAX_ENTITIES: Final = 16
MAX_RESOURCES: Final = 8
MAX_EVIDENCES: Final = 4
MAX_RECIPIENTS: Final = 4
ASSUMED_ROLE: Final = ":assumed-role/"
ENDPOINTS: Final = ("src_endpoint", "dst_endpoint")
# Domains that no public name ends with: a name in them is a host of one's own.
INTERNAL_DOMAINS: Final = (
    "local",
    "lan",
    "internal",
    "intranet",
    "corp",
    "home",
    "home.arpa",
    "localdomain",
    "private",
)
_UNDER_INTERNAL: Final = tuple(f".{domain}" for domain in INTERNAL_DOMAINS)

_NOTHING: Final[Mapping[str, Any]] = {}
_Named = Iterator[tuple[str, str | None]]  # entity type and comparable name, None where there is nobody


def entities_of(event: Mapping[str, Any]) -> tuple[EntityKey, ...]:
    """Return the distinct entities of an event, sorted; MAX_ENTITIES at most, the least telling ones left out.

    The role behind the session of an assumed role is no entity: whoever works under it would become one actor. What
    belongs together is joined by the link that the assumption itself shows (`enrichers.links`).

    Args:
        event: OCSF event. May be of any producer: whatever is not of the right type is passed over.
    """
    host = host_of(event)
    source, target = child(event, "src_endpoint"), child(event, "dst_endpoint")
    actor = child(event, "actor")
    evidences = _evidences(event)
    holders = (
        *(event, actor, child(actor, "process"), child(event, "process")),
        *evidences,
        *(child(evidence, name) for evidence in evidences for name in ("actor", "process")),
    )
    ends = (source, target, *(child(evidence, name) for evidence in evidences for name in ENDPOINTS))
    named = chain(
        _users(holders, host),
        _correspondents(event, host),
        _hosts(event, host, *ends),
        (("host", host_of(evidence)) for evidence in evidences),
        _sessions(holders, host),
        _addresses(event, *ends),
        (("account", plain(child(child(event, "cloud"), "account").get("uid"))),),
        _workloads(event, holders, (child(event, "device"), *ends)),
    )
    found = dict.fromkeys((kind, name) for kind, name in named if name)
    return tuple(key(kind, name) for kind, name in sorted(islice(found, MAX_ENTITIES)))


def _evidences(event: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return what an alert rests on: only there it names the other side."""
    found = event.get("evidences")
    return tuple(item for item in found[:MAX_EVIDENCES] if isinstance(item, dict)) if isinstance(found, list) else ()


def host_of(event: Mapping[str, Any]) -> str | None:
    """Return the comparable name of the host the event is from, None when it is not from one."""
    device = child(event, "device")
    return host_name(device.get("hostname")) or host_name(device.get("name"))


def child(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object under `name`, an empty one when there is none."""
    value = parent.get(name)
    return value if isinstance(value, dict) else _NOTHING


def _users(holders: tuple[Mapping[str, Any], ...], host: str | None) -> _Named:
    """Name whom the event is about and who acted."""
    for holder in holders:
        user = holder.get("user")
        if isinstance(user, dict):
            yield "user", user_name(user, host)


def _correspondents(event: Mapping[str, Any], host: str | None) -> _Named:
    """Name to whom a mail went; who sent it is whoever it says."""
    mail = child(event, "email")
    recipients = mail.get("to")
    for recipient in recipients[:MAX_RECIPIENTS] if isinstance(recipients, list) else ():
        yield "user", user_name({"name": recipient}, host)


def _hosts(event: Mapping[str, Any], host: str | None, *endpoints: Mapping[str, Any]) -> _Named:
    """Name the host an event is from, and those of its endpoints that are hosts of one's own."""
    yield "host", host
    for endpoint in endpoints:
        label = host_name(endpoint.get("hostname"))
        if label and _is_own(endpoint, dns_domain(child(event, "device").get("hostname"))):
            yield "host", label


def _is_own(endpoint: Mapping[str, Any], domain: str) -> bool:
    """Tell a host of one's own from a web site: `www` of the one must not meet `www` of the other."""
    suffix = dns_domain(endpoint.get("hostname"))
    if not suffix or suffix == domain or suffix in INTERNAL_DOMAINS or suffix.endswith(_UNDER_INTERNAL):
        return True
    ip = address(endpoint.get("ip"))
    return ip is not None and is_private(ip)


def _sessions(holders: tuple[Mapping[str, Any], ...], host: str | None) -> _Named:
    """Name the sessions an event opens or happens in, and the credentials they were opened with."""
    for holder in holders:
        session, user = holder.get("session"), holder.get("user")
        if isinstance(session, dict):
            yield "session", session_id(session.get("uid"), host)
            yield "session", session_id(session.get("credential_uid"), host)
        if isinstance(user, dict):
            yield "session", session_id(user.get("credential_uid"), host)


def _addresses(event: Mapping[str, Any], *endpoints: Mapping[str, Any]) -> _Named:
    """Name the addresses at both ends, of the host itself and of the proxies between."""
    for place in (*endpoints, child(event, "device"), child(event, "proxy_endpoint")):
        yield "ip", address(place.get("ip"))
        proxy = place.get("proxy_endpoint")
        if isinstance(proxy, dict):
            yield "ip", address(proxy.get("ip"))


def _workloads(
    event: Mapping[str, Any], holders: tuple[Mapping[str, Any], ...], places: tuple[Mapping[str, Any], ...]
) -> _Named:
    for place in places:
        yield "workload", plain(place.get("instance_uid"))
    for holder in holders:
        yield "workload", _instance_of_role(child(holder, "user").get("uid_alt"))
    for holder in (*holders[2:], *places):
        container = holder.get("container")
        if isinstance(container, dict):
            yield "workload", container_id(container.get("uid"))
            yield "workload", plain(container.get("pod_uuid"))
    resources = event.get("resources")
    for resource in resources[:MAX_RESOURCES] if isinstance(resources, list) else ():
        yield "workload", instance_id(resource.get("uid")) if isinstance(resource, dict) else None


def _instance_of_role(arn: Any) -> str | None:
    """Return the instance whose role it is: EC2 names the session of an instance's role for the instance."""
    return instance_id(arn.rpartition("/")[2]) if isinstance(arn, str) and ASSUMED_ROLE in arn else None
