"""Laurel's JSON: all records of one audit event in one object, by their types. Source: laurel's manual page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from streams.sources.linux.audit_lines import MAX_LISTED, AuditEvent, begin

_LAUREL_ID: Final = re.compile(r"(\d{1,11})\.(\d{1,9}):(\d{1,20})", re.ASCII)


def is_laurel(value: Mapping[str, Any]) -> bool:
    """Tell laurel's JSON: an audit id, and records by their types."""
    uid = value.get("ID")
    has_records = any(isinstance(item, dict | list) for name, item in value.items() if name.isupper())
    return isinstance(uid, str) and has_records and _LAUREL_ID.fullmatch(uid) is not None


def parse_laurel(value: Mapping[str, Any]) -> AuditEvent | None:
    """Read an event of laurel's; None when it has no id."""
    uid = value.get("ID")
    found = _LAUREL_ID.fullmatch(uid) if isinstance(uid, str) else None
    if found is None:
        return None
    node = value.get("NODE")
    event = begin(found[1], found[2], found[3], node if isinstance(node, str) else "")
    for kind, item in value.items():
        for record in item[:MAX_LISTED] if isinstance(item, list) else (item,):
            if isinstance(record, dict) and kind != "EOE":
                _add_laurel(event, kind, record)
    return event.finish()


def _add_laurel(event: AuditEvent, kind: str, record: Mapping[str, Any]) -> None:
    fields = {name: str(item) for name, item in record.items() if isinstance(item, str | int | float)}
    message = record.get("msg")
    if isinstance(message, dict):
        fields |= {name: str(item) for name, item in message.items() if isinstance(item, str | int | float)}
    argv = record.get("ARGV")
    words = [item for item in argv if isinstance(item, str)] if isinstance(argv, list) else []
    if kind == "EXECVE":
        event.add_arguments(dict(enumerate(words)))
    elif kind == "PROCTITLE" and words:
        fields["proctitle"] = " ".join(words)
    elif kind == "SOCKADDR":
        fields |= _laurel_address(record.get("SADDR"))
    elif kind == "PARENT_INFO":
        fields = {f"parent_{name}": item for name, item in fields.items()}
    event.add(kind, fields)


def _laurel_address(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    names: Iterable[tuple[str, str]] = (("family", "saddr_fam"), ("addr", "laddr"), ("port", "lport"), ("path", "path"))
    return {new: value[name] for name, new in names if isinstance(value.get(name), str | int)}
