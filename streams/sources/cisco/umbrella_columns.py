"""The columns of Umbrella's DNS logs, and the names under which others pass them on.

Source: "DNS Log Formats" in the Cisco Umbrella user guide, versions 1 to 10 and what later ones add at the end; the
DNS activity of the Umbrella reporting API, version 2.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources.base import text
from streams.sources.fields import MAX_LISTED

COLUMNS: Final = (
    "timestamp",
    "identity",
    "identities",
    "internal_ip",
    "external_ip",
    "action",
    "query_type",
    "response_code",
    "domain",
    "categories",  # the last of version 1
    "identity_type",  # from version 3
    "identity_types",
    "blocked_categories",  # from version 4
    "rule_id",
    "destination_countries",
    "organization_id",
)
MAX_COLUMNS: Final = 64
MAX_NAME: Final = 64
_LISTS: Final = ("identities", "categories", "identity_types", "blocked_categories")
_SPELLINGS: Final = {
    **{name.replace("_", ""): name for name in COLUMNS},
    "mostgranularidentity": "identity",
    "policyidentity": "identity",
    "mostgranularidentitytype": "identity_type",
    "policyidentitytype": "identity_type",
    "primaryidentity": "identity",
    "verdict": "action",
    "returncode": "response_code",
    "time": "timestamp",
    "datetime": "timestamp",
    "srcip": "internal_ip",
    "orgid": "organization_id",
    "ruleid": "rule_id",
}


def of_line(line: str) -> dict[str, Any]:
    """Return the fields of a CSV line, quoted or not; empty when it is none."""
    try:
        row = next(csv.reader([line], skipinitialspace=True), [])
    except csv.Error:
        return {}
    fields: dict[str, Any] = {name: value for name, value in zip(COLUMNS, row, strict=False) if value}
    for number, value in enumerate(row[len(COLUMNS) : MAX_COLUMNS], len(COLUMNS) + 1):
        if value:
            fields[f"column_{number}"] = value
    return _with_lists(fields)


def of_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an object under the names of the columns; others keep their own."""
    fields: dict[str, Any] = {}
    for name, item in value.items():
        known = _column(name) if len(name) <= MAX_NAME else None
        if known and known not in fields:
            fields[known] = item
        else:
            fields[name] = item
    if "identity" not in fields and isinstance(fields.get("identities"), list):
        _take_identity(fields)
    return _with_lists(fields)


@lru_cache(maxsize=1024)
def _column(name: str) -> str | None:
    """Return the column that a name stands for: `internalIp`, `internal_ip`, `InternalIp_s`, `Internal IP`."""
    bare = name[:-2] if name[-2:] in {"_s", "_t", "_d"} else name
    return _SPELLINGS.get("".join(char for char in bare.lower() if char.isalnum()))


def _take_identity(fields: dict[str, Any]) -> None:
    """The API lists identities as objects, the most granular one first."""
    listed = [item for item in fields["identities"][:MAX_LISTED] if isinstance(item, dict)]
    if listed:
        kind = listed[0].get("type")
        fields["identity"] = text(listed[0].get("label"))
        fields["identity_type"] = text(kind.get("label") if isinstance(kind, dict) else kind)


def _with_lists(fields: dict[str, Any]) -> dict[str, Any]:
    for name in _LISTS:
        if name in fields:
            fields[name] = words(fields[name])
    return fields


def words(value: Any) -> list[str]:
    """Return the words of a list: of texts, of objects with a label, or apart by commas."""
    if isinstance(value, str):
        return [word for item in value.split(",", MAX_LISTED)[:MAX_LISTED] if (word := item.strip())]
    if not isinstance(value, list):
        return []
    labels: list[Any] = [item.get("label") if isinstance(item, dict) else item for item in value[:MAX_LISTED]]
    return [known for label in labels if (known := text(label))]
