"""The OCSF 1.8.0 schema as data, and a validator over it.

Source: the OCSF schema 1.8.0 (schema.ocsf.io, Apache-2.0), reduced to facts by `deploy/ocsf/compact_schema.py`.
What Braid builds itself is proven valid by tests; this validator runs where others' OCSF comes in, and in those tests.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

INTEGER_TYPES: Final = frozenset({"integer_t", "long_t", "port_t", "timestamp_t"})
LATEST_MS: Final = 4_102_444_800_000  # the year 2100
SECONDS_BELOW: Final = 10_000_000_000  # a smaller "millisecond" time is one in seconds
MAX_FORMATTED: Final = (
    1024  # no address or time is longer, and some of the schema's patterns are quadratic in the length
)
MAX_DEPTH: Final = 64  # objects may contain themselves (process.parent_process ...); hostile input must end


@dataclass(frozen=True, slots=True)
class Problem:
    """One violation: the dotted path of the attribute and what is wrong with it."""

    path: str
    message: str


@cache
def load() -> dict[str, Any]:
    """Return the compact schema: `classes` by uid (as string), `objects` and `types` by name."""
    packed = files("models").joinpath("ocsf-1.8.0.json.gz").read_bytes()
    schema: dict[str, Any] = orjson.loads(gzip.decompress(packed))
    return schema


@cache
def pattern(type_name: str) -> re.Pattern[str] | None:
    """Return the pattern of a type's format, None when it has none."""
    regex = load()["types"].get(type_name, {}).get("regex")
    return re.compile(regex) if regex and type_name != "string_t" else None


def validate(event: dict[str, Any]) -> list[Problem]:
    """Check one event against its class; return every problem, an empty list when it is valid."""
    return list(_event(event))


def _event(event: dict[str, Any]) -> Iterator[Problem]:
    class_uid = event.get("class_uid")
    spec = load()["classes"].get(str(class_uid)) if type(class_uid) is int else None
    if spec is None:
        yield Problem("class_uid", f"unknown class_uid {class_uid!r}")
        return
    metadata = event.get("metadata")
    named = metadata.get("profiles") if isinstance(metadata, dict) else None
    profiles = frozenset(p for p in named if isinstance(p, str)) if isinstance(named, list) else frozenset()
    yield from _members(event, spec, profiles, "", 0)
    activity = event.get("activity_id")
    if type(activity) is int and event.get("type_uid") != class_uid * 100 + activity:  # type: ignore[operator]  # class_uid is an int: the class was found by it
        yield Problem("type_uid", "type_uid is not class_uid * 100 + activity_id")
    if event.get("category_uid") != spec["category_uid"]:
        yield Problem("category_uid", "category_uid does not belong to class_uid")


def _members(
    value: dict[str, Any], spec: dict[str, Any], profiles: frozenset[str], path: str, depth: int
) -> Iterator[Problem]:
    if depth > MAX_DEPTH:
        yield Problem(path.rstrip("."), f"nested deeper than {MAX_DEPTH} objects")
        return
    attributes = spec["attributes"]
    yield from _requirements(value, spec, profiles, path)
    for name, item in value.items():
        rule = attributes.get(name)
        if rule is None:
            if attributes:
                yield Problem(f"{path}{name}", "attribute is not defined here")
        elif item is None:
            yield Problem(f"{path}{name}", "null value (leave the attribute out)")
        elif not rule.get("array"):
            yield from _value(item, rule, profiles, f"{path}{name}", depth)
        elif isinstance(item, list):
            for element in item:
                yield from _value(element, rule, profiles, f"{path}{name}", depth)
        else:
            yield Problem(f"{path}{name}", "must be an array")


def _requirements(
    value: dict[str, Any], spec: dict[str, Any], profiles: frozenset[str], path: str
) -> Iterator[Problem]:
    for name, rule in spec["attributes"].items():
        owners = rule.get("profiles")
        active = not owners or not profiles.isdisjoint(owners)
        if active and rule.get("required") and value.get(name) is None:
            yield Problem(f"{path}{name}", "required attribute is missing")
        if not active and value.get(name) is not None:
            yield Problem(f"{path}{name}", f"needs one of the profiles {owners} in metadata.profiles")
    for kind, names in spec.get("constraints", {}).items():
        present = sum(value.get(name) is not None for name in names)
        if kind == "at_least_one" and present == 0:
            yield Problem(path.rstrip("."), f"needs at least one of {', '.join(names)}")
        if kind == "just_one" and present != 1:
            yield Problem(path.rstrip("."), f"needs exactly one of {', '.join(names)}")


def _value(value: Any, rule: dict[str, Any], profiles: frozenset[str], path: str, depth: int) -> Iterator[Problem]:
    kind = rule["type"]
    if kind == "json_t":
        return
    if kind == "object_t":
        if not isinstance(value, dict):
            yield Problem(path, "must be an object")
        elif rule["object"] not in {"object", "unmapped"}:
            yield from _members(value, load()["objects"][rule["object"]], profiles, f"{path}.", depth + 1)
        return
    problem = _scalar_problem(value, kind)
    if problem:
        yield Problem(path, problem)
    elif rule.get("enum") and str(value) not in rule["enum"]:
        yield Problem(path, f"{value!r} is not a member of the enum")


def _scalar_problem(value: Any, kind: str) -> str:
    base = kind if kind in INTEGER_TYPES else load()["types"].get(kind, {}).get("type", kind)
    if base in INTEGER_TYPES:
        return _integer_problem(value, kind)
    if base == "float_t":
        return "" if isinstance(value, int | float) and not isinstance(value, bool) else "must be a number"
    if base == "boolean_t":
        return "" if isinstance(value, bool) else "must be a boolean"
    if not isinstance(value, str):
        return f"must be a string, not {type(value).__name__}"
    found = pattern(kind)
    if found is None:
        return ""
    short = len(value) <= MAX_FORMATTED or kind == "bytestring_t"  # which holds whole files, and has a linear pattern
    return "" if short and found.search(value) else f"is not a valid {kind}"


def _integer_problem(value: Any, kind: str) -> str:
    if type(value) is not int:
        return f"must be an integer, not {type(value).__name__}"
    if kind == "timestamp_t" and not 0 <= value <= LATEST_MS:
        return "timestamp out of range"
    if kind == "timestamp_t" and 0 < value < SECONDS_BELOW:
        return "timestamp looks like seconds, not milliseconds"
    return ""
