"""What deserves a look in rules that work: each finding with its kind, file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from agents.text import moment, plain
from models.errors import RuleProblem
from streams.detect.exceptions import Terms
from streams.detect.filters import RuleFilter
from streams.detect.logsource import OCSF
from streams.detect.rule import DetectionRule
from streams.rulecheck.fields import unknown_fields
from streams.rulecheck.logsources import misspelled_service, nearest, spelled
from streams.rulecheck.never import EVENT_ID, impossible_ids
from streams.rulecheck.places import Places
from streams.sources.producers import producers

RULE, FIELD, LOGSOURCE, NEVER = "rule", "unknown-field", "unreachable-log-source", "never-fires"
OWNER, EXPIRY, EXPIRED = "exception-without-owner", "exception-without-expiry", "exception-expired"
KINDS: Final = (RULE, FIELD, LOGSOURCE, NEVER, OWNER, EXPIRY, EXPIRED)
_NO_TERMS: Final = Terms()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that works, and is probably not meant.

    Attributes:
        kind: `rule` (its compiler says so), `unknown-field`, `unreachable-log-source`, `never-fires`; of a filter
            `exception-without-owner`, `exception-without-expiry` or `exception-expired`.
        problem: Where, which rule, what.
    """

    kind: str
    problem: RuleProblem

    def __str__(self) -> str:
        """Render as `file:line: rule: message [kind]`."""
        return f"{self.problem} [{self.kind}]"


def find(
    rules: Iterable[DetectionRule], filters: Iterable[RuleFilter] = (), today_ms: int | None = None
) -> tuple[Finding, ...]:
    """Return all findings, sorted by file and line.

    Args:
        rules: The rules, narrowed by the filters.
        filters: The filters.
        today_ms: Tell of filters that held until then at the latest; None to tell of none.
    """
    places = Places()
    found = [finding for rule in rules for finding in _of(rule, places)]
    found += [finding for known in filters for finding in _of_filter(known, today_ms)]
    return tuple(sorted(found, key=lambda one: (one.problem.path, one.problem.line, one.problem.message)))


def _of_filter(known: RuleFilter, today_ms: int | None) -> Iterator[Finding]:
    terms, (line, expires_line) = known.terms or _NO_TERMS, known.lines
    if not terms.owner:
        yield _at(known, line, OWNER, "nobody is named who keeps this exception; say `braid: {owner: ...}`")
    if terms.to_ms is None:
        yield _at(known, line, EXPIRY, "this exception never ends; say `braid: {expires: ...}`, a date")
    elif today_ms is not None and terms.to_ms <= today_ms:
        since = f"this exception has expired: since {moment(terms.to_ms)} its rules fire on such events again"
        yield _at(known, expires_line, EXPIRED, f"{since}; {_renew(terms.owner)}")


def _renew(owner: str) -> str:
    return f"{plain(owner)} renews it, or takes it away" if owner else "renew it, or take it away"


def _at(known: RuleFilter, line: int, kind: str, message: str) -> Finding:
    return Finding(kind, RuleProblem(known.place.path, line, known.title, message))


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
