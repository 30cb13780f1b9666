"""Processes, scripts, services, tasks and listeners: what runs on a host or in a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from enrichers.entities import child
from enrichers.names import container_id, plain
from streams.features import catalog as has
from streams.features.look import DEVICE, Look, entity_key
from streams.features.minute import Minute
from streams.features.network import LAST_PORT, LISTEN
from streams.features.texts import base_name, millibits, words

LAUNCH, INJECT = 1, 4  # activities of a process
CREATE, UPDATE, DELETE, RENAME, ENCRYPT = 1, 3, 4, 5, 10  # activities of a file
WRITES: Final = (CREATE, UPDATE, RENAME, ENCRYPT)
LOAD: Final = 1
START: Final = 3  # of an application
EXECUTE: Final = 1
SHA_256: Final = 3  # algorithm
MAX_HASHES: Final = 4


def _where(look: Look) -> Minute | None:
    """Return the minute of the container that something runs in, or of the host."""
    for name in ("process", "device"):
        holder = child(look.body, name)
        inside = _in_container(look, child(holder, "container")) if "container" in holder else None
        if inside is not None:
            return inside
    return look.minute(entity_key("host", look.host), DEVICE) if look.host else None


def _in_container(look: Look, container: Mapping[str, Any]) -> Minute | None:
    name = container_id(container.get("uid")) or plain(container.get("pod_uuid"))
    if not name:
        return None
    image = child(container, "image")
    minute = look.minute(entity_key("workload", name), DEVICE, peers=words(image.get("name")))
    minute.value(has.CONTAINER_IMAGE, words(image.get("uid")) or words(image.get("name")))
    return minute


def process(look: Look) -> None:
    """Read a Process Activity."""
    if look.activity not in (LAUNCH, INJECT) or look.failed:
        return
    minute = _where(look)
    if minute is None:
        return
    if look.activity == INJECT:
        minute.count(has.INJECTIONS)
        return
    started = child(look.body, "process")
    image = _image(started)
    minute.count(has.PROCESSES)
    minute.kind(has.IMAGE, has.IMAGES, image)
    parent = _image(child(started, "parent_process")) or _image(child(child(look.body, "actor"), "process"))
    if parent and image:
        minute.value(has.PARENT_CHILD, f"{parent}>{image}")
    minute.value(has.BINARY, _binary(child(started, "file")))
    _command(minute, started.get("cmd_line"))


def _image(running: Mapping[str, Any]) -> str:
    """Return the name of a program's file."""
    file = child(running, "file")
    return base_name(words(file.get("name")) or words(running.get("name")) or words(file.get("path")))


def _binary(file: Mapping[str, Any]) -> str:
    """Return what tells one program file from another: its hash where there is one, else its path."""
    told = file.get("hashes")
    hashes = [item for item in told[:MAX_HASHES] if isinstance(item, dict)] if isinstance(told, list) else []
    hashes.sort(key=lambda item: item.get("algorithm_id") != SHA_256)
    return next(filter(None, (words(item.get("value")) for item in hashes)), "") or words(file.get("path"))


def _command(minute: Minute, command: Any) -> None:
    if type(command) is str and command:
        minute.peak(has.COMMAND_LENGTH, len(command), command)
        minute.peak(has.COMMAND_ENTROPY, millibits(command), command)


def script(look: Look) -> None:
    """Read a Script Activity."""
    minute = _where(look) if look.activity == EXECUTE else None
    if minute is not None:
        minute.count(has.SCRIPTS)
        content = child(child(look.body, "script"), "script_content").get("value")
        if type(content) is str:
            minute.peak(has.SCRIPT_LENGTH, len(content), content)


def job(look: Look) -> None:
    """Read a Scheduled Job Activity."""
    minute = _where(look) if look.activity in (CREATE, UPDATE) and not look.failed else None
    if minute is not None:
        if look.activity == CREATE:
            minute.count(has.JOBS_CREATED)
        minute.value(has.JOB, words(child(look.body, "job").get("name")))


def service(look: Look) -> None:
    """Read a Windows Service Activity."""
    minute = _where(look) if look.activity == CREATE and not look.failed else None
    if minute is not None:
        minute.count(has.SERVICES_CREATED)
        minute.value(has.SERVICE, words(child(look.body, "win_service").get("name")))


def driver(look: Look) -> None:
    """Read a Kernel Extension Activity."""
    minute = _where(look) if look.activity == LOAD else None
    if minute is not None:
        minute.value(has.DRIVER, _image(child(look.body, "driver")) or words(child(look.body, "kernel").get("name")))


def file(look: Look) -> None:
    """Read a File System Activity."""
    writes, deletes = look.activity in WRITES, look.activity == DELETE
    minute = _where(look) if (writes or deletes) and not look.failed else None
    if minute is not None:
        minute.count(has.FILE_CHANGES if writes else has.FILE_DELETIONS)


def listener(look: Look) -> None:
    """Read the part of Network Activity that is about one end only: a port that was opened."""
    minute = _where(look) if look.activity == LISTEN else None
    if minute is not None:
        minute.count(has.LISTENERS)
        port = look.source.get("port")
        program = _image(child(child(look.body, "actor"), "process")) or _image(child(look.body, "process"))
        if type(port) is int and 0 < port <= LAST_PORT:
            protocol = words(child(look.body, "connection_info").get("protocol_name")) or "ip"
            minute.value(has.LISTENER, f"{program or 'unknown'} {port}/{protocol}")


def application(look: Look) -> None:
    """Read an Application Lifecycle: a container that starts names its image."""
    if look.activity == START:
        _where(look)
