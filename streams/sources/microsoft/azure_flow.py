"""Azure flow logs: of network security groups (versions 1 and 2), of virtual networks (version 4), and of VM insights.

Source: the NSG and virtual network flow log formats in the Network Watcher documentation, and the VMConnection table. A
record holds the flows of one network interface in one minute; each of its flow tuples becomes one Network Activity.
Such an event's raw data is the record with no other tuple in it: whole records in each would make a large one larger by
far.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from models.errors import Unparseable
from models.event import Event
from models.ocsf_classes import NETWORK_ACTIVITY
from models.records import RawRecord
from streams.sources.base import Source, decode_json, integer, text
from streams.sources.fields import object_at
from streams.sources.microsoft import vm_connection
from streams.sources.microsoft.common import outer
from streams.sources.microsoft.flow_tuples import Flow, event_of

DELAY_MS: Final = 900_000  # collected once a minute, written to the blob within minutes
NSG: Final = "networksecuritygroupflowevent"
VNET: Final = "flowlogflowevent"
MAX_NESTING: Final = 1000  # rules and groups that are looked at
MAX_AROUND_BYTES: Final = 8192
MAX_TEXT: Final = 1024
_NAMES: Final = (
    *("time", "systemId", "macAddress", "category", "resourceId", "operationName", "flowLogGUID"),
    *("flowLogResourceID", "targetResourceID"),
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the record; raise Unparseable when it holds no flows."""
    value = outer(decode_json(record))
    if vm_connection.is_connection(value):
        return value
    if not recognize(b"", value):
        raise Unparseable("no flow log of Azure: its category is none of flows", field="category")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a flow log by its category and the place of its flows."""
    if value is None:
        return False
    if isinstance(value.get("flowRecords"), dict):
        return "flowLogVersion" in value or "macAddress" in value
    if vm_connection.is_connection(value):
        return True
    category = value.get("category")
    return isinstance(category, str) and category.lower() in {NSG, VNET} and isinstance(value.get("properties"), dict)


def expand(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Cut a record into one mapping for each of its flow tuples, the record with nothing else in it; none has none."""
    if vm_connection.is_connection(fields):
        return [fields]
    flows = list(_vnet(fields) if "flowRecords" in fields else _nsg(fields))
    around = _around(fields)
    return [{"flow": flow, "record": around, "is_alone": len(flows) == 1} for flow in flows]


def _around(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands around the flows, no more than every one of them can carry."""
    around = {name: value for name, value in fields.items() if name not in {"properties", "flowRecords"}}
    if len(orjson.dumps(around)) > MAX_AROUND_BYTES:
        around = {name: value[:MAX_TEXT] for name in _NAMES if isinstance(value := fields.get(name), str)}
    if "flowRecords" not in fields:
        around["properties"] = {"Version": integer(object_at(fields, "properties").get("Version"))}
    return around


def _lists(holders: Any, name: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list that hold a list under `name`."""
    for holder in holders[:MAX_NESTING] if isinstance(holders, list) else ():
        if isinstance(holder, dict) and isinstance(holder.get(name), list):
            yield holder


def _tuples(group: Mapping[str, Any]) -> Iterator[str]:
    return (item[:MAX_TEXT] for item in group["flowTuples"] if isinstance(item, str))


def _short(value: Any) -> str | None:
    found = text(value)
    return found[:MAX_TEXT] if found else None


def _nsg(fields: Mapping[str, Any]) -> Iterator[Flow]:
    for rule in _lists(object_at(fields, "properties").get("flows"), "flows"):
        for interface in _lists(rule["flows"], "flowTuples"):
            for item in _tuples(interface):
                yield Flow(item, _short(rule.get("rule")), _short(interface.get("mac")), None, is_vnet=False)


def _vnet(fields: Mapping[str, Any]) -> Iterator[Flow]:
    mac = _short(fields.get("macAddress"))
    for acl in _lists(object_at(fields, "flowRecords").get("flows"), "flowGroups"):
        for group in _lists(acl["flowGroups"], "flowTuples"):
            for item in _tuples(group):
                yield Flow(item, _short(group.get("rule")), mac, _short(acl.get("aclID")), is_vnet=True)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn one flow tuple, or one record of VM insights, into Network Activity."""
    if vm_connection.is_connection(fields):
        return vm_connection.normalize(fields, record)
    flow: Flow | None = fields.get("flow")
    if flow is None:
        raise Unparseable("a flow log without a flow tuple", field="flowTuples")
    whole = fields["record"]
    if not fields.get("is_alone"):
        record = replace(record, raw=orjson.dumps(_only(whole, flow)))
    return event_of(flow, whole, record)


def _only(whole: Mapping[str, Any], flow: Flow) -> dict[str, Any]:
    """Return the record with one tuple in it."""
    if flow.is_vnet:
        group = {"rule": flow.rule, "flowTuples": [flow.text]}
        return {**whole, "flowRecords": {"flows": [{"aclID": flow.acl, "flowGroups": [group]}]}}
    interface = {"mac": flow.mac, "flowTuples": [flow.text]}
    own = {"flows": [{"rule": flow.rule, "flows": [interface]}]}
    return {**whole, "properties": {**whole["properties"], **own}}


SOURCE: Final = Source(
    name="azure_flow",
    title="Azure flow logs and VM insights connections",
    shippers=("Storage accounts", "Event Hubs", "Log Analytics", "Logstash", "Vector", "Cribl"),
    classes=(NETWORK_ACTIVITY,),
    entities=("ip", "host", "account", "workload"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
    expand=expand,
)
