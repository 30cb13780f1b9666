"""Read the `Detection` of a Panther correlation rule: a group, or a sequence with its transitions.

Source: Panther documentation, "Correlation Rules" and "Correlation Rule Reference", and its style guide for
them: an entry needs one match and a window is 15 minutes unless they say otherwise; a transition without a limit has
that of the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streams.panther.model import Entry, Match, Pattern, Transition
from streams.panther.nodes import Members, Node, Reading

DEFAULT_LOOKBACK: Final = 15  # minutes
MAX_LOOKBACK: Final = 366 * 1440  # minutes; beyond a year Braid remembers nothing
MAX_COUNT: Final = 1_000_000
ORDERS: Final = frozenset({"Chronological"})
_COMMON: Final = frozenset({"LookbackWindowMinutes", "Schedule", "EventEvaluationOrder"})
_KINDS: Final = {"Group": "MatchCriteria", "Sequence": "Transitions"}
_SCHEDULE: Final = frozenset({"RateMinutes", "TimeoutMinutes", "CronExpression"})


def read_pattern(node: Node, reading: Reading) -> Pattern | None:
    """Read it; None when there is nothing to go on with, and something has been reported."""
    if node.kind != "list" or len(node.items) != 1:
        reading.fault(node.line, "Detection: must be a list of one Group or one Sequence")
        return None
    item = node.items[0]
    kinds = [kind for kind in _KINDS if kind in (item.members or {})]
    if len(kinds) != 1:
        reading.fault(item.line, "Detection: must be either a Group or a Sequence")
        return None
    kind = kinds[0]
    members = reading.members(item, kind, {kind}, {_KINDS[kind], *_COMMON})
    return _pattern(kind, members, item.line, reading)


def _pattern(kind: str, members: Members, line: int, reading: Reading) -> Pattern | None:
    entries = tuple(_entries(kind, members, reading))
    known = {entry.uid for entry in entries}
    ordered = kind == "Sequence"
    matches, transitions = (
        _transitions(members, known, reading) if ordered else (_criteria(members, known, reading), ())
    )
    _check_rest(ordered, members, reading)
    if not any(not entry.absent for entry in entries):
        reading.fault(members[kind].line, f"{kind}: nothing in it has to happen; one entry at least must not be absent")
        return None
    return Pattern(ordered, entries, matches, transitions, _lookback(members, reading), line)


def _entries(kind: str, members: Members, reading: Reading) -> Iterator[Entry]:
    seen: set[str] = set()
    for item in reading.items(members, kind):
        stated = reading.members(item, kind, {"ID", "RuleID"}, {"Absence", "MinMatchCount"})
        uid, rule = reading.text(stated, "ID"), reading.text(stated, "RuleID")
        if uid in seen:
            reading.fault(item.line, f"{kind}: ID {uid!r:.80} stands here twice")
        seen.add(uid)
        absent = reading.flag(stated, "Absence", default=False)
        count = reading.whole(stated, "MinMatchCount") or 1
        if absent and count > 1:
            reading.fault(stated["MinMatchCount"].line, "MinMatchCount: fewer matches than that is no absence in Braid")
        if count > MAX_COUNT:
            reading.fault(stated["MinMatchCount"].line, f"MinMatchCount: more than {MAX_COUNT}")
        yield Entry(uid, rule, count, absent, item.line)


def _criteria(members: Members, known: set[str], reading: Reading) -> tuple[Match, ...]:
    node = members.get("MatchCriteria")
    named = reading.any_members(node, "MatchCriteria") if node is not None else {}
    return tuple(_criterion(name, named, known, reading) for name in named)


def _criterion(name: str, named: Members, known: set[str], reading: Reading) -> Match:
    fields: dict[str, str] = {}
    for item in reading.items(named, name):
        stated = reading.members(item, "MatchCriteria", {"GroupID", "Match"})
        uid = reading.text(stated, "GroupID")
        _check_known("GroupID", uid, stated, known, reading)
        if uid in fields:
            reading.fault(item.line, f"MatchCriteria: GroupID {uid!r:.80} stands here twice")
        fields[uid] = reading.text(stated, "Match")
    return Match(name, fields, named[name].line)


def _transitions(
    members: Members, known: set[str], reading: Reading
) -> tuple[tuple[Match, ...], tuple[Transition, ...]]:
    matches: list[Match] = []
    found: list[Transition] = []
    for item in reading.items(members, "Transitions"):
        stated = reading.members(item, "Transitions", {"From", "To"}, {"ID", "WithinTimeFrameMinutes", "Match"})
        source, target = reading.text(stated, "From"), reading.text(stated, "To")
        for key, uid in (("From", source), ("To", target)):
            _check_known(key, uid, stated, known, reading)
        if any((source, target) == (other.source, other.target) for other in found):
            reading.fault(item.line, f"Transitions: a second one from {source!r:.80} to {target!r:.80}")
        matches.extend(_agreements(stated, source, target, reading))
        found.append(Transition(source, target, reading.whole(stated, "WithinTimeFrameMinutes"), item.line))
    return tuple(matches), tuple(found)


def _agreements(stated: Members, source: str, target: str, reading: Reading) -> Iterator[Match]:
    for item in reading.items(stated, "Match"):
        both = reading.members(item, "Match", (), {"On", "From", "To"})
        if set(both) == {"On"}:
            field = reading.text(both, "On")
            yield Match(field, {source: field, target: field}, item.line)
        elif set(both) == {"From", "To"}:
            yield Match("", {source: reading.text(both, "From"), target: reading.text(both, "To")}, item.line)
        else:
            reading.fault(item.line, "Match: needs either On, or From and To")


def _check_known(key: str, uid: str, stated: Members, known: set[str], reading: Reading) -> None:
    if uid and uid not in known:
        told = ", ".join(sorted(known))
        reading.fault(stated[key].line, f"{key}: no entry has the ID {uid!r:.80}; there are {told}")


def _check_rest(ordered: bool, members: Members, reading: Reading) -> None:
    order = reading.text(members, "EventEvaluationOrder")
    if ordered and order and order not in ORDERS:
        line = members["EventEvaluationOrder"].line
        reading.fault(line, f"EventEvaluationOrder: {order!r:.80}; Braid reads a sequence in the order of time only")
    schedule = members.get("Schedule")
    if schedule is not None:
        reading.members(schedule, "Schedule", (), _SCHEDULE)


def _lookback(members: Members, reading: Reading) -> int:
    minutes = reading.whole(members, "LookbackWindowMinutes") or DEFAULT_LOOKBACK
    if minutes > MAX_LOOKBACK:
        reading.fault(members["LookbackWindowMinutes"].line, "LookbackWindowMinutes: longer than a year")
    return minutes
