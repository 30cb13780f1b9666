"""Upwind: threat detections about cloud workloads.

Source: Upwind API documentation, "Threat Detections". What triggered a detection is told with whoever initiated it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import DETECTION_FINDING
from models.records import RawRecord
from streams.sources.alerts import common
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import object_at, objects_at, timestamp
from streams.sources.objects import attacks, cloud, finding, severity_id, user
from streams.sources.saas.words import first, leftovers
from streams.sources.times import from_any

DELAY_MS: Final = 600_000
PRODUCT: Final = {"name": "Upwind", "vendor_name": "Upwind Security"}
LOGSOURCE: Final = LogSource("upwind", "detection")
_PARTS: Final = frozenset({"triggers", "resource", "mitre_attacks", "upwind_console_link", "upwind_asset_id"})
_ABOUT: Final = (
    ("identity", common.IDENTITY),
    ("iam", common.IDENTITY),
    ("network", common.NETWORK),
    ("dns", common.NETWORK),
)
_MAPPED: Final = frozenset(
    (
        *("id", "title", "description", "severity", "status", "type", "category", "first_seen_time", "last_seen_time"),
        *("occurrence_count", "mitre_attacks", "resource", "upwind_console_link"),
    )
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the detection; raise Unparseable when the record is none."""
    value = decode_json(record)
    for name in ("id", "title"):
        if text(value.get(name)) is None:
            raise Unparseable(f"no Upwind detection: it has no {name}", field=name)
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a detection by its title, its times and two of the parts that only Upwind has together."""
    if value is None or "title" not in value or "id" not in value:
        return False
    return value.get("p_log_type") == "Upwind.Detections" or (
        "last_seen_time" in value and len(_PARTS & value.keys()) > 1 and "severity" in value
    )


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a detection into a Detection Finding."""
    original = first(fields, "last_seen_time", "first_seen_time", "p_event_time")
    time, labels = event_time(from_any(original), record)
    place = object_at(fields, "resource")
    initiators = list(_initiators(fields))
    count = integer(fields.get("occurrence_count"))
    body = common.alert_body(
        time,
        _info(fields),
        severity_id(fields.get("severity")),
        severity=fields.get("severity"),
        state=fields.get("status"),
        actor=common.actor(None, _user(initiators[0])) if initiators else None,
        device=_device(place),
        resources=_resources(place),
        evidences=[{"user": who} for who in (_user(item) for item in initiators) if who],
        count=count if count is not None and count >= 0 else None,
        start_time=timestamp(fields.get("first_seen_time")),
        end_time=timestamp(fields.get("last_seen_time")),
    )
    account, provider = text(place.get("cloud_account_id")), text(place.get("cloud_provider"))
    if account or provider:
        body["cloud"] = cloud(provider or "unknown", account, text(place.get("region")))
    return build_event(
        record,
        body,
        native=fields,
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=drop_none(original_event_uid=text(fields.get("id")), event_code=text(fields.get("type"))),
        profiles=common.profiles_of(body),
        unmapped=leftovers(fields, _MAPPED),
        about=_about(fields),
    )


def _about(fields: Mapping[str, Any]) -> str:
    words = f"{text(fields.get('category'))} {text(fields.get('type'))}"[:256].lower()
    return next((domain for mark, domain in _ABOUT if mark in words), common.WORKLOAD)


def _info(fields: Mapping[str, Any]) -> dict[str, Any]:
    listed, policies = objects_at(fields, "mitre_attacks"), objects_at(fields, "triggers")
    policy = policies[0] if policies else {}
    kinds = [kind for kind in (text(fields.get("category")), text(fields.get("type"))) if kind]
    return finding(
        text(fields.get("title")) or "detection",
        text(fields.get("id")) or "detection",
        rule_uid=text(policy.get("policy_id")),
        rule=text(policy.get("policy_name")),
        desc=text(fields.get("description")),
        attack=attacks([item.get("technique_id") for item in listed], [item.get("tactic_name") for item in listed]),
        created_time=timestamp(fields.get("first_seen_time")),
        types=kinds or None,
        url=text(fields.get("upwind_console_link")),
    )


def _device(place: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the machine a detection is about, None where it is about something else."""
    name = text(place.get("name"))
    kind = (text(place.get("type")) or "").lower()
    if not name or not any(word in kind for word in ("host", "instance", "node", "machine")):
        return None
    return {"type_id": 6, "hostname": name, **drop_none(instance_uid=text(place.get("external_id")))}


def _resources(place: Mapping[str, Any]) -> list[dict[str, Any]]:
    uid = text(first(place, "external_id", "upwind_asset_id"))
    name = text(place.get("name"))
    if not (uid or name):
        return []
    return [
        drop_none(
            uid=uid,
            name=name,
            type=text(place.get("type")),
            namespace=text(place.get("namespace")),
            region=text(place.get("region")),
        )
    ]


def _initiators(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    events = [event for trigger in objects_at(fields, "triggers") for event in objects_at(trigger, "events")]
    return [who for who in (object_at(event, "initiator") for event in events[: common.MAX_EVIDENCES]) if who]


def _user(initiator: Mapping[str, Any]) -> dict[str, Any] | None:
    arn = text(initiator.get("arn"))
    return user(
        text(first(initiator, "userName", "user_name", "name")),
        uid=arn or text(first(initiator, "principalId")),
        uid_alt=arn,
        credential_uid=text(initiator.get("accessKeyId")),
    )


SOURCE: Final = Source(
    name="upwind",
    title="Upwind threat detections",
    shippers=("Upwind webhook", "Vector", "Fluent Bit"),
    classes=(DETECTION_FINDING,),
    entities=("user", "host", "account", "session"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
