"""The forms in which container engines tell of events, and one event of any of them taken apart.

Source: the Docker Engine API ("Monitor events"), `docker events --format json`, `podman events --format json`, and the
event topics and messages of containerd's API, as `nerdctl events` and `ctr events` print them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from models.errors import Unparseable
from models.records import RawRecord
from streams.sources.base import decode_json, decode_text, integer, text
from streams.sources.fields import object_at

DOCKER, PODMAN, CONTAINERD = "docker", "podman", "containerd"
MAX_NAME: Final = 512
MAX_COMMAND: Final = 32_768
_CTR: Final = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? [+-]\d{4})(?: [A-Z]{2,5})? (\S{1,255}) (/\S{1,255}) (\{.*\})\s*",
    re.DOTALL,
)
_CTR_BYTES: Final = re.compile(
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]{0,10} [+-]\d{4}(?: [A-Z]{2,5})? \S{1,255} /[a-z]+/[a-z-]+ \{"
)
_TOPICS: Final = frozenset({"containers", "tasks", "images", "snapshot", "namespaces", "content", "sandbox"})
_CONTAINERD_WORDS: Final = {
    "exec-added": "exec_create",
    "exec-started": "exec_start",
    "paused": "pause",
    "resumed": "unpause",
}
_NO_ATTRIBUTES: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Change:
    """One event of an engine; what it does not name is empty or None.

    Attributes:
        engine: `docker`, `podman` or `containerd`.
        kind: What it is about: `container`, `image`, `network` ...
        action: What happened, without its arguments: `start`, `exec_start`.
        detail: The arguments: the command of an exec.
        uid: Id of what it is about.
        name: Its name.
        image: Reference of the image.
        exec_id: Id of the command run inside a container.
        pid: Its number, or that of the container's first process.
        exit_code: What it ended with.
        attributes: Attributes and labels.
        time: When, as written.
    """

    engine: str
    kind: str
    action: str
    detail: str
    uid: str
    name: str
    image: str
    exec_id: str
    pid: int | None
    exit_code: int | None
    attributes: Mapping[str, Any]
    time: Any


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the event; raise Unparseable when it is none of a container engine."""
    written = decode_text(record)
    match = _CTR.fullmatch(written) if not written.lstrip().startswith("{") else None
    if match:
        return {
            "timestamp": match[1].replace(" +", "+").replace(" -", "-"),
            "namespace": match[2],
            "topic": match[3],
            "event": match[4],
        }
    value = decode_json(record)
    if not (_is_docker(value) or _is_podman(value) or _is_containerd(value)):
        raise Unparseable("no event of a container engine: it lacks type and action, or topic", field="Action")
    return value


def recognize(raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an event by the capitals of Docker and Podman, by the topics of containerd."""
    if value is None:
        return _CTR_BYTES.match(raw) is not None
    return _is_docker(value) or _is_podman(value) or _is_containerd(value)


def _is_docker(value: Mapping[str, Any]) -> bool:
    words = isinstance(value.get("Type"), str) and isinstance(value.get("Action"), str)
    return words and isinstance(value.get("Actor"), dict)


def _is_podman(value: Mapping[str, Any]) -> bool:
    if not (isinstance(value.get("Status"), str) and isinstance(value.get("Type"), str)):
        return False
    return ("ID" in value or "Name" in value) and ("Time" in value or "timeNano" in value or "time" in value)


def _is_containerd(value: Mapping[str, Any]) -> bool:
    topic = value.get("topic", value.get("Topic"))
    if not isinstance(topic, str) or not ("event" in value or "Event" in value):
        return False
    return topic[:1] == "/" and topic[1:].partition("/")[0] in _TOPICS


def take_apart(fields: Mapping[str, Any]) -> Change:
    """Find the parts of an event, whatever its form."""
    if _is_docker(fields):
        return _of_docker(fields)
    return _of_podman(fields) if _is_podman(fields) else _of_containerd(fields)


def _of_docker(fields: Mapping[str, Any]) -> Change:
    actor = object_at(fields, "Actor")
    attributes = object_at(actor, "Attributes")
    action, _, detail = str(fields["Action"])[:MAX_COMMAND].partition(":")
    kind, uid = _word(fields.get("Type")), _word(actor.get("ID")) or _word(fields.get("id"))
    return Change(
        DOCKER,
        kind,
        action[:MAX_NAME],
        detail.strip(),
        uid,
        _word(attributes.get("name")),
        _word(attributes.get("image")) or _word(fields.get("from")) or (uid if kind == "image" else ""),
        _word(attributes.get("execID")),
        None,
        integer(attributes.get("exitCode")),
        attributes,
        fields.get("timeNano", fields.get("time")),
    )


def _of_podman(fields: Mapping[str, Any]) -> Change:
    attributes = object_at(fields, "Attributes")
    action = str(fields["Status"])[:MAX_NAME]
    return Change(
        PODMAN,
        _word(fields.get("Type")),
        {"exec": "exec_start", "exec_died": "exec_die", "died": "die"}.get(action, action),
        "",
        _word(fields.get("ID")),
        _word(fields.get("Name")),
        _word(fields.get("Image")),
        _word(attributes.get("execID")) or _word(fields.get("ExecID")),
        None,
        integer(fields.get("ContainerExitCode")),
        attributes,
        fields.get("Time", fields.get("timeNano", fields.get("time"))),
    )


def _of_containerd(fields: Mapping[str, Any]) -> Change:
    event = _event(fields.get("event", fields.get("Event")))
    kind, _, action = str(fields.get("topic", fields.get("Topic")))[1 : MAX_NAME + 1].partition("/")
    kind = {"tasks": "container"}.get(kind, kind.removesuffix("s"))
    uid = _word(event.get("container_id")) or _word(event.get("id")) or _word(fields.get("ID"))
    exec_id = _word(event.get("exec_id"))
    if action == "exit" and not exec_id and event.get("id") not in (None, event.get("container_id")):
        exec_id = _word(event.get("id"))  # the exit of an exec bears its id where that of a task has the container's
    return Change(
        CONTAINERD,
        kind,
        ("exec_die" if exec_id else "die") if action == "exit" else _CONTAINERD_WORDS.get(action, action),
        "",
        uid,
        _word(event.get("name")),
        _word(event.get("image")) or (_word(event.get("name")) if kind == "image" else ""),
        exec_id,
        integer(event.get("pid")),
        integer(event.get("exit_status")),
        object_at(event, "labels"),
        fields.get("timestamp", fields.get("Timestamp")),
    )


def _event(value: Any) -> Mapping[str, Any]:
    """Return the message of an event; nerdctl prints it as text."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return _NO_ATTRIBUTES
    return value if isinstance(value, dict) else _NO_ATTRIBUTES


def _word(value: Any) -> str:
    return (text(value) or "")[:MAX_NAME]
