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
from streams.sources.base import Source, build_event, decode_json, event_time, ip, text
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


_IDS: Final = (
    ("eventID", "original_event_uid"),
    ("sharedEventID", "correlation_uid"),
    ("eventCategory", "log_name"),
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
    get = fields.get
    original_time = get("eventTime", get("@timestamp"))
    time, labels = event_time(from_any(original_time), record)
    call = take_apart(fields)
    class_uid, activity_id, attributes = BUILDERS[action_of(call.service, call.name).class_uid](call)
    body = head(class_uid, activity_id, time)
    if activity_id == OTHER:
        body["activity_name"] = call.name
    _put_common(body, call)
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
        unmapped={name: value for name in _UNMAPPED if (value := get(name)) is not None},
    )


def _put_common(body: dict[str, Any], call: Call) -> None:
    """Put into `body` what events of every class have. Attribute by attribute: this is most of a record's time."""
    get = call.fields.get
    code, message = text(get("errorCode")), text(get("errorMessage"))
    body["actor"] = call.actor
    body["api"] = _api(call, code, message)
    body["cloud"] = _cloud(call)
    body["src_endpoint"] = _endpoint(call)
    agent = text(get("userAgent"))
    if agent is not None:
        body["http_request"] = {"user_agent": agent}
    failed = code is not None or message is not None or call.outcome == "Failure"
    body["status_id"], body["status"] = (2, "Failure") if failed else (1, "Success")
    if code is not None:
        body["status_code"] = code
    if message is not None:
        body["status_detail"] = message


def _api(call: Call, error: str | None, message: str | None) -> dict[str, Any]:
    get = call.fields.get
    api: dict[str, Any] = {"operation": call.name}
    version, request_uid = text(get("apiVersion")), text(get("requestID"))
    if version is not None:
        api["version"] = version
    api["service"] = {"name": call.service}
    if request_uid is not None:
        api["request"] = _with_data({"uid": request_uid}, get("requestParameters"))
    response = {} if error is None else {"error": error}
    if message is not None:
        response["error_message"] = message
    if response := _with_data(response, get("responseElements")):
        api["response"] = response
    return api


def _with_data(message: dict[str, Any], data: Any) -> dict[str, Any]:
    if data is not None and data not in ({}, []):
        message["data"] = data
    return message


def _cloud(call: Call) -> dict[str, Any]:
    cloud: dict[str, Any] = {"provider": "AWS"}
    region = text(call.fields.get("awsRegion"))
    if region is not None:
        cloud["region"] = region
    if call.account is not None:
        cloud["account"] = {"uid": call.account, "type": "AWS Account", "type_id": 10}
    return cloud


def _endpoint(call: Call) -> dict[str, Any]:
    """Return where the call came from: an address, or for calls by services of AWS the name of the service."""
    source, vpc_endpoint = text(call.fields.get("sourceIPAddress")), text(call.fields.get("vpcEndpointId"))
    address = ip(source)
    endpoint = {} if address is None else {"ip": address}
    if vpc_endpoint is not None:
        endpoint["uid"] = vpc_endpoint
    if address is None:
        endpoint["svc_name"] = source or call.service
    return endpoint


def _metadata(call: Call) -> dict[str, Any]:
    metadata = {"event_code": call.name}
    get = call.fields.get
    for name, attribute in _IDS:
        value = text(get(name))
        if value is not None:
            metadata[attribute] = value
    metadata["log_provider"] = call.service
    version = text(get("eventVersion"))
    if version is not None:
        metadata["log_version"] = version
    return metadata


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
