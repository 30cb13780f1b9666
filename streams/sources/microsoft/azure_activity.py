"""Azure activity log, and the resource logs that come in the same wrapper: storage, Key Vault, AKS and others.

Source: the activity log event schema (event hubs, storage accounts, REST API) and the common schema of resource logs in
Azure Monitor; the AzureActivity table of Log Analytics. All is API Activity, with its operation's verb.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import API_ACTIVITY
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import object_at, timestamp
from streams.sources.microsoft.azure_forms import Call, call_of, is_call
from streams.sources.microsoft.azure_operations import CREATE, OTHER, UPDATE, activity_of, service_of, word_of
from streams.sources.microsoft.common import (
    AZURE,
    VENDOR,
    address,
    azure,
    claimed,
    claimed_session,
    known,
    principal,
    resource_of,
    resource_type,
    service_principal,
    subscription_of,
)
from streams.sources.objects import device, endpoint, severity_id, status
from streams.sources.times import from_any

DELAY_MS: Final = 1_200_000  # the activity log is there within 3 to 20 min
PRODUCT: Final = {"name": "Azure Activity Log", "vendor_name": VENDOR}
ACTIVITY: Final = LogSource("azure", "activitylogs")
KUBERNETES: Final = LogSource("kubernetes", "audit")
MACHINES: Final = frozenset(
    {
        "microsoft.compute/virtualmachines",
        "microsoft.compute/virtualmachines/extensions",
        "microsoft.hybridcompute/machines",
    }
)
VIRTUAL: Final = 6
MAX_UID: Final = 2048
HTTP_ERROR: Final = 400
_STATUSES: Final = {
    **dict.fromkeys(("success", "succeeded", "succeed", "ok", "accept", "accepted", "active", "resolved"), True),
    **dict.fromkeys(("failed", "failure", "fail", "clienterror", "forbidden", "unauthorized"), False),
}
_KUBE_VERBS: Final = {
    **dict.fromkeys(("get", "list", "watch"), 2),
    **dict.fromkeys(("update", "patch"), 3),
    **dict.fromkeys(("delete", "deletecollection"), 4),
    "create": 1,
}


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the call; raise Unparseable when the record is none."""
    call = call_of(decode_json(record))
    if call is None:
        raise Unparseable("no log entry of Azure: it has no operationName", field="operationName")
    return {"call": call}


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an entry by its operation and the resource that it is about."""
    return value is not None and is_call(value)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an entry into API Activity."""
    call: Call = fields["call"]
    original = text(call.time)
    time, labels = event_time(from_any(original) if original else None, record)
    activity_id = _activity(call)
    body = head(API_ACTIVITY, activity_id, time, _severity(call))
    if activity_id == OTHER:
        body["activity_name"] = word_of(call.operation)
    body.update(_attributes(call))
    machine = _machine(call.resource)
    if machine:
        body["device"] = machine
    tenant = known(call.fields.get("tenantId"))
    body["cloud"] = azure(_subscription(call), tenant, known(call.fields.get("location")))
    return build_event(
        record,
        body,
        native=_native(call),
        logsource=KUBERNETES if call.kube else ACTIVITY,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=_metadata(call, tenant),
        profiles=("cloud", "host") if machine else ("cloud",),
        unmapped=call.unmapped(),
    )


def _activity(call: Call) -> int:
    if call.kube:
        return _KUBE_VERBS.get((known(call.kube.get("verb")) or "").lower(), OTHER)
    found = activity_of(call.operation)
    made = found == UPDATE and (call.substatus or "").lower().endswith("created")
    return CREATE if made else found


def _severity(call: Call) -> int:
    return severity_id(known(call.fields.get("level"))) % OTHER or 1


def _subscription(call: Call) -> str | None:
    return subscription_of(call.resource) or (known(call.fields.get("subscriptionId")) or "").lower() or None


def _attributes(call: Call) -> dict[str, Any]:
    host, port = address(call.caller_ip)
    request = known(call.properties.get("clientRequestId")) or known(call.fields.get("operationId"))
    request = request or known(call.fields.get("correlationId"))
    service = service_of(call.operation, resource_type(call.resource))
    resources = [resource for resource in map(resource_of, call.resources()) if resource]
    return drop_none(
        actor=_actor(call),
        api=drop_none(
            operation=call.operation,
            version=known(call.fields.get("operationVersion")),
            service={"name": service},
            request={"uid": request} if request else None,
            response=drop_none(code=call.code, error=call.substatus if _ok(call) is False else None),
        ),
        src_endpoint=endpoint(host, port) or {"svc_name": service},
        http_request=call.http_request(),
        resources=resources,
        message=known(call.fields.get("resultDescription")) or known(call.properties.get("message")),
        **status(ok=_ok(call), code=call.code or call.substatus, detail=call.substatus, word=call.result),
    )


def _ok(call: Call) -> bool | None:
    """Tell whether the call succeeded; `Start` and `Accept` come before the outcome and say nothing of it."""
    said = _STATUSES.get((call.result or "").lower())
    if said is None and call.code is not None:
        return call.code < HTTP_ERROR
    return said


def _actor(call: Call) -> dict[str, Any]:
    if call.kube:
        return _kube_actor(call.kube)
    requester = object_at(call.identity, "requester")
    account = claimed(call.claims, call.caller)
    if account is None and requester:
        upn = known(requester.get("upn"))
        account = (
            principal(upn, known(requester.get("objectId")))
            if upn
            else service_principal(known(requester.get("objectId")), known(requester.get("appId")), None)
        )
    session = claimed_session(call.claims)
    token = known(call.identity.get("tokenHash"))  # of a shared key or signature: who has it is not told
    if token and "credential_uid" not in session:
        session["credential_uid"] = token[:256]
    app = known(call.claims.get("appid")) or known(requester.get("appId"))
    found = drop_none(user=account, session=session, app_uid=app, idp=_idp(call.claims))
    named = known(call.identity.get("type")) or AZURE
    return found if "user" in found else found | {"invoked_by": call.caller or named}


def _idp(claims: Mapping[str, Any]) -> dict[str, Any] | None:
    name = known(claims.get("http://schemas.microsoft.com/identity/claims/identityprovider"))
    return {"name": name} if name else None


def _kube_actor(kube: Mapping[str, Any]) -> dict[str, Any]:
    person = object_at(kube, "user")
    name = known(person.get("username"))
    if name is None:
        return {"invoked_by": "Kubernetes"}
    kind = 4 if name.startswith("system:serviceaccount:") else 3 if name.startswith("system:") else 1
    return {"user": drop_none(name=name, type_id=kind, uid=known(person.get("uid")))}


def _machine(resource: str | None) -> dict[str, Any] | None:
    """Return the virtual machine that the call is about, so that it meets what the machine itself says."""
    if resource_type(resource) not in MACHINES or not resource:
        return None
    parts = resource[:MAX_UID].split("/")
    place = next((i for i, part in enumerate(parts) if part.lower() in {"virtualmachines", "machines"}), -1)
    name = parts[place + 1] if 0 <= place < len(parts) - 1 else ""
    return device(name, type_id=VIRTUAL, instance_uid="/".join(parts[: place + 2])) if name else None


def _native(call: Call) -> dict[str, Any]:
    """Return the entry under Sigma's names: those of event hubs, and of Log Analytics."""
    if call.kube:
        return {**call.fields, **call.kube}
    native = dict(call.fields)
    category = call.category
    native["operationName"] = native["OperationNameValue"] = native["OperationName"] = call.operation
    native["CategoryValue"] = native["category"] = category
    native["ResourceId"] = native["resourceId"] = call.resource
    native["ResourceProviderValue"] = service_of(call.operation, resource_type(call.resource))
    native["Caller"] = call.caller
    native["ActivityStatusValue"] = native["status"] = call.result
    said = (known(call.properties.get("message")), call.localized, call.operation)
    native["properties.message"] = [word for word in said if word]
    return {name: value for name, value in native.items() if value is not None}


def _metadata(call: Call, tenant: str | None) -> dict[str, Any]:
    fields = call.fields
    return drop_none(
        event_code=call.operation,
        original_event_uid=known(fields.get("eventDataId")) or known(call.kube.get("auditID")),
        correlation_uid=known(fields.get("correlationId")) or known(fields.get("operationId")),
        log_name=call.category,
        log_level=known(fields.get("level")),
        tenant_uid=tenant,
        logged_time=timestamp(fields.get("submissionTimestamp")),
        sequence=integer(fields.get("eventSequenceNumber")),
    )


SOURCE: Final = Source(
    name="azure_activity",
    title="Azure activity and resource logs",
    shippers=("Event Hubs", "Azure Monitor", "Storage accounts", "Filebeat", "Vector", "Logstash"),
    classes=(API_ACTIVITY,),
    entities=("user", "ip", "session", "account", "host", "workload"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
