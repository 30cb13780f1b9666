"""Conditions of correlations: what the figure of a window is compared with, and formulas over rules.

Source: the Sigma correlation rules specification 2.1, "condition". pySigma takes one operator only, and rounds
percentiles down; so numbers are read here, and formulas by pySigma.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from math import ceil, floor
from typing import Any, Final

from sigma.correlations import (
    CorrelationConditionItem,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from streams.correlate.numbers import Number, stated_number
from streams.detect.values import RuleMistake

NUMERIC_KINDS: Final = frozenset({"value_sum", "value_avg", "value_percentile", "value_median"})
MEDIAN: Final = 50
MAX_TERMS: Final = 64  # of a formula, which is judged for every window
MAX_TRIED: Final = 10  # rules; every choice of them is tried to see whether a formula can hold
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    name: getattr(operator, attribute)
    for name, attribute in {"lt": "lt", "lte": "le", "gt": "gt", "gte": "ge", "eq": "eq", "neq": "ne"}.items()
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """Compare the figure of a window with a number, or with several: then all have to hold.

    Attributes:
        op: `gt`, `gte`, `lt`, `lte`, `eq` or `neq`.
        count: The number to compare with.
        further: More operators with their numbers, of a range.
        grows: Whether further signals can only make the figure larger: of counts yes, of an average no.
    """

    op: str
    count: Number | float
    further: tuple[tuple[str, Number | float], ...] = ()
    grows: bool = True

    @property
    def bounds(self) -> tuple[tuple[str, Number | float], ...]:
        """Return all operators with their numbers."""
        return (self.op, self.count), *self.further

    @property
    def upwards(self) -> bool:
        """Tell whether any larger figure holds as well."""
        return all(op in {"gt", "gte"} for op, _ in self.bounds)

    @property
    def monotone(self) -> bool:
        """Tell whether more signals can only make it true: then no waiting for the window to close is needed."""
        return self.grows and self.upwards

    def holds(self, figure: Number | float | None) -> bool:
        """Compare; a window without a figure holds nothing."""
        if figure is None or not _OPERATORS[self.op](figure, self.count):
            return False
        return not self.further or all(_OPERATORS[op](figure, number) for op, number in self.further)


@dataclass(frozen=True, slots=True)
class Formula:
    """A boolean expression over rules.

    Attributes:
        op: `and`, `or`, `not`, or, without parts, the uid of a rule.
        parts: What it joins.
    """

    op: str
    parts: tuple[Formula, ...] = ()

    @property
    def monotone(self) -> bool:
        """Tell whether more rules can only make it true: nothing in it is negated."""
        return not self.parts or (self.op != "not" and all(part.monotone for part in self.parts))

    @property
    def terms(self) -> int:
        """Return how many rules it names, with repetitions."""
        return sum(part.terms for part in self.parts) if self.parts else 1

    def holds(self, present: Collection[str]) -> bool:
        """Tell whether it is true when signals of these rules are there."""
        if not self.parts:
            return self.op in present
        if self.op == "not":
            return not self.parts[0].holds(present)
        joined = all if self.op == "and" else any
        return joined(part.holds(present) for part in self.parts)


def read_threshold(condition: Mapping[str, Any], kind: str, distinct_rules: int) -> Threshold:
    """Read the operators of a condition.

    Args:
        condition: The map of the rule.
        kind: Type of the correlation.
        distinct_rules: How many rules it looks at.

    Raises:
        RuleMistake: When there is none, or one is unknown, no number, or no window can meet them.
    """
    unknown = set(condition) - set(_OPERATORS) - {"field", "percentile"}
    if unknown:
        raise RuleMistake(f"condition contains invalid items: {', '.join(sorted(map(str, unknown)))}")
    if kind != "value_percentile" and "percentile" in condition:
        raise RuleMistake(f"condition.percentile: {kind} takes none, only value_percentile does")
    bounds = tuple((op, _number(f"condition.{op}", condition[op])) for op in _OPERATORS if op in condition)
    if not bounds:
        raise RuleMistake(f"condition needs one of {', '.join(_OPERATORS)}, or several for a range")
    (op, count), *further = sorted(bounds, key=lambda bound: list(condition).index(bound[0]))
    threshold = Threshold(op, count, tuple(further), kind not in NUMERIC_KINDS)
    _check_reachable(threshold, kind, distinct_rules)
    return threshold


def read_percentile(condition: Mapping[str, Any], kind: str) -> Number:
    """Read which percentile a `value_percentile` is about; every other kind has the median.

    Raises:
        RuleMistake: When it is missing, or not from 0 to 100.
    """
    if kind != "value_percentile":
        return MEDIAN
    if "percentile" not in condition:
        raise RuleMistake("value_percentile needs condition.percentile, a number from 0 to 100")
    percentile = _number("condition.percentile", condition["percentile"])
    if not 0 <= percentile <= 100:  # noqa: PLR2004  # a percentile is of a hundred
        raise RuleMistake(f"condition.percentile: {condition['percentile']!r:.80} is not from 0 to 100")
    return percentile


def _number(where: str, value: Any) -> Number:
    number = stated_number(value)
    if number is None:
        raise RuleMistake(f"{where}: {value!r:.80} is no valid number")
    return number


def _check_reachable(threshold: Threshold, kind: str, distinct_rules: int) -> None:
    """Refuse a condition that no window meets: each has the signal it begins with, and no rule beyond those named."""
    numbers = sorted({Fraction(number) for _, number in threshold.bounds})
    least = 0 if kind == "value_count" else 1
    most = distinct_rules if kind == "temporal" else ceil(numbers[-1]) + least + 1
    figures = _between(numbers) if kind in NUMERIC_KINDS else _counts(numbers, least, max(least, most))
    if not any(threshold.holds(figure) for figure in figures):
        stated = ", ".join(f"{op} {_decimal(number)}" for op, number in threshold.bounds)
        upwards = f"to {most}" if kind == "temporal" else "upwards"
        counts = "" if kind in NUMERIC_KINDS else f": {kind} counts from {least} {upwards}"
        raise RuleMistake(f"condition {stated} never holds{counts}")


def _decimal(number: Number | float) -> str:
    return str(number if isinstance(number, int) else float(number))


def _between(numbers: list[Fraction]) -> list[Number]:
    """Return one figure of every stretch that the numbers part, and the numbers."""
    middles = [(first + second) / 2 for first, second in pairwise(numbers)]
    return [numbers[0] - 1, *numbers, *middles, numbers[-1] + 1]


def _counts(numbers: list[Fraction], least: int, most: int) -> list[int]:
    """Return the counts near the numbers: if any count meets a condition, one of these does."""
    near = (count for number in numbers for count in range(floor(number) - 1, ceil(number) + 3))
    return [least, most, *(count for count in near if least <= count <= most)]


def read_formula(condition: SigmaExtendedCorrelationCondition, uid_of: Mapping[str, str]) -> Formula:
    """Read a boolean condition.

    Args:
        condition: As pySigma parsed it.
        uid_of: Uids of the rules it names.

    Raises:
        RuleMistake: When it is too long, or no window can meet it.
    """
    formula = _formula(condition.parsed, uid_of)
    if formula.terms > MAX_TERMS:
        raise RuleMistake(f"condition names {formula.terms} rules; at most {MAX_TERMS} are taken")
    rules = sorted({uid_of[name] for name in condition.get_referenced_rules()})
    if len(rules) <= MAX_TRIED and not any(formula.holds(chosen) for chosen in _choices(rules)):
        raise RuleMistake("condition never holds: a window begins with a signal of one of its rules")
    return formula


def _formula(item: CorrelationConditionItem | SigmaRuleReference, uid_of: Mapping[str, str]) -> Formula:
    if isinstance(item, SigmaRuleReference):
        return Formula(uid_of[item.reference])
    parts = tuple(_formula(part, uid_of) for part in item.args)
    if isinstance(item, CorrelationConditionNOT):
        return Formula("not", parts)
    return Formula("or" if isinstance(item, CorrelationConditionOR) else "and", parts)


def _choices(rules: list[str]) -> list[tuple[str, ...]]:
    return [chosen for size in range(1, len(rules) + 1) for chosen in combinations(rules, size)]
