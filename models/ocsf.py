"""OCSF 1.8.0: the classes Braid speaks, and the parts every event shares.

Source: the OCSF schema, version 1.8.0 (schema.ocsf.io). All of its facts are in `models.ocsf_schema`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from models import ocsf_schema

VERSION: Final = "1.8.0"
PRODUCT: Final = {"name": "Braid", "vendor_name": "Braid"}


@dataclass(frozen=True, slots=True)
class OcsfClass:
    """One event class: its uid, name, category, and the domain Braid counts it to."""

    uid: int
    name: str
    category_uid: int
    category_name: str
    domain: str


DOMAINS: Final = ("identity", "network", "workload")
_DOMAIN_OF_CATEGORY: Final = {3: "identity", 4: "network"}


def domain_of(class_uid: int) -> str:
    """Return `identity`, `network` or `workload`: the events topic and the domain an event counts to."""
    return _DOMAIN_OF_CATEGORY.get(class_uid // 1000 % 100, "workload")


CLASSES: Final[dict[int, OcsfClass]] = {
    int(uid): OcsfClass(int(uid), spec["name"], spec["category_uid"], spec["category_name"], domain_of(int(uid)))
    for uid, spec in ocsf_schema.load()["classes"].items()
}


def head(class_uid: int, activity_id: int, time: int, severity_id: int = 1) -> dict[str, Any]:
    """Start an OCSF event with the attributes every class requires, except `metadata`.

    Args:
        class_uid: A key of CLASSES.
        activity_id: Activity within the class; 0 unknown, 99 other (then set `activity_name` to the vendor's word).
        time: Event time in ms.
        severity_id: OCSF severity, 1 (informational) unless the source says otherwise.
    """
    known = CLASSES[class_uid]
    return {
        "class_uid": class_uid,
        "class_name": known.name,
        "category_uid": known.category_uid,
        "category_name": known.category_name,
        "activity_id": activity_id,
        "type_uid": class_uid * 100 + activity_id,
        "time": time,
        "severity_id": severity_id,
    }


def encode(record: dict[str, Any]) -> bytes:
    """Serialize one record for a topic or a file: compact JSON, keys in the order they were set."""
    return orjson.dumps(record)


def decode(data: bytes) -> dict[str, Any]:
    """Read one record; raise `orjson.JSONDecodeError` (a ValueError) when it is not a JSON object."""
    value = orjson.loads(data)
    if not isinstance(value, dict):
        raise orjson.JSONDecodeError("not a JSON object", data[:20].decode("utf-8", "replace"), 0)
    return value
