"""What all of Suricata's events have in common: two ends, a connection, and where the event is one's own to build."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from models.ocsf import head
from models.ocsf_classes import NETWORK_ACTIVITY
from streams.sources.base import drop_none, ip, text
from streams.sources.objects import OTHER, connection, endpoint
from streams.sources.protocols import mac

OPEN, CLOSE, RESET, FAIL, REFUSE, TRAFFIC = range(1, 7)
IDS: Final = 13  # type_id of an endpoint
MAX_WORD: Final = 64  # of words that a cache is keyed by

Fields = Mapping[str, Any]
NOTHING: Final[Fields] = {}


def part(fields: Fields, name: str) -> Fields:
    """Return the object under `name`, an empty one when there is none."""
    value = fields.get(name)
    return value if isinstance(value, dict) else NOTHING


def ends(fields: Fields) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return client and server; the answers of version 3 of the DNS records come from the server."""
    ether = part(fields, "ether")
    source = endpoint(fields.get("src_ip"), fields.get("src_port"))
    target = endpoint(fields.get("dest_ip"), fields.get("dest_port"))
    for made, name in ((source, "src_mac"), (target, "dest_mac")):
        address = mac(ether.get(name)) if ether else None
        if made and address:
            made["mac"] = address
    dns = fields.get("dns")
    if isinstance(dns, dict) and dns.get("type") == "response":
        return target, source
    return source, target


def link(fields: Fields) -> dict[str, Any]:
    """Return `connection_info`."""
    protocol = fields.get("proto")
    known = protocol if isinstance(protocol, str) and len(protocol) <= MAX_WORD else None
    flags = part(fields, "tcp").get("tcp_flags")
    return _connection(known).copy() | drop_none(
        uid=text(fields.get("flow_id")), community_uid=text(fields.get("community_id")), tcp_flags=_flags(flags)
    )


@lru_cache(maxsize=256)
def _connection(protocol: str | None) -> dict[str, Any]:
    return connection(protocol.removeprefix("IPv6-").replace("IPV6-", "") if protocol else None)


def _flags(value: Any) -> int | None:
    return int(value, 16) if isinstance(value, str) and len(value) == 2 and value.isalnum() and _hex(value) else None  # noqa: PLR2004  # one byte


def _hex(value: str) -> bool:
    return all(char in "0123456789abcdefABCDEF" for char in value)


def begin(
    fields: Fields,
    time: int,
    class_uid: int = NETWORK_ACTIVITY,
    activity_id: int = TRAFFIC,
    word: str | None = None,
    **attributes: Any,
) -> dict[str, Any]:
    """Start an event of a network class: ends, connection, protocol, and the attributes that have a value.

    Args:
        fields: The record.
        time: Event time in ms.
        class_uid: OCSF class.
        activity_id: Activity within it.
        word: Suricata's word for an activity that is 99.
        attributes: Further attributes.
    """
    body = head(class_uid, activity_id, time)
    if activity_id == OTHER:
        body["activity_name"] = word or text(fields.get("event_type")) or "unknown"
    source, target = ends(fields)
    if source is None and target is None:
        source = {"svc_name": "suricata", "type_id": IDS}  # it requires one: the sensor, without a misleading name
    body.update(drop_none(src_endpoint=source, dst_endpoint=target, connection_info=link(fields)))
    protocol = text(fields.get("app_proto"))
    if protocol and protocol != "failed":
        body["app_protocol_name"] = protocol
    body.update(drop_none(**attributes))
    return body


def address(value: Any) -> dict[str, Any] | None:
    """Return the endpoint of an address, None for what is none."""
    known = ip(value)
    return {"ip": known} if known else None
