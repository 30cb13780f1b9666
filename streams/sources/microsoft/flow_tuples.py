"""One flow tuple of an Azure flow log as OCSF Network Activity.

Source: the log formats of NSG flow logs and virtual network flow logs. A tuple is a line of values: time, both
addresses and ports, protocol, direction; then for an NSG the decision and (version 2) the state, for a virtual network
the state and the encryption; then packets and bytes both ways. `B` begins a flow, `C` continues it, `E` ends it, `D` is
denied.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import NETWORK_ACTIVITY
from models.records import RawRecord
from streams.sources.base import build_event, drop_none, event_time, ip, port, text
from streams.sources.fields import timestamp
from streams.sources.microsoft.common import VENDOR, azure, resource_type, subscription_of
from streams.sources.objects import connection
from streams.sources.times import from_epoch

PRODUCT: Final = {"name": "Azure Network Watcher", "vendor_name": VENDOR}
LOGSOURCE: Final = LogSource("azure", "networkflow", ("firewall",))
MAX_TUPLE: Final = 512
MAX_VALUES: Final = 16
FEWEST: Final = 8
COUNT_DIGITS: Final = 18  # so that sums fit 64 bits
OPEN: Final = 1
CLOSE: Final = 2
REFUSE: Final = 5
TRAFFIC: Final = 6
INBOUND: Final = 1
OUTBOUND: Final = 2
ALLOWED: Final = {"action_id": 1, "action": "Allowed", "disposition_id": 1, "disposition": "Allowed"}
DENIED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked"}

_STATES: Final = {"B": OPEN, "C": TRAFFIC, "E": CLOSE, "D": REFUSE}
_DIRECTIONS: Final = {"I": INBOUND, "O": OUTBOUND}
_PROTOCOLS: Final = {"T": 6, "U": 17}
_MAC: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]?){5}[0-9A-Fa-f]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Flow:
    """One tuple and what stands around it.

    Attributes:
        text: The tuple.
        rule: Name of the rule that decided.
        mac: MAC address of the network interface.
        acl: Id of the network security group, where the record has several.
        is_vnet: Whether it is of a virtual network's log.
    """

    text: str
    rule: str | None
    mac: str | None
    acl: str | None
    is_vnet: bool


def event_of(flow: Flow, whole: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a flow tuple into an event; raise Unparseable when it has too few values or no address.

    Args:
        flow: The tuple.
        whole: The record that it is from.
        record: Raw record that the event is to carry.
    """
    values = flow.text.split(",", MAX_VALUES) if len(flow.text) <= MAX_TUPLE else []
    if len(values) < FEWEST:
        raise Unparseable(f"a flow tuple of {len(values)} values, fewer than {FEWEST}", field="flowTuples")
    time, labels = event_time(from_epoch(values[0]), record)
    direction_id = _DIRECTIONS.get(values[6], 0)
    denied, activity_id = _decision(flow, values)
    source, target = _ends(flow, whole, values, direction_id)
    if not (source or target):
        raise Unparseable("a flow tuple without an address", field="flowTuples")
    body = head(NETWORK_ACTIVITY, activity_id, time)
    resource = _resource(whole)
    protocol = _PROTOCOLS.get(values[5]) or port(values[5])
    body.update(
        drop_none(
            src_endpoint=source,
            dst_endpoint=target,
            connection_info=connection(protocol, direction_id),
            traffic=_traffic(values),
            firewall_rule=drop_none(name=flow.rule, uid=flow.acl),
            cloud=azure(subscription_of(resource), None),
        ),
        **(DENIED if denied else ALLOWED),
    )
    return build_event(
        record,
        body,
        native=_native(flow, whole, values, body, denied=denied),
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=values[0],
        labels=labels,
        metadata=drop_none(
            event_code=text(whole.get("category")),
            log_name=text(whole.get("operationName")) or text(whole.get("category")),
            logged_time=timestamp(whole.get("time")),
            log_version=text(whole.get("flowLogVersion")),
        ),
        profiles=("cloud", "security_control"),
        unmapped=_unmapped(flow, whole, values),
    )


def _decision(flow: Flow, values: list[str]) -> tuple[bool, int]:
    """Return whether the flow was denied, and its activity. Version 1 has no state: it says only what was decided."""
    if flow.is_vnet:
        return values[7] == "D", _STATES.get(values[7], TRAFFIC)
    if len(values) > 7 and values[7] == "D":  # noqa: PLR2004  # the eighth value is the decision
        return True, REFUSE
    return False, _STATES.get(values[8] if len(values) > FEWEST else "", TRAFFIC)


def _resource(whole: Mapping[str, Any]) -> str | None:
    return text(whole.get("targetResourceID")) or text(whole.get("resourceId")) or text(whole.get("flowLogResourceID"))


def _ends(
    flow: Flow, whole: Mapping[str, Any], values: list[str], direction_id: int
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return both ends; the one on this side of the interface has its MAC address and its network."""
    own = _own(flow.mac, text(whole.get("targetResourceID")))
    source = _end(values[1], values[3], own if direction_id == OUTBOUND else {})
    return source, _end(values[2], values[4], own if direction_id == INBOUND else {})


def _end(address: str, number: str, own: Mapping[str, Any]) -> dict[str, Any] | None:
    host = ip(address)
    return {**drop_none(ip=host, port=port(number)), **own} if host else None


@lru_cache(maxsize=4096)
def _own(mac: str | None, target: str | None) -> Mapping[str, Any]:
    kind = resource_type(target)
    name = {
        "microsoft.network/virtualnetworks": "vpc_uid",
        "microsoft.network/virtualnetworks/subnets": "subnet_uid",
        "microsoft.network/networkinterfaces": "interface_uid",
    }.get(kind)
    return drop_none(mac=_mac(mac)) | ({name: target} if name else {})


def _mac(value: str | None) -> str | None:
    if value is None or not _MAC.fullmatch(value):
        return None
    digits = value.replace(":", "").replace("-", "").lower()
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def _traffic(values: list[str]) -> dict[str, Any]:
    """Return packets and bytes; absent where a flow only begins or was denied."""
    counts = [_count(value) for value in values[9:13]]
    if len(counts) < 4 or not any(counts):  # noqa: PLR2004  # packets and bytes, both ways
        return {}
    out, out_bytes, back, back_bytes = counts
    return drop_none(packets_out=out, bytes_out=out_bytes, packets_in=back, bytes_in=back_bytes) | {
        "packets": (out or 0) + (back or 0),
        "bytes": (out_bytes or 0) + (back_bytes or 0),
    }


def _count(value: str) -> int | None:
    return int(value) if len(value) <= COUNT_DIGITS and value.isascii() and value.isdigit() else None


def _native(
    flow: Flow, whole: Mapping[str, Any], values: list[str], body: Mapping[str, Any], *, denied: bool
) -> dict[str, Any]:
    """Return the flow under the names of Sigma's firewall rules, and what stands around it."""
    found = {
        "src_ip": values[1],
        "dst_ip": values[2],
        "src_port": _count(values[3]),
        "dst_port": _count(values[4]),
        "protocol": body["connection_info"].get("protocol_name") or values[5],
        "direction": values[6],
        "action": "deny" if denied else "accept",
        "blocked": "true" if denied else "false",
        "rule": flow.rule,
        "mac": flow.mac,
        "flowTuple": flow.text,
    }
    return {**whole, **found}


def _unmapped(flow: Flow, whole: Mapping[str, Any], values: list[str]) -> dict[str, Any]:
    names = ("systemId", "resourceId", "targetResourceID", "flowLogResourceID", "flowLogGUID")
    found = {name: value for name in names if (value := text(whole.get(name)))}
    if flow.is_vnet and len(values) > FEWEST:
        found["flowEncryption"] = values[8]
    return found
