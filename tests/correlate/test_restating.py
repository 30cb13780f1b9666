"""What a step knows from the one before saves work and changes nothing: neither what is told nor what is kept."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from models.finding import Signal
from streams.correlate.bounds import MAX_SIGNALS
from streams.correlate.engine import Correlator
from streams.correlate.outputs import Evicted, Forward, Output
from streams.correlate.state import KeyState, decode_state, encode_state
from tests.correlate.build import HOUR, MINUTE, START, noise, spec
from tests.correlate.drive import Item
from tests.correlate.one_key import ABSENCES, here, stepped
from tests.correlate.test_properties import SPECS, many_links, many_signals

ALL = Correlator([*SPECS, *ABSENCES], flood_limit=3)
SHORT = [
    spec("event_count", "ab", count=3, timespan=4 * MINUTE, cooldown=0),
    spec("value_count", "ab", count=2, fields=("port",), timespan=9 * MINUTE, cooldown=MINUTE, group_by=()),
    spec("temporal", "abc", count=2, timespan=2 * MINUTE, cooldown=MINUTE),
    spec("temporal_ordered", "abc", timespan=30 * MINUTE, cooldown=0, group_by=("entity.host", "port")),
    spec("temporal_ordered", "aa", timespan=3 * MINUTE, cooldown=0),
]


class Keys:
    """All keys in memory; forwards wait until what came before them is told."""

    def __init__(self, core: Correlator, *, forgets: bool) -> None:
        self.core, self.forgets = core, forgets
        self.states: dict[str, KeyState] = {}
        self.log: list[Output] = []

    def step(self, key: str, item: Item | None, watermark: int) -> None:
        waiting = deque([(key, item)])
        while waiting:
            at, what = waiting.popleft()
            before = self.states.get(at, KeyState())
            if self.forgets:
                before = decode_state(encode_state(before))
            self.states[at], outputs = self.core.step(at, before, what, watermark)
            self.log += outputs
            waiting.extend((out.key, out.item) for out in outputs if isinstance(out, Forward))

    def tick(self, watermark: int) -> None:
        for key in sorted(self.states):
            self.step(key, None, watermark)


def told(core: Correlator, items: list[Item], delay: int, *, forgets: bool) -> Keys:
    """Feed items in the order they are in; what is forgotten is all that is not on the wire."""
    keys, watermark = Keys(core, forgets=forgets), 0
    for number, item in enumerate(items):
        is_signal = isinstance(item, Signal)
        watermark = max(watermark, (item.time if is_signal else item.valid_to) - delay * MINUTE)
        for key in core.router.routes(item).keys if is_signal else (str(item.left), str(item.right)):
            keys.step(key, item, watermark)
        if number % 5 == 0:
            keys.tick(watermark)
    keys.tick(START + 100 * HOUR)
    return keys


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([ALL, Correlator(SHORT), Correlator(SHORT, flood_limit=2)]),
    many_signals,
    many_links,
    st.sampled_from([0, 5, 300]),
    st.randoms(use_true_random=False),
)
def test_what_is_known_from_the_last_step_changes_nothing(core, held, linked, delay, order):
    items = [*held, *linked]
    order.shuffle(items)
    remembering, forgetting = (told(core, items, delay, forgets=way) for way in (False, True))
    assert remembering.log == forgetting.log
    assert remembering.states == forgetting.states


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from([1, 60]))
def test_nor_does_it_where_the_bounds_fold_and_forget(seed, every_s):
    items: list[Item] = [
        here("abc"[(number * seed) % 7 % 3], number * every_s * 500, f"{seed}-{number}", port=noise(number % 3, 20))
        for number in range(MAX_SIGNALS + 40)
    ]
    remembering, forgetting = (told(Correlator(SHORT[:3]), items, 5, forgets=way) for way in (False, True))
    assert any(isinstance(out, Evicted) for out in remembering.log)
    assert remembering.log == forgetting.log
    assert remembering.states == forgetting.states


def test_what_is_known_is_of_these_very_signals_and_of_these_rules():
    pair = Correlator([spec("temporal", "ab")])
    state, _ = stepped(pair, KeyState(), here("a", 0))
    other, _ = stepped(pair, KeyState(), here("b", 1))
    mixed = replace(state, signals=(*state.signals, *other.signals))
    _, outputs = stepped(pair, mixed, None)
    assert len(outputs) == 1, "somebody else's signals are looked at"
    _, outputs = stepped(Correlator([spec("event_count", "a", count=1)]), state, None)
    assert len(outputs) == 1, "another set of rules looks at what is there"
