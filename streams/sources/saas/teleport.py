"""Teleport audit events: sign-ins, certificates, sessions on nodes, databases, Kubernetes, applications and desktops.

Source: Teleport documentation, "Audit Event Reference" and "Exporting Teleport Audit Events" (the event handler sends
the same objects by Fluentd). Data lakes write `addr.remote` as `addr_remote`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DATASTORE_ACTIVITY,
    ENTITY_MANAGEMENT,
    FILE_ACTIVITY,
    NETWORK_ACTIVITY,
    PROCESS_ACTIVITY,
    SSH_ACTIVITY,
    USER_ACCESS,
)
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import MAX_LISTED, object_at
from streams.sources.objects import endpoint, status, user
from streams.sources.saas.deeds import Deed, body_of, entity, resource
from streams.sources.saas.teleport_events import meaning_of
from streams.sources.saas.teleport_node import CLASSES, address, body_on_node
from streams.sources.saas.words import MAX_WORD, METHODS, OTHER, factor, leftovers, request
from streams.sources.times import from_any

DELAY_MS: Final = 120_000
PRODUCT: Final = {"name": "Teleport", "vendor_name": "Gravitational"}
LOGSOURCE: Final = LogSource("teleport", "audit")
_CODE: Final = re.compile(r"[A-Za-z0-9]{4,10}", re.ASCII)
_SEVERITIES: Final = {"I": 1, "W": 3, "E": 4}  # the last letter of the code
_METHODS: Final = {"saml": 5, "oidc": 4, "github": 6}
_STATES: Final = {"APPROVED": 1, "DENIED": 2}
_MAPPED: Final = frozenset(
    {
        *("event", "code", "time", "uid", "user", "sid", "addr.remote", "addr_remote", "addr.local", "addr_local"),
        *("success", "error", "method", "server_id", "server_hostname", "login", "pid", "ppid", "path", "program"),
        *("src_addr", "dst_addr", "dst_port", "argv", "command", "db_query", "db_name", "user_agent", "cluster_name"),
    }
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the audit event; raise Unparseable when the record is none."""
    value = decode_json(record)
    if not _is_event(value):
        raise Unparseable("no Teleport audit event: it has no event type with a code", field="event")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an audit event by its type, its code and its id."""
    return value is not None and _is_event(value) and "time" in value and ("uid" in value or "ei" in value)


def _is_event(value: Mapping[str, Any]) -> bool:
    event, code = value.get("event"), value.get("code")
    return isinstance(event, str) and bool(event) and isinstance(code, str) and _CODE.fullmatch(code) is not None


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an audit event into an OCSF event of the class that its type asks for."""
    original = fields.get("time")
    time, labels = event_time(from_any(original), record)
    event, code = str(fields["event"])[:MAX_WORD], str(fields["code"]).upper()
    severity_id = _SEVERITIES.get(code[-1], 1)
    meaning = meaning_of(event)
    on_node = meaning[0] in CLASSES
    who = _user(fields)
    if on_node:
        body = body_on_node(fields, meaning, who, record.context.host, time, severity_id)
    else:
        body = body_of(_deed(fields, event, meaning, who), time, severity_id)
    body.update(_common(fields, code))
    return build_event(
        record,
        body,
        native=fields,
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=text(original),
        labels=labels,
        metadata=drop_none(
            event_code=code,
            log_name=event,
            original_event_uid=text(fields.get("uid")),
            correlation_uid=text(fields.get("sid")),
            sequence=integer(fields.get("ei")),
            tenant_uid=text(fields.get("cluster_name")),
        ),
        profiles=("host",) if on_node else (),
        unmapped=leftovers(fields, _MAPPED),
        names_host=not on_node or "server_id" in fields,
    )


def _common(fields: Mapping[str, Any], code: str) -> dict[str, Any]:
    success = fields.get("success")
    ok = success if isinstance(success, bool) else code[-1] != "E"
    return status(ok=ok, detail=text(fields.get("error")))


def _user(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    identity = object_at(fields, "identity")
    cluster = text(fields.get("cluster_name"))
    organization = {"name": cluster} if cluster else None
    name = text(fields.get("user")) or text(identity.get("user"))
    kind = 4 if "bot_name" in fields or fields.get("user_kind") == 2 else None  # noqa: PLR2004  # a bot
    return user(name or text(fields.get("bot_name")), type_id=kind, org=organization)


def _deed(fields: Mapping[str, Any], event: str, meaning: tuple[int, int], who: dict[str, Any] | None) -> Deed:
    class_uid, activity_id = meaning
    address_, port = address(fields.get("addr.remote", fields.get("addr_remote")))
    kind, name = event.partition(".")[0], text(fields.get("name"))
    state = text(fields.get("state"))
    if class_uid == USER_ACCESS and activity_id == OTHER:
        activity_id = _STATES.get(state or "", OTHER)
    elif event in {"app.session.request", "app.session.dynamodb.request", "kube.request"}:
        activity_id = METHODS.get(str(fields.get("method", fields.get("verb")))[:8], OTHER)
    place = text(fields.get("app_name")) or text(fields.get("desktop_name")) or text(fields.get("kubernetes_cluster"))
    return Deed(
        class_uid,
        activity_id,
        event,
        (place if class_uid in {AUTHENTICATION, API_ACTIVITY} else None) or "Teleport",
        actor=who,
        user=_target(fields, class_uid, name),
        session={}
        if class_uid == DATASTORE_ACTIVITY and "sid" not in fields
        else drop_none(uid=text(fields.get("sid"))),
        source=endpoint(address_, port),
        entity=entity(kind, name, text(fields.get("id"))),
        target=_database(fields) if class_uid == DATASTORE_ACTIVITY else {},
        privileges=_roles(fields),
        resources=resource(kind, name or text(fields.get("resource_name"))),
        details=_details(fields, class_uid, event),
    )


def _target(fields: Mapping[str, Any], class_uid: int, name: str | None) -> dict[str, Any] | None:
    """Return whom an event changes: it has the name where it has not merely the user."""
    if class_uid != ACCOUNT_CHANGE:
        return None
    return user(name if text(fields.get("event")) not in {"mfa.add", "mfa.delete"} else None)


def _roles(fields: Mapping[str, Any]) -> tuple[str, ...]:
    roles = fields.get("roles")
    return tuple(role for role in map(text, roles[:MAX_LISTED]) if role) if isinstance(roles, list) else ()


def _details(fields: Mapping[str, Any], class_uid: int, event: str) -> dict[str, Any]:
    if class_uid == API_ACTIVITY:
        url = text(fields.get("path")) or text(fields.get("request_path"))
        return drop_none(http_request=request(None, None, fields.get("method", fields.get("verb")), url))
    if class_uid == DATASTORE_ACTIVITY:
        query = text(fields.get("db_query"))
        uid = text(fields.get("uid")) or "query"
        return drop_none(type_id=1, query_info={"query_string": query, "uid": uid} if query else None)
    if class_uid != AUTHENTICATION:
        return {}
    device = object_at(fields, "mfa_device")
    factors = factor(text(device.get("mfa_device_type")))
    desktop = text(fields.get("desktop_name")) or text(fields.get("windows_desktop_service"))
    return drop_none(
        auth_factors=factors,
        is_mfa=True if factors else None,
        auth_protocol_id=_METHODS.get(str(fields.get("method"))[:8]),
        http_request=request(fields.get("user_agent")),
        dst_endpoint=endpoint(address(fields.get("desktop_addr"))[0], hostname=desktop) if "desktop" in event else None,
    )


def _database(fields: Mapping[str, Any]) -> dict[str, Any]:
    name = text(fields.get("db_name")) or text(fields.get("db_service"))
    database = drop_none(name=name, type=text(fields.get("db_protocol")), uid=text(fields.get("db_uri")))
    return {"database": {"type_id": 1, **database}} if name or "uid" in database else {}


SOURCE: Final = Source(
    name="teleport",
    title="Teleport audit log",
    shippers=("Teleport event handler", "Fluentd", "Filebeat", "Vector", "Fluent Bit"),
    classes=(
        FILE_ACTIVITY,
        PROCESS_ACTIVITY,
        ACCOUNT_CHANGE,
        AUTHENTICATION,
        ENTITY_MANAGEMENT,
        USER_ACCESS,
        NETWORK_ACTIVITY,
        SSH_ACTIVITY,
        API_ACTIVITY,
        DATASTORE_ACTIVITY,
    ),
    entities=("user", "host", "ip", "session"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
