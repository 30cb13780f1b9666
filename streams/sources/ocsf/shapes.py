"""Give the attributes of an OCSF event the types that the schema asks for, where only the spelling is another.

What producers whose pipelines know only text get wrong (CSV, SQL tables, Panther, Snowflake): integers, booleans and
times as text, a single value where an array belongs, numbers where text belongs, `-` for nothing, an enumeration's
caption without its number, a profile used but not named, columns of their own at the top. Nothing here chooses between
two meanings; a value that could be two things stays as it is, and the event is refused for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from models.ocsf_schema import INTEGER_TYPES, MAX_FORMATTED, load, pattern
from streams.sources.times import from_rfc3339

INT64_MAX: Final = 2**63 - 1
MAX_DIGITS: Final = 20
EXACT_FLOAT: Final = 2**53
UNKNOWN, OTHER = "0", "99"
_NOTHING: Final = ("", "-")
_BOOLEANS: Final = {"true": True, "false": False}
_SUFFIX: Final = "_id"
_FREE: Final = frozenset({"object", "unmapped"})


def shaped(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of an event of a known class with its values in the schema's types; a stranger as it is."""
    class_uid = event.get("class_uid")
    spec = load()["classes"].get(str(class_uid)) if type(class_uid) is int else None
    if spec is None:
        return dict(event)
    profiles: set[str] = set()
    members = _members(event, spec, profiles)
    return _with_profiles(_own_columns(members), profiles)


def _members(value: Mapping[str, Any], spec: Mapping[str, Any], profiles: set[str]) -> dict[str, Any]:
    """Shape the members of one object, and note the profiles they are of; as deep as `decode_json` allows."""
    attributes = spec["attributes"]
    made: dict[str, Any] = {}
    for name, item in value.items():
        rule = attributes.get(name)
        if rule is None:
            made[name] = item
            continue
        owners = rule.get("profiles", ())
        if len(owners) == 1:
            profiles.add(owners[0])
        found = _listed(item, rule, profiles) if rule.get("array") else _value(item, rule, profiles)
        if found is not None:
            made[name] = found
    for name in _numbers(attributes):
        if name not in made and (number := _number_of(made, name, attributes[name]["enum"])) is not None:
            made[name] = number
    return made


def _listed(item: Any, rule: Mapping[str, Any], profiles: set[str]) -> list[Any] | None:
    """Return the elements of an array; a single value is an array of one."""
    items = item if isinstance(item, list) else [item]
    return [made for each in items if (made := _value(each, rule, profiles)) is not None]


def _value(item: Any, rule: Mapping[str, Any], profiles: set[str]) -> Any:
    kind = rule["type"]
    if kind == "object_t":
        known = isinstance(item, dict) and rule["object"] not in _FREE
        return _members(item, load()["objects"][rule["object"]], profiles) if known else item
    if kind in INTEGER_TYPES or _base(kind) in INTEGER_TYPES:
        return _integer(item, kind)
    if kind == "boolean_t":
        return _BOOLEANS.get(item, item) if isinstance(item, str) else item
    if kind == "string_t":
        return str(item) if type(item) is int else item
    return None if item in _NOTHING and pattern(kind) is not None else item


@cache
def _base(kind: str) -> str:
    base: str = load()["types"].get(kind, {}).get("type", kind)
    return base


def _integer(item: Any, kind: str) -> Any:
    """Return the integer that a text or a float is exactly; of a time also the one that its date is."""
    if isinstance(item, float):
        return int(item) if abs(item) < EXACT_FLOAT and item.is_integer() else item
    if not isinstance(item, str):
        return item
    if item in _NOTHING:
        return None
    digits = item.removeprefix("-")
    if len(digits) <= MAX_DIGITS and digits.isascii() and digits.isdigit():
        number = int(item)
        return number if str(number) == item and abs(number) <= INT64_MAX else item
    time = from_rfc3339(item) if kind == "timestamp_t" and len(item) <= MAX_FORMATTED else None
    return item if time is None else time


_NUMBERED: dict[int, tuple[str, ...]] = {}


def _numbers(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the required numbers of enumerations that have one for what is unknown, of the schema's one copy."""
    found = _NUMBERED.get(id(attributes))
    if found is None:
        found = _NUMBERED[id(attributes)] = tuple(
            name
            for name, rule in attributes.items()
            if name.endswith(_SUFFIX) and rule.get("required") and not rule.get("profiles") and _has_unknown(rule)
        )
    return found


def _has_unknown(rule: Mapping[str, Any]) -> bool:
    enum: Mapping[str, str] = rule.get("enum") or {}
    return enum.get(UNKNOWN) == "Unknown"


def _number_of(members: Mapping[str, Any], name: str, enum: Mapping[str, str]) -> int | None:
    """Return the number of the caption that stands beside it: unknown without one; none for an activity.

    What an event tells of is not for us to call unknown.
    """
    if name == "activity_id":
        return None
    caption = members.get(name.removesuffix(_SUFFIX))
    if caption is None:
        return int(UNKNOWN)
    if not isinstance(caption, str):
        return None
    known = next((number for number, word in enum.items() if word.lower() == caption.lower()), None)
    known = known or (OTHER if OTHER in enum else None)
    return int(known) if known else None


@cache
def _defined() -> frozenset[str]:
    return frozenset(name for spec in load()["classes"].values() for name in spec["attributes"])


def _own_columns(event: dict[str, Any]) -> dict[str, Any]:
    """Move what no class at all has to `unmapped`: columns of the producer's table, no slips of its mapping."""
    strange = [name for name in event if name not in _defined()]
    unmapped = event.get("unmapped", {})
    if not strange or not isinstance(unmapped, dict):
        return event
    moved = {name: event.pop(name) for name in strange}
    return {**event, "unmapped": {**moved, **unmapped}}


def _with_profiles(event: dict[str, Any], used: set[str]) -> dict[str, Any]:
    """Name the profiles that attributes in use are of and of no other."""
    metadata = event.get("metadata")
    if not isinstance(metadata, dict):
        return event
    named = metadata.get("profiles", [])
    if not isinstance(named, list):
        return event
    missing = sorted(used.difference(name for name in named if isinstance(name, str)))
    return {**event, "metadata": {**metadata, "profiles": [*named, *missing]}} if missing else event
