"""Wrong clocks are found by what others saw of the same, and by times that cannot be."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from models import ocsf
from models.event import Event, LogSource
from models.ocsf_classes import AUTHENTICATION, NETWORK_ACTIVITY
from models.records import TIME_FROM_BROKER, Coordinates
from streams.clockcheck import MIN_EVENTS, ClockCheck, WrongClock

T0 = 1_790_000_000_000
HOUR = 3_600_000


def event(source: str, time: int, host: str = "", port: int | None = None, labels: Iterable[str] = ()) -> Event:
    body = ocsf.head(NETWORK_ACTIVITY if port else AUTHENTICATION, 1, time) | {"metadata": {"labels": list(labels)}}
    if host:
        body["device"] = {"hostname": host, "type_id": 0}
    if port:
        body["src_endpoint"] = {"ip": "10.0.0.5", "port": port}
        body["dst_endpoint"] = {"ip": "203.0.113.9", "port": 443}
        body["connection_info"] = {"protocol_num": 6}
    return Event("e", time, source, LogSource(source), {}, body, Coordinates("t", 0, 1), "")


def seen(*events: Event) -> tuple[WrongClock, ...]:
    check = ClockCheck()
    for one in events:
        check.observe(one)
    return check.found()


def shared(behind_ms: int, count: int = 5, host: str = "WS1.example.com") -> list[Event]:
    """Return the connections of one host as the host and as a sensor saw them."""
    return [
        one
        for n in range(count)
        for one in (
            event("zeek", T0 + n * 1000, port=50_000 + n),
            event("windows", T0 + n * 1000 - behind_ms, host, 50_000 + n),
        )
    ]


def test_a_host_that_is_hours_behind_is_found_with_what_corrects_it() -> None:
    (clock,) = seen(*shared(19 * HOUR + 8000))
    assert clock == WrongClock("windows", "ws1", 19 * HOUR + 8000, "zeek", 5)
    assert clock.setting == "host:ws1=19h"
    assert "19:00:08 behind zeek" in str(clock)


def test_the_order_of_arrival_does_not_matter() -> None:
    events = shared(7 * HOUR)
    assert seen(*events) == seen(*reversed(events))


@pytest.mark.parametrize(
    ("behind_ms", "setting"),
    [
        (-5 * HOUR, "host:ws1=-5h"),
        (5 * HOUR + HOUR // 2, "host:ws1=330m"),
        (HOUR // 4 * 3, "host:ws1=45m"),
        (200_000, "host:ws1=200s"),
    ],
)
def test_a_whole_quarter_of_an_hour_is_a_zone(behind_ms: int, setting: str) -> None:
    (clock,) = seen(*shared(behind_ms))
    assert clock.setting == setting


def test_clocks_that_are_right_are_not_told_of() -> None:
    assert seen(*shared(0)) == ()
    assert seen(*shared(30_000)) == ()
    assert seen(*shared(19 * HOUR, count=2)) == ()  # that may be chance


def test_ports_that_are_used_again_hide_nothing_and_prove_nothing() -> None:
    chance = [event("windows", T0 + n * HOUR * 3, "ws1", 50_000 + n) for n in range(10)]
    assert seen(*(event("zeek", T0, port=50_000 + n) for n in range(10)), *chance) == ()
    (clock,) = seen(*shared(19 * HOUR, count=20), *(one for one in chance[:3]))
    assert clock.setting == "host:ws1=19h"


def test_a_clock_ahead_of_the_broker_is_found() -> None:
    check = ClockCheck()
    for n in range(MIN_EVENTS):
        check.observe(event("okta", T0 + HOUR + n), T0 + n)
        check.observe(event("windows", T0 - HOUR, "ws1"), T0 + n)  # late is no fault
        check.observe(event("zeek", T0 + HOUR, labels=[TIME_FROM_BROKER]), T0)
    (clock,) = check.found()
    assert (clock.source, clock.beside, clock.setting) == ("okta", "broker", "okta=-1h")


def test_memory_is_bounded() -> None:
    check = ClockCheck()
    for n in range(60_000):
        check.observe(event("zeek", T0, port=n % 60_000 + 1))
    assert len(check._connections) == 50_000  # noqa: SLF001  # what must not grow
