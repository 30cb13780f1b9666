"""Which address a host has, by its own word: what its agent states, and from where it opened a connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from enrichers.entities import child, host_of
from enrichers.links.observation import BY_HOST, BY_PLATFORM, Pair, host_at, pair
from enrichers.names import address, container_id, plain

OUTBOUND: Final = 2


def stated(event: Mapping[str, Any]) -> Iterator[Pair]:
    """Observe what a device says of itself: a host its address, a machine of a cloud its name and its address too."""
    device, host = child(event, "device"), host_of(event)
    yield from host_at(host, device.get("ip"), BY_HOST)
    instance = plain(device.get("instance_uid"))
    if instance:
        yield from pair("workload", instance, "ip", address(device.get("ip")), BY_HOST)
        yield from pair("workload", instance, "host", host, BY_PLATFORM)
    container = child(device, "container")
    if container:
        yield from pair("workload", container_id(container.get("uid")), "host", host, BY_PLATFORM)


def connected(event: Mapping[str, Any]) -> Iterable[Pair]:
    """Observe the address from which a host opened a connection; only the host itself knows the process that did."""
    outbound = child(event, "connection_info").get("direction_id") == OUTBOUND
    if outbound and child(child(event, "actor"), "process"):
        return host_at(host_of(event), child(event, "src_endpoint").get("ip"), BY_HOST)
    return ()
