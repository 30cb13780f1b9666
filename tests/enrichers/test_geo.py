from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.geo import GeoEnricher
from enrichers.mmdb import MmdbDatabase, open_geo
from enrichers.places import flags_in, location_in, network_in, system_in
from models.errors import EnrichmentFailed
from streams.detect.record import Record
from tests.enrichers.events import connection, enriched, sign_in
from tests.enrichers.mmdb_file import write_mmdb

CITY = {
    "city": {"names": {"de": "Tromsö", "en": "Tromso"}},
    "continent": {"code": "EU", "names": {"en": "Europe"}},
    "country": {"iso_code": "NO", "names": {"en": "Norway"}},
    "location": {"latitude": 69.65, "longitude": 18.96, "accuracy_radius": 20},
    "postal": {"code": "9008"},
    "subdivisions": [{"iso_code": "55", "names": {"en": "Troms"}}],
}
ASN = {"autonomous_system_number": 64_500, "autonomous_system_organization": "Example Networks"}
ANONYMOUS = {"is_anonymous": True, "is_tor_exit_node": True, "is_hosting_provider": False}
PLACE = {
    "city": "Tromso",
    "region": "NO-55",
    "country": "NO",
    "postal_code": "9008",
    "continent": "Europe",
    "lat": 69.65,
    "long": 18.96,
    "provider": "Example-City",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_mmdb(tmp_path / "city.mmdb", {"203.0.113.0/24": CITY, "198.51.100.0/25": CITY, "2001:db8::/32": CITY})
    write_mmdb(tmp_path / "asn.mmdb", {"203.0.113.0/24": ASN}, "Example-ASN")
    write_mmdb(tmp_path / "anonymous.mmdb", {"198.51.100.7/32": ANONYMOUS}, "Example-Anonymous")
    return tmp_path


def opened(folder: Path, *names: str) -> GeoEnricher:
    geo, missing = open_geo([folder / f"{name}.mmdb" for name in names or ("city", "asn", "anonymous")])
    assert missing == ()
    return geo


def test_an_endpoint_gets_its_place_and_its_network(folder: Path) -> None:
    found = enriched(connection(), opened(folder)).event.ocsf
    assert found["dst_endpoint"] == {
        "ip": "203.0.113.9",
        "port": 443,
        "location": PLACE,
        "autonomous_system": {"number": 64_500, "name": "Example Networks"},
    }
    assert found["src_endpoint"] == {"ip": "10.0.0.5", "port": 50_123}
    assert "enrichments" not in found


def test_what_an_address_is_used_for_can_be_asked_by_a_rule(folder: Path) -> None:
    found = enriched(sign_in(), opened(folder)).event.ocsf
    assert found["enrichments"] == [
        {
            "name": "src_endpoint.ip",
            "value": "198.51.100.7",
            "type": "network",
            "data": {"src_endpoint": {"is_tor": True, "is_anonymous": True}},
            "provider": "Example-Anonymous",
        }
    ]
    assert Record(found).texts("enrichments.data.src_endpoint.is_tor") == ("true",)
    assert Record(found).texts("src_endpoint.location.country") == ("NO",)


def test_what_the_source_says_stays(folder: Path) -> None:
    said = {"ip": "203.0.113.9", "location": {"country": "SE"}, "autonomous_system": {"number": 64_501}}
    found = enriched(connection(dst_endpoint=said), opened(folder))
    assert found.event.ocsf["dst_endpoint"] == said
    only_place = {"ip": "203.0.113.9", "location": {"country": "SE"}}
    found = enriched(connection(dst_endpoint=only_place), opened(folder))
    assert found.event.ocsf["dst_endpoint"] == only_place | {
        "autonomous_system": {"number": 64_500, "name": "Example Networks"}
    }


def test_an_event_without_a_known_address_is_the_same_event(folder: Path) -> None:
    for given_event in (
        connection(dst_endpoint={"ip": "192.0.2.1"}),
        connection(src_endpoint={"hostname": "ws1"}, dst_endpoint={"hostname": "ws2"}),
    ):
        assert enriched(given_event, opened(folder)).event is given_event


def test_one_address_both_ways_of_writing_and_in_ipv6(folder: Path) -> None:
    geo = opened(folder, "city")
    for ip in ("::ffff:203.0.113.9", "2001:db8::17", "2001:DB8:0:0::17"):
        assert enriched(connection(dst_endpoint={"ip": ip}), geo).event.ocsf["dst_endpoint"]["location"] == PLACE


def test_a_database_of_ipv4_only_is_silent_on_ipv6(tmp_path: Path) -> None:
    write_mmdb(tmp_path / "city.mmdb", {"203.0.113.0/24": CITY}, version=4)
    given_event = connection(dst_endpoint={"ip": "2001:db8::17"})
    assert enriched(given_event, opened(tmp_path, "city")).event is given_event
    assert "location" in enriched(connection(), opened(tmp_path, "city")).event.ocsf["dst_endpoint"]


class Asked:
    """A database that remembers what it was asked for."""

    label = "Asked"

    def __init__(self, record: dict[str, Any] | None) -> None:
        self.asked: list[str] = []
        self._record = record

    def get(self, ip: str) -> dict[str, Any] | None:
        self.asked.append(ip)
        return self._record


def test_an_address_that_comes_again_is_not_looked_up_again() -> None:
    for record in (CITY, None):
        database = Asked(record)
        geo = GeoEnricher([database])
        for _ in range(3):
            enriched(connection(), geo)
        assert database.asked == ["203.0.113.9"]


@pytest.mark.parametrize(
    "ip",
    [
        *("10.1.2.3", "172.16.0.1", "192.168.4.5", "100.64.0.1", "127.0.0.1", "169.254.169.254", "224.0.0.5"),
        *("0.1.2.3", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.0.8", "::1", "::", "fe80::1"),
        *("fd00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::1", "fe80::1%eth0"),
    ],
)
def test_addresses_of_nobody_are_never_looked_up(ip: str) -> None:
    database = Asked(CITY)
    assert enriched(connection(dst_endpoint={"ip": ip}), GeoEnricher([database], ["lost"])).failed == ()
    assert database.asked == []


def test_a_missing_database_is_recorded_and_the_others_go_on(folder: Path) -> None:
    (folder / "text.mmdb").write_text("no database")
    geo, missing = open_geo([folder / "gone.mmdb", folder / "text.mmdb", folder / "city.mmdb"])
    assert [reason.partition(":")[0] for reason in missing] == [str(folder / "gone.mmdb"), str(folder / "text.mmdb")]
    found = enriched(connection(), geo)
    assert found.failed == ("geo", "geo")
    assert found.event.ocsf["dst_endpoint"]["location"] == PLACE
    failures = found.event.ocsf["unmapped"]["braid"]["enrichment_failures"]
    assert [failure["enricher"] for failure in failures] == ["geo", "geo"]
    assert "No such file" in failures[0]["reason"]
    assert "no MMDB file" in failures[1]["reason"]


def test_a_damaged_database_fails_open(folder: Path) -> None:
    path = folder / "city.mmdb"
    whole = path.read_bytes()
    at = whole.index(b"\x42NO") - 9  # the type of the country's map
    path.write_bytes(whole[:at] + b"\x1f\xff" * 4 + whole[at + 8 :])
    found = enriched(connection(), opened(folder, "city", "asn"))
    assert found.failed == ("geo",)
    assert "autonomous_system" in found.event.ocsf["dst_endpoint"]


def test_a_file_that_is_written_over_hurts_nobody(folder: Path) -> None:
    database = MmdbDatabase(folder / "city.mmdb")
    (folder / "city.mmdb").write_bytes(b"")
    assert database.get("203.0.113.200") == CITY


def test_a_damaged_database_says_so_itself(folder: Path) -> None:
    with pytest.raises(EnrichmentFailed, match=r"none\.mmdb: No such file"):
        MmdbDatabase(folder / "none.mmdb")


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({"country": "NO", "city": "Oslo", "region": "Oslo"}, {"country": "NO", "city": "Oslo", "region": "Oslo"}),
        ({"country": "Norway", "country_code": "NO", "continent": "Europe"}, {"country": "NO", "continent": "Europe"}),
        (
            {"country": {"iso_code": "no"}, "subdivisions": [{"names": {"en": "Troms"}}]},
            {"country": "NO", "region": "Troms"},
        ),
        ({"continent": {"names": {"en": "Europe"}}}, {}),
        ({"location": {"latitude": 1.0, "longitude": 2.0}}, {}),
        ({"country": {"iso_code": "NO"}, "location": {"latitude": 91.0, "longitude": 2.0}}, {"country": "NO"}),
        ({"country": 7, "city": [], "subdivisions": {}, "postal": "x", "location": "y"}, {}),
    ],
)
def test_places_in_several_shapes(record: dict[str, Any], place: dict[str, Any]) -> None:
    assert location_in(record, "p") == ({"location": place | {"provider": "p"}} if place else {})


def test_networks_in_several_shapes() -> None:
    assert system_in({"asn": "AS64500", "as_name": "Example"}) == {
        "autonomous_system": {"number": 64_500, "name": "Example"}
    }
    assert system_in({"traits": ASN}) == system_in(ASN)
    for wrong in ({"asn": "AS"}, {"asn": "AS99999999999"}, {"asn": True}, {"asn": 0}, {"asn": "AS٣"}, {}):
        assert system_in(wrong) == {}
    assert network_in({"isp": "Example", "organization": "Example Ltd", "asn": 1}) == {
        "isp": "Example",
        "isp_org": "Example Ltd",
    }


def test_flags_in_several_shapes() -> None:
    assert flags_in({"vpn": "true", "tor": "", "hosting": "false"}) == {"is_vpn": True}
    assert flags_in({"traits": {"is_hosting_provider": True}}) == {"is_hosting": True}
    assert flags_in({"privacy": {"proxy": True, "relay": 1}}) == {"is_proxy": True, "is_relay": True}
    assert flags_in({"vpn": ["true"], "privacy": "x"}) == {}


def json_values() -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names(), inner, max_size=4)
    )


def names() -> st.SearchStrategy[str]:
    known: Iterable[str] = {*CITY, *ASN, *ANONYMOUS, "names", "en", "iso_code", "code", "asn", "traits", "isp"}
    return st.sampled_from(sorted(known)) | st.text(max_size=3)


@given(st.dictionaries(names(), json_values(), max_size=6))
def test_whatever_a_database_holds_the_event_stays_valid(record: dict[str, Any]) -> None:
    assert enriched(connection(), GeoEnricher([Asked(record)])).failed == ()
