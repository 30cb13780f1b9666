"""What a rule still asks when some of its tests are answered, and which answers it cannot do without.

Source of the three-valued logic: S. C. Kleene, "Introduction to Metamathematics", 1952, section 64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, cast

from streams.detect.patterns import Patterns
from streams.detect.predicates import Every, FoldedText, Leaf, Not, Predicate, Selection, Some, every, some

Truth = bool | None  # None: not known
Residual = Predicate | bool
Decide = Callable[[Leaf], Truth]
Weigh = Callable[[Leaf], float | None]  # how often a test passes, compared with others; None: nobody can tell in time
Witness = tuple[float, tuple[Leaf, ...]]
NO_FIELDS: Final = frozenset[str]()


def residual_of(predicate: Predicate, decide: Decide) -> Residual:
    """Answer the tests that are decided; return the truth, or the condition that is left. Names of selections go."""
    match predicate:
        case Every():
            return _joined(predicate.predicates, decide, neutral=True)
        case Some():
            return _joined(predicate.predicates, decide, neutral=False)
        case Not():
            rest = residual_of(predicate.predicate, decide)
            return not rest if isinstance(rest, bool) else Not(rest)
        case Selection():
            return residual_of(predicate.predicate, decide)
    leaf = cast("Leaf", predicate)
    truth = decide(leaf)
    return leaf if truth is None else truth


def _joined(parts: Iterable[Predicate], decide: Decide, *, neutral: bool) -> Residual:
    rest: list[Predicate] = []
    for part in parts:
        left = residual_of(part, decide)
        if not isinstance(left, bool):
            rest.append(left)
        elif left is not neutral:
            return left
    if not rest:
        return neutral
    return every(rest) if neutral else some(rest)


def required_exactly(predicate: Predicate) -> frozenset[str]:
    """Return the fields that have to hold one of some whole values for the condition to be true."""
    match predicate:
        case Every():
            return NO_FIELDS.union(*map(required_exactly, predicate.predicates))
        case Some():
            return frozenset.intersection(*map(required_exactly, predicate.predicates))
        case Selection():
            return required_exactly(predicate.predicate)
        case FoldedText(test=Patterns(prefixes=(), suffixes=(), parts=(), globs=())):
            return frozenset({predicate.field})
    return NO_FIELDS


def witness_of(predicate: Predicate, weigh: Weigh) -> Witness | None:
    """Return the rarest tests of which one has to pass for the condition to be true; None when there are none."""
    match predicate:
        case Every():
            found = [witness for part in predicate.predicates if (witness := witness_of(part, weigh))]
            return min(found, key=lambda witness: witness[0], default=None)
        case Some():
            return _one_of_each(witness_of(part, weigh) for part in predicate.predicates)
        case Selection():
            return witness_of(predicate.predicate, weigh)
        case Not():
            return None
    leaf = cast("Leaf", predicate)
    weight = weigh(leaf)
    return None if weight is None else (weight, (leaf,))


def _one_of_each(witnesses: Iterator[Witness | None]) -> Witness | None:
    total, tests = 0.0, list[Leaf]()
    for witness in witnesses:
        if witness is None:
            return None
        total += witness[0]
        tests += witness[1]
    return total, tuple(tests)
