"""Kubernetes audit log: one JSON object a stage of a request to an API server, of any distribution.

Source: the Kubernetes documentation, "Auditing", and the audit.k8s.io/v1 API reference. EKS ships it through CloudWatch
Logs, AKS within Azure's diagnostic logs; GKE writes Cloud Audit Logs instead, which `google.audit` reads with this
package's tables. A request on behalf of another user is two events: the request, and the change of the account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import API_ACTIVITY, AUTHENTICATION
from models.records import RawRecord
from streams.sources import objects
from streams.sources.base import Source, build_event, drop_none, event_time, integer, ip, text
from streams.sources.fields import MAX_LISTED, object_at, timestamp
from streams.sources.kubernetes import targets
from streams.sources.kubernetes.classes import CLASSES, SERVICE, build
from streams.sources.kubernetes.forms import AZURE, decode, recognize
from streams.sources.kubernetes.meanings import OTHER
from streams.sources.kubernetes.native import native_of
from streams.sources.kubernetes.principals import first, is_anonymous, place_of, session_of, user_of
from streams.sources.kubernetes.targets import Call, word
from streams.sources.times import from_any

DELAY_MS: Final = 600_000  # an event is written when its request ends, and a watch lasts five to ten minutes
PRODUCT: Final = {"name": "Kubernetes", "vendor_name": "Kubernetes"}
LOGSOURCE: Final = LogSource("kubernetes", "audit")
UNAUTHORIZED, FORBIDDEN, CLIENT_ERROR = 401, 403, 400
ACCOUNT_SWITCH: Final = 7
IMPERSONATE: Final = 2
SWITCHED: Final = "impersonation"  # the only key of the second event of an impersonated request

_DECISION: Final = "authorization.k8s.io/decision"
_REASON: Final = "authorization.k8s.io/reason"
_ISSUED: Final = "authentication.kubernetes.io/issued-credential-id"
_TIMES: Final = ("requestReceivedTimestamp", "stageTimestamp", "timestamp", "p_event_time")
_UNMAPPED: Final = ("stage", "annotations", "responseStatus", "impersonatedUser", "authenticationMetadata", AZURE)
_SWITCH_NATIVE: Final = ("auditID", "user", "impersonatedUser", "sourceIPs", "userAgent")


def expand(fields: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Cut a request on behalf of another user into the request and the change of the account."""
    switched = text(object_at(fields, "impersonatedUser").get("username"))
    return (fields, {SWITCHED: fields}) if switched else (fields,)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an audit event into an OCSF event of the class its request asks for."""
    switch = object_at(fields, SWITCHED) if len(fields) == 1 else {}
    fields = switch or fields
    written = next((fields[name] for name in _TIMES if fields.get(name) is not None), None)
    time, labels = event_time(from_any(written), record)
    call = take_apart(fields)
    class_uid, activity_id, attributes = _switch(fields) if switch else build(call)
    body = head(class_uid, activity_id, time)
    if activity_id == OTHER:
        body["activity_name"] = call.meaning.word
    cloud = cloud_of(fields, record)
    body.update(_common(fields, call, cloud, api=class_uid == API_ACTIVITY))
    body.update(attributes)
    return build_event(
        record,
        body,
        native={name: fields[name] for name in _SWITCH_NATIVE if name in fields} if switch else native_of(fields),
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=text(written),
        labels=labels,
        metadata=_metadata(fields, call),
        profiles=("cloud", "container") if cloud else ("container",),
        unmapped={name: fields[name] for name in _UNMAPPED if fields.get(name) is not None},
    )


def take_apart(fields: Mapping[str, Any]) -> Call:
    """Find the parts of an audit event that the builders share."""
    about, user = object_at(fields, "objectRef"), user_of(object_at(fields, "user"))
    code = _code(fields)
    return Call(
        verb=word(fields.get("verb")).lower(),
        resource=word(about.get("resource")).lower(),
        subresource=word(about.get("subresource")).lower(),
        namespace=word(about.get("namespace")),
        name=word(about.get("name")),
        uid=word(about.get("uid")),
        uri=text(fields.get("requestURI")) or "",
        request=object_at(fields, "requestObject"),
        response=object_at(fields, "responseObject"),
        caller=user,
        ok=code < CLIENT_ERROR if code is not None else _succeeded(fields),
        turned_away=code == UNAUTHORIZED or (code == FORBIDDEN and is_anonymous(user)),
        issued=word(object_at(fields, "annotations").get(_ISSUED)),
        code=code,
    )


def _code(fields: Mapping[str, Any]) -> int | None:
    code = integer(object_at(fields, "responseStatus").get("code"))
    return code if code is not None and 0 < code < 1000 else None  # noqa: PLR2004  # HTTP's statuses have three digits


def _succeeded(fields: Mapping[str, Any]) -> bool | None:
    """Tell how a request ended that has no code."""
    status = object_at(fields, "responseStatus").get("status")
    if status in ("Success", "Failure"):
        return bool(status == "Success")
    denied = object_at(fields, "annotations").get(_DECISION) == "forbid"
    return False if denied else None


def _switch(fields: Mapping[str, Any]) -> tuple[int, int, dict[str, Any]]:
    user = user_of(object_at(fields, "impersonatedUser"))
    if user is None:
        raise Unparseable("the impersonated user has no name", field="impersonatedUser")
    switched = {"account_switch_type_id": IMPERSONATE, "account_switch_type": "Impersonate"}
    return AUTHENTICATION, ACCOUNT_SWITCH, {"user": user, "service": SERVICE, **switched}


def _common(fields: Mapping[str, Any], call: Call, cloud: dict[str, Any], *, api: bool) -> dict[str, Any]:
    common: dict[str, Any] = {"actor": _actor(fields, call)}
    if api or cloud:
        common["api"] = _api(fields, call)
    if cloud:
        common["cloud"] = cloud
    source = _source(fields) or ({"svc_name": "kube-apiserver"} if api else None)
    if source:
        common["src_endpoint"] = source
    request = _http_request(fields, call)
    if request:
        common["http_request"] = request
    ended = timestamp(fields.get("stageTimestamp"))
    if ended is not None:
        common["end_time"] = ended
    return common | _status(fields, call)


def _status(fields: Mapping[str, Any], call: Call) -> dict[str, Any]:
    if call.ok and call.code is not None:
        return _succeeded_with(call.code)
    status = object_at(fields, "responseStatus")
    return objects.status(ok=call.ok, code=call.code, detail=text(status.get("message")) or text(status.get("reason")))


@lru_cache(maxsize=1024)
def _succeeded_with(code: int) -> dict[str, Any]:
    return objects.status(ok=True, code=code)


def _actor(fields: Mapping[str, Any], call: Call) -> dict[str, Any]:
    actor: dict[str, Any] = {"user": call.caller} if call.caller else {}
    session = session_of(object_at(fields, "user"))
    if session:
        actor["session"] = session
    if not actor:
        actor["invoked_by"] = "unknown"
    annotations = object_at(fields, "annotations")
    decision, reason = text(annotations.get(_DECISION)), text(annotations.get(_REASON))
    if decision or reason:
        actor["authorizations"] = [drop_none(decision=decision, policy={"name": reason} if reason else None)]
    return actor


def _api(fields: Mapping[str, Any], call: Call) -> dict[str, Any]:
    about, audit_id = object_at(fields, "objectRef"), text(fields.get("auditID"))
    group, version = text(about.get("apiGroup")), text(about.get("apiVersion"))
    api: dict[str, Any] = {"operation": call.meaning.operation, "service": SERVICE}
    if version:
        api["version"] = version
    if group:
        api["group"] = {"name": group}
    if audit_id:
        api["request"] = {"uid": audit_id} | _sent(fields, call)
    if call.code is not None:
        api["response"] = {"code": call.code}
    if call.response:
        api.setdefault("response", {})["data"] = call.response
    return api


def _sent(fields: Mapping[str, Any], call: Call) -> dict[str, Any]:
    if not call.request:
        return drop_none(data=fields.get("requestObject"))
    return drop_none(data=call.request, containers=targets.containers_of(call))


def _source(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the request came from: all addresses but the first are proxies'."""
    listed = fields.get("sourceIPs")
    found = [address for address in map(ip, listed[:MAX_LISTED]) if address] if isinstance(listed, list) else []
    source: dict[str, Any] = {"ip": found[0]} if found else {}
    if found[1:]:
        source["intermediate_ips"] = found[1:]
    return source | place_of(object_at(fields, "user"))


def _http_request(fields: Mapping[str, Any], call: Call) -> dict[str, Any]:
    path, _, query = call.uri.partition("?")
    agent = text(fields.get("userAgent"))
    request: dict[str, Any] = {"user_agent": agent} if agent else {}
    if path:
        request["url"] = {"path": path, "query_string": query} if query else {"path": path}
    command = targets.command_of(call) if call.subresource else None
    return request | {"args": command} if command else request


def cloud_of(fields: Mapping[str, Any], record: RawRecord) -> dict[str, Any]:
    """Return the cloud and the account that the cluster is in, as far as its wrappers and its users tell."""
    wrapper = object_at(fields, AZURE)
    if wrapper:
        path = (text(wrapper.get("resourceId", wrapper.get("ResourceId"))) or "").lower().split("/")[:3]
        return objects.cloud("Azure", path[2] if path[1:2] == ["subscriptions"] and len(path) > 2 else None)  # noqa: PLR2004  # /subscriptions/<id>
    envelope = record.context.envelope
    group = envelope.get("logGroup")
    if isinstance(group, str) and group.startswith("/aws/eks/"):
        return objects.cloud("AWS", text(envelope.get("owner")))
    arn = first(object_at(object_at(fields, "user"), "extra"), "canonicalArn", "arn") or ""
    parts = arn.split(":", 5)
    return objects.cloud("AWS", parts[4] or None) if parts[0] == "arn" and len(parts) > 5 else {}  # noqa: PLR2004  # arn:partition:service:region:account:...


def _metadata(fields: Mapping[str, Any], call: Call) -> dict[str, Any]:
    audit_id, level, version = text(fields.get("auditID")), text(fields.get("level")), text(fields.get("apiVersion"))
    metadata = {"event_code": call.meaning.operation, "log_name": "audit"}
    if audit_id:
        metadata["original_event_uid"] = metadata["correlation_uid"] = audit_id
    if level:
        metadata["log_level"] = level
    if version:
        metadata["log_version"] = version
    return metadata


SOURCE: Final = Source(
    name="kubernetes_audit",
    title="Kubernetes audit log",
    shippers=("Fluent Bit", "Vector", "Filebeat", "OpenTelemetry Collector", "CloudWatch Logs", "Event Hubs"),
    classes=tuple(sorted(CLASSES)),
    entities=("user", "ip", "session", "host", "workload", "account"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
    expand=expand,
)
