"""The fields a Falco alert prints (`output_fields`), as OCSF objects.

Source: Falco documentation, "Supported Fields for Conditions and Outputs", and the plugins `k8saudit` and `cloudtrail`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from streams.sources import objects
from streams.sources.alerts import common
from streams.sources.base import drop_none, text
from streams.sources.edr.shapes import file, host, pid, process
from streams.sources.kubernetes.principals import UUID
from streams.sources.linux import machine
from streams.sources.objects import connection, endpoint
from streams.sources.saas.words import first

Fields = Mapping[str, Any]

MAPPED: Final = frozenset(
    (
        *("container.id", "container.name", "container.image.repository", "container.image.tag", "k8s.pod.name"),
        *("k8s.ns.name", "k8s.pod.id", "k8s.pod.uid", "k8s.node.name", "proc.pid", "proc.name", "proc.cmdline"),
        *("proc.exepath", "proc.ppid", "proc.pname", "proc.pcmdline", "proc.cwd", "user.name", "user.uid", "evt.time"),
        *(
            "user.loginname",
            "user.loginuid",
            "fd.name",
            "fd.rip",
            "fd.rport",
            "fd.lip",
            "fd.lport",
            "fd.sip",
            "fd.sport",
        ),
        *(
            "fd.cip",
            "fd.cport",
            "fd.l4proto",
            "ka.user.name",
            "ka.target.name",
            "ka.target.namespace",
            "ct.user",
            "ct.srcip",
        ),
        *("ka.target.resource", "ct.user.arn", "ct.user.accountid", "ct.region", "evt.hostname"),
    )
)
_NONE: Final = frozenset(
    {"", "<NA>", "N/A", "host", "null"}
)  # what Falco prints where there is nothing; `host` is no container
_CONNECTION: Final = "->"
MAX_FD: Final = 256
UNKNOWN_UID: Final = "4294967295"


def told(fields: Fields, *names: str) -> str | None:
    """Return the first of these fields that has a value as text, None for what Falco prints in place of one."""
    for name in names:
        value = text(fields.get(name))
        if value is not None and value not in _NONE:
            return value
    return None


def container_of(fields: Fields) -> dict[str, Any] | None:
    """Return the container an alert is about, None when it is about the host itself."""
    uid, name = told(fields, "container.id", "container.full_id"), told(fields, "container.name")
    if not (uid or name):
        return None
    repository, tag = told(fields, "container.image.repository", "container.image"), told(fields, "container.image.tag")
    image = drop_none(uid=told(fields, "container.image.digest") or repository, name=repository, tag=tag)
    pod = told(fields, "k8s.pod.uid", "k8s.pod.id")
    return drop_none(
        uid=uid,
        name=name,
        image=image if "uid" in image else None,
        orchestrator="Kubernetes" if told(fields, "k8s.pod.name") else None,
        pod_uuid=pod if pod and UUID.fullmatch(pod) else None,
    )


def device_of(fields: Fields, node: str) -> dict[str, Any]:
    """Return the node with the container and the pod in it, `namespace/pod` as the cluster's other events call it."""
    pod, namespace = told(fields, "k8s.pod.name"), told(fields, "k8s.ns.name")
    return host(
        node or None,
        None,
        "linux",
        container=container_of(fields),
        instance_uid=f"{namespace or 'default'}/{pod}" if pod else None,
    )


def user_of(fields: Fields) -> dict[str, Any] | None:
    """Return the user: of the cluster or the cloud where the alert is about their API, else of the process."""
    arn = told(fields, "ct.user.arn")
    remote = told(fields, "ka.user.name", "ct.user", "okta.actor.alternateID")
    if arn or remote:
        return objects.user(remote, uid=arn, uid_alt=arn)
    uid = told(fields, "user.uid")
    return machine.user(told(fields, "user.name", "user.loginname"), None if uid == UNKNOWN_UID else uid)


def session_of(fields: Fields) -> dict[str, Any] | None:
    """Return the session of a call to a cloud's API."""
    key = told(fields, "ct.user.accesskeyid")
    return {"credential_uid": key} if key else None


def process_of(fields: Fields) -> dict[str, Any] | None:
    """Return the process; None where the rule prints no number of it: OCSF takes no process by name alone."""
    parent = process(pid(fields.get("proc.ppid")), None, None, name=told(fields, "proc.pname"))
    return process(
        pid(fields.get("proc.pid")),
        None,
        told(fields, "proc.exepath"),
        name=told(fields, "proc.name"),
        cmd_line=told(fields, "proc.cmdline"),
        working_directory=told(fields, "proc.cwd"),
        parent_process=parent and parent | drop_none(cmd_line=told(fields, "proc.pcmdline")),
        user=user_of(fields),
        container=container_of(fields),
    )


def evidences_of(fields: Fields, acting: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return what the alert shows: process, file, connection, and the process's words where it has no number."""
    found: list[dict[str, Any]] = [{"process": acting}] if acting else []
    name = told(fields, "fd.name")
    if name and name.startswith("/"):
        found.append({"file": file(name)})
    else:
        found += _connection(fields, name or "")
    if acting is None:
        words = {field: value for field, value in fields.items() if field.startswith("proc.") and text(value)}
        found += [{"data": words}] if words else []
    address = told(fields, "ct.srcip", "ka.sourceips")
    return found + common.ends(endpoint(address), None)


def _connection(fields: Fields, name: str) -> list[dict[str, Any]]:
    """Return a connection from its own fields, or from the name of its descriptor: `10.0.0.1:4000->192.0.2.1:80`."""
    client, server = _end(fields, "c"), _end(fields, "s")
    local, remote = _end(fields, "l"), _end(fields, "r")
    if client is None and server is None and _CONNECTION in name[:MAX_FD]:
        left, _, right = name[:MAX_FD].partition(_CONNECTION)
        client, server = _split(left), _split(right)
    info = connection(told(fields, "fd.l4proto"))
    return common.ends(client or local, server or remote, connection_info=info)


def _end(fields: Fields, side: str) -> dict[str, Any] | None:
    return endpoint(fields.get(f"fd.{side}ip"), fields.get(f"fd.{side}port"))


def _split(end: str) -> dict[str, Any] | None:
    address, _, port = end.strip().rpartition(":")
    return endpoint(address.strip("[]"), port)


def resources_of(fields: Fields) -> list[dict[str, Any]]:
    """Return the pod an alert is about, or the object of a call to Kubernetes' API."""
    pod, namespace = told(fields, "k8s.pod.name"), told(fields, "k8s.ns.name")
    if pod:
        uid = told(fields, "k8s.pod.uid", "k8s.pod.id")
        return [drop_none(name=pod, type="Pod", namespace=namespace, uid=uid)]
    target = told(fields, "ka.target.name", "ka.resp.name")
    kind = told(fields, "ka.target.resource")
    return [drop_none(name=target, type=kind, namespace=told(fields, "ka.target.namespace"))] if target else []


def cloud_of(fields: Fields) -> dict[str, Any] | None:
    """Return the cloud account of an alert about a cloud's audit log."""
    account = told(fields, "ct.user.accountid", "ct.account")
    return objects.cloud("AWS", account, text(first(fields, "ct.region"))) if account else None
