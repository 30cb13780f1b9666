"""Past cases and runbooks as they are looked for and shown.

What an embedding endpoint may be sent of a case is what we or the rules' authors wrote: titles of rules, techniques,
and what it turned out to be. Nothing of it is from a log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.text import moment
from agents.tools.answers import Note
from agents.tools.knowledge import Case, Knowledge, Rule, Runbook


@dataclass(frozen=True, slots=True)
class Entry:
    """A case or a runbook.

    Attributes:
        about: It.
        words: What is searched here; may name people and machines.
        public: What may be sent out: names nobody.
    """

    about: Case | Runbook
    words: str
    public: str


def entries_of(knowledge: Knowledge) -> tuple[Entry, ...]:
    """Return all runbooks and cases, runbooks first, as they are looked for."""
    return (
        *(_runbook(one, knowledge) for one in knowledge.runbooks.values()),
        *(_case(one, knowledge) for one in knowledge.cases),
    )


def about(titles: tuple[str, ...], techniques: tuple[str, ...], knowledge: Knowledge) -> str:
    """Describe by titles of rules and by techniques, with their names; names nobody."""
    return " ".join((*titles, *_techniques(techniques, knowledge)))


def _techniques(uids: tuple[str, ...], knowledge: Knowledge) -> Iterator[str]:
    for uid in uids:
        yield uid
        found = knowledge.techniques.get(knowledge.replaced.get(uid, uid))
        if found:
            yield found.name
            yield from found.tactics


def _runbook(one: Runbook, knowledge: Knowledge) -> Entry:
    named = (rule.title for name in one.rules if (rule := rule_named(name, knowledge)))
    public = f"{one.title} {about(tuple(named), one.techniques, knowledge)} {one.text}"
    return Entry(one, public, public)


def _case(one: Case, knowledge: Knowledge) -> Entry:
    public = f"{one.verdict} {about(one.rule_titles, one.techniques, knowledge)}"
    return Entry(one, f"{one.title} {public} {one.summary}", public)


def rule_named(name: str, knowledge: Knowledge) -> Rule | None:
    """Return the rule of this uid or name, None when there is none."""
    named = (rule for rule in knowledge.rules.values() if name and rule.name == name)
    return knowledge.rules.get(name) or next(named, None)


def case_note(case: Case) -> Note:
    """Show a case."""
    return Note(
        "case",
        {
            "case": case.sequence_uid,
            "time": moment(case.time),
            "group": case.group,
            "title": case.title,
            "verdict": case.verdict,
            "confidence": case.confidence,
            "by_an_analyst": bool(case.corrected_by),
            "rules": "; ".join(case.rule_titles),
            "techniques": ", ".join(case.techniques),
            "text": case.summary,
        },
    )


def runbook_note(runbook: Runbook, *, whole: bool) -> Note:
    """Show a runbook, or only what it is called and about."""
    data = {"runbook": runbook.name, "title": runbook.title, "techniques": ", ".join(runbook.techniques)}
    return Note("runbook", {**data, "text": runbook.text} if whole else data)
