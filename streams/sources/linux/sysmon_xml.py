"""Sysmon for Linux' event, from the XML that it writes to syslog or from JSON made of it, as one flat mapping.

The XML is of one fixed shape and comes from a host that may be taken: it is read by patterns, not by an XML parser, so
that there are no entities, no nesting and nothing that grows. An event that was cut off keeps the data before the cut.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from streams.sources.base import integer, text
from streams.sources.windows.eventdata import attribute, event_data, unwrap

PROVIDER: Final = "Linux-Sysmon"
CHANNEL: Final = "Linux-Sysmon/Operational"
START: Final = "<Event>"
MAX_EVENT_ID: Final = 0xFFFF
_ELEMENT: Final = re.compile(
    r"<(EventID|Version|Level|Task|Opcode|Keywords|EventRecordID|Channel|Computer)>([^<]{0,1024})<"
)
_ATTRIBUTE: Final = re.compile(
    r"""<(?:Provider Name|TimeCreated SystemTime|Execution ProcessID|Security UserId)=["'][^"'<]{0,256}["']"""
)
_DATA: Final = re.compile(r"""<Data Name=["'](\w{1,64})["'](?:/>|>([^<]*)</Data>)""", re.ASCII)
_REFERENCE: Final = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));", re.ASCII)
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_ATTRIBUTES: Final = {
    "Provider": "Provider_Name",
    "TimeCreated": "TimeCreated",
    "Execution": "ExecutionProcessID",
    "Security": "UserID",
}
_SURROGATES: Final = range(0xD800, 0xE000)
_SYSTEM: Final = ("Version", "Level", "Task", "Opcode", "Keywords", "EventRecordID", "Channel", "Computer")


def is_ours(line: str) -> bool:
    """Tell whether a text holds an event of Sysmon for Linux, looking at its beginning only."""
    head = line[:1024]
    return START in head and (f'Name="{PROVIDER}"' in head or f"Name='{PROVIDER}'" in head)


def from_xml(line: str) -> dict[str, Any] | None:
    """Read the event in a text; None when it has none with an id."""
    start = line.find(START)
    system, _, data = line[max(start, 0) :].partition("</System>")
    native: dict[str, Any] = {name: _plain(value) for name, value in _ELEMENT.findall(system[:8192])}
    for found in _ATTRIBUTE.findall(system[:8192]):
        name, _, value = found[1:].partition(" ")
        native[_ATTRIBUTES[name]] = _plain(value.partition("=")[2][1:-1])
    for name, value in _DATA.findall(data):
        native.setdefault(name, _plain(value))
    return _checked(native)


def from_object(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read the event in an object: the XML's elements as members, or all of them flat; None when it has none."""
    event = value.get("Event", value)
    if not isinstance(event, dict):
        return None
    system = event.get("System")
    if not isinstance(system, dict):
        return _checked({**value, **event_data(value.get("EventData"))}) if _names_us(value) else None
    native = {name: unwrap(system.get(name)) for name in _SYSTEM}
    native["EventID"] = unwrap(system.get("EventID"))
    native["Provider_Name"] = attribute(system.get("Provider"), "Name")
    native["TimeCreated"] = attribute(system.get("TimeCreated"), "SystemTime")
    native["UserID"] = attribute(system.get("Security"), "UserId")
    for name, item in event_data(event.get("EventData")).items():
        if name not in native:
            native[name] = item
    return _checked(native)


def _names_us(value: Mapping[str, Any]) -> bool:
    named = (value.get("Provider_Name"), value.get("ProviderName"), value.get("SourceName"), value.get("Channel"))
    return PROVIDER in named or CHANNEL in named


def _checked(native: dict[str, Any]) -> dict[str, Any] | None:
    event_id = integer(native.get("EventID"))
    ours = native.get("Provider_Name") == PROVIDER or native.get("Channel") == CHANNEL or _names_us(native)
    if event_id is None or not 0 <= event_id <= MAX_EVENT_ID or not ours:
        return None
    native["EventID"] = event_id
    native["Computer"] = text(native.get("Computer")) or text(native.get("Hostname"))
    return native


def _plain(value: str) -> str:
    return _REFERENCE.sub(_referred, value) if "&" in value else value


def _referred(found: re.Match[str]) -> str:
    name, decimal, hexadecimal = found.groups()
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return "\ufffd" if code > 0x10FFFF or code in _SURROGATES else chr(code)  # noqa: PLR2004  # the last code point
