"""Sequences as signals: what a correlation is to another one that looks at it.

Source: the Sigma correlation rules specification 2.1, "chaining". A sequence counts from the signal with which its
condition was first met, and for what had happened by then: what joins later does not change it. When it is withdrawn,
or an earlier signal makes it another one, the signal is withdrawn where it went.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import orjson

from models.finding import Part, Signal, group_entities, group_value
from models.uids import content_uid
from streams.correlate.escalation import combined_risk
from streams.correlate.spec import CorrelationSpec
from streams.correlate.steps import ENTITY_PREFIX
from streams.correlate.windows import Span
from streams.flood import Moment

MAX_ENTITIES: Final = 16
MAX_PARTS: Final = 32


def signal_of(spec: CorrelationSpec, key: str, span: Span, sequence_uid: str, wanted: Collection[str]) -> Signal:
    """Make the signal that a sequence is for other correlations.

    Args:
        spec: Its correlation.
        key: Its group.
        span: Its signals, and when its condition was met.
        sequence_uid: Its uid.
        wanted: Fields that other correlations group by or count.
    """
    moments = [moment for moment in span.moments if moment.time <= span.met]
    signals = list({id(moment.signal): moment.signal for moment in moments}.values())
    fields = _fields(spec, key, moments, wanted)
    entities = dict.fromkeys((*group_entities(key), *(entity for signal in signals for entity in signal.entities)))
    last = moments[-1].signal
    made = Signal(
        uid=sequence_uid,
        time=span.met,
        analytic=spec.analytic,
        event=last.event,
        domain=last.domain,
        confidence=max(signal.confidence for signal in signals),
        risk=combined_risk(signals),
        entities=tuple(entities)[:MAX_ENTITIES],
        fields=fields,
        parts=_parts(signals),
    )
    return replace(made, uid=content_uid("sequence as signal", orjson.dumps(made)))


def _fields(spec: CorrelationSpec, key: str, moments: Sequence[Moment], wanted: Collection[str]) -> Mapping[str, str]:
    """Return the wanted values: those of the group, else those of the latest signal that has the field."""
    parts = {name: group_value(part) for name, part in zip(spec.group_by, key.split("|"), strict=False)}
    found = {name: part[len(name) + 1 :] for name, part in parts.items() if not name.startswith(ENTITY_PREFIX)}
    for name in wanted:
        for signal in (moment.signal for moment in reversed(moments)):
            value = signal.fields.get(spec.field_name(name, signal.analytic.uid))
            if name not in found and value is not None:
                found[name] = value
    return {name: found[name] for name in sorted(found) if name in wanted}


def _parts(signals: Iterable[Signal]) -> tuple[Part, ...]:
    best: dict[str, Part] = {}
    for part in (part for signal in signals for part in signal.made_of):
        if part.rule not in best or best[part.rule].risk < part.risk:
            best[part.rule] = part
    return tuple(sorted(best.values(), key=lambda part: part.rule))[:MAX_PARTS]
