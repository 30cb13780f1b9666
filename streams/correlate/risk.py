"""The correlation type `risk`: weak signals that only together, and from many sides, are worth a look.

Each signal adds its risk to the window and loses weight as time goes by: half of it in every half-life. What one
detection finds in one source counts once, unless more `repeats` are asked for. The figure of a window is the largest
sum that any of its signals finds there, as of its own time, when what has happened up to then comes from as many
detections, tactics, domains and sources as the rule asks for. So the type is Braid's own; the idea of scores per entity
is that of risk-based alerting as security analytics has it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from models.finding import Signal
from streams.correlate.settings import duration
from streams.detect.values import RuleMistake
from streams.flood import Moment

KIND: Final = "risk"
MAX_REPEATS: Final = 100
MAX_HALF_LIVES: Final = 500  # in a timespan: what a float can tell apart
_DIGITS: Final = 6  # of a sum: beyond them the order of additions shows
_COUNTS: Final = ("detections", "tactics", "domains", "sources")
_KEYS: Final = frozenset({"half_life", "repeats", *_COUNTS})


@dataclass(frozen=True, slots=True)
class Breadth:
    """How a `risk` correlation weighs signals, and from how many sides they have to come.

    Attributes:
        half_life: After how long (ms) a signal weighs half; None for as long as the window lasts.
        repeats: How many signals of one detection and source count, those that weigh most.
        detections: Distinct detections needed.
        tactics: Distinct ATT&CK tactics needed.
        domains: Distinct domains needed.
        sources: Distinct sources needed.
    """

    half_life: int | None = None
    repeats: int = 1
    detections: int = 1
    tactics: int = 0
    domains: int = 1
    sources: int = 1


def read_breadth(own: Mapping[str, Any], kind: str, timespan: int) -> Breadth | None:
    """Read `braid.risk`; None for any other type than `risk`.

    Raises:
        RuleMistake: When it is there for another type, or is no map of what is known.
    """
    stated = own.get("risk", {})
    if kind != KIND:
        if "risk" in own:
            raise RuleMistake(f"braid.risk: {kind} has none, only the type risk has")
        return None
    if not isinstance(stated, Mapping) or set(stated) - _KEYS:
        raise RuleMistake(f"braid.risk: must be a map of {', '.join(sorted(_KEYS))}")
    half_life = duration(stated["half_life"], "braid.risk.half_life") if "half_life" in stated else None
    if half_life is not None and half_life * MAX_HALF_LIVES < timespan:
        raise RuleMistake(f"braid.risk.half_life: the timespan is longer than {MAX_HALF_LIVES} half-lives")
    counts = {name: _count(name, stated[name], 0) for name in _COUNTS if name in stated}
    return Breadth(half_life, _count("repeats", stated.get("repeats", 1), 1), **counts)


def _count(name: str, value: Any, least: int) -> int:
    if type(value) is not int or not least <= value <= MAX_REPEATS:
        raise RuleMistake(f"braid.risk.{name}: {value!r:.80} is not a whole number from {least} to {MAX_REPEATS}")
    return value


def reaching(
    breadth: Breadth, holds: Callable[[float], bool], moments: Sequence[Moment], ends: Sequence[int]
) -> Callable[[int], bool]:
    """Return the test of the window that begins at a position.

    Args:
        breadth: How signals are weighed.
        holds: The condition on the sum; larger sums hold as well.
        moments: The signals of the rule, sorted.
        ends: For each position the first one beyond the window that begins there.
    """
    # Of all signals together every sum is at least that of any window: where it does not hold, none does.
    whole = _Sum(breadth)
    may_hold = [number for number, moment in enumerate(moments) if whole.add(moment, holds)]

    def test(position: int) -> bool:
        first = bisect_left(may_hold, position)
        if first == len(may_hold) or may_hold[first] >= ends[position]:
            return False
        window = _Sum(breadth)
        return any(window.add(moments[number], holds) for number in range(position, ends[position]))

    return test


@dataclass(slots=True)
class _Sum:
    """The weighed risks of a window as it grows. Weights are as of its first signal, so that their order stays."""

    breadth: Breadth
    start: int = 0
    weights: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    tactics: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    detections: set[str] = field(default_factory=set)

    def add(self, moment: Moment, holds: Callable[[float], bool]) -> bool:
        """Take a signal in; tell whether all of it is enough, as of that signal's time."""
        signal = moment.signal
        self.start = self.start or moment.time
        self._weigh((signal.analytic.uid, signal.event.source), signal.risk / self._faded(moment.time), moment.matches)
        self.sources.add(signal.event.source)
        self.tactics.update(signal.analytic.tactics)
        for part in signal.made_of:
            self.detections.add(part.rule)
            self.domains.add(part.domain)
            self.tactics.update(part.tactics)
        return self._is_broad() and holds(self._total(moment.time))

    def _weigh(self, kind: tuple[str, str], weight: float, matches: int) -> None:
        held = self.weights.setdefault(kind, [])
        for _ in range(min(matches, self.breadth.repeats)):
            insort(held, weight)
        del held[: max(0, len(held) - self.breadth.repeats)]

    def _faded(self, time: int) -> float:
        """Return what is left of a weight from the start of the window."""
        half_life = self.breadth.half_life
        return 1.0 if half_life is None else 2.0 ** (-min(1000.0, (time - self.start) / half_life))

    def _total(self, time: int) -> float:
        weights = (weight for kind in sorted(self.weights) for weight in self.weights[kind])
        return round(sum(weights) * self._faded(time), _DIGITS)

    def _is_broad(self) -> bool:
        need = self.breadth
        return (
            len(self.detections) >= need.detections
            and len(self.tactics) >= need.tactics
            and len(self.domains) >= need.domains
            and len(self.sources) >= need.sources
        )


def most(breadth: Breadth, signals: Iterable[Signal]) -> int:
    """Return what the sum of signals is at most."""
    highest: dict[tuple[str, str], int] = {}
    for signal in signals:
        kind = signal.analytic.uid, signal.event.source
        highest[kind] = max(highest.get(kind, 0), signal.risk)
    return sum(highest.values()) * breadth.repeats
