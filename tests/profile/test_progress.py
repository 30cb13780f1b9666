"""How far minutes may be closed."""

from __future__ import annotations

from streams.correlate.watermark import Tick, Watermarks
from streams.profile.progress import GROUPS, PLACES, Progress, decode, encode

MINUTE = 60_000


def come(marks: Watermarks, *ticks: Tick) -> Watermarks:
    return marks.observe(*ticks)


def test_a_source_closes_whole_minutes_as_its_records_say() -> None:
    progress = Progress().observe(come(Watermarks(), Tick("okta", 0, 10 * MINUTE + 5, 10 * MINUTE)), None)
    assert (progress.at("okta", 1), progress.at("zeek", 1)) == (10 * MINUTE, 0)


def test_places_wait_for_the_slowest_of_the_quick_sources() -> None:
    marks = come(Watermarks(), Tick("okta", 0, 90 * MINUTE, 0, 1), Tick("cloud", 0, 60 * MINUTE, 0, 1))
    assert Progress().observe(marks, None).at(PLACES, 1) == 60 * MINUTE
    assert Progress().observe(marks, {"okta"}).at(PLACES, 1) == 90 * MINUTE


def test_a_source_that_has_no_records_at_all_holds_nobody_back() -> None:
    first = come(Watermarks(), Tick("okta", 0, 0, 0, 1), Tick("zeek", 0, 0, 0, 1))
    progress = Progress().observe(first, None)
    assert progress.at(PLACES, 1) == 0
    then = come(first, Tick("zeek", 0, 0, 0, 2, idle=2), Tick("okta", 0, 5 * MINUTE, 3, 3))
    assert progress.observe(then, None).at(PLACES, 1) == 5 * MINUTE


def test_groups_wait_until_every_partition_has_closed_its_own() -> None:
    progress = Progress().heard(0, {"okta": 5 * MINUTE})
    assert progress.at(GROUPS + "okta", 2) == 0
    progress = progress.heard(1, {"okta": 3 * MINUTE, "zeek": MINUTE})
    assert (progress.at(GROUPS + "okta", 2), progress.at(GROUPS + "zeek", 2)) == (3 * MINUTE, 0)


def test_nothing_goes_back() -> None:
    progress = Progress().heard(0, {"okta": 5 * MINUTE}).heard(0, {"okta": MINUTE})
    assert progress.at(GROUPS + "okta", 1) == 5 * MINUTE
    silent = come(Watermarks(), Tick("okta", 0, 5 * MINUTE, 9 * MINUTE, 90 * MINUTE, idle=80 * MINUTE))
    assert silent.silent == ("okta",)
    gone_on = Progress().observe(silent, None)
    woken = come(silent, Tick("okta", 0, 6 * MINUTE, 91 * MINUTE, 91 * MINUTE))
    assert gone_on.at("okta", 1) == gone_on.observe(woken, None).at("okta", 1) > 80 * MINUTE


def test_it_is_read_back_as_it_was() -> None:
    progress = Progress({"okta": 5}, {"okta": {0: 5, 11: 3}}, 4)
    assert decode(encode(progress)) == progress
