"""Small builders for correlation tests."""

from __future__ import annotations

import random
from typing import Any

from models.entity import EntityKey, EntityLink
from models.finding import Analytic, Attack, EventRef, Signal
from models.records import Coordinates
from models.uids import link_uid, signal_uid
from streams.correlate.conditions import NUMERIC_KINDS, Formula, Threshold
from streams.correlate.spec import CorrelationSpec
from streams.correlate.state import KeyState

MINUTE = 60_000
HOUR = 60 * MINUTE
START = 1_700_000_000_000
DOMAINS = {"a": "identity", "b": "network", "c": "workload"}
TACTICS = {"a": "initial-access", "b": "command-and-control", "c": "credential-access"}
A, B, C = (Formula(rule) for rule in "abc")


def all_of(*parts: Formula) -> Formula:
    return Formula("and", parts)


def any_of(*parts: Formula) -> Formula:
    return Formula("or", parts)


def none_of(part: Formula) -> Formula:
    return Formula("not", (part,))


def analytic(rule: str) -> Analytic:
    return Analytic(rule, f"Rule {rule}", attacks=(Attack(tactic=TACTICS.get(rule, "impact")),))


def signal(
    rule: str,
    at: int,
    *entities: str,
    fields: dict[str, str] | None = None,
    name: str = "",
    risk: int = 40,
    count: int = 1,
    matched: tuple[tuple[str, str], ...] = (),
) -> Signal:
    event = name or f"{rule}-{at}-{entities}-{sorted((fields or {}).items())}"
    return Signal(
        uid=signal_uid(rule, event),
        time=START + at,
        analytic=analytic(rule),
        event=EventRef(event, 1007, "test", Coordinates("raw.test", 0, 1), "0" * 64),
        domain=DOMAINS.get(rule, "workload"),
        confidence=50,
        risk=risk,
        entities=tuple(EntityKey.parse(e) for e in entities),
        fields=fields or {},
        matched=matched,
        count=count,
    )


def link(left: str, right: str, valid_from: int, valid_to: int) -> EntityLink:
    ends = EntityKey.parse(left), EntityKey.parse(right)
    uid = link_uid(left, right, START + valid_from, "test")
    return EntityLink(uid, *ends, START + valid_from, START + valid_to, 90, "test", "e")


def spec(  # noqa: PLR0913  # one for each thing that a rule can say
    kind: str,
    rules: str,
    *,
    group_by: tuple[str, ...] = ("entity.host",),
    timespan: int = 10 * MINUTE,
    op: str = "gte",
    count: int | None = None,
    fields: tuple[str, ...] = (),
    aliases: dict[str, dict[str, str]] | None = None,
    cooldown: int | None = None,
    risk_threshold: int = 60,
    uid: str = "",
    further: tuple[tuple[str, int], ...] = (),
    percentile: int = 50,
    formula: Formula | None = None,
) -> CorrelationSpec:
    """Make a correlation. `further` are more operators of a range; a formula takes the place of the condition."""
    grows = formula.monotone if formula else kind not in NUMERIC_KINDS
    needed = 1 if formula else len(set(rules))
    return CorrelationSpec(
        analytic=Analytic(uid or f"{kind}-{rules}", f"{kind} of {rules}", type_id=2, severity_id=4),
        kind=kind,
        rules=tuple(rules),
        group_by=group_by,
        timespan=timespan,
        threshold=Threshold(op, count if count is not None else needed, further, grows),
        count_fields=fields,
        aliases=aliases or {},
        cooldown=timespan if cooldown is None else cooldown,
        risk_threshold=risk_threshold,
        percentile=percentile,
        formula=formula,
    )


def state_of(*held: Signal, **more: Any) -> KeyState:
    return KeyState(signals=tuple(sorted(held, key=lambda s: (s.time, s.uid))), **more)


def noise(seed: int, size: int) -> str:
    """Return text that does not compress: printable, from all over Unicode."""
    source = random.Random(seed)  # noqa: S311  # a test has to be repeatable, not secret
    return "".join(chr(source.choice((0x21, 0x4E00)) + source.randrange(90 * 90)) for _ in range(size))
