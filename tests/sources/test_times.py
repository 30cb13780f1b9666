from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.sources.times import from_any, from_epoch, from_filetime, from_rfc3339

NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2024-06-15T12:00:00Z", NOON),
        ("2024-06-15T12:00:00", NOON),
        ("2024-06-15 12:00:00", NOON),
        ("2024-06-15t12:00:00z", NOON),
        ("2024-06-15 12:00:00 UTC", NOON),
        ("2024-06-15T12:00:00.5Z", NOON + 500),
        ("2024-06-15T12:00:00,512Z", NOON + 512),
        ("2024-06-15T12:00:00.0509999Z", NOON + 50),
        ("2024-06-15T12:00:00.999999999Z", NOON + 999),
        ("2024-06-15T12:00:00.007", NOON + 7),
        ("2024-06-15T14:00:00+02:00", NOON),
        ("2024-06-15T14:00:00.25+0200", NOON + 250),
        ("2024-06-15T06:30:00-05:30", NOON),
        ("2024-06-15T14:00:00+02", NOON),
        ("2024-06-15 14:00:00.1 +02:00", NOON + 100),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("1969-12-31T23:59:59.250Z", -750),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
    ],
)
def test_reads_every_form_of_rfc3339(stamp: str, expected: int) -> None:
    assert from_rfc3339(stamp) == expected
    assert from_any(stamp) == expected


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "2024-06-15",
        "2024-06-15T12:00",
        "2024-02-30T12:00:00Z",
        "2024-06-15T24:00:00Z",
        "2024-06-15T12:00:61Z",
        "2024-06-15T12:00:00.Z",
        "2024-06-15T12:00:00.1234567890Z",
        "2024-06-15T12:00:00+24:00",
        "2024-06-15T12:00:00+00:60",
        "2024-06-15T12:00:00ZZ",
        "2024-06-15T12:00:00Z\n",
        "2024-06-15T12:00: 1Z",
        "0000-06-15T12:00:00Z",
        "٢٠٢٤-06-15T12:00:00Z",
        "10/15/2024 12:00:00 AM",
    ],
)
def test_refuses_what_is_no_stamp(stamp: str) -> None:
    assert from_rfc3339(stamp) is None
    assert from_any(stamp) is None


@given(
    st.datetimes(min_value=datetime(1600, 1, 1), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001  # the zone is drawn apart
    st.integers(-23 * 60, 23 * 60),
)
def test_agrees_with_datetime(moment: datetime, offset: int) -> None:
    stamp = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    since = stamp - datetime(1970, 1, 1, tzinfo=UTC)
    assert from_rfc3339(stamp.isoformat()) == since // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_718_452_800, NOON),
        (1_718_452_800_123, NOON + 123),
        (1_718_452_800_123_999, NOON + 123),
        (1_718_452_800_123_999_999, NOON + 123),
        (1_718_452_800.123, NOON + 123),
        (1_718_452_800.123999, NOON + 123),
        (1_718_452_800_123.9, NOON + 123),
        ("1718452800", NOON),
        ("1718452800.123999", NOON + 123),
        ("1718452800.5", NOON + 500),
        ("1718452800123", NOON + 123),
        (0, 0),
    ],
)
def test_tells_the_unit_of_an_epoch_by_its_magnitude(value: object, expected: int) -> None:
    assert from_epoch(value) == expected
    assert from_any(value) == expected


@pytest.mark.parametrize(
    "value",
    [True, None, -1, -1.5, 2**63, float("nan"), float("inf"), "", "x", "-5", "1e9", "1_000", ".5", "9" * 500, [1], {}],
)
def test_refuses_what_is_no_epoch(value: object) -> None:
    assert from_epoch(value) is None
    assert from_any(value) is None


def test_reads_filetime_and_the_dates_of_dot_net() -> None:
    filetime = 116_444_736_000_000_000 + NOON * 10_000
    assert from_filetime(filetime) == NOON
    assert from_filetime(filetime + 9_999) == NOON
    assert from_any(filetime) == from_any(str(filetime)) == NOON
    assert from_any(f"/Date({NOON})/") == NOON
    assert from_any("/Date(soon)/") is None
    assert from_filetime(0) is None
    assert from_filetime(2**63) is None


@given(JSON)
@example("9" * 10_000)
@example("2024-" + "0" * 100_000)
def test_anything_gives_a_number_or_none(value: object) -> None:
    for read in (from_any, from_epoch):
        found = read(value)
        assert found is None or type(found) is int
