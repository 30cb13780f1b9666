"""Which address a machine of a cloud has: from flow logs, from what the control plane answers, and who works on it.

Source: the EC2 API reference (RunInstances, DescribeInstances, AssociateAddress, CreateNetworkInterface,
DescribeNetworkInterfaces), and what CloudTrail keeps of these calls: parameters and answers, lists under `items`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from enrichers.entities import child
from enrichers.links.observation import BY_LAUNCH, BY_LOGON, BY_PLATFORM, Pair, host_at, listed, pair
from enrichers.names import address, host_name, instance_id, plain, user_name

SUCCESS: Final = 1
LAUNCH: Final = "RunInstances"
# Calls by which a person gets a shell on a machine, or has something run there.
SHELLS: Final = frozenset(
    {"StartSession", "ResumeSession", "SendCommand", "SendSSHPublicKey", "SendSerialConsoleSSHPublicKey"}
)
_ADDRESSES: Final = ("privateIpAddress", "ipAddress", "publicIp", "publicIpAddress", "ipv6Address")


def flowed(event: Mapping[str, Any]) -> Iterable[Pair]:
    """Observe the address of the interface that a flow was seen at, and of whose it is."""
    ends = (child(event, "src_endpoint"), child(event, "dst_endpoint"))
    return _interfaces_at(ends) if "instance_uid" in ends[0] or "instance_uid" in ends[1] else ()


def _interfaces_at(ends: tuple[Mapping[str, Any], ...]) -> Iterator[Pair]:
    for end in ends:
        instance = plain(end.get("instance_uid"))
        if instance:
            yield from pair("workload", instance, "ip", address(end.get("ip")), BY_PLATFORM)
            host = host_name(end.get("hostname"))
            yield from host_at(host, end.get("ip"), BY_PLATFORM)
            yield from pair("workload", instance, "host", host, BY_PLATFORM)


def controlled(event: Mapping[str, Any]) -> Iterable[Pair]:
    """Observe what a call to the control plane tells of machines."""
    if event.get("status_id") != SUCCESS or child(event, "cloud").get("provider") != "AWS":
        return ()
    return _controlled(event)


def _controlled(event: Mapping[str, Any]) -> Iterator[Pair]:
    api = child(event, "api")
    answer, asked = child(child(api, "response"), "data"), child(child(api, "request"), "data")
    yield from _at_work(event, api.get("operation"))
    for machine in _machines(answer):
        yield from _addresses(instance_id(machine.get("instanceId")), machine)
    for interface in _interfaces(answer):
        yield from _addresses(instance_id(child(interface, "attachment").get("instanceId")), interface)
    yield from _addresses(instance_id(asked.get("instanceId")), asked)


def _at_work(event: Mapping[str, Any], operation: Any) -> Iterator[Pair]:
    confidence = BY_LAUNCH if operation == LAUNCH else BY_LOGON if operation in SHELLS else 0
    if confidence:
        name = user_name(child(child(event, "actor"), "user"), None)
        for resource in listed(event.get("resources")):
            uid = resource.get("uid") if isinstance(resource, dict) else None
            yield from pair("user", name, "workload", instance_id(uid), confidence)


def _machines(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from _items(answer, "instancesSet")
    for reservation in _items(answer, "reservationSet"):
        yield from _items(reservation, "instancesSet")


def _interfaces(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "networkInterface" in answer:
        yield child(answer, "networkInterface")
    yield from _items(answer, "networkInterfaceSet")


def _items(parent: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list as CloudTrail writes it; an absent one costs no more than a look."""
    if name in parent:
        yield from (item for item in listed(child(parent, name).get("items")) if isinstance(item, dict))


def _addresses(instance: str | None, holder: Mapping[str, Any]) -> Iterator[Pair]:
    """Yield the addresses of a machine or an interface, those of the interfaces and associations below it too."""
    if instance is None:
        return
    parts = [holder, child(holder, "association")]
    for interface in _items(holder, "networkInterfaceSet"):
        parts += (interface, child(interface, "association"), *_items(interface, "privateIpAddressesSet"))
    parts += _items(holder, "privateIpAddressesSet")
    for part in parts:
        for name in _ADDRESSES:
            yield from pair("workload", instance, "ip", address(part.get(name)), BY_PLATFORM)
    yield from pair("workload", instance, "host", host_name(holder.get("privateDnsName")), BY_PLATFORM)
