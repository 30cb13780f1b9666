"""Alerts and incidents of Microsoft's security products as OCSF Detection Findings.

Source: see `alert_forms`. The account and the device that an alert names first are its actor and its device; all that
it names is its evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import DETECTION_FINDING
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, text
from streams.sources.fields import timestamp
from streams.sources.microsoft.alert_forms import HUNTING, form_of
from streams.sources.microsoft.alert_model import Alert
from streams.sources.microsoft.common import VENDOR, azure, outer, subscription_of, unpacked_object
from streams.sources.objects import OTHER, attacks, finding, severity_id
from streams.sources.times import from_any

DELAY_MS: Final = 1_800_000  # products raise an alert minutes after the fact, and pollers ask every few minutes
LOGSOURCE: Final = LogSource("azure", "securityalert")
CREATE: Final = 1
UPDATE: Final = 2
CLOSE: Final = 3
MAX_URL: Final = 2048
_ACTIVITIES: Final = {
    **dict.fromkeys(("resolved", "closed", "dismissed", "redirected"), CLOSE),
    **dict.fromkeys(("inprogress", "active in progress", "awaitingaction"), UPDATE),
}
_STATUSES: Final = {
    **dict.fromkeys(("new", "newalert", "active"), (1, "New")),
    **dict.fromkeys(("inprogress", "awaitingaction"), (2, "In Progress")),
    **dict.fromkeys(("dismissed", "suppressed", "hidden"), (3, "Suppressed")),
    **dict.fromkeys(("resolved", "closed", "redirected"), (4, "Resolved")),
}
_IDENTITY: Final = ("identity", "active directory", "entra", "ipc", "aatp", "cloud app", "cloudapp", "mcas")
_WORKLOAD: Final = (
    "endpoint",
    "advanced threat protection",
    "mdatp",
    "windowsdefender",
    "defender for cloud",
    "servers",
)
_NETWORK: Final = ("firewall", "network", "ddos", "iot")
_UNKNOWN: Final = frozenset({"unknown", "unspecified", "unknownfuturevalue"})


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the alert; raise Unparseable when the record is none."""
    value = _unwrapped(decode_json(record))
    read = form_of(value)
    if read is None:
        raise Unparseable("no alert of Microsoft's: neither its fields nor its severity", field="severity")
    return {"alert": read(value)}


def _unwrapped(value: dict[str, Any]) -> Mapping[str, Any]:
    """Return what the streaming API of Defender XDR, or an automation of Sentinel, has within `properties`."""
    if value.get("category") in HUNTING:
        return unpacked_object(outer(value).get("properties"))
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an alert by the fields that only Microsoft's have together."""
    if value is None:
        return False
    return value.get("category") in HUNTING or form_of(value) is not None


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an alert into a Detection Finding."""
    alert: Alert = fields["alert"]
    original = next(filter(None, map(text, (alert.times[0], alert.times[2], alert.times[1]))), None)
    time, labels = event_time(from_any(original) if original else None, record)
    state = (alert.status or "").lower().replace(" ", "")
    activity_id = _ACTIVITIES.get(state, CREATE)
    body = head(DETECTION_FINDING, activity_id, time, _severity(alert))
    body.update(_attributes(alert, state))
    subscription = next((s for r in body.get("resources", ()) if (s := subscription_of(r.get("uid")))), None)
    if subscription or alert.tenant:
        body["cloud"] = azure(subscription, alert.tenant)
    return build_event(
        record,
        body,
        native=alert.fields,
        logsource=LOGSOURCE,
        product={"name": alert.product or "Microsoft Defender", "vendor_name": VENDOR},
        original_time=original,
        labels=labels,
        metadata=_metadata(alert),
        profiles=("cloud", "host") if "cloud" in body else ("host",),
        unmapped=drop_none(
            category=alert.category, status=alert.status, classification=alert.verdict, alerts=alert.related
        ),
        about=_about(alert),
    )


def _severity(alert: Alert) -> int:
    word = (alert.severity or "").lower()
    return 0 if word in _UNKNOWN else severity_id(word)


def _attributes(alert: Alert, state: str) -> dict[str, Any]:
    created, first, last, changed = map(timestamp, alert.times)
    person = next((piece["user"] for piece in alert.pieces if "user" in piece), None)
    title = alert.title or alert.category or "Alert"
    info = finding(
        title,
        alert.uid or title,
        rule_uid=alert.rule_uid,
        rule=title,
        desc=alert.desc,
        attack=attacks(*alert.attack),
        created_time=created,
        types=[alert.category] if alert.category else None,
        url=alert.url[:MAX_URL] if alert.url else None,
        first_seen_time=first,
        last_seen_time=last,
        modified_time=changed,
        related_events=[{"uid": uid} for uid in alert.related],
    )
    status_id, word = _STATUSES.get(state, (OTHER, alert.status) if state else (0, None))
    return drop_none(
        finding_info=info,
        actor={"user": person} if person else None,
        device=next((piece["device"] for piece in alert.pieces if "device" in piece), None),
        evidences=[piece for piece in alert.pieces if "resources" not in piece],
        resources=[resource for piece in alert.pieces for resource in piece.get("resources", ())],
        start_time=first,
        end_time=last,
        message=title,
        severity=alert.severity,
        status_id=status_id or None,
        status=word,
        is_alert=True,
    )


def _about(alert: Alert) -> str:
    """Return the domain: that of the product, else that of what the alert names first."""
    product = (alert.product or "").lower()
    for domain, words in (("identity", _IDENTITY), ("workload", _WORKLOAD), ("network", _NETWORK)):
        if any(word in product for word in words):
            return domain
    names = {name for piece in alert.pieces[:1] for name in piece}
    if "user" in names:
        return "identity"
    return "network" if names & {"src_endpoint", "dst_endpoint", "url"} else "workload"


def _metadata(alert: Alert) -> dict[str, Any]:
    return drop_none(
        event_code=alert.category,
        original_event_uid=alert.uid,
        correlation_uid=alert.incident,
        log_name=alert.form,
        log_provider=alert.product,
        tenant_uid=alert.tenant,
        modified_time=timestamp(alert.times[3]),
    )


SOURCE: Final = Source(
    name="microsoft_alerts",
    title="Microsoft Defender XDR and Sentinel alerts",
    shippers=("Microsoft Graph", "Event Hubs", "Log Analytics", "Filebeat", "Logstash", "Vector"),
    classes=(DETECTION_FINDING,),
    entities=("user", "host", "ip", "account", "workload"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
