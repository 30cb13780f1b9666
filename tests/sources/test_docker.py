from __future__ import annotations

import json
from typing import Any

import pytest

from models.event import LogSource
from models.records import Context, ParseError
from streams.sources.containers.docker import SOURCE
from tests.sources import fuzz
from tests.sources.parsing import NOON, kind, names, one, raw

CONTAINER = "ab" * 32
POD_UID = "5b9488ae-5563-42aa-850b-b0d82edb3e22"
HOST = Context(host="node-a.example.com")


def docker(action: str, kind_: str = "container", uid: str = CONTAINER, **attributes: str) -> dict[str, Any]:
    return {
        "status": action,
        "id": uid,
        "Type": kind_,
        "Action": action,
        "Actor": {"ID": uid, "Attributes": {"image": "registry.example.com/web:1.2", "name": "web", **attributes}},
        "scope": "local",
        "time": 1_718_452_800,
        "timeNano": 1_718_452_800_123_456_789,
    }


START = docker("start", **{"io.kubernetes.pod.name": "web-1", "io.kubernetes.pod.uid": POD_UID})
EXEC = docker("exec_start: /bin/sh -c id", execID="e" * 64)
DIED = docker("exec_die", execID="e" * 64, exitCode="137")
PULL = docker("pull", kind_="image", uid="nginx:latest", name="nginx")
PODMAN: dict[str, Any] = {
    "ID": CONTAINER,
    "Image": "registry.example.com/web:1.2",
    "Name": "web",
    "Status": "died",
    "Time": "2024-06-15T14:00:00.123456789+02:00",
    "Type": "container",
    "ContainerExitCode": 1,
    "Attributes": {"io.podman.compose.project": "shop"},
}
CONTAINERD: dict[str, Any] = {
    "timestamp": "2024-06-15T12:00:00.123456789Z",
    "namespace": "k8s.io",
    "topic": "/tasks/exec-started",
    "event": {"container_id": CONTAINER, "exec_id": "e1", "pid": 4242},
}
NERDCTL: dict[str, Any] = {
    "Timestamp": "2024-06-15T12:00:00.123456789Z",
    "ID": CONTAINER,
    "Namespace": "default",
    "Topic": "/containers/create",
    "Status": "CREATE",
    "Event": json.dumps({"id": CONTAINER, "image": "registry.example.com/web:1.2", "runtime": {"name": "runc"}}),
}
CTR = (
    b"2024-06-15 12:00:00.123456789 +0000 UTC k8s.io /tasks/exit "
    b'{"container_id":"' + CONTAINER.encode() + b'","id":"e1","pid":4242,"exit_status":1}'
)
RECORDS = (START, EXEC, DIED, PULL, PODMAN, CONTAINERD, NERDCTL)


def test_a_container_starts() -> None:
    event = one(SOURCE, START, HOST)
    ocsf = event.ocsf
    assert (kind(event), event.time) == ((6002, 3), NOON + 123)
    assert ocsf["app"] == {"name": "web", "uid": CONTAINER, "version": "1.2"}
    container = ocsf["device"]["container"]
    assert (container["name"], container["pod_uuid"], container["orchestrator"]) == ("web", POD_UID, "Kubernetes")
    assert container["image"]["name"] == "registry.example.com/web"
    assert ocsf["unmapped"]["attributes"]["io.kubernetes.pod.name"] == "web-1"
    assert names(event) == {"host:node-a", f"workload:{CONTAINER[:12]}", f"workload:{POD_UID}"}
    assert event.logsource == LogSource("docker")


def test_a_command_in_a_container() -> None:
    event = one(SOURCE, EXEC, HOST)
    process = event.ocsf["process"]
    assert kind(event) == (1007, 1)
    assert (process["cmd_line"], process["name"], process["file"]["path"]) == ("/bin/sh -c id", "sh", "/bin/sh")
    assert (process["uid"], process["container"]["uid"]) == ("e" * 64, CONTAINER)
    assert event.ocsf["metadata"]["correlation_uid"] == "e" * 64
    assert (event.native["CommandLine"], event.native["Image"]) == ("/bin/sh -c id", "/bin/sh")
    assert event.logsource == LogSource("linux", "docker", ("process_creation",))
    assert f"workload:{CONTAINER[:12]}" in names(event)


def test_a_command_made_and_ended() -> None:
    made = one(SOURCE, docker("exec_create: id", execID="e1"))
    assert (kind(made), made.ocsf["activity_name"], made.logsource) == ((1007, 99), "exec_create", LogSource("docker"))
    ended = one(SOURCE, DIED)
    assert (kind(ended), ended.ocsf["exit_code"]) == ((1007, 2), 137)


@pytest.mark.parametrize(
    ("action", "what", "expected"),
    [
        ("create", "container", (6002, 1)),
        ("destroy", "container", (6002, 2)),
        ("kill", "container", (6002, 4)),
        ("restart", "container", (6002, 5)),
        ("pause", "container", (6002, 7)),
        ("rename", "container", (6002, 8)),
        ("commit", "container", (6002, 99)),
        ("health_status: healthy", "container", (6002, 99)),
        ("exec_start: id", "container", (6002, 99)),  # without an id there is no process to tell of
        ("delete", "image", (6002, 2)),
        ("connect", "network", (6002, 6)),
        ("enable", "plugin", (6002, 6)),
    ],
)
def test_actions(action: str, what: str, expected: tuple[int, int]) -> None:
    event = one(SOURCE, docker(action, kind_=what))
    assert kind(event) == expected
    if expected[1] == 99:
        assert event.ocsf["activity_name"] == action.partition(":")[0]


def test_an_image() -> None:
    event = one(SOURCE, PULL, HOST)
    assert (kind(event), event.ocsf["app"]["uid"]) == ((6002, 1), "nginx:latest")
    assert names(event) == {"host:node-a"}


def test_podman() -> None:
    event = one(SOURCE, PODMAN, HOST)
    assert (kind(event), event.time) == ((6002, 4), NOON + 123)
    assert event.ocsf["metadata"]["product"]["name"] == "Podman"
    assert event.ocsf["unmapped"]["exitCode"] == 1


def test_containerd_in_every_form() -> None:
    event = one(SOURCE, CONTAINERD, HOST)
    assert (kind(event), event.time, event.ocsf["process"]["pid"]) == ((1007, 1), NOON + 123, 4242)
    event = one(SOURCE, NERDCTL, HOST)
    assert (kind(event), event.ocsf["device"]["container"]["image"]["tag"]) == ((6002, 1), "1.2")
    event = one(SOURCE, CTR, HOST)
    assert (kind(event), event.time, event.ocsf["exit_code"]) == ((1007, 2), NOON + 123, 1)
    assert event.native["topic"] == "/tasks/exit"


def test_the_same_line_of_two_hosts_is_two_events() -> None:
    assert one(SOURCE, START, HOST).uid != one(SOURCE, START, Context(host="node-b")).uid


def test_what_no_engine_tells_is_refused() -> None:
    for value in (
        {"Type": "container", "Action": "start"},
        {"topic": "orders", "event": {}},
        {"topic": "/orders/new", "event": {}},
        {"Type": "x", "Status": "y"},
    ):
        assert not SOURCE.recognize(b"", value)
        assert isinstance(SOURCE.parse(raw(SOURCE, value)), ParseError)
    assert not SOURCE.recognize(b"2024-06-15 12:00:00 +0000 UTC a line of text", None)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, RECORDS)
    fuzz.every_part_wrong(SOURCE, RECORDS)
    fuzz.text_records(SOURCE, (CTR,))
    fuzz.anything(SOURCE, 100)
    fuzz.too_much(SOURCE, START, ("Action", "Actor", "time", "timeNano", "id"))
    fuzz.too_much(SOURCE, CONTAINERD, ("topic", "event", "timestamp"))
