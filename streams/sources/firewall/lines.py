r"""Take firewall lines apart: CEF, LEEF and FortiGate's own form, behind a syslog header or without one.

Source: "ArcSight Common Event Format", version 26 (header and extension, and what is escaped in each); "Log Event
Extended Format" of IBM QRadar, versions 1.0 and 2.0; the log message reference of FortiOS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from models.errors import Unparseable

CEF, LEEF, FORTIGATE = "CEF", "LEEF", "FortiGate"
MAX_PREFIX: Final = 512  # a syslog header with structured data of common length
MAX_FIELDS: Final = 2000
MAX_LABELS: Final = 64
CEF_PIPES: Final = 7
LEEF_PIPES: Final = 5

_MARK: Final = re.compile(r"(CEF|LEEF): ?(\d(?:\.\d)?)\|")
_FORTI: Final = re.compile(r'(?:^|[\s>])(?=(?:date=\d{4}-|logver=|devname=|timestamp=|logid="?\d))')
_FORTI_SURE: Final = re.compile(r'\b(?:devid|logid)="?[A-Z0-9]')
_FORTI_PAIR: Final = re.compile(r'([A-Za-z_][\w.-]{0,63})=(?:"((?:[^"\\]|\\.)*+)"|(\S*))')
_KEY: Final = re.compile(r"(?:^|(?<=\s))([A-Za-z0-9_.\-\[\]]{1,128})=")
_ESCAPE: Final = re.compile(r"\\([\\|=nr])")
_HEX_DELIMITER: Final = re.compile(r"(?:0?[xX])([0-9A-Fa-f]{1,4})")
_PLAIN: Final = {"n": "\n", "r": "\r"}
_STAMP: Final = re.compile(
    r"(?:<\d{1,3}>)?(?:1 )?"
    r"([A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{0,16})"
    r"(?: ([^\s:]{1,255}))?",
    re.ASCII,
)
_LABEL: Final = "Label"


@dataclass(frozen=True, slots=True)
class Line:
    """One line taken apart.

    Attributes:
        form: CEF, LEEF or FORTIGATE.
        version: Version of the form.
        vendor: Who made the device.
        product: The device.
        device_version: Version of the device's software.
        event_class: The device's id for the kind of event.
        name: The device's name for it; empty where the form has none.
        severity: Severity in the device's words or numbers, empty where the header has none.
        stamp: Time in the syslog header, empty when there is none.
        host: Host in the syslog header, empty when there is none.
        fields: The pairs, by the names on the line.
        labelled: Values of custom fields by their labels (`cs1Label=Rule cs1=Block all` is `Rule`).
    """

    form: str
    version: str
    vendor: str
    product: str
    device_version: str
    event_class: str
    name: str
    severity: str
    stamp: str
    host: str
    fields: dict[str, str]
    labelled: dict[str, str]


def read(text: str) -> Line:
    """Take one line apart; raise Unparseable when it is of none of the forms."""
    mark = _MARK.search(text, 0, MAX_PREFIX)
    if mark is None:
        return _fortigate(text)
    stamp, host = _header(text[: mark.start()])
    body = text[mark.end() :].rstrip("\r\n")
    return _cef(mark[2], body, stamp, host) if mark[1] == CEF else _leef(mark[2], body, stamp, host)


def looks_like(raw: bytes) -> bool:
    """Tell whether the beginning of a record has the mark of one of the forms."""
    start = raw[:MAX_PREFIX]
    if b"CEF:" in start or b"LEEF:" in start:
        return _MARK.search(start.decode("utf-8", "replace")) is not None
    return b"logid=" in start and b"=" in start and _is_fortigate(start.decode("utf-8", "replace"))


def _is_fortigate(text: str) -> bool:
    return _FORTI.search(text) is not None and _FORTI_SURE.search(text) is not None and "type=" in text


def _header(prefix: str) -> tuple[str, str]:
    found = _STAMP.match(prefix.lstrip())
    return (found[1], found[2] or "") if found else ("", "")


def _split(body: str, pipes: int) -> list[str]:
    r"""Cut a header at its pipes, `\|` being none; raise Unparseable when there are too few."""
    parts: list[str] = []
    start = position = 0
    while len(parts) < pipes:
        position = body.find("|", position)
        if position < 0:
            raise Unparseable("the header of a CEF or LEEF line ends too early", field="header")
        if _is_escaped(body, start, position):
            position += 1
            continue
        parts.append(_unescaped(body[start:position]).strip())
        start = position = position + 1
    return [*parts, body[start:]]


def _is_escaped(body: str, start: int, position: int) -> bool:
    end = position
    while end > start and body[end - 1] == "\\":
        end -= 1
    return (position - end) % 2 == 1


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(_escaped, value) if "\\" in value else value


def _escaped(found: re.Match[str]) -> str:
    return _PLAIN.get(found[1], found[1])


def _cef(version: str, body: str, stamp: str, host: str) -> Line:
    vendor, product, device_version, event_class, name, severity, extension = _split(body, CEF_PIPES - 1)
    fields = _spaced(extension)
    labelled = _labelled(fields)
    return Line(
        CEF, version, vendor, product, device_version, event_class, name, severity, stamp, host, fields, labelled
    )


def _spaced(extension: str) -> dict[str, str]:
    """Read pairs apart by blanks, whose values may hold blanks: a value ends where the next name begins."""
    fields: dict[str, str] = {}
    name, start = "", 0
    for key in _KEY.finditer(extension):
        if name:
            fields.setdefault(name, _unescaped(extension[start : key.start()].rstrip(" ")))
        name, start = key[1], key.end()
        if len(fields) >= MAX_FIELDS:
            return fields
    if name:
        fields.setdefault(name, _unescaped(extension[start:].rstrip(" ")))
    return fields


def _labelled(fields: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, label in fields.items():
        if name.endswith(_LABEL) and label and len(found) < MAX_LABELS:
            value = fields.get(name[: -len(_LABEL)])
            if value:
                found.setdefault(label, value)
    return found


def _leef(version: str, body: str, stamp: str, host: str) -> Line:
    vendor, product, device_version, event_class, rest = _split(body, LEEF_PIPES - 1)
    delimiter, rest = _delimiter(version, rest)
    fields = dict(_delimited(rest, delimiter)) if delimiter in rest else _spaced(rest)
    return Line(
        LEEF, version, vendor, product, device_version, event_class, "", "", stamp, host, fields, _labelled(fields)
    )


def _delimiter(version: str, rest: str) -> tuple[str, str]:
    """Return the delimiter and the pairs: version 2.0 names it, as a character or in hex; a tab is the default."""
    head, mark, pairs = rest.partition("|")
    if not version.startswith("2") or not mark or "=" in head[1:]:
        return "\t", rest
    hexadecimal = _HEX_DELIMITER.fullmatch(head)
    if hexadecimal:
        return chr(int(hexadecimal[1], 16) or 9), pairs
    return (head if len(head) == 1 else "\t"), pairs


def _delimited(rest: str, delimiter: str) -> Iterator[tuple[str, str]]:
    for pair in rest.split(delimiter, MAX_FIELDS)[:MAX_FIELDS]:
        name, mark, value = pair.partition("=")
        if mark and name.strip():
            yield name.strip(), value.strip()


def _fortigate(text: str) -> Line:
    start = _FORTI.search(text, 0, MAX_PREFIX)
    if start is None or not _is_fortigate(text):
        raise Unparseable("neither CEF nor LEEF nor a FortiGate line", offset=0)
    fields: dict[str, str] = {}
    for pair in _FORTI_PAIR.finditer(text, start.end()):
        fields.setdefault(pair[1], _quoted(pair[2]) if pair[2] is not None else pair[3])
        if len(fields) >= MAX_FIELDS:
            break
    if "type" not in fields:
        raise Unparseable("no FortiGate line: it has no type", field="type")
    name = ":".join(part for part in (fields["type"], fields.get("subtype", ""), fields.get("eventtype", "")) if part)
    stamp, host = _header(text[: start.start()])
    return Line(
        *(FORTIGATE, "", "Fortinet", "FortiGate", "", fields.get("logid", ""), name, fields.get("level", "")),
        stamp,
        fields.get("devname", host),
        fields,
        {},
    )


def _quoted(value: str) -> str:
    return value.replace('\\"', '"').replace("\\\\", "\\") if "\\" in value else value
