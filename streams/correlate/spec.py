"""A correlation rule, compiled: what belongs together, on which group, within how long.

Source: the Sigma correlation rules specification 2.1. Two things are Braid's own: `entity.<type>` as a group-by field
stands for every entity of that type that an event names or is linked to, and the optional top-level `braid` map says
what Sigma cannot (`streams.correlate.own_keys`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from models.finding import Analytic, Signal
from streams.correlate.conditions import MEDIAN, Formula, Threshold
from streams.correlate.numbers import Number
from streams.correlate.risk import KIND as RISK
from streams.correlate.risk import Breadth
from streams.correlate.steps import ANCHOR, ENTITY_PREFIX, Absence, Step

EVERY: Final = "*"  # in the place of rules: detections, vendors' alerts, models
_LEFTMOST: Final = frozenset({"event_count", "value_count", "temporal", "temporal_ordered", RISK})


@dataclass(frozen=True, slots=True)
class CorrelationSpec:
    """One compiled correlation rule.

    Attributes:
        analytic: Its id, title, author, severity and ATT&CK references.
        kind: `event_count`, `value_count`, `value_sum`, `value_avg`, `value_percentile`, `value_median`, `temporal`,
            `temporal_ordered` or `risk`.
        rules: Uids of the rules it looks at, in the order it names them; EVERY for whatever makes signals.
        group_by: Group-by fields; `entity.<type>` or field names. Empty means one group for everything.
        timespan: Longest distance between the first and the last needed signal, ms, inclusive.
        threshold: What the count must meet; for the temporal kinds how many of the rules, unless it says, all; with a
            formula 1, since the figure of a window is 1 where the formula is true, otherwise 0.
        count_fields: For `value_count`: fields whose distinct values count. For the other `value_` kinds: the one field
            of numbers.
        aliases: Alias to rule uid to that rule's field name.
        cooldown: How long after the window further signals still join the same sequence, ms.
        risk_threshold: Risk a sequence needs to be escalated.
        investigation: What its author wants checked.
        percentile: For `value_percentile`: which, from 0 to 100.
        formula: For `temporal`: which rules have to fire and which must not, when its condition is boolean.
        steps: For the temporal kinds: one for each of `rules` when there is more to say about them; else none.
        absences: Rules that must not fire.
        until: Uids of rules that end a window.
        session: After how long without signals a window ends, ms; None when only the timespan ends it.
        breadth: For `risk`: how signals are weighed, and from how many sides they have to come.
        sources: Names of the sources whose watermarks tell when its absences are certain; empty for all of them.
        name: Name by which other correlations may refer to it, or empty.
        is_chained: Whether another correlation looks at its sequences.
        is_part: Whether one does that does not say `generate`: then it is not escalated by itself.
        lag: How much later than its time (ms), by the watermark, a sequence that it looks at may become certain.
        members: Uids of the rules whose signals belong to its sequences.
        others: Uids of the rules that it looks at besides.
        description: What it finds.
        falsepositives: What else it may be.
    """

    analytic: Analytic
    kind: str
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    timespan: int
    threshold: Threshold
    count_fields: tuple[str, ...]
    aliases: Mapping[str, Mapping[str, str]]
    cooldown: int
    risk_threshold: int
    investigation: str = ""
    percentile: Number = MEDIAN
    formula: Formula | None = None
    steps: tuple[Step, ...] = ()
    absences: tuple[Absence, ...] = ()
    until: tuple[str, ...] = ()
    session: int | None = None
    breadth: Breadth | None = None
    sources: frozenset[str] = frozenset()
    name: str = ""
    is_chained: bool = False
    is_part: bool = False
    lag: int = 0
    members: frozenset[str] = field(init=False, repr=False, compare=False)
    others: frozenset[str] = field(init=False, repr=False, compare=False)
    description: str = field(default="", compare=False)
    falsepositives: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """Work out once what every step of the correlator asks."""
        object.__setattr__(self, "members", frozenset(self.rules))
        object.__setattr__(self, "others", frozenset((*(one.rule for one in self.absences), *self.until)))

    @property
    def is_general(self) -> bool:
        """Tell whether it looks at every signal but those that are sequences."""
        return self.rules == (EVERY,)

    @property
    def watched(self) -> frozenset[str]:
        """Return the uids of the rules whose signals it needs, as far as it names them."""
        return (self.members | self.others) - {EVERY}

    def takes(self, signal: Signal) -> bool:
        """Tell whether a signal is of one of its rules."""
        return signal.analytic.uid in self.members or (self.is_general and not signal.parts)

    def looks_at(self, signal: Signal) -> bool:
        """Tell whether it needs a signal, as one of its own or as what must not be."""
        return self.takes(signal) or signal.analytic.uid in self.others

    @property
    def is_steady(self) -> bool:
        """Tell whether more signals can only make its windows hold, one by one from the left."""
        return self.kind in _LEFTMOST and self.threshold.monotone and not self.others

    @property
    def is_plainly_ordered(self) -> bool:
        """Tell whether its order asks for nothing but one signal of each rule, one after the other."""
        return not self.steps and all(absence.step == ANCHOR for absence in self.absences)

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Return a step for each of its rules."""
        return self.steps or tuple(Step(rule) for rule in self.rules)

    @property
    def undecided(self) -> frozenset[str]:
        """Return the uids of the rules of which it may matter that they did not fire; EVERY for all."""
        return (self.members if self.waits else frozenset()) | {absence.rule for absence in self.absences}

    @property
    def settles(self) -> int:
        """Return how long after its first signal (ms) all that a window depends on has happened."""
        return self.timespan + max((absence.after or 0 for absence in self.absences), default=0)

    @property
    def reach(self) -> int:
        """Return how far apart (ms) what one window depends on can be."""
        return self.settles + self.lag + max((absence.before or 0 for absence in self.absences), default=0)

    @property
    def certain(self) -> int:
        """Return how much later than its time (ms), by the watermark, one of its sequences is certain at the latest."""
        return self.lag + (self.settles if self.waits or self.absences else 0)

    @property
    def offsets(self) -> frozenset[int]:
        """Return how long after a signal (ms) it may become certain that a condition holds."""
        closing = {self.timespan, *([self.session] if self.session is not None else [])} if self.waits else set()
        return frozenset(closing | {absence.offset for absence in self.absences})

    @property
    def waits(self) -> bool:
        """Tell whether the condition holds only once its window is closed.

        A sum that has to be large does not wait, though a negative number may still undo it (and is a retraction then):
        nearly all that is summed up is bytes, amounts and counts, and to wait would be to tell late for nothing.
        """
        return not (self.threshold.monotone or (self.kind == "value_sum" and self.threshold.upwards))

    @property
    def uid(self) -> str:
        """Return the correlation rule's id."""
        return self.analytic.uid

    @property
    def span(self) -> int:
        """Return how long one sequence can last, from its first signal to the last that may join, ms."""
        return self.timespan + self.cooldown

    def field_name(self, name: str, rule_uid: str) -> str:
        """Resolve an alias for one rule; a name that is no alias is the field itself."""
        return self.aliases.get(name, {}).get(rule_uid, name)

    def fields_of(self, rule_uid: str) -> frozenset[str]:
        """Return the event fields whose values this correlation needs from signals of one rule."""
        names = [name for fields in self.groupings(rule_uid) for name in fields if not name.startswith(ENTITY_PREFIX)]
        return frozenset((*names, *(self.field_name(name, rule_uid) for name in self.count_fields)))

    def groupings(self, rule_uid: str) -> tuple[tuple[str, ...], ...]:
        """Return the fields by which signals of a rule are grouped, once for each way in which it is looked at."""
        usual = tuple(self.field_name(name, rule_uid) for name in self.group_by)
        if not self.steps and not self.absences:
            return (usual,)
        ways = [step.group_by or usual for step in self.all_steps if step.rule == rule_uid]
        ways += [absence.group_by or usual for absence in self.absences if absence.rule == rule_uid]
        ways += [usual] if rule_uid in self.until else []
        return tuple(dict.fromkeys(ways)) or (usual,)
