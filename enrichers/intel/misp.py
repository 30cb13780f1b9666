"""Indicators of MISP feeds: a manifest, and an event in JSON for each of its entries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from enrichers.intel.indicator import (
    ALWAYS,
    DOMAIN,
    EMAIL,
    HASH,
    IP,
    JA3,
    NEVER,
    URL,
    Indicator,
    Rejected,
    Revoked,
    Said,
    labels_of,
    list_of,
    short,
)
from enrichers.intel.times import time_ms
from enrichers.intel.values import canonical

MANIFEST: Final = "manifest.json"
MAX_OBJECTS: Final = 100_000  # of one event
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("ip-src", "ip-dst"), IP),
    **dict.fromkeys(("domain", "hostname"), DOMAIN),
    **dict.fromkeys(("md5", "sha1", "sha256", "sha512"), HASH),
    **dict.fromkeys(("email", "email-src", "email-reply-to"), EMAIL),
    "url": URL,
    "ja3-fingerprint-md5": JA3,
}
# Types of two values, parted by `|`: the kind of each, None for a value that says nothing by itself.
_PAIRS: Final[Mapping[str, tuple[str | None, str | None]]] = {
    "domain|ip": (DOMAIN, IP),
    **{f"{name}|port": (_KINDS[name], None) for name in ("ip-src", "ip-dst", "hostname")},
    **{f"filename|{name}": (None, HASH) for name in ("md5", "sha1", "sha256", "sha512")},
}


def read_manifest(data: bytes) -> dict[str, int]:
    """Return the time of the last change (ms) of each event of a feed, by its UUID; raise ValueError for no manifest.

    Entries that are not named by a UUID are left out: a name becomes part of a path.
    """
    told = orjson.loads(data)
    if not isinstance(told, dict):
        raise ValueError("the manifest is no JSON object")  # noqa: TRY004  # what it says is wrong, not its type here
    entries = ((name.lower(), entry) for name, entry in told.items() if isinstance(entry, dict))
    return {name: time_ms(entry.get("timestamp")) or 0 for name, entry in entries if _UUID.fullmatch(name)}


def read_event(data: bytes, source: str, where: str, confidence: int) -> Iterator[Said]:
    """Yield what one event says: its attributes, and those of its objects, that are meant for detection."""
    try:
        told = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        yield Rejected(source, f"{where}:{error.lineno}", "", f"not JSON: {error.msg}", ends=True)
        return
    event = told.get("Event", told) if isinstance(told, dict) else None
    if not isinstance(event, dict):
        yield Rejected(source, where, "", "no MISP event", ends=True)
        return
    info = event.get("info")
    known = Indicator(
        *("", "", source),
        confidence=confidence,
        name=short(info) if isinstance(info, str) else "",
        labels=labels_of(_tags(event)),
        modified=time_ms(event.get("timestamp")) or 0,
    )
    for attribute in _attributes(event):
        yield from _said(attribute, known, where)


def _attributes(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    objects = [item for item in list_of(event.get("Object"))[:MAX_OBJECTS] if isinstance(item, dict)]
    for holder in (event, *objects):
        yield from (item for item in list_of(holder.get("Attribute")) if isinstance(item, dict))


def _said(attribute: Mapping[str, Any], known: Indicator, where: str) -> Iterator[Said]:
    name, kind, value = (attribute.get(key) for key in ("uuid", "type", "value"))
    uid = short(name) if isinstance(name, str) else ""
    modified = time_ms(attribute.get("timestamp")) or known.modified
    if _is_set(attribute.get("deleted")):
        if uid:
            yield Revoked(known.source, uid, modified)
        return
    if not _is_set(attribute.get("to_ids")):
        return
    if not (isinstance(kind, str) and isinstance(value, str)):
        yield Rejected(known.source, where, uid, "an attribute without type or value")
        return
    for which, text in _parts(kind, value):
        try:
            found, canonical_value = canonical(which, text)
        except ValueError as error:
            yield Rejected(known.source, where, uid, f"{short(kind)} {text[:80]!r}: {error}")
        else:
            yield _made(attribute, known, (found, canonical_value, uid, modified))
    if kind not in _KINDS and kind not in _PAIRS:
        yield Rejected(known.source, where, uid, f"attributes of type {short(kind)} are not matched")


def _parts(kind: str, value: str) -> Iterator[tuple[str, str]]:
    if kind in _KINDS:
        yield _KINDS[kind], value
    elif kind in _PAIRS:
        left, _, right = value.partition("|")
        yield from ((which, text) for which, text in zip(_PAIRS[kind], (left, right), strict=True) if which)


def _made(attribute: Mapping[str, Any], known: Indicator, what: tuple[str, str, str, int]) -> Indicator:
    kind, value, uid, modified = what
    first, last = time_ms(attribute.get("first_seen")), time_ms(attribute.get("valid_until"))
    tags = _tags(attribute)
    return Indicator(
        kind=kind,
        value=value,
        source=known.source,
        valid_from=ALWAYS if first is None else first,
        valid_until=NEVER if last is None else last,
        confidence=known.confidence,
        id=uid,
        name=known.name,
        labels=labels_of([*known.labels, *tags]) if tags else known.labels,
        modified=modified,
    )


def _is_set(value: Any) -> bool:
    return value in (True, "1")  # a tuple: what hostile JSON holds here need not be hashable


def _tags(holder: Mapping[str, Any]) -> list[str]:
    names = (tag.get("name") for tag in list_of(holder.get("Tag")) if isinstance(tag, dict))
    return [name for name in names if isinstance(name, str)]
