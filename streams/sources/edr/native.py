"""Give what endpoint sensors tell the names under which Sigma's generic categories look for it.

Source: the field names of the Sigma taxonomy for process_creation, file_event, registry_set, network_connection,
dns_query, image_load and the like. Drive letters and root keys are spelled as Windows' own logs spell them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

_VOLUME: Final = re.compile(
    r"\\Device\\HarddiskVolume\d{1,4}\\(?=(?:Windows|Program Files(?: \(x86\))?|ProgramData|Users)\\)", re.IGNORECASE
)
_ROOTS: Final = (
    ("\\registry\\machine", "HKLM"),
    ("\\registry\\user", "HKU"),
    ("hkey_local_machine", "HKLM"),
    ("hkey_users", "HKU"),
    ("hkey_current_user", "HKCU"),
    ("hkey_classes_root", "HKCR"),
    ("machine", "HKLM"),
    ("user", "HKU"),
)
_CONTROL_SET: Final = re.compile(r"\\ControlSet\d{3}(?=\\|$)", re.IGNORECASE)
_SPELLINGS: Final = {"MD5": "MD5", "SHA-1": "SHA1", "SHA-256": "SHA256"}
MAX_PATH: Final = 1024

Process = Mapping[str, Any] | None


def windows_path(path: str) -> str:
    r"""Return a path with a drive letter for the system's volume.

    Sensors name the device; folders that only the system's volume has by these names are on `C:`.
    """
    return _windows_path(path) if path[:8].lower() == "\\device\\" and len(path) <= MAX_PATH else path


@lru_cache(maxsize=8192)
def _windows_path(path: str) -> str:
    return _VOLUME.sub("C:\\\\", path, count=1)


def target_object(key: str, value_name: str | None = None) -> str:
    """Return a registry key, or a value within it, as Sysmon spells it: `HKLM` and `CurrentControlSet`."""
    whole = f"{key}\\{value_name}" if value_name else key
    return _target_object(whole) if len(whole) <= MAX_PATH else whole


@lru_cache(maxsize=8192)
def _target_object(whole: str) -> str:
    lowered = whole.lower()
    for start, root in _ROOTS:
        if lowered.startswith(f"{start}\\"):
            whole = root + whole[len(start) :]
            break
    return _CONTROL_SET.sub(r"\\CurrentControlSet", whole, count=1)


def user_name(user: Mapping[str, Any] | None) -> str | None:
    r"""Return a user as Windows' logs write it, `DOMAIN\name`."""
    if not user:
        return None
    name, domain = user.get("name"), user.get("domain")
    return f"{domain}\\{name}" if name and domain else name


def image_of(process: Process) -> str | None:
    """Return the path of a process's program, its name where only that is known."""
    if not process:
        return None
    found = process.get("file")
    path = windows_path(found["path"]) if found else process.get("name")
    return _ending(path) if path else None


def _ending(path: str) -> str:
    r"""Return a path; a bare name as the end of one, since rules ask for what ends with `\cmd.exe` or `/bash`."""
    if "\\" in path or "/" in path:
        return path
    if path[-4:].lower() == ".exe":
        return f"\\{path}"
    return f"/{path}" if path.islower() and "." not in path else path  # `System` has no path anywhere


def hashes_of(file: Mapping[str, Any] | None) -> str | None:
    """Return the hashes of a file in Sysmon's form."""
    known = (file or {}).get("hashes") or ()
    return ",".join(
        f"{_SPELLINGS[item['algorithm']]}={item['value']}" for item in known if item["algorithm"] in _SPELLINGS
    )


def actor_names(process: Process) -> dict[str, Any]:
    """Return the names of the process that did something."""
    if not process:
        return {}
    return _given(
        Image=image_of(process),
        CommandLine=process.get("cmd_line"),
        ProcessId=process.get("pid"),
        ProcessGuid=process.get("uid"),
        User=user_name(process.get("user")),
    )


def creation_names(process: Mapping[str, Any], parent: Process) -> dict[str, Any]:
    """Return the names of a process that was created, and of its creator."""
    session, made = process.get("session") or {}, parent or {}
    return actor_names(process) | _given(
        CurrentDirectory=process.get("working_directory"),
        IntegrityLevel=process.get("integrity"),
        LogonId=session.get("uid"),
        Hashes=hashes_of(process.get("file")),
        ParentImage=image_of(parent),
        ParentCommandLine=made.get("cmd_line"),
        ParentProcessId=made.get("pid"),
        ParentProcessGuid=made.get("uid"),
        ParentUser=user_name(made.get("user")),
    )


def pair_names(source: Process, target: Process) -> dict[str, Any]:
    """Return the names of a process that reached into another."""
    return _given(
        SourceImage=image_of(source),
        TargetImage=image_of(target),
        SourceProcessId=(source or {}).get("pid"),
        TargetProcessId=(target or {}).get("pid"),
        SourceUser=user_name((source or {}).get("user")),
    )


def connection_names(
    source: Mapping[str, Any] | None, target: Mapping[str, Any] | None, protocol: str | None, direction_id: int
) -> dict[str, Any]:
    """Return the names of a connection; `Initiated` says whether this host opened it."""
    source, target = source or {}, target or {}
    return _given(
        SourceIp=source.get("ip"),
        SourcePort=source.get("port"),
        DestinationIp=target.get("ip"),
        DestinationPort=target.get("port"),
        DestinationHostname=target.get("hostname"),
        Protocol=protocol,
        Initiated={1: "false", 2: "true"}.get(direction_id),
    )


def _given(**names: Any) -> dict[str, Any]:
    return {name: value for name, value in names.items() if value is not None and value != ""}
