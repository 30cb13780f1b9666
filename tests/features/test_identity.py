"""What sign-ins, second factors, privileges and accounts count to, and for whom."""

from __future__ import annotations

from typing import Any

import pytest

from models.feature import Point
from streams.sources.registry import SOURCES
from tests.features.build import ALICE, NOON, amounts, by_entity, distinct, enriched, event, folded, of, sign_in, values
from tests.features.everything import BROWSER, DEVICE, HERE, HOME, ISSUER, ROLE, SESSION
from tests.sources.samples import samples

WHO = "user:alice@example.com"
LINUX = {"hostname": "web01.example.com"}


def test_a_sign_in_says_where_from_with_what_and_to_what() -> None:
    found = of(WHO, sign_in(src_endpoint=HOME, http_request=BROWSER, service={"name": "Azure Portal"}))
    assert amounts(found) == {"sign_ins": 1}
    assert values(found) == {
        "source": {"203.0.113.7"},
        "country": {"NO"},
        "asn": {"AS64500"},
        "device": {"laptop-7"},
        "user_agent": {"firefox on linux"},
        "application": {"azure portal"},
    }
    assert distinct(found) == {"sources": 1, "applications": 1}
    uid = found.counts["sign_ins"].event
    assert found.points == (Point(NOON, uid, 599_100, 107_500, "NO", 64_500, relayed=False),)


def test_a_failed_sign_in_says_only_how_many_and_from_how_many() -> None:
    found = of(WHO, *(sign_in(n, src_endpoint=HOME | {"ip": f"203.0.113.{n}"}, failed=True) for n in range(3)))
    assert amounts(found) == {"failed_sign_ins": 3}
    assert (values(found), distinct(found), found.points) == ({}, {"failed_sources": 3}, ())


@pytest.mark.parametrize("flag", ["is_vpn", "is_tor", "is_hosting", "is_proxy", "is_relay"])
def test_a_place_behind_a_relay_says_so(flag: str) -> None:
    found = of(WHO, enriched(sign_in(src_endpoint=HOME), {"src_endpoint": {flag: True}}))
    assert [point.relayed for point in found.points] == [True]


def test_what_is_known_of_the_other_end_relays_nobody() -> None:
    found = of(WHO, enriched(sign_in(src_endpoint=HOME), {"dst_endpoint": {"is_vpn": True}, "src_endpoint": {}}))
    assert [point.relayed for point in found.points] == [False]


@pytest.mark.parametrize(
    "location",
    [
        {"lat": 91, "long": 0},
        {"lat": 0, "long": -181},
        {"lat": "59.9", "long": 10.7},
        {"lat": float("nan"), "long": 10.7},
        {"lat": float("inf"), "long": 10.7},
        {"lat": 10**400, "long": 10.7},
        {"lat": 59.9},
        [],
    ],
)
def test_what_is_no_place_is_none(location: Any) -> None:
    found = of(WHO, sign_in(src_endpoint={"ip": "203.0.113.7", "location": location}))
    assert found.points == ()
    assert amounts(found) == {"sign_ins": 1}


def test_a_country_without_its_code_is_a_value_and_no_code() -> None:
    found = of(WHO, sign_in(src_endpoint={"location": {"country": "Norway", "lat": 59.91, "long": 10.75}}))
    assert values(found)["country"] == {"Norway"}
    assert found.points[0].country == ""


@pytest.mark.parametrize(
    ("body", "prompts"),
    [
        ({"is_mfa": True}, 1),
        ({"is_mfa": False}, 0),
        ({"is_mfa": "yes"}, 0),
        ({"auth_factors": [{"factor_type_id": 11}, {"factor_type_id": 5}]}, 1),
        ({"auth_factors": [{"factor_type_id": 11}, {"factor_type_id": 0}, {}, None]}, 0),
    ],
)
def test_second_factors_are_told_from_passwords(body: dict[str, Any], prompts: int) -> None:
    let_in, denied = of(WHO, sign_in(**body)), of(WHO, sign_in(failed=True, **body))
    assert amounts(let_in) == {"sign_ins": 1} | ({"mfa_prompts": 1} if prompts else {})
    assert amounts(denied) == {"failed_sign_ins": 1} | ({"mfa_prompts": 1, "mfa_denials": 1} if prompts else {})


def test_every_vendor_of_second_factors_is_understood() -> None:
    asked: dict[str, int] = {}
    for name in ("duo", "okta", "entra_id", "google_workspace", "snowflake"):
        parsed = [SOURCES[name].parse_all(record) for record in samples(name)]
        for delta in folded(one for found in parsed if isinstance(found, tuple | list) for one in found):
            asked[name] = asked.get(name, 0) + amounts(delta).get("mfa_prompts", 0)
    assert all(asked.values())
    assert len(asked) == 5


def test_the_device_of_a_cloud_sign_in_is_where_somebody_sits() -> None:
    found = of(WHO, sign_in(device={"hostname": "LAPTOP-7.example.com"}))
    assert values(found)["device"] == {"laptop-7"}
    assert "host" not in values(found)


def test_a_host_that_tells_of_a_sign_in_is_what_was_signed_in_to() -> None:
    body = {"user": {"name": "alice"}, "src_endpoint": {"ip": "192.0.2.9"}, "device": LINUX}
    found = by_entity(event(3002, 1, status_id=1, **body), event(3002, 1, at=1, status_id=2, **body))
    assert values(found["user:alice"])["host"] == {"web01"}
    assert "device" not in values(found["user:alice"])
    assert amounts(found["host:web01"]) == {"sign_ins": 1, "failed_sign_ins": 1}
    assert distinct(found["host:web01"]) == {"accounts": 1, "failed_accounts": 1, "failed_sources": 1}


def test_passwords_tried_on_many_accounts_show_at_the_host_and_at_the_own_address() -> None:
    tries = [
        event(3002, 1, at=n, user={"name": f"user{n}"}, src_endpoint={"ip": "10.1.2.3"}, device=DEVICE, status_id=2)
        for n in range(20)
    ]
    found = by_entity(*tries)
    assert distinct(found["ip:10.1.2.3"]) == {"failed_accounts": 20}
    assert amounts(found["ip:10.1.2.3"]) == {"failed_sign_ins": 20}
    assert distinct(found["host:ws-1"]) == {"failed_accounts": 20, "failed_sources": 1}


def test_addresses_of_others_are_no_entities() -> None:
    assert set(by_entity(*(sign_in(n, ip=f"203.0.113.{n}", failed=True) for n in range(9)))) == {WHO}


def test_accounts_of_the_system_are_nobody() -> None:
    nobody = {"name": "SYSTEM", "domain": "NT AUTHORITY", "uid": "S-1-5-18"}
    assert set(by_entity(event(3002, 1, user=nobody, device=DEVICE, status_id=1))) == {"host:ws-1"}


def test_who_assumes_a_role_used_it_and_its_session_signed_in() -> None:
    assumed = event(3002, 3, actor={"user": ALICE}, src_endpoint=HERE, status_id=1, **SESSION)
    found = by_entity(assumed)
    assert values(found[WHO]) == {"role": {ISSUER}}
    session = found[f"user:{ROLE}"]
    assert amounts(session) == {"sign_ins": 1}
    assert session.peers == ISSUER


def test_logging_off_is_no_sign_in() -> None:
    assert folded([event(3002, activity, user=ALICE, src_endpoint=HERE) for activity in (2, 99)]) == ()


def test_service_tickets_say_for_what() -> None:
    asked = [event(3002, 4, at=n, user=ALICE, service={"name": f"MSSQLSvc/db-{n}"}, status_id=1) for n in range(3)]
    found = of(WHO, *asked)
    assert amounts(found) == {"tickets": 3}
    assert distinct(found) == {"ticket_services": 3}
    assert values(found) == {"ticket_service": {"mssqlsvc/db-0", "mssqlsvc/db-1", "mssqlsvc/db-2"}}


GIVEN = {"actor": {"user": ALICE}, "user": {"name": "bob@example.com"}, "status_id": 1}


@pytest.mark.parametrize(
    ("change", "made", "received"),
    [
        (event(3005, 1, privileges=["Owner"], **GIVEN), {"privilege_changes": 1}, {"privileges_received": 1}),
        (event(3005, 2, privileges=["Owner"], **GIVEN), {"privilege_changes": 1}, {}),
        (event(3006, 3, group={"name": "Owner"}, **GIVEN), {"privilege_changes": 1}, {"privileges_received": 1}),
        (event(3006, 4, group={"name": "Owner"}, **GIVEN), {"privilege_changes": 1}, {}),
        (
            event(3001, 7, policy={"uid": "Owner"}, **GIVEN),
            {"account_changes": 1, "privilege_changes": 1},
            {"privileges_received": 1},
        ),
        (event(3001, 8, policy={"uid": "Owner"}, **GIVEN), {"account_changes": 1, "privilege_changes": 1}, {}),
    ],
)
def test_changes_of_privileges_count_for_who_made_them_and_for_who_has_them(
    change: Any, made: dict[str, int], received: dict[str, int]
) -> None:
    found = by_entity(change)
    assert amounts(found[WHO]) == made
    assert values(found[WHO]) == {"privilege": {"owner"}}
    assert {name: amounts(delta) for name, delta in found.items() if name != WHO} == (
        {"user:bob@example.com": received} if received else {}
    )


@pytest.mark.parametrize(
    ("activity", "name", "is_one"),
    [(3, "", 1), (4, "", 1), (10, "", 1), (11, "", 1), (99, "CreateAccessKey", 1), (1, "", 0), (99, "Renamed", 0)],
)
def test_changes_of_passwords_keys_and_factors_are_told_from_others(activity: int, name: str, is_one: int) -> None:
    found = by_entity(event(3001, activity, activity_name=name, **GIVEN))
    assert amounts(found[WHO]) == {"account_changes": 1}
    assert ("user:bob@example.com" in found) == bool(is_one)


def test_changes_that_failed_are_none() -> None:
    body = GIVEN | {"status_id": 2, "privileges": ["Owner"], "group": {"name": "Owner"}}
    assert (
        folded([event(3001, 7, **body), event(3005, 1, **body), event(3006, 3, **body), event(3003, 1, **body)]) == ()
    )


def test_a_group_that_is_made_changes_no_privilege() -> None:
    assert folded([event(3006, 6, group={"name": "staff"}, **GIVEN)]) == ()


def test_an_application_that_is_given_access_is_one_that_is_used() -> None:
    granted = event(3003, 1, user=ALICE, actor={"app_name": "Mailer"}, privileges=["https://mail.example.com/"])
    found = of(WHO, granted)
    assert values(found) == {"application": {"mailer"}, "privilege": {"https://mail.example.com/"}}
    assert amounts(found) == {"privileged_sessions": 1}


def test_the_peer_group_is_that_of_the_context_whichever_event_names_it() -> None:
    plain, known = sign_in(), enriched(sign_in(1), {"user": {"peer_group": "payments"}})
    assert of(WHO, plain, known).peers == of(WHO, known, plain).peers == "payments"
    assert of(WHO, plain).peers == ""


def test_of_two_peer_groups_in_a_minute_the_same_is_taken_in_any_order() -> None:
    one, two = (enriched(sign_in(n), {"user": {"peer_group": name}}) for n, name in enumerate(("payments", "treasury")))
    assert of(WHO, one, two).peers == of(WHO, two, one).peers == "treasury"


def test_the_peer_group_of_somebody_else_is_not_taken() -> None:
    assert of(WHO, enriched(sign_in(), {"actor": {"user": {"peer_group": "payments"}}, "device": []})).peers == ""
