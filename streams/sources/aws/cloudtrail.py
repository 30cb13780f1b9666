"""AWS CloudTrail: one event object, bare or as `detail` of an EventBridge envelope.

Source: the CloudTrail user guide, record contents. `Records` arrays are split where records are framed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.records import RawRecord
from streams.sources.aws.actions import OTHER, action_of
from streams.sources.aws.classes import BUILDERS, Call, take_apart
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, ip, text
from streams.sources.fields import lowered, object_at, restore_case
from streams.sources.times import from_any

DELAY_MS: Final = 1_200_000  # deliveries come within about 5 min on average, and nearly all within 20
PRODUCT: Final = {"name": "CloudTrail", "vendor_name": "AWS"}
LOGSOURCE: Final = LogSource("aws", "cloudtrail")
IDENTITY_LEVELS: Final = 4  # userIdentity.sessionContext.sessionIssuer.userName

_LOWERED: Final = lowered(
    "eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode "
    "errorMessage requestParameters responseElements additionalEventData requestID eventID eventType apiVersion "
    "managementEvent readOnly recipientAccountId serviceEventDetails sharedEventID vpcEndpointId vpcEndpointAccountId "
    "eventCategory sessionCredentialFromConsole tlsDetails edgeDeviceDetails insightDetails"
)
_LOWERED_IDENTITY: Final = lowered(
    "principalId accountId accessKeyId userName invokedBy sessionContext sessionIssuer mfaAuthenticated creationDate "
    "webIdFederationData federatedProvider identityProvider onBehalfOf userId identityStoreArn credentialId"
)
_LOWER_NAMES: Final = frozenset(name for name in _LOWERED if name not in _LOWERED.values())
_LOWER_IDENTITY_NAMES: Final = frozenset(_LOWERED_IDENTITY)
_UNMAPPED: Final = (
    "additionalEventData",
    "serviceEventDetails",
    "insightDetails",
    "edgeDeviceDetails",
    "tlsDetails",
    "addendum",
    "eventType",
    "eventCategory",
    "managementEvent",
    "readOnly",
    "sessionCredentialFromConsole",
    "vpcEndpointAccountId",
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the event under its proper names; raise Unparseable when the record is none."""
    event = _with_case(_unwrapped(decode_json(record)))
    for name in ("eventName", "eventSource"):
        if text(event.get(name)) is None:
            raise Unparseable(f"no CloudTrail event: it has no {name}", field=name)
    return event


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a CloudTrail event by its source, its name and what stands beside them."""
    event = {} if value is None else _unwrapped(value)
    if not _LOWER_NAMES.isdisjoint(event):
        event = restore_case(event, _LOWERED, 1)
    service = event.get("eventSource")
    if not isinstance(service, str) or not isinstance(event.get("eventName"), str):
        return False
    return service.endswith(".amazonaws.com") or ("userIdentity" in event and "awsRegion" in event)


def _unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if "eventName" in value or "eventname" in value:
        return value
    inner = object_at(value, "detail")
    return inner if "eventName" in inner else value


def _with_case(event: Mapping[str, Any]) -> Mapping[str, Any]:
    if not _LOWER_NAMES.isdisjoint(event):
        event = restore_case(event, _LOWERED, 1)
    identity = object_at(event, "userIdentity")
    if _LOWER_IDENTITY_NAMES.isdisjoint(identity):
        return event
    return {**event, "userIdentity": restore_case(identity, _LOWERED_IDENTITY, IDENTITY_LEVELS)}


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a CloudTrail event into an OCSF event of the class its action asks for."""
    original_time = fields.get("eventTime", fields.get("@timestamp"))
    time, labels = event_time(from_any(original_time), record)
    call = take_apart(fields)
    class_uid, activity_id, attributes = BUILDERS[action_of(call.service, call.name).class_uid](call)
    body = head(class_uid, activity_id, time)
    if activity_id == OTHER:
        body["activity_name"] = call.name
    body.update(_common(call))
    body.update(attributes)
    return build_event(
        record,
        body,
        native=fields,
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=text(original_time),
        labels=labels,
        metadata=_metadata(call),
        profiles=("cloud",),
        unmapped={name: fields[name] for name in _UNMAPPED if fields.get(name) is not None},
    )


def _common(call: Call) -> dict[str, Any]:
    agent = text(call.fields.get("userAgent"))
    return drop_none(
        actor=call.actor,
        api=_api(call),
        cloud=_cloud(call),
        src_endpoint=_endpoint(call),
        http_request={"user_agent": agent} if agent else None,
        **_status(call),
    )


def _api(call: Call) -> dict[str, Any]:
    request_uid = text(call.fields.get("requestID"))
    error = text(call.fields.get("errorCode"))
    return drop_none(
        operation=call.name,
        version=text(call.fields.get("apiVersion")),
        service={"name": call.service},
        request=drop_none(uid=request_uid, data=call.fields.get("requestParameters")) if request_uid else None,
        response=drop_none(
            error=error,
            error_message=text(call.fields.get("errorMessage")),
            data=call.fields.get("responseElements"),
        ),
    )


def _cloud(call: Call) -> dict[str, Any]:
    account = drop_none(uid=call.account)
    return drop_none(
        provider="AWS",
        region=text(call.fields.get("awsRegion")),
        account=account | {"type": "AWS Account", "type_id": 10} if account else None,
    )


def _endpoint(call: Call) -> dict[str, Any]:
    """Return where the call came from: an address, or for calls by services of AWS the name of the service."""
    source = text(call.fields.get("sourceIPAddress"))
    address = ip(source)
    endpoint = drop_none(ip=address, uid=text(call.fields.get("vpcEndpointId")))
    if address is None:
        endpoint["svc_name"] = source or call.service
    return endpoint


def _status(call: Call) -> dict[str, Any]:
    code, message = text(call.fields.get("errorCode")), text(call.fields.get("errorMessage"))
    failed = code is not None or message is not None or call.outcome == "Failure"
    return {
        "status_id": 2 if failed else 1,
        "status": "Failure" if failed else "Success",
        "status_code": code,
        "status_detail": message,
    }


def _metadata(call: Call) -> dict[str, Any]:
    return drop_none(
        event_code=call.name,
        original_event_uid=text(call.fields.get("eventID")),
        correlation_uid=text(call.fields.get("sharedEventID")),
        log_name=text(call.fields.get("eventCategory")),
        log_provider=call.service,
        log_version=text(call.fields.get("eventVersion")),
    )


SOURCE: Final = Source(
    name="aws_cloudtrail",
    title="AWS CloudTrail",
    shippers=("EventBridge", "Vector", "Filebeat", "Fluent Bit", "Logstash"),
    classes=tuple(sorted(BUILDERS)),
    entities=("user", "ip", "session", "account", "workload"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
