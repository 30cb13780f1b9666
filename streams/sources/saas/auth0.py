"""Auth0 tenant logs: of the Management API, of log streams (`log_id` and `data`), and of EventBridge (`detail`).

Source: Auth0 documentation, "Log Event Schema" and "Log Event Type Codes". Changes made by the Management API (`sapi`)
are told apart by the request in `details`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, ENTITY_MANAGEMENT, USER_ACCESS
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import object_at
from streams.sources.objects import status, user
from streams.sources.saas.auth0_types import Meaning, meaning_of
from streams.sources.saas.deeds import Deed, body_of, entity, resource
from streams.sources.saas.words import (
    MAX_WORD,
    METHODS,
    OTHER,
    client,
    factor,
    first,
    is_mfa,
    leftovers,
    place,
    request,
)
from streams.sources.times import from_any

DELAY_MS: Final = 120_000
PRODUCT: Final = {"name": "Auth0", "vendor_name": "Okta"}
LOGSOURCE: Final = LogSource("auth0", "auth0")
BLOCKED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked", "is_alert": True}
_MANAGED: Final = frozenset({"sapi", "fapi", "mgmt_api_read"})
_MAPPED: Final = frozenset(
    {
        *("log_id", "_id", "date", "type", "description", "ip", "user_agent", "user_id", "user_name", "session_id"),
        *("client_name", "location_info"),
    }
)
_BESIDE: Final = frozenset(
    {"client_id", "client_name", "user_id", "user_name", "connection", "details", "user_agent", "tenant_name"}
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the log event; raise Unparseable when the record is none."""
    value = decode_json(record)
    event = _unwrapped(value)
    if not _is_event(event):
        raise Unparseable("no Auth0 log event: it has no type code with log id and date", field="type")
    # Data lakes put their own time beside the envelope; the event's own is in it.
    return event if event is value else {**{name: value[name] for name in ("log_id",) if name in value}, **event}


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a log event by its type code, its log id, its date and what stands beside them."""
    return value is not None and _is_event(_unwrapped(value))


def _unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    outer = object_at(value, "detail") if "detail" in value else value
    return object_at(outer, "data") if "log_id" in outer and "data" in outer else outer


def _is_event(event: Mapping[str, Any]) -> bool:
    known = "date" in event and ("log_id" in event or "_id" in event) and not _BESIDE.isdisjoint(event)
    return known and text(event.get("type")) is not None


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a log event into an OCSF event of the class that its type code asks for."""
    date = fields.get("date")
    time, labels = event_time(from_any(date), record)
    code = str(fields["type"])[:MAX_WORD]
    meaning = meaning_of(code)
    calls = object_at(object_at(fields, "details"), "request")
    deed = _managed(fields, calls, meaning) if code in _MANAGED else _deed(fields, code, meaning)
    body = body_of(deed, time, meaning.severity_id)
    body.update(_common(fields, calls, meaning))
    return build_event(
        record,
        body,
        native=fields,
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=text(date),
        labels=labels,
        metadata=drop_none(
            event_code=code,
            original_event_uid=text(first(fields, "log_id", "_id")),
            tenant_uid=text(fields.get("tenant_name")),
        ),
        profiles=("security_control",) if meaning.blocked else (),
        unmapped=leftovers(fields, _MAPPED),
    )


def _common(fields: Mapping[str, Any], calls: Mapping[str, Any], meaning: Meaning) -> dict[str, Any]:
    description = text(fields.get("description"))
    code = integer(object_at(object_at(fields, "details"), "response").get("statusCode"))
    return drop_none(
        message=description,
        http_request=request(fields.get("user_agent") or calls.get("userAgent"), None, calls.get("method")),
        **(BLOCKED if meaning.blocked else {}),
        **status(ok=meaning.succeeded, code=code, detail=None if meaning.succeeded else description),
    )


def _person(fields: Mapping[str, Any], calls: Mapping[str, Any]) -> dict[str, Any] | None:
    auth = object_at(calls, "auth")
    known = object_at(auth, "user")
    return user(
        text(fields.get("user_name")) or text(known.get("email")) or text(known.get("name")),
        uid=text(fields.get("user_id")) or text(known.get("user_id")),
        mail=text(known.get("email")),
        credential_uid=text(object_at(auth, "credentials").get("jti")),
    )


def _source(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    spot = object_at(fields, "location_info")
    where = place(
        spot.get("city_name"),
        spot.get("region_name"),
        spot.get("country_code"),
        lat=spot.get("latitude"),
        lon=spot.get("longitude"),
    )
    address = fields.get("ip") or object_at(object_at(fields, "details"), "request").get("ip")
    return client(address, location=where)


def _deed(fields: Mapping[str, Any], code: str, meaning: Meaning) -> Deed:
    details = object_at(fields, "details")
    session = first(fields, "session_id") or details.get("session_id")
    signs_in = meaning.class_uid == AUTHENTICATION
    factors = factor(meaning.factor or None) if signs_in else []
    # A client that gets a token for itself is the user of it.
    client = user(text(fields.get("client_name")), uid=text(fields.get("client_id")), type_id=4)
    person = _person(fields, object_at(details, "request"))
    return Deed(
        meaning.class_uid,
        meaning.activity_id,
        code,
        text(fields.get("client_name")) or "Auth0",
        actor=person or client,
        session=drop_none(uid=text(session)),
        source=_source(fields),
        resources=resource("application", text(fields.get("client_name")), text(fields.get("client_id"))),
        details=drop_none(auth_factors=factors, is_mfa=is_mfa(factors)),
    )


def _managed(fields: Mapping[str, Any], calls: Mapping[str, Any], meaning: Meaning) -> Deed:
    """Read a call of the Management API: what was changed stands in its path, how in its method."""
    path = (text(calls.get("path")) or "")[:MAX_WORD]
    method = (text(calls.get("method")) or "")[:MAX_WORD].upper()
    class_uid, activity_id, kind, uid = called(method, path)
    body, answer = object_at(calls, "body"), object_at(object_at(fields, "details"), "response")
    given = object_at(answer, "body")
    names = body.get("roles")
    person = user(text(first(body, "email", "username", "name")), uid=uid or text(first(given, "user_id")), type_id=1)
    return Deed(
        class_uid,
        activity_id if class_uid != API_ACTIVITY or activity_id != OTHER else meaning.activity_id,
        text(fields.get("description")) or f"{method} {path}".strip() or "api",
        "Auth0",
        actor=_person(fields, calls),
        user=person if class_uid in {ACCOUNT_CHANGE, USER_ACCESS} else None,
        source=_source(fields),
        entity=entity(kind, text(first(body, "name", "id")), uid or text(first(given, "id", "client_id"))),
        privileges=tuple(name for name in map(text, names[:32]) if name) if isinstance(names, list) else (),
        resources=resource(kind, text(body.get("name")), uid),
    )


@lru_cache(maxsize=4096)
def called(method: str, path: str) -> tuple[int, int, str, str | None]:
    """Return class, activity, kind and id of what a call of the Management API is about."""
    parts = [part for part in path.split("/") if part and part not in {"api", "v2"}]
    verb = METHODS.get(method, OTHER)
    kind = parts[0] if parts else "tenant"
    uid = parts[1] if len(parts) > 1 else None
    if kind != "users":
        changes = verb in {1, 3, 4} and (uid is not None or verb == 1)
        return (ENTITY_MANAGEMENT if changes else API_ACTIVITY), verb, kind, uid
    below = parts[2] if len(parts) > 2 else ""  # noqa: PLR2004  # users, the user's id, what is below the user
    if below in {"roles", "permissions"} and verb in {1, 4}:
        return USER_ACCESS, 1 if verb == 1 else 2, kind, uid
    if below in {"multifactor", "authenticators", "authentication-methods"} and verb in {1, 4}:
        return ACCOUNT_CHANGE, 10 if verb == 1 else 11, kind, uid
    if verb == METHODS["GET"] or verb == OTHER:
        return API_ACTIVITY, verb, kind, uid
    return ACCOUNT_CHANGE, OTHER if below else {1: 1, 4: 6}.get(verb, OTHER), kind, uid


SOURCE: Final = Source(
    name="auth0",
    title="Auth0 tenant logs",
    shippers=("Auth0 log stream", "EventBridge", "Vector", "Elastic Agent"),
    classes=(ACCOUNT_CHANGE, AUTHENTICATION, ENTITY_MANAGEMENT, USER_ACCESS, API_ACTIVITY),
    entities=("user", "ip", "session"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
