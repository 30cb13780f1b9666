"""Correlations made at random, as their authors write them: workers that are killed agree with the oracle.

Documents go through the reader, so only rules that somebody could load are tried. Their signals come late within the
delay and more than once, over one to six partitions and one to four workers (`tests.correlate.cluster`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.entity import EntityLink
from models.finding import Signal
from streams.correlate.compiling import Reference, compile_correlation
from streams.correlate.conditions import NUMERIC_KINDS
from streams.correlate.engine import Correlator
from streams.correlate.linking import Compiled, linked, reference_to
from streams.correlate.spec import CorrelationSpec
from tests.correlate.build import HOUR, START, analytic, link, signal
from tests.correlate.cluster import Cluster
from tests.correlate.drive import Item
from tests.correlate.oracle import sequences
from tests.correlate.test_properties import standing

Draw = Callable[[st.SearchStrategy[Any]], Any]
DETECTIONS = "abcd"
PAST_ALL = START + 1000 * HOUR
GROUPS = [["entity.host"], ["entity.host"], ["entity.user"], ["entity.ip"], ["port"], ["who"], []]
GROUPS += [["entity.host", "port"], ["entity.user", "who"]]
KINDS = ["event_count", "value_count", *sorted(NUMERIC_KINDS), *["temporal"] * 3, *["temporal_ordered"] * 6]
CONDITIONS = [{"gte": 1}, {"gte": 2}, {"gte": 2}, {"gte": 3}, {"gt": 1}, {"lt": 2}, {"lte": 2}, {"eq": 1}, {"neq": 2}]
CONDITIONS += [{"gte": 2, "lte": 3}, {"gt": 0, "neq": 2}]
ENTITIES = [("host:h1", "user:u1"), ("host:h1", "user:u1"), ("ip:192.0.2.1", "user:u1"), ("host:h2", "user:u1")]
# A person, her role, its machine and the address of that: what is at one end is the other's, too.
ROLE, MACHINE, PERSON = "user:arn:aws:sts::111122223333:assumed-role/r/s", "workload:shop/web", "user:u1@example.com"
ENTITIES += [("ip:192.0.2.1",), (PERSON,), (MACHINE,), (ROLE,)]
CHAIN = [(ROLE, PERSON), (ROLE, MACHINE), ("ip:192.0.2.1", MACHINE)]
NUMBERS = ["0", "1", "-7", "0.5", "1e3", "ten"]


@dataclass(frozen=True)
class Case:
    """Some correlations, those that others look at first, and what happens, in the order in which it arrives.

    With every signal and link stands the watermark (ms) as it comes.
    """

    documents: list[dict[str, Any]]
    specs: list[CorrelationSpec] = field(repr=False)
    arrivals: list[tuple[int, Item]]

    @property
    def signals(self) -> list[Signal]:
        return list({item.uid: item for _, item in self.arrivals if isinstance(item, Signal)}.values())

    @property
    def links(self) -> list[EntityLink]:
        return list({item.uid: item for _, item in self.arrivals if isinstance(item, EntityLink)}.values())


def span(draw: Draw, unit: int, least: int, most: int) -> str:
    return f"{unit * draw(st.integers(least, most))}s"


def condition(draw: Draw, kind: str, rules: list[str]) -> dict[str, Any]:
    if kind == "temporal":
        return {draw(st.sampled_from(["gte", "gte", "lte", "eq"])): draw(st.integers(1, len(rules)))}
    stated: dict[str, Any] = dict(draw(st.sampled_from(CONDITIONS)))
    if kind == "value_count":
        stated["field"] = draw(st.sampled_from(["port", "peer", ["port", "peer"]]))
    elif kind.startswith("value_"):
        stated["field"] = "size"
    if kind == "value_percentile":
        stated["percentile"] = draw(st.sampled_from([0, 25, 50, 90, 100]))
    return stated


def formula(draw: Draw, rules: list[str]) -> str:
    """Make a boolean condition over two or three rules."""
    terms = [f"{draw(st.sampled_from(['', '', 'not ']))}{rule}" for rule in rules]
    first, second = (draw(st.sampled_from(["and", "or"])) for _ in range(2))
    joined = f"{terms[0]} {first} {terms[1]}"
    if len(terms) == 2:  # two terms are one junction
        return joined
    return draw(st.sampled_from([f"{joined} {second} {terms[2]}", f"({joined}) {second} {terms[2]}"]))


def own_fields(draw: Draw, group_by: list[str]) -> dict[str, list[str]]:
    """Make `group-by` of a step, one time in six; entities stand for themselves."""
    if draw(st.integers(0, 5)) != 1 or not any(not name.startswith("entity.") for name in group_by):
        return {}
    other = st.sampled_from(["port", "peer"])
    return {"group-by": [name if name.startswith("entity.") else draw(other) for name in group_by]}


def steps(draw: Draw, kind: str, rules: list[str], group_by: list[str], unit: int) -> list[dict[str, Any]]:
    made = []
    for number, rule in enumerate(rules):
        step = {"rule": rule, "name": f"s{number}", "count": draw(st.sampled_from([1, 1, 2]))}
        if number and kind == "temporal_ordered" and draw(st.booleans()):
            step["within"] = span(draw, unit, 1, 6)
        made.append({**step, **own_fields(draw, group_by)})
    return made


def absence(draw: Draw, known: list[str], document: dict[str, Any], unit: int) -> dict[str, Any]:
    made: dict[str, Any] = {"rule": draw(st.sampled_from(known))}
    names = ["first", *step_names(document)]
    where = draw(st.sampled_from(["", "after", "after", "before", "between"]))
    rules = document["correlation"]["rules"]
    if where == "between" and len(names) > 2 and made["rule"] not in rules:  # two besides `first`
        place = draw(st.integers(1, len(names) - 2))
        return {**made, "between": names[place : place + 2]}
    if where in {"after", "before"}:
        made[where] = draw(st.sampled_from(names))
    if draw(st.booleans()):
        made["within"] = span(draw, unit, 1, 8)
    if made["rule"] in (*rules, *document["braid"].get("until", [])):
        return made
    return {**made, **own_fields(draw, document["correlation"].get("group-by", []))}


def step_names(document: dict[str, Any]) -> list[str]:
    """Return what absences may call the steps."""
    correlation, stated = document["correlation"], document["braid"].get("steps", [])
    if correlation["type"] != "temporal_ordered":
        return []
    names = [step["name"] for step in stated] or correlation["rules"]
    return names if len({*names}) == len(names) else []


def own(draw: Draw, document: dict[str, Any], known: list[str], unit: int, spans: int) -> None:
    """Say under `braid` what Sigma cannot."""
    kind, rules = document["correlation"]["type"], document["correlation"]["rules"]
    braid = document["braid"] = {"cooldown": span(draw, unit, 1, 6), "risk_threshold": 40}
    if kind.startswith("temporal") and draw(st.booleans()):
        braid["steps"] = steps(draw, kind, rules, document["correlation"].get("group-by", []), unit)
    if kind == "temporal_ordered" and draw(st.integers(0, 5)) == 1:
        braid["max_gap"] = span(draw, unit, 1, 6)
    others = sorted({*known} - {*rules})
    if others and draw(st.integers(0, 2)) == 1:
        braid["until"] = [draw(st.sampled_from(others))]
    if number := draw(st.sampled_from([0, 0, 0, 1, 1, 2])):
        braid["absent"] = [absence(draw, known, document, unit) for _ in range(number)]
    if spans > 1 and draw(st.integers(0, 5)) == 1:
        braid["session"] = span(draw, unit, 1, spans - 1)


def document(draw: Draw, number: int, known: list[str], inner: str, unit: int) -> dict[str, Any]:
    """Make a correlation document; it looks at `inner` unless that is empty."""
    kind = draw(st.sampled_from(KINDS))
    most = 3 if kind.startswith("temporal") else 2
    rules = draw(st.lists(st.sampled_from(known), min_size=1, max_size=most, unique=kind != "temporal_ordered"))
    if inner and inner not in rules:
        rules[draw(st.integers(0, len(rules) - 1))] = inner
    group_by = draw(st.sampled_from(GROUPS))
    spans = draw(st.integers(1, 12))
    correlation = {"type": kind, "rules": rules, "timespan": f"{spans * unit}s"}
    if group_by:
        correlation["group-by"] = group_by
    if "who" in group_by:
        correlation["aliases"] = {"who": {rule: draw(st.sampled_from(["port", "peer"])) for rule in known}}
    if kind == "temporal" and len(rules) > 1 and draw(st.booleans()):
        correlation["condition"] = formula(draw, rules)
    elif kind != "temporal_ordered" and (kind != "temporal" or draw(st.booleans())):
        correlation["condition"] = condition(draw, kind, rules)
    name = f"r{number}"
    made = {"title": f"Rule {number}", "id": str(UUID(int=number)), "name": name, "correlation": correlation}
    own(draw, made, known, unit, spans)
    return made


def compiled(documents: list[dict[str, Any]]) -> list[CorrelationSpec]:
    """Compile and link documents as a rulebook does; none when one has a mistake."""
    references: dict[str, Reference] = {rule: Reference(analytic(rule)) for rule in DETECTIONS}
    made = []
    for one in documents:
        spec, _ = compile_correlation(one, "", {}, references)
        if spec is None:
            return []
        references.update(reference_to(one))
        made.append(Compiled(spec, "", 0, generates=True))
    return linked(made, DETECTIONS)[0]


@st.composite
def rules(draw: Draw, unit: int) -> tuple[list[dict[str, Any]], list[CorrelationSpec]]:
    documents: list[dict[str, Any]] = []
    known = list(DETECTIONS)
    for number in range(draw(st.integers(1, 3))):
        inner = draw(st.sampled_from(["", *(one["name"] for one in documents)]))
        documents.append(document(draw, number, known, inner, unit))
        known.append(documents[-1]["name"])
    specs = compiled(documents)
    assume(specs)
    bare = draw(st.integers(0, len(specs)))  # a cooldown of nothing cannot be stated, tests elsewhere have it
    return documents, [replace(spec, cooldown=0) if number == bare else spec for number, spec in enumerate(specs)]


def happening(draw: Draw, number: int, at: int, rules: list[str]) -> Signal:
    entities = draw(st.sampled_from(ENTITIES))
    fields = {"port": draw(st.sampled_from("12")), "peer": draw(st.sampled_from("12"))}
    size = draw(st.sampled_from(["", *NUMBERS]))
    rule = draw(st.sampled_from(rules))
    return signal(rule, at, *entities, fields=fields | ({"size": size} if size else {}), name=f"{rule}{number}")


@st.composite
def cases(draw: Draw) -> Case:
    unit = draw(st.sampled_from([30, 30, 300, 1200]))
    documents, specs = draw(rules(unit))
    delay = draw(st.integers(0, 20)) * unit * 1000
    wanted = sorted(rule for spec in specs for rule in (*spec.rules, *spec.watched) if rule in DETECTIONS)
    items: list[tuple[int, Item]] = []
    times = draw(st.lists(st.integers(0, 14), min_size=2, max_size=8, unique=True))
    for number in range(draw(st.integers(2, 12))):
        made = happening(draw, number, draw(st.sampled_from(times)) * unit * 1000, wanted)
        items += [(made.time + draw(st.integers(0, delay)), made) for _ in range(draw(st.sampled_from([1, 1, 2])))]
    for number in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at = draw(st.integers(-5, 14)) * unit * 1000 + number
        held = link("ip:192.0.2.1", draw(st.sampled_from(["host:h1", "host:h2"])), at, at + draw(st.integers(0, HOUR)))
        items.append((held.valid_to + draw(st.integers(0, delay)), held))
    for left, right in CHAIN if draw(st.booleans()) else []:
        at = draw(st.integers(-5, 5)) * unit * 1000
        held = link(left, right, at, at + draw(st.integers(HOUR // 4, HOUR)))
        items.append((held.valid_to + draw(st.integers(0, delay)), held))
    items.sort(key=lambda pair: pair[0])
    return Case(documents, specs, [(time - delay, item) for time, item in items])


def run(case: Case, seed: int, kills: int) -> Cluster:
    chance = Random(seed)  # noqa: S311  # it has to be repeatable, not secret
    cluster, watermark = Cluster(Correlator(case.specs), chance, kills=kills), 0
    for said, item in case.arrivals:
        watermark = max(watermark, said)
        cluster.pass_time(watermark)
        cluster.send(item)
    cluster.pass_time(PAST_ALL)
    return cluster


@settings(max_examples=2000, deadline=None, derandomize=True)
@given(cases(), st.integers(0, 2**32))
def test_workers_that_are_killed_leave_what_the_oracle_says(case: Case, seed: int) -> None:
    first, second = run(case, seed, 0), run(case, seed + 1, 3)
    assert standing(first) == sequences(case.specs, case.signals, case.links)
    assert first.standing == second.standing
    assert first.is_empty
    assert second.is_empty
