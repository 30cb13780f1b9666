"""A list that cannot be fetched grows old, and says so by the hour."""

from __future__ import annotations

from typing import Any

from enrichers.intel.ages import HOUR_MS, hours_old, old_in_words
from enrichers.intel.layout import About

NOW = 1_760_000_000_000


def about(*sources: dict[str, Any]) -> About:
    return About(list(sources), 0, 0, NOW)


def test_every_dated_list_has_an_age_in_whole_hours() -> None:
    table = about(
        {"name": "new", "as_of": NOW - HOUR_MS + 1},
        {"name": "old", "as_of": NOW - 30 * HOUR_MS, "missing": ""},
        {"name": "ahead", "as_of": NOW + HOUR_MS},
        {"name": "undated"},
        {"name": "odd", "as_of": "yesterday"},
    )
    assert hours_old(table, NOW) == {"new": 0, "old": 30, "ahead": 0}
    assert old_in_words(table, NOW) == ()


def test_a_list_that_failed_is_named_with_its_age_and_why() -> None:
    table = about(
        {"name": "feed", "as_of": NOW - 30 * HOUR_MS, "missing": "it answered 500"},
        {"name": "gone", "as_of": 0, "missing": "it answered 404"},
    )
    assert old_in_words(table, NOW) == (
        "intelligence of feed is 30 hours old: it answered 500",
        "intelligence of gone missing: it answered 404",
    )
