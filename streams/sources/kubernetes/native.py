"""A Kubernetes audit event under the field names that Sigma rules use.

Source: the SigmaHQ rules for `product: kubernetes`, `service: audit`. Most use the API's own names; some reach for
`apiGroup`, `hostPath` and `capabilities` wherever in the event these are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from streams.sources.fields import object_at, objects_at
from streams.sources.kubernetes.targets import pod_spec_of


def native_of(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the event with these three names beside its own."""
    group = object_at(fields, "objectRef").get("apiGroup")
    spec = pod_spec_of(object_at(fields, "requestObject"))
    added: dict[str, Any] = {} if group is None else {"apiGroup": group}
    if spec:
        added.update(capabilities_and_paths(spec))
    return {**fields, **added} if added else fields


def capabilities_and_paths(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return which capabilities a pod adds and which paths of its node it mounts, each only where there are any."""
    found = {"hostPath": list(_host_paths(spec)), "capabilities": list(_capabilities(spec))}
    return {name: values for name, values in found.items() if values}


def _host_paths(spec: Mapping[str, Any]) -> Iterator[Any]:
    for volume in objects_at(spec, "volumes"):
        path = object_at(volume, "hostPath").get("path")
        if path is not None:
            yield path


def _capabilities(spec: Mapping[str, Any]) -> Iterator[Any]:
    for name in ("containers", "initContainers"):
        for container in objects_at(spec, name):
            added = object_at(object_at(container, "securityContext"), "capabilities").get("add")
            yield from added if isinstance(added, list) else ()
