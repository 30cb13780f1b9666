"""Cisco Duo: sign-ins, administrator actions, telephony, offline enrollment and Trust Monitor, of API v1 and v2.

Source: Duo Admin API, "Logs" (authentication, activity, telephony, administrator, offline enrollment) and "Trust
Monitor". Duo Log Sync writes the same objects, with `host` and `eventtype` beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DETECTION_FINDING,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
)
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, text
from streams.sources.fields import object_at
from streams.sources.objects import device, finding, operating_system, status, user
from streams.sources.saas.deeds import Deed, body_of, entity, resource
from streams.sources.saas.duo_actions import FAILED, STATUSES, meaning_of
from streams.sources.saas.words import MAX_WORD, OTHER, client, factor, first, is_mfa, leftovers, place
from streams.sources.times import from_any

DELAY_MS: Final = 300_000  # the API holds the last two minutes back, and pollers ask every few minutes
PRODUCT: Final = {"name": "Duo", "vendor_name": "Cisco"}
LOGSOURCE: Final = LogSource("cisco", "duo")
MAX_DESCRIPTION: Final = 65_536
_TIMES: Final = ("isotimestamp", "ts", "timestamp", "surfacing_timestamp", "p_event_time")
_MAPPED: Final = frozenset(
    {
        *("isotimestamp", "ts", "timestamp", "eventtype", "event_type", "txid", "activity_id", "telephony_id"),
        *("result", "reason", "factor", "email", "username", "user", "ip", "action", "object", "actor", "sekey"),
    }
)
_RESULTS: Final = {"success": True, "allow": True, "denied": False, "deny": False, "failure": False, "fraud": False}
_FRAUD: Final = "fraud"


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the log entry; raise Unparseable when the record is none of Duo's."""
    value = decode_json(record)
    if not _kind(value):
        raise Unparseable("no Duo log entry: neither sign-in nor action nor telephony", field="action")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a Duo log entry by the fields that only one of its logs has together."""
    return value is not None and bool(_kind(value))


def _kind(value: Mapping[str, Any]) -> str:
    action = value.get("action")
    if isinstance(action, str) and "isotimestamp" in value and ("username" in value or "description" in value):
        return "administrator"
    if isinstance(action, dict) and "activity_id" in value:
        return "activity"
    if "factor" in value and "result" in value and _beside_sign_in(value):
        return "authentication"
    if "credits" in value and "phone" in value and "context" in value:
        return "telephony"
    return "trust_monitor" if "sekey" in value and "surfacing_timestamp" in value else ""


def _beside_sign_in(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("access_device"), dict) or ("integration" in value and "username" in value)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a log entry into an OCSF event of the class that its log and its action ask for."""
    original = first(fields, *_TIMES)
    time, labels = event_time(_time(fields), record)
    kind = _kind(fields)
    body, about = _BUILDERS[kind](fields, time)
    return build_event(
        record,
        body,
        native=_native(fields, kind),
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=text(original),
        labels=labels,
        metadata=_metadata(fields, kind),
        profiles=("host",) if "device" in body or about else (),
        unmapped=leftovers(fields, _MAPPED),
        about=about,
    )


def _time(fields: Mapping[str, Any]) -> int | None:
    found = (from_any(fields.get(name)) for name in _TIMES)
    return next((time for time in found if time is not None), None)


def _metadata(fields: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return drop_none(
        event_code=text(first(fields, "event_type", "eventtype")) or _action(fields) or text(fields.get("type")),
        log_name=kind,
        original_event_uid=text(first(fields, "activity_id", "telephony_id", "txid", "sekey")),
        correlation_uid=text(fields.get("txid")),
    )


def _native(fields: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Give sign-ins of the first API version the names and the spelling of the second, which Sigma's rules have."""
    if kind != "authentication" or "event_type" in fields:
        return fields
    reason = text(fields.get("reason"))
    event_type = text(fields.get("eventtype")) or "authentication"
    return {**fields, "event_type": event_type, **drop_none(reason=reason and _snake(reason))}


def _snake(word: str) -> str:
    return word[:MAX_WORD].lower().replace(" ", "_")


def _sign_in(fields: Mapping[str, Any], time: int) -> tuple[dict[str, Any], str]:
    result = _snake(text(fields.get("result")) or "")
    reason = text(fields.get("reason"))
    enrolls = fields.get("event_type", fields.get("eventtype")) == "enrollment"
    factors = factor(text(fields.get("factor")), "Duo")
    sign_in = {"auth_factors": factors, "is_mfa": is_mfa(factors)}
    deed = Deed(
        ACCOUNT_CHANGE if enrolls else AUTHENTICATION,
        10 if enrolls else 1,
        "enrollment" if enrolls else "authentication",
        _application(fields) or "Duo",
        user=_user(fields),
        source=_source(fields),
        details=drop_none(auth_factors=factors) if enrolls else drop_none(**sign_in),
    )
    body = body_of(deed, time, 4 if result == _FRAUD else 1)
    body.update(status(ok=_RESULTS.get(result), code=result or None, detail=reason, word=result or None))
    return body, ""


def _application(fields: Mapping[str, Any]) -> str | None:
    return text(object_at(fields, "application").get("name")) or text(fields.get("integration"))


def _user(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    person = object_at(fields, "user")
    groups = person.get("groups")
    names = [text(name) for name in groups[:32]] if isinstance(groups, list) else []
    return user(
        text(person.get("name")) or text(fields.get("username")) or text(fields.get("alias")),
        uid=text(person.get("key")),
        mail=text(fields.get("email")),
        type_id=1,
        groups=[{"name": name} for name in names if name],
    )


def _source(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    access = object_at(fields, "access_device")
    spot = object_at(access, "location") or object_at(fields, "location")
    return client(
        access.get("ip") or fields.get("ip"),
        hostname=text(access.get("hostname")),
        uid=text(access.get("epkey")),
        os=operating_system(text(access.get("os"))),
        location=place(spot.get("city"), spot.get("state"), spot.get("country")),
    )


def _action(fields: Mapping[str, Any]) -> str | None:
    action = fields.get("action")
    return text(action.get("name")) if isinstance(action, dict) else text(action)


def _administrator(fields: Mapping[str, Any], time: int) -> tuple[dict[str, Any], str]:
    actor = user(text(fields.get("username")), type_id=2)
    target = text(fields.get("object"))
    said = _said(fields.get("description"))
    body = _done(fields, time, actor, (target, None, None), said)
    if (host := text(said.get("hostname"))) is not None:
        body["device"] = device(host, uid=text(said.get("device_key")))
    return body, ""


def _activity(fields: Mapping[str, Any], time: int) -> tuple[dict[str, Any], str]:
    actor, target = object_at(fields, "actor"), object_at(fields, "target")
    admin = 2 if actor.get("type") == "admin" else 1
    who = user(text(actor.get("name")), uid=text(actor.get("key")), type_id=admin)
    whom = (text(target.get("name")), text(target.get("key")), text(target.get("type")))
    return _done(fields, time, who, whom, _said(object_at(fields, "action").get("details"))), ""


def _done(
    fields: Mapping[str, Any],
    time: int,
    actor: dict[str, Any] | None,
    target: tuple[str | None, str | None, str | None],
    said: Mapping[str, Any],
) -> dict[str, Any]:
    action = (_action(fields) or "action")[:MAX_WORD]
    name, uid, kind = target
    class_uid, activity_id = meaning_of(action)
    if class_uid == ACCOUNT_CHANGE and activity_id == OTHER:
        activity_id = STATUSES.get(text(said.get("status")) or "", OTHER)
    if class_uid == ACCOUNT_CHANGE:
        name = name or text(first(said, "uname", "email", "name"))
    factors = factor(text(said.get("factor")), "Duo") if class_uid == AUTHENTICATION else []
    noun = action.rpartition("_")[0] or action
    own = action in {"admin_lockout", "admin_self_activate"}
    deed = Deed(
        class_uid,
        activity_id,
        action,
        "Duo",
        actor=actor,
        user=actor if own or class_uid == AUTHENTICATION else user(name, uid=uid, mail=text(said.get("email"))),
        source=_source(fields) or client(said.get("ip_address")),
        group=drop_none(name=name, uid=uid) or None,
        entity=entity(kind or noun, name or noun, uid),
        resources=resource(kind, name, uid),
        details=drop_none(auth_factors=factors, is_mfa=is_mfa(factors)),
    )
    detail = text(fields.get("description")) if not said else text(said.get("error"))
    return body_of(deed, time) | status(ok=action not in FAILED, detail=detail)


def _said(value: Any) -> Mapping[str, Any]:
    """Return what a description says; it is JSON within JSON, and sometimes not even that."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str) or not value.startswith("{") or len(value) > MAX_DESCRIPTION:
        return {}
    try:
        said = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _telephony(fields: Mapping[str, Any], time: int) -> tuple[dict[str, Any], str]:
    number = text(fields.get("phone"))
    word = f"telephony.{(text(fields.get('type')) or 'message')[:MAX_WORD]}"
    deed = Deed(API_ACTIVITY, OTHER, word, "Duo", resources=resource("phone", number))
    return body_of(deed, time), ""


def _trust_monitor(fields: Mapping[str, Any], time: int) -> tuple[dict[str, Any], str]:
    """Build the alert of an unusual sign-in, or of a user who was let in without a second factor."""
    sign_in = object_at(fields, "surfaced_auth")
    kind = (text(fields.get("type")) or "auth")[:MAX_WORD]
    bypassed = object_at(fields, "enabled_for")
    who = _user(sign_in) or user(text(bypassed.get("name")), uid=text(bypassed.get("key")))
    source = _source(sign_in)
    body = head(DETECTION_FINDING, 1, time, 4 if fields.get("priority_event") is True else 3)
    body["finding_info"] = finding(
        f"Duo Trust Monitor: {kind}", text(fields.get("sekey")) or kind, rule=f"trust_monitor.{kind}", created_time=time
    )
    evidence = drop_none(user=who, src_endpoint=source)
    body.update(drop_none(actor={"user": who} if who else None, evidences=[evidence] if evidence else None))
    body.update(drop_none(device=device(None, ip=source["ip"]) if source and "ip" in source else None))
    return body, "identity"


_BUILDERS: Final = {
    "authentication": _sign_in,
    "administrator": _administrator,
    "activity": _activity,
    "telephony": _telephony,
    "trust_monitor": _trust_monitor,
}
SOURCE: Final = Source(
    name="duo",
    title="Cisco Duo",
    shippers=("Duo Log Sync", "Elastic Agent", "Filebeat", "Vector", "Logstash"),
    classes=(DETECTION_FINDING, ACCOUNT_CHANGE, AUTHENTICATION, ENTITY_MANAGEMENT, GROUP_MANAGEMENT, API_ACTIVITY),
    entities=("user", "ip", "host"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
