"""Tools over what is known before: techniques, rules, runbooks, similar cases, and what others know of an indicator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from agents.evidence.outside import facts_of, unanswered
from agents.text import Count, plain
from agents.tools.answers import Note, ToolAnswer, answer
from agents.tools.arguments import Indicator, RuleId, RunbookId, Similar, TechniqueId
from agents.tools.bench import Bench
from agents.tools.cases import about, case_note, rule_named, runbook_note
from agents.tools.knowledge import Case, Runbook
from enrichers.intel import indicator
from enrichers.intel.values import domain_name
from enrichers.intel.values import plain as canonical
from enrichers.lookups.reputation import ADDRESS, DOMAIN, HASH
from models.errors import ToolRefused

MAX_RULES: Final = 10  # that a technique names
MAX_RUNBOOKS: Final = 3  # that stand behind similar cases
_CANONICAL: Final[Mapping[str, Callable[[str], str]]] = {
    ADDRESS: lambda text: canonical(indicator.IP, text)[1],
    DOMAIN: domain_name,
    HASH: lambda text: canonical(indicator.HASH, text)[1],
}


def technique(bench: Bench, asked: TechniqueId) -> ToolAnswer:
    """Answer with the name and tactics of an ATT&CK technique, and with the rules that look for it."""
    known = bench.library.knowledge
    uid = known.replaced.get(asked.technique, asked.technique)
    bench.tools.read("technique", asked.technique)
    found = known.techniques.get(uid)
    if found is None:
        return answer(notes=(f"there is no technique {asked.technique}: do not cite it",))
    rules = [rule.title for rule in known.rules.values() if uid in rule.techniques][:MAX_RULES]
    data = {"technique": uid, "name": found.name, "tactics": ", ".join(found.tactics), "rules": "; ".join(rules)}
    said = (f"{asked.technique} is {uid} now",) if uid != asked.technique else ()
    return answer(known=(Note("technique", data),), notes=said)


def rule(bench: Bench, asked: RuleId) -> ToolAnswer:
    """Answer with what the author of a rule says of it: what it finds, what else that may be, what to check."""
    bench.tools.read("rule", asked.rule)
    found = rule_named(asked.rule, bench.library.knowledge)
    if found is None:
        return answer(notes=("nothing is known of a rule of this uid",))
    data = {
        "rule": found.uid,
        "title": found.title,
        "level": found.level,
        "techniques": ", ".join(found.techniques),
        "description": found.description,
        "false_positives": "; ".join(found.falsepositives),
        "investigation": found.investigation,
    }
    return answer(known=(Note("rule", data),))


def runbook(bench: Bench, asked: RunbookId) -> ToolAnswer:
    """Answer with a runbook."""
    bench.tools.read("runbook", asked.runbook)
    runbooks = bench.library.knowledge.runbooks
    found = runbooks.get(asked.runbook)
    if found is None:
        raise ToolRefused(f"there is no runbook {plain(asked.runbook, 60)}; there are {', '.join(runbooks) or 'none'}")
    return answer(known=(runbook_note(found, whole=True),))


def similar_cases(bench: Bench, asked: Similar) -> ToolAnswer:
    """Answer with earlier cases that are like what is described, or like this sequence itself, and with runbooks."""
    bench.tools.read("similar_cases", asked.words)
    public = asked.words or _itself(bench)
    found = bench.library.like(bench.restore(public), public)
    earlier = {case.sequence_uid for case in bench.earlier_cases()}
    cases = [one.about for one in found.entries if isinstance(one.about, Case)]
    cases = [case for case in cases if case.sequence_uid in earlier]
    runbooks = [one.about for one in found.entries if isinstance(one.about, Runbook)]
    notes = [
        *map(case_note, cases[: asked.limit]),
        *(runbook_note(one, whole=False) for one in runbooks[:MAX_RUNBOOKS]),
    ]
    said = (f"looked for by words alone: {found.without_meaning}",) if found.without_meaning else ()
    return answer(known=notes, more=len(cases) > asked.limit, notes=said)


def _itself(bench: Bench) -> str:
    """Describe the sequence by what fired in it."""
    analytics = [bench.sequence.analytic, *(member.analytic for member in bench.sequence.members)]
    titles = tuple(dict.fromkeys(analytic.name for analytic in analytics))
    attacks = (attack.technique for analytic in analytics for attack in analytic.attacks)
    return about(titles, tuple(dict.fromkeys(filter(None, attacks))), bench.library.knowledge)


def lookup_indicator(bench: Bench, asked: Indicator) -> ToolAnswer:
    """Answer with what services outside say of an address, domain or hash that stands in an event that was shown.

    Anything else is refused: a question to a service outside must not carry words of the model's own.
    """
    try:
        value = _CANONICAL[asked.kind](bench.restore(asked.value))
    except ValueError as error:
        raise ToolRefused(f"{plain(asked.value, 80)} is no {asked.kind}") from error
    if (asked.kind, value) not in bench.seen:
        raise ToolRefused(f"this {asked.kind} stands in no event that you were shown, so nobody is asked about it")
    if bench.tools.outside is None:
        return answer(notes=("no service outside is there to be asked",))
    told = bench.tools.lookup([(asked.kind, value)])
    unasked = () if told.words else (f"nobody is asked about this {asked.kind}: it is one's own or nobody knows such",)
    left = (f"{Count(told.unasked, 'question')} left unasked",) if told.unasked else ()
    return answer(known=facts_of(told), notes=(*unanswered(told), *unasked, *left))
