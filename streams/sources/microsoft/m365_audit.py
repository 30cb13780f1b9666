"""Microsoft 365 unified audit log: Exchange, SharePoint, OneDrive, Teams, Entra ID, Purview and Defender.

Source: the Office 365 Management Activity API schema. Also read are the `AuditData` of `Search-UnifiedAuditLog` and of
Graph's audit log queries, the objects that Filebeat keeps under `o365audit`, and rows of the OfficeActivity table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import API_ACTIVITY, AUTHENTICATION, DETECTION_FINDING, EMAIL_ACTIVITY
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import object_at
from streams.sources.microsoft.common import VENDOR, known, pairs, unpacked_object
from streams.sources.microsoft.m365_classes import BUILDERS, SERVICE_NAME, Operation
from streams.sources.microsoft.m365_objects import actor_user, agent_of, device_of, session_of, source_of
from streams.sources.microsoft.m365_operations import CLASSES, meaning_of
from streams.sources.objects import OTHER, status
from streams.sources.times import from_any

DELAY_MS: Final = 3_600_000  # the API promises nothing; most records come within the hour
PRODUCT: Final = {"name": "Microsoft 365", "vendor_name": VENDOR}
M365_TENANT: Final = 17
MAX_OPERATION: Final = 256
COMPLIANCE: Final = "SecurityComplianceCenter"
_AUDIT: Final = LogSource("m365", "audit")
_EXCHANGE: Final = LogSource("m365", "exchange")
_THREATS: Final = LogSource("m365", "threat_management")
_DETECTIONS: Final = LogSource("m365", "threat_detection")
_DETECTED: Final = frozenset(
    {"activity from suspicious ip addresses"}
)  # the one policy that Sigma counts to this service
_COLUMNS: Final = {
    "TimeGenerated": "CreationTime",
    "OfficeWorkload": "Workload",
    "OfficeId": "Id",
    "OfficeObjectId": "ObjectId",
    "OfficeTenantId": "OrganizationId",
}
_BESIDE: Final = frozenset({"RecordType", "OrganizationId", "UserType", "Workload"})
_INNER: Final = ("AuditData", "auditData", "o365audit")
_MAPPED: Final = frozenset(
    [
        "CreationTime",
        "Id",
        "Operation",
        "OrganizationId",
        "UserId",
        "UserKey",
        "UserType",
        "Workload",
        "ClientIP",
        "ObjectId",
        "UserAgent",
        "ResultStatus",
        "RecordType",
        "ClientIPAddress",
        "ActorIpAddress",
        "ApplicationId",
        "Actor",
    ]
)
_EMPTY: Final[tuple[Any, ...]] = (None, "", [])
_FAILURES: Final = frozenset({"failed", "failure", "false", "partiallysucceeded"})
_SUCCESSES: Final = frozenset({"success", "succeeded", "true"})


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the audit record under its proper names; raise Unparseable when the record is none."""
    fields = _unwrapped(decode_json(record))
    if text(fields.get("Operation")) is None:
        raise Unparseable("no audit record of Microsoft 365: it has no Operation", field="Operation")
    return fields


def _unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if value.get("Type") == "OfficeActivity":
        return {_COLUMNS.get(name, name): item for name, item in value.items()}
    if "Operation" in value:
        return value
    return next((inner for name in _INNER if "Operation" in (inner := unpacked_object(value.get(name)))), value)


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an audit record by its operation and by what stands beside it."""
    if value is None:
        return False
    if "Operation" not in value:
        if not any(name in value for name in _INNER):
            return False
        value = _unwrapped(value)
    elif value.get("Type") == "OfficeActivity":
        return True
    found = len(_BESIDE & value.keys())
    return isinstance(value.get("Operation"), str) and "CreationTime" in value and found > 1


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an audit record into an event of the class that its operation asks for."""
    original = text(fields.get("CreationTime")) or text(fields.get("CreationDate"))
    time, labels = event_time(from_any(original) if original else None, record)
    operation = str(fields["Operation"])[:MAX_OPERATION]
    workload = known(fields.get("Workload")) or ""
    tenant = known(fields.get("OrganizationId"))
    parameters = pairs(fields.get("Parameters"), "Name", "Value")
    extended = pairs(fields.get("ExtendedProperties"), "Name", "Value")
    meaning = meaning_of(workload[:64], operation)
    user = actor_user(fields, tenant)
    op = Operation(fields, operation, workload, meaning, parameters, user, tenant)
    class_uid, activity_id, own = BUILDERS[meaning.class_uid](op)
    body = head(class_uid, activity_id, time)
    if activity_id == OTHER:
        body["activity_name"] = operation
    body.update(_common(op, extended, class_uid))
    body.update(own)
    return build_event(
        record,
        body,
        native=_native(op, extended),
        logsource=_logsource(op),
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=_metadata(op, extended),
        profiles=_profiles(body),
        unmapped={name: value for name, value in fields.items() if name not in _MAPPED and value not in _EMPTY},
        about="identity" if class_uid == DETECTION_FINDING else "",
    )


def _common(op: Operation, extended: Mapping[str, Any], class_uid: int) -> dict[str, Any]:
    fields = op.fields
    session = session_of(fields, extended)
    agent = agent_of(fields, extended)
    account = {"uid": op.tenant, "type_id": M365_TENANT} if op.tenant else None
    app = known(fields.get("ApplicationDisplayName")) or known(fields.get("Application"))
    actor = drop_none(
        user=op.user,
        session=session if class_uid != AUTHENTICATION else None,
        app_name=app,
        app_uid=known(fields.get("AppId")) or known(fields.get("ClientAppId")),
    )
    found = drop_none(
        actor=actor or {"invoked_by": op.workload or SERVICE_NAME},
        cloud=drop_none(provider=VENDOR, account=account) if account else None,
        message=op.name,
        **_status(op, extended),
    )
    if class_uid == DETECTION_FINDING:
        return found
    device = device_of(fields)
    return found | drop_none(
        src_endpoint=source_of(fields),
        device=device,
        session=session if class_uid == AUTHENTICATION else None,
        api=_api(op) if "cloud" in found or class_uid == API_ACTIVITY else None,
        http_request={"user_agent": agent} if agent and class_uid != EMAIL_ACTIVITY else None,
    )


def _api(op: Operation) -> dict[str, Any]:
    uid = known(op.fields.get("Id"))
    request = {"uid": uid, "data": dict(op.parameters)} if uid and op.parameters else None
    return drop_none(operation=op.name, service={"name": op.workload or SERVICE_NAME}, request=request)


def _status(op: Operation, extended: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status: a sign-in says so in its operation, all others in `ResultStatus`."""
    word = (known(op.fields.get("ResultStatus")) or "").lower()
    code = known(op.fields.get("ErrorNumber")) or known(op.fields.get("ErrorCode"))
    detail = known(op.fields.get("LogonError")) or known(extended.get("ResultStatusDetail"))
    if op.name == "UserLoginFailed" or known(op.fields.get("LogonError")):
        return status(ok=False, code=code, detail=detail)
    ok = False if word in _FAILURES else True if word in _SUCCESSES or not word else None
    return status(ok=ok, code=code, detail=detail if detail != "Success" else None, word=word)


def _profiles(body: Mapping[str, Any]) -> tuple[str, ...]:
    found = ["cloud"] if "cloud" in body else []
    host = "device" in body or body["class_uid"] in {DETECTION_FINDING, EMAIL_ACTIVITY}
    return tuple([*found, "host"] if host else found)


def _logsource(op: Operation) -> LogSource:
    if op.workload == "Exchange":
        return _EXCHANGE
    if op.workload != COMPLIANCE:
        return _AUDIT
    return _DETECTIONS if (known(op.fields.get("Name")) or "").lower() in _DETECTED else _THREATS


def _native(op: Operation, extended: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record under Sigma's names: named values as fields, and the words of its first rules."""
    fields = op.fields
    native = {**op.parameters, **extended, **fields}
    result = known(fields.get("ResultStatus"))
    native["eventSource"] = op.workload
    native["eventName"] = (known(fields.get("Name")) if op.workload == COMPLIANCE else None) or op.name
    native["status"] = "success" if result is None or result.lower() in _SUCCESSES else result
    if op.parameters:
        native["Payload"] = " ".join([op.name, *(f"-{name} {value}" for name, value in op.parameters.items())])
    return native


def _metadata(op: Operation, extended: Mapping[str, Any]) -> dict[str, Any]:
    fields = op.fields
    access = object_at(fields, "AppAccessContext")
    number = integer(fields.get("RecordType"))
    return drop_none(
        event_code=op.name,
        original_event_uid=known(fields.get("Id")),
        correlation_uid=known(access.get("CorrelationId"))
        or known(fields.get("CorrelationId"))
        or known(fields.get("InterSystemsId")),
        log_name=op.workload or known(extended.get("RequestType")),
        tenant_uid=op.tenant,
        type=str(number) if number is not None else known(fields.get("RecordType")),
    )


SOURCE: Final = Source(
    name="m365_audit",
    title="Microsoft 365 unified audit log",
    shippers=("Filebeat", "Vector", "Logstash", "Fluent Bit", "Management Activity API"),
    classes=tuple(sorted({*CLASSES, *BUILDERS})),
    entities=("user", "ip", "session", "host", "account"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
