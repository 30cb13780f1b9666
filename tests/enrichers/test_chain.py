"""What is remembered of subjects shows in nothing but time: a chain that knows everybody answers like a new one."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.base import Additions, Enricher, Told
from enrichers.chain import Chain
from enrichers.context.allow import Allowed, AllowEnricher
from enrichers.context.enricher import ContextEnricher
from enrichers.context.known import Asset, Identity, Interval, Trip
from enrichers.geo import GeoEnricher
from enrichers.intel.enricher import IntelEnricher
from enrichers.intel.indicator import Indicator
from enrichers.intel.table import IntelTable
from enrichers.subjects import MAX_NAME, MAX_SUBJECTS, PLACE, RESOURCES, USER, Subject, subject_of, subjects_of
from models.errors import EnrichmentFailed
from tests.enrichers.events import NOON, connection, enriched, event, sign_in
from tests.enrichers.intel.test_table import table_of

HOUR = 3_600_000


class Oslo:
    """A database of one place."""

    label = "Oslo"

    def get(self, ip: str) -> dict[str, Any] | None:
        return {"country": {"iso_code": "NO"}, "is_tor_exit_node": True} if ip.startswith("203.") else None


class Asked:
    """Remember whom it was asked of."""

    name = "asked"
    kinds = frozenset({PLACE, USER})

    def __init__(self, told: Told | None = None) -> None:
        self.of: list[tuple[Any, ...]] = []
        self._told = told or Told(Additions(enrichments=({"name": "x", "value": "y", "data": {}},)))

    def about(self, subject: Subject, time_ms: int) -> Told:
        del time_ms
        self.of.append((subject.where, *filter(None, subject.names.values())))
        return self._told


def everything(table: IntelTable) -> list[Enricher]:
    """Return one enricher of each kind, all of whose answers depend on the time of the event."""
    now = Interval(NOON, NOON + HOUR)
    people = [
        Identity("a", names=(r"EXAMPLE\alice",), privileged=True, leave=(now,), travel=(Trip(now, ("SE",)),)),
        Identity("r", names=(r"ws1\root",), service_account=True, manager="bob"),
    ]
    allowed = [
        Allowed(
            "a", "bob", Interval(None, NOON + HOUR), windows=(now,), hosts=frozenset({"ws1"}), rules=frozenset({"r"})
        ),
        Allowed("b", "bob", now, users=frozenset({"alice", r"ws1\root"})),
        Allowed("c", "bob", now, addresses=(IPv4Network("203.0.113.0/25"),)),
    ]
    context = ContextEnricher([Asset("1", names=("ws1",), ips=("10.0.0.5",), owner="bob", criticality="high")], people)
    return [GeoEnricher([Oslo()]), context, IntelEnricher(table), AllowEnricher(allowed)]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> IntelTable:
    listed = [
        Indicator("ip", "203.0.113.9", "one", valid_from=NOON, valid_until=NOON + HOUR),
        Indicator("domain", "evil.example.org", "one", valid_until=NOON + 1),
    ]
    return table_of(tmp_path_factory.mktemp("intel") / "t", *listed)


NAMES = st.sampled_from(
    [
        *("alice", r"EXAMPLE\alice", "root", r"ws1\root", "ws1", "WS1.example.com", "ws2", "10.0.0.5", "203.0.113.9"),
        *("203.0.113.200", "::ffff:203.0.113.9", "evil.example.org", "EXAMPLE", ".", "", "x" * 300),
    ]
)
JUNK = st.none() | NAMES | st.integers(0, 3) | st.lists(NAMES, max_size=1)
HOSTS, ADDRESSES = st.sampled_from(["ws1", "WS1.example.com"]), st.sampled_from(["10.0.0.5", "203.0.113.9"])
PLACES = st.fixed_dictionaries(
    {}, optional={"hostname": HOSTS | JUNK, "ip": ADDRESSES | JUNK, **dict.fromkeys(("name", "uid", "owner"), JUNK)}
)
USERS = st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "domain", "uid", "uid_alt", "type_id", "type"), JUNK))
BODIES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("device", "src_endpoint", "dst_endpoint"), PLACES),
        "resources": st.lists(PLACES, max_size=2) | JUNK,
        "user": USERS | JUNK,
        "actor": st.fixed_dictionaries({}, optional={"user": USERS, "process": st.fixed_dictionaries({"user": USERS})}),
        "query": st.fixed_dictionaries({"hostname": JUNK}),
        "unmapped": JUNK,
        "enrichments": JUNK,
    },
)
TIMES = (NOON - 1, NOON, NOON + 1, NOON + HOUR - 1, NOON + HOUR)


@given(st.lists(BODIES, max_size=5), st.permutations(TIMES), st.sampled_from([1, 3, 100]))
def test_what_was_met_before_changes_no_answer(
    table: IntelTable, bodies: list[dict[str, Any]], times: list[int], most: int
) -> None:
    kept = Chain(everything(table), most)
    for time, body in product(times, bodies):
        given_event = event(4001, time, **body)
        assert kept.enrich(given_event) == Chain(everything(table)).enrich(given_event)


def test_everything_is_in_what_was_compared(table: IntelTable) -> None:
    user = {"name": "alice", "domain": "EXAMPLE"}
    device = {"hostname": "ws1", "type_id": 2}
    ends = {"src_endpoint": {"ip": "203.0.113.9"}, "dst_endpoint": {"ip": "192.0.2.1"}}
    given_event = connection(**ends, device=device, actor={"user": user})
    found = enriched(given_event, *everything(table))
    kinds = [told["type"] for told in found.event.ocsf["enrichments"]]
    assert kinds == ["asset", "allowed", "network", "allowed", "identity", "threat intelligence"]
    assert (len(found.hits), found.quiet) == (1, frozenset({"r"}))


def test_a_subject_is_asked_of_once_in_each_place_while_it_is_remembered() -> None:
    asked = Asked()
    chain = Chain([asked], most=2)
    for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.1", "10.0.0.4", "10.0.0.5", "10.0.0.2"):
        chain.enrich(event(4001, src_endpoint={"ip": address}))
    assert [names[-1] for names in asked.of] == [f"10.0.0.{last}" for last in (1, 2, 3, 4, 5, 2)]
    chain.enrich(event(4001, dst_endpoint={"ip": "10.0.0.2"}))
    assert asked.of[-1] == ("dst_endpoint", "10.0.0.2")


def test_an_answer_is_asked_for_again_when_its_time_is_over() -> None:
    asked = Asked(Told(None, NOON, NOON + 10))
    chain = Chain([asked])
    for time in (NOON, NOON + 9, NOON + 10, NOON - 1, NOON + 5):
        chain.enrich(event(4001, time, src_endpoint={"ip": "10.0.0.1"}))
    assert len(asked.of) == 3
    assert chain.enrich(given_event := event(4001, src_endpoint={"ip": "10.0.0.1"})).event is given_event


def test_a_fault_is_not_remembered() -> None:
    class Once(Asked):
        """Fail when it is asked for the first time."""

        def about(self, subject: Subject, time_ms: int) -> Told:
            told = super().about(subject, time_ms)
            if len(self.of) == 1:
                raise EnrichmentFailed("not now")
            return told

    chain = Chain([Once()])
    assert chain.enrich(sign_in(src_endpoint={"ip": "10.0.0.1"}, user={})).failed == ("asked",)
    assert chain.enrich(sign_in(src_endpoint={"ip": "10.0.0.1"}, user={})).failed == ()


@pytest.mark.parametrize("value", ["x" * (MAX_NAME + 1), 7, ["a"], {"a": 1}, True])
def test_what_is_no_name_is_left_out_and_not_remembered(value: Any) -> None:
    asked = Asked()
    chain = Chain([asked])
    for _ in range(2):
        chain.enrich(event(4001, src_endpoint={"ip": value, "name": "a"}))
    assert asked.of == [("src_endpoint", "a")] * 2


@pytest.mark.parametrize(
    ("user", "host"),
    [
        ({"name": "alice"}, "ws1"),
        ({"name": "alice", "domain": "WS1"}, "ws1"),
        ({"name": "alice", "domain": "ws1.example.com"}, "ws1"),
        ({"name": "root", "domain": "."}, "ws1"),
        ({"name": r"WS1\root", "domain": "EXAMPLE"}, "ws1"),
        ({"name": "alice", "domain": "EXAMPLE"}, None),
    ],
)
def test_a_host_belongs_to_a_user_where_it_makes_a_difference(user: dict[str, Any], host: str | None) -> None:
    *_, key = subjects_of({"user": user, "device": {"hostname": "WS1.example.com"}})
    subject, is_name = subject_of(key)
    assert (subject.path, subject.names["host"], is_name) == (("user",), host, True)


def test_subjects_are_bounded() -> None:
    values = {"answers": [{"rdata": "x"}] * 100, "evidences": [{"answers": [{"rdata": "x"}] * 100}] * 100}
    found = subjects_of({"resources": [{"uid": "a"}] * 100, **values})
    assert len(found) == 8 + 8 + 64
    assert (
        len(subjects_of({"evidences": [{"answers": [{"rdata": "x"}] * 8, "email": {"to": ["a"] * 8}}] * 8}))
        <= MAX_SUBJECTS
    )
    assert [key[0] for key in found[:8]] == [RESOURCES] * 8


def test_proxies_between_the_ends_are_observables_of_their_own() -> None:
    proxy = {"ip": "192.0.2.1", "hostname": "p.example.com", "port": 1}
    found = subjects_of(
        {"src_endpoint": {"ip": "10.0.0.1", "proxy_endpoint": proxy}, "dst_endpoint": {"proxy_endpoint": 7}}
    )
    assert [key[0] for key in found] == [
        "src_endpoint",
        "src_endpoint.proxy_endpoint.ip",
        "src_endpoint.proxy_endpoint.hostname",
        "dst_endpoint",
    ]
