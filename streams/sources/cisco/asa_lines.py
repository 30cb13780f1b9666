"""Take a line of a Cisco firewall apart: the header that whoever relayed it wrote, its level, its message id, its text.

Source: "Cisco Secure Firewall ASA Series Syslog Messages" (format `%ASA-level-id: text`, device id and time of `logging
timestamp` and `logging device-id`), the same of Firepower Threat Defense, PIX and FWSM.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from models.records import RawRecord
from streams.sources.base import ip
from streams.sources.linux.syslog import stamp_ms

MAX_HEADER: Final = 512
_MARK: Final = re.compile(r"%(ASA|FTD|PIX|FWSM)-(?:[A-Za-z_]{0,32}-)?([0-7])-(\d{6}): ?")
_STAMP: Final = re.compile(
    r"(?<![^\s:>])(?:([A-Z][a-z]{2}) ([ \d]?\d) (\d{4} )?(\d\d:\d\d:\d\d(?:\.\d{1,9})?)"
    r"|(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?))(?: ([A-Z]{3,5})(?=[ :]))?"
)
_HOST: Final = re.compile(r"[A-Za-z0-9_.:-]{1,253}")
_IN_UTC: Final = frozenset({"UTC", "GMT"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        product: `ASA`, `FTD`, `PIX` or `FWSM`.
        level: Severity, from 0 (emergency) to 7 (debugging).
        message_id: Its six digits.
        text: What it says.
        stamp: Its time as it was written, empty when it has none.
        time: The same in ms UTC, None when there is none that can be read.
        host: Name or address of the device, empty when the line does not name it.
    """

    product: str
    level: int
    message_id: str
    text: str
    stamp: str
    time: int | None
    host: str


def has_mark(raw: bytes) -> bool:
    """Tell whether a record has the mark of such a line near its beginning."""
    start = raw[:MAX_HEADER]
    return b"%" in start and _MARK.search(start.decode("utf-8", "replace")) is not None


def read(text: str, record: RawRecord) -> Line | None:
    """Take a line apart; None when it has no mark. Where two headers are in front, the device's own is the last."""
    mark = _MARK.search(text, 0, MAX_HEADER)
    if mark is None:
        return None
    prefix = text[: mark.start()]
    stamps = list(_STAMP.finditer(prefix))
    hosts = [_host(prefix[found.end() :]) for found in stamps]
    host = next((name for name in reversed(hosts) if name), "")
    last = stamps[-1] if stamps else None
    return Line(
        product=mark[1],
        level=int(mark[2]),
        message_id=mark[3],
        text=text[mark.end() :].strip(),
        stamp=last[0] if last else "",
        time=_time(last, record) if last else None,
        host=host,
    )


def _host(rest: str) -> str:
    """Return the host after a time: a word with a blank or a colon after it, but no tag of a program (`name[1]:`)."""
    words = rest.lstrip(" ").split(" ", 2)
    if rest[:1] != " " or not _HOST.fullmatch(words[0]):
        return ""
    name = words[0]
    if name.endswith(":") and ip(name) is None:
        name = name[:-1]
    return name if name not in {"", "-", ":"} and not name.endswith(":") else ""


def _time(found: re.Match[str], record: RawRecord) -> int | None:
    month, day, year, clock, written, zone = found.groups()
    stamp = written or f"{month} {day:>2} {year or ''}{clock}"
    if zone in _IN_UTC and year:
        record = RawRecord(record.source, b"", record.at, record.broker_time)
    return stamp_ms(stamp.strip(), record)
