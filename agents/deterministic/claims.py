"""Write the claims of a verdict from facts: what fired, what agrees, in what order; each with what it rests on.

Foreign values stand quoted (`agents.text.quoted`); the words around them are ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from agents.evidence.facts import Gathered, Held, Telling
from agents.evidence.store import Stored
from agents.evidence.unenriched import unenriched
from agents.text import MAX_PLAIN, Count, moment, plain, quoted
from enrichers.context.bearing import PREFIX
from models.entity import EntityKey
from models.fact import Fact
from models.verdict import Claim, Evidence

TOLD_PER_DETECTION: Final = 3  # signals of one detection that get a claim of their own; the rest share one
MAX_FIELDS: Final = 6
MAX_SHARED: Final = 5
MAX_COMPANY: Final = 5
MAX_TOLD: Final = 5
MAX_TAGS: Final = 3

Citing = tuple[Claim, tuple[Stored, ...]]


def make_claims(gathered: Gathered) -> tuple[tuple[Claim, ...], tuple[Evidence, ...]]:
    """Return the claims that the facts allow, and the evidence they cite in order of time."""
    citing = [
        *(*_fired(gathered), *_agree(gathered), *_advance(gathered), *_told(gathered)),
        *(*_company(gathered), *_around(gathered)),
    ]
    evidence = {stored.uid: stored.evidence for _, cited in citing for stored in cited}
    ordered = sorted(evidence.values(), key=lambda item: (item.time, item.kind, item.uid))
    return tuple(claim for claim, _ in citing), tuple(ordered)


def _citing(text: str, cited: Iterable[Stored]) -> Citing:
    stored = tuple({row.uid: row for row in cited}.values())
    return Claim(text, tuple(row.uid for row in stored)), stored


def _both(held: Iterable[Held]) -> list[Stored]:
    return [row for one in held for row in (one.signal, one.event)]


def _fired(gathered: Gathered) -> Iterator[Citing]:
    by_detection: dict[str, list[Held]] = defaultdict(list)
    for held in gathered.held:
        by_detection[held.detection].append(held)
    for fired in by_detection.values():
        for held in fired[:TOLD_PER_DETECTION]:
            yield _citing(_one_signal(held, gathered.entities), _both([held]))
        rest = fired[TOLD_PER_DETECTION:]
        if rest:
            name = quoted(rest[0].signal.signal.analytic.name)
            again = Count(len(rest), "more time")
            span = f"between {moment(rest[0].signal.time)} and {moment(rest[-1].signal.time)}"
            yield _citing(f"Detection {name} fired {again} {span}.", _both(rest))


def _shown(what: str, pairs: Iterable[tuple[str, str]]) -> str:
    shown = ", ".join(f"{plain(name.removeprefix(PREFIX))} {quoted(value)}" for name, value in pairs)
    return f"{what}{shown}." if shown else ""


def _one_signal(held: Held, looked_at: tuple[EntityKey, ...]) -> str:
    signal = held.signal.signal
    named = [entity for entity in looked_at if entity in signal.entities] or list(signal.entities[:1])
    where = "".join(f" on {entity.type} {quoted(entity.value)}" for entity in named)
    times = f", {signal.count} times in that second" if signal.count > 1 else ""
    fields = _shown(" Matched: ", [pair for pair in signal.matched if not pair[0].startswith(PREFIX)][:MAX_FIELDS])
    fields += _shown(" Known: ", [pair for pair in signal.matched if pair[0].startswith(PREFIX)])
    return f"Detection {quoted(signal.analytic.name)} fired{where} at {moment(signal.time)}{times}.{fields}"


def _agree(gathered: Gathered) -> Iterator[Citing]:
    for entity, held in list(gathered.shared.items())[:MAX_SHARED]:
        told = " and ".join(f"{one.signal.signal.domain} (source {plain(one.event.source)})" for one in held)
        text = f"Several domains name {entity.type} {quoted(entity.value)}: {told}."
        yield _citing(text, _both(held))


def _advance(gathered: Gathered) -> Iterator[Citing]:
    run = gathered.advance
    if len(run) > 1:
        steps = ", then ".join(f"{tactic} at {moment(held.signal.time)}" for tactic, held in run)
        yield _citing(f"The tactics advance along the kill chain: {steps}.", _both(held for _, held in run))


def _told(gathered: Gathered) -> Iterator[Citing]:
    """Tell what services outside call malicious; what they say of the rest only in one sentence."""
    bad = [telling for telling in gathered.tellings if telling.fact.malicious]
    for telling in bad[:MAX_TOLD]:
        yield _citing_facts(_one_fact(telling.fact), [telling])
    rest = [telling for telling in gathered.tellings if not telling.fact.malicious]
    if rest:
        services = ", ".join(sorted({plain(telling.fact.provider) for telling in rest}))
        answers = Count(len(rest), "answer")
        yield _citing_facts(f"{answers} of services outside ({services}) condemn nothing.", rest)


def _one_fact(fact: Fact) -> str:
    more = "".join(
        (
            f", {Count(fact.reports, 'report')}" if fact.reports else "",
            f", tags {', '.join(map(quoted, fact.tags[:MAX_TAGS]))}" if fact.tags else "",
            f", last seen {moment(fact.last_seen)}" if fact.last_seen else "",
        )
    )
    said = f"{plain(fact.provider)} called the {plain(fact.kind)} {quoted(fact.value)} malicious at {moment(fact.time)}"
    return f"{said}: score {fact.score} of 100{more}."


def _citing_facts(text: str, tellings: Sequence[Telling]) -> Citing:
    events = {telling.event.uid: telling.event for telling in tellings}
    return Claim(text, (*(telling.fact.uid for telling in tellings), *events)), tuple(events.values())


def _company(gathered: Gathered) -> Iterator[Citing]:
    first = {stored.signal.analytic.uid: stored for stored in reversed(gathered.others)}
    company = sorted((stored for uid, stored in first.items() if uid not in gathered.detections), key=lambda s: s.time)
    for stored in company[:MAX_COMPANY]:
        name = quoted(stored.signal.analytic.name)
        yield _citing(f"Detection {name}, no part of this sequence, also fired at {moment(stored.time)}.", [stored])


def _around(gathered: Gathered) -> Iterator[Citing]:
    if gathered.around:
        first, last = gathered.around[0], gathered.around[-1]
        sources = ", ".join(sorted({plain(event.source) for event in gathered.around}))
        events = Count(len(gathered.around), "event")
        text = f"{events} of {sources} naming the same entity were read, {moment(first.time)} to {moment(last.time)}."
        yield _citing(text, [first, last])


def missing_in_words(gathered: Gathered) -> tuple[str, ...]:
    """Name what could not be judged: lost members, silent sources, unseen domains, cut answers, missing enrichment."""
    return (
        *(f"signal {member.uid} ({plain(member.analytic.name)}): {wrong}" for member, wrong in gathered.lost),
        *(f"source {plain(source)} was heard the day before and not around the sequence" for source in gathered.silent),
        *(f"no {domain} telemetry was seen around the sequence" for domain in gathered.unseen),
        *(plain(refused, MAX_PLAIN) for refused in gathered.refused),
        *(plain(untold, MAX_PLAIN) for untold in gathered.untold),
        *unenriched(gathered.held),
    )


def rejected_in_words(gathered: Gathered) -> tuple[str, ...]:
    """Name the harmless explanations that the facts rule out, and by which fact."""
    rejected = []
    if len(gathered.detections) > 1:
        rejected.append(f"one noisy rule: {len(gathered.detections)} distinct detections fired")
    if len(gathered.sources) > 1:
        rejected.append(f"one faulty sensor: {len(gathered.sources)} independent sources report it")
    if gathered.baseline and gathered.held and not gathered.routine and not gathered.refused:
        rejected.append("routine of this entity: not all of these detections fired on it on several of the days before")
    return tuple(rejected)
