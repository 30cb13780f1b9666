"""A verdict as a Markdown report for people: what happened, on what evidence, what was ruled out, what it took.

All text is escaped, our own words too: whatever stands in a verdict may have come out of a log. Nothing in it can
become a link, an image, a heading, a table or HTML; addresses of the web and of mail are defanged, so that no viewer
makes links of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from agents.privacy.clean import clean
from agents.text import Count, moment
from models.action import Action
from models.finding import group_entities
from models.reasoning import OPEN, REJECTED, SUPPORTED, Hypothesis
from models.verdict import PRIORITY, VERDICTS, Claim, Evidence, Verdict

MAX_SHOWN: Final = 4000  # characters of one text
MICROS: Final = 1_000_000
_SPECIAL: Final = re.compile(r"([\\`*_\[\]|~$])")
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_SCHEME: Final = re.compile(
    r"([a-z][a-z0-9+.-]{0,15}):(?=//)|\b(mailto|javascript|data|xmpp|tel|file|vbscript):", re.IGNORECASE
)
_WWW: Final = re.compile(r"(?<=www)\.", re.IGNORECASE)
_AT: Final = re.compile(r"(?<=\S)@(?=\S)")
_AT_THE_START: Final = re.compile(r"^(\d{1,9}(?=[.)])|(?=[#+=-]))")
_HOW_IT_STANDS: Final = {REJECTED: "Ruled out", SUPPORTED: "Supported", OPEN: "Open"}


def safe(text: str) -> str:
    """Return text that Markdown and HTML show as it is, on one line, with web and mail addresses defanged."""
    line = " ".join(clean(text[:MAX_SHOWN]).split())
    plain = _AT.sub("[@]", _WWW.sub("[.]", _SCHEME.sub(_defanged, line)))
    return _AT_THE_START.sub(r"\1\\", _SPECIAL.sub(r"\\\1", plain).translate(_ENTITIES))


def _defanged(found: re.Match[str]) -> str:
    scheme = (found[1] or found[2]).replace("http", "hxxp").replace("HTTP", "HXXP")
    return f"{scheme}[:]"


def report(verdict: Verdict, actions: Iterable[Action] = ()) -> str:
    """Return the report of a verdict and the actions that it proposes."""
    numbers = {item.uid: number for number, item in enumerate(verdict.evidence, 1)}
    reasoning = verdict.reasoning
    sections = (
        ("Summary", [safe(verdict.summary)]),
        ("Timeline", list(_timeline(verdict, numbers))),
        ("Scope", list(_scope(verdict))),
        ("What was tested and ruled out", list(_tested(verdict, numbers))),
        ("Struck out", [f"- {safe(one.text)} ({safe(one.reason)})" for one in reasoning.struck]),
        ("Missing telemetry", [f"- {safe(one)}" for one in verdict.missing]),
        ("Proposed actions", [_action(action, numbers) for action in actions]),
        ("Next steps", [f"{number}. {safe(step)}" for number, step in enumerate(reasoning.next_steps, 1)]),
        ("Note for stakeholders", [safe(reasoning.note)] if reasoning.note else []),
        ("Evidence", list(_evidence(verdict.evidence))),
        ("Words of services outside", list(_facts(verdict))),
        ("How it was made", list(_made(verdict))),
    )
    body = [f"# {safe(verdict.title)}", "\n".join(_head(verdict))]
    body += [f"## {title}\n\n" + "\n".join(lines) for title, lines in sections if lines]
    return "\n\n".join(body) + "\n"


def _head(verdict: Verdict) -> Iterator[str]:
    breach = "yes" if verdict.is_suspected_breach else "no"
    yield f"- Verdict: **{VERDICTS[verdict.verdict_id]}**, confidence {verdict.confidence} of 100"
    yield f"- Priority: {PRIORITY[verdict.priority_id]}; suspected breach: {breach}"
    yield f"- Verdict {safe(verdict.uid)}, revision {verdict.revision}, at {moment(verdict.time)}"
    if verdict.corrected_by:
        yield f"- Corrected by {safe(verdict.corrected_by)}"


def _cited(uids: Iterable[str], numbers: dict[str, int]) -> str:
    """Return the numbers of evidence in its table, in parentheses; what stands in none is a fact or was not kept."""
    known = sorted({numbers[uid] for uid in uids if uid in numbers})
    return f" (evidence {', '.join(map(str, known))})" if known else ""


def _timeline(verdict: Verdict, numbers: dict[str, int]) -> Iterator[str]:
    times = {item.uid: item.time for item in verdict.evidence} | {fact.uid: fact.time for fact in verdict.facts}

    def begins(claim: Claim) -> tuple[bool, int]:
        known = [times[uid] for uid in claim.evidence if uid in times]
        return not known, min(known, default=0)

    for claim in sorted(verdict.claims, key=begins):
        late, time = begins(claim)
        when = "" if late else f"{moment(time)}: "
        yield f"- {when}{safe(claim.text)}{_cited(claim.evidence, numbers)}"


def _scope(verdict: Verdict) -> Iterator[str]:
    entities = group_entities(verdict.group)
    named = ", ".join(f"{entity.type} {safe(entity.value)}" for entity in entities) or safe(verdict.group)
    yield f"- About: {named}"
    if verdict.evidence:
        first, last = verdict.evidence[0].time, verdict.evidence[-1].time
        topics = ", ".join(safe(topic) for topic in sorted({item.at.topic for item in verdict.evidence}))
        records = Count(len(verdict.evidence), "record")
        yield f"- {records} from {moment(first)} to {moment(last)}, in {topics}"
    attacks = [safe(" ".join(filter(None, (attack.technique, attack.tactic)))) for attack in verdict.attacks]
    if attacks:
        yield f"- ATT&amp;CK: {', '.join(attacks)}"


def _tested(verdict: Verdict, numbers: dict[str, int]) -> Iterator[str]:
    yield from (f"- Ruled out: {safe(one)}" for one in verdict.rejected)
    yield from (_hypothesis(one, numbers) for one in verdict.reasoning.hypotheses)


def _hypothesis(one: Hypothesis, numbers: dict[str, int]) -> str:
    because = f" \u2014 {safe(one.because)}" if one.because else ""
    return f"- {_HOW_IT_STANDS[one.state]}: {safe(one.text)}{because}{_cited(one.evidence, numbers)}"


def _action(action: Action, numbers: dict[str, int]) -> str:
    what = f"{safe(action.kind)} on {action.target.type} {safe(action.target.value)}"
    return f"- {what}: {safe(action.status)}. {safe(action.reason)}{_cited(action.evidence, numbers)}"


def _evidence(evidence: Iterable[Evidence]) -> Iterator[str]:
    rows = [
        f"| {number} | {item.kind} | {moment(item.time)} | {safe(item.uid)} "
        f"| {safe(item.at.topic)} / {item.at.partition} / {item.at.offset} | {item.sha256} |"
        for number, item in enumerate(evidence, 1)
    ]
    if rows:
        yield "| No. | Kind | Time | Uid | Topic / partition / offset | SHA-256 |"
        yield "| --- | --- | --- | --- | --- | --- |"
        yield from rows


def _facts(verdict: Verdict) -> Iterator[str]:
    for fact in verdict.facts:
        word = {True: "malicious", False: "not malicious", None: "unknown"}[fact.malicious]
        said = f"{safe(fact.provider)} called the {safe(fact.kind)} {safe(fact.value)} {word}"
        yield f"- {said} at {moment(fact.time)}, score {fact.score} of 100"


def _made(verdict: Verdict) -> Iterator[str]:
    reasoning, spent = verdict.reasoning, verdict.reasoning.spent
    part = "with a language model" if verdict.model_took_part else "no language model took part"
    yield f"- Investigated by {safe(verdict.investigator)}, {part}"
    if reasoning.fallback:
        yield f"- The model that is configured did not judge: {safe(reasoning.fallback)}"
    for name in ("model", "prompt", "policy", "privacy", "rules"):
        if version := getattr(reasoning.versions, name):
            yield f"- {name.capitalize()}: {safe(version)}"
    if spent.requests:
        tokens = f"{spent.input_tokens} tokens in, {spent.output_tokens} out"
        took = f"{Count(spent.requests, 'request')}, {Count(spent.tool_calls, 'tool call')}, {tokens}"
        yield f"- {took}, US dollars {spent.cost_micros / MICROS:.4f}, {spent.latency_ms / 1000:.1f} s"
