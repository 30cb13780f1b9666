"""What deserves a look in rules that work: each finding with its kind, file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from models.errors import RuleProblem
from streams.detect.logsource import OCSF
from streams.detect.rule import DetectionRule
from streams.rulecheck.fields import unknown_fields
from streams.rulecheck.logsources import misspelled_service, nearest, producers, spelled
from streams.rulecheck.never import EVENT_ID, impossible_ids
from streams.rulecheck.places import Places

RULE, FIELD, LOGSOURCE, NEVER = "rule", "unknown-field", "unreachable-log-source", "never-fires"
KINDS: Final = (RULE, FIELD, LOGSOURCE, NEVER)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that works, and is probably not meant.

    Attributes:
        kind: `rule` (its compiler says so), `unknown-field`, `unreachable-log-source` or `never-fires`.
        problem: Where, which rule, what.
    """

    kind: str
    problem: RuleProblem

    def __str__(self) -> str:
        """Render as `file:line: rule: message [kind]`."""
        return f"{self.problem} [{self.kind}]"


def find(rules: Iterable[DetectionRule]) -> tuple[Finding, ...]:
    """Return all findings, sorted by file and line."""
    places = Places()
    found = (finding for rule in rules for finding in _of(rule, places))
    return tuple(sorted(found, key=lambda one: (one.problem.path, one.problem.line, one.problem.message)))


def _of(rule: DetectionRule, places: Places) -> Iterator[Finding]:
    yield from (Finding(RULE, warning) for warning in rule.warnings)
    if unreachable := _unreachable(rule):
        line = places.key(rule, "logsource")
        yield Finding(LOGSOURCE, RuleProblem(rule.path, line, rule.title, unreachable))
        return
    if never := impossible_ids(rule):
        yield Finding(NEVER, RuleProblem(rule.path, places.field(rule, EVENT_ID), rule.title, never))
    for field, advice in unknown_fields(rule):
        view = "an OCSF event" if rule.taxonomy == OCSF else f"events of {spelled(rule.logsource)}"
        message = f"field {field!r}: {view} never have it" + (f"; {advice}" if advice else "")
        yield Finding(FIELD, RuleProblem(rule.path, places.field(rule, field), rule.title, message))


def _unreachable(rule: DetectionRule) -> str:
    if rule.taxonomy == OCSF and not rule.logsource.product:
        return ""  # a class that does not exist is an error of its own
    if not producers(rule.logsource):
        return f"no source of Braid produces {spelled(rule.logsource)}: {nearest(rule.logsource)}"
    near = misspelled_service(rule.logsource)
    return f"service {rule.logsource.service!r} is not known; did you mean {near!r}?" if near else ""
