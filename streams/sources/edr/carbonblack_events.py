"""What Carbon Black Cloud's sensors tell (`endpoint.event.*` of the Data Forwarder), as drafts.

Source: VMware Carbon Black Cloud documentation, "Data Forwarder: Endpoint Event Data". One event may have several
actions, written `ACTION_A | ACTION_B`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from streams.sources.base import text
from streams.sources.edr import drafts, drafts_system
from streams.sources.edr.drafts import IN, OUT, Draft, Process
from streams.sources.edr.shapes import LINUX, MACOS, OTHER, hashes, pid, process, someone
from streams.sources.fields import MAX_LISTED
from streams.sources.objects import endpoint
from streams.sources.saas.words import first

Fields = Mapping[str, Any]

LOG_NAME: Final = "Carbon Black sensor"
PREFIX: Final = "endpoint.event."
_UNIX: Final = frozenset({LINUX, MACOS})
_FILE_ACTIONS: Final = (
    ("DELETE", drafts.DELETE),
    ("RENAME", drafts.RENAME),
    ("CREATE", drafts.CREATE),
    ("SET_SECURITY", 7),
    ("WRITE", drafts.UPDATE),
    ("MOD", drafts.UPDATE),
    ("READ", drafts.READ),
    ("OPEN", drafts.OPEN_FILE),
)
_KEY_ACTIONS: Final = (
    ("DELETE_KEY", drafts_system.KEY_DELETE),
    ("RENAME_KEY", drafts_system.KEY_RENAME),
    ("CREATE_KEY", drafts_system.KEY_CREATE),
    ("SECURITY", 6),
)


def draft_of(fields: Fields, device: dict[str, Any], platform: str) -> Draft:
    """Return the draft of a sensor's event; one without what its class requires is merely noted."""
    build = _BUILDERS.get(kind_of(fields))
    made = build(fields, device, platform) if build else None
    return made or drafts.noted(LOG_NAME, process_at("process", fields, platform))


def kind_of(fields: Fields) -> str:
    """Return the kind of an event without what all kinds begin with."""
    return str(fields.get("type"))[:64].removeprefix(PREFIX)


def process_at(prefix: str, fields: Fields, platform: str) -> Process:
    """Return the process whose fields begin with `process`, `parent`, `childproc` or `crossproc`."""
    listed = fields.get(f"{prefix}_hash")
    digests = listed[:4] if isinstance(listed, list) else (fields.get(f"{prefix}_sha256"), fields.get(f"{prefix}_md5"))
    who = text(fields.get(f"{prefix}_username"))
    return process(
        pid(fields.get(f"{prefix}_pid")),
        text(fields.get(f"{prefix}_guid")),
        text(fields.get(f"{prefix}_path")) or text(fields.get(f"{prefix}_name")),
        digests=hashes(*digests),
        cmd_line=text(fields.get(f"{prefix}_cmdline")),
        user=someone(who, unix=platform in _UNIX) if who else None,
        parent_process=process_at("parent", fields, platform) if prefix == "process" else None,
    )


def _actor(fields: Fields, platform: str) -> Process:
    return process_at("process", fields, platform)


def _child(fields: Fields, prefix: str, platform: str) -> Process:
    made = process_at(prefix, fields, platform)
    command = text(fields.get("target_cmdline"))
    return made | {"cmd_line": command} if made and command else made


def _launched(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    child = _child(fields, "childproc", platform)
    if child is None:  # the event of a process that was first seen here
        return drafts.launched(_actor(fields, platform))
    parent = _actor(fields, platform)
    return drafts.launched(child | ({"parent_process": parent} if parent else {}))


def _ended(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    return drafts.ended(_actor(fields, platform))


def _reached(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    action = str(first(fields, "crossproc_action", "action"))[:256]
    thread = "REMOTE_THREAD" in action or "INJECT" in action
    source, target = _actor(fields, platform), _child(fields, "crossproc", platform)
    if fields.get("crossproc_target") is False:  # then the other process reached into this one
        source, target = target, source
    return drafts.reached_into(source, target, drafts.INJECT if thread else drafts.OPEN, thread=thread)


def _action(fields: Fields, known: tuple[tuple[str, int], ...], otherwise: int) -> int:
    told = str(fields.get("action"))[:256]
    return next((activity_id for word, activity_id in known if word in told), otherwise)


def _touched(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    listed = fields.get("filemod_hash")
    return drafts.touched(
        text(fields.get("filemod_name")),
        _action(fields, _FILE_ACTIONS, OTHER),
        _actor(fields, platform),
        digests=hashes(*(listed[:4] if isinstance(listed, list) else ())),
    )


def _connected(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    incoming = fields.get("netconn_inbound")
    direction = {True: IN, False: OUT}.get(incoming, 0) if isinstance(incoming, bool) else 0
    local = endpoint(first(fields, "local_ip", "netconn_local_ip"), first(fields, "local_port", "netconn_local_port"))
    remote = endpoint(
        first(fields, "remote_ip", "netconn_remote_ip"),
        first(fields, "remote_port", "netconn_remote_port"),
        text(first(fields, "netconn_domain", "netconn_remote_domain")),
    )
    protocol = (text(fields.get("netconn_protocol")) or "").removeprefix("PROTO_")
    return drafts.connected(local, remote, protocol or None, direction, _actor(fields, platform))


def _registry(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    path, actor = text(fields.get("regmod_name")), _actor(fields, platform)
    if "_VALUE" not in str(fields.get("action"))[:256]:
        return drafts_system.key_changed(path, _action(fields, _KEY_ACTIONS, drafts_system.KEY_MODIFY), actor)
    key, _, name = (path or "").rpartition("\\")
    activity_id = _action(fields, (("DELETE_VALUE", drafts_system.VALUE_DELETE),), drafts_system.VALUE_SET)
    return drafts_system.value_changed(key, name, text(fields.get("regmod_new_value")), activity_id, actor)


def _loaded(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    digests = hashes(fields.get("modload_sha256"), fields.get("modload_md5"))
    return drafts.loaded(text(fields.get("modload_name")), _actor(fields, platform), digests)


def _script(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    """Return the draft of a script: its text where the sensor saw it, else the load of its file."""
    content, actor = text(fields.get("fileless_scriptload_cmdline")), _actor(fields, platform)
    path, listed = text(fields.get("scriptload_name")), fields.get("scriptload_hash")
    digests = hashes(*(listed[:4] if isinstance(listed, list) else ()))
    if content is None:
        return drafts.touched(path, drafts.OPEN_FILE, actor, digests=digests)
    program = ((actor or {}).get("name") or "").lower()
    type_id = drafts_system.POWERSHELL if program.startswith(("powershell", "pwsh")) else OTHER
    return drafts_system.script(content, type_id, actor, path, digests)


_Build = Callable[[Fields, dict[str, Any], str], Draft | None]
_BUILDERS: Final[Mapping[str, _Build]] = {
    "procstart": _launched,
    "procend": _ended,
    "crossproc": _reached,
    "filemod": _touched,
    "netconn": _connected,
    "netconn_proxy": _connected,
    "regmod": _registry,
    "modload": _loaded,
    "moduleload": _loaded,
    "scriptload": _script,
    "fileless_scriptload": _script,
}


def ttps_of(fields: Fields) -> list[str]:
    """Return the techniques among the names of behaviour an alert has, `MITRE_T1059_001_POWERSHELL` as `T1059.001`."""
    listed = fields.get("ttps")
    words = [word for word in listed[:MAX_LISTED] if isinstance(word, str)] if isinstance(listed, list) else []
    parts = [word.split("_", 3) for word in words if word.startswith("MITRE_T")]
    return [".".join(part[1:3]) if len(part) > 2 and part[2].isdigit() else part[1] for part in parts]  # noqa: PLR2004  # MITRE, technique, sub-technique
