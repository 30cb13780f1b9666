"""Connections, name lookups and share accesses that Windows reports, as OCSF."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from models.ocsf_classes import DNS_ACTIVITY, NETWORK_ACTIVITY, SMB_ACTIVITY
from streams.sources.base import drop_none, ip
from streams.sources.windows.log import audit_status
from streams.sources.windows.objects import actor, endpoint, file, take_endpoint, take_process, take_subject
from streams.sources.windows.record import OTHER, SUCCESS, Draft, Fields
from streams.sources.windows.sysmon import DENIED, SECURITY_CONTROL, image_actor

OPEN, REFUSE, LISTEN, DNS_QUERY, SMB_OPEN = 1, 5, 7, 1, 2
UNKNOWN, INBOUND, OUTBOUND = 0, 1, 2
ALLOWED: Final = {"action_id": 1, "action": "Allowed", "disposition_id": 1, "disposition": "Allowed"}
_DIRECTIONS: Final = {INBOUND: "Inbound", OUTBOUND: "Outbound"}
_AUDITED_DIRECTIONS: Final = {"%%14592": INBOUND, "%%14593": OUTBOUND}
_PROTOCOLS: Final = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "ipv6-icmp"}
_PROTOCOL_NUMBERS: Final = {name: number for number, name in _PROTOCOLS.items()}
MAX_PROTOCOL: Final = 255
MAX_ANSWERS: Final = 64
# Windows' DNS errors begin at 9000 with the response codes of the protocol; 9501 is an answer without such records.
_RCODES: Final = {
    0: (0, "NoError"),
    9001: (1, "FormError"),
    9002: (2, "ServError"),
    9003: (3, "NXDomain"),
    9004: (4, "NotImp"),
    9005: (5, "Refused"),
    9006: (6, "YXDomain"),
    9007: (7, "YXRRSet"),
    9008: (8, "NXRRSet"),
    9009: (9, "NotAuth"),
    9010: (10, "NotZone"),
    9501: (0, "NoError"),
}
_RECORD_TYPES: Final = {
    "1": "A",
    "2": "NS",
    "5": "CNAME",
    "6": "SOA",
    "12": "PTR",
    "15": "MX",
    "16": "TXT",
    "28": "AAAA",
    "33": "SRV",
    "65": "HTTPS",
}


def _connection_info(direction_id: int, number: int | None, name: str | None, address: str | None) -> dict[str, Any]:
    version = None if address is None else 6 if ":" in address else 4
    return drop_none(
        direction_id=direction_id,
        direction=_DIRECTIONS.get(direction_id),
        protocol_num=number,
        protocol_name=name,
        protocol_ver_id=version,
    )


def _connection(fields: Fields) -> Draft | None:
    source = take_endpoint(fields, "SourceIp", "SourcePort", "SourceHostname")
    target = take_endpoint(fields, "DestinationIp", "DestinationPort", "DestinationHostname")
    if source is None and target is None:
        return None
    initiated = fields.flag("Initiated")
    direction = UNKNOWN if initiated is None else OUTBOUND if initiated else INBOUND
    protocol = fields.text("Protocol")
    number = _PROTOCOL_NUMBERS.get(protocol.lower()) if protocol else None
    attributes = drop_none(
        src_endpoint=source,
        dst_endpoint=target,
        connection_info=_connection_info(direction, number, protocol, (target or source or {}).get("ip")),
        app_protocol_name=fields.text("DestinationPortName"),
        actor=image_actor(fields),
    )
    return Draft(NETWORK_ACTIVITY, OPEN, attributes | SUCCESS)


def _filtered(fields: Fields, activity_id: int, *, blocked: bool, activity_name: str = "") -> Draft | None:
    source = take_endpoint(fields, "SourceAddress", "SourcePort")
    target = take_endpoint(fields, "DestAddress", "DestPort")
    if source is None and target is None:
        target = endpoint(None, None, fields.computer)
    if source is None and target is None:
        return None
    direction = fields.coded("Direction", _AUDITED_DIRECTIONS) or UNKNOWN
    number = fields.integer("Protocol")
    known = number if number is not None and 0 <= number <= MAX_PROTOCOL else None
    attributes = drop_none(
        activity_name=activity_name or None,
        src_endpoint=source,
        dst_endpoint=target,
        connection_info=_connection_info(
            direction, known, _PROTOCOLS.get(known or 0), (target or source or {}).get("ip")
        ),
        actor=_filtered_process(fields),
    )
    return Draft(NETWORK_ACTIVITY, activity_id, attributes | (DENIED if blocked else ALLOWED), SECURITY_CONTROL)


def _filtered_process(fields: Fields) -> dict[str, Any] | None:
    number = "ProcessID" if "ProcessID" in fields.rest else "ProcessId"
    return actor(take_process(fields, number, "", "Application"))


def dns_query(fields: Fields) -> Draft | None:
    """Build Sysmon 22 and the DNS client's own events: a process looked a name up."""
    name = fields.text("QueryName")
    source = endpoint(None, None, fields.computer)
    if name is None or source is None:
        return None
    status = fields.integer("QueryStatus")
    rcode = None if status is None else _RCODES.get(status, (OTHER, "Other"))
    attributes = drop_none(
        query={"hostname": name},
        answers=_take_answers(fields),
        rcode_id=rcode and rcode[0],
        rcode=rcode and rcode[1],
        status_code=None if status is None else str(status),
        src_endpoint=source,
        actor=image_actor(fields),
    )
    return Draft(DNS_ACTIVITY, DNS_QUERY, attributes)


def _take_answers(fields: Fields) -> list[dict[str, Any]]:
    results = fields.text("QueryResults")
    parts = results.split(";", MAX_ANSWERS)[:MAX_ANSWERS] if results else []
    return [_answer(part.strip()) for part in parts if part.strip(" -")]


def _answer(part: str) -> dict[str, Any]:
    address = ip(part)
    if address is not None:
        return {"type": "AAAA" if ":" in address else "A", "rdata": address}
    kind, number, data = part.partition("type:")
    code, _, data = data.strip().partition(" ")
    if not number or kind or not data.strip():
        return {"rdata": part}
    return {"type": _RECORD_TYPES.get(code, code), "rdata": data.strip()}


def _share(fields: Fields) -> Draft | None:
    source = take_endpoint(fields, "IpAddress", "IpPort")
    target = endpoint(None, None, fields.computer)
    if source is None and target is None:
        return None
    name = fields.text("RelativeTargetName")
    attributes = drop_none(
        src_endpoint=source,
        dst_endpoint=target,
        share=fields.text("ShareName"),
        file=file(name) if name and name != "\\" else None,
        actor=take_subject(fields),
    )
    if fields.event_id == SHARE_ACCESSED:
        attributes["activity_name"] = "Share Accessed"
    activity_id = OTHER if fields.event_id == SHARE_ACCESSED else SMB_OPEN
    return Draft(SMB_ACTIVITY, activity_id, attributes | audit_status(fields))


SHARE_ACCESSED: Final = 5140
Builder = Callable[[Fields], Draft | None]
SYSMON_BUILDERS: Final[dict[int, Builder]] = {3: _connection, 22: dns_query}
SECURITY_BUILDERS: Final[dict[int, Builder]] = {
    5031: partial(_filtered, activity_id=REFUSE, blocked=True),
    5140: _share,
    5145: _share,
    5150: partial(_filtered, activity_id=REFUSE, blocked=True),
    5151: partial(_filtered, activity_id=REFUSE, blocked=True),
    5152: partial(_filtered, activity_id=REFUSE, blocked=True),
    5153: partial(_filtered, activity_id=REFUSE, blocked=True),
    5154: partial(_filtered, activity_id=LISTEN, blocked=False),
    5155: partial(_filtered, activity_id=LISTEN, blocked=True),
    5156: partial(_filtered, activity_id=OPEN, blocked=False),
    5157: partial(_filtered, activity_id=REFUSE, blocked=True),
    5158: partial(_filtered, activity_id=OTHER, blocked=False, activity_name="Bind"),
    5159: partial(_filtered, activity_id=OTHER, blocked=True, activity_name="Bind"),
}
