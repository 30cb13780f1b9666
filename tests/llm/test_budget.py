"""The ledger: windows against a naive oracle, reservations, and what a restart rebuilds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.llm.budget import (
    DAY,
    DAY_MS,
    HOUR,
    HOUR_MS,
    SECOND_MS,
    SEQUENCE,
    UNLIMITED,
    Amounts,
    Budgets,
    Charge,
    Exhausted,
    Ledger,
    Limits,
    Purse,
    taken,
)
from agents.llm.talk import Usage
from models.errors import BudgetExhausted


def exhausted(ledger: Ledger, asked: Amounts, now_ms: int, case: str = "a") -> Exhausted:
    with pytest.raises(BudgetExhausted) as raised:
        ledger.reserve(case, asked, now_ms)
    assert isinstance(raised.value, Exhausted)
    return raised.value


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("requests", "requests"),
        ("tokens", "tokens"),
        ("tool_calls", "tool calls"),
        ("ms", "seconds"),
        ("micros", "usd"),
    ],
)
@pytest.mark.parametrize("budget", [SEQUENCE, HOUR, DAY])
def test_each_amount_of_each_budget_ends(budget: str, name: str, word: str) -> None:
    ledger = Ledger(Budgets(**{budget: Limits(**{name: 10})}))
    ledger.reserve("a", Amounts(**{name: 10}), 0)
    failure = exhausted(ledger, Amounts(**{name: 1}), 0)
    assert (failure.budget, failure.amount) == (budget, name)
    assert budget in str(failure)
    assert word in str(failure)
    ledger.reserve("a", Amounts(**{other: 99 for other in ("requests", "tokens") if other != name}), 0)


def test_it_tells_when_there_is_enough_again() -> None:
    ledger = Ledger(Budgets(hour=Limits(tokens=100)))
    for at_ms in (0, 10_500, 20_000):
        ledger.reserve("a", Amounts(tokens=30), at_ms)
    failure = exhausted(ledger, Amounts(tokens=60), 30_000)
    assert failure.free_ms == 11 * SECOND_MS + HOUR_MS
    exhausted(ledger, Amounts(tokens=60), failure.free_ms - 1)
    ledger.reserve("a", Amounts(tokens=60), failure.free_ms)


def test_waiting_does_not_help_a_sequence_or_who_asks_too_much() -> None:
    ledger = Ledger(Budgets(sequence=Limits(requests=1), hour=Limits(tokens=10)))
    assert exhausted(ledger, Amounts(tokens=11), 0).free_ms is None
    ledger.reserve("a", Amounts(requests=1), 0)
    assert exhausted(ledger, Amounts(requests=1), HOUR_MS).free_ms is None
    ledger.reserve("b", Amounts(requests=1), 0)


def test_what_was_reserved_counts_until_it_is_settled() -> None:
    ledger = Ledger(Budgets(sequence=Limits(tokens=100)))
    first = ledger.reserve("a", Amounts(tokens=80), 0)
    exhausted(ledger, Amounts(tokens=80), 0)
    ledger.settle(first, Amounts(tokens=15))
    ledger.reserve("a", Amounts(tokens=80), 0)
    assert ledger.spent_by("a").tokens == 95


def test_settling_late_does_not_count_in_a_window_that_is_over() -> None:
    ledger = Ledger(UNLIMITED)
    reserved = ledger.reserve("a", Amounts(tokens=5), 0)
    now_ms = HOUR_MS + SECOND_MS
    ledger.reserve("b", Amounts(tokens=1), now_ms)
    ledger.settle(reserved, Amounts(tokens=9))
    spent = ledger.spent(now_ms)
    assert (spent[HOUR].tokens, spent[DAY].tokens, ledger.spent_by("a").tokens) == (1, 10, 9)


def test_a_sequence_is_forgotten_after_a_day() -> None:
    ledger = Ledger(Budgets(sequence=Limits(requests=1)))
    ledger.reserve("a", Amounts(requests=1), 0)
    exhausted(ledger, Amounts(requests=1), DAY_MS)
    ledger.reserve("a", Amounts(requests=1), DAY_MS + 1)


def test_a_clock_that_goes_back_breaks_nothing() -> None:
    ledger = Ledger(Budgets(hour=Limits(requests=2)))
    ledger.reserve("a", Amounts(requests=1), 50_000)
    ledger.reserve("a", Amounts(requests=1), 10_000)
    assert exhausted(ledger, Amounts(requests=1), 20_000).free_ms == 51 * SECOND_MS + HOUR_MS


def test_the_least_time_left_counts() -> None:
    ledger = Ledger(Budgets(sequence=Limits(ms=500), day=Limits(ms=800)))
    assert (ledger.ms_left("a"), Ledger(UNLIMITED).ms_left("a")) == (500, None)
    ledger.reserve("b", Amounts(ms=450), 0)
    assert (ledger.ms_left("a"), ledger.ms_left("b")) == (350, 50)


def test_a_purse_is_of_one_sequence() -> None:
    ledger = Ledger(Budgets(sequence=Limits(tool_calls=2)))
    purse = Purse(ledger, "a", lambda: 7_000)
    purse.tool_call()
    purse.tool_call()
    with pytest.raises(Exhausted, match="sequence has not enough tool calls left"):
        purse.tool_call()
    Purse(ledger, "b", lambda: 7_000).tool_call()


def test_a_restart_rebuilds_it_from_what_was_journaled() -> None:
    usage = Usage(input_tokens=100, output_tokens=20, cost_micros=7, latency_ms=900, tries=2)
    assert taken(usage, 3) == Amounts(requests=2, tokens=120, tool_calls=3, ms=900, micros=7)
    charges = [Charge("a", 5_000, taken(usage)), Charge("b", 1_000, taken(usage)), Charge("a", 9_000_000, taken(usage))]
    before = Ledger(UNLIMITED)
    for charge in sorted(charges, key=lambda charge: charge.time_ms):
        before.settle(before.reserve(charge.case, replace(charge.amounts, tokens=999), charge.time_ms), charge.amounts)
    after = Ledger(UNLIMITED, charges)
    assert after.spent(9_000_000) == before.spent(9_000_000)
    assert after.spent(9_000_000)[HOUR].tokens == 120
    assert (after.spent_by("a"), after.spent_by("b")) == (before.spent_by("a"), before.spent_by("b"))


STEPS = st.lists(st.tuples(st.integers(0, 3 * 600_000), st.integers(0, 40)), max_size=40)


@given(steps=STEPS)
def test_windows_are_those_of_a_naive_oracle(steps: list[tuple[int, int]]) -> None:
    ledger = Ledger(Budgets(hour=Limits(tokens=100)))
    kept: list[tuple[int, int]] = []
    now_ms = 0
    for later_ms, tokens in steps:
        now_ms += later_ms
        spent = sum(amount for at_ms, amount in kept if (at_ms // SECOND_MS + 1) * SECOND_MS + HOUR_MS > now_ms)
        if spent + tokens > 100 and tokens:
            free_ms = exhausted(ledger, Amounts(tokens=tokens), now_ms).free_ms
            assert free_ms is not None
            assert now_ms < free_ms <= now_ms + SECOND_MS + HOUR_MS
        else:
            ledger.reserve("a", Amounts(tokens=tokens), now_ms)
            kept.append((now_ms, tokens))
