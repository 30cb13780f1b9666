"""What a correlation says to Braid alone, under `braid`: steps, absences, where a window ends.

```yaml
braid:
  steps:                        # of temporal and temporal_ordered: those of `rules` about which there is more to say
    - rule: failed_login
      name: attempts            # needed where a rule is a step more than once and is spoken of
      count: 5                  # at least so many signals
      within: 1h                # temporal_ordered: so soon after the step before
      group-by: [client.ip]     # its fields in the place of `group-by`
  max_gap: 10m                  # temporal_ordered: `within` of every step that does not say its own
  absent:                       # rules that must not fire
    - rule: logout
      after: attempts           # or `before: STEP`, `between: [STEP, STEP]`; `first` is the window's first signal
      within: 2h                # the timespan, unless it says
  until: [account_locked]       # what ends a window
  session: 30m                  # a window ends where nothing happened for longer
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from streams.correlate.settings import duration
from streams.correlate.steps import ANCHOR, ENTITY_PREFIX, Absence, Step
from streams.detect.values import RuleMistake

KNOWN: Final = ("absent", "cooldown", "max_gap", "risk", "risk_threshold", "session", "steps", "until")
MAX_COUNT: Final = 1_000_000
FIRST: Final = "first"
_STEP_KEYS: Final = frozenset({"rule", "name", "count", "within", "group-by"})
_ABSENT_KEYS: Final = frozenset({"rule", "after", "before", "between", "within", "group-by"})
_PLACES: Final = ("after", "before", "between")

Resolve = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Context:
    """What the reader has to know of the rest of the correlation.

    Attributes:
        kind: Its type.
        rules: Uids of its rules, in their order.
        names: As which it names them.
        group_by: Its group-by names.
        timespan: Its timespan, ms.
        resolve: Turns the id or name of a rule into its uid; raises RuleMistake when there is none.
    """

    kind: str
    rules: tuple[str, ...]
    names: tuple[str, ...]
    group_by: tuple[str, ...]
    timespan: int
    resolve: Resolve

    @property
    def is_ordered(self) -> bool:
        """Tell whether its rules have an order."""
        return self.kind == "temporal_ordered"

    @property
    def is_temporal(self) -> bool:
        """Tell whether it looks at which rules fired."""
        return self.kind.startswith("temporal")


def own_map(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the `braid` map of a rule; raise RuleMistake when it is none, or has a key that means nothing."""
    own = document.get("braid", {})
    return _map("braid", own, KNOWN)


def read_steps(own: Mapping[str, Any], about: Context) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """Read the steps of a temporal correlation, one for each of its rules, and their names.

    Returns:
        The steps, none when there is nothing to say about any, and the name of each.
    """
    stated = _list("steps", own.get("steps", []))
    gap = _span("max_gap", own["max_gap"]) if "max_gap" in own else None
    if (stated or gap is not None) and not about.is_temporal:
        raise RuleMistake(
            f"braid.{'steps' if stated else 'max_gap'}: {about.kind} has no steps, only temporal kinds do"
        )
    if gap is not None and not about.is_ordered:
        raise RuleMistake("braid.max_gap: temporal has no order, and so no gap between steps; session ends a window")
    said: dict[int, Mapping[str, Any]] = {}
    for number, item in enumerate(stated):
        where = f"braid.steps.{number}"
        said[_place(where, _map(where, item, _STEP_KEYS), about, said)] = item
    steps = tuple(_step(said.get(place, {}), place, gap, about) for place in range(len(about.rules)))
    names = tuple(str(said.get(place, {}).get("name", name)) for place, name in enumerate(about.names))
    return (() if all(step.is_plain for step in steps) else steps), names


def _place(where: str, item: Mapping[str, Any], about: Context, taken: Mapping[int, object]) -> int:
    uid = about.resolve(item.get("rule"))
    place = next((p for p, rule in enumerate(about.rules) if rule == uid and p not in taken), None)
    if place is None:
        often = f"only {about.rules.count(uid)} times " if uid in about.rules else "not "
        raise RuleMistake(f"{where}.rule: {item.get('rule')!r:.80} is {often}among `rules`")
    return place


def _step(item: Mapping[str, Any], place: int, gap: int | None, about: Context) -> Step:
    where = f"braid.steps ({about.names[place]})"
    count = item.get("count", 1)
    if type(count) is not int or not 1 <= count <= MAX_COUNT:
        raise RuleMistake(f"{where}.count: {count!r:.80} is not a whole number from 1 to {MAX_COUNT}")
    if not isinstance(item.get("name", ""), str):
        raise RuleMistake(f"{where}.name: {item['name']!r:.80} is not a text; quote it")
    within = _span(f"{where}.within", item["within"]) if "within" in item else gap if place else None
    if "within" in item and (place == 0 or not about.is_ordered):
        raise RuleMistake(f"{where}.within: there is no step before it")
    return Step(about.rules[place], count, within, _fields(f"{where}.group-by", item, about))


def read_absences(
    own: Mapping[str, Any], names: Sequence[str], until: Sequence[str], about: Context
) -> tuple[Absence, ...]:
    """Read the rules that must not fire; one that is a step or ends a window as well has no fields of its own."""
    items = _list("absent", own.get("absent", []))
    absences = tuple(_absence(f"braid.absent.{number}", item, names, about) for number, item in enumerate(items))
    for number, absence in enumerate(absences):
        if absence.group_by and absence.rule in (*about.rules, *until):
            raise RuleMistake(f"braid.absent.{number}.group-by: this rule is looked at by other fields already")
    return absences


def _absence(where: str, item: Any, names: Sequence[str], about: Context) -> Absence:
    stated = _map(where, item, _ABSENT_KEYS)
    rule, fields = about.resolve(stated.get("rule")), _fields(f"{where}.group-by", stated, about)
    within = _span(f"{where}.within", stated["within"]) if "within" in stated else about.timespan
    places = [place for place in _PLACES if place in stated]
    if len(places) > 1:
        raise RuleMistake(f"{where}: one of {', '.join(_PLACES)}, or none; write two entries for two")
    if not places:
        return Absence(rule, ANCHOR, within, within, group_by=fields)
    if places == ["between"]:
        return Absence(rule, _between(where, stated, rule, names, about), between=True, group_by=fields)
    step = _step_called(f"{where}.{places[0]}", stated[places[0]], names, about)
    before, after = (within, None) if places == ["before"] else (None, within)
    return Absence(rule, step, before, after, group_by=fields)


def _between(where: str, stated: Mapping[str, Any], rule: str, names: Sequence[str], about: Context) -> int:
    pair = _list(f"{where}.between", stated["between"], "")
    if len(pair) != 2 or "within" in stated:  # noqa: PLR2004  # two neighbours
        raise RuleMistake(f"{where}.between: needs two steps, [FIRST, SECOND], and no `within`")
    first, second = (_step_called(f"{where}.between", name, names, about) for name in pair)
    if first == ANCHOR or second != first + 1:
        raise RuleMistake(
            f"{where}.between: {pair[0]!r:.80} and {pair[1]!r:.80} are no steps of which one follows the other"
        )
    if rule in about.rules:
        raise RuleMistake(f"{where}.between: {stated['rule']!r:.80} is a step itself")
    return first


def _step_called(where: str, name: Any, names: Sequence[str], about: Context) -> int:
    if name == FIRST:
        return ANCHOR
    if not about.is_ordered:
        raise RuleMistake(f"{where}: {about.kind} has no order; `{FIRST}` stands for the first signal of its window")
    places = [place for place, known in enumerate(names) if known == name]
    if len(places) != 1:
        which = "is no step" if not places else "is more than one step: give them names"
        raise RuleMistake(f"{where}: {name!r:.80} {which}; steps are {', '.join(names)}")
    return places[0]


def read_until(own: Mapping[str, Any], about: Context) -> tuple[str, ...]:
    """Read the rules that end a window."""
    stated = own.get("until", [])
    names = [stated] if isinstance(stated, str) else _list("until", stated)
    until = tuple(dict.fromkeys(about.resolve(name) for name in names))
    both = set(until) & set(about.rules)
    if both:
        raise RuleMistake(f"braid.until: {', '.join(map(str, names))}: what ends a window cannot belong to it")
    return until


def read_session(own: Mapping[str, Any], timespan: int) -> int | None:
    """Read after how long without signals a window ends, ms."""
    if "session" not in own:
        return None
    gap = _span("session", own["session"])
    if gap >= timespan:
        raise RuleMistake(
            f"braid.session: {own['session']} is not shorter than the timespan, so it would end no window"
        )
    return gap


def _span(where: str, value: Any) -> int:
    return duration(value, where if where.startswith("braid") else f"braid.{where}")


def _fields(where: str, item: Mapping[str, Any], about: Context) -> tuple[str, ...]:
    if "group-by" not in item:
        return ()
    fields = _list(where, item["group-by"], "")
    if len(fields) != len(about.group_by) or not all(isinstance(name, str) and name for name in fields):
        raise RuleMistake(f"{where}: needs one field for each of the correlation's group-by, {list(about.group_by)}")
    for name, stated in zip(about.group_by, fields, strict=True):
        if name != stated and (name.startswith(ENTITY_PREFIX) or stated.startswith(ENTITY_PREFIX)):
            raise RuleMistake(f"{where}: {stated} cannot stand for {name}: entities stand for themselves only")
    return tuple(fields)


def _map(where: str, value: Any, known: Sequence[str] | frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RuleMistake(f"{where}: must be a map")
    unknown = set(value) - set(known)
    if unknown:
        told = ", ".join(sorted(map(str, unknown)))
        raise RuleMistake(f"{where}: unknown key {told}; known: {', '.join(sorted(known))}")
    return value


def _list(where: str, value: Any, under: str = "braid.") -> list[Any]:
    if not isinstance(value, list):
        raise RuleMistake(f"{under}{where}: must be a list")
    return value
