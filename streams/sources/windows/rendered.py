r"""Read Windows events that somebody rendered as text: a date, `name=value` lines, the message with its labels.

Source: Splunk's "Monitor Windows event log data" (the form of `renderXml=0`); Microsoft's pages of the single events
for their messages. What comes of a text is the flat form that `streams.sources.windows.fields` reads, with the data
under the names that the event's XML has, so that rules and builders cannot tell the difference.

The date is the local time of whoever rendered it, months first, and names no zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.records import RawRecord
from streams.sources.base import integer
from streams.sources.blocks import DATE, FIRST_NAME, MAX_DATE_BYTES
from streams.sources.linux.syslog import stamp_ms
from streams.sources.windows.fields import EVENT_ID_MASK, LEVELS
from streams.sources.windows.rendered_names import ACCOUNTS, CODES, EVENTS, SECTIONS, SIDS

WRITTEN: Final = "WrittenTime"  # the date line as it was
LOOKED_AT_BYTES: Final = 2048
POWERSHELL_BLOCK: Final = 4104
SYSMON_TIME: Final = "UtcTime"
PROVIDERS: Final = {"Microsoft Windows security auditing.": "Microsoft-Windows-Security-Auditing"}
Names = Mapping[str, Mapping[str, str]]

_NONE: Final[Names] = {}
# Names of the system part, which no label of a message may take.
_TAKEN: Final = frozenset(
    (
        *("EventID", "EventId", "EventCode", "event_id", "Id", "Channel", "LogName", "log_name", "Provider_Name"),
        *("SourceName", "ProviderName", "Provider", "Source", "Computer", "Hostname", "ComputerName", "MachineName"),
        *("TimeCreated", "SystemTime", "EventTime", "TimeGenerated", "Level", "Severity", "Keywords", "Message"),
        *("EventData", "UserData", "Event", "System", "winlog", "EventRecordID", "RecordNumber", "ActivityID", WRITTEN),
    )
)
_WORDS: Final = {"ID": "Id", "GUID": "Guid"}
_TASK: Final = ("<?xml", "<Task")
_TASK_END: Final = "</Task>"

_EVENT_CODE: Final = re.compile(rb"^EventCode=\d{1,10}\s*$", re.MULTILINE)
_PAIR: Final = re.compile(r"([A-Za-z][A-Za-z0-9_]{0,63})=(.*)")
_LABEL: Final = re.compile(r"\s*([A-Z][A-Za-z0-9 ()/.'-]{0,79}):(?:\s+(.*)|)")
_US_DATE: Final = re.compile(
    r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})[T ](\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?([AP])M)?"
    r"( ?(?:Z|[+-]\d\d:?\d\d))?"
)
_WMI_DATE: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.(\d{6})([+-]\d{3})?")
_BLOCK: Final = re.compile(r"Creating Scriptblock text \((\d{1,6}) of (\d{1,6})\):\n")
_BLOCK_END: Final = "\n\nScriptBlock ID: "
_NOON: Final = 12


def is_rendered(raw: bytes) -> bool:
    """Tell a rendered event by its beginning: a date line or none, then `LogName=`, and an event code soon after."""
    if raw[:1] == b"{":  # nearly every record
        return False
    start = raw[:LOOKED_AT_BYTES].lstrip()
    if not start.startswith(FIRST_NAME):
        line, end, _ = start[: MAX_DATE_BYTES + 2].partition(b"\n")
        if not end or not DATE.fullmatch(line) or not start[len(line) + 1 :].startswith(FIRST_NAME):
            return False
    return _EVENT_CODE.search(start) is not None


def read(text: str, record: RawRecord) -> dict[str, Any]:
    """Return a rendered event as one flat object; raise Unparseable when it has no event code."""
    lines = [line.rstrip("\r") for line in text.strip().split("\n")]
    written = "" if lines[0].startswith("LogName=") else lines.pop(0).strip()
    header, message = _header(lines)
    event_id = integer(header.get("EventCode"))
    if event_id is None:
        raise Unparseable("no rendered Windows event: it has no event code", field="EventCode")
    native = {**_data(event_id & EVENT_ID_MASK, message), **_system(header), "EventID": event_id}
    if message:
        native["Message"] = "\n".join(message)
    if written:
        native[WRITTEN] = written
        if SYSMON_TIME not in native:  # which is in UTC without a doubt
            native["TimeCreated"] = _time(written, record)
    return native


def _header(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the pairs up to the message, and the lines of the message."""
    pairs: dict[str, str] = {}
    for number, line in enumerate(lines):
        found = _PAIR.fullmatch(line)
        if found and found[1] == "Message":
            return pairs, [found[2], *lines[number + 1 :]]
        if found:
            pairs.setdefault(found[1], found[2].strip())
    return pairs, []


def _system(header: Mapping[str, str]) -> dict[str, Any]:
    """Return the pairs of the header under the names of the flat form; what only rendering has keeps its name."""
    native: dict[str, Any] = {name: value for name, value in header.items() if name not in {"EventType", "Keywords"}}
    provider = header.get("SourceName", "")
    native |= {"Channel": header.get("LogName"), "Provider_Name": PROVIDERS.get(provider, provider) or None}
    native["Computer"] = header.get("ComputerName")
    words = [word.strip() for word in header.get("Keywords", "").split(",")]
    level = LEVELS.get(header.get("Type", "").lower())
    if level is not None:
        native["Level"] = level
    if any(words):
        native["Keywords"] = words
    return native


def _data(event_id: int, message: list[str]) -> dict[str, Any]:
    """Return the data that a message tells, under the names of the event's XML."""
    if event_id == POWERSHELL_BLOCK and (block := _script_block("\n".join(message))):
        return block
    own = EVENTS.get(event_id, _NONE)
    data: dict[str, Any] = {}
    for section, label, value in _labels(message):
        name = _name(own, section, label)
        if name in data or name in _TAKEN:
            name = f"EventData.{_plain(section + label)}"
        data.setdefault(name, _coded(name, value))
    for name, of_account in ACCOUNTS.items():
        if name in data:
            _with_sid(data, name, *of_account)
    return data


def _name(own: Names, section: str, label: str) -> str:
    tables = (own.get(section), SECTIONS.get(section), own.get(""), SECTIONS[""])
    return next((table[label] for table in tables if table and label in table), None) or _plain(label)


def _plain(label: str) -> str:
    return "".join(_WORDS.get(word, word) for word in label.split(" "))


def _coded(name: str, value: str) -> str:
    codes = CODES.get(name)
    return codes.get(value, value) if codes else value


def _with_sid(data: dict[str, Any], name: str, of_name: str, of_domain: str) -> None:
    """Put a SID where one belongs: rendering writes the account's name for it, which then counts as that."""
    value = data[name]
    if value.startswith("S-1-") or value in {"", "-"}:
        return
    known = SIDS.get(value)
    if known:
        data[name] = known
        return
    del data[name]
    domain, _, bare = value.rpartition("\\")
    if data.get(of_name, "-") == "-":
        data[of_name] = bare
        if domain and of_domain:
            data[of_domain] = domain


def _labels(message: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield section, label and value; a value goes on in the indented lines after it that have no label.

    A label at the margin that has no value begins a section, a blank line ends it. The XML of a task goes on to its
    end, whatever its lines look like.
    """
    values: list[str] = []
    section, label = "", ""
    for line in message[1:]:
        if values and values[0].startswith(_TASK) and _TASK_END not in values[-1]:
            values.append(line)
            continue
        found = _LABEL.fullmatch(line)
        if found is None and line[:1] in {"\t", " "} and line.strip():
            values.append(line.strip())
            continue
        if label and values:
            yield section, label, "\n".join(values)
        label, value = (found[1], (found[2] or "").strip()) if found else ("", "")
        values = [value] if value else []
        if not value and line[:1] not in {"\t", " "}:
            section = label
    if label and values:
        yield section, label, "\n".join(values)


def _script_block(message: str) -> dict[str, Any]:
    """Return the script of PowerShell 4104, which may hold lines that look like labels."""
    found = _BLOCK.match(message)
    end = message.rfind(_BLOCK_END)
    if found is None or end < found.end() - 1:
        return {}
    uid, _, path = message[end + len(_BLOCK_END) :].partition("\nPath:")
    return {
        "MessageNumber": found[1],
        "MessageTotal": found[2],
        "ScriptBlockText": message[found.end() : end],
        "ScriptBlockId": uid.strip(),
        "Path": path.strip(),
    }


def _time(written: str, record: RawRecord) -> int | None:
    """Return the time of a date line in ms UTC, of the record's zone where it names none."""
    found = _US_DATE.fullmatch(written)
    if found:
        month, day, year, hour, minute, second, fraction, half, zone = found.groups()
        hours = int(hour) if half is None else int(hour) % _NOON + (_NOON if half == "P" else 0)
        date = f"{year}-{int(month):02}-{int(day):02}T{hours:02}:{minute}:{second}.{fraction or '0'}"
        return stamp_ms(date + (zone or "").strip(), record)
    found = _WMI_DATE.fullmatch(written)
    if found:
        date, minutes = "{}-{}-{}T{}:{}:{}.{}".format(*found.groups()[:7]), found[8]
        offset = int(minutes) if minutes else 0
        return stamp_ms(date + (f"{minutes[0]}{abs(offset) // 60:02}:{abs(offset) % 60:02}" if minutes else ""), record)
    return stamp_ms(written, record) if written[4:5] == "-" else None
