"""An organization's ordinary weeks: every source reads them, they come in order, and people keep their habits."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import maxminddb
import orjson
import pytest

from enrichers.context.loading import load_tables
from models.event import Event
from models.records import Coordinates, RawRecord
from streams.sources.registry import SOURCES, recognize
from tests.simulation.chance import dice
from tests.simulation.days import HOUR, START, is_weekend, start_of
from tests.simulation.ordinary import PARTS, ordinary_day
from tests.simulation.organization import Organization, make_organization
from tests.simulation.places import OFFICE_EGRESS, OFFICES, VPN_EGRESS
from tests.simulation.records.record import KUBERNETES, OKTA, WINDOWS, ZEEK, Record
from tests.simulation.shifts import shift_of
from tests.simulation.tables import write_tables
from tests.simulation.writing import in_order

SMALL = (7, 1, 20, 32, 5)


@pytest.fixture(scope="module")
def organization() -> Organization:
    return make_organization(*SMALL)


@pytest.fixture(scope="module")
def week(organization: Organization) -> list[Record]:
    return [record for day in in_order(organization, ()) for record in day]


def fields_of(records: list[Record], source: str) -> list[dict[str, Any]]:
    return [orjson.loads(record.data) for record in records if record.source == source]


def test_every_part_writes_what_its_source_reads(organization: Organization) -> None:
    for part in PARTS:
        records = [record for day in range(7) for record in part(organization, day)]
        assert records, part.__name__
        for record in records[:: max(1, len(records) // 150)]:
            raw = RawRecord(record.source, record.data.rstrip(b"\n"), Coordinates("raw", 0, 0))
            parsed = SOURCES[record.source].parse(raw)
            assert isinstance(parsed, Event), (parsed, record.data)
            assert parsed.time == record.time
            assert recognize(raw) is SOURCES[record.source]


def test_records_come_in_order_and_within_the_weeks(organization: Organization, week: list[Record]) -> None:
    assert all(one.time <= two.time for one, two in pairwise(week))
    assert week[-1].time < start_of(organization.days)
    assert sum(record.time < START for record in week) < len(week) / 1000  # mornings in the far east


def test_the_same_seed_makes_the_same_bytes(organization: Organization) -> None:
    again, other = make_organization(*SMALL), make_organization(8, *SMALL[1:])
    assert [*ordinary_day(again, 2)] == [*ordinary_day(organization, 2)]
    assert [*ordinary_day(other, 2)] != [*ordinary_day(organization, 2)]


def test_a_full_organization_has_all_of_its_kinds_and_stays_within_bounds() -> None:
    organization = make_organization(1, 3, 500, 800, 60)
    assert (len(organization.people), len(organization.servers), len(organization.services)) == (500, 300, 60)
    assert len({service.account for service in organization.services}) == 60
    assert len({server.ip for server in organization.servers}) == 300
    people = organization.people
    assert 3 < sum(person.hired > 0 for person in people) < 40
    assert 20 < sum(bool(person.trips) for person in people) < 120
    assert sum(person.new_laptop < organization.days for person in people) > 5
    workday, sunday = (sum(1 for _ in ordinary_day(organization, day)) for day in (2, 6))
    assert 45_000 < workday < 140_000  # one to three million in three weeks
    assert sunday < workday / 2


def test_nights_and_weekends_are_quiet_for_people_and_not_for_servers(week: list[Record]) -> None:
    hours: dict[str, Counter[int]] = defaultdict(Counter)
    for record in week:
        hours[record.source][(record.time - START) // HOUR % 24] += 1
    assert sum(hours[OKTA][hour] for hour in range(8, 16)) > 5 * sum(hours[OKTA][hour] for hour in range(4))
    assert min(hours["aws_cloudtrail"].values()) > 0
    mornings = [fields for fields in fields_of(week, OKTA) if fields["eventType"] == "user.session.start"]
    assert sum(is_weekend(day_of(fields["published"])) for fields in mornings) < len(mornings) / 8


def day_of(published: str) -> int:
    return int(published[8:10]) - 14


def test_passwords_are_mistyped_and_names_do_not_exist(week: list[Record]) -> None:
    failed = [fields for fields in fields_of(week, OKTA) if fields["outcome"]["result"] == "FAILURE"]
    assert 0 < len(failed) < 150
    questions = [fields for fields in fields_of(week, ZEEK) if fields["_path"] == "dns"]
    missing = sum(fields["rcode_name"] == "NXDOMAIN" for fields in questions)
    assert 0.005 < missing / len(questions) < 0.3


def test_backups_are_the_largest_transfers_of_the_night(organization: Organization, week: list[Record]) -> None:
    for day in range(7):
        night = [record for record in week if start_of(day) <= record.time < start_of(day) + 6 * HOUR]
        moved = [fields for fields in fields_of(night, ZEEK) if fields["_path"] == "conn"]
        largest = sorted(moved, key=lambda fields: -fields["orig_bytes"])[:5]
        assert {fields["id.resp_p"] for fields in largest} == {9102}
        assert {fields["id.orig_h"] for fields in largest} <= {server.ip for server in organization.servers}


def test_the_cluster_is_asked_with_its_own_verbs(week: list[Record]) -> None:
    verbs = {fields["verb"] for fields in fields_of(week, KUBERNETES)}
    assert {"get", "patch"} <= verbs <= {"get", "list", "watch", "create", "update", "patch", "delete"}


def test_people_are_where_their_shift_says(organization: Organization) -> None:
    seen = set()
    for person in organization.people:
        for day in range(7):
            shift = shift_of(organization, person, day)
            if shift is None:
                continue
            assert shift.first < shift.last
            assert all(one[1] <= two[0] for one, two in pairwise(shift.spans))
            times = shift.moments(dice(1, person.number, day), 5)
            assert all(any(first <= time < last for first, last in shift.spans) for time in times)
            seen.add((shift.is_in_office, shift.outer in VPN_EGRESS, shift.inner[:5]))
    assert {office for office, _, _ in seen} == {True, False}
    assert {inner for _, by_vpn, inner in seen if by_vpn} == {"10.32"}


def test_nobody_flies_and_works_on_the_same_day() -> None:
    organization = make_organization(3, 3, 200, 300, 5)
    travellers = [person for person in organization.people if person.trips]
    assert travellers
    for person in travellers:
        (trip,) = person.trips
        assert shift_of(organization, person, trip.first) is None
        there = [shift_of(organization, person, day) for day in range(trip.first + 1, trip.last)]
        assert all(shift.place is trip.place for shift in there if shift)
        assert trip.place is not OFFICES[person.office]


def test_new_versions_come_on_release_days(organization: Organization) -> None:
    released = [day for day in range(7) if organization.releases(day)]
    assert set(released) <= {1, 3}
    day = released[0]
    service = organization.releases(day)[0]
    assert organization.version(service, day) == organization.version(service, day - 1) + 1
    week = [orjson.loads(record.data) for record in PARTS[6](organization, day)]
    images = [str(fields["requestObject"]) for fields in week if "requestObject" in fields]
    assert any(service.image(organization.version(service, day)) in image for image in images)


def test_the_tables_are_as_braid_reads_them(organization: Organization, tmp_path: Path) -> None:
    write_tables(organization, (), tmp_path)
    tables = load_tables([tmp_path / "assets.csv"], [tmp_path / "identities.csv"])
    assert len(tables.identities) == len(organization.people) + len(organization.services) + 4
    assert {person.email for person in organization.people} == {
        email for one in tables.identities for email in one.emails
    }
    assert {server.ip for server in organization.servers} < {ip for asset in tables.assets for ip in asset.ips}
    with (tmp_path / "identities.csv").open(encoding="utf-8") as file:
        groups = {row["peer_group"] for row in csv.DictReader(file)}
    assert {"engineering", "finance", "support"} <= groups


def test_the_gateway_is_known_to_be_one(organization: Organization, tmp_path: Path) -> None:
    write_tables(organization, (), tmp_path)
    with maxminddb.open_database(tmp_path / "geo.mmdb") as places:
        known = {ip: places.get(ip) for ip in (*VPN_EGRESS, OFFICE_EGRESS[0])}
    gateway, office = known[VPN_EGRESS[1]], known[OFFICE_EGRESS[0]]
    assert isinstance(gateway, dict)
    assert isinstance(office, dict)
    assert (gateway["is_anonymous_vpn"], "is_anonymous_vpn" in office) == (True, False)


def test_hosts_of_windows_are_in_the_tables(organization: Organization, week: list[Record], tmp_path: Path) -> None:
    write_tables(organization, (), tmp_path)
    with (tmp_path / "assets.csv").open(encoding="utf-8") as file:
        known = {row["names"] for row in csv.DictReader(file)}
    assert {fields["host"]["name"] for fields in fields_of(week, WINDOWS)} <= known
