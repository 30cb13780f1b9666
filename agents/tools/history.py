"""Tools over what detections said before: of a rule, of an entity's behaviour, and of others that behave alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from agents.evidence.facts import DAY_MS
from agents.evidence.query import RULE, Query
from agents.evidence.store import MAX_ROWS, EntitySeen, StoredSignal
from agents.text import Count
from agents.tools.answers import Note, Scalar, ToolAnswer, answer
from agents.tools.arguments import OfRule, Peers
from agents.tools.bench import Bench
from agents.tools.cases import case_note
from agents.tools.telemetry import span
from models.entity import EntityKey
from models.finding import Analytic

PEERS_MS: Final = 14 * DAY_MS
HISTORY_MS: Final = 31 * DAY_MS
MAX_DETECTIONS: Final = 8
MAX_NAMED: Final = 20


def peers_behaviour(bench: Bench, asked: Peers) -> ToolAnswer:
    """Answer with the anomalies of an entity, and with how many others of its type show the same ones.

    Without a window, the two weeks up to the end of the sequence. What a model expected and saw, of the entity itself
    and of its peers, stands in the words of its signals.
    """
    entity = bench.entity(asked.entity)
    start, end = bench.window(asked, back_ms=PEERS_MS)
    found = bench.tools.search_signals(Query(start, end, entity=entity, latest=True), MAX_ROWS)
    own = [one for one in found.rows if one.signal.analytic.is_model]
    analytics = {one.signal.analytic.uid: one.signal.analytic for one in own}
    often = Counter(one.signal.analytic.uid for one in own)
    most = [analytics[uid] for uid, _ in sorted(often.items(), key=lambda item: (-item[1], item[0]))[:MAX_DETECTIONS]]
    notes = [_alike(bench, entity, analytic, often[analytic.uid], (start, end)) for analytic in most]
    more = found.more or len(own) > asked.limit or len(most) < len(analytics)
    said = "" if own else "no anomaly of this entity was found in the window"
    return answer(own[-asked.limit :], notes, more=more, notes=(said,) if said else ())


def _alike(bench: Bench, entity: EntityKey, analytic: Analytic, often: int, window: tuple[int, int]) -> Note:
    named = bench.tools.entities_of_signals(Query(*window, attributes=((RULE, (analytic.uid,)),)), MAX_ROWS)
    others = sum(seen.entity.type == entity.type and seen.entity != entity for seen in named.rows)
    data: dict[str, Scalar] = {"rule": analytic.uid, "title": analytic.name, "signals": often, "others": others}
    return Note("peers", {**data, "others_are_at_least": named.more})


def same_rule_before(bench: Bench, asked: OfRule) -> ToolAnswer:
    """Answer with earlier signals of a rule, on whom it fired, and what came of the cases it was part of.

    Without a window, the month before the sequence. With an entity, the signals are those on it; on whom else the rule
    fired is told all the same.
    """
    entity = bench.maybe_entity(asked.entity)
    start, end = bench.window(asked, back_ms=HISTORY_MS, until=bench.sequence.start_time - 1)
    rule = ((RULE, (asked.rule,)),)
    found = bench.tools.search_signals(Query(start, end, entity=entity, attributes=rule, latest=True), asked.limit)
    named = bench.tools.entities_of_signals(Query(start, end, attributes=rule), MAX_NAMED)
    cases = [case for case in bench.earlier_cases() if asked.rule in case.rules]
    notes = [*map(case_note, cases[: asked.limit]), *map(_on, named.rows)]
    more = found.more or named.more or len(cases) > asked.limit
    return answer(found.rows, notes, more=more, notes=_said(found.rows, cases))


def _on(seen: EntitySeen) -> Note:
    return Note("entity", {"entity": str(seen.entity), **span(seen)})


def _said(signals: Iterable[StoredSignal], cases: Iterable[object]) -> Iterator[str]:
    counted = len(list(signals)), len(list(cases))
    yield f"{Count(counted[0], 'earlier signal')} shown; {Count(counted[1], 'earlier case')} of this rule"
