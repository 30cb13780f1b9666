"""Amazon GuardDuty findings: as EventBridge and the export to S3 write them, and as its API does, with capitals.

Source: GuardDuty finding format, finding details and finding types, in the GuardDuty user guide. A finding is written
again whenever the same thing is seen again; its time is that of the writing, and when it was seen first and last is in
`finding_info`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import DETECTION_FINDING
from models.records import RawRecord
from streams.sources.aws import guardduty_resources as resources
from streams.sources.aws.finding_parts import BLOCKED, evidences_of, is_blocked, uncapitalized
from streams.sources.aws.guardduty_types import about_of, attacks_of
from streams.sources.aws.principals import account_of
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import object_at, timestamp
from streams.sources.objects import finding

DELAY_MS: Final = 900_000
PRODUCT: Final = {"name": "GuardDuty", "vendor_name": "AWS"}
LOGSOURCE: Final = LogSource("aws", "guardduty")
CREATE, UPDATE, CLOSE = 1, 2, 3
NEW: Final = {"status_id": 1, "status": "New"}
ARCHIVED: Final = {"status_id": 5, "status": "Archived"}
_SEVERITIES: Final = ((9.0, 5), (7.0, 4), (4.0, 3), (1.0, 2))  # from which score, OCSF severity
_MAPPED: Final = frozenset(
    (
        *("schemaVersion", "accountId", "region", "partition", "id", "arn", "type", "resource", "service", "severity"),
        *("createdAt", "updatedAt", "title", "description", "confidence"),
    )
)
_MAPPED_SERVICE: Final = frozenset(("action", "eventFirstSeen", "eventLastSeen", "archived", "count", "runtimeDetails"))


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the finding with small letters first; raise Unparseable when the record is none."""
    value = decode_json(record)
    if "SchemaVersion" in value or "Service" in value:
        value = uncapitalized(value)
    for name in ("type", "id"):
        if text(value.get(name)) is None:
            raise Unparseable(f"no GuardDuty finding: it has no {name}", field=name)
    if not isinstance(value.get("service"), dict):
        raise Unparseable("no GuardDuty finding: it names no service", field="service")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a finding by its type, and by the detector that found it."""
    if value is None:
        return False
    service, kind, arn = value.get("service"), value.get("type"), value.get("arn")
    if service is None:
        service, kind, arn = value.get("Service"), value.get("Type"), value.get("Arn")
    if not isinstance(service, dict) or not isinstance(kind, str) or ":" not in kind:
        return False
    named = service.get("serviceName", service.get("ServiceName")) == "guardduty"
    return named or (isinstance(arn, str) and ":guardduty:" in arn)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a finding into a Detection Finding."""
    service, resource = object_at(fields, "service"), object_at(fields, "resource")
    account, partition = text(fields.get("accountId")), text(fields.get("partition")) or "aws"
    kind = str(text(fields.get("type")))
    updated = text(fields.get("updatedAt")) or text(fields.get("createdAt"))
    time, labels = event_time(timestamp(updated), record)
    body = head(DETECTION_FINDING, _activity(fields, service), time, severity_id(fields.get("severity")))
    device = resources.device_of(resource)
    action = object_at(service, "action")
    attack = attacks_of(kind, service)
    body["finding_info"] = _info(fields, kind, service, attack)
    body.update(
        drop_none(
            actor=resources.actor_of(resource, service, account, partition),
            device=device,
            resources=resources.resources_of(resource, service),
            evidences=evidences_of(action, resources.local_of(device)) + resources.more_evidences(service),
            count=_natural(service.get("count")),
            confidence_score=_natural(fields.get("confidence")),
            message=text(fields.get("title")),
            start_time=timestamp(service.get("eventFirstSeen")),
            end_time=timestamp(service.get("eventLastSeen")),
            attacks=attack,
            is_alert=True,
        )
    )
    body.update(ARCHIVED if service.get("archived") is True else NEW)
    body.update(BLOCKED if is_blocked(action) else {})
    body["cloud"] = drop_none(provider="AWS", account=account_of(account), region=text(fields.get("region")))
    has_container = device is not None and "container" in device
    return build_event(
        record,
        body,
        native=fields,
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=updated,
        labels=labels,
        metadata=drop_none(
            original_event_uid=text(fields.get("id")), event_code=kind, log_version=text(fields.get("schemaVersion"))
        ),
        profiles=("cloud", "host", "security_control", *(("container",) if has_container else ())),
        unmapped=_unmapped(fields, service),
        about=about_of(kind, text(resource.get("resourceType")), text(action.get("actionType"))),
    )


def severity_id(score: Any) -> int:
    """Return the OCSF severity for GuardDuty's score of 1.0 to 10.0, 1 when there is none."""
    if isinstance(score, bool) or not isinstance(score, int | float):
        return 1
    return next((severity for least, severity in _SEVERITIES if score >= least), 1)


def _activity(fields: Mapping[str, Any], service: Mapping[str, Any]) -> int:
    if service.get("archived") is True:
        return CLOSE
    return CREATE if fields.get("updatedAt", 0) == fields.get("createdAt", 0) else UPDATE


def _natural(value: Any) -> int | None:
    number = integer(value)
    return number if number is not None and number >= 0 else None


def _info(
    fields: Mapping[str, Any], kind: str, service: Mapping[str, Any], attack: list[dict[str, Any]]
) -> dict[str, Any]:
    return finding(
        text(fields.get("title")) or kind,
        str(text(fields.get("id"))),
        rule=kind,
        desc=text(fields.get("description")),
        attack=attack,
        types=[kind],
        created_time=timestamp(fields.get("createdAt")),
        modified_time=timestamp(fields.get("updatedAt")),
        first_seen_time=timestamp(service.get("eventFirstSeen")),
        last_seen_time=timestamp(service.get("eventLastSeen")),
        uid_alt=text(fields.get("arn")),
    )


def _unmapped(fields: Mapping[str, Any], service: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in fields.items() if name not in _MAPPED and value is not None}
    more = {name: value for name, value in service.items() if name not in _MAPPED_SERVICE and value is not None}
    return rest | ({"service": more} if more else {})


SOURCE: Final = Source(
    name="guardduty",
    title="Amazon GuardDuty",
    shippers=("EventBridge", "Amazon S3", "Kinesis Data Firehose", "Vector", "Filebeat"),
    classes=(DETECTION_FINDING,),
    entities=("user", "host", "ip", "session", "account", "workload"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
