"""However a flood is cut into batches, folded, shuffled and sent twice: no correlation gives another answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import ocsf
from models.entity import EntityLink
from models.finding import Signal
from models.finding_ocsf import signal_from_ocsf, signal_to_ocsf
from models.uids import sequence_uid
from streams.correlate.engine import Correlator
from streams.correlate.escalation import decide
from streams.correlate.spec import CorrelationSpec
from streams.flood import Keyed, fold_batch
from tests.correlate.build import HOUR, MINUTE, A, C, all_of, link, none_of, signal, spec
from tests.correlate.drive import Driver
from tests.correlate.one_key import PAST_ALL
from tests.correlate.oracle import sequences

SECOND = 1000
LIMIT = 3
SPECS = [
    spec("event_count", "a", count=5, timespan=2 * SECOND, cooldown=0),
    spec("event_count", "ab", count=9, timespan=SECOND, cooldown=SECOND, group_by=("entity.user",)),
    spec("event_count", "b", op="eq", count=4, timespan=SECOND, cooldown=0, uid="just four"),
    spec("value_count", "a", count=3, timespan=SECOND, cooldown=0, fields=("port",)),
    spec("value_count", "ab", op="lt", count=3, timespan=2 * SECOND, cooldown=0, fields=("port",), uid="few ports"),
    spec("value_count", "bc", count=2, fields=("port",), timespan=500, group_by=("entity.host", "user")),
    spec("temporal", "ab", timespan=SECOND, cooldown=0, group_by=("user",), aliases={"user": {"b": "who"}}),
    spec("temporal", "abc", timespan=3 * SECOND, cooldown=SECOND),
    spec("temporal_ordered", "cb", timespan=SECOND, cooldown=0),
    spec("temporal_ordered", "aba", timespan=0, cooldown=0, uid="all at once"),
    spec("event_count", "c", count=6, group_by=(), timespan=MINUTE),
    spec("event_count", "ab", op="gt", count=2, further=(("lte", 6),), timespan=SECOND, cooldown=0, uid="three to six"),
    spec("value_sum", "ab", count=11, timespan=SECOND, cooldown=0, fields=("port",)),
    spec("value_avg", "abc", op="gt", count=1, timespan=2 * SECOND, cooldown=0, fields=("port",)),
    spec("value_median", "a", op="lt", count=2, timespan=SECOND, cooldown=0, fields=("port",)),
    spec("value_percentile", "ab", count=2, timespan=SECOND, cooldown=0, fields=("port",), percentile=75),
    spec("temporal", "abc", timespan=SECOND, formula=all_of(A, none_of(C)), cooldown=0, uid="a without c"),
]
CORRELATOR = Correlator(SPECS, LIMIT)
UNFOLDED = Correlator(SPECS, 10**9)
Answer = tuple[str, str, str, int, int, int, bool]

signals = st.builds(
    lambda rule, second, at, host, user, port, n, risk: signal(
        rule,
        second * SECOND + at,
        *host,
        *user,
        fields={"port": str(port), "user": f"u{port % 2}", "who": "u0"},
        name=f"{rule} {second} {at} {host} {user} {port} {n} {risk}",
        risk=risk,
    ),
    st.sampled_from("aaabbc"),
    st.sampled_from([0, 0, 0, 1, 2, 5]),
    st.sampled_from([0, 1, 500, 999]),
    st.sampled_from([("host:h1",), ("host:h1",), ("host:h2",), ("ip:192.0.2.1",)]),
    st.sampled_from([(), (), ("user:u1",)]),
    st.sampled_from([1, 1, 1, 2, 3]),
    st.integers(0, 9),
    st.sampled_from([40, 40, 40, 40, 40, 70]),
)
links = st.builds(
    lambda host, hour: link("ip:192.0.2.1", host, hour * HOUR, (hour + 3) * HOUR),
    st.sampled_from(["host:h1", "host:h2"]),
    st.integers(-4, 1),
)
floods = st.lists(signals, max_size=45, unique_by=lambda one: one.uid)
linked = st.lists(links, max_size=2, unique_by=lambda one: one.uid)


def expected(specs: list[CorrelationSpec], held: list[Signal], shown: list[EntityLink]) -> set[Answer]:
    """What stands, as the oracle says that knows of no folding."""
    by_uid = {one.uid: one for one in held}
    by_spec = {one.uid: one for one in specs}
    answers = set()
    for rule, group, uids in sequences(specs, held, shown):
        taken = [by_uid[uid] for uid in uids.split()]
        decision = decide(taken, by_spec[rule].risk_threshold)
        uid = sequence_uid(rule, group, taken[0].uid)
        answers.add((uid, rule, group, len(taken), taken[0].time, taken[-1].time, decision.is_alert))
    return answers


def answers(driver: Driver) -> set[Answer]:
    found = set()
    for record in map(json.loads, driver.standing.values()):
        info, braid = record["finding_info"], record["unmapped"]["braid"]
        times = record["start_time"], record["end_time"]
        found.add((info["uid"], info["analytic"]["uid"], braid["group"], braid["revision"], *times, record["is_alert"]))
    return found


def over_the_wire(one: Signal) -> Signal:
    back = signal_from_ocsf(ocsf.decode(ocsf.encode(signal_to_ocsf(one))))
    assert back == one
    return back


def parts(held: list[Signal], random: Random, limit: int = LIMIT) -> list[Keyed]:
    """Cut the signals into batches anyhow, fold each as a worker does, and send some of it again."""
    shuffled = random.sample(held, len(held))
    cuts = sorted(random.choices(range(len(held) + 1), k=random.randint(0, 6)))
    sent: list[Keyed] = []
    for start, end in zip([0, *cuts], [*cuts, len(held)], strict=True):
        routed = [(one, key) for one in shuffled[start:end] for key in CORRELATOR.router.routes(one).keys]
        sent += [(over_the_wire(one), key) for one, key in fold_batch(routed, limit)]
    sent += random.choices(sent, k=len(sent) // 3) if sent else []
    return random.sample(sent, len(sent))


def delivered(core: Correlator, sent: Iterable[Keyed], shown: list[EntityLink], random: Random) -> Driver:
    driver = Driver(core)
    late = [one for one in shown if random.random() < 0.5]
    driver.feed(one for one in shown if one not in late)
    for one, key in sent:
        driver.deliver(one, key)
        if random.random() < 0.1:
            driver.crash()
    return driver.feed([*late, *shown]).tick(PAST_ALL)


@settings(max_examples=120, deadline=None)
@given(floods, linked, st.randoms(use_true_random=False))
def test_a_folded_flood_gives_the_answers_of_an_unfolded_one(held, shown, random):
    driver = delivered(CORRELATOR, parts(held, random), shown, random)
    assert answers(driver) == expected(SPECS, held, shown)
    assert not driver.evicted


@settings(max_examples=60, deadline=None)
@given(floods, st.randoms(use_true_random=False))
def test_every_cut_into_batches_leaves_the_same_bytes(held, random):
    one, other = (delivered(CORRELATOR, parts(held, random), [], random) for _ in range(2))
    whole = delivered(CORRELATOR, parts(held, random, limit=10**9), [], random)
    assert one.standing == other.standing == whole.standing


def crowd(random: Random, size: int, *places: str) -> list[Signal]:
    """Return signals on these hosts and addresses, most of one rule, all over three seconds."""
    return [
        signal(
            random.choice("aaaaabc"),
            random.randrange(0, 3 * SECOND, 125),
            random.choice(places),
            random.choice(["user:u1", "user:u2"]),
            fields={"port": random.choice("1112"), "user": f"u{random.randrange(2)}", "who": "u0"},
            name=str(number),
        )
        for number in range(size)
    ]


@pytest.mark.parametrize("seed", range(6))
def test_a_larger_flood_gives_the_answers_of_an_unfolded_one(seed):
    random = Random(seed)  # noqa: S311  # a test has to be repeatable, not secret
    held = crowd(random, 200, "host:h1")
    sent = parts(held, random)
    assert sum(one.flood is not None for one, _ in sent) > 10
    unfolded = Driver(UNFOLDED).feed(held).tick(PAST_ALL)
    driver = delivered(CORRELATOR, sent, [], random)
    assert answers(driver) == answers(unfolded)
    assert len(driver.standing) > 10
    assert driver.standing == delivered(CORRELATOR, parts(held, random), [], random).standing


@pytest.mark.parametrize("seed", range(6))
def test_a_flood_that_links_carry_elsewhere_gives_the_answers_of_an_unfolded_one(seed):
    random = Random(seed)  # noqa: S311  # same
    held = crowd(random, 120, "host:h1", "ip:192.0.2.1")
    shown = [link("ip:192.0.2.1", "host:h1", start, HOUR) for start in (-HOUR, -2 * HOUR, 1500)]
    unfolded = Driver(UNFOLDED).feed(shown).feed(held).tick(PAST_ALL)
    driver = delivered(CORRELATOR, parts(held, random), shown, random)
    assert answers(driver) == answers(unfolded)
    assert not driver.evicted
