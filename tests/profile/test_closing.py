"""What models see when minutes and hours of entities and groups close: the strange is told, the ordinary is not."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from models.feature import MINUTE_MS, Delta, Ref, Tally
from models.finding import Signal
from models.finding_ocsf import signal_from_ocsf
from models.ocsf import decode
from streams.profile.detectors import ANALYTICS
from streams.profile.groups import Peers, heard
from streams.profile.outputs import Told
from streams.profile.reports import Report
from streams.profile.settings import ProfileSettings
from streams.profile.state import Group
from tests.profile.lives import chance_of
from tests.profile.made import DAY, HOUR, START, Cluster, delta, of_type, tick

SETTINGS = ProfileSettings(rate=1e-2, budget=1000)
ALICE = "user:alice@example.com"
WEEKS = 15  # days


def played(deltas: Iterable[Delta], settings: ProfileSettings = SETTINGS) -> Cluster:
    cluster = Cluster(settings, 1)
    for one in sorted(deltas, key=lambda one: one.minute):
        cluster.deltas([one])
        cluster.ticks(tick(one.source, one.minute - delta(ALICE, 0).minute))
    cluster.ticks(*(tick(source, 30 * DAY) for source in ("okta", "zeek")))
    return cluster.run()


def told(cluster: Cluster) -> set[str]:
    """Return the detectors that told of something."""
    names = {one.uid: name for name, one in ANALYTICS.items()}
    signals: list[Signal] = [signal_from_ocsf(decode(data)) for data in cluster.signals.values()]
    return {names[signal.analytic.uid] for signal in signals}


def mornings(
    entity: str,
    days: int,
    *,
    peers: str = "",
    values: dict[str, Iterable[str]] | None = None,
    point: tuple[int, int] | None = None,
) -> list[Delta]:
    """Return some sign-ins of each morning."""
    chance, more = chance_of(len(entity)), {"peers": peers, "values": values, "point": point}
    return [
        delta(entity, day * DAY + hour * HOUR + chance.randrange(50), counts={"sign_ins": chance.randint(2, 5)}, **more)
        for day in range(days)
        for hour in (0, 1, 2, 3)
    ]


def test_ordinary_mornings_are_nothing_to_tell_of() -> None:
    assert told(played(mornings(ALICE, WEEKS))) == set()


def test_too_much_is_told_while_the_hour_runs() -> None:
    flood = delta(ALICE, WEEKS * DAY + 70, counts={"sign_ins": 4000})
    cluster = Cluster(SETTINGS, 1)
    for one in mornings(ALICE, WEEKS):
        cluster.deltas([one])
    cluster.deltas([flood])
    cluster.ticks(tick("okta", WEEKS * DAY + 72))
    assert told(cluster.run()) == {"anomaly_sign_in_volume"}


def test_what_never_occurred_is_strange_when_there_is_much_of_it() -> None:
    failed = delta(ALICE, WEEKS * DAY + 70, counts={"failed_sign_ins": 300})
    assert "anomaly_failed_sign_ins" in told(played([*mornings(ALICE, WEEKS), failed]))


def test_in_the_first_days_nothing_is_told_of_an_entity_by_itself() -> None:
    flood = delta(ALICE, 5 * DAY, counts={"sign_ins": 4000})
    assert told(played([*mornings(ALICE, 5), flood])) == set()


def test_one_who_is_new_is_compared_with_peers() -> None:
    peers = [one for n in range(6) for one in mornings(f"user:p{n}", WEEKS, peers="staff")]
    new = delta(ALICE, (WEEKS - 1) * DAY + 70, counts={"sign_ins": 9000}, peers="staff")
    cluster = played([*peers, new])
    assert told(cluster) >= {"anomaly_sign_in_volume"}
    assert b"its peers were asked" in b"".join(cluster.signals.values())


def reported(member: str, day: int, value: str) -> Report:
    tally, ref = Tally(1, START, "e"), Ref(3002, "raw.okta", 0, 1, "0" * 64)
    end = START + day * DAY * MINUTE_MS
    return Report("peers:staff/okta", end, member, "application", value, 2.0, tally, ref, is_new=True)


def an_hour(member: str, day: int) -> Report:
    return structs.replace(reported(member, day, ""), feature="", amounts={"sign_ins": 3}, is_new=False)


def test_a_value_that_no_peer_has_is_stranger_than_one_that_they_have() -> None:
    peers, group = Peers(SETTINGS), Group()
    for day in range(1, WEEKS):
        for number in range(20):
            group, _ = heard(group, reported(f"user:p{number}", day, f"app{day // 2}"), 0)
            group, _ = heard(group, an_hour(f"user:p{number}", day), 0)
        group, _ = peers.close("peers:staff/okta", group, min(group.open))
    for value in ("odd", f"app{WEEKS // 3}"):
        group, _ = heard(group, reported(ALICE, WEEKS, value), 0)
    _, found = peers.close("peers:staff/okta", group, min(group.open))
    scores = {one.about: one.score for one in found}
    assert scores["odd"] > 2 * scores[f"app{WEEKS // 3}"]
    assert scores["odd"] > 2


def test_what_all_members_begin_to_have_is_strange_of_the_first_only() -> None:
    peers, group = Peers(SETTINGS), Group()
    for day in range(1, WEEKS):
        for number in range(20):
            group, _ = heard(group, an_hour(f"user:p{number}", day), 0)
        group, _ = peers.close("peers:staff/okta", group, min(group.open))
    scores = []
    for number in range(20):
        group, _ = heard(group, structs.replace(reported(f"user:p{number}", WEEKS + number, "new"), score=0.0), 0)
        group, (found,) = peers.close("peers:staff/okta", group, min(group.open))
        scores.append(found.score)
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 2
    assert scores[10] < scores[0] / 2


def test_a_value_is_reported_to_the_group_once() -> None:
    cluster = played(mornings(ALICE, 3, values={"country": ["no"]}))
    reports = [out.report for out in of_type(cluster.log, Told) if out.report.feature]
    assert [(one.value, one.is_new) for one in reports] == [("no", True)]


def test_a_beat_to_a_destination_of_its_own_is_told() -> None:
    chance = chance_of(9)
    hosts = [
        delta(
            f"host:h{n}",
            day * DAY + at,
            source="zeek",
            peers="servers",
            values={"destination": [f"198.51.100.{chance.randrange(20)}", f"192.0.2.{day}"]},
            counts={"connections": 2},
        )
        for n in range(6)
        for day in range(WEEKS)
        for at in sorted(chance.sample(range(8 * HOUR), 8))
    ]
    beats = [
        delta(
            "host:h0",
            WEEKS * DAY + 7 * n,
            source="zeek",
            peers="servers",
            values={"destination": ["203.0.113.66"]},
            name="b",
        )
        for n in range(40)
    ]
    assert "anomaly_beacon" in told(played([*hosts, *beats]))


def test_more_failures_than_usual_are_told() -> None:
    chance = chance_of(4)
    calls = [
        delta(ALICE, day * DAY + hour * HOUR + 5, counts={"api_calls": 200, "api_errors": chance.randint(1, 6)})
        for day in range(WEEKS)
        for hour in range(4)
    ]
    bad = delta(ALICE, WEEKS * DAY + 70, counts={"api_calls": 200, "api_errors": 190})
    assert "anomaly_api_errors" in told(played([*calls, bad]))


def grown(entity: str, **growing: dict[str, int]) -> set[str]:
    """Return what is told of an entity whose hours, on 75 days, all have what a day has."""
    cluster = Cluster(SETTINGS, 1)
    for day in range(75):
        for hour in range(6):
            amounts = {part: {name: int(of * 1.06**day) for name, of in some.items()} for part, some in growing.items()}
            cluster.deltas([delta(entity, day * DAY + hour * HOUR + 3, source="zeek", **amounts)])
            cluster.ticks(tick("zeek", day * DAY + hour * HOUR + 3))
    return told(cluster.run()) & {"anomaly_slow_growth", "anomaly_level_changed"}


def test_what_grows_a_little_a_day_is_told() -> None:
    assert grown("host:h1", counts={"bytes_out": 10**6})


def test_of_the_largest_of_an_hour_no_growth_is_told() -> None:
    assert not grown("host:h1", peaks={"command_length": 100})


def test_two_places_far_apart_are_told_whatever_source_saw_them() -> None:
    home, away = (599_000, 107_000), (-338_700, 1_512_100)
    days = mornings(ALICE, 3, point=home)
    far = delta(ALICE, 3 * DAY + 30, source="zeek", point=away)
    near = delta(ALICE, 3 * DAY + 10, point=home)
    assert told(played([*days, near, far])) == {"anomaly_impossible_travel"}


def test_what_a_group_has_closed_does_not_come_back_though_its_partition_forgot() -> None:
    peers, first = Peers(SETTINGS), reported(ALICE, 1, "app")
    group, _ = heard(Group(), first, 0)
    closed, _ = peers.close("peers:staff/okta", group, first.end)
    assert heard(closed, first, 0)[0] is closed
    again, _ = heard(closed, reported(ALICE, 2, "app"), 0)
    assert heard(again, reported(ALICE, 2, "app"), 0)[0] is again
