"""Whatever the order, the repetitions, the crashes: the same sequences stand, byte for byte, and the oracle agrees."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.correlate.engine import Correlator
from tests.correlate.build import HOUR, MINUTE, START, A, B, C, all_of, any_of, link, signal, spec
from tests.correlate.drive import Driver, late_by
from tests.correlate.oracle import sequences

SPECS = [
    spec("temporal", "ab"),
    spec("temporal", "abc", timespan=20 * MINUTE, cooldown=0),
    spec("temporal_ordered", "cb"),
    spec("event_count", "a", count=3, group_by=("entity.user",)),
    spec(
        "value_count", "bc", count=2, fields=("port",), group_by=("entity.host", "user"), aliases={"user": {"c": "who"}}
    ),
    spec("event_count", "c", count=2, group_by=(), cooldown=MINUTE),
    spec("value_sum", "ab", count=30, fields=("size",), cooldown=0, aliases={"size": {"b": "bytes"}}),
    spec("value_sum", "bc", op="gt", count=-1, fields=("size",), group_by=("entity.user",), timespan=25 * MINUTE),
    spec("value_count", "ac", count=2, fields=("port", "size"), group_by=("entity.host", "user"), uid="pairs"),
    spec("temporal", "abc", formula=all_of(A, any_of(B, C)), uid="a and (b or c)", cooldown=0),
]
CORRELATOR = Correlator(SPECS)
NUMBERS = ["0", "7", "-7", "10", "20", "0.1", "-0.3", "1e3", "12345678901234567890", "NaN", "Infinity", "ten", ""]
signals = st.builds(
    lambda rule, hour, at, host, user, port, n, size: signal(
        rule,
        hour * HOUR + at * MINUTE // 2,
        *host,
        *user,
        fields={"port": str(port), "user": "u", "who": "u", **({"size": size, "bytes": size} if size else {})},
        name=f"{rule}{hour}{at}{n}",
    ),
    st.sampled_from("abc"),
    st.sampled_from([0, 0, 3, 6]),  # clusters, further apart than anything is remembered
    st.integers(0, 120),
    st.sampled_from([("host:h1",), ("host:h2",), ("ip:192.0.2.1",), ("ip:192.0.2.1", "ip:192.0.2.2")]),
    st.sampled_from([(), ("user:u1",)]),
    st.integers(1, 3),
    st.integers(0, 1),
    st.sampled_from(NUMBERS),
)
links = st.builds(
    lambda ip, host, start, length: link(ip, host, start * MINUTE, min(start + length, start + 119) * MINUTE),
    st.sampled_from(["ip:192.0.2.1", "ip:192.0.2.2"]),
    st.sampled_from(["host:h1", "host:h2", "user:u1", "user:u2"]),
    st.integers(-30, 420),
    st.integers(0, 119),
)
distinct = {"unique_by": lambda item: item.uid}
many_signals = st.lists(signals, max_size=30, **distinct)
many_links = st.lists(links, max_size=4, **distinct)


def standing(driver: Driver) -> set[tuple[str, str, str]]:
    rows = set()
    for data in driver.standing.values():
        info, braid = json.loads(data)["finding_info"], json.loads(data)["unmapped"]["braid"]
        uids = " ".join(related["uid"] for related in info["related_events"])
        rows.add((info["analytic"]["uid"], braid["group"], uids))
    return rows


@settings(max_examples=400, deadline=None)
@given(many_signals, many_links, st.randoms(use_true_random=False))
def test_any_order_and_repetition_gives_what_the_oracle_says(held, linked, random):
    items = [*held, *linked] * 2
    expected = sequences(SPECS, held, linked)
    outcomes = []
    for _ in range(2):
        random.shuffle(items)
        driver = Driver(CORRELATOR).feed(items)
        assert standing(driver) == expected
        outcomes.append(driver.standing)
    assert outcomes[0] == outcomes[1]


@settings(max_examples=400, deadline=None)
@given(many_signals, many_links, st.integers(0, 40), st.randoms(use_true_random=False))
def test_watermarks_pruning_and_crashes_change_nothing_that_is_on_time(held, linked, delay, random):
    """Items arrive up to `delay` minutes behind, the watermark follows as a shell moves it, states are reloaded."""
    driver = Driver(CORRELATOR)
    for item, watermark in late_by([*held, *linked], delay * MINUTE, random):
        driver.feed([item], watermark)
        if random.random() < 0.3:
            driver.tick(watermark).crash()
    assert not driver.late
    driver.tick(START + 100 * HOUR)
    assert standing(driver) == sequences(SPECS, held, linked)
    assert all(state.empty for state in driver.states.values())


@settings(max_examples=100, deadline=None)
@given(many_signals)
def test_nothing_is_published_twice_unchanged(held):
    driver = Driver(CORRELATOR).feed(held)
    published = len(driver.log)
    driver.feed(held)
    assert len(driver.log) == published
