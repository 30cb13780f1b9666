"""Microsoft Entra ID: sign-in logs, audit logs, risk detections, alerts of PIM, and calls of Microsoft Graph.

Source: the Microsoft Graph reference (`signIn`, `directoryAudit`, `riskDetection`), and the schemas of Entra ID's logs
in Azure Monitor. Forms: see `entra_forms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import API_ACTIVITY, AUTHENTICATION, DETECTION_FINDING
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import timestamp
from streams.sources.microsoft import entra_audit, entra_native, entra_risk, entra_signin
from streams.sources.microsoft.common import METHODS, VENDOR, address, azure, known, principal, service_principal
from streams.sources.microsoft.entra_forms import ALERT, AUDIT, GRAPH, RISK, SIGN_IN, Entry, entry_of, recognizes
from streams.sources.objects import OTHER, endpoint, status
from streams.sources.times import from_any

DELAY_MS: Final = 900_000  # most sign-ins are logged within 5 min, audit records within 15
PRODUCT: Final = {"name": "Entra ID", "vendor_name": VENDOR}
_LOGSOURCES: Final = {
    SIGN_IN: LogSource("azure", "signinlogs"),
    AUDIT: LogSource("azure", "auditlogs"),
    RISK: LogSource("azure", "riskdetection"),
    ALERT: LogSource("azure", "pim"),
    GRAPH: LogSource("azure", "microsoftgraphactivitylogs"),
}
_TIMES: Final = {
    SIGN_IN: ("createdDateTime", "time", "timeGenerated"),
    AUDIT: ("activityDateTime", "time", "timeGenerated"),
    RISK: ("detectedDateTime", "activityDateTime", "riskLastUpdatedDateTime", "time", "timeGenerated"),
    ALERT: ("activationDateTime", "createdDateTime", "assignmentCreatedDateTime", "time", "timeGenerated"),
    GRAPH: ("timeGenerated", "time"),
}
_METHODS: Final = {"GET": 2, "HEAD": 2, "POST": 1, "PUT": 3, "PATCH": 3, "DELETE": 4}
_NAMES: Final = (
    *("time", "createdDateTime", "activityDateTime", "timeGenerated", "userPrincipalName", "userId"),
    *("userDisplayName", "appDisplayName", "ipAddress", "appId", "callerIpAddress", "location", "deviceDetail"),
    *("status", "correlationId", "id", "activityDisplayName", "initiatedBy", "result", "resultReason"),
    *("sessionId", "uniqueTokenIdentifier", "userAgent", "isInteractive", "authenticationRequirement"),
    *("tenantId", "servicePrincipalId", "servicePrincipalName", "riskLevelDuringSignIn", "riskDetail"),
    *("resultType", "resultDescription", "table", "authenticationProtocol", "autonomousSystemNumber"),
    *("operationName", "identity", "homeTenantId", "userType", "appliedConditionalAccessPolicies"),
    *("riskEventType", "riskLevel", "Level", "level", "durationMs", "iPAddress"),
)
_MAPPED: Final = frozenset(_NAMES) | {name[:1].upper() + name[1:] for name in _NAMES}  # of the API, of tables


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the record's log entry; raise Unparseable when it is none of Entra ID."""
    entry = entry_of(decode_json(record))
    if entry is None:
        raise Unparseable("no log entry of Entra ID: neither a known category nor an object of Graph", field="category")
    return {"entry": entry}


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a log entry by its category or table, or by what only Graph's objects have."""
    return value is not None and recognizes(value)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a log entry into an event of the class that it asks for."""
    entry: Entry = fields["entry"]
    original = next((value for name in _TIMES[entry.kind] if (value := text(entry.fields.get(name)))), None)
    time, labels = event_time(from_any(original) if original else None, record)
    tenant = known(entry.outer.get("tenantId")) or known(entry.fields.get("tenantId"))
    tenant = tenant or known(entry.fields.get("homeTenantId")) or _tenant_of(entry.outer)
    class_uid, activity_id, severity, own, word, native = _BUILD[entry.kind](entry, tenant)
    body = head(class_uid, activity_id, time, severity)
    if activity_id == OTHER:
        body["activity_name"] = word
    body.update(own)
    profiles = _profiles(class_uid, body)
    if tenant:
        body["cloud"] = azure(None, tenant)
        profiles.append("cloud")
    return build_event(
        record,
        body,
        native=native,
        logsource=_LOGSOURCES[entry.kind],
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=_metadata(entry, tenant, word),
        profiles=tuple(profiles),
        unmapped=_unmapped(entry),
        about="identity" if class_uid == DETECTION_FINDING else "",
    )


def _tenant_of(outer: Mapping[str, Any]) -> str | None:
    """Return the tenant in a resource id such as `/tenants/<id>/providers/Microsoft.aadiam`."""
    uid = text(outer.get("resourceId")) or ""
    return uid[9:].partition("/")[0] or None if uid[:9].lower() == "/tenants/" else None


_Built = tuple[int, int, int, dict[str, Any], str, dict[str, Any]]


def _sign_in(entry: Entry, tenant: str | None) -> _Built:
    own = entra_signin.attributes(entry.fields, entry.category, tenant)
    return AUTHENTICATION, entra_signin.LOGON, 1, own, "Sign-in activity", entra_native.sign_in(entry)


def _audit(entry: Entry, tenant: str | None) -> _Built:
    activity = known(entry.fields.get("activityDisplayName")) or known(entry.fields.get("operationName")) or "Activity"
    class_uid, activity_id, own = entra_audit.build(entra_audit.take_apart(entry.fields, activity, tenant))
    return class_uid, activity_id, 1, own, activity[:256], entra_native.audit(entry, activity)


def _risk(entry: Entry, tenant: str | None) -> _Built:
    kind = known(entry.fields.get("riskEventType")) or known(entry.fields.get("riskType"))
    if kind is None:
        kind = (known(entry.fields.get("@odata.type")) or "riskyUser").rpartition(".")[2]
    kind = kind[:256]
    activity_id, severity, own = entra_risk.attributes(entry.fields, kind, tenant)
    return DETECTION_FINDING, activity_id, severity, own, kind, entra_native.risk(entry, kind)


def _graph(entry: Entry, tenant: str | None) -> _Built:
    """Describe a call of Microsoft Graph; its `uti` is that of the token that a sign-in issued."""
    fields = entry.fields
    method, uri = (known(fields.get("requestMethod")) or "GET").upper(), known(fields.get("requestUri")) or "/"
    code = integer(fields.get("responseStatusCode"))
    app = service_principal(known(fields.get("servicePrincipalId")), known(fields.get("appId")), None)
    person = principal(None, known(fields.get("userId")), tenant=tenant)
    token = known(fields.get("signInActivityId")) or known(fields.get("uniqueTokenId"))
    session = drop_none(uid=known(fields.get("sessionId")), credential_uid=token)
    host, port = address(fields.get("ipAddress") or fields.get("callerIpAddress"))
    request = known(fields.get("requestId"))
    own = drop_none(
        actor=drop_none(user=person or app or {"name": "unknown"}, app_uid=known(fields.get("appId")), session=session),
        api=drop_none(
            operation=f"{method} {uri.partition('?')[0]}"[:1024],
            service={"name": "Microsoft Graph"},
            request={"uid": request} if request else None,
            response=drop_none(code=code),
        ),
        src_endpoint=endpoint(host, port) or {"svc_name": "Microsoft Graph"},
        http_request=drop_none(
            http_method=method if method in METHODS else None,
            user_agent=known(fields.get("userAgent")),
            url={"url_string": uri[:2048]},
        ),
        **status(ok=None if code is None else code < 400, code=code),  # noqa: PLR2004  # HTTP's errors begin there
    )
    return API_ACTIVITY, _METHODS.get(method, OTHER), 1, own, method, dict(fields)


_BUILD: Final = {SIGN_IN: _sign_in, AUDIT: _audit, RISK: _risk, ALERT: _risk, GRAPH: _graph}


def _profiles(class_uid: int, body: Mapping[str, Any]) -> list[str]:
    if class_uid == DETECTION_FINDING:
        return ["host"]
    profiles = ["host"] if "device" in body else []
    guarded = "risk_level" in body or "risk_level_id" in body or "authorizations" in body or "risk_details" in body
    return [*profiles, "security_control"] if guarded else profiles


def _metadata(entry: Entry, tenant: str | None, word: str) -> dict[str, Any]:
    fields = entry.fields
    return drop_none(
        event_code=word,
        original_event_uid=known(fields.get("id")) or known(fields.get("requestId")),
        correlation_uid=known(fields.get("correlationId")),
        log_name=text(entry.outer.get("category")) or text(entry.outer.get("Type")),
        log_provider=known(fields.get("loggedByService")),
        log_version=text(entry.outer.get("operationVersion")),
        tenant_uid=tenant,
        logged_time=timestamp(entry.outer.get("time")),
    )


def _unmapped(entry: Entry) -> dict[str, Any]:
    """Return what no attribute was made of, as it stands in the record."""
    inner = entry.outer.get("properties")
    found = {n: value for n, value in entry.outer.items() if n not in _MAPPED and value is not None and value != ""}
    if not isinstance(inner, dict):
        return found
    del found["properties"]
    found.update((n, value) for n, value in inner.items() if n not in _MAPPED and value is not None and value != "")
    return found


SOURCE: Final = Source(
    name="entra_id",
    title="Microsoft Entra ID",
    shippers=("Event Hubs", "Azure Monitor", "Microsoft Graph", "Log Analytics", "Filebeat", "Vector", "Logstash"),
    classes=tuple(sorted({*entra_audit.CLASSES, AUTHENTICATION, API_ACTIVITY, DETECTION_FINDING})),
    entities=("user", "ip", "session", "host", "account"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
