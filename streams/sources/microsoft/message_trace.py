"""Exchange Online message trace: one record for each message and recipient, as OCSF Email Activity.

Source: the MessageTrace report of the Office 365 reporting web service, `Get-MessageTraceV2`, the
`exchangeMessageTrace` resource of Microsoft Graph, the columns of the extended message trace report, and the
EmailEvents table of Defender.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import EMAIL_ACTIVITY
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, ip, text
from streams.sources.fields import email, object_at
from streams.sources.microsoft.common import VENDOR, known, principal
from streams.sources.objects import endpoint, status
from streams.sources.times import from_any

DELAY_MS: Final = 3_600_000  # traces appear within minutes, reports of them are asked for once an hour
PRODUCT: Final = {"name": "Exchange Online", "vendor_name": VENDOR}
LOGSOURCE: Final = LogSource("m365", "messagetrace")
TRACE: Final = 4
INBOUND: Final = 1
OUTBOUND: Final = 2
HUNTING: Final = "AdvancedHunting-EmailEvents"
SPLIT: Final = ";"
MAX_RECIPIENTS: Final = 100

_NAMES: Final[Mapping[str, str]] = {  # lower case and without underscores, and the name that is meant
    **dict.fromkeys(("received", "receiveddatetime", "origintimestamputc", "timestamp", "timegenerated"), "time"),
    **dict.fromkeys(("senderaddress", "senderfromaddress", "p2sender"), "sender"),
    **dict.fromkeys(("sendermailfromaddress", "returnpath"), "envelope"),
    **dict.fromkeys(("recipientaddress", "recipientemailaddress", "recipientstatus"), "recipient"),
    **dict.fromkeys(("messageid", "internetmessageid"), "message_id"),
    **dict.fromkeys(("messagetraceid", "networkmessageid"), "trace_id"),
    **dict.fromkeys(("fromip", "originalclientip", "senderipv4", "senderipv6"), "from_ip"),
    "toip": "to_ip",
    **dict.fromkeys(("subject", "messagesubject"), "subject"),
    **dict.fromkeys(("status", "deliverystatus", "deliveryaction"), "status"),
    **dict.fromkeys(("size", "totalbytes"), "size"),
    **dict.fromkeys(("directionality", "emaildirection"), "direction"),
    **dict.fromkeys(("organization",), "organization"),
    **dict.fromkeys(("id", "reportid"), "uid"),
    "tenantid": "tenant",
}
_DIRECTIONS: Final = {
    "inbound": INBOUND,
    "incoming": INBOUND,
    "outbound": OUTBOUND,
    "outgoing": OUTBOUND,
    "originating": OUTBOUND,
    "intra-org": 3,
    "intraorg": 3,
    "internal": 3,
}
_STATUSES: Final = {
    "delivered": True,
    "expanded": True,
    "resolved": True,
    "receive": True,
    "send": True,
    "deliver": True,
    "failed": False,
    "fail": False,
    "blocked": False,
    "filteredasspam": False,
    "quarantined": False,
}
_SENDERS: Final = frozenset({"SenderAddress", "senderAddress", "sender_address", "SenderFromAddress"})
_RECIPIENTS: Final = frozenset({"RecipientAddress", "recipientAddress", "recipient_status", "RecipientEmailAddress"})
_IDS: Final = frozenset(
    {"MessageTraceId", "MessageId", "messageId", "message_id", "network_message_id", "NetworkMessageId"}
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the trace; raise Unparseable when the record is none."""
    fields = _unwrapped(decode_json(record))
    for names in (_SENDERS | _RECIPIENTS, _IDS):
        if names.isdisjoint(fields):
            raise Unparseable(f"no message trace: it has none of {', '.join(sorted(names))}", field=min(names))
    return fields


def _unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return object_at(value, "properties") if value.get("category") == HUNTING else value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a trace by the addresses at both ends and the id of the message."""
    if value is None:
        return False
    value = _unwrapped(value)
    return not (_SENDERS.isdisjoint(value) or _RECIPIENTS.isdisjoint(value) or _IDS.isdisjoint(value))


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a trace into Email Activity."""
    found, rest = _sorted_out(fields)
    original = text(found.get("time"))
    time, labels = event_time(from_any(original) if original else None, record)
    direction_id = _direction(found)
    body = head(EMAIL_ACTIVITY, TRACE, time)
    body.update(_attributes(found, direction_id))
    return build_event(
        record,
        body,
        native={**fields, **{f"trace.{name}": value for name, value in found.items()}},
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=_metadata(found),
        profiles=("host",) if "actor" in body else (),
        unmapped=rest,
    )


def _sorted_out(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values under the names that all forms share, and what has none."""
    found: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in fields.items():
        meant = _NAMES.get(name.lower().replace("_", "")) if len(name) <= 64 else None  # noqa: PLR2004  # no column is longer
        if value is None or value == "":
            continue
        if meant and meant not in found:
            found[meant] = value
        else:
            rest[name] = value
    return found, rest


def _direction(found: Mapping[str, Any]) -> int:
    """Return the direction: as it says, or by which of the two servers outside Exchange Online the report names."""
    word = (known(found.get("direction")) or "").lower()
    if word:
        return _DIRECTIONS.get(word, 0)
    if ip(found.get("to_ip")):
        return OUTBOUND
    return INBOUND if ip(found.get("from_ip")) else 0


def _attributes(found: Mapping[str, Any], direction_id: int) -> dict[str, Any]:
    sender, recipients = email(known(found.get("sender"))), _recipients(found)
    word = known(found.get("status"))
    acting = principal(sender, None) if direction_id not in {0, INBOUND} else None
    size = integer(found.get("size"))
    return drop_none(
        actor={"user": acting} if acting else None,
        direction_id=direction_id,
        email=_email(found, sender, recipients),
        src_endpoint=endpoint(found.get("from_ip")),
        dst_endpoint=endpoint(found.get("to_ip")),
        message_trace_uid=known(found.get("trace_id")),
        **({"from": sender} if sender else {}),
        to=recipients,
        message=f"{word}: {size} bytes" if word and size is not None else word,
        **status(ok=_STATUSES.get((word or "").lower()), code=word, word=word),
    )


def _recipients(found: Mapping[str, Any]) -> list[str]:
    """Return the recipients; the extended report has a list with what became of each behind `##`."""
    listed = (known(found.get("recipient")) or "").split(SPLIT, MAX_RECIPIENTS)[:MAX_RECIPIENTS]
    named = (email(part.partition("##")[0].strip()) for part in listed)
    return [name for name in named if name]


def _email(found: Mapping[str, Any], sender: str | None, recipients: list[str]) -> dict[str, Any]:
    size = integer(found.get("size"))
    mail = drop_none(
        **{"from": sender},
        to=recipients,
        smtp_from=email(known(found.get("envelope"))),
        subject=known(found.get("subject")),
        message_uid=known(found.get("message_id")),
        uid=known(found.get("trace_id")),
        size=size if size is not None and size >= 0 else None,
        x_originating_ip=[host] if (host := ip(found.get("from_ip"))) else None,
    )
    return mail if sender or recipients else mail | {"to": []}


def _metadata(found: Mapping[str, Any]) -> dict[str, Any]:
    return drop_none(
        event_code=known(found.get("status")),
        original_event_uid=known(found.get("uid")) or known(found.get("trace_id")),
        correlation_uid=known(found.get("message_id")),
        tenant_uid=known(found.get("tenant")) or known(found.get("organization")),
    )


SOURCE: Final = Source(
    name="m365_message_trace",
    title="Exchange Online message trace",
    shippers=("Reporting web service", "Microsoft Graph", "Event Hubs", "Logstash", "Vector"),
    classes=(EMAIL_ACTIVITY,),
    entities=("user", "ip"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
