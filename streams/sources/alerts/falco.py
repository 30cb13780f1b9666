"""Falco: alerts of its rules about system calls, Kubernetes audit events and plugins, in its JSON output.

Source: Falco documentation, "Outputs" (JSON output), "Supported Fields for Conditions and Outputs" and "Priorities";
the same objects come of Falcosidekick, with a `uuid`. An alert has only those fields that its rule prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import DETECTION_FINDING
from models.records import RawRecord
from models.uids import sha256_hex
from streams.sources.alerts import common, falco_fields
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, text
from streams.sources.fields import MAX_LISTED, object_at
from streams.sources.objects import attacks, finding, severity_id
from streams.sources.saas.words import leftovers
from streams.sources.times import from_any

DELAY_MS: Final = 120_000
PRODUCT: Final = {"name": "Falco", "vendor_name": "The Falco Project"}
_IDENTITY_SOURCES: Final = frozenset({"okta", "aws_cloudtrail", "gcp_auditlog", "github", "keycloak", "box"})
_MAPPED: Final = frozenset(
    ("rule", "priority", "time", "output", "source", "tags", "hostname", "uuid", "output_fields")
)
MAX_TITLE: Final = 512
UID_HEX: Final = 32


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the alert; raise Unparseable when the record is none."""
    value = decode_json(record)
    for name in ("rule", "priority"):
        if text(value.get(name)) is None:
            raise Unparseable(f"no Falco alert: it has no {name}", field=name)
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an alert by its rule and priority beside its output."""
    if value is None or not isinstance(value.get("rule"), str) or not isinstance(value.get("priority"), str):
        return False
    return "output_fields" in value or ("output" in value and "time" in value)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an alert into a Detection Finding about a workload, or of an identity service's plugin about a user."""
    told = object_at(fields, "output_fields")
    original = fields.get("time")
    time, labels = event_time(from_any(original) or from_any(told.get("evt.time")), record)
    node = text(told.get("k8s.node.name")) or text(fields.get("hostname")) or text(told.get("evt.hostname"))
    device = falco_fields.device_of(told, node or record.context.host)
    process = falco_fields.process_of(told)
    word, source = text(fields.get("priority")), text(fields.get("source")) or "syscall"
    uid = text(fields.get("uuid")) or sha256_hex(record.raw)[:UID_HEX]
    body = common.alert_body(
        time,
        _info(fields, uid, source, time),
        severity_id(word),
        severity=word,
        actor=common.actor(process, falco_fields.user_of(told), session=falco_fields.session_of(told)),
        device=device,
        evidences=falco_fields.evidences_of(told, process),
        resources=falco_fields.resources_of(told),
    )
    body["message"] = text(fields.get("output")) or body["message"]
    account = falco_fields.cloud_of(told)
    if account:
        body["cloud"] = account
    return build_event(
        record,
        body,
        native={**fields, **told} if told else fields,
        logsource=LogSource("falco", source),
        product=PRODUCT,
        original_time=text(original),
        labels=labels,
        metadata=drop_none(
            original_event_uid=text(fields.get("uuid")), event_code=text(fields.get("rule")), log_name=source
        ),
        profiles=(*common.PROFILES, "container", *(("cloud",) if account else ())),
        unmapped=_unmapped(fields, told),
        about=common.IDENTITY if source in _IDENTITY_SOURCES else common.WORKLOAD,
        names_host=node is not None,
    )


def _info(fields: Mapping[str, Any], uid: str, source: str, time: int) -> dict[str, Any]:
    tags = fields.get("tags")
    listed = [tag for tag in tags[:MAX_LISTED] if isinstance(tag, str)] if isinstance(tags, list) else []
    title = (text(fields.get("rule")) or "rule")[:MAX_TITLE]
    # `mitre_persistence` is a tactic, `T1543` a technique, `mitre_credential_access` again a tactic
    told = [tag.removeprefix("mitre_") for tag in listed if tag.startswith(("mitre_", "T1", "T0", "TA"))]
    return finding(
        title,
        uid,
        desc=text(fields.get("output")),
        attack=attacks(told),
        created_time=time,
        types=[source],
        data_sources=listed,
    )


def _unmapped(fields: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    rest = leftovers(told, falco_fields.MAPPED)
    return leftovers(fields, _MAPPED) | ({"output_fields": rest} if rest else {})


SOURCE: Final = Source(
    name="falco",
    title="Falco alerts",
    shippers=("Falcosidekick", "Fluent Bit", "Filebeat", "Vector", "Fluentd"),
    classes=(DETECTION_FINDING,),
    entities=("user", "host", "workload", "account"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
