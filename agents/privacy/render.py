"""An OCSF event as a flat list of what matters in it, the telling fields first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

Scalar = str | int | float | bool

MAX_FIELDS: Final = 60
MAX_DEPTH: Final = 8
MAX_ITEMS: Final = 8  # of a list
MAX_LEAVES: Final = 2000  # of an event that are looked at
MAX_PATH: Final = 120
SHORT: Final = 500  # characters of an ordinary value
LONG: Final = 2500  # of a command line, script, message or URL
LARGEST: Final = 1 << 63
MIDDLE, LATE = 100, 1000  # ranks of what no list names, and of what comes last
# Bulk, bookkeeping, and what says again what another field says.
_SKIPPED: Final = frozenset(
    (
        *("raw_data", "raw_data_hash", "raw_data_size", "metadata", "observables", "enrichments", "unmapped"),
        *("category_uid", "class_uid", "type_uid", "category_name", "activity_id", "timezone_offset", "osint"),
    )
)
_KEPT_IDS: Final = frozenset(("logon_type_id", "activity_id", "status_id", "severity_id", "disposition_id"))
# By the first digit of the class: what an analyst reads first.
_FIRST: Final[Mapping[int, tuple[str, ...]]] = {
    1: (
        "actor.process",
        "actor.user",
        "process",
        "device",
        "file",
        "module",
        "reg_",
        "script",
        "job",
        "win_",
        "kernel",
    ),
    2: ("finding_info", "resources", "evidences", "device", "actor", "src_endpoint", "dst_endpoint"),
    3: (
        "user",
        "actor.user",
        "src_endpoint",
        "dst_endpoint",
        "service",
        "logon_type",
        "session",
        "group",
        "privileges",
    ),
    4: (
        "src_endpoint",
        "dst_endpoint",
        "query",
        "answers",
        "http_request",
        "tls",
        "traffic",
        "connection_info",
        "share",
    ),
    6: (
        "api.operation",
        "api.service",
        "actor.user",
        "src_endpoint",
        "resources",
        "api.request",
        "api.response",
        "http",
    ),
}
_ALWAYS: Final = ("time", "activity_name", "class_name", "type_name", "status", "severity", "message", "action")
_LAST: Final = ("unmapped", "cloud", "is_", "tls.certificate")
_LONG_ENDS: Final = (
    *(
        "cmd_line",
        "script_content.value",
        "message",
        "url_string",
        "query_string",
        "path",
        "desc",
        "user_agent",
        "data",
    ),
    *("answers", "rdata", "command", "script_block_text", "policy_document"),
)


def render(record: Mapping[str, Any]) -> Iterator[tuple[str, Scalar, int]]:
    """Yield path, value and most characters of every field that is shown, in the order in which they matter.

    Args:
        record: OCSF event, of any producer.
    """
    leaves = list(islice(_leaves(record, "", 0), MAX_LEAVES))
    first = _FIRST.get(_category(record), ())
    leaves.sort(key=lambda leaf: _rank(leaf[0], first))
    for path, value in leaves:
        yield path, value, LONG if path.rpartition("[")[0].endswith(_LONG_ENDS) or path.endswith(_LONG_ENDS) else SHORT


def users_of(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the OCSF users in an event, wherever they are."""
    waiting: list[tuple[Any, int]] = [(record, 0)]
    for _ in range(MAX_LEAVES):
        if not waiting:
            return
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            continue
        if isinstance(value, Mapping):
            user = value.get("user")
            if isinstance(user, Mapping):
                yield user
            waiting.extend((item, depth + 1) for item in value.values() if isinstance(item, Mapping | list))
        elif isinstance(value, list):
            waiting.extend((item, depth + 1) for item in value[:MAX_ITEMS])


def _category(record: Mapping[str, Any]) -> int:
    class_uid = record.get("class_uid")
    if type(class_uid) is not int or class_uid <= 0:
        return 0
    return int(str(class_uid)[0]) if class_uid < LARGEST else 0


def _rank(path: str, first: tuple[str, ...]) -> tuple[int, str]:
    if path in _ALWAYS:
        return _ALWAYS.index(path), path
    for place, prefix in enumerate(first):
        if path.startswith(prefix):
            return len(_ALWAYS) + place, path
    return (LATE if path.startswith(_LAST) else MIDDLE), path


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, Mapping | list):
        if depth < MAX_DEPTH:
            yield from _children(value, path, depth)
    elif isinstance(value, str | bool | int | float) and _is_shown(value):
        yield path, value


def _children(value: Mapping[Any, Any] | list[Any], path: str, depth: int) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, list):
        for place, item in enumerate(value[:MAX_ITEMS]):
            yield from _leaves(item, f"{path}[{place}]", depth + 1)
        if len(value) > MAX_ITEMS:
            yield f"{path}[more]", len(value) - MAX_ITEMS
        return
    for name, item in value.items():
        if isinstance(name, str) and (depth or name not in _SKIPPED) and not _says_again(name, item):
            yield from _leaves(item, f"{path}.{name}" if path else name, depth + 1)
    if not depth:
        yield from _unmapped(value.get("unmapped"))


def _is_shown(value: Scalar) -> bool:
    """Tell whether a value says something: no empty text, no number beyond 64 bits, no NaN."""
    if isinstance(value, str):
        return bool(value)
    return abs(value) < LARGEST if isinstance(value, int) else math.isfinite(value)


def _unmapped(value: Any) -> Iterator[tuple[str, Scalar]]:
    """Yield what the schema has no attribute for, without what Braid adds itself."""
    if isinstance(value, Mapping):
        others = {name: item for name, item in value.items() if name != "braid"}
        yield from _leaves(others, "unmapped", 1)


def _says_again(name: str, item: Any) -> bool:
    """Tell whether it is the number of what stands beside it in words, or a time in a second form."""
    return name.endswith("_dt") or (name.endswith("_id") and isinstance(item, int) and name not in _KEPT_IDS)
