"""What investigations may take: per sequence, per hour, per day. Pure: time comes in, in ms.

Before a request, what it may take at most is reserved; after it, what it took is charged in place of that. So requests
at the same time cannot overdraw together. Windows slide, by whole seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Final, NamedTuple

from agents.llm.talk import Usage
from models.errors import BudgetExhausted

SECOND_MS: Final = 1000
HOUR_MS: Final = 3600 * SECOND_MS
DAY_MS: Final = 24 * HOUR_MS
SEQUENCE, HOUR, DAY = "sequence", "hour", "day"


@dataclass(frozen=True, slots=True)
class Amounts:
    """Requests to models, tokens both ways, calls of tools, milliseconds of waiting, millionths of a US dollar."""

    requests: int = 0
    tokens: int = 0
    tool_calls: int = 0
    ms: int = 0
    micros: int = 0

    def plus(self, other: Amounts, sign: int = 1) -> Amounts:
        """Return the sum, or with sign -1 the difference."""
        return Amounts(*(getattr(self, name) + sign * getattr(other, name) for name in AMOUNTS))


AMOUNTS: Final = tuple(one.name for one in fields(Amounts))
NOTHING: Final = Amounts()
_NAMED: Final = {"ms": "seconds", "micros": "usd", "tool_calls": "tool calls"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Most of each amount, None for as much as it takes."""

    requests: int | None = None
    tokens: int | None = None
    tool_calls: int | None = None
    ms: int | None = None
    micros: int | None = None

    def exceeded(self, spent: Amounts, asked: Amounts) -> str | None:
        """Return the first amount of which `asked` is too much after `spent`, None when there is none."""
        for name in AMOUNTS:
            limit, more = getattr(self, name), getattr(asked, name)
            if limit is not None and more and getattr(spent, name) + more > limit:
                return name
        return None


@dataclass(frozen=True, slots=True)
class Budgets:
    """What one sequence, any hour and any day may take."""

    sequence: Limits = Limits()
    hour: Limits = Limits()
    day: Limits = Limits()


UNLIMITED: Final = Budgets()


class Exhausted(BudgetExhausted):
    """Say which budget has not enough left.

    Attributes:
        budget: `sequence`, `hour` or `day`.
        amount: One of AMOUNTS.
        free_ms: When there will be enough again, None when waiting does not help.
    """

    def __init__(self, budget: str, amount: str, free_ms: int | None) -> None:
        super().__init__(f"the budget of the {budget} has not enough {_NAMED.get(amount, amount)} left")
        self.budget = budget
        self.amount = amount
        self.free_ms = free_ms


class Charge(NamedTuple):
    """What was taken: by which investigation, when (ms), what."""

    case: str
    time_ms: int
    amounts: Amounts


class Reservation(NamedTuple):
    """What is set aside until it is settled."""

    case: str
    second: int
    amounts: Amounts


def taken(usage: Usage, tool_calls: int = 0) -> Amounts:
    """Return the amounts of a journaled usage."""
    tokens = usage.input_tokens + usage.output_tokens
    return Amounts(usage.tries, tokens, tool_calls, usage.latency_ms, usage.cost_micros)


@dataclass(slots=True)
class _Window:
    """What was taken lately, by second."""

    name: str
    length_ms: int
    limits: Limits
    total: Amounts = NOTHING
    _seconds: dict[int, Amounts] = field(default_factory=dict)

    def expire(self, now_ms: int) -> None:
        """Forget the seconds that lie behind; one from before a clock went back waits for those before it."""
        gone = []
        for second in self._seconds:
            if self._free_ms(second) > now_ms:
                break
            gone.append(second)
        for second in gone:
            self.total = self.total.plus(self._seconds.pop(second), -1)

    def _free_ms(self, second: int) -> int:
        return (second + 1) * SECOND_MS + self.length_ms

    def add(self, second: int, amounts: Amounts, *, is_new: bool) -> None:
        """Count amounts; those of a reservation only while its second counts."""
        if is_new or second in self._seconds:
            self._seconds[second] = self._seconds.get(second, NOTHING).plus(amounts)
            self.total = self.total.plus(amounts)

    def check(self, asked: Amounts) -> None:
        """Raise Exhausted when there is not enough."""
        amount = self.limits.exceeded(self.total, asked)
        if amount is not None:
            raise Exhausted(self.name, amount, self._again(amount, getattr(asked, amount)))

    def _again(self, amount: str, asked: int) -> int | None:
        left = getattr(self.total, amount) + asked - getattr(self.limits, amount)
        for second, amounts in self._seconds.items():
            left -= getattr(amounts, amount)
            if left <= 0:
                return self._free_ms(second)
        return None


class Ledger:
    """What all investigations took and may take. Bounded: seconds of a day, and sequences of a day."""

    def __init__(self, budgets: Budgets, charges: Iterable[Charge] = ()) -> None:
        """Begin, after a restart with the charges that the journal tells."""
        self._sequence = budgets.sequence
        self._windows = (_Window(HOUR, HOUR_MS, budgets.hour), _Window(DAY, DAY_MS, budgets.day))
        self._cases: dict[str, tuple[int, Amounts]] = {}  # the one that was used last comes last
        for charge in sorted(charges, key=lambda charge: charge.time_ms):
            self._expire(charge.time_ms)
            self._add(charge.case, charge.time_ms // SECOND_MS, charge.amounts, is_new=True)

    def reserve(self, case: str, asked: Amounts, now_ms: int) -> Reservation:
        """Set amounts aside; raise Exhausted, naming the budget, when there is not enough."""
        self._expire(now_ms)
        amount = self._sequence.exceeded(self.spent_by(case), asked)
        if amount is not None:
            raise Exhausted(SEQUENCE, amount, None)
        for window in self._windows:
            window.check(asked)
        self._add(case, now_ms // SECOND_MS, asked, is_new=True)
        return Reservation(case, now_ms // SECOND_MS, asked)

    def settle(self, reservation: Reservation, amounts: Amounts) -> None:
        """Charge what was taken in place of what was reserved."""
        difference = amounts.plus(reservation.amounts, -1)
        self._add(reservation.case, reservation.second, difference, is_new=False)

    def _add(self, case: str, second: int, amounts: Amounts, *, is_new: bool) -> None:
        for window in self._windows:
            window.add(second, amounts, is_new=is_new)
        last, spent = self._cases.pop(case, (second, NOTHING))
        self._cases[case] = max(last, second), spent.plus(amounts)

    def _expire(self, now_ms: int) -> None:
        for window in self._windows:
            window.expire(now_ms)
        while self._cases and (first := next(iter(self._cases.items())))[1][0] * SECOND_MS + DAY_MS < now_ms:
            del self._cases[first[0]]

    def spent_by(self, case: str) -> Amounts:
        """Return what an investigation took, with what is reserved for it."""
        return self._cases.get(case, (0, NOTHING))[1]

    def spent(self, now_ms: int) -> Mapping[str, Amounts]:
        """Return what was taken in the last hour and day, with what is reserved."""
        self._expire(now_ms)
        return {window.name: window.total for window in self._windows}

    def ms_left(self, case: str) -> int | None:
        """Return how many more milliseconds an investigation may wait for models, None when nothing limits them."""
        pairs = [(self._sequence.ms, self.spent_by(case).ms)]
        pairs += [(window.limits.ms, window.total.ms) for window in self._windows]
        left = [limit - spent for limit, spent in pairs if limit is not None]
        return max(0, min(left)) if left else None


@dataclass(frozen=True, slots=True)
class Purse:
    """The ledger as one investigation sees it.

    Attributes:
        ledger: Everybody's.
        case: The uid of the sequence.
        now: Returns the time, ms.
    """

    ledger: Ledger
    case: str
    now: Callable[[], int]

    def reserve(self, asked: Amounts) -> Reservation:
        """Set amounts aside; raise Exhausted, naming the budget, when there is not enough."""
        return self.ledger.reserve(self.case, asked, self.now())

    def settle(self, reservation: Reservation, amounts: Amounts) -> None:
        """Charge what was taken in place of what was reserved."""
        self.ledger.settle(reservation, amounts)

    def tool_call(self) -> None:
        """Charge one call of a tool; raise Exhausted when there is none left."""
        self.reserve(Amounts(tool_calls=1))

    @property
    def ms_left(self) -> int | None:
        """Return how many more milliseconds it may wait for models, None when nothing limits them."""
        return self.ledger.ms_left(self.case)
