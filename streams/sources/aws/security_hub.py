"""AWS Security Hub findings in the AWS Security Finding Format (ASFF); those in OCSF are for the source `ocsf`.

Source: AWS Security Finding Format, in the Security Hub user guide; AWS's own OCSF mapping of it. A finding with the
result of a control is a Compliance Finding, one that names vulnerabilities a Vulnerability Finding, and all others are
Detection Findings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import COMPLIANCE_FINDING, DETECTION_FINDING, VULNERABILITY_FINDING
from models.records import RawRecord
from streams.sources.aws.finding_parts import BLOCKED, is_blocked, uncapitalized
from streams.sources.aws.principals import account_of
from streams.sources.aws.security_hub_parts import (
    actor_of,
    compliance_of,
    detected,
    device_of,
    is_identity,
    resources_of,
    texts,
    vulnerabilities_of,
)
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import object_at, timestamp
from streams.sources.objects import attacks, finding

DELAY_MS: Final = 900_000
LOGSOURCE: Final = LogSource("aws", "securityhub")
CREATE, UPDATE, CLOSE = 1, 2, 3
_LABELS: Final = {"INFORMATIONAL": 1, "LOW": 2, "MEDIUM": 3, "HIGH": 4, "CRITICAL": 5}
_NORMALIZED: Final = ((90, 5), (70, 4), (40, 3), (1, 2))  # from which of 0 to 100, OCSF severity
_STATES: Final = {
    "NEW": (1, "New"),
    "NOTIFIED": (2, "In Progress"),
    "SUPPRESSED": (3, "Suppressed"),
    "RESOLVED": (4, "Resolved"),
    "ARCHIVED": (5, "Archived"),
}
_TACTICS: Final = {"Data Exfiltration": "exfiltration", "Resource Consumption": "impact"}  # of the namespace Effects
_ON_NETWORK: Final = frozenset(("NETWORK_CONNECTION", "PORT_PROBE", "DNS_REQUEST"))
_MAPPED: Final = frozenset(
    (
        *("SchemaVersion", "Id", "ProductArn", "ProductName", "CompanyName", "Region", "GeneratorId", "AwsAccountId"),
        *("Types", "FirstObservedAt", "LastObservedAt", "CreatedAt", "UpdatedAt", "ProcessedAt", "Severity", "Title"),
        *("Confidence", "Description", "Remediation", "SourceUrl", "Resources", "Compliance", "Vulnerabilities"),
        *("Workflow", "RecordState", "Action", "Network", "Process"),
    )
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the finding; raise Unparseable when the record is none."""
    value = decode_json(record)
    if not recognize(record.raw, value):
        raise Unparseable("no Security Hub finding: it has no ProductArn and AwsAccountId", field="ProductArn")
    if text(value.get("Id")) is None:
        raise Unparseable("no Security Hub finding: it has no Id", field="Id")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a finding by the product that reported it and the account that it is in."""
    return value is not None and "ProductArn" in value and "AwsAccountId" in value


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a finding into one of the three classes of findings."""
    updated = text(fields.get("UpdatedAt")) or text(fields.get("CreatedAt"))
    time, labels = event_time(timestamp(updated), record)
    action = uncapitalized(object_at(fields, "Action"))
    class_uid, attributes = _of_class(fields, action)
    status = _status(fields)
    body = head(class_uid, _activity(fields, status["status_id"]), time, _severity_id(object_at(fields, "Severity")))
    device = device_of(fields)
    body["finding_info"] = _info(fields)
    body.update(attributes)
    body.update(status)
    body.update(
        drop_none(device=device, resources=resources_of(fields), confidence_score=_score(fields.get("Confidence")))
    )
    body["message"] = body["finding_info"]["title"]
    body["cloud"] = drop_none(
        provider="AWS", account=account_of(text(fields.get("AwsAccountId"))), region=text(fields.get("Region"))
    )
    return build_event(
        record,
        body,
        native=fields,
        logsource=LOGSOURCE,
        product=_product(fields),
        original_time=updated,
        labels=labels,
        metadata=_metadata(fields),
        profiles=("cloud", "host", "security_control"),
        unmapped={name: value for name, value in fields.items() if name not in _MAPPED and value is not None},
        about=_about(fields, class_uid, action),
    )


def _of_class(fields: Mapping[str, Any], action: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    if vulnerabilities := vulnerabilities_of(fields):
        return VULNERABILITY_FINDING, {"vulnerabilities": vulnerabilities}
    remediation = _remediation(fields)
    if text(object_at(fields, "Compliance").get("Status")):
        return COMPLIANCE_FINDING, drop_none(compliance=compliance_of(fields), remediation=remediation)
    blocked = BLOCKED if is_blocked(action) else {}
    evidences = detected(fields, action, device_of(fields))
    return DETECTION_FINDING, {
        **drop_none(actor=actor_of(fields), evidences=evidences, remediation=remediation, is_alert=True),
        **blocked,
    }


def _remediation(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    advice = object_at(object_at(fields, "Remediation"), "Recommendation")
    desc, url = text(advice.get("Text")), text(advice.get("Url"))
    return drop_none(desc=desc or url, references=[url] if url else None) if desc or url else None


def _status(fields: Mapping[str, Any]) -> dict[str, Any]:
    word = text(object_at(fields, "Workflow").get("Status")) or text(fields.get("WorkflowState")) or "NEW"
    known = _STATES["ARCHIVED"] if fields.get("RecordState") == "ARCHIVED" else _STATES.get(word, (99, word))
    return {"status_id": known[0], "status": known[1]}


def _activity(fields: Mapping[str, Any], status_id: int) -> int:
    if status_id in {_STATES["RESOLVED"][0], _STATES["ARCHIVED"][0]}:
        return CLOSE
    return CREATE if fields.get("UpdatedAt", 0) == fields.get("CreatedAt", 0) else UPDATE


def _severity_id(severity: Mapping[str, Any]) -> int:
    label = severity.get("Label")
    if isinstance(label, str) and label in _LABELS:
        return _LABELS[label]
    score = integer(severity.get("Normalized"))
    return 1 if score is None else next((known for least, known in _NORMALIZED if score >= least), 1)


def _score(value: Any) -> int | None:
    score = integer(value)
    return score if score is not None and 0 <= score <= 100 else None  # noqa: PLR2004  # per cent


def _info(fields: Mapping[str, Any]) -> dict[str, Any]:
    types = texts(fields.get("Types"))
    parts = [part for kind in types for part in kind[:256].split("/")]
    return finding(
        text(fields.get("Title")) or str(text(fields.get("Id"))),
        str(text(fields.get("Id"))),
        rule=text(fields.get("GeneratorId")),
        desc=text(fields.get("Description")),
        attack=attacks([_TACTICS.get(part, part) for part in parts]),
        types=types,
        url=text(fields.get("SourceUrl")),
        created_time=timestamp(fields.get("CreatedAt")),
        modified_time=timestamp(fields.get("UpdatedAt")),
        first_seen_time=timestamp(fields.get("FirstObservedAt")),
        last_seen_time=timestamp(fields.get("LastObservedAt")),
        product_uid=text(fields.get("ProductArn")),
    )


def _product(fields: Mapping[str, Any]) -> dict[str, Any]:
    arn = text(fields.get("ProductArn"))
    name = text(fields.get("ProductName")) or (arn.rpartition("/")[2] if arn else None) or "Security Hub"
    return drop_none(name=name, vendor_name=text(fields.get("CompanyName")) or "AWS", uid=arn)


def _metadata(fields: Mapping[str, Any]) -> dict[str, Any]:
    return drop_none(
        original_event_uid=text(fields.get("Id")),
        log_version=text(fields.get("SchemaVersion")),
        event_code=text(fields.get("GeneratorId")),
        processed_time=timestamp(fields.get("ProcessedAt")),
    )


def _about(fields: Mapping[str, Any], class_uid: int, action: Mapping[str, Any]) -> str:
    if class_uid != DETECTION_FINDING:
        return "workload"
    if is_identity(fields):
        return "identity"
    on_network = text(action.get("actionType")) in _ON_NETWORK or bool(object_at(fields, "Network"))
    return "network" if on_network else "workload"


SOURCE: Final = Source(
    name="security_hub",
    title="AWS Security Hub (ASFF)",
    shippers=("EventBridge", "Kinesis Data Firehose", "Amazon S3", "Vector", "Filebeat"),
    classes=(VULNERABILITY_FINDING, COMPLIANCE_FINDING, DETECTION_FINDING),
    entities=("user", "host", "ip", "session", "account", "workload"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
