from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import ocsf
from models.entity import EntityLink
from models.finding import Sequence, Signal
from models.finding_ocsf import sequence_to_ocsf
from streams.correlate.engine import Correlator
from streams.correlate.routing import MAX_COPIES
from streams.correlate.spec import CorrelationSpec
from streams.replay.timeline import Timeline
from tests.correlate.build import HOUR, MINUTE, START, link, signal, spec
from tests.correlate.drive import Driver
from tests.correlate.oracle import sequences
from tests.correlate.test_properties import SPECS, many_signals

Item = tuple[int, Signal | EntityLink]


@st.composite
def shown_links(draw: st.DrawFn) -> Item:
    """Draw a link as an event shows it: valid for the hour of the event and one on either side."""
    hour = START - START % HOUR + draw(st.integers(-1, 8)) * HOUR - START
    ends = draw(st.sampled_from(["ip:192.0.2.1", "ip:192.0.2.2"])), draw(st.sampled_from(["host:h1", "host:h2"]))
    shown = link(*ends, hour - HOUR, hour + 2 * HOUR - 1)
    return START + hour + draw(st.integers(0, 59)) * MINUTE, shown


many_links = st.lists(shown_links(), max_size=4, unique_by=lambda item: item[1].uid)


def timeline(specs: list[CorrelationSpec], items: Iterable[Item]) -> Timeline:
    played = Timeline(Correlator(specs))
    played.play(sorted(items, key=lambda item: (item[0], item[1].uid)))
    return played


def items(*signals: Signal) -> list[Item]:
    return [(one.time, one) for one in signals]


def rows(standing: Iterable[Sequence]) -> set[tuple[str, str, str]]:
    return {(s.analytic.uid, s.group, " ".join(member.uid for member in s.members)) for s in standing}


@settings(max_examples=150)
@given(many_signals, many_links)
def test_what_stands_in_the_end_is_what_the_oracle_says(held: list[Signal], shown: list[Item]) -> None:
    played = timeline(SPECS, [*items(*held), *shown])
    links = [item for _, item in shown if isinstance(item, EntityLink)]
    assert rows(played.standing.values()) == sequences(SPECS, held, links)
    assert (played.late, played.folded, played.dropped_copies) == ([], 0, 0)


@settings(max_examples=100)
@given(many_signals, many_links, st.randoms(use_true_random=False))
def test_it_is_what_any_other_order_of_arrival_leaves_standing_byte_for_byte(
    held: list[Signal], shown: list[Item], random: st.DataObject
) -> None:
    arriving = [*held, *(item for _, item in shown)]
    random.shuffle(arriving)  # type: ignore[attr-defined]  # hypothesis hands over a random.Random
    expected = Driver(Correlator(SPECS)).feed(arriving).standing
    played = timeline(SPECS, [*items(*held), *shown])
    assert {uid: ocsf.encode(sequence_to_ocsf(s)) for uid, s in played.standing.items()} == expected


def test_nothing_gives_nothing() -> None:
    assert timeline(SPECS, []).standing == {}


def test_a_sequence_stands_at_its_last_revision() -> None:
    signals = [signal(rule, at * MINUTE, "host:h1") for at, rule in enumerate("abba")]
    (sequence,) = timeline([spec("temporal", "ab")], items(*signals)).standing.values()
    assert sequence.revision == 4
    assert [member.uid for member in sequence.members] == [one.uid for one in signals]


def test_an_absence_is_certain_once_all_time_has_passed() -> None:
    rare = spec("event_count", "a", op="lt", count=3)
    one = signal("a", 0, "host:h1")
    assert rows(timeline([rare], items(one)).standing.values()) == {(rare.uid, "host:h1", one.uid)}
    many = [signal("a", at * MINUTE, "host:h2") for at in range(3)]
    standing = timeline([spec("event_count", "a", op="lt", count=3, cooldown=0)], items(*many)).standing
    assert many[0].uid not in {sequence.members[0].uid for sequence in standing.values()}


@pytest.mark.parametrize("ends", [("ip:192.0.2.1", "host:h1"), ("host:h1", "ip:192.0.2.1")])
def test_a_link_that_is_seen_after_the_signals_still_joins_them(ends: tuple[str, str]) -> None:
    a, b = signal("a", 0, "ip:192.0.2.1"), signal("b", MINUTE, "host:h1")
    shown = link(*ends, -30 * MINUTE, 90 * MINUTE)
    apart = timeline([spec("temporal", "ab")], items(a, b))
    joined = timeline([spec("temporal", "ab")], [*items(a, b), (START + HOUR, shown)])
    assert apart.standing == {}
    assert {sequence.group for sequence in joined.standing.values()} == {"host:h1"}


def test_a_sequence_that_an_earlier_signal_replaces_stands_no_longer() -> None:
    early = signal("a", 0, "ip:192.0.2.1")
    a, b = signal("a", 5 * MINUTE, "host:h1"), signal("b", 6 * MINUTE, "host:h1")
    shown = link("ip:192.0.2.1", "host:h1", -30 * MINUTE, 90 * MINUTE)
    (before,) = timeline([spec("temporal", "ab")], items(early, a, b)).standing.values()
    (after,) = timeline([spec("temporal", "ab")], [*items(early, a, b), (START + HOUR, shown)]).standing.values()
    assert (before.members[0].uid, after.members[0].uid) == (a.uid, early.uid)
    assert before.uid != after.uid


def test_signals_that_are_far_apart_stay_apart_though_one_state_held_both() -> None:
    a, b = signal("a", 0, "host:h1"), signal("b", 10 * MINUTE + 1, "host:h1")
    assert timeline([spec("temporal", "ab")], items(a, b)).standing == {}
    b = signal("b", 10 * MINUTE, "host:h1")
    assert len(timeline([spec("temporal", "ab")], items(a, b)).standing) == 1


def test_a_flood_on_one_key_is_folded_and_counted() -> None:
    flood = [signal("a", at * 1000, "host:h1", name=f"flood {at}") for at in range(400)]
    played = timeline([spec("event_count", "a", count=300)], items(*flood))
    (sequence,) = played.standing.values()
    assert sequence.revision == len(flood)
    assert 0 < played.folded < len(flood)


def test_copies_beyond_the_bound_are_counted() -> None:
    just, more = (signal("a", 0, *(f"host:h{n:02d}" for n in range(count))) for count in (MAX_COPIES, MAX_COPIES + 5))
    assert timeline([spec("temporal", "ab")], items(just)).dropped_copies == 0
    assert timeline([spec("temporal", "ab")], items(more)).dropped_copies >= 5


def test_old_state_is_let_go() -> None:
    signals = [signal("ab"[n % 2], n * 12 * HOUR, "host:h1", f"user:u{n}") for n in range(40)]
    played = timeline([spec("temporal", "ab"), spec("temporal", "ab", group_by=("entity.user",))], items(*signals))
    assert played._states == {}  # noqa: SLF001  # that memory does not grow shows nowhere else
