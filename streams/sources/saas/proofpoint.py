"""Proofpoint Targeted Attack Protection: messages delivered or blocked, clicks permitted or blocked.

Source: Proofpoint TAP SIEM API documentation. A response holds up to four lists of events; shippers also send events
one by one, which do not say of which list they are unless the shipper does. TAP reports what carries a threat, so that
each event is an alert (a Detection Finding about the recipient); a message without one is Email Activity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import DETECTION_FINDING, EMAIL_ACTIVITY
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, text
from streams.sources.fields import MAX_LISTED
from streams.sources.objects import device, endpoint, finding, user
from streams.sources.saas.proofpoint_parts import (
    addresses,
    classifications,
    malware_of,
    message_of,
    score_of,
    threats_of,
)
from streams.sources.saas.words import first, leftovers, request
from streams.sources.times import from_any

DELAY_MS: Final = 600_000  # the API is asked every five minutes or so
PRODUCT: Final = {"name": "Targeted Attack Protection", "vendor_name": "Proofpoint"}
LISTS: Final = ("messagesDelivered", "messagesBlocked", "clicksPermitted", "clicksBlocked")
KIND: Final = "braid_kind"  # of which list an event of a response is
RECIPIENT: Final = "braid_recipient"  # which recipient of a message an event is about
_NAMES: Final = ("eventType", "event_type", "type", "tap_event_type")
_KINDS: Final = {name.lower(): name for name in LISTS}
_MAPPED: Final = frozenset(
    {
        *("GUID", "id", "messageID", "messageTime", "clickTime", "sender", "senderIP", "recipient", "subject"),
        *("fromAddress", "toAddresses", "ccAddresses", "messageParts", "messageSize", "threatsInfoMap", "clickIP"),
        *("threatID", "threatURL", "url", "userAgent", "campaignId", "classification", KIND, RECIPIENT),
    }
)
_SERIOUS: Final = frozenset({"malware", "phish", "impostor", "toad"})
_BLOCKED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked", "is_alert": True}
_ALLOWED: Final = {"action_id": 1, "action": "Allowed", "disposition_id": 1, "disposition": "Allowed", "is_alert": True}


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the response or the event; raise Unparseable when the record is neither."""
    value = decode_json(record)
    if not _is_response(value) and not _is_event(value):
        raise Unparseable("no TAP event: neither a message nor a click", field="messageTime")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a response by its lists, an event by its times and what else it has."""
    return value is not None and (_is_response(value) or _is_event(value))


def _is_response(value: Mapping[str, Any]) -> bool:
    return "queryEndTime" in value and any(isinstance(value.get(name), list) for name in LISTS)


def _is_event(value: Mapping[str, Any]) -> bool:
    if "clickTime" in value:
        return "clickIP" in value and "recipient" in value
    return "messageTime" in value and "GUID" in value and ("recipient" in value or "threatsInfoMap" in value)


def expand(fields: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return one mapping for each event of a response, and of a message for each of its recipients."""
    if not _is_response(fields):
        return _per_recipient(fields)
    events = ({**event, KIND: name} for name in LISTS for event in _listed(fields, name))
    return [part for event in events for part in _per_recipient(event)]


def _listed(fields: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    items = fields.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _per_recipient(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = addresses(event.get("recipient"))[:MAX_LISTED]
    return [{**event, RECIPIENT: address} for address in found] if len(found) > 1 else [event]


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn one event of one recipient into an alert, or into Email Activity when the message carried no threat."""
    original = first(fields, "clickTime", "messageTime", "queryEndTime")
    time, labels = event_time(from_any(original), record)
    kind = _kind(fields)
    threats = threats_of(fields)
    message = None if kind.startswith("clicks") else message_of(fields)
    alert = bool(threats) or message is None
    body = _alert(fields, kind, threats, time) if alert else _activity(fields, message or {}, time)
    body.update(_BLOCKED if kind.endswith("Blocked") else _ALLOWED)
    return build_event(
        record,
        body,
        native={name: value for name, value in fields.items() if name not in {KIND, RECIPIENT}} | {"eventType": kind},
        logsource=LogSource("proofpoint", "tap"),
        product=PRODUCT,
        original_time=text(original),
        labels=labels,
        metadata=drop_none(
            event_code=kind,
            original_event_uid=text(first(fields, "id", "GUID")),
            correlation_uid=text(first(fields, "GUID", "messageID")),
        ),
        profiles=("host", "security_control"),
        unmapped=leftovers(fields, _MAPPED),
        about="network" if alert else "",
    )


def _kind(fields: Mapping[str, Any]) -> str:
    """Return of which list an event is; where nobody says, a message that went into quarantine was blocked."""
    named = text(fields.get(KIND)) or next((word for word in (text(fields.get(n)) for n in _NAMES) if word), "")
    known = _KINDS.get(named.lower().replace("_", ""))
    if known is not None:
        return known
    if "clickTime" in fields:
        return "clicksPermitted"
    return "messagesBlocked" if first(fields, "quarantineFolder", "quarantineRule") else "messagesDelivered"


def _recipient(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    found = text(fields.get(RECIPIENT)) or next(iter(addresses(fields.get("recipient"))), None)
    return user(found, type_id=1)


def _activity(fields: Mapping[str, Any], message: dict[str, Any], time: int) -> dict[str, Any]:
    who = _recipient(fields)
    return head(EMAIL_ACTIVITY, 2, time) | drop_none(
        direction_id=1,
        email=message,
        src_endpoint=endpoint(fields.get("senderIP")),
        actor={"user": who} if who else None,
        message_trace_uid=text(fields.get("QID")),
        protocol_name="smtp",
    )


def _alert(fields: Mapping[str, Any], kind: str, threats: list[dict[str, Any]], time: int) -> dict[str, Any]:
    kinds = classifications(threats)
    word = kinds[0] if kinds else "threat"
    blocked = kind.endswith("Blocked")
    clicked = kind.startswith("clicks")
    serious = not _SERIOUS.isdisjoint(kinds)
    threat = threats[0] if threats else {}
    noun = "click" if clicked else "message"
    uid = text(first(fields, "id", "GUID")) or noun
    body = head(DETECTION_FINDING, 1, time, _severity(blocked=blocked, clicked=clicked, serious=serious))
    body["finding_info"] = finding(
        f"{word} {noun} {'blocked' if blocked else 'permitted' if clicked else 'delivered'}",
        uid,
        rule_uid=f"{kind}.{word}",
        rule=f"{kind} {word}",
        created_time=time,
        types=kinds,
        url=text(threat.get("threatUrl")),
    )
    who = _recipient(fields)
    address = endpoint(fields.get("clickIP")) if clicked else None
    body.update(
        drop_none(
            actor={"user": who} if who else None,
            device=device(None, **address) if address else None,
            evidences=_evidence(fields, clicked=clicked),
            malware=malware_of(threats),
            confidence_score=score_of(fields),
        )
    )
    return body


def _severity(*, blocked: bool, clicked: bool, serious: bool) -> int:
    """Weigh what got through above what was stopped, and a click above a message that nobody need have read."""
    if blocked:
        return 3 if clicked and serious else 2
    return 4 if serious else 3


def _evidence(fields: Mapping[str, Any], *, clicked: bool) -> list[dict[str, Any]]:
    url = text(fields.get("url"))
    found = drop_none(
        email=None if clicked else message_of(fields),
        url={"url_string": url} if clicked and url else None,
        src_endpoint=endpoint(fields.get("clickIP") if clicked else fields.get("senderIP")),
        user=_recipient(fields),
    )
    agent = request(fields.get("userAgent"))
    return [found | ({"http_request": agent} if agent else {})] if found else []


SOURCE: Final = Source(
    name="proofpoint",
    title="Proofpoint Targeted Attack Protection",
    shippers=("Elastic Agent", "Filebeat", "Vector", "Logstash"),
    classes=(DETECTION_FINDING, EMAIL_ACTIVITY),
    entities=("user", "ip"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
    expand=expand,
)
