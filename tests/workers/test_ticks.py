"""When an ingest worker says how far a partition has come, and what it says."""

from __future__ import annotations

from streams.correlate.watermark import Tick, Watermarks
from streams.workers.ticks import MOST_AT_ONCE, QUIET_MS, STEP_MS, Ticks

NOW = 1_800_000_000_000
DELAY = 120_000
PLACE = ("okta", 3)
YEAR = 365 * 86_400_000


def opened(*places: tuple[str, int]) -> Ticks:
    """Return ticks whose opening has been said."""
    ticks = Ticks()
    for place in places or (PLACE,):
        ticks.assigned(place, DELAY)
    ticks.due(NOW)
    return ticks


def read(ticks: Ticks, event_time: int, now: int, broker_time: int | None = None) -> None:
    ticks.came(PLACE, now)
    ticks.observe(PLACE, event_time, now if broker_time is None else broker_time, now)


def test_a_partition_that_is_new_here_is_said_to_be_unknown_at_once_and_once() -> None:
    ticks = Ticks()
    assert not ticks.any_due(NOW)
    ticks.assigned(PLACE, DELAY)
    assert ticks.any_due(NOW)
    assert ticks.due(NOW) == (Tick(*PLACE, 0, 0, NOW, 0),)
    assert ticks.due(NOW + QUIET_MS) == ()


def test_what_records_say_is_said_a_second_at_a_time() -> None:
    ticks = opened()
    read(ticks, NOW, NOW)
    assert ticks.due(NOW) == (Tick(*PLACE, NOW - DELAY, NOW, NOW),)
    read(ticks, NOW + STEP_MS - 1, NOW)
    assert ticks.due(NOW) == ()
    read(ticks, NOW + STEP_MS, NOW)
    assert ticks.due(NOW) == (Tick(*PLACE, NOW + STEP_MS - DELAY, NOW, NOW),)


def test_a_partition_that_was_empty_to_begin_with_says_so_once() -> None:
    ticks = opened()
    ticks.ended(PLACE, 0)
    assert ticks.due(NOW + 1) == (Tick(*PLACE, 0, 0, NOW + 1, NOW + 1 - DELAY),)
    assert not ticks.any_due(NOW + 100 * QUIET_MS)


def test_a_partition_with_nothing_new_says_so_now_and_then() -> None:
    ticks = opened()
    ticks.ended(PLACE, 17)
    said = [tick for second in range(600) for tick in ticks.due(NOW + 1000 * second)]
    assert len(said) == 600_000 // QUIET_MS
    assert [tick.idle for tick in said] == [tick.said - DELAY for tick in said]


def test_that_nothing_is_left_to_read_is_said_a_second_after_the_records() -> None:
    ticks = opened()
    read(ticks, NOW, NOW)
    ticks.due(NOW)
    ticks.ended(PLACE, 1)
    assert ticks.due(NOW + STEP_MS - 1) == ()
    assert ticks.due(NOW + STEP_MS) == (Tick(*PLACE, NOW - DELAY, NOW, NOW + STEP_MS, NOW + STEP_MS - DELAY),)
    assert ticks.due(NOW + 2 * STEP_MS) == ()


def test_records_that_move_nothing_are_still_said_to_come() -> None:
    ticks = opened()
    read(ticks, NOW, NOW)
    ticks.due(NOW)
    for second in range(1, 60):
        read(ticks, NOW - DELAY, NOW + 1000 * second)
        expected = (Tick(*PLACE, NOW - DELAY, NOW + QUIET_MS, NOW + QUIET_MS),) if second == QUIET_MS // 1000 else ()
        assert ticks.due(NOW + 1000 * second) == expected


def test_a_record_that_came_takes_the_end_back() -> None:
    ticks = opened()
    ticks.ended(PLACE, 1)
    ticks.due(NOW)
    ticks.came(PLACE, NOW + QUIET_MS)
    assert [tick.idle for tick in ticks.due(NOW + QUIET_MS)] == [0]


def test_a_producer_cannot_set_the_clock() -> None:
    """A topic that keeps the producers' timestamps: next year on the record and on the message."""
    ticks = opened()
    read(ticks, NOW, NOW)
    ticks.due(NOW)
    read(ticks, NOW + YEAR, NOW, NOW + YEAR)
    assert ticks.due(NOW + QUIET_MS) == (Tick(*PLACE, NOW - DELAY, NOW, NOW + QUIET_MS),)


def test_without_a_timestamp_the_clock_bounds_what_a_record_says() -> None:
    ticks = opened()
    read(ticks, NOW + YEAR, NOW, 0)
    assert ticks.due(NOW + QUIET_MS) == (Tick(*PLACE, 0, NOW, NOW + QUIET_MS),)


def test_a_partition_that_went_elsewhere_is_no_longer_spoken_for() -> None:
    ticks = opened()
    ticks.revoked(PLACE)
    read(ticks, NOW, NOW)
    ticks.ended(PLACE, 5)
    assert not ticks.any_due(NOW + QUIET_MS)


def test_what_an_aborted_transaction_said_is_said_again_and_no_end_is_believed() -> None:
    ticks = opened()
    read(ticks, NOW, NOW)
    ticks.ended(PLACE, 1)
    first = ticks.due(NOW)
    ticks.unsaid()
    (again,) = ticks.due(NOW)
    assert first[0].idle == NOW - DELAY
    assert again == Tick(*PLACE, NOW - DELAY, NOW, NOW, 0)


def test_one_record_takes_so_many_ticks_and_the_next_one_the_others() -> None:
    ticks = Ticks()
    for number in range(MOST_AT_ONCE + 5):
        ticks.assigned(("okta", number), DELAY)
    assert [len(ticks.due(NOW)) for _ in range(3)] == [MOST_AT_ONCE, 5, 0]


def test_what_waits_in_a_partition_is_waited_for_though_another_source_is_read_first() -> None:
    """Two sources with a backlog: the ticks of the one come before anything of the other was read."""
    ticks = opened()
    ticks.assigned(("zeek", 0), DELAY)
    marks = Watermarks().observe(*ticks.due(NOW))
    read(ticks, NOW, NOW)
    marks = marks.observe(*ticks.due(NOW))
    assert (marks.effective, marks.of({"okta"}), marks.of({"okta", "zeek"})) == (0, NOW - DELAY, 0)
    ticks.ended(("zeek", 0), 0)
    marks = marks.observe(*ticks.due(NOW))
    assert marks.of({"okta", "zeek"}) == marks.effective == NOW - DELAY
