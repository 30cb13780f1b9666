"""What peers know: members are counted whoever they are and however often they tell, and groups have their own ways."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anomaly.base import encode
from models.anomaly.peers import (
    ROW,
    SKETCH,
    PeersConfig,
    PeerValues,
    Watched,
    finding,
    learn,
    members,
    score,
    together,
    watch,
)
from models.anomaly.rarity import PERIOD_DAYS, name_of
from models.sketch import hash64

DAY = 20_640  # the first of a period
NEW = name_of("never seen")


def watched_of(size: int = 40, days: int = 55) -> Watched:
    """Return how long a group was watched whose members do something in eight hours a day."""
    group = Watched()
    for day in range(DAY, DAY + days):
        for hour in range(8 * size):
            group = watch(group, hash64(f"user:{hour % size}"), day)
    return group


GROUP = watched_of()


def group_of(own: float, size: int = 40, days: int = 55, seed: int = 1) -> PeerValues:
    """Return a group whose members show 12 common values, and now and then one of their own; told once a period."""
    lot, state = random.Random(seed), PeerValues()  # noqa: S311  # repeatable, not secret
    told: set[tuple[int, int, int]] = set()
    for day in range(DAY, DAY + days):
        for member in range(size):
            value = f"{member} {lot.random()}" if lot.random() < own else f"common {lot.randrange(12)}"
            one = (name_of(value), member, day // PERIOD_DAYS)
            if one not in told:
                told.add(one)
                state = learn(state, name_of(value), hash64(f"user:{member}"), day, is_warm=day >= DAY + 7)
    return state


def test_what_nobody_shows_is_strange_where_nobody_shows_new_things() -> None:
    at = DAY + 56
    found = [score(group_of(own), NEW, at, GROUP) for own in (0.0, 0.01, 0.5)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 3
    assert found[-1] < 1.3
    assert score(group_of(0.01), name_of("common 3"), at, GROUP) < 0.3


def test_the_more_members_the_less_strange() -> None:
    state, scores = group_of(0.01), []
    for member in range(12):
        scores.append(score(state, NEW, DAY + 56, GROUP))
        state = learn(state, NEW, hash64(f"user:{member}"), DAY + 56)
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < scores[0]


def test_one_member_makes_nothing_common_however_often_it_tells() -> None:
    state = group_of(0.01)
    for _ in range(200):
        state = learn(state, NEW, hash64("user:mallory"), DAY + 56)
    assert members(state, NEW, DAY + 56) == 1


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30, unique=True), st.randoms(use_true_random=False))
def test_members_are_counted_in_any_order(hashes, lot):
    one, other = PeerValues(), PeerValues()
    for member in hashes:
        one = learn(one, NEW, member, DAY)
    for member in lot.sample(hashes * 2, 2 * len(hashes)):
        other = learn(other, NEW, member, DAY)
    assert members(one, NEW, DAY) == members(other, NEW, DAY)
    assert abs(members(one, NEW, DAY) - len(hashes)) <= 3 + len(hashes) / 3


def test_a_value_is_known_until_the_period_after_the_last() -> None:
    state = learn(PeerValues(), NEW, 7, DAY)
    assert members(state, NEW, DAY + 2 * PERIOD_DAYS - 1) == 1
    assert members(state, NEW, DAY + 2 * PERIOD_DAYS) == 0
    renewed = learn(state, NEW, 7, DAY + PERIOD_DAYS)
    assert members(renewed, NEW, DAY + 3 * PERIOD_DAYS - 1) == 1


def test_values_without_a_row_of_their_own_are_still_known() -> None:
    config, state = PeersConfig(most=8), PeerValues()
    for value in range(100):
        for member in range(1 + value % 5):
            state = learn(state, name_of(f"value {value}"), hash64(f"user:{member}"), DAY, config)
    assert len(state.rows) == 8 * ROW
    assert len(encode(state)) < 8 * ROW + 2 * SKETCH + 60
    counts = [members(state, name_of(f"value {value}"), DAY) for value in range(100)]
    assert all(count >= min(1 + value % 5, 3) - 1 for value, count in enumerate(counts))
    assert min(counts) >= 1
    unknown = [members(state, name_of(f"other {value}"), DAY) for value in range(200)]
    assert sum(count > 0 for count in unknown) < 30
    later = learn(state, NEW, 1, DAY + PERIOD_DAYS, config)
    assert min(members(later, name_of(f"value {value}"), DAY + PERIOD_DAYS) for value in range(100)) >= 1
    assert max(members(later, name_of(f"value {value}"), DAY + 2 * PERIOD_DAYS) for value in range(100)) == 0


def test_nothing_is_judged_before_the_group_is_known() -> None:
    assert score(group_of(0.0, days=6), NEW, DAY + 6, watched_of(days=6)) == 0
    lonely = watch(watch(Watched(), 1, DAY), 1, DAY + 20)
    assert score(PeerValues(), NEW, DAY + 20, lonely) == 0


def test_what_nobody_shows_is_the_stranger_the_longer_nobody_did() -> None:
    state = learn(PeerValues(), name_of("mail"), 1, DAY)
    scores = [score(state, NEW, DAY + days, watched_of(days=days)) for days in (8, 12, 28)]
    assert scores == sorted(scores)
    assert scores[-1] > scores[0] + 1


def test_who_is_watched_is_counted_and_forgotten_after_two_periods() -> None:
    assert 30 <= GROUP.at(DAY + 55).members <= 50
    later = GROUP.at(DAY + 2 * PERIOD_DAYS)
    assert later.hours == GROUP.hours // 2
    assert later.members == GROUP.members
    assert GROUP.at(DAY + 3 * PERIOD_DAYS).members == 0


@pytest.mark.parametrize(("own", "theirs"), [(2.0, 0.0), (2.0, 0.05), (2.0, 2.0), (0.0, 2.0)])
def test_what_peers_know_is_no_news_and_what_they_do_not_adds(own: float, theirs: float) -> None:
    both = together(own, theirs)
    assert theirs <= both <= own + theirs
    assert both < 0.2 if theirs < 0.1 else both >= theirs


def test_findings_say_who_has_shown_it() -> None:
    state = group_of(0.01)
    told = finding(state, NEW, "tor browser", DAY + 56, GROUP)
    assert told.seen == "tor browser: shown by none of the peers lately"
    assert told.by_peers
    assert told.expected.endswith(f"times in {GROUP.hours:,} hours of members")
    assert "shown by 4" in finding(state, name_of("common 3"), "mail", DAY + 56, GROUP).seen
