"""Why a rule fired on an event, or why not: its condition as a tree of what was wanted and what stood there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final, cast

from agents.text import moment, plain, quoted
from models.event import Event
from streams.detect.exceptions import RuleException, Terms
from streams.detect.logsource import OCSF
from streams.detect.predicates import Every, Keywords, Leaf, Not, Predicate, SameAs, Selection, Some
from streams.detect.record import EVERYWHERE, Record
from streams.detect.rule import DetectionRule
from streams.rulecheck.logsources import spelled
from streams.rulecheck.wants import field_of, wanted

ALL, ANY, NOT, SELECTION, TEST = "all of", "any of", "not", "selection", "test"
MAX_VALUES: Final = 5  # values of one field that are shown
MAX_CHARS: Final = 512  # of each value that JSON output carries
INDENT: Final = "  "
MARKS: Final = {True: "\N{CHECK MARK}", False: "\N{BALLOT X}"}


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a condition, decided.

    Attributes:
        kind: `all of`, `any of`, `not`, `selection` or `test`.
        holds: Whether it is true of the event.
        name: Name of the selection, or field of the test.
        wanted: What the test wants, in words.
        found: The values that stood there, those that pass first; empty when nothing did.
        absent: For a test: whether the field is not there at all.
        steps: What it is made of.
    """

    kind: str
    holds: bool
    name: str = ""
    wanted: str = ""
    found: tuple[str, ...] = ()
    absent: bool = False
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Excused:
    """What an exception from a rule makes of an event.

    Attributes:
        title: Title of the filter.
        terms: Who keeps it, and when it holds.
        in_force: Whether it holds at the time of the event.
        condition: What has to hold for the rule to fire all the same, decided whether it is in force or not.
    """

    title: str
    terms: Terms
    in_force: bool
    condition: Step

    @property
    def excepts(self) -> bool:
        """Tell whether it takes a match on the event out."""
        return self.in_force and not self.condition.holds

    def to_json(self) -> dict[str, Any]:
        """Render for machines; a limit that there is not is null."""
        terms = self.terms
        return {
            "title": self.title,
            "owner": terms.owner,
            "reason": terms.reason,
            "valid_from": None if terms.from_ms is None else moment(terms.from_ms),
            "expires": None if terms.to_ms is None else moment(terms.to_ms),
            "in_force": self.in_force,
            "excepts": self.excepts,
            "condition": asdict(self.condition),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a rule makes of an event.

    Attributes:
        rule: The rule.
        event: The event.
        why_not_concerned: Why its log source passes the event over, empty when it does not.
        condition: The condition, decided whether it is concerned or not.
        exceptions: The exceptions from the rule, likewise.
    """

    rule: DetectionRule
    event: Event
    why_not_concerned: str
    condition: Step
    exceptions: tuple[Excused, ...] = ()

    @property
    def matched(self) -> bool:
        """Tell whether the rule fires."""
        return self.condition.holds and not self.why_not_concerned and not self.excepted_by

    @property
    def excepted_by(self) -> tuple[Excused, ...]:
        """Return the exceptions that take a match on the event out."""
        return tuple(known for known in self.exceptions if known.excepts)

    def to_json(self) -> dict[str, Any]:
        """Render for machines."""
        rule, event = self.rule, self.event
        return {
            "matched": self.matched,
            "rule": {"id": rule.uid, "title": rule.title, "path": rule.path, "taxonomy": rule.taxonomy},
            "event": {
                "uid": event.uid,
                "time": event.time,
                "source": event.source,
                "at": asdict(event.at),
                "class_uid": event.class_uid,
                "logsource": {
                    "product": event.logsource.product,
                    "service": event.logsource.service,
                    "categories": list(event.logsource.categories),
                },
            },
            "concerned": not self.why_not_concerned,
            "why_not_concerned": self.why_not_concerned,
            "condition": asdict(self.condition),
            "exceptions": [known.to_json() for known in self.exceptions],
        }


def explain(rule: DetectionRule, event: Event) -> Explanation:
    """Decide every part of a rule, whatever the others say."""
    record = Record(event.ocsf if rule.taxonomy == OCSF else event.native)
    exceptions = tuple(_excused(known, event.time, record) for known in rule.exceptions)
    return Explanation(rule, event, _why_not_concerned(rule, event), _step(rule.condition, record), exceptions)


def _excused(known: RuleException, time_ms: int, record: Record) -> Excused:
    return Excused(known.title, known.terms, known.terms.hold_at(time_ms), _step(known.condition, record))


def _why_not_concerned(rule: DetectionRule, event: Event) -> str:
    if rule.logsource.concerns(event.logsource, event.class_uid):
        return ""
    wants = f"OCSF class {rule.logsource.class_uid}" if rule.logsource.class_uid else spelled(rule.logsource)
    return f"the rule is about {wants}; the event is {_kind(event)}"


def _kind(event: Event) -> str:
    found = event.logsource
    named = (("product", found.product), ("service", found.service), ("category", " and ".join(found.categories)))
    words = [f"{part} {plain(value)}" for part, value in named if value]
    return ", ".join((*words, f"OCSF class {event.class_uid}"))


def _step(node: Predicate, record: Record) -> Step:
    match node:
        case Every() | Some():
            steps = tuple(_step(part, record) for part in node.predicates)
            kind, join = (ALL, all) if isinstance(node, Every) else (ANY, any)
            return Step(kind, join(step.holds for step in steps), steps=steps)
        case Not():
            inner = _step(node.predicate, record)
            return Step(NOT, not inner.holds, steps=(inner,))
        case Selection():
            inner = _step(node.predicate, record)
            return Step(SELECTION, inner.holds, node.name, steps=(inner,))
    return _test(cast("Leaf", node), record)


def _test(leaf: Leaf, record: Record) -> Step:
    field = getattr(leaf, "field", EVERYWHERE)
    everywhere = isinstance(leaf, Keywords) or field == EVERYWHERE
    holds = leaf.matches(record)
    passing = [f"{name}: {text}" if everywhere else text for name, text in _evidence(leaf, record)] if holds else []
    others = () if everywhere else record.texts(field)
    found = dict.fromkeys(text[:MAX_CHARS] for text in (*passing, *islice(others, MAX_VALUES)))
    absent = not everywhere and not record.has(field)
    return Step(TEST, holds, field_of(leaf), wanted(leaf), tuple(found)[:MAX_VALUES], absent=absent)


def _evidence(leaf: Leaf, record: Record) -> Iterator[tuple[str, str]]:
    found = leaf.evidence(record)
    if isinstance(leaf, SameAs):
        return ((name, f"{name}: {text}") for name, text in islice(found, MAX_VALUES))
    return islice(found, MAX_VALUES)


def render(told: Explanation) -> Iterator[str]:
    """Render for a person, line by line."""
    rule, event = told.rule, told.event
    yield f"Rule   {plain(rule.title)}  ({rule.level or 'no level'}, {rule.path})"
    yield f"Event  {plain(event.at.topic)}:{event.at.offset}  {event.source}, {moment(event.time)}, {_kind(event)}"
    if told.why_not_concerned:
        yield f"{MARKS[False]} log source: {told.why_not_concerned}"
    else:
        yield f"{MARKS[True]} log source: {spelled(rule.logsource)}"
    yield from _lines(told.condition, "", "condition")
    for known in told.exceptions:
        yield f"{MARKS[not known.excepts]} exception: {_named(known)}: {_effect(known)}"
        yield from _lines(known.condition, INDENT)
    verdict = "The rule fires." if told.matched else "The rule does not fire."
    yield f"{verdict} {_because(told)}".rstrip()


def _because(told: Explanation) -> str:
    if told.condition.holds and told.why_not_concerned:
        return "Its condition holds, but its log source does not concern this event."
    if told.condition.holds and told.excepted_by:
        return f"Its condition holds, but it is excepted by: {'; '.join(map(_named, told.excepted_by))}."
    return ""


def _named(known: Excused) -> str:
    terms = known.terms
    owner = f"owner {plain(terms.owner)}" if terms.owner else "no owner"
    start = "" if terms.from_ms is None else f"from {moment(terms.from_ms)}"
    end = "never expires" if terms.to_ms is None else f"expires {moment(terms.to_ms)}"
    return f"{plain(known.title)} ({', '.join(filter(None, (owner, start, end)))})"


def _effect(known: Excused) -> str:
    if not known.in_force:
        return "does not hold at the time of this event"
    return "takes this event out" if known.excepts else "is not about this event"


def _lines(step: Step, indent: str, label: str = "") -> Iterator[str]:
    if step.kind == TEST:
        test = f"{plain(step.name)} {step.wanted}; there: {_found(step)}"
        yield f"{indent}{MARKS[step.holds]} {label and label + ': '}{test}"
        return
    if step.kind == SELECTION:
        only = step.steps[0]
        yield from _lines(only, indent, " ".join(filter(None, (label, plain(step.name)))))
        return
    if step.kind == NOT:
        yield f"{indent}{MARKS[step.holds]} {label and label + ': '}not"
        yield from _lines(step.steps[0], indent + INDENT)
        return
    yield f"{indent}{MARKS[step.holds]} {label and label + ': '}{step.kind}"
    for part in step.steps:
        yield from _lines(part, indent + INDENT)


def _found(step: Step) -> str:
    if step.found:
        return ", ".join(map(quoted, step.found))
    if step.name == field_of(None):
        return "in no value of the record"
    return "nothing (the field is absent)" if step.absent else "null or an empty list"
