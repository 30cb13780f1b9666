"""Statements about an event: true ones, of values that it has, and each again with one value changed so that it lies.

What an event says is read from its OCSF attributes and decided on here, without the code under test.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from agents.evidence.store import StoredEvent
from models import ocsf
from models.event import Event
from streams.lake import EVENTS, row_of

SPOKEN = {
    "src_endpoint.ip": "A connection came from {}.",
    "dst_endpoint.ip": "It connected to {} and stayed there.",
    "actor.user.name": "The user {} was active.",
    "user.name": "This concerns the account {} and its rights.",
    "user.email_addr": "The message belongs to {}.",
    "device.hostname": "It happened on the host {}.",
    "process.file.path": "The program {} was started.",
    "process.cmd_line": "The command {} was run.",
    "actor.process.file.path": "Its parent is {}, as recorded.",
    "file.path": "The file {} was written.",
    "reg_key.path": "The key {} was set.",
    "query.hostname": "It asked for {}.",
    "http_request.url.url_string": "It fetched {}.",
    "dst_endpoint.port": "It used port {}.",
    "src_endpoint.port": "It came from port {}.",
    "process.pid": "The process id {} was seen.",
    "api.operation": "The operation {} was called.",
}
BARE = re.compile(r"[A-Za-z0-9](?:[\w.@$\\:/-]*[A-Za-z0-9$])?|[A-Za-z]:\\[\w.\\-]+|/[\w./-]+\w")
NO_NAME = re.compile(r"[A-Za-z-]+\Z")
MAX_VALUE = 400


@dataclass(frozen=True)
class Statement:
    """A text about one event, and whether it is true."""

    text: str
    true: bool
    about: str


def stored(event: Event) -> StoredEvent:
    """Return an event as the lake holds it."""
    row = row_of(EVENTS, ocsf.encode(event.ocsf), event.at, event.source)
    at = event.at
    return StoredEvent(row.uid, row.time, row.class_uid, row.source, at, row.sha256, row.record)


def statements_on(event: StoredEvent, random: Random) -> Iterator[Statement]:
    """Yield true and false statements on one event."""
    record = event.ocsf
    whole = (event.content.decode("utf-8", "replace") + event.record.decode()).casefold()
    for path, form in SPOKEN.items():
        value = _at(record, path)
        if value is None or not 0 < len(str(value)) <= MAX_VALUE or "`" in str(value):
            continue
        for shown in _ways(path, str(value)):
            yield Statement(form.format(shown(str(value))), true=True, about=path)
            other = changed(str(value), random)
            if other and other.casefold() not in whole and not _same(str(value), other, whole):
                yield Statement(form.format(shown(other)), true=False, about=path)
    yield from _times(event, whole, random)


def _same(value: str, other: str, whole: str) -> bool:
    """Tell a changed address or path that the record holds in another spelling."""
    escaped = other.casefold().replace("\\", "\\\\")
    if escaped in whole or escaped.replace("\\", "\\\\") in whole:
        return True
    try:
        return ipaddress.ip_address(value) == ipaddress.ip_address(other)
    except ValueError:
        return False


def _ways(path: str, value: str) -> Iterator[Any]:
    yield lambda text: f"`{text}`"
    names = path in {"actor.user.name", "user.name", "device.hostname"}
    if BARE.fullmatch(value) and (names or not NO_NAME.match(value)) and not value.endswith((".", ":")):
        yield lambda text: text


def _at(record: Any, path: str) -> str | int | None:
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return record if type(record) in (str, int) else None


def changed(value: str, random: Random) -> str | None:
    """Return the value with one letter or digit changed into another one, None when it has none."""
    places = [at for at, sign in enumerate(value) if sign.isascii() and sign.isalnum()]
    if not places:
        return None
    at = random.choice(places)
    signs = "0123456789" if value[at].isdigit() else "abcdefghijklmnopqrstuvwxyz"
    return value[:at] + random.choice([sign for sign in signs if sign != value[at].lower()]) + value[at + 1 :]


def _times(event: StoredEvent, whole: str, random: Random) -> Iterator[Statement]:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=event.time)
    away = random.choice([1, 2, 3, 7, 11, 29, 60, 600]) * random.choice([1, -1])
    other = moment + timedelta(minutes=away)
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%d %B %Y at %H:%M", "%H:%M:%S"):
        yield Statement(f"At {moment.strftime(form)} this was recorded.", true=True, about="time")
        if not _names(whole, other, form):
            yield Statement(f"At {other.strftime(form)} this was recorded.", true=False, about="time")


def _names(whole: str, moment: datetime, form: str) -> bool:
    """Tell whether the record may name a moment: in words, or in a number that is one."""
    if moment.strftime("%H:%M") in whole:
        return True
    width = 60 if form.endswith("%H:%M") else 1
    start = int(moment.timestamp()) // width * width
    for digits in set(re.findall(r"\d{9,19}", whole)):
        number = int(digits)
        for low, per_s in ((10**9, 1), (10**12, 10**3), (10**15, 10**6), (10**18, 10**9)):
            if low <= number < 4.2 * low:
                at = number // per_s
                same = (
                    at % 86_400 // width == start % 86_400 // width if "%Y" not in form else start <= at < start + width
                )
                if same:
                    return True
    return False
