"""Flatten every JSON form of a Windows event into one mapping under the field names of Sigma's taxonomy.

Three families of shippers, three shapes: flat objects (NXLog, Fluent Bit, `Get-WinEvent`), the event's XML rendered as
JSON (`Event.System`, `Event.EventData`: evtx_dump, xmltodict, Velociraptor) and the beats (`winlog.*`, and the names of
their sixth version, which had no prefix). Dotted keys are the nested ones written flat.

Where a data field has the name of a system field, the data field has it, except for the four names that say which event
this is: those come from the system part, and the data field is called `EventData.<name>`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from models.errors import Unparseable
from streams.sources.base import integer, text
from streams.sources.windows.eventdata import attribute, event_data, unwrap, user_data

MAX_DOTS: Final = 6
EVENT_ID_MASK: Final = 0xFFFF  # an instance id carries severity and facility above the event id
MAX_INSTANCE_ID: Final = 2**32
DOTTED: Final = ("winlog.", "Event.")
LINUX_SYSMON: Final = "Linux-Sysmon"
LEVELS: Final = {"critical": 1, "error": 2, "warning": 3, "information": 4, "info": 4, "verbose": 5}

_CORE: Final = ("EventID", "Channel", "Computer", "Provider_Name")
_FLAT_EVENT_ID: Final = ("EventID", "EventId", "EventCode", "event_id", "Id")
_FLAT_CHANNEL: Final = ("Channel", "LogName", "log_name")
_FLAT_PROVIDER: Final = ("Provider_Name", "SourceName", "ProviderName", "source_name", "Provider", "Source")
_FLAT_COMPUTER: Final = ("Hostname", "ComputerName", "MachineName", "computer_name", "HostName")
_FLAT_NAMES: Final = tuple(zip(_CORE, (_FLAT_EVENT_ID, _FLAT_CHANNEL, _FLAT_COMPUTER, _FLAT_PROVIDER), strict=True))
_DATA_KEYS: Final = ("EventData", "event_data", "UserData", "user_data")
_SYSTEM_IDS: Final = frozenset({"EventID", "EventID_attributes"})
_BEAT_NAMES: Final = {
    "event_id": "EventID",
    "channel": "Channel",
    "log_name": "Channel",
    "computer_name": "Computer",
    "provider_name": "Provider_Name",
    "source_name": "Provider_Name",
    "provider_guid": "ProviderGuid",
    "record_id": "EventRecordID",
    "record_number": "EventRecordID",
    "activity_id": "ActivityID",
    "version": "Version",
    "opcode": "Opcode",
    "task": "Category",
    "keywords": "Keywords",
    "level": "Level",
    "process_id": "ExecutionProcessID",
    "thread_id": "ThreadID",
}


def flatten(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record as one flat mapping; `EventID` is an int, and `Channel` or `Provider_Name` is there.

    May reuse `record` itself. Raises Unparseable when it is no Windows event.
    """
    native = _shape(record)
    if native is None:
        raise Unparseable("not a Windows event: no event id", field="EventID")
    event_id = native["EventID"] = _event_id(native.get("EventID"))
    if event_id is None:
        raise Unparseable("not a Windows event: the event id is no number", field="EventID")
    provider = text(native.get("Provider_Name"))
    if provider is None and text(native.get("Channel")) is None:
        raise Unparseable("not a Windows event: neither channel nor provider", field="Channel")
    if provider == LINUX_SYSMON:
        raise Unparseable("an event of Sysmon for Linux, not of Windows", field="Provider_Name")
    return native


def is_windows(record: Mapping[str, Any]) -> bool:
    """Tell whether the object looks like a Windows event in any of the forms."""
    event = record.get("Event", record)
    if isinstance(event, Mapping) and isinstance(event.get("System"), Mapping):
        system = event["System"]
        return not system.keys().isdisjoint(_SYSTEM_IDS) and _part(system, "Provider", "Name") != LINUX_SYSMON
    winlog = record.get("winlog")
    if isinstance(winlog, Mapping):
        return any(key.startswith(("event_id", "event_data")) for key in winlog)
    if "winlog.event_id" in record or "Event.System.EventID" in record:
        return True
    has_id = _event_id(_first(record, _FLAT_EVENT_ID)) is not None
    return has_id and any(isinstance(_first(record, names), str) for names in (_FLAT_CHANNEL, _FLAT_PROVIDER[:4]))


def _shape(record: dict[str, Any]) -> dict[str, Any] | None:
    event = record.get("Event", record)
    if "EventID" in record and event is record:
        return _from_flat(record)
    if isinstance(event, dict) and isinstance(event.get("System"), dict):
        return _from_xml(event)
    winlog = record.get("winlog")
    if isinstance(winlog, dict) and not _is_dotted(record):
        return _from_beat(_nested(winlog) if any("." in key for key in winlog) else winlog, record)
    if "event_id" in record and "log_name" in record:
        return _from_beat(record, record)
    if _is_dotted(record):
        return _shape(_nested(record))
    return _from_flat(record) if _first(record, _FLAT_EVENT_ID) is not None else None


def _is_dotted(record: dict[str, Any]) -> bool:
    return any(key.startswith(DOTTED) for key in record)


def _from_flat(native: dict[str, Any]) -> dict[str, Any]:
    for key in _DATA_KEYS:
        if key in native:
            _merge_data(native, native.pop(key))
    for name, aliases in _FLAT_NAMES:
        if name not in native:
            native[name] = _first(native, aliases)
    for name, part in (("TimeCreated", "SystemTime"), ("Provider_Name", "Name")):
        if isinstance(native.get(name), dict):
            native[name] = attribute(native[name], part)
    return native


def _merge_data(native: dict[str, Any], data: Any) -> None:
    for name, value in (*event_data(data).items(), *user_data(data).items()):
        native.setdefault(name, value)


def _first(record: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        value = record.get(name)
        if value is not None:
            return value
    return None


def _from_xml(event: dict[str, Any]) -> dict[str, Any]:
    system = event["System"]
    native = dict(_system_extras(system))
    native.update(event_data(event.get("EventData")))
    native.update(user_data(event.get("UserData")))
    rendering = event.get("RenderingInfo")
    if isinstance(rendering, dict) and isinstance(rendering.get("Message"), str):
        native["Message"] = rendering["Message"]
    core = (
        system.get("EventID"),
        unwrap(system.get("Channel")),
        unwrap(system.get("Computer")),
        _part(system, "Provider", "Name"),
    )
    return _with_core(native, core)


def _with_core(native: dict[str, Any], values: tuple[Any, ...]) -> dict[str, Any]:
    for name, value in zip(_CORE, values, strict=True):
        if name in native:
            native[f"EventData.{name}"] = native[name]
        native[name] = value
    return native


def _system_extras(system: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in ("Level", "Task", "Opcode", "Keywords", "Version", "EventRecordID"):
        if name in system:
            yield name, unwrap(system[name])
    yield "TimeCreated", _part(system, "TimeCreated", "SystemTime")
    yield "ProviderGuid", _part(system, "Provider", "Guid")
    yield "ExecutionProcessID", _part(system, "Execution", "ProcessID")
    yield "ThreadID", _part(system, "Execution", "ThreadID")
    yield "UserID", _part(system, "Security", "UserID")
    yield "ActivityID", _part(system, "Correlation", "ActivityID")


def _part(system: Mapping[str, Any], element: str, name: str) -> Any:
    node = system.get(element)
    return attribute(system.get(f"{element}_attributes") if node is None else node, name)


def _from_beat(winlog: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    native = {_BEAT_NAMES[key]: value for key, value in winlog.items() if key in _BEAT_NAMES}
    core = tuple(native.pop(name, None) for name in _CORE)
    native.update(_beat_extras(winlog, record))
    native.update(event_data(winlog.get("event_data")))
    native.update(user_data(winlog.get("user_data")))
    return _with_core(native, core)


def _beat_extras(winlog: dict[str, Any], record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    user, process, log = winlog.get("user"), winlog.get("process"), record.get("log")
    level = log.get("level") if isinstance(log, dict) else record.get("log.level", winlog.get("level"))
    yield "Level", LEVELS.get(level.lower(), level) if isinstance(level, str) else level
    yield "@timestamp", record.get("@timestamp")
    yield "Message", record.get("message")
    if isinstance(user, dict):
        yield "UserID", user.get("identifier")
    if isinstance(process, dict):
        yield "ExecutionProcessID", process.get("pid")


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Turn dotted keys into nested objects; a longer path wins over a scalar in its way."""
    whole: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".", MAX_DOTS)
        node = whole
        for step in path:
            child = node.get(step)
            if not isinstance(child, dict):
                child = node[step] = {}
            node = child
        if not isinstance(node.get(last), dict):
            node[last] = value
        elif isinstance(value, dict):
            node[last].update(value)
    return whole


def _event_id(value: Any) -> int | None:
    number = value if type(value) is int else integer(unwrap(value))
    if number is None or not 0 <= number < MAX_INSTANCE_ID:
        return None
    return number & EVENT_ID_MASK
