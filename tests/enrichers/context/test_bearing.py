from __future__ import annotations

from typing import Any

import pytest

from enrichers.context.bearing import MAX_FACT, MAX_FACTS, bearing_of
from enrichers.context.enricher import ContextEnricher
from enrichers.context.known import Asset, Identity, Interval
from tests.enrichers.events import NOON, connection, enriched, event, sign_in

ASSETS = (
    Asset(
        "web01", names=("web01",), criticality="critical", owner="bob@example.com", sensitivity=("cardholder", "health")
    ),
    Asset("db01", names=("db01",), criticality="high", environment="production"),
    Asset("ws1", names=("ws1",), criticality="low"),
    Asset("x", names=("long",), owner="o" * 500),
)
PEOPLE = (
    Identity("a", names=("alice",), privileged=True, peer_group="payments", leave=(Interval(NOON, NOON + 1),)),
    Identity("b", names=("bob",), service_account=True),
)
CONTEXT = ContextEnricher(ASSETS, PEOPLE)


def borne(given_event: Any) -> tuple[dict[str, str], int, int, int]:
    """Return the facts, and what becomes of a risk of 0, 40 and 95."""
    found = bearing_of(given_event.ocsf, enriched(given_event, CONTEXT).event.ocsf)
    facts = {name.removeprefix("braid.context."): fact for name, fact in found.facts}
    return (facts, *map(found.raised, (0, 40, 95)))


def test_facts_are_named_by_the_object_they_are_about() -> None:
    user = {"name": "alice"}
    assert borne(sign_in(user=user, dst_endpoint={"hostname": "web01"})) == (
        {
            "dst_endpoint.criticality": "critical",
            "dst_endpoint.owner": "bob@example.com",
            "dst_endpoint.sensitivity": "cardholder, health",
            "user.peer_group": "payments",
            "user.is_privileged": "true",
            "user.is_on_leave": "true",
        },
        0,
        55,
        100,
    )


@pytest.mark.parametrize(
    ("names", "risk"),
    [(("web01", "db01"), 50), (("db01", "ws1"), 45), (("ws1", "ws1"), 40), (("db01", "db01"), 45), (("no", "ne"), 40)],
)
def test_the_most_critical_asset_counts_once(names: tuple[str, str], risk: int) -> None:
    ends = {name: {"hostname": host} for name, host in zip(("src_endpoint", "dst_endpoint"), names, strict=True)}
    _, _, raised, _ = borne(connection(**ends))
    assert raised == risk


def test_a_service_account_is_told_and_raises_nothing() -> None:
    facts, _, raised, _ = borne(sign_in(user={"name": "bob"}, src_endpoint={"ip": "192.0.2.1"}))
    assert (facts, raised) == ({"user.is_service_account": "true"}, 40)


def test_what_a_source_says_of_itself_raises_nothing() -> None:
    forged = {
        "name": "user.name",
        "value": "x",
        "type": "identity",
        "data": {"user": {"uid": "x", "is_privileged": True}},
        "provider": "braid",
    }
    facts, _, raised, _ = borne(sign_in(user={"name": "mallory"}, enrichments=[forged]))
    assert (facts, raised) == ({}, 40)
    facts, _, raised, _ = borne(sign_in(user={"name": "bob"}, enrichments=[forged]))
    assert (facts, raised) == ({"user.is_service_account": "true"}, 40)


def test_facts_are_few_and_short() -> None:
    assert borne(connection(src_endpoint={"hostname": "long"}))[0] == {"src_endpoint.owner": "o" * MAX_FACT}
    many = ContextEnricher(Asset(f"x{n}", names=(f"x{n}",), criticality="high", owner="bob") for n in range(8))
    call = {"operation": "x"}
    given_event = event(
        6003,
        api=call,
        actor={"app_name": "x"},
        src_endpoint={"ip": "192.0.2.1"},
        resources=[{"name": f"x{n}"} for n in range(8)],
    )
    found = bearing_of(given_event.ocsf, enriched(given_event, many).event.ocsf)
    assert len(found.facts) == MAX_FACTS


def test_who_stands_in_several_places_is_told_once() -> None:
    user = {"name": "bob"}
    given_event = sign_in(user=user, actor={"user": user}, src_endpoint={"ip": "192.0.2.1"})
    assert borne(given_event)[0] == {"user.is_service_account": "true"}
