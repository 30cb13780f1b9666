"""Salesforce: rows of event log files, real-time event monitoring, login history and the setup audit trail.

Source: Salesforce documentation, "EventLogFile", "Real-Time Event Monitoring" (LoginEvent, ApiEvent, ReportEvent ...),
"LoginHistory" and "SetupAuditTrail". Streamed events lie in the `payload` that CometD and the Pub/Sub API put them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DATASTORE_ACTIVITY,
    DETECTION_FINDING,
    ENTITY_MANAGEMENT,
    FILE_HOSTING_ACTIVITY,
    USER_ACCESS,
)
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import object_at
from streams.sources.objects import device, finding, severity_id, status, user
from streams.sources.saas.deeds import NOBODY, Deed, body_of, entity, resource
from streams.sources.saas.salesforce_events import accessed, kind_of, meaning_of, meaning_of_setup
from streams.sources.saas.words import MAX_WORD, OTHER, client, first, leftovers, place, request
from streams.sources.times import from_any, from_rfc3339

DELAY_MS: Final = 10_800_000  # hourly log files come up to three hours late
PRODUCT: Final = {"name": "Salesforce", "vendor_name": "Salesforce"}
_PACKED_CHARS: Final = 14  # YYYYMMDDhhmmss
_MAPPED: Final = frozenset(
    {
        *("EVENT_TYPE", "TIMESTAMP", "TIMESTAMP_DERIVED", "USER_NAME", "USER_ID", "USER_ID_DERIVED", "SOURCE_IP"),
        *("CLIENT_IP", "LOGIN_KEY", "SESSION_KEY", "REQUEST_ID", "ORGANIZATION_ID", "URI", "BROWSER_TYPE"),
        *("LOGIN_STATUS", "EventDate", "EventIdentifier", "EventUuid", "Username", "UserId", "SourceIp", "LoginKey"),
        *("SessionKey", "Status", "Query", "QueriedEntities", "attributes", "channel", "replayId", "UserAgent"),
        *("LoginTime", "Id", "CreatedDate", "Action", "Display"),
    }
)
_GOOD: Final = frozenset({"success", "login_no_error", "ok", "200", "s", "201", "204"})
_OUTER: Final = ("data", "detail")


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the event; raise Unparseable when the record is none of Salesforce's."""
    event = _unwrapped(decode_json(record))
    if not _is_event(event):
        raise Unparseable("no Salesforce event: neither a log file's row nor a monitoring event", field="EVENT_TYPE")
    return event


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an event by the fields that its log has together."""
    return value is not None and _is_event(_unwrapped(value))


def _unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = next((value[name] for name in _OUTER if isinstance(value.get(name), dict)), value)
    payload = inner.get("payload")
    if not isinstance(payload, dict):
        return value
    channel = text(value.get("channel"))
    replay = object_at(inner, "event").get("replayId")
    return {**payload, **drop_none(channel=channel, replayId=replay)}


def _is_event(event: Mapping[str, Any]) -> bool:
    if "EVENT_TYPE" in event:
        return text(event["EVENT_TYPE"]) is not None and ("ORGANIZATION_ID" in event or "TIMESTAMP_DERIVED" in event)
    if "EventDate" in event:
        return "EventIdentifier" in event and bool(kind_of(event))
    if "LoginTime" in event:
        return "UserId" in event and "SourceIp" in event
    return "Section" in event and "Action" in event and "CreatedDate" in event


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an event into an OCSF event of the class that its type asks for."""
    original = first(fields, "TIMESTAMP_DERIVED", "TIMESTAMP", "EventDate", "LoginTime", "CreatedDate")
    time, labels = event_time(_time(original), record)
    kind = kind_of(fields)
    action = (text(fields.get("Action")) or "setup")[:MAX_WORD]
    setup = kind == "SetupAuditTrail"
    class_uid, activity_id = meaning_of_setup(action) if setup else meaning_of(kind)
    alert = class_uid == DETECTION_FINDING
    if alert:
        body = _anomaly(fields, kind, time)
    else:
        operation = action if setup else kind
        body = body_of(_deed(fields, operation, class_uid, activity_id), time) | _common(fields)
    return build_event(
        record,
        body,
        native=fields,
        logsource=LogSource("salesforce", kind.lower()),
        product=PRODUCT,
        original_time=text(original),
        labels=labels,
        metadata=drop_none(
            event_code=kind,
            original_event_uid=text(first(fields, "EventIdentifier", "EventUuid", "REQUEST_ID", "Id")),
            correlation_uid=text(first(fields, "REQUEST_ID", "RelatedEventIdentifier", "LoginKey", "LOGIN_KEY")),
            tenant_uid=text(first(fields, "ORGANIZATION_ID", "OrganizationId")),
        ),
        profiles=("host",) if alert else (),
        unmapped=leftovers(fields, _MAPPED),
        about="identity" if alert else "",
    )


def _time(value: Any) -> int | None:
    """Read a time; log files also write `YYYYMMDDhhmmss.mmm`, which is no epoch."""
    if isinstance(value, str) and value[_PACKED_CHARS : _PACKED_CHARS + 1] == "." and len(value) <= _PACKED_CHARS + 10:
        day, clock = f"{value[:4]}-{value[4:6]}-{value[6:8]}", f"{value[8:10]}:{value[10:12]}:{value[12:14]}"
        return from_rfc3339(f"{day}T{clock}{value[_PACKED_CHARS:]}")
    return from_any(value)


def _common(fields: Mapping[str, Any]) -> dict[str, Any]:
    word = text(first(fields, "LOGIN_STATUS", "Status", "REQUEST_STATUS", "STATUS_CODE"))
    good = word is None or word.lower() in _GOOD
    agent = first(fields, "UserAgent", "USER_AGENT", "BROWSER_TYPE", "Browser")
    url = first(fields, "URI", "LoginUrl", "LOGIN_URL")
    return drop_none(
        message=text(fields.get("Display")),
        http_request=request(agent, first(fields, "REQUEST_ID"), first(fields, "METHOD", "HTTP_METHOD"), url),
        **status(ok=good, code=word, detail=None if good else word),
    )


def _user(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    created = object_at(fields, "CreatedBy")
    return user(
        text(first(fields, "Username", "USER_NAME", "CreatedByUsername")) or text(created.get("Username")),
        uid=text(first(fields, "UserId", "USER_ID_DERIVED", "USER_ID", "CreatedById")),
        type=text(first(fields, "UserType", "USER_TYPE")),
    )


def _delegate(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the administrator who works as somebody else."""
    return user(
        text(first(fields, "DelegatedUsername", "DELEGATED_USER_NAME", "DelegateUser")),
        uid=text(first(fields, "DelegatedUserId", "DELEGATED_USER_ID_DERIVED", "DELEGATED_USER_ID")),
    )


def _source(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    where = place(fields.get("City"), fields.get("Subdivision"), first(fields, "CountryIso", "Country"))
    return client(first(fields, "SourceIp", "SOURCE_IP", "CLIENT_IP"), location=where)


def _session(fields: Mapping[str, Any]) -> dict[str, Any]:
    return drop_none(
        uid=text(first(fields, "SessionKey", "SESSION_KEY")) or text(first(fields, "LoginKey", "LOGIN_KEY")),
        credential_uid=text(first(fields, "LoginKey", "LOGIN_KEY")),
    )


def _deed(fields: Mapping[str, Any], operation: str, class_uid: int, activity_id: int) -> Deed:
    who, delegate = _user(fields), _delegate(fields)
    section = text(fields.get("Section"))
    thing = text(first(fields, "PermissionSetName", "Display")) or operation
    name = text(first(fields, "EntityName", "ENTITY_NAME", "Name"))
    method = text(first(fields, "Operation", "METHOD_NAME", "METHOD")) or ""
    if class_uid == DATASTORE_ACTIVITY and activity_id == OTHER:
        activity_id = accessed(method[:MAX_WORD])
    signs_in = class_uid == AUTHENTICATION
    whom = who if signs_in and delegate else None
    if section and class_uid in {ACCOUNT_CHANGE, USER_ACCESS}:
        whom = NOBODY  # the setup audit trail names the user it changes in a sentence only
    return Deed(
        class_uid,
        activity_id,
        operation,
        (text(fields.get("Application")) if signs_in else None) or "Salesforce",
        actor=delegate or who,
        user=whom,
        session=_session(fields),
        source=_source(fields),
        entity=entity(section or "permission set", thing),
        target=_target(fields, class_uid),
        resources=resource("entity", name, text(first(fields, "EntityId", "URI_ID_DERIVED"))),
        details=_details(fields, class_uid, operation),
    )


def _target(fields: Mapping[str, Any], class_uid: int) -> dict[str, Any]:
    if class_uid == DATASTORE_ACTIVITY:
        name = text(
            first(fields, "QueriedEntities", "ENTITY_NAME", "Name", "REPORT_DESCRIPTION", "DisplayedFieldEntities")
        )
        uid = text(first(fields, "ReportId", "REPORT_ID_DERIVED", "REPORT_ID", "DashboardId", "ListViewId"))
        table = drop_none(name=name, uid=uid)
        return {"table": table} if table else {}
    if class_uid != FILE_HOSTING_ACTIVITY:
        return {}
    name = text(first(fields, "FileName", "FILE_NAME"))
    uid = text(first(fields, "DOCUMENT_ID_DERIVED", "DOCUMENT_ID", "DocumentId", "ContentDocumentId", "ENTITY_ID"))
    return {"file": drop_none(name=name or uid, uid=uid, type_id=1)} if name or uid else {}


def _details(fields: Mapping[str, Any], class_uid: int, operation: str) -> dict[str, Any]:
    if class_uid == DATASTORE_ACTIVITY:
        query = text(first(fields, "Query", "QUERY"))
        uid = text(first(fields, "EventIdentifier", "REQUEST_ID")) or "query"
        scanned = integer(first(fields, "ROWS_PROCESSED", "RowsProcessed"))
        info = {"query_string": query, "uid": uid} if query else None
        return drop_none(type_id=3, type="Table", query_info=info, count=scanned if scanned and scanned > 0 else None)
    if class_uid != AUTHENTICATION:
        return {}
    kind = text(first(fields, "LoginType", "LOGIN_TYPE"))
    return drop_none(
        logon_type=kind,
        logon_type_id=OTHER if kind else None,
        account_switch_type_id=2 if operation.lower() in {"loginas", "suorgadminlogin"} else None,
    )


def _anomaly(fields: Mapping[str, Any], kind: str, time: int) -> dict[str, Any]:
    """Build the alert of what Salesforce's threat detection found."""
    score = fields.get("Score")
    body = head(DETECTION_FINDING, 1, time, severity_id(text(fields.get("Severity")) or "medium"))
    uid = text(first(fields, "EventIdentifier", "EventUuid")) or kind
    desc = text(fields.get("Summary"))
    body["finding_info"] = finding(f"Salesforce {kind}", uid, rule=kind, desc=desc, created_time=time)
    who, source = _user(fields), _source(fields)
    evidence = drop_none(user=who, src_endpoint=source)
    known = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    confidence = round(float(score or 0) * 100) if known else None
    body.update(
        drop_none(
            actor=drop_none(user=who, session=_session(fields)),
            evidences=[evidence] if evidence else None,
            confidence_score=confidence,
            device=device(None, ip=source["ip"]) if source and "ip" in source else None,
        )
    )
    return body


SOURCE: Final = Source(
    name="salesforce",
    title="Salesforce event monitoring",
    shippers=("Elastic Agent", "EventBridge", "Vector", "Logstash"),
    classes=(
        DETECTION_FINDING,
        ACCOUNT_CHANGE,
        AUTHENTICATION,
        ENTITY_MANAGEMENT,
        USER_ACCESS,
        API_ACTIVITY,
        DATASTORE_ACTIVITY,
        FILE_HOSTING_ACTIVITY,
    ),
    entities=("user", "ip", "session"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
