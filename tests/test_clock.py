from __future__ import annotations

import pytest

from models.errors import ConfigError
from models.event import Event
from models.ocsf_schema import validate
from models.records import TIME_FROM_BROKER, Context
from streams.clock import ClockOffsets, contexts
from tests.raw_records import NOON, connection, event, logon, process_start, raw

HOUR = 3_600_000


def windows(host: str = "ws1.example.com") -> Event:
    return event(raw("windows", process_start(host)))


def zeek() -> Event:
    return event(raw("zeek", connection()))


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("250ms", 250),
        ("90s", 90_000),
        ("-90s", -90_000),
        ("+5m", 300_000),
        ("19h", 19 * HOUR),
        ("2d", 48 * HOUR),
        ("0s", 0),
        (" 19h ", 19 * HOUR),
    ],
)
def test_amounts_have_a_sign_and_a_unit(amount: str, expected: int) -> None:
    assert ClockOffsets.parse([f"windows={amount}"]) == ClockOffsets({"windows": expected}, {})
    assert ClockOffsets.parse([f"host:ws1={amount}"]) == ClockOffsets({}, {"ws1": expected})


def test_sources_and_hosts_are_told_apart_and_hosts_are_compared_by_their_first_label() -> None:
    offsets = ClockOffsets.parse([" zeek =1s", "host:WS1.Example.com=2s", "host: ws2 =3s", "windows=4s"])
    assert offsets == ClockOffsets({"zeek": 1000, "windows": 4000}, {"ws1": 2000, "ws2": 3000})


def test_a_host_whose_name_holds_an_equals_sign_is_read_to_the_last_one() -> None:
    assert ClockOffsets.parse(["host:a=b=1s"]).by_host == {"a=b": 1000}


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "windows",
        "windows=",
        "=19h",
        " =19h",
        "windows=19",
        "windows=h",
        "windows=19w",
        "windows=1.5h",
        "windows=19H",
        "windows=--1h",
        "windows=1h30m",
        "windows=1234567890ms",
        "windows=99999999d",
        "host:=19h",
        "host: =19h",
        "host:.example.com=19h",
    ],
)
def test_what_is_no_offset_is_refused_by_name(setting: str) -> None:
    with pytest.raises(ConfigError) as raised:
        ClockOffsets.parse(["zeek=1s", setting])
    assert repr(setting) in str(raised.value)
    assert "host:NAME" in str(raised.value)


def test_an_unknown_source_is_refused_and_the_known_are_listed() -> None:
    with pytest.raises(ConfigError, match=r"windws=19h.*aws_cloudtrail.*ocsf.*okta.*windows, zeek"):
        ClockOffsets.parse(["windws=19h"])


def test_an_offset_moves_all_times_of_the_event_and_is_written_down_on_it() -> None:
    before = zeek()
    after = ClockOffsets.parse(["zeek=-90s"]).apply(before)
    assert after.time == after.ocsf["time"] == NOON - 90_000
    assert (after.ocsf["start_time"], after.ocsf["end_time"]) == (NOON - 90_000, NOON - 88_000)
    assert after.ocsf["metadata"]["labels"] == ["clock_offset_ms:-90000"]
    assert after.ocsf["metadata"]["original_time"] == before.ocsf["metadata"]["original_time"]
    assert validate(after.ocsf) == []


def test_nothing_but_the_times_and_the_label_changes() -> None:
    before = zeek()
    after = ClockOffsets.parse(["zeek=1h"]).apply(before)
    assert (after.uid, after.sha256, after.at, after.native) == (before.uid, before.sha256, before.at, before.native)
    changed = {name for name in before.ocsf.keys() | after.ocsf.keys() if before.ocsf.get(name) != after.ocsf.get(name)}
    assert changed == {"time", "start_time", "end_time", "metadata"}


def test_the_event_that_went_in_is_left_as_it_was() -> None:
    before, same = zeek(), zeek()
    ClockOffsets.parse(["zeek=1h"]).apply(before)
    assert before == same


def test_labels_that_are_there_stay_before_the_new_one() -> None:
    metadata = logon()["metadata"] | {"labels": ["from-branch"]}
    after = ClockOffsets.parse(["ocsf=1s"]).apply(event(raw("ocsf", logon(metadata=metadata))))
    assert after.ocsf["metadata"]["labels"] == ["from-branch", "clock_offset_ms:1000"]
    assert validate(after.ocsf) == []


def test_an_offset_touches_its_own_source_only() -> None:
    offsets, other = ClockOffsets.parse(["windows=1h"]), zeek()
    assert offsets.apply(other) is other
    assert offsets.apply(windows()).time == NOON + HOUR


@pytest.mark.parametrize("named", ["ws1", "WS1", "ws1.example.com", "ws1.other.example"])
def test_a_host_is_found_by_its_short_name_whatever_its_case(named: str) -> None:
    offsets = ClockOffsets.parse([f"host:{named}=2h"])
    assert offsets.apply(windows("Ws1.example.com")).time == NOON + 2 * HOUR
    assert offsets.apply(windows("ws10.example.com")).time == NOON


def test_a_hosts_offset_wins_over_its_sources_even_when_it_is_zero() -> None:
    offsets = ClockOffsets.parse(["windows=1h", "host:ws1=5s", "host:ws2=0s"])
    assert offsets.apply(windows("ws1")).time == NOON + 5000
    assert offsets.apply(windows("ws2")).time == NOON
    assert offsets.apply(windows("ws3")).time == NOON + HOUR


def test_an_event_of_no_host_takes_its_sources_offset() -> None:
    assert ClockOffsets.parse(["host:ws1=5s", "zeek=1s"]).apply(zeek()).time == NOON + 1000


def test_a_device_known_by_name_alone_is_a_host_too() -> None:
    metadata = logon()["metadata"] | {"profiles": ["host"]}
    device = {"name": "GW1.example.com", "type_id": 0}
    named = event(raw("ocsf", logon(metadata=metadata, device=device)))
    assert ClockOffsets.parse(["host:gw1=1s"]).apply(named).time == NOON + 1000


def test_no_offset_gives_back_the_event_itself() -> None:
    before = windows()
    assert ClockOffsets().apply(before) is before
    assert ClockOffsets.parse(["windows=0s"]).apply(before) is before


def test_the_brokers_time_is_not_the_hosts_and_is_left_alone() -> None:
    timeless = event(raw("windows", process_start(TimeCreated=None), broker_time=NOON + 7))
    assert timeless.ocsf["metadata"]["labels"] == [TIME_FROM_BROKER]
    assert ClockOffsets.parse(["windows=19h", "host:ws1=1h"]).apply(timeless) is timeless


@pytest.mark.parametrize(("time", "offset"), [(4_102_444_000_000, "1h"), (10_000_000_001, "-1h")])
def test_a_time_at_the_end_of_the_calendar_is_not_pushed_over_it(time: int, offset: str) -> None:
    before = event(raw("ocsf", logon(time=time)))
    assert ClockOffsets.parse([f"ocsf={offset}"]).apply(before) is before


def test_only_the_times_that_stay_in_the_calendar_move() -> None:
    before = event(raw("ocsf", logon(start_time=0, end_time=4_102_444_800_000)))
    after = ClockOffsets.parse(["ocsf=1h"]).apply(before)
    assert (after.time, after.ocsf["start_time"], after.ocsf["end_time"]) == (NOON + HOUR, 0, 4_102_444_800_000)
    assert validate(after.ocsf) == []


def test_zones_and_years_of_times_that_name_none() -> None:
    assert contexts((), 0) == {}
    assert contexts(["zeek=Europe/Oslo"], 0) == {"zeek": Context(zone="Europe/Oslo")}
    known = contexts(["zeek = Europe/Oslo"], 2024)
    assert known["zeek"] == Context(zone="Europe/Oslo", year=2024)
    assert known["windows"] == Context(year=2024)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [("nobody=UTC", "sources are"), ("zeek=Mars/Olympus", "no time zone"), ("zeek", "no time zone")],
)
def test_a_time_zone_that_makes_no_sense_is_named(setting: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as error:
        contexts([setting], 0)
    assert repr(setting) in str(error.value)
