"""What a Zeek record calls itself and its fields, whoever shipped it, put into Zeek's own words.

Shippers write the log's name under different keys, dots in field names as underscores or as nested objects, or wrap the
whole record in an object named after the log. After `plain_fields` none of that is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources.zeek.layouts import DOTTED, FULL_WEIGHT, KINDS, LAYOUTS, WEIGHTS

LOG: Final = "_path"  # Zeek's own key for the log's name, when it writes one
LOG_KEYS: Final = (LOG, "@stream", "_stream", "_log", "_log_type", "@path", "zeek_log", "bro_log")
# Others use these too, so that only a log Zeek is known to have counts.
SHARED_KEYS: Final = ("log_type", "event.dataset", "event_dataset", "log_name", "log.file.path", "log_file_path")
MAX_NAME: Final = 4096  # the longest path of common systems
MAX_PREFIX: Final = 200  # a longer name is none of Zeek's, and would be repeated in every field below it
CLEAR_LEAD: Final = FULL_WEIGHT // 4

_NAME: Final = re.compile(r"(?:(?:zeek|bro)[._-])?([a-z][a-z0-9_-]{0,63})", re.ASCII)
_EXACT: Final = {frozenset(layout.names): layout.log for layout in LAYOUTS}


def clean_log(value: Any) -> str:
    """Return the log's name as Zeek spells it (`conn` for `zeek.conn`, `/logs/conn.log`), empty when it is none."""
    if not isinstance(value, str) or len(value) > MAX_NAME:
        return ""
    name = value.replace("\\", "/").rpartition("/")[2].lower()
    if ".log" in name:
        name = name.partition(".")[0]
    found = _NAME.fullmatch(name)
    return found[1] if found else ""


def plain_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a JSON record under Zeek's names, unset ones left out, the log under `_path`."""
    tag, inner = _unwrap(record)
    fields: dict[str, Any] = {LOG: tag}
    _flatten(inner, fields, "")
    if "id.orig_h" not in fields:  # else the shipper kept the dots
        _restore_dots(fields)
    fields[LOG] = tag or _said_log(fields) or log_by_columns(fields)
    return fields


def _unwrap(record: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Undo `{"conn": {...}}`, as Zeek's Kafka writer tags its records when told to."""
    if len(record) == 1:
        ((key, value),) = record.items()
        if key in KINDS and isinstance(value, dict):
            return key, value
    return "", record


def _flatten(record: Mapping[str, Any], fields: dict[str, Any], prefix: str) -> None:
    for name, value in record.items():
        if isinstance(value, dict) and len(prefix) + len(name) < MAX_PREFIX:
            _flatten(value, fields, f"{prefix}{name}.")
        elif value is not None:
            fields[prefix + name] = value


def _restore_dots(fields: dict[str, Any]) -> None:
    for name in DOTTED.keys() & fields.keys():
        value = fields.pop(name)
        fields.setdefault(DOTTED[name], value)


def _said_log(fields: dict[str, Any]) -> str:
    for key in LOG_KEYS:
        log = clean_log(fields.get(key))
        if log:
            del fields[key]
            return log
    for key in SHARED_KEYS:
        log = clean_log(fields.get(key)) if key in fields else ""
        if log in KINDS:
            del fields[key]
            return log
    return ""


def log_by_columns(names: Iterable[str]) -> str:
    """Return the log that has these columns, empty when none or several could.

    A column counts by how few logs have it; fields that shippers and packages add count for nothing.
    """
    return _log_of(frozenset(name for name in names if name in WEIGHTS))


@lru_cache(maxsize=1024)
def _log_of(known: frozenset[str]) -> str:
    exact = _EXACT.get(known)
    if exact:
        return exact
    scores = sorted((sum(WEIGHTS[name] for name in known & columns.keys()), log) for log, columns in KINDS.items())
    (second, _), (best, log) = scores[-2:]
    return log if best - second >= CLEAR_LEAD else ""
