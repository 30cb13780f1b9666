"""What stream processors get wrong, in the pure core; on a real Kafka it is `tests/workers/test_regressions.py`."""

from __future__ import annotations

import pytest

from streams.correlate.engine import Correlator
from streams.correlate.watermark import Tick, Watermarks, tick_after
from tests.correlate.build import HOUR, MINUTE, START, signal, spec
from tests.correlate.drive import Driver

KEY = "host:ws1"
YEAR = 365 * 24 * HOUR


@pytest.fixture
def driver() -> Driver:
    """Give a core with one correlation of two rules within ten minutes, and one signal of it taken in."""
    return Driver(Correlator([spec("temporal", "ab")])).feed([signal("a", 0, KEY)], START)


def test_windows_recovered_from_a_changelog_still_expire(driver: Driver) -> None:
    driver.crash().pass_time(START + 9 * HOUR)
    assert [key for key, state in driver.states.items() if not state.empty] == []
    driver.feed([signal("b", 1, KEY)], START + 9 * HOUR)
    assert driver.standing == {}
    assert [late.signal.time for late in driver.late] == [START + 1]


def test_a_window_recovered_before_its_end_is_found_all_the_same(driver: Driver) -> None:
    driver.crash().pass_time(START + MINUTE)
    assert len(driver.crash().feed([signal("b", 1, KEY)], START + MINUTE).standing) == 1


def test_one_record_stamped_next_year_expires_nothing(driver: Driver) -> None:
    """Whether the topic keeps the broker's time or the producer's: the shell bounds the latter by its clock."""
    before = tick_after(None, "windows", 0, 0, START, START)
    after = tick_after(before, "windows", 0, 0, START + YEAR, START + 1)
    marks = Watermarks().observe(before).observe(after)
    assert marks.effective == marks.of({"windows"}) == START
    driver.pass_time(marks.effective)
    assert len(driver.feed([signal("b", 1, KEY)], marks.effective).standing) == 1
    assert driver.late == []


def test_a_partition_without_traffic_does_not_hold_back_absence() -> None:
    """Of six partitions one had an old record, one goes on, and the others never had any."""
    said = START + HOUR
    empty = [Tick("windows", number, 0, 0, said, said) for number in range(2, 6)]
    old = Tick("windows", 1, START - HOUR, START - HOUR, said, said)
    marks = Watermarks().observe(*empty, old, Tick("windows", 0, START + 11 * MINUTE, said, said))
    core = Correlator([spec("event_count", "a", op="lt", count=2)])
    driver = Driver(core).feed([signal("a", 0, KEY)], START)
    assert len(driver.pass_time(marks.of({"windows"})).standing) == 1


def test_a_partition_that_is_read_with_a_backlog_does_hold_back_absence() -> None:
    """It has no traffic to show yet, and what waits there may refute the absence."""
    said = START + HOUR
    waiting = Tick("windows", 1, 0, 0, said)
    marks = Watermarks().observe(waiting).observe(Tick("windows", 0, START + 11 * MINUTE, said, said))
    core = Correlator([spec("event_count", "a", op="lt", count=2)])
    driver = Driver(core).feed([signal("a", 0, KEY)], START)
    assert driver.pass_time(marks.of({"windows"})).standing == {}
