"""OCSF objects from the parts of a Proofpoint TAP event: the message, its attachments, its threats.

Source: Proofpoint TAP SIEM API documentation, the JSON schema of messages and clicks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from streams.sources.base import drop_none, integer, ip, text
from streams.sources.fields import MAX_LISTED, email, objects_at
from streams.sources.objects import fingerprint

MAX_SCORE: Final = 100
_SCORES: Final = ("malwareScore", "phishScore", "impostorScore")


def addresses(value: Any) -> list[str]:
    """Return the e-mail addresses in a list, or the one there is."""
    items = value[:MAX_LISTED] if isinstance(value, list) else [value]
    return [found for found in (email(text(item)) for item in items) if found]


def message_of(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the message, None when neither its sender nor a recipient is known."""
    senders = (
        addresses(fields.get("fromAddress")) or addresses(fields.get("headerFrom")) or addresses(fields.get("sender"))
    )
    recipients = addresses(fields.get("toAddresses")) or addresses(fields.get("recipient"))
    if not senders and not recipients:
        return None
    envelope, size = addresses(fields.get("sender")), integer(fields.get("messageSize"))
    source = ip(fields.get("senderIP"))
    return drop_none(
        **({"from": senders[0]} if senders else {}),
        to=recipients,
        cc=addresses(fields.get("ccAddresses")),
        smtp_from=envelope[0] if envelope else None,
        smtp_to=addresses(fields.get("recipient")),
        reply_to=next(iter(addresses(fields.get("replyToAddress"))), None),
        subject=text(fields.get("subject")),
        message_uid=text(fields.get("messageID")),
        uid=text(fields.get("GUID")),
        size=size if size is not None and size >= 0 else None,
        x_originating_ip=[source] if source else None,
        files=[_attachment(part) for part in objects_at(fields, "messageParts") if text(part.get("filename"))],
        urls=[{"url_string": url} for url in _urls(threats_of(fields))],
    )


def _attachment(part: Mapping[str, Any]) -> dict[str, Any]:
    hashes = (fingerprint(text(part.get("sha256"))), fingerprint(text(part.get("md5"))))
    return {
        "name": text(part.get("filename")) or "unknown",
        "type_id": 1,
        **drop_none(hashes=[found for found in hashes if found], mime_type=text(part.get("contentType"))),
    }


def threats_of(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the threats of a message, or the one of a click under the same names."""
    threats = objects_at(fields, "threatsInfoMap")
    if threats or "threatID" not in fields:
        return threats
    said = drop_none(
        threatID=fields.get("threatID"),
        threat=fields.get("url"),
        threatType="url",
        threatUrl=fields.get("threatURL"),
        campaignID=fields.get("campaignId"),
        classification=fields.get("classification"),
        threatStatus=fields.get("threatStatus"),
    )
    return [said]


def _urls(threats: Iterable[Mapping[str, Any]]) -> list[str]:
    found = (text(threat.get("threat")) for threat in threats if str(threat.get("threatType")).lower() == "url")
    return [url for url in found if url]


def malware_of(threats: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the threats that are malware."""
    return [
        {"classification_ids": [99], "classifications": [word], **named}
        for threat in threats
        if (word := text(threat.get("classification"))) and word.lower() == "malware"
        for named in (drop_none(name=text(threat.get("threat")), uid=text(threat.get("threatID"))),)
        if named
    ]


def classifications(threats: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what kinds of threat there are, each once, in order."""
    words = (text(threat.get("classification")) or text(threat.get("threatType")) for threat in threats)
    return list(dict.fromkeys(word.lower()[:64] for word in words if word))


def score_of(fields: Mapping[str, Any]) -> int | None:
    """Return the highest of the scores from 0 to 100 that a message has, None when it has none."""
    scores = [number for number in (integer(fields.get(name)) for name in _SCORES) if number is not None]
    known = [number for number in scores if 0 <= number <= MAX_SCORE]
    return max(known) if known else None
