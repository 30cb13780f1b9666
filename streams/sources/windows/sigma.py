"""Give Windows events the further names under which Sigma's generic categories look for their values.

The names a record came with stay; `ProcessId` of a process creation is the one exception, since Security 4688 calls the
creator so and Sigma the new process: there the creator moves to `ParentProcessId`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from streams.sources.base import integer, text
from streams.sources.windows.logsource import (
    POWERSHELL_CLASSIC,
    SECURITY,
    SYSMON,
    WINDEFEND,
    registry_change,
)

Native = Mapping[str, Any]

WELL_KNOWN_USERS: Final = {
    "S-1-5-18": "NT AUTHORITY\\SYSTEM",
    "S-1-5-19": "NT AUTHORITY\\LOCAL SERVICE",
    "S-1-5-20": "NT AUTHORITY\\NETWORK SERVICE",
}
INTEGRITY: Final = {
    "S-1-16-0": "Untrusted",
    "S-1-16-4096": "Low",
    "S-1-16-8192": "Medium",
    "S-1-16-8448": "Medium",
    "S-1-16-12288": "High",
    "S-1-16-16384": "System",
    "S-1-16-20480": "Protected",
}
_HIVES: Final = {"\\REGISTRY\\MACHINE": "HKLM", "\\REGISTRY\\USER": "HKU"}
_VALUE_OPERATIONS: Final = {"%%1904": "SetValue", "%%1905": "SetValue", "%%1906": "DeleteValue"}
DWORD, QWORD, BINARY = "%%1876", "%%1883", "%%1875"
LOW_32_BITS: Final = 0xFFFFFFFF
_UNNAMED_DATA: Final = frozenset({POWERSHELL_CLASSIC, "application", "msexchange-management"})
MAX_PARAMS: Final = 32


def sigma_names(native: Native, service: str, event_id: int) -> Native:
    """Return the record with Sigma's further names added, or the record itself when there are none."""
    derive = _DERIVE.get((service, event_id)) or _DERIVE.get((service, -1))
    added = {name: value for name, value in derive(native) if value is not None} if derive else None
    return {**native, **added} if added else native


def _process_creation(native: Native) -> Iterator[tuple[str, Any]]:
    yield "Image", native.get("NewProcessName")
    yield "ParentImage", native.get("ParentProcessName")
    if "NewProcessId" in native:
        yield "ProcessId", integer(native["NewProcessId"])
        yield "ParentProcessId", integer(native.get("ProcessId"))
    # The process runs as its target account where one is given, else as its creator.
    owner = "Target" if text(native.get("TargetUserName")) else "Subject"
    yield "User", _user(native, owner)
    yield "LogonId", native.get(f"{owner}LogonId")
    label = text(native.get("MandatoryLabel"))
    yield "IntegrityLevel", INTEGRITY.get(label, label) if label else None


def _user(native: Native, owner: str) -> str | None:
    known = WELL_KNOWN_USERS.get(text(native.get(f"{owner}UserSid")) or "")
    name, domain = text(native.get(f"{owner}UserName")), text(native.get(f"{owner}DomainName"))
    return known or (f"{domain}\\{name}" if domain and name else name)


def _process_termination(native: Native) -> Iterator[tuple[str, Any]]:
    yield "Image", native.get("ProcessName")
    yield "User", _user(native, "Subject")


def _registry_value(native: Native) -> Iterator[tuple[str, Any]]:
    yield "TargetObject", audited_value_path(native)
    yield "Details", _details(native)
    yield "Image", native.get("ProcessName")
    yield "EventType", audited_value_change(native) or None
    yield "User", _user(native, "Subject")


def audited_value_change(native: Native) -> str:
    """Return Sysmon's word for what Security 4657 reports, or an empty string."""
    return _VALUE_OPERATIONS.get(text(native.get("OperationType")) or "", "")


def audited_value_path(native: Native) -> str | None:
    """Return key and value name of Security 4657 as Sysmon would write them."""
    key, value = text(native.get("ObjectName")), text(native.get("ObjectValueName"))
    if key is None:
        return None
    for kernel_name, hive in _HIVES.items():
        if key.upper().startswith(f"{kernel_name}\\"):
            key = hive + key[len(kernel_name) :]
    return f"{key}\\{value}" if value else key


def _details(native: Native) -> str | None:
    value, kind = native.get("NewValue"), native.get("NewValueType")
    number = integer(value)
    if kind == BINARY:
        return "Binary Data"
    if kind == DWORD and number is not None:
        return f"DWORD (0x{number & LOW_32_BITS:08x})"
    if kind == QWORD and number is not None:
        return f"QWORD (0x{number >> 32 & LOW_32_BITS:08x}-0x{number & LOW_32_BITS:08x})"
    return text(value)


def _registry_event(native: Native) -> Iterator[tuple[str, Any]]:
    change = registry_change(native)
    yield "EventType", change if change and change != native.get("EventType") else None


def _unnamed_data(native: Native) -> Iterator[tuple[str, Any]]:
    if text(native.get("Data")) is None:
        params = [text(native.get(f"param{number}")) for number in range(1, MAX_PARAMS)]
        yield "Data", "\n".join(param for param in params if param) or text(native.get("Message"))


def _defender(native: Native) -> Iterator[tuple[str, Any]]:
    for name, value in native.items():
        if " " in name:
            yield name.replace(" ", ""), value
            yield name.replace(" ", "_"), value
    yield "Signature", native.get("Threat Name", native.get("ThreatName"))
    yield "Filename", native.get("Path")


_DERIVE: Final[dict[tuple[str, int], Callable[[Native], Iterator[tuple[str, Any]]]]] = {
    (SECURITY, 4657): _registry_value,
    (SECURITY, 4688): _process_creation,
    (SECURITY, 4689): _process_termination,
    (SYSMON, 12): _registry_event,
    (SYSMON, 13): _registry_event,
    (WINDEFEND, -1): _defender,
    **{(service, -1): _unnamed_data for service in _UNNAMED_DATA},
}
