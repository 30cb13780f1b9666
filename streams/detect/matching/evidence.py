"""Where the evidence of a rule that fired stands in the record, so that it need not be searched for in every event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streams.detect.predicates import (
    MAX_EVIDENCE,
    Evidence,
    FoldedText,
    Leaf,
    Null,
    Predicate,
    Text,
    gather,
    reasons,
)
from streams.detect.record import EVERYWHERE, Record


class _Unknown(Exception):
    """Steer control: the truth of a test is not known."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A test that passes, and where.

    Attributes:
        selection: Name of its detection.
        test: The test.
        field: The one field it looks at, empty when it looks elsewhere too.
    """

    selection: str
    test: Leaf
    field: str


Template = tuple[Reason, ...]


def template_of(condition: Predicate, decide: Callable[[Leaf], bool | None]) -> Template | None:
    """Return the tests that make a condition true, at most one for a field; None when a test is not decided."""

    def holds(test: Leaf) -> bool:
        truth = decide(test)
        if truth is None:
            raise _Unknown
        return truth

    found: dict[object, Reason] = {}
    try:
        for selection, test in reasons(condition, holds):
            if decide(test) is None:
                return None
            if isinstance(test, Null):
                continue  # what is absent is no evidence
            field = test.field if isinstance(test, FoldedText | Text) and test.field != EVERYWHERE else ""
            found.setdefault(field or len(found), Reason(selection, test, field))
    except _Unknown:
        return None
    return tuple(found.values())


def evidence_in(template: Template, data: Mapping[str, Any]) -> tuple[Evidence, ...]:
    """Read the evidence, as `predicates.evaluate` would return it."""
    found: dict[str, Evidence] = {}
    for reason in template:
        value = data.get(reason.field) if reason.field else None
        pairs = ((reason.field, value),) if type(value) is str else reason.test.evidence(Record(data))
        gather(found, reason.selection, pairs)
        if len(found) == MAX_EVIDENCE:
            break
    return tuple(found.values())
