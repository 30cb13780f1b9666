"""What is looked for in stored records: narrow columns first, then texts and attributes of the record itself.

A text is looked for in the record's JSON, where quotes and backslashes stand escaped, and those of a raw record that is
JSON itself stand escaped twice; ASCII letters match in either case. An attribute is compared as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from models.entity import EntityKey

RULE: Final = ("finding_info.analytic.uid",)  # where a signal's record names the rule or model that fired
Forms = tuple[str, ...]
Attribute = tuple[tuple[str, ...], tuple[str, ...]]  # dotted paths, and the values that may stand there


@dataclass(frozen=True, slots=True)
class Query:
    """What a record has to be; everything that is empty asks for nothing.

    Attributes:
        start: Event time (ms) from which on, inclusive.
        end: Event time (ms) up to which, inclusive.
        entity: It names this entity.
        class_uids: It is of one of these OCSF classes.
        domain: It is of this domain.
        source: It is of the source of this name.
        texts: For each of these, its JSON contains one of the forms (`forms_of`).
        attributes: For each of these, one of the dotted paths leads to one of the values; numbers as text.
        latest: The last such records are wanted, not the first; they still come in the order of time.
    """

    start: int
    end: int
    entity: EntityKey | None = None
    class_uids: tuple[int, ...] = ()
    domain: str = ""
    source: str = ""
    texts: tuple[Forms, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    latest: bool = False


def forms_of(text: str) -> Forms:
    """Return the ways in which a text can stand in a record's JSON: as an attribute, and in a raw record of JSON."""
    once = _escaped(text)
    return tuple(dict.fromkeys((once, _escaped(once))))


def _escaped(text: str) -> str:
    return orjson.dumps(text).decode()[1:-1]


def attribute(record: Mapping[str, Any], path: str) -> str | None:
    """Return the text or whole number at a dotted path of a decoded record, as text; None when there is neither."""
    found: Any = record
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return str(found) if type(found) in (str, int) else None
