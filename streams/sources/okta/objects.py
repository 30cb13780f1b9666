"""OCSF objects from the parts of an Okta log event: who, from where, on what, with which factor."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources.base import drop_none, integer, ip, text
from streams.sources.fields import email, object_at, objects_at
from streams.sources.okta.event_types import OTHER, factor_type_id

MAX_WORD: Final = 64  # of words that a cache is keyed by

_USER_TYPES: Final = {
    "User": 1,
    "AppUser": 1,
    "SystemPrincipal": 3,
    "PublicClientApp": 4,
    "AppInstance": 4,
    "Client": 4,
}
_ENTITY_TYPES: Final = {"Device": 1, "User": 2, "AppUser": 2, "UserGroup": 3, "Org": 4, "Policy": 5, "NetworkZone": 7}
_ENDPOINT_TYPES: Final = {"Computer": 2, "Tablet": 4, "Mobile": 5}
_SYSTEMS: Final = (
    ("WIN", 100),
    ("LINUX", 200),
    ("UBUNTU", 200),
    ("ANDROID", 201),
    ("MAC", 300),
    ("OSX", 300),
    ("IPAD", 302),
    ("IPHONE", 301),
    ("IOS", 301),
)
_NOT_KNOWN: Final = frozenset({"unknown", "null", "none"})  # what Okta writes where it has nothing


def known(value: Any) -> str | None:
    """Return a string that says something, None for one that says "unknown"."""
    if value is None:  # the usual case, and this is asked twenty times an event
        return None
    word = text(value)
    return None if word is None or word.lower() in _NOT_KNOWN else word


def user_of(party: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an OCSF user for an actor or a target, None when it has neither id nor name."""
    uid, login, display = known(party.get("id")), known(party.get("alternateId")), known(party.get("displayName"))
    name = login or display
    if name is None and uid is None:
        return None
    kind = text(party.get("type"))
    return drop_none(
        type=kind,
        type_id=_USER_TYPES.get(kind or "", OTHER),
        uid=uid,
        name=name,
        display_name=display,
        email_addr=email(login),
    )


def group_of(target: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an OCSF group (or resource: they are alike) for a target, None when it has neither id nor name."""
    group = drop_none(uid=known(target.get("id")), name=_name(target))
    return group | drop_none(type=text(target.get("type"))) if group else None


def entity_of(target: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an OCSF managed entity for a target, None when it has neither id nor name."""
    entity = group_of(target)
    return entity | {"type_id": _ENTITY_TYPES.get(entity.get("type", ""), OTHER)} if entity else None


def _name(target: Mapping[str, Any]) -> str | None:
    return known(target.get("displayName")) or known(target.get("alternateId"))


def endpoint_of(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return where the client was, None when Okta does not say."""
    client, security = object_at(fields, "client"), object_at(fields, "securityContext")
    chain = [
        hop for hop in (ip(entry.get("ip")) for entry in objects_at(object_at(fields, "request"), "ipChain")) if hop
    ]
    address = ip(client.get("ipAddress")) or (chain[0] if chain else None)
    if address is None:
        return None
    kind = known(client.get("device"))
    return drop_none(
        ip=address,
        type=kind,
        type_id=_ENDPOINT_TYPES.get(kind, OTHER) if kind else None,
        intermediate_ips=[hop for hop in chain if hop != address],
        location=_location(object_at(client, "geographicalContext")),
        os=_os(text(object_at(client, "userAgent").get("os"))),
        autonomous_system=drop_none(number=integer(security.get("asNumber")), name=known(security.get("asOrg"))),
        isp=known(security.get("isp")),
        zone=known(client.get("zone")),
    )


def _location(geo: Mapping[str, Any]) -> dict[str, Any]:
    place = drop_none(
        city=known(geo.get("city")),
        region=known(geo.get("state")),
        country=known(geo.get("country")),
        postal_code=known(geo.get("postalCode")),
    )
    spot = object_at(geo, "geolocation")
    return place | drop_none(lat=_number(spot.get("lat")), long=_number(spot.get("lon"))) if place else {}


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _os(name: str | None) -> dict[str, Any] | None:
    return {"name": name, "type_id": _os_type_id(name[:MAX_WORD])} if name else None


@lru_cache(maxsize=256)
def _os_type_id(name: str) -> int:
    upper = name.upper()
    return next((number for start, number in _SYSTEMS if upper.startswith(start)), 0)


def device_of(device: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the registered device that was used, None when there is none."""
    named = drop_none(uid=known(device.get("id")), name=known(device.get("name")))
    if not named:
        return None
    managed = device.get("managed")
    return named | drop_none(
        type_id=0,
        os=_os(text(device.get("os_platform"))),
        is_managed=managed if isinstance(managed, bool) else None,
    )


def session_of(fields: Mapping[str, Any], *, is_mfa: bool = False) -> dict[str, Any]:
    """Return the browser session, empty when there is none."""
    context = object_at(fields, "authenticationContext")
    uid, root = known(context.get("externalSessionId")), known(context.get("rootSessionId"))
    issuer = text(object_at(context, "issuer").get("id"))
    if uid is None and root is None:
        return {}
    return drop_none(
        uid=uid or root,
        uid_alt=root if root != uid else None,
        issuer=issuer,
        is_mfa=is_mfa or None,
    )


def http_request_of(fields: Mapping[str, Any], debug: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request to Okta, empty when there was none."""
    path = text(debug.get("requestUri"))
    return drop_none(
        user_agent=text(object_at(object_at(fields, "client"), "userAgent").get("rawUserAgent")),
        uid=text(debug.get("requestId")),
        url={"path": path} if path else None,
    )


def factors_of(fields: Mapping[str, Any], debug: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the authentication factors that were used: one, or none when Okta does not say."""
    context = object_at(fields, "authenticationContext")
    word = known(debug.get("factor")) or known(context.get("credentialType"))
    if word is None:
        return []
    provider = known(context.get("credentialProvider"))
    return [drop_none(factor_type=word, factor_type_id=factor_type_id(word[:MAX_WORD]), provider=provider)]
