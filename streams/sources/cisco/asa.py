"""Cisco ASA, Firepower Threat Defense, PIX and FWSM: the syslog messages of Cisco's firewalls.

Source: "Cisco Secure Firewall ASA Series Syslog Messages". What a message means is told by its id
(`streams.sources.cisco.asa_messages`); one whose id is not known there is a Network Activity in the device's words.

A message that builds a connection says which way: its source is who opened it. One that tears a connection down does
not; its ends stay in the order they are written in, and the connection's number belongs to both messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DETECTION_FINDING,
    NETWORK_ACTIVITY,
    TUNNEL_ACTIVITY,
)
from models.records import RawRecord
from streams.sources.alerts import common
from streams.sources.base import Source, build_event, decode_text, drop_none, event_time, ip
from streams.sources.cisco import asa_messages as messages
from streams.sources.cisco.asa_events import BUILDERS, MAX_TEXT, SEVERITIES, Told, split
from streams.sources.cisco.asa_lines import Line, has_mark, read
from streams.sources.objects import device

DELAY_MS: Final = 120_000
LOGSOURCE: Final = LogSource("cisco", "asa", ("firewall",))
COMMANDS: Final = LogSource("cisco", "aaa")
PROFILES: Final = ("host", "security_control")
_TAKEN: Final = frozenset(
    (
        *("a", "b", "aif", "bif", "aport", "bport", "a1", "a2", "b1", "b2", "proto", "uid", "direction", "duration"),
        *("bytes", "reason", "user", "ip", "rule", "verdict", "command", "assigned", "sent", "received"),
    )
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the parts of one line; raise Unparseable when it has no message id."""
    line = read(decode_text(record).strip(), record)
    if line is None:
        raise Unparseable("no message of a Cisco firewall: it has no %ASA-level-id", field="message_id")
    meaning = messages.MEANINGS.get(line.message_id)
    found = meaning.pattern.match(line.text) if meaning else None
    if meaning is None or found is None:
        return {"line": line, "meaning": None, "parts": _any_ends(line.text)}
    parts = {name: value.strip() for name, value in found.groupdict().items() if value and value.strip()}
    return {"line": line, "meaning": meaning, "parts": parts}


def _any_ends(text: str) -> dict[str, str]:
    """Return from whom and to whom a message of unknown form is, where it says so and these are addresses."""
    found = {}
    for name, pattern in (("a", messages.ANY_FROM), ("b", messages.ANY_TO)):
        match = pattern.search(text, 0, MAX_TEXT)
        if match and split(match[1].rstrip(".:;"))[1]:
            found[name] = match[1].rstrip(".:;")
    return found


def recognize(raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a line by its `%ASA-level-id:`."""
    return value is None and has_mark(raw)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn one message into an event of the class its id stands for."""
    line: Line = fields["line"]
    meaning: messages.Meaning | None = fields["meaning"]
    parts: Mapping[str, str] = fields["parts"]
    time, labels = event_time(line.time, record)
    told = Told(line, parts, meaning, time, record)
    body = BUILDERS[told.kind](told)
    body["severity_id"] = SEVERITIES[line.level]
    body["device"] = _device(line, record)
    body.setdefault("message", line.text[:MAX_TEXT])
    return build_event(
        record,
        body,
        native=_native(told, body),
        logsource=COMMANDS if told.kind == messages.COMMAND else LOGSOURCE,
        product={"name": line.product, "vendor_name": "Cisco"},
        original_time=line.stamp or None,
        labels=labels,
        metadata={"event_code": line.message_id, "log_name": "syslog"},
        profiles=PROFILES,
        unmapped={name: value for name, value in parts.items() if name not in _TAKEN},
        about=common.NETWORK if told.kind == messages.ALERT else "",
        names_host=bool(line.host),
    )


def _device(line: Line, record: RawRecord) -> dict[str, Any]:
    host = line.host or record.context.host
    address = ip(host)
    return device(None if address else host or None, ip=address)


def _native(told: Told, body: Mapping[str, Any]) -> dict[str, Any]:
    source, target = told.source or {}, told.target or {}
    return {
        **told.parts,
        "message": told.line.text,
        "message_id": told.line.message_id,
        "level": told.line.level,
        "host": told.line.host,
        **drop_none(
            src_ip=source.get("ip"),
            src_port=source.get("port"),
            dst_ip=target.get("ip"),
            dst_port=target.get("port"),
            protocol=told.parts.get("proto"),
            action=body.get("action"),
            user=told.parts.get("user"),
        ),
    }


SOURCE: Final = Source(
    name="cisco_asa",
    title="Cisco ASA and Firepower Threat Defense",
    shippers=("syslog", "Filebeat", "Vector", "Fluent Bit", "Logstash"),
    classes=(DETECTION_FINDING, ACCOUNT_CHANGE, AUTHENTICATION, NETWORK_ACTIVITY, TUNNEL_ACTIVITY, API_ACTIVITY),
    entities=("user", "host", "ip"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
