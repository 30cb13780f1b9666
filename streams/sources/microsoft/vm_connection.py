"""VM insights: the connections of a virtual machine's processes in one minute, as OCSF Network Activity.

Source: the VMConnection table in the Azure Monitor reference. Addresses are those of the machine's own view: in an
inbound connection the machine is the destination, and what it sent went back to the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import NETWORK_ACTIVITY
from models.records import RawRecord
from streams.sources.base import build_event, drop_none, event_time, integer, text
from streams.sources.microsoft.common import VENDOR, azure, known, subscription_of
from streams.sources.objects import connection, device, endpoint, process
from streams.sources.times import from_any

TABLE: Final = "VMConnection"
PRODUCT: Final = {"name": "Azure Monitor VM insights", "vendor_name": VENDOR}
LOGSOURCE: Final = LogSource("azure", "vmconnection", ("network_connection",))
FAIL: Final = 4
TRAFFIC: Final = 6
VIRTUAL: Final = 6
_DIRECTIONS: Final = {"inbound": 1, "outbound": 2}
_MAPPED: Final = frozenset(
    {
        *("TimeGenerated", "Computer", "Direction", "ProcessName", "SourceIp", "DestinationIp", "DestinationPort"),
        *("Protocol", "BytesSent", "BytesReceived", "ConnectionId", "Process", "TenantId", "Type"),
    }
)


def is_connection(value: Mapping[str, Any]) -> bool:
    """Tell a row of VMConnection, also where its table's name was left out."""
    if value.get("Type") == TABLE:
        return True
    return "SourceIp" in value and "DestinationIp" in value and "Computer" in value and "ConnectionId" in value


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a row into Network Activity."""
    original = text(fields.get("TimeGenerated"))
    time, labels = event_time(from_any(original) if original else None, record)
    body = head(NETWORK_ACTIVITY, FAIL if _failed(fields) else TRAFFIC, time)
    direction_id = _DIRECTIONS.get((known(fields.get("Direction")) or "").lower(), 0)
    resource = known(fields.get("_ResourceId"))
    program = process(uid=known(fields.get("Process")), name=known(fields.get("ProcessName")))
    body.update(
        drop_none(
            device=device(
                known(fields.get("Computer")), type_id=VIRTUAL, uid=known(fields.get("Machine")), instance_uid=resource
            ),
            actor={"process": program} if program else None,
            src_endpoint=endpoint(fields.get("SourceIp")) or {"svc_name": "unknown"},
            dst_endpoint=endpoint(fields.get("DestinationIp"), fields.get("DestinationPort")),
            connection_info=connection(
                known(fields.get("Protocol")), direction_id, uid=known(fields.get("ConnectionId"))
            ),
            traffic=_traffic(fields, is_inbound=direction_id == 1),
            cloud=azure(subscription_of(resource), known(fields.get("TenantId"))),
        )
    )
    return build_event(
        record,
        body,
        native=_native(fields),
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=drop_none(log_name=TABLE, original_event_uid=known(fields.get("ConnectionId"))),
        profiles=("cloud", "host"),
        unmapped={name: value for name, value in fields.items() if name not in _MAPPED and value is not None},
    )


def _failed(fields: Mapping[str, Any]) -> bool:
    made = (integer(fields.get("LinksEstablished")) or 0) + (integer(fields.get("LinksLive")) or 0)
    return (integer(fields.get("LinksFailed")) or 0) > 0 and made <= 0


def _traffic(fields: Mapping[str, Any], *, is_inbound: bool) -> dict[str, Any]:
    sent, received = _count(fields.get("BytesSent")), _count(fields.get("BytesReceived"))
    if sent is None and received is None:
        return {}
    out, back = (received, sent) if is_inbound else (sent, received)
    return drop_none(bytes_out=out, bytes_in=back, bytes=(out or 0) + (back or 0))


def _count(value: Any) -> int | None:
    number = integer(value)
    return number if number is not None and 0 <= number < 1 << 60 else None  # so that sums fit 64 bits


def _native(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with the names of Sigma's network connection rules beside its own."""
    outbound = (known(fields.get("Direction")) or "").lower() == "outbound"
    found = {
        "Image": fields.get("ProcessName"),
        "Initiated": "true" if outbound else "false",
        "DestinationPort": fields.get("DestinationPort"),
    }
    return {**fields, **{name: value for name, value in found.items() if value is not None}}
