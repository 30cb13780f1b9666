"""What API calls and accesses to data count to."""

from __future__ import annotations

from typing import Any

import pytest

from streams.features.principals import operation_of
from tests.features.build import ALICE, amounts, by_entity, distinct, enriched, event, folded, of, values
from tests.features.everything import CALL, HERE, HOME, ISSUER, OBJECT, ROLE, SESSION

WHO = "user:alice@example.com"
POD = {"name": "web-1", "type": "pods/exec", "namespace": "shop"}


def call(at: int = 0, **body: Any) -> Any:
    """Make an API call of alice."""
    return event(6003, 2, at=at, **({"actor": {"user": ALICE}, "api": CALL, "status_id": 1} | body))


def test_a_call_says_what_on_what_where_and_from_where() -> None:
    found = of(WHO, call(resources=[OBJECT], cloud={"region": "eu-north-1"}, src_endpoint=HOME))
    assert amounts(found) == {"api_calls": 1}
    assert values(found) == {
        "operation": {"s3:getobject"},
        "resource": {"arn:aws:s3:::payroll"},
        "region": {"eu-north-1"},
        "source": {"203.0.113.7"},
        "asn": {"AS64500"},
        "country": {"NO"},
    }
    assert distinct(found) == {"operations": 1, "resources": 1, "sources": 1}
    assert len(found.points) == 1


def test_calls_that_failed_are_counted_among_all() -> None:
    assert amounts(of(WHO, call(), call(1, status_id=2))) == {"api_calls": 2, "api_errors": 1}


def test_calls_in_events_of_identity_count_too() -> None:
    made = event(3001, 1, actor={"user": ALICE}, api=CALL, user={"name": "bob"}, status_id=1)
    assert amounts(of(WHO, made)) == {"account_changes": 1, "api_calls": 1}


def test_the_call_that_a_sign_in_is_tells_where_from_once() -> None:
    found = of(WHO, event(3002, 1, user=ALICE, actor={"user": ALICE}, api=CALL, src_endpoint=HERE, status_id=1))
    assert found.values["source"]["203.0.113.7"].amount == 1
    assert amounts(found) == {"sign_ins": 1, "api_calls": 1}


def test_the_call_that_assumes_a_role_tells_where_from_for_both() -> None:
    found = by_entity(event(3002, 3, actor={"user": ALICE}, api=CALL, src_endpoint=HERE, status_id=1, **SESSION))
    assert [values(delta)["source"] for delta in found.values()] == [{"203.0.113.7"}] * 2


def test_sessions_of_one_role_are_peers() -> None:
    found = of(f"user:{ROLE}", call(actor=SESSION))
    assert found.peers == ISSUER
    unnamed = of(f"user:{ROLE}", call(actor={"user": SESSION["user"]}))
    assert unnamed.peers == ROLE.rpartition("/")[0]


def test_what_the_context_knows_of_peers_comes_first() -> None:
    known = {"actor": {"user": {"peer_group": "builders"}}}
    assert of(f"user:{ROLE}", enriched(call(actor=SESSION), known)).peers == "builders"


def test_service_accounts_of_one_namespace_are_peers() -> None:
    name = "system:serviceaccount:shop:web"
    found = of(f"user:{name}", call(actor={"user": {"name": name, "type_id": 4}}))
    assert found.peers == "system:serviceaccount:shop"


@pytest.mark.parametrize(
    ("service", "operation", "told"),
    [
        ("s3.amazonaws.com", "PutBucketPolicy", "s3:putbucketpolicy"),
        ("compute.googleapis.com", "v1.compute.instances.insert", "compute:v1.compute.instances.insert"),
        ("kubernetes", "create pods/exec", "kubernetes:create pods/exec"),
        (
            "MICROSOFT.COMPUTE",
            "Microsoft.Compute/virtualMachines/runCommand/action",
            "microsoft.compute/virtualmachines/runcommand/action",
        ),
        ("", "DoIt", "doit"),
    ],
)
def test_an_operation_is_named_with_its_service(service: str, operation: str, told: str) -> None:
    assert operation_of(service, operation) == told


def test_pods_that_come_and_go_are_their_namespace_and_each_is_counted() -> None:
    pods = [{"name": f"web-{number}", "type": "pods", "namespace": "shop"} for number in range(5)]
    found = of(WHO, *(call(at, resources=[pod]) for at, pod in enumerate(pods)))
    assert values(found)["resource"] == {"pods in shop"}
    assert distinct(found)["resources"] == 5


@pytest.mark.parametrize("kind", ["pods/exec", "pods/attach", "pods/portforward"])
def test_a_command_in_a_container_counts_for_who_ran_it_and_where(kind: str) -> None:
    target = {"instance_uid": "shop/web-1"}
    found = by_entity(call(resources=[POD | {"type": kind}], dst_endpoint=target))
    assert amounts(found[WHO]) == {"api_calls": 1, "execs": 1}
    assert amounts(found["workload:shop/web-1"]) == {"execs": 1}


@pytest.mark.parametrize("body", [{"resources": [POD | {"type": "pods/log"}]}, {"resources": [POD], "status_id": 2}])
def test_what_runs_no_command_is_none(body: dict[str, Any]) -> None:
    found = by_entity(call(dst_endpoint={"instance_uid": "shop/web-1"}, **body))
    assert set(found) == {WHO}
    assert "execs" not in amounts(found[WHO])


def test_calls_of_nobody_in_particular_count_for_nobody() -> None:
    assert folded([call(actor={"invoked_by": "ec2.amazonaws.com"}), call(actor={"user": {"name": "system"}})]) == ()


def test_accesses_to_data_say_which_store_how_much_and_how_many_pieces() -> None:
    def read(at: int, path: str, **body: Any) -> Any:
        store = {"name": "payroll", "file": {"path": path}}
        return event(6005, 1, at=at, actor={"user": ALICE}, databucket=store, status_id=1, src_endpoint=HERE, **body)

    found = of(
        WHO,
        read(0, "a", http_response={"body_length": 100}),
        read(1, "b", query_info={"bytes": 11}),
        read(2, "b", http_response={"body_length": -5}, query_info={"bytes": "7"}),
    )
    assert amounts(found) == {"data_accesses": 3, "data_bytes": 111}
    assert values(found)["data"] == {"payroll"}
    assert distinct(found) == {"data_objects": 2, "sources": 1}


def test_data_that_was_refused_is_not_accessed() -> None:
    assert folded([event(6005, 1, actor={"user": ALICE}, table={"name": "accounts"}, status_id=2)]) == ()


def test_files_of_a_share_are_told_by_the_share() -> None:
    file = {"name": "pay.xlsx", "path": "/sites/hr/pay.xlsx"}
    found = of(WHO, event(6006, 2, actor={"user": ALICE}, file=file, share="/sites/hr/", api=CALL, status_id=1))
    assert values(found)["data"] == {"/sites/hr/"}
    assert amounts(found) == {"data_accesses": 1, "api_calls": 1}
