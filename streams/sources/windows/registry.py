"""Registry events, from Sysmon 12 to 14 and from the audit of values in Security 4657, as OCSF."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from models.ocsf_classes import REGISTRY_KEY, REGISTRY_VALUE
from streams.sources.base import drop_none, integer, text
from streams.sources.windows.logsource import registry_change
from streams.sources.windows.objects import take_process, take_subject
from streams.sources.windows.record import OTHER, Draft, Fields
from streams.sources.windows.sigma import audited_value_change, audited_value_path
from streams.sources.windows.sysmon import image_actor

KEY_CREATE, KEY_DELETE, KEY_RENAME = 1, 4, 5
VALUE_SET, VALUE_MODIFY, VALUE_DELETE = 2, 3, 4
REG_BINARY, REG_DWORD, REG_QWORD, REG_SZ = 1, 2, 8, 10  # OCSF types of values
_KEY_ACTIVITIES: Final = {"createkey": KEY_CREATE, "deletekey": KEY_DELETE}
_MODIFIED: Final = "%%1905"
_VALUE_TYPES: Final = {
    "%%1873": (REG_SZ, "REG_SZ"),
    "%%1874": (4, "REG_EXPAND_SZ"),
    "%%1875": (REG_BINARY, "REG_BINARY"),
    "%%1876": (REG_DWORD, "REG_DWORD"),
    "%%1879": (6, "REG_MULTI_SZ"),
    "%%1883": (REG_QWORD, "REG_QWORD"),
}


def _key_or_value(fields: Fields) -> Draft | None:
    change = registry_change(fields.native)
    if change.lower() == "deletevalue":
        return _value(fields, VALUE_DELETE)
    path = fields.text("TargetObject")
    if path is None:
        return None
    fields.rest.pop("EventType", None)
    attributes = drop_none(reg_key={"path": path}, actor=image_actor(fields))
    activity_id = _KEY_ACTIVITIES.get(change.lower(), OTHER)
    if activity_id == OTHER:
        attributes["activity_name"] = "Create or Delete"
    return Draft(REGISTRY_KEY, activity_id, attributes)


def _value(fields: Fields, activity_id: int = VALUE_SET) -> Draft | None:
    target = fields.text("TargetObject")
    if target is None:
        return None
    fields.rest.pop("EventType", None)
    path, _, name = target.rpartition("\\")
    value = {"path": path or target, "name": name or target}
    details = fields.text("Details")
    if details is not None:
        value |= _sysmon_data(details)
    return Draft(REGISTRY_VALUE, activity_id, drop_none(reg_value=value, actor=image_actor(fields)))


def _sysmon_data(details: str) -> dict[str, Any]:
    if details == "Binary Data":
        return {"type_id": REG_BINARY, "type": "REG_BINARY", "data": details}
    kind, _, number = details.partition(" (")
    if kind == "DWORD" and (value := integer(number.rstrip(")"))) is not None:
        return {"type_id": REG_DWORD, "type": "REG_DWORD", "reg_integer_data": value, "data": details}
    if kind == "QWORD" and (value := _qword(number.rstrip(")"))) is not None:
        return {"type_id": REG_QWORD, "type": "REG_QWORD", "reg_integer_data": value, "data": details}
    return {"reg_string_data": details, "data": details}


def _qword(halves: str) -> int | None:
    high, _, low = halves.partition("-")
    return integer(f"{high}{low[2:]}") if low.startswith("0x") else None


def _rename(fields: Fields) -> Draft | None:
    old, new = fields.text("TargetObject"), fields.text("NewName")
    if old is None:
        return None
    fields.rest.pop("EventType", None)
    attributes = drop_none(
        reg_key={"path": new or old},
        prev_reg_key={"path": old} if new else None,
        actor=image_actor(fields),
    )
    return Draft(REGISTRY_KEY, KEY_RENAME, attributes)


def audited_value(fields: Fields) -> Draft | None:
    """Build Security 4657: a registry value was created, modified or deleted."""
    path = audited_value_path(fields.native)
    name = fields.text("ObjectValueName")
    if path is None or name is None:
        return None
    operation = text(fields.native.get("OperationType"))
    activity_id = VALUE_MODIFY if operation == _MODIFIED else VALUE_SET
    if audited_value_change(fields.native) == "DeleteValue":
        activity_id = VALUE_DELETE
    fields.rest.pop("ObjectName")
    key = path[: -len(name) - 1]
    attributes = drop_none(
        reg_value={"path": key, "name": name, **_audited_data(fields, "NewValue")},
        prev_reg_value={"path": key, "name": name, **old} if (old := _audited_data(fields, "OldValue")) else None,
        actor=take_subject(fields, take_process(fields, "ProcessId", "", "ProcessName")),
    )
    return Draft(REGISTRY_VALUE, activity_id, attributes)


def _audited_data(fields: Fields, name: str) -> dict[str, Any]:
    data = fields.text(name)
    if data is None:
        return {}
    kind = _VALUE_TYPES.get(text(fields.rest.get(f"{name}Type")) or "")
    made: dict[str, Any] = {"data": data, "reg_string_data": data}
    if kind:
        made["type_id"], made["type"] = kind
        del fields.rest[f"{name}Type"]
    return made


BUILDERS: Final[dict[int, Callable[[Fields], Draft | None]]] = {12: _key_or_value, 13: _value, 14: _rename}
