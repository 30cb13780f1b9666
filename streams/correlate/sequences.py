"""Sequences as they are published: what a span of signals amounts to, and which of them it shows."""

from __future__ import annotations

import orjson

from models.fields import LARGEST
from models.finding import Sequence, SequenceMember
from models.uids import content_uid, sequence_uid
from streams.correlate.bounds import MAX_MEMBERS
from streams.correlate.escalation import decide
from streams.correlate.spec import CorrelationSpec
from streams.correlate.state import Standing
from streams.correlate.windows import Span
from streams.flood import Moment


def sequence_of(spec: CorrelationSpec, key: str, span: Span, unheard: tuple[str, ...] = ()) -> Sequence:
    """Make the sequence of one span of a rule in a group; `unheard` sources do not confirm what is absent from it."""
    signals = {id(moment.signal): moment.signal for moment in span.moments}  # of a flood once for all of its moments
    decision = decide(signals.values(), spec.risk_threshold, is_part=spec.is_part)
    return Sequence(
        uid=sequence_uid(spec.uid, key, span.moments[0].uid),
        revision=min(LARGEST, sum(moment.matches for moment in span.moments)),
        analytic=spec.analytic,
        group=key,
        members=_members(span.moments),
        start_time=span.moments[0].time,
        end_time=span.moments[-1].time,
        risk=decision.risk,
        is_alert=decision.is_alert,
        reasons=(*decision.reasons, *(f"not confirmed by {name}, which is silent" for name in unheard)),
        investigation=spec.investigation,
    )


def _members(moments: tuple[Moment, ...]) -> tuple[SequenceMember, ...]:
    """Keep the first signal of every detection, then the earliest of the rest, up to the bound; a flood is one."""
    crowds: dict[int | str, list[Moment]] = {}
    for moment in moments:
        flood = moment.signal.flood
        crowds.setdefault(id(flood) if flood else moment.uid, []).append(moment)
    first: dict[str, int | str] = {}
    for name, crowd in crowds.items():
        first.setdefault(crowd[0].signal.analytic.uid, name)
    chosen = [*first.values(), *(name for name in crowds if name not in set(first.values()))][:MAX_MEMBERS]
    return tuple(_member(crowds[name]) for name in crowds if name in set(chosen))


def _member(crowd: list[Moment]) -> SequenceMember:
    first, signal = crowd[0], crowd[0].signal
    return SequenceMember(
        uid=signal.uid,
        time=first.time,
        analytic=signal.analytic,
        event_uid=signal.event.uid,
        domain=signal.domain,
        risk=signal.risk,
        count=min(LARGEST, sum(moment.matches for moment in crowd)),
        first=signal.flood.first if signal.flood else "",
    )


def standing_of(sequence: Sequence, span: Span, told: tuple[str, ...] = ()) -> Standing:
    """Note what is published of a sequence, to tell later whether anything changed."""
    digest = content_uid("published", orjson.dumps(sequence))
    return Standing(sequence.analytic.uid, sequence.uid, digest, sequence.start_time, span.end, sequence.is_alert, told)
