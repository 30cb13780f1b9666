from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.chain import Chain
from enrichers.context.enricher import ContextEnricher
from enrichers.context.known import Asset, Identity, Interval, Trip
from streams.detect.record import Record
from tests.enrichers.events import NOON, connection, enriched, event, sign_in

DAY = 86_400_000
ALICE_ARN = "arn:aws:iam::111122223333:user/payments/alice"
WEB = Asset(
    "web01",
    names=("web01.example.com",),
    ips=("10.0.0.5",),
    instances=("i-0123456789abcdef0",),
    criticality="critical",
    owner="bob@example.com",
    environment="production",
    sensitivity=("cardholder",),
    dependencies=tuple(f"db{n:02d}" for n in range(20)),
)
ALICE = Identity(
    "e-1001",
    names=(r"EXAMPLE\alice",),
    emails=("alice@example.com", "alice@corp.example.com"),
    sids=("S-1-5-21-1-2-3-1104",),
    principals=(ALICE_ARN, "00uq8w7e6r5t"),
    employee_id="1001",
    peer_group="payments",
    manager="bob@example.com",
    privileged=True,
)
BACKUP = Identity("svc", names=("svc-backup",), service_account=True)
CONTEXT = ContextEnricher([WEB], [ALICE, BACKUP])


def facts(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [item for item in found.get("enrichments", ()) if item["type"] == kind]


@pytest.mark.parametrize(
    ("place", "attribute"),
    [
        ({"hostname": "web01.example.com"}, "hostname"),
        ({"hostname": "WEB01.EXAMPLE.COM."}, "hostname"),
        ({"hostname": "web01"}, "hostname"),
        ({"hostname": "web01.lan"}, "hostname"),
        ({"name": "web01"}, "name"),
        ({"instance_uid": "i-0123456789ABCDEF0", "hostname": "other"}, "instance_uid"),
        ({"uid": "i-0123456789abcdef0"}, "uid"),
        ({"hostname": "ip-10-0-0-5", "ip": "::ffff:10.0.0.5"}, "ip"),
    ],
)
def test_a_device_is_found_by_any_of_its_names(place: dict[str, Any], attribute: str) -> None:
    found = enriched(event(1007, device={**place, "type_id": 1}, process={"pid": 1}, actor={"app_name": "x"}), CONTEXT)
    assert found.event.ocsf["device"] == {**place, "type_id": 1, "owner": {"name": "bob@example.com"}}
    (told,) = facts(found.event.ocsf, "asset")
    assert (told["name"], told["value"]) == (f"device.{attribute}", place[attribute])
    assert told["data"]["device"] == {
        "uid": "web01",
        "criticality": "critical",
        "owner": "bob@example.com",
        "environment": "production",
        "sensitivity": ["cardholder"],
        "dependencies": [f"db{n:02d}" for n in range(16)],
    }


@pytest.mark.parametrize(
    "place",
    [
        {"hostname": "web01.example.net"},
        {"hostname": "web02"},
        {"name": "x" * 600},
        {"uid": "web01", "svc_name": "x"},
        {"ip": "10.0.0.6"},
    ],
)
def test_an_endpoint_of_another_name_is_another_machine(place: dict[str, Any]) -> None:
    given_event = connection(src_endpoint=place)
    assert enriched(given_event, CONTEXT).event is given_event


def test_both_ends_and_the_resources_of_a_call() -> None:
    ends = enriched(connection(dst_endpoint={"hostname": "web01"}), CONTEXT).event.ocsf
    assert [told["name"] for told in facts(ends, "asset")] == ["src_endpoint.ip", "dst_endpoint.hostname"]
    assert ends["dst_endpoint"]["owner"] == {"name": "bob@example.com"}
    resources = [{"uid": "i-0123456789abcdef0"}, {"uid": "i-0ffffffffffffffff"}]
    call = {"operation": "StopInstances"}
    given_event = event(6003, api=call, actor={"app_name": "x"}, src_endpoint={"ip": "192.0.2.1"}, resources=resources)
    found = enriched(given_event, CONTEXT).event.ocsf
    assert found["resources"] == resources
    assert [told["data"]["resources"]["criticality"] for told in facts(found, "asset")] == ["critical"]
    assert Record(found).texts("enrichments.data.resources.criticality") == ("critical",)


def test_an_owner_that_the_source_names_stays_whole() -> None:
    device = {"hostname": "web01", "type_id": 1, "owner": {"uid": "77"}}
    found = enriched(event(1007, device=device, process={"pid": 1}, actor={"app_name": "x"}), CONTEXT)
    assert found.event.ocsf["device"] == device


@pytest.mark.parametrize(
    ("user", "attribute"),
    [
        ({"name": "alice@example.com"}, "name"),
        ({"name": "Alice@Corp.Example.com"}, "name"),
        ({"name": "alice", "email_addr": "ALICE@example.com"}, "email_addr"),
        ({"name": r"EXAMPLE\Alice"}, "name"),
        ({"name": "alice", "domain": "example.com"}, "name"),
        ({"name": "alice"}, "name"),
        ({"uid": "s-1-5-21-1-2-3-1104", "name": "x"}, "uid"),
        ({"uid": "AIDAEXAMPLE", "uid_alt": ALICE_ARN}, "uid_alt"),
        ({"uid": "arn:aws:iam::111122223333:user/alice"}, "uid"),
        ({"uid": "00uq8w7e6r5t", "name": "somebody"}, "uid"),
        ({"uid": "alice@example.com"}, "uid"),
        ({"name": "al", "ldap_person": {"employee_uid": "1001"}}, "ldap_person.employee_uid"),
    ],
)
def test_a_user_is_found_by_any_of_its_names(user: dict[str, Any], attribute: str) -> None:
    found = enriched(sign_in(user=user), CONTEXT).event.ocsf
    (told,) = facts(found, "identity")
    assert told["name"] == f"user.{attribute}"
    assert told["data"]["user"] == {
        "uid": "e-1001",
        "employee_id": "1001",
        "peer_group": "payments",
        "manager": "bob@example.com",
        "is_privileged": True,
    }
    assert (found["user"]["type_id"], found["user"]["type"]) == (2, "Admin")
    if "ldap_person" not in user:
        assert found["user"]["ldap_person"] == {"employee_uid": "1001", "manager": {"name": "bob@example.com"}}


@pytest.mark.parametrize(
    "user",
    [
        {"name": r"OTHER\alice"},
        {"name": "alice", "domain": "other.example.net"},
        {"name": "alice@example.net"},
        {"name": "root"},
        {"name": "SYSTEM", "type_id": 3, "type": "System"},
        {"uid": "1001", "name": "bob"},
        {"uid": "e-1001", "name": "bob"},
        {"account": {"name": "alice"}},
    ],
)
def test_a_user_of_another_name_is_somebody_else(user: dict[str, Any]) -> None:
    given_event = sign_in(user=user)
    assert enriched(given_event, CONTEXT).event is given_event


def test_a_name_without_a_domain_in_the_table_means_any_domain() -> None:
    for name in ("svc-backup", r"EXAMPLE\svc-backup", "SVC-BACKUP"):
        found = enriched(sign_in(user={"name": name}), CONTEXT).event.ocsf
        assert found["user"]["type_id"] == 4
        assert facts(found, "identity")[0]["data"]["user"] == {"uid": "svc", "is_service_account": True}


def test_users_of_a_process_and_its_actor() -> None:
    user = {"name": r"EXAMPLE\alice"}
    body = {
        "device": {"hostname": "ws1", "type_id": 2},
        "actor": {"user": user, "process": {"pid": 1, "user": {"name": "svc-backup"}}},
        "process": {"pid": 2, "user": {**user, "type_id": 1, "type": "User"}},
    }
    found = enriched(event(1007, **body), CONTEXT).event.ocsf
    assert [told["name"] for told in facts(found, "identity")] == [
        "actor.user.name",
        "actor.process.user.name",
        "process.user.name",
    ]
    assert found["actor"]["user"]["type_id"] == 2
    assert found["actor"]["process"]["user"]["type_id"] == 4
    assert found["process"]["user"]["type_id"] == 1
    assert Record(found).texts("enrichments.data.actor.user.peer_group") == ("payments",)


def test_leave_and_travel_are_told_at_their_time_only() -> None:
    away = Identity(
        "a",
        names=("alice",),
        leave=(Interval(NOON, NOON + DAY), Interval(None, 5)),
        travel=(
            Trip(Interval(NOON + DAY, None), ("SE", "NO")),
            Trip(Interval(NOON + DAY, NOON + 2 * DAY), ("NO", "DK")),
        ),
    )
    context = ContextEnricher([], [away])

    def told(time: int) -> dict[str, Any]:
        found = enriched(sign_in(user={"name": "alice"}, time=time), context).event.ocsf
        data: dict[str, Any] = facts(found, "identity")[0]["data"]["user"]
        return {name: fact for name, fact in data.items() if name != "uid"}

    assert told(NOON - 1) == {}
    assert told(NOON) == {"is_on_leave": True}
    assert told(NOON + DAY) == {"is_travelling": True, "travel_countries": ["DK", "NO", "SE"]}
    assert told(NOON + 2 * DAY) == {"is_travelling": True, "travel_countries": ["NO", "SE"]}
    assert told(NOON) == {"is_on_leave": True}


def test_a_name_of_two_names_neither() -> None:
    one = Asset("1", names=("www.example.com",), ips=("10.0.0.1",))
    two = Asset("2", names=("www.example.net",), ips=("10.0.0.1",))
    context = ContextEnricher([one, two, Asset("3", ips=("10.0.0.1",))])
    assert context.shared == ("10.0.0.1",)
    for place, uid in (({"hostname": "www.example.com"}, "1"), ({"hostname": "www"}, None), ({"ip": "10.0.0.1"}, None)):
        found = enriched(connection(src_endpoint=place, dst_endpoint={"ip": "203.0.113.9"}), context).event.ocsf
        assert [told["data"]["src_endpoint"]["uid"] for told in facts(found, "asset")] == ([uid] if uid else [])
    people = ContextEnricher([], [Identity("1", emails=("a@example.com",)), Identity("2", names=("a@example.com",))])
    assert people.shared == ("a@example.com",)
    given_event = sign_in(user={"name": "a@example.com"})
    assert enriched(given_event, people).event is given_event


def test_names_that_every_machine_has_find_nobody() -> None:
    root = ContextEnricher([], [Identity("1", names=("root", r"ws1\administrator"))])
    body: dict[str, Any] = {"device": {"hostname": "ws1", "type_id": 2}, "user": {"name": "root"}}
    assert facts(enriched(sign_in(**body), root).event.ocsf, "identity") == []
    body["user"] = {"name": "Administrator"}
    assert facts(enriched(sign_in(**body), root).event.ocsf, "identity")[0]["data"]["user"] == {"uid": "1"}


def test_tables_that_are_not_there_yet_are_missing_on_every_event() -> None:
    context = ContextEnricher([WEB], [], ["context.identities is not read to its end yet"])
    assert enriched(sign_in(), context).failed == ("context",)
    assert enriched(connection(), context).failed == ("context",)


def junk() -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["alice", "web01"])
    names = st.sampled_from(["user", "process", "name", "uid", "hostname", "ip", "ldap_person", "employee_uid"])
    return st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=4))


@given(st.dictionaries(st.sampled_from(["device", "user", "actor", "process", "resources", "src_endpoint"]), junk()))
def test_events_of_any_shape_raise_nothing(body: dict[str, Any]) -> None:
    given_event = sign_in()
    given_event.ocsf.update(body)
    Chain([CONTEXT]).enrich(given_event)
