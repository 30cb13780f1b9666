"""Syslog lines, in every form that they come in: RFC 3164, RFC 5424, and as JSON of the journal and of shippers.

Source: RFC 3164 section 4, RFC 5424 section 6, systemd.journal-fields(7), Azure Monitor's Syslog table, and the field
names of Fluent Bit's, Vector's, Logstash's and rsyslog's syslog inputs. Times of RFC 3164 name no year and no zone:
both come from the record's context, the year else from the broker's time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.records import RawRecord
from streams.sources.base import integer, text
from streams.sources.times import EPOCH, from_any, from_rfc3339

DAY_MS: Final = 86_400_000
MAX_PID: Final = 2**32 - 1
MAX_BYTES_LISTED: Final = 65_536  # of a journal field that is no text, which the journal writes as a list of bytes
LEAP_SECOND: Final = 60
# What the writer thinks of its line: an error of a program is not yet one of security.
_SEVERITIES: Final = (5, 5, 4, 3, 2, 1, 1, 1)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}

_STAMP: Final = (
    r"(?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,\d]{0,10}(?:Z|[+-]\d\d:?\d\d)?)"
)
_BSD: Final = re.compile(rf"(?:<(\d{{1,3}})>)?(?:\d{{1,10}}: )?({_STAMP})(?: |: )(.*)", re.DOTALL | re.ASCII)
_TAG: Final = re.compile(r"([^\s:\[\]]{1,128})(?:\[([^\]\s]{1,32})\])?: ?(.*)", re.DOTALL)
_RFC5424: Final = re.compile(
    r"<(\d{1,3})>1 (\S{1,64}) (\S{1,255}) (\S{1,128}) (\S{1,128}) (\S{1,64}) "
    r'(-|(?:\[(?:[^"\]]|"(?:[^"\\]|\\.)*+")*+\])++)(?: \ufeff?(.*))?',
    re.DOTALL,
)
_BSD_STAMP: Final = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (?:(\d{4}) )?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?", re.ASCII)
_ZONED: Final = re.compile(r"Z|[+-]\d\d:?\d\d", re.ASCII)

# Names under which shippers write the parts of a line they took apart.
_PROGRAM: Final = (
    "ident",
    "program",
    "appname",
    "app_name",
    "programname",
    "ProcessName",
    "SYSLOG_IDENTIFIER",
    "_COMM",
)
_MESSAGE: Final = ("message", "msg", "SyslogMessage", "MESSAGE")
_HOST: Final = ("hostname", "host", "logsource", "Computer", "HostName", "_HOSTNAME")
_PID: Final = ("pid", "procid", "ProcessID", "_PID", "SYSLOG_PID")
_TIME: Final = (
    *("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP", "EventTime", "timereported", "timestamp", "time"),
    *("@timestamp", "TimeGenerated"),
)
_PARTS: Final = frozenset((*_PROGRAM, *_MESSAGE, *_HOST, *_PID, *_TIME, "HostIP"))


@dataclass(frozen=True, slots=True)
class SyslogLine:
    """One line, taken apart.

    Attributes:
        message: What the program said.
        program: Who said it, without its directory; empty when the line has no tag.
        pid: Number of its process.
        host: Host, as the line names it; empty when it does not.
        host_ip: Address of the host, where a shipper tells it.
        time: ms, None when the line has none or none that can be read.
        stamp: The time as it was written.
        severity_id: OCSF severity, from the priority.
        uid: What tells the line apart from others (the journal's cursor), or empty.
        rest: Whatever else there was: structured data, the journal's further fields.
    """

    message: str
    program: str = ""
    pid: int | None = None
    host: str = ""
    host_ip: str = ""
    time: int | None = None
    stamp: str = ""
    severity_id: int = 1
    uid: str = ""
    rest: Mapping[str, Any] = field(default_factory=dict)


def parse_line(line: str, record: RawRecord) -> SyslogLine | None:
    """Take a line of either RFC apart; None when it has no syslog header. Linear in the length of the line."""
    line = line.strip()
    found = _RFC5424.fullmatch(line)
    if found:
        return _rfc5424(found)
    found = _BSD.fullmatch(line)
    return _bsd(found, record) if found else None


def _rfc5424(found: re.Match[str]) -> SyslogLine:
    priority, stamp, host, program, pid, msgid, data, message = found.groups()
    rest = {"msgid": msgid, "structured_data": data}
    return SyslogLine(
        message or "",
        _bare(_known(program)),
        _pid(pid),
        _known(host),
        time=from_rfc3339(stamp),
        stamp=_known(stamp),
        severity_id=_SEVERITIES[int(priority) & 7],
        rest={name: value for name, value in rest.items() if value != "-"},
    )


def _bsd(found: re.Match[str], record: RawRecord) -> SyslogLine:
    priority, stamp, rest = found.groups()
    host, _, said = rest.lstrip(" ").partition(" ")
    if host.endswith(":"):  # written to the local socket, which needs no host
        host, said = "", rest
    tag = _TAG.fullmatch(said.lstrip(" "))
    program, pid, message = tag.groups() if tag else ("", None, said)
    return SyslogLine(
        message,
        _bare(program),
        _pid(pid),
        host,
        time=stamp_ms(stamp, record),
        stamp=stamp,
        severity_id=_SEVERITIES[int(priority) & 7] if priority else 1,
    )


def parse_object(value: Mapping[str, Any], record: RawRecord) -> SyslogLine | None:
    """Read a line that a shipper or the journal made an object of; None when program or message is missing."""
    message = _message(value)
    program = _first(value, _PROGRAM)
    if message is None or program is None:
        return None
    stamp = next((value[name] for name in _TIME if value.get(name) is not None), None)
    severity = integer(value.get("PRIORITY", value.get("pri")))
    return SyslogLine(
        message,
        _bare(program),
        _pid(_first(value, _PID)),
        _first(value, _HOST) or "",
        text(value.get("HostIP")) or "",
        _object_time(stamp, record),
        text(stamp) or "",
        _SEVERITIES[severity & 7] if severity is not None else 1,
        text(value.get("__CURSOR")) or "",
        {name: item for name, item in value.items() if name not in _PARTS},
    )


def program_of(value: Mapping[str, Any]) -> str:
    """Return the program whose line an object is, empty when it is none or has no message."""
    has_message = any(name in value for name in _MESSAGE)
    return _bare(_first(value, _PROGRAM) or "") if has_message else ""


def message_of(value: Mapping[str, Any]) -> str:
    """Return what the program said, empty when the object has no message."""
    return _message(value) or ""


def program_of_line(raw: bytes) -> tuple[str, str]:
    """Return program and message of a line in bytes without reading its time; both empty when it has no header."""
    head = raw[:512].decode("utf-8", "replace").strip()
    found = _RFC5424.match(head)
    if found:
        return _bare(found[4]), found[8] or ""
    found = _BSD.fullmatch(head)
    if not found:
        return "", ""
    host, _, said = found[3].lstrip(" ").partition(" ")
    tag = _TAG.fullmatch(found[3] if host.endswith(":") else said.lstrip(" "))
    return (_bare(tag[1]), tag[3]) if tag else ("", "")


def _message(value: Mapping[str, Any]) -> str | None:
    for name in _MESSAGE:
        found = value.get(name)
        if isinstance(found, str):
            return found
        if isinstance(found, list) and len(found) <= MAX_BYTES_LISTED and all(map(_is_byte, found)):
            return bytes(found).decode("utf-8", "replace")
    return None


def _is_byte(value: Any) -> bool:
    return value.__class__ is int and 0 <= value <= 255  # noqa: PLR2004  # a byte


def _object_time(stamp: Any, record: RawRecord) -> int | None:
    found = from_any(stamp)
    return found if found is not None or not isinstance(stamp, str) else stamp_ms(stamp, record)


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := text(value.get(name))) is not None), None)


def _known(word: str) -> str:
    return "" if word == "-" else word


def _bare(program: str) -> str:
    return program.rpartition("/")[2] or program


def _pid(word: str | None) -> int | None:
    number = integer(word)
    return number if number is not None and 0 <= number <= MAX_PID else None


def stamp_ms(stamp: str, record: RawRecord) -> int | None:
    """Return the time of a stamp in ms UTC, with zone and year taken from the record where it names none."""
    context = record.context
    if stamp[:1].isdigit():
        found = from_rfc3339(stamp)
        return found if found is None or _ZONED.search(stamp, 19) else _from_zone(found, context.zone)
    if context.year:
        return _bsd_ms(stamp, context.year, context.zone)
    if record.broker_time <= 0:
        return _bsd_ms(stamp, 0, context.zone)
    year = datetime.fromtimestamp(min(record.broker_time, 4_000_000_000_000) / 1000, UTC).year
    times = (_bsd_ms(stamp, candidate, context.zone) for candidate in (year + 1, year, year - 1))
    return next((time for time in times if time is not None and time <= record.broker_time + DAY_MS), None)


@lru_cache(maxsize=4096)
def _bsd_ms(stamp: str, year: int, zone: str) -> int | None:
    found = _BSD_STAMP.fullmatch(stamp)
    month = _MONTHS.get(found[1], 0) if found else 0
    if found is None or not month or not (found[3] or year):
        return None
    seconds = int(found[6])
    try:
        minute = datetime(int(found[3] or year), month, int(found[2]), int(found[4]), int(found[5]), tzinfo=_zone(zone))
        ms = round((minute - EPOCH).total_seconds()) * 1000
    except (ValueError, OverflowError):
        return None
    return ms + seconds * 1000 + int((found[7] or "0")[:3].ljust(3, "0")) if seconds <= LEAP_SECOND else None


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _from_zone(ms: int, zone: str) -> int:
    if zone == "UTC":
        return ms
    naive = datetime.fromtimestamp(ms / 1000, UTC).replace(tzinfo=_zone(zone))
    return round((naive - EPOCH).total_seconds()) * 1000 + ms % 1000
