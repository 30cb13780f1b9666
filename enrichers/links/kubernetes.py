"""Pods: their addresses, nodes, service accounts and containers, from audit records and container runtimes.

A pod is `namespace/name`, as its cluster calls it, and has a uid by which runtimes know it. The images that it runs are
no entities: thousands of pods may run the same one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from enrichers.entities import child, host_of
from enrichers.links.observation import BY_CALL, BY_LOGON, BY_PLATFORM, Pair, host_at, listed, pair
from enrichers.names import address, container_id, host_name, plain, user_name

SUCCESS: Final = 1
SERVICE: Final = "kubernetes"
INTO_A_POD: Final = frozenset({"pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers"})
NODE: Final = "system:node:"


def audited(event: Mapping[str, Any]) -> Iterable[Pair]:
    """Observe who called the API server from which pod, whom that call put into a pod, and what it tells of pods."""
    source = child(event, "src_endpoint")
    if "resources" in event or "instance_uid" in source or "hostname" in source:
        return _audited(event, source)
    return ()


def _audited(event: Mapping[str, Any], source: Mapping[str, Any]) -> Iterator[Pair]:
    yield from _caller(source, child(child(event, "actor"), "user"))
    resources = listed(event.get("resources"))
    if resources and event.get("status_id") == SUCCESS:
        yield from _visitor(event, resources)
        api = child(event, "api")
        if child(api, "service").get("name") == SERVICE:
            for message in ("response", "request"):
                yield from _pod(child(child(api, message), "data"), resources)


def _caller(source: Mapping[str, Any], user: Mapping[str, Any]) -> Iterator[Pair]:
    """Observe where the caller runs: the claims of a service account's token name its pod, a node's own name the node.

    A pod on the network of its node, and one behind a gateway, call from an address that is not theirs alone.
    """
    pod, ip = plain(source.get("instance_uid")), address(source.get("ip"))
    if pod:
        yield from pair("workload", pod, "user", user_name(user, None), BY_PLATFORM)
        yield from pair("workload", pod, "ip", ip, BY_CALL)
        yield from pair("workload", pod, "workload", plain(child(source, "container").get("pod_uuid")), BY_PLATFORM)
    elif str(user.get("name")).startswith(NODE):
        yield from host_at(host_name(source.get("hostname")), ip, BY_CALL)


def _visitor(event: Mapping[str, Any], resources: list[Any]) -> Iterator[Pair]:
    kinds = {resource.get("type") for resource in resources if isinstance(resource, dict)}
    if not INTO_A_POD.isdisjoint(kind for kind in kinds if isinstance(kind, str)):
        pod = plain(child(event, "dst_endpoint").get("instance_uid"))
        name = user_name(child(child(event, "actor"), "user"), None)
        yield from pair("user", name, "workload", pod, BY_LOGON)


def _pod(data: Mapping[str, Any], resources: list[Any]) -> Iterator[Pair]:
    """Observe what an object says of a pod: the pod itself, or that it was bound to a node."""
    kind, about = data.get("kind"), child(data, "metadata")
    if kind not in {"Pod", "Binding"}:
        return
    named = next((resource for resource in resources if isinstance(resource, dict)), {})
    namespace = plain(about.get("namespace")) or plain(named.get("namespace")) or "default"
    name = plain(about.get("name")) or plain(named.get("name"))
    pod = f"{namespace}/{name}" if name else None
    if kind == "Binding":
        yield from pair("workload", pod, "host", host_name(child(data, "target").get("name")), BY_PLATFORM)
        return
    spec, status = child(data, "spec"), child(data, "status")
    node = host_name(spec.get("nodeName"))
    yield from pair("workload", pod, "workload", plain(about.get("uid")), BY_PLATFORM)
    yield from pair("workload", pod, "host", node, BY_PLATFORM)
    account = plain(spec.get("serviceAccountName"))
    yield from pair("workload", pod, "user", f"system:serviceaccount:{namespace}:{account or 'default'}", BY_PLATFORM)
    yield from host_at(node, status.get("hostIP"), BY_PLATFORM)
    if status.get("podIP") != status.get("hostIP"):  # else the pod has the network of its node
        yield from pair("workload", pod, "ip", address(status.get("podIP")), BY_PLATFORM)
    for item in listed(status.get("containerStatuses")):
        uid = item.get("containerID") if isinstance(item, dict) else None
        container = container_id(uid.rpartition("//")[2]) if isinstance(uid, str) else None
        yield from pair("workload", pod, "workload", container, BY_PLATFORM)


def contained(event: Mapping[str, Any]) -> Iterable[Pair]:
    """Observe which container belongs to which pod, and on which host it runs."""
    all_of_them = (child(event, "device"), child(event, "process"), child(child(event, "actor"), "process"))
    holders = tuple(holder for holder in all_of_them if "container" in holder)
    return _contained(event, holders) if holders else ()


def _contained(event: Mapping[str, Any], holders: tuple[Mapping[str, Any], ...]) -> Iterator[Pair]:
    device = child(event, "device")
    for holder in holders:
        container = holder.get("container")
        if isinstance(container, dict):
            name, pod = container_id(container.get("uid")), plain(container.get("pod_uuid"))
            yield from pair("workload", name, "workload", pod, BY_PLATFORM)
            yield from pair("workload", name, "host", host_of(event), BY_PLATFORM)
            yield from pair("workload", pod, "workload", plain(device.get("instance_uid")), BY_PLATFORM)
