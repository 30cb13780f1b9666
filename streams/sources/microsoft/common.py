"""What the logs of Microsoft's clouds have in common: names in several cases, JSON in texts, resource ids, claims.

Source: the common and service specific schemas of Azure resource logs (Azure Monitor documentation). The same record is
met with camel case names (Graph, event hubs), Pascal case names (Log Analytics tables) and lower case names (data
lakes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

from streams.sources.base import INT64_MAX, MAX_DEPTH, drop_none, ip, text
from streams.sources.fields import email, lowered, object_at, restore_case
from streams.sources.objects import cloud, endpoint, user

VENDOR: Final = "Microsoft"
AZURE: Final = "Azure"
SERVICE: Final = 4
PERSON: Final = 1
MAX_RESOURCE: Final = 2048
MAX_ADDRESS: Final = 80
UPN: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
NAME: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
MAIL: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
OBJECT_ID: Final = "http://schemas.microsoft.com/identity/claims/objectidentifier"
METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
AUTH_METHODS: Final = "http://schemas.microsoft.com/claims/authnmethodsreferences"

OUTER_NAMES: Final = lowered(
    "resourceId operationName operationVersion resultType resultSignature resultDescription durationMs callerIpAddress "
    "correlationId tenantId level identity properties"
)
_LOWER_NAMES: Final = frozenset(name for name in OUTER_NAMES if name not in OUTER_NAMES.values())
_NOTHING: Final[Mapping[str, Any]] = {}
_BRACKETS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[][{}]', re.DOTALL)
_SYMBOL: Final = frozenset({"", "-", "none", "null", "unknown", "notset", "not set"})
LONGEST_SYMBOL: Final = max(map(len, _SYMBOL))


def outer(value: dict[str, Any]) -> dict[str, Any]:
    """Return a record of Azure Monitor with its outer names in their proper case."""
    return value if _LOWER_NAMES.isdisjoint(value) else restore_case(value, OUTER_NAMES, 1)


def camel(row: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """Return a row of a Log Analytics table under the names of the API, JSON texts read.

    Args:
        row: Pascal case names; dynamic columns may be texts.
        renamed: API names of the columns that are not just the API's name with a capital.
    """
    return {renamed.get(name) or name[:1].lower() + name[1:]: unpacked(value) for name, value in row.items()}


def unpacked(value: Any) -> Any:
    """Return the object or list that a text holds, else the value itself: also a text that nests too deep."""
    if not isinstance(value, str) or value[:1] not in {"{", "["} or _is_deep(value):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def _is_deep(value: str) -> bool:
    """Tell whether a JSON text nests deeper than its records may; reads it only where it could."""
    if value.count("{") + value.count("[") <= MAX_DEPTH:
        return False
    depth = 0
    for token in _BRACKETS.finditer(value):
        mark = token[0]
        depth += 1 if mark in {"{", "["} else -1 if mark in {"}", "]"} else 0
        if depth > MAX_DEPTH:
            return True
    return False


def unpacked_object(value: Any) -> Mapping[str, Any]:
    """Return an object, or the one that a text holds; an empty one when there is none."""
    found = unpacked(value)
    return found if isinstance(found, dict) else _NOTHING


def worded(value: Any) -> str | None:
    """Return the text of a value that may be an object with `value` and `localizedValue`."""
    return text(value.get("value")) if isinstance(value, dict) else text(value)


def known(value: Any) -> str | None:
    """Return a text that says something, None for Microsoft's words for nothing."""
    if isinstance(value, str):  # the usual case, and this is asked fifty times an event
        return value if len(value) > LONGEST_SYMBOL or value.lower() not in _SYMBOL else None
    return None if value is None else text(value)


def pairs(items: Any, key: str = "key", value: str = "value") -> dict[str, Any]:
    """Return a list of named values as one mapping (`[{"key": "oid", "value": "x"}]`); the first of a name counts."""
    found: dict[str, Any] = {}
    for item in items[:64] if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(name := item.get(key), str) and value in item:
            found.setdefault(name, item[value])
    return found


@lru_cache(maxsize=16_384)
def _split(value: str) -> tuple[str | None, int | None]:
    host, _, number = value.rpartition(":")
    address = ip(value)
    if address is not None:
        return address, None
    if value.startswith("["):
        host, _, number = value[1:].partition("]")
        number = number.lstrip(":")
    port = int(number) if number.isascii() and number.isdigit() and len(number) <= 5 else None  # noqa: PLR2004  # ports have five digits
    return ip(host), port


def address(value: Any) -> tuple[str | None, int | None]:
    """Return address and port of `192.0.2.1`, `192.0.2.1:443`, `[2001:db8::1]:443`; None for what is not there."""
    return _split(value) if isinstance(value, str) and 0 < len(value) <= MAX_ADDRESS else (None, None)


def located(value: Any, **more: Any) -> dict[str, Any] | None:
    """Return the endpoint at an address (and port), None when there is no address: a place alone names nothing."""
    host, port = address(value)
    return endpoint(host, port, **more) if host else None


@lru_cache(maxsize=16_384)
def _resource(uid: str) -> tuple[str | None, str | None, str | None, str | None]:
    """Return subscription, resource group, type and name in a resource id."""
    parts = uid.strip("/").split("/")
    named = {parts[i].lower(): parts[i + 1] for i in range(0, len(parts) - 1, 2)}
    places = [i for i, part in enumerate(parts) if part.lower() == "providers"]
    kind = None
    if places:
        rest = parts[places[-1] + 1 :]
        kind = "/".join([*rest[:1], *rest[1::2]]) or None
    return named.get("subscriptions"), named.get("resourcegroups"), kind, parts[-1] or None


@lru_cache(maxsize=4096)
def subscription_of(uid: str | None) -> str | None:
    """Return the subscription in a resource id, lower case, None when it names none."""
    return (_resource(uid[:MAX_RESOURCE])[0] or "").lower() or None if uid and "/" in uid else None


def resource_of(uid: str | None) -> dict[str, Any] | None:
    """Return an Azure resource by its id, None when there is none."""
    if not uid:
        return None
    uid = uid[:MAX_RESOURCE]
    _, group, kind, name = _resource(uid)
    return drop_none(uid=uid, name=name, type=kind, group={"name": group} if group else None)


def resource_type(uid: str | None) -> str:
    """Return the type in a resource id, lower case (`microsoft.compute/virtualmachines`), empty when there is none."""
    return (_resource(uid[:MAX_RESOURCE])[2] or "").lower() if uid else ""


def azure(subscription: str | None, tenant: str | None, region: str | None = None) -> dict[str, Any]:
    """Return where in Azure an event is from: the subscription, or where there is none the tenant, is the account."""
    org = {"uid": tenant} if tenant else None
    found = cloud(AZURE, subscription, region, org=org)
    if subscription is None and tenant is not None:
        found["account"] = {"uid": tenant, "type_id": 6}
    return found


def principal(name: str | None, uid: str | None, *, tenant: str | None = None, **more: Any) -> dict[str, Any] | None:
    """Return a person's account by its UPN and object id."""
    org = {"uid": tenant} if tenant and (name or uid) else None
    return user(name, uid=uid, type_id=PERSON, org=org, **more)


def service_principal(
    uid: str | None, app_uid: str | None, name: str | None, kind: str = "ServicePrincipal"
) -> dict[str, Any] | None:
    """Return an application's account, None when nothing identifies it.

    Its display name is no name: anybody may call an application anything, so the object id is what logs have in common.
    """
    if not (uid or app_uid):
        return user(name, type_id=SERVICE, type=kind)
    return drop_none(
        uid=uid or app_uid, uid_alt=app_uid if uid else None, display_name=name, type=kind, type_id=SERVICE
    )


def claimed(claims: Mapping[str, Any], caller: str | None = None) -> dict[str, Any] | None:
    """Return whom the claims of a token name: a person with a UPN, else the application that asked.

    Args:
        claims: Claims of an Entra ID token, under their long or short names.
        caller: UPN or object id, where the record has one beside the claims.
    """
    uid = known(claims.get(OBJECT_ID)) or known(claims.get("oid"))
    name = next(filter(None, (known(claims.get(claim)) for claim in (UPN, "upn", NAME, "unique_name"))), None)
    name = name or (caller if caller and "@" in caller else None)
    name = name or email(text(claims.get("name"))) or email(text(claims.get(MAIL)))
    app = known(claims.get("appid")) or known(claims.get("azp"))
    if name:
        full = known(claims.get("name"))
        return principal(name, uid, full_name=full if full != name else None)
    return service_principal(uid or (caller if caller != app else None), app, known(claims.get("name")))


def claimed_session(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the session that the claims of a token were issued in, empty when they name none."""
    methods = known(claims.get(AUTH_METHODS)) or known(claims.get("amr"))
    return drop_none(
        uid=known(claims.get("sid")),
        credential_uid=known(claims.get("uti")),
        issuer=known(claims.get("iss")),
        is_mfa=("mfa" in methods.lower()) if methods else None,
    )


def number(value: Any) -> float | None:
    """Return a finite number OCSF takes as a float, None for anything else."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < INT64_MAX else None


def location(place: Mapping[str, Any]) -> dict[str, Any]:
    """Return a location in Graph's form, empty when it names nothing."""
    found = drop_none(
        city=known(place.get("city")),
        region=known(place.get("state")),
        country=known(place.get("countryOrRegion")) or known(place.get("countryCode")),
    )
    spot = object_at(place, "geoCoordinates")
    return found | drop_none(lat=number(spot.get("latitude")), long=number(spot.get("longitude"))) if found else {}
