"""Container engines: Docker's events, and those of Podman and containerd.

Source: the Docker Engine API ("Monitor events") and containerd's event topics. A command run inside a container is
Process Activity; the life of containers, images, networks, volumes and plugins is Application Lifecycle. Engines do not
say who asked, nor on which host they run: the host is whatever the shipper names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import APPLICATION_LIFECYCLE, PROCESS_ACTIVITY
from models.records import RawRecord
from streams.sources import objects
from streams.sources.base import Source, build_event, drop_none, event_time, text
from streams.sources.containers.forms import CONTAINERD, DOCKER, PODMAN, Change, decode, recognize, take_apart
from streams.sources.fields import MAX_LISTED
from streams.sources.kubernetes.principals import ORCHESTRATOR, UUID
from streams.sources.kubernetes.targets import image_of
from streams.sources.times import from_any

DELAY_MS: Final = 300_000
PRODUCTS: Final = {
    DOCKER: {"name": "Docker Engine", "vendor_name": "Docker"},
    PODMAN: {"name": "Podman", "vendor_name": "Podman"},
    CONTAINERD: {"name": "containerd", "vendor_name": "containerd"},
}
LOGSOURCE: Final = LogSource("docker")
EXEC_LOGSOURCE: Final = LogSource("linux", "docker", ("process_creation",))  # what runs in a container runs on Linux
OTHER: Final = 99
LAUNCH, TERMINATE = 1, 2
_PROCESS: Final = {"exec_create": OTHER, "exec_start": LAUNCH, "exec_die": TERMINATE, "exec_detach": OTHER}
_LIFECYCLE: Final = {
    **dict.fromkeys(("create", "pull", "import", "load", "build", "install", "init", "prepare", "commit"), 1),
    **dict.fromkeys(("destroy", "delete", "remove", "rm", "untag", "prune", "uninstall"), 2),
    **dict.fromkeys(("start", "mount"), 3),
    **dict.fromkeys(("stop", "die", "kill", "unmount", "cleanup"), 4),
    **dict.fromkeys(("restart", "reload"), 5),
    **dict.fromkeys(("enable", "unpause", "connect"), 6),
    **dict.fromkeys(("disable", "pause", "disconnect"), 7),
    **dict.fromkeys(("update", "rename"), 8),
}
_POD: Final = "io.kubernetes.pod."
_IMAGE_ONLY: Final = {"commit": OTHER}  # a container that is committed is not installed: an image is made of it


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an engine's event into an OCSF event: of a process, or of the life of what the engine keeps."""
    change = take_apart(fields)
    time, labels = event_time(from_any(change.time), record)
    ran = _PROCESS.get(change.action) if change.exec_id else None
    class_uid = APPLICATION_LIFECYCLE if ran is None else PROCESS_ACTIVITY
    activity_id = _lifecycle(change) if ran is None else ran
    body = head(class_uid, activity_id, time)
    if activity_id == OTHER:
        body["activity_name"] = change.action or "unknown"
    container = _container(change)
    body.update(_application(change) if ran is None else _execution(change, container))
    body["device"] = objects.device(
        record.context.host or None, type_id=0, container=container if change.kind == "container" else None
    )
    return build_event(
        record,
        body,
        native=_native(fields, change),
        logsource=EXEC_LOGSOURCE if ran == LAUNCH and change.detail else LOGSOURCE,
        product=PRODUCTS[change.engine],
        original_time=text(change.time),
        labels=labels,
        metadata=drop_none(
            event_code=f"{change.kind}.{change.action}",
            log_name=change.kind or None,
            correlation_uid=change.exec_id or None,
        ),
        profiles=("host", "container"),
        unmapped=_unmapped(fields, change),
        names_host=False,
    )


def _lifecycle(change: Change) -> int:
    if change.kind == "container" and change.action in _IMAGE_ONLY:
        return _IMAGE_ONLY[change.action]
    return _LIFECYCLE.get(change.action, OTHER)


def _application(change: Change) -> dict[str, Any]:
    """Return what an event is about as the application whose life it tells of."""
    image = image_of(change.image or None) or {}
    name = change.name or image.get("name") or change.uid or "unknown"
    app = drop_none(name=name, uid=change.uid or None, version=image.get("tag"))
    return {"app": app, "actor": {"app_name": change.engine}}


def _execution(change: Change, container: dict[str, Any] | None) -> dict[str, Any]:
    program = _program(change.detail)
    process = objects.process(
        change.pid if change.pid is not None and change.pid > 0 else None,
        uid=change.exec_id,
        path=program if program.startswith("/") else None,
        name=program.rpartition("/")[2] or None,
        cmd_line=change.detail or None,
        container=container,
    )
    return drop_none(actor={"app_name": change.engine}, process=process, exit_code=_exit_code(change))


def _program(command: str) -> str:
    return command.partition(" ")[0]


def _exit_code(change: Change) -> int | None:
    return change.exit_code if change.exit_code is not None and abs(change.exit_code) < 2**31 else None


def _container(change: Change) -> dict[str, Any] | None:
    """Return the container that an event is about, with its image and, under Kubernetes, its pod."""
    if change.kind != "container" or not (change.uid or change.name):
        return None
    pod_uid = text(change.attributes.get(f"{_POD}uid"))
    return drop_none(
        uid=change.uid or None,
        name=change.name or None,
        image=image_of(change.image or None),
        runtime=change.engine,
        orchestrator=ORCHESTRATOR if f"{_POD}name" in change.attributes else None,
        pod_uuid=pod_uid if pod_uid and UUID.fullmatch(pod_uid) else None,
    )


def _native(fields: Mapping[str, Any], change: Change) -> Mapping[str, Any]:
    """Return the event; that of a command also under the names of Sigma's process creation."""
    if not change.detail or change.action != "exec_start":
        return fields
    return {**fields, "CommandLine": change.detail, "Image": _program(change.detail)}


def _unmapped(fields: Mapping[str, Any], change: Change) -> dict[str, Any]:
    attributes = dict(list(change.attributes.items())[: MAX_LISTED * 4])
    return drop_none(
        attributes=attributes,
        scope=text(fields.get("scope")),
        namespace=text(fields.get("namespace", fields.get("Namespace"))),
        pid=change.pid,
        exitCode=change.exit_code,
        detail=change.detail or None,
    )


SOURCE: Final = Source(
    name="docker",
    title="Docker, Podman and containerd events",
    shippers=("Fluent Bit", "Vector", "Filebeat", "OpenTelemetry Collector"),
    classes=(PROCESS_ACTIVITY, APPLICATION_LIFECYCLE),
    entities=("host", "workload"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
