"""More signals than a key keeps: what is folded away is counted, and nothing that stood is retracted for it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.finding import SequenceClosed
from streams.correlate.bounds import MAX_STATE_BYTES
from streams.correlate.engine import Correlator
from streams.correlate.outputs import Evicted
from streams.correlate.state import encode_state
from tests.correlate.build import HOUR, MINUTE, noise, spec
from tests.correlate.drive import Driver
from tests.correlate.one_key import (
    KEY,
    PAIR,
    fed,
    here,
    published,
)


def test_signals_folded_away_are_counted_and_their_count_stays():
    rule = spec("event_count", "a", count=2, timespan=HOUR)
    driver = fed(rule, *(here("a", n * 1000) for n in range(400)))
    state = driver.states[KEY]
    assert sum(s.count for s in state.signals) == published(driver)[-1].revision == 400
    assert driver.evicted == state.evicted == 400 - len(state.signals) > 0


@pytest.mark.parametrize(
    "rule",
    [
        spec("value_count", "a", count=8, fields=("port",), timespan=HOUR),
        spec("temporal_ordered", "aba", timespan=HOUR),
        spec("event_count", "ab", count=8, timespan=HOUR),
    ],
    ids=lambda rule: rule.kind,
)
def test_a_flood_retracts_no_sequence(rule):
    start = [here("a", n, port=noise(n, 500)) for n in range(8)]
    driver = fed(rule, *start, here("b", 8), here("a", 9))
    stood = set(driver.standing)
    assert len(stood) == 1
    driver.feed(here("a", 30 + n, port=noise(n, 3000)) for n in range(120))
    assert not [output for output in driver.log if isinstance(output, SequenceClosed)]
    assert stood <= set(driver.standing)
    assert driver.evicted > 0


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5000), st.integers(0, 60)), max_size=40),
    st.integers(0, 2),
)
def test_no_flood_breaks_the_bound_or_loses_count(flood, pressure):
    rules = [PAIR, spec("event_count", "abc", count=5), spec("value_count", "a", count=3, fields=("port",))]
    driver = Driver(Correlator(rules))
    for number, (rule, size, minute) in enumerate(flood):
        driver.feed([here(rule, minute * MINUTE, name=str(number), port=noise(number, size * pressure // 2))])
        state = driver.states[KEY]
        assert len(encode_state(state)) <= MAX_STATE_BYTES
        assert state.evicted == sum(out.count for out in driver.log if isinstance(out, Evicted))
        assert sum(s.count for s in state.signals) + state.evicted >= number + 1
