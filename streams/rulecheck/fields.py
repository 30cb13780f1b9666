"""Which fields a rule looks at, and which of them no event that concerns it ever has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from models import ocsf_schema
from streams.detect.logsource import OCSF
from streams.detect.predicates import Predicate, SameAs, every, leaves
from streams.detect.record import EVERYWHERE
from streams.detect.rule import DetectionRule
from streams.sources.inventory import NO_FIELDS, Fields, joined
from streams.sources.producers import producers

NEAR: Final = 0.7
FREE_OBJECTS: Final = frozenset({"object", "unmapped"})


def fields_of(condition: Predicate) -> tuple[str, ...]:
    """Return the fields that a condition looks at, each once, in its order."""
    return tuple(dict.fromkeys(name for name in _names(condition) if name != EVERYWHERE))


def _names(condition: Predicate) -> Iterator[str]:
    for leaf in leaves(condition):
        yield getattr(leaf, "field", EVERYWHERE)  # keywords have none
        if isinstance(leaf, SameAs):
            yield leaf.other


def _all_fields(rule: DetectionRule) -> tuple[str, ...]:
    """Return the fields of a rule and of the exceptions from it."""
    return fields_of(every((rule.condition, *(known.condition for known in rule.exceptions))))


def unknown_fields(rule: DetectionRule) -> Iterator[tuple[str, str]]:
    """Yield each field that no event which concerns the rule ever has, and what to do about it."""
    if rule.taxonomy == OCSF:
        yield from _unknown_paths(rule)
        return
    known = _known(rule)
    if known is None:
        return
    for field in _all_fields(rule):
        if not known.has(field):
            yield field, _advice(field, known.names | known.trees)


def _known(rule: DetectionRule) -> Fields | None:
    """Return the fields that events of the rule's log source may have, None when that cannot be told.

    A rule on a category speaks of Sigma's names for it, which sources fill whatever else their records hold; so what a
    source adds under names nobody can list counts for the rules that name its product or service alone.
    """
    found = joined(producers(rule.logsource)) if producers(rule.logsource) else NO_FIELDS
    listed = bool(rule.logsource.category) and bool(found.names)
    return None if found == NO_FIELDS or (found.open and not listed) else found


def _advice(field: str, names: Iterable[str]) -> str:
    near = _near(field, names)
    return f"did you mean {near!r}?" if near else ""


def _near(field: str, names: Iterable[str]) -> str:
    by_lower = {name.lower(): name for name in sorted(names, reverse=True)}
    found = get_close_matches(field.lower(), sorted(by_lower), 1, NEAR)
    return by_lower[found[0]] if found else ""


def _unknown_paths(rule: DetectionRule) -> Iterator[tuple[str, str]]:
    classes = ocsf_schema.load()["classes"]
    named = rule.logsource.class_uid
    specs = [classes[str(named)]] if named else list(classes.values())
    for field in _all_fields(rule):
        wrong = [_first_wrong(spec, field) for spec in specs]
        if all(wrong):
            _, name, siblings = max((found for found in wrong if found), key=lambda found: found[0])
            near = _near(name, siblings)
            yield field, f"OCSF has no {name!r} there" + (f"; did you mean {near!r}?" if near else "")


def _first_wrong(spec: dict[str, Any], path: str) -> tuple[int, str, frozenset[str]] | None:
    """Return depth, name and possible names of the first part of a path that is no attribute; None when all are."""
    for depth, name in enumerate(part for part in path.split(".") if not part.isdecimal()):
        attributes = spec["attributes"]
        rule = attributes.get(name)
        if rule is None:
            return depth, name, _attribute_names(tuple(attributes))
        if rule["type"] == "json_t" or rule.get("object") in FREE_OBJECTS:
            return None
        spec = ocsf_schema.load()["objects"].get(rule.get("object", ""), {"attributes": {}})
    return None


@cache
def _attribute_names(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names)
