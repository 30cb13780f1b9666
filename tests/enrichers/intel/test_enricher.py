"""Events that touch an indicator are marked and make a signal; all others pass as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.intel.analytics import ANALYTICS, analytic_of
from enrichers.intel.enricher import IntelEnricher
from enrichers.intel.indicator import KINDS, Indicator
from enrichers.intel.observables import MAX_OBSERVABLES, observables_of
from models.finding_ocsf import signal_to_ocsf
from models.ocsf_schema import validate
from tests.enrichers.events import NOON, connection, enriched, event
from tests.enrichers.intel.test_table import table_of

MD5 = "d41d8cd98f00b204e9800998ecf8427e"
LISTED = (
    Indicator("ip", "203.0.113.9", "one", confidence=80, name="C2", id="i1", labels=("c2",)),
    Indicator("ip", "203.0.113.9", "two", confidence=60),
    Indicator("network", "198.51.100.0/24", "one", confidence=50),
    Indicator("domain", "evil.example.org", "one"),
    Indicator("url", "files.example.net/a/", "one"),
    Indicator("hash", MD5, "one"),
    Indicator("ja3", MD5, "one"),
    Indicator("email", "bad@mail.example.net", "one"),
    Indicator("domain", "late.example.org", "one", valid_from=NOON + 1),
    Indicator("domain", "early.example.org", "one", valid_until=NOON),
    Indicator("domain", "timely.example.org", "one", valid_from=NOON, valid_until=NOON + 1),
)
FINGERPRINT = {"algorithm_id": 1, "value": MD5.upper()}


@pytest.fixture
def intel(tmp_path: Path) -> IntelEnricher:
    return IntelEnricher(table_of(tmp_path / "t", *LISTED))


def test_a_match_marks_the_event_and_makes_a_signal(intel: IntelEnricher) -> None:
    found = enriched(connection(), intel)
    (mark,) = found.event.ocsf["enrichments"]
    assert (mark["name"], mark["value"], mark["provider"]) == ("dst_endpoint.ip", "203.0.113.9", "one, two")
    told = mark["data"]["dst_endpoint"]["intel"]
    assert (told["kind"], told["confidence"], told["sources"]) == ("ip", 80, ["one", "two"])
    assert told["indicators"][0] == {
        "value": "203.0.113.9",
        "match": "exact",
        "source": "one",
        "confidence": 80,
        "id": "i1",
        "name": "C2",
        "labels": ["c2"],
    }
    (signal,) = found.hits
    assert signal.analytic == ANALYTICS["intel_ip_match"] == analytic_of("network")
    assert (signal.confidence, signal.risk, signal.domain, signal.time) == (80, 50, "network", NOON)
    assert [str(key) for key in signal.entities] == ["ip:10.0.0.5", "ip:203.0.113.9"]
    assert signal.matched[:2] == (("observable", "203.0.113.9"), ("indicator of one", "203.0.113.9 (C2; c2; i1)"))
    assert signal.fields == {"indicator": "203.0.113.9", "indicator_source": "one"}
    assert validate(signal_to_ocsf(signal)) == []


@pytest.mark.parametrize(
    ("class_uid", "attributes", "name", "path"),
    [
        (4001, {"src_endpoint": {"ip": "198.51.100.77"}}, "intel_ip_match", "src_endpoint.ip"),
        (4001, {"dst_endpoint": {"hostname": "A.Evil.example.ORG."}}, "intel_domain_match", "dst_endpoint.hostname"),
        (4001, {"dst_endpoint": {"hostname": "198.51.100.77"}}, "intel_ip_match", "dst_endpoint.hostname"),
        (4001, {"tls": {"ja3_hash": FINGERPRINT, "version": "1.2"}}, "intel_ja3_match", "tls.ja3_hash.value"),
        (4001, {"tls": {"sni": "evil.example.org", "version": "1.2"}}, "intel_domain_match", "tls.sni"),
        (4003, {"query": {"hostname": "x.evil.example.org"}}, "intel_domain_match", "query.hostname"),
        (4003, {"answers": [{"rdata": "x"}, {"rdata": "198.51.100.1"}]}, "intel_ip_match", "answers.rdata"),
        (
            4002,
            {"http_request": {"url": {"url_string": "https://Files.example.net/a/b?c=d"}}},
            "intel_url_match",
            "http_request.url.url_string",
        ),
        (
            4002,
            {"http_request": {"url": {"url_string": "http://198.51.100.5/x"}}},
            "intel_ip_match",
            "http_request.url.url_string",
        ),
        (
            4002,
            {"http_request": {"url": {"hostname": "evil.example.org", "path": "/"}}},
            "intel_domain_match",
            "http_request.url.hostname",
        ),
        (
            1007,
            {"process": {"file": {"name": "x", "type_id": 1, "hashes": [FINGERPRINT]}}},
            "intel_hash_match",
            "process.file.hashes.value",
        ),
        (4009, {"email": {"from": "Bad@mail.example.net"}}, "intel_email_match", "email.from"),
        (4009, {"email": {"from": "any@evil.example.org"}}, "intel_domain_match", "email.from"),
        (
            2004,
            {"evidences": [{"dst_endpoint": {"ip": "203.0.113.9"}}]},
            "intel_ip_match",
            "evidences.dst_endpoint.ip",
        ),
        (
            2004,
            {"observables": [{"name": "x", "type_id": 1, "value": "evil.example.org"}]},
            "intel_domain_match",
            "observables.value",
        ),
    ],
)
def test_observables_are_found_where_they_stand(
    intel: IntelEnricher, class_uid: int, attributes: dict[str, Any], name: str, path: str
) -> None:
    additions = intel.enrich(event(class_uid, **attributes))
    assert additions is not None
    assert [each["name"] for each in additions.enrichments] == [path]
    assert [signal.analytic for signal in additions.hits] == [ANALYTICS[name]]


def test_every_kind_has_an_analytic_under_its_name() -> None:
    assert {analytic_of(kind).uid for kind in KINDS} == {analytic.uid for analytic in ANALYTICS.values()}
    assert len({analytic.uid for analytic in ANALYTICS.values()}) == len(ANALYTICS) == 6


@pytest.mark.parametrize(("name", "holds"), [("late", False), ("early", False), ("timely", True)])
def test_an_indicator_holds_by_the_time_of_the_event(intel: IntelEnricher, name: str, holds: bool) -> None:
    found = intel.enrich(event(4003, query={"hostname": f"{name}.example.org"}))
    assert (found is not None) is holds


def test_what_is_cached_is_judged_by_the_time_of_each_event(intel: IntelEnricher) -> None:
    query = {"hostname": "late.example.org"}
    found = [intel.enrich(event(4003, NOON + more, query=query)) is not None for more in (0, 1, 0)]
    assert found == [False, True, False]


def test_an_event_without_a_match_stays_the_very_same(intel: IntelEnricher) -> None:
    given_event = connection(dst_endpoint={"ip": "192.0.2.1", "hostname": "good.example.net"})
    assert enriched(given_event, intel).event is given_event


def test_one_value_in_two_places_is_two_marks_and_one_signal(intel: IntelEnricher) -> None:
    query = {"hostname": "evil.example.org"}
    found = intel.enrich(event(4003, query=query, dst_endpoint={"hostname": "EVIL.example.org"}))
    assert found is not None
    assert len(found.enrichments) == 2
    assert len(found.hits) == 1


def test_the_same_event_gives_the_same_signals(intel: IntelEnricher) -> None:
    first, second = (intel.enrich(connection()) for _ in range(2))
    assert first == second


def test_lists_that_are_missing_are_known(tmp_path: Path) -> None:
    from enrichers.intel.builder import Builder
    from enrichers.intel.table import IntelTable

    Builder().write(tmp_path / "t", {"feed": {"missing": "it answered 500"}, "well": {"missing": ""}})
    assert IntelEnricher(IntelTable(tmp_path / "t")).missing == {"feed": "it answered 500"}


_PLACES = [
    "src_endpoint",
    "url",
    "http_request",
    "evidences",
    "email",
    "tls",
    "answers",
    "observables",
    "actor",
    "file",
]
_MEMBERS = [
    "ip",
    "hostname",
    "url",
    "url_string",
    "value",
    "type_id",
    "process",
    "file",
    "hashes",
    "rdata",
    "to",
    "sni",
]
_ANY = st.recursive(
    st.none()
    | st.integers()
    | st.text(max_size=9)
    | st.sampled_from(["203.0.113.9", "http://a.org/b", "a.org", "\ud800.org"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_MEMBERS), inner, max_size=3),
    max_leaves=8,
)


@given(body=st.dictionaries(st.sampled_from(_PLACES), _ANY))
def test_events_of_any_content_are_looked_at(body: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.intel"
    table = table_of(path, *LISTED)
    IntelEnricher(table).enrich(event(4001, **body))


def test_an_event_of_many_observables_is_bounded() -> None:
    urls = [{"url_string": f"http://h{number}.example.net/"} for number in range(1000)]
    evidence = {"email": {"urls": urls, "to": ["a@b.example"] * 1000, "cc": ["a@b.example"] * 1000}}
    assert len(observables_of({"evidences": [evidence] * 1000})) == MAX_OBSERVABLES


def test_marks_are_bounded_whatever_lists_say(tmp_path: Path) -> None:
    labels = tuple(f"{number:02}" + "x" * 254 for number in range(16))
    urls = [f"h{number}.example.net/{'y' * 1900}" for number in range(40)]
    said = [
        Indicator("url", url, f"list-{number}", id="i" * 256, name="n" * 256, labels=labels)
        for url in urls
        for number in range(40)
    ]
    intel = IntelEnricher(table_of(tmp_path / "t", *said))
    told = [{"url_string": f"http://{url}"} for url in urls]
    evidences = [{"email": {"urls": told[at : at + 8]}} for at in range(0, 40, 8)]
    found = intel.enrich(event(2004, evidences=evidences))
    assert found is not None
    assert len(found.hits) == 16
    assert len(orjson.dumps(found.enrichments)) < 400_000
