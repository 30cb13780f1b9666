r"""A TSV line of Zeek to the mapping that Zeek's own JSON writer would have given for the same record.

Source: Zeek's ASCII writer. `-` is unset, `(empty)` an empty string or container, sets and vectors are split on `,`, a
backslash is doubled, and bytes that would break the line are written as `\\xNN`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from models.errors import Unparseable
from streams.sources import base
from streams.sources.zeek.header import DEFAULTS, split_columns
from streams.sources.zeek.layouts import BY_COUNT, COMMON_KINDS, KINDS, Layout
from streams.sources.zeek.names import LOG, clean_log, log_by_columns

_REAL: Final = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE: Final = re.compile(r"-?\d{1,19}", re.ASCII)
_ESCAPED: Final = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|\\)")
_CONTAINER: Final = re.compile(r"(?:set|vector)\[(.*)\]")
# What Zeek's JSON writer leaves as text `\xNN`: control characters other than \b \t \n \f \r, and broken UTF-8.
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(8), 11, *range(14, 32), 127)}

# What the values of a kind look like; a kind that is not here takes any text, and an address is tried as one.
_SHAPES: Final = {
    kind: re.compile(shape, re.ASCII)
    for kind, shape in {
        "time": r"-?\d{1,12}\.\d{1,9}",
        "interval": r"-?\d{1,12}\.\d{1,9}",
        "double": _REAL.pattern,
        "count": r"\d{1,20}",
        "int": r"-?\d{1,20}",
        "port": r"\d{1,5}",
        "bool": r"[TF]",
        "enum": r"[A-Za-z_]\w{0,99}",
        "scoped": r"[A-Za-z_]\w{0,99}::\w{1,99}",
        "proto": r"tcp|udp|icmp|sctp|unknown_transport",
        "uid": r"C[0-9A-Za-z]{4,30}",
        "fuid": r"F[0-9A-Za-z]{4,30}",
        "state": r"S0|S1|S2|S3|SF|REJ|RSTO|RSTR|RSTOS0|RSTRH|SH|SHR|OTH",
        "history": r"\^?[A-Za-z]{0,200}",
        "hex": r"(?:[0-9A-Fa-f]{2}:?)*[0-9A-Fa-f]{1,2}",
        "mac": r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}",
        "community": r"1:[A-Za-z0-9+/]+=*",
        "http_version": r"\d\.\d|\d",
        "tls_version": r"(?:TLS|SSL|DTLS|unknown)[\w.-]{0,30}",
        "share": r"DISK|PIPE|PRINT|UNKNOWN",
        "syslog": r"[A-Z][A-Z0-9_]{2,20}|UNSPECIFIED",
        "krb": r"AS|TGS",
        "word": r"[\w./() -]{1,99}",
        "pdu": r"REQ|RESP",
        "cause": r"violation|confirmation|disabled",
        "radius": r"success|failed",
    }.items()
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How to read the lines of one header: the log, the separators, and a name and a reader for every column."""

    log: str
    separator: str
    unset: str
    columns: tuple[tuple[str, Callable[[str], Any]], ...]


def decode_line(text: str, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return a TSV line as a mapping, with its log under `_path`.

    Args:
        text: The line without its end.
        columns: As `streams.sources.zeek.header` describes; empty when the header is lost.

    Raises:
        Unparseable: When the columns do not fit the header, or fit no known log or several.
    """
    plan = _plan(columns) if columns else _plan_of_layout(_layout(text.split("\t")))
    values = text.split(plan.separator)
    if len(values) != len(plan.columns):
        raise Unparseable(f"TSV line of {len(values)} columns, its #fields header names {len(plan.columns)}")
    unset = plan.unset
    fields: dict[str, Any] = {LOG: plan.log}
    for (name, read), value in zip(plan.columns, values, strict=True):
        if value != unset:
            fields[name] = read(value)
    return fields


@lru_cache(maxsize=256)
def _plan(columns: tuple[str, ...]) -> Plan:
    facts, names = split_columns(columns)
    log = clean_log(facts.get("path", "")) or log_by_columns(names)
    kinds = facts["types"].split("\t") if "types" in facts else []
    if len(kinds) != len(names):
        known = KINDS.get(log, {})
        kinds = [known.get(name) or COMMON_KINDS.get(name, "string") for name in names]
    readers = (_reader(kind, facts["set_separator"], facts["empty_field"], facts["unset_field"]) for kind in kinds)
    return Plan(log, facts["separator"], facts["unset_field"], tuple(zip(names, readers, strict=True)))


@lru_cache(maxsize=128)
def _plan_of_layout(layout: Layout) -> Plan:
    types = "\t".join(layout.kinds)
    return _plan((f"#path={layout.log}", f"#types={types}", *layout.names))


def _layout(values: list[str]) -> Layout:
    candidates = BY_COUNT.get(len(values), ())
    fits = [(fit, layout) for layout in candidates if (fit := _fit(layout, values)) is not None]
    best = max((fit for fit, _ in fits), default=0)
    found = [layout for fit, layout in fits if fit == best]
    if len(found) == 1:
        return found[0]
    count = f"TSV line without #fields header: {len(values)} columns"
    if not found:
        raise Unparseable(f"{count} fit no known Zeek log; ship JSON or send the header")
    logs = ", ".join(sorted({layout.log for layout in found}))
    raise Unparseable(f"{count} fit several Zeek logs ({logs}); ship JSON or send the header")


def _fit(layout: Layout, values: list[str]) -> int | None:
    """Count the values that have the shape of their column's kind; None when one contradicts it."""
    count = 0
    for place, check in _checks(layout):
        value = values[place]
        if value == "-" and place:  # anything may be unset but `ts`, the first
            continue
        if not check(value):
            return None
        count += 1
    return count


@lru_cache(maxsize=128)
def _checks(layout: Layout) -> tuple[tuple[int, Callable[[str], Any]], ...]:
    checks = ((place, _check(kind)) for place, kind in enumerate(layout.kinds))
    return tuple((place, check) for place, check in checks if check is not None)


def _check(kind: str) -> Callable[[str], Any] | None:
    container = _CONTAINER.fullmatch(kind)
    if container:
        item = _check(container[1]) or bool
        return lambda value: (
            value == DEFAULTS["empty_field"] or all(part == "-" or item(part) for part in value.split(","))
        )
    if kind == "addr":
        return base.ip
    shape = _SHAPES.get(kind)
    return shape.fullmatch if shape else None


@lru_cache(maxsize=512)
def _reader(kind: str, set_separator: str, empty: str, unset: str) -> Callable[[str], Any]:
    container = _CONTAINER.fullmatch(kind)
    if not container:
        return _SCALARS.get(kind) or (lambda value: "" if value == empty else unescape(value))
    inner = "string" if _CONTAINER.fullmatch(container[1]) else container[1]  # Zeek nests no containers in a log
    item = _reader(inner, set_separator, empty, unset)

    def read(value: str) -> list[Any]:
        if value == empty:
            return []
        return [None if part == unset else item(part) for part in value.split(set_separator)]

    return read


def unescape(value: str) -> str:
    r"""Undo Zeek's escapes as far as its JSON writer does: text as text, unprintable bytes still as `\\xNN`."""
    if "\\" not in value:
        return value
    data = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()) if found[1] else b"\\", value.encode())
    return data.decode("utf-8", "backslashreplace").translate(_CONTROLS)


def _whole(value: str) -> int | str:
    return int(value) if _WHOLE.fullmatch(value) else unescape(value)


def _real(value: str) -> float | str:
    number = float(value) if _REAL.fullmatch(value) else math.inf
    return number if math.isfinite(number) else unescape(value)


def _boolean(value: str) -> bool | str:
    return value == "T" if value in {"T", "F"} else unescape(value)


_SCALARS: Final[dict[str, Callable[[str], Any]]] = {
    "time": _real,
    "interval": _real,
    "double": _real,
    "count": _whole,
    "int": _whole,
    "port": _whole,
    "bool": _boolean,
}
