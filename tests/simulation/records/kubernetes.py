"""Records of the Kubernetes audit log."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from tests.simulation.days import iso
from tests.simulation.records.record import KUBERNETES, Record, uuid

SERVICE_ACCOUNT: Final = "system:serviceaccount:"
FORBIDDEN: Final = 403
KUBECTL: Final = "kubectl/v1.34.1 (windows/amd64) kubernetes/93248f9"
_GROUPS: Final = {"deployments": "apps", "leases": "coordination.k8s.io", "endpointslices": "discovery.k8s.io"}
_GROUPS_OF_RBAC: Final = dict.fromkeys(
    ("roles", "rolebindings", "clusterroles", "clusterrolebindings"), "rbac.authorization.k8s.io"
)


def request(
    rng: Random,
    time: int,
    who: str,
    what: str,
    namespace: str,
    *,
    ip: str,
    agent: str = KUBECTL,
    name: str = "",
    code: int = 200,
    command: Sequence[str] = (),
    image: str = "",
) -> Record:
    """Write one request to an API server.

    Args:
        rng: For what has a number of its own.
        time: When, ms.
        who: User name.
        what: Verb and kind of object: `create pods/exec`.
        namespace: Where; empty for what belongs to the cluster.
        ip: Address of the caller.
        agent: User agent.
        name: Name of the object.
        code: Status of the answer.
        command: Of an exec.
        image: Of a pod or a deployment that is made.
    """
    verb, _, kind = what.partition(" ")
    resource, _, subresource = kind.partition("/")
    group = _GROUPS.get(resource) or _GROUPS_OF_RBAC.get(resource, "")
    fields: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse" if image else "Metadata",
        "auditID": uuid(rng),
        "stage": "ResponseComplete",
        "requestURI": _uri(group, namespace, resource, name, subresource, command),
        "verb": verb,
        "user": _user(who),
        "sourceIPs": [ip],
        "userAgent": agent,
        "objectRef": _about(group, resource, namespace, name, subresource),
        "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": iso(time),
        "stageTimestamp": iso(time + 4),
        "annotations": {"authorization.k8s.io/decision": "forbid" if code == FORBIDDEN else "allow"},
    }
    if image:
        container = {"name": "app", "image": image}
        spec = {"containers": [container]}
        fields["requestObject"] = {"spec": spec if resource == "pods" else {"template": {"spec": spec}}}
    return Record.of(time, KUBERNETES, fields)


def _user(who: str) -> dict[str, Any]:
    if who.startswith(SERVICE_ACCOUNT):
        groups = ["system:serviceaccounts", "system:authenticated"]
    elif who.startswith("system:node:"):
        groups = ["system:nodes", "system:authenticated"]
    else:
        groups = ["developers", "system:authenticated"]
    return {"username": who, "uid": who.rpartition(":")[2], "groups": groups}


def _about(group: str, resource: str, namespace: str, name: str, subresource: str) -> dict[str, str]:
    given = {"resource": resource, "namespace": namespace, "name": name, "subresource": subresource, "apiGroup": group}
    return {**{key: value for key, value in given.items() if value}, "apiVersion": "v1"}


def _uri(group: str, namespace: str, resource: str, name: str, subresource: str, command: Sequence[str]) -> str:
    start = f"/apis/{group}/v1" if group else "/api/v1"
    parts = (start, *(("namespaces", namespace) if namespace else ()), resource, name, subresource)
    asked = "?" + urlencode([("command", word) for word in command]) if command else ""
    return "/".join(part for part in parts if part) + asked
