from __future__ import annotations

import copy
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from models.event import Event, LogSource
from models.records import TIME_FROM_BROKER, Context, ParseError
from streams.detect.record import Record
from streams.sources.kubernetes.audit import SOURCE
from tests.sources import fuzz, parsing
from tests.sources.parsing import NOON, logs, names

POD_UID = "5b9488ae-5563-42aa-850b-b0d82edb3e22"
AUDIT_ID = "3b2c1a90-1111-4222-8333-444455556666"
ARN = "arn:aws:sts::123456789012:assumed-role/ops/alice"
GET: dict[str, Any] = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Metadata",
    "auditID": AUDIT_ID,
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/shop/secrets/db?x=1",
    "verb": "get",
    "user": {"username": "alice@example.com", "uid": "u-1", "groups": ["devs", "system:authenticated"]},
    "sourceIPs": ["203.0.113.7", "10.0.0.9"],
    "userAgent": "kubectl/v1.30.0",
    "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db", "apiVersion": "v1"},
    "responseStatus": {"metadata": {}, "code": 200},
    "requestReceivedTimestamp": "2024-06-15T12:00:00.123456Z",
    "stageTimestamp": "2024-06-15T12:00:01.000000Z",
    "annotations": {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": 'RBAC: allowed by RoleBinding "devs/shop"',
    },
}
ACCOUNT: dict[str, Any] = {
    "username": "system:serviceaccount:shop:web",
    "uid": "7c0e0000-0000-4000-8000-000000000001",
    "groups": ["system:serviceaccounts"],
    "extra": {
        "authentication.kubernetes.io/pod-name": ["web-1"],
        "authentication.kubernetes.io/pod-uid": [POD_UID],
        "authentication.kubernetes.io/credential-id": ["JTI=0f1e"],
    },
}
EXEC: dict[str, Any] = {
    **GET,
    "verb": "create",
    "requestURI": "/api/v1/namespaces/shop/pods/web-1/exec?command=%2Fbin%2Fsh&command=-c&command=id&container=app",
    "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web-1", "apiVersion": "v1"},
    "responseStatus": {"code": 101},
}
POD: dict[str, Any] = {
    **GET,
    "verb": "create",
    "objectRef": {"resource": "pods", "namespace": "shop", "apiVersion": "v1"},
    "requestObject": {
        "metadata": {"generateName": "job-"},
        "spec": {
            "volumes": [{"name": "h", "hostPath": {"path": "/var/run"}}],
            "containers": [
                {
                    "name": "app",
                    "image": "registry.example.com:5000/app/web:1.2",
                    "securityContext": {"privileged": True, "capabilities": {"add": ["SYS_ADMIN"]}},
                }
            ],
        },
    },
    "responseObject": {"metadata": {"name": "job-x7", "uid": POD_UID}},
    "responseStatus": {"code": 201},
}
BINDING: dict[str, Any] = {
    **GET,
    "verb": "create",
    "objectRef": {
        "resource": "clusterrolebindings",
        "name": "all",
        "apiGroup": "rbac.authorization.k8s.io",
        "apiVersion": "v1",
    },
    "requestObject": {
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [
            {"kind": "ServiceAccount", "name": "web", "namespace": "shop"},
            {"kind": "User", "name": "bob@example.com"},
        ],
    },
    "responseStatus": {"code": 201},
}
TOKEN: dict[str, Any] = {
    **GET,
    "verb": "create",
    "user": {"username": "system:node:node-a", "groups": ["system:nodes"]},
    "objectRef": {"resource": "serviceaccounts", "subresource": "token", "namespace": "shop", "name": "web"},
    "annotations": {"authentication.kubernetes.io/issued-credential-id": "JTI=77aa"},
    "responseObject": {"status": {"expirationTimestamp": "2024-06-15T13:00:00Z"}},
    "responseStatus": {"code": 201},
}
REFUSED: dict[str, Any] = {
    **GET,
    "user": {},
    "responseStatus": {"code": 401, "status": "Failure", "reason": "Unauthorized"},
}
AS_OTHER: dict[str, Any] = {**GET, "impersonatedUser": {"username": "system:admin", "groups": ["system:masters"]}}
AZURE: dict[str, Any] = {
    "time": "2024-06-15T12:00:02Z",
    "category": "kube-audit",
    "operationName": "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
    "resourceId": "/SUBSCRIPTIONS/0AB1/RESOURCEGROUPS/rg/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/one",
    "properties": {"log": json.dumps(GET), "stream": "stdout", "pod": "kube-apiserver-1"},
}
TABLE: dict[str, Any] = {
    "Type": "AKSAudit",
    "AuditId": AUDIT_ID,
    "Verb": "list",
    "Stage": "ResponseComplete",
    "RequestUri": "/api/v1/secrets",
    "SourceIps": ["203.0.113.7"],
    "User": {"username": "alice@example.com"},
    "ObjectRef": {"resource": "secrets"},
    "ResponseStatus": {"code": 200},
    "RequestReceivedTime": "2024-06-15T12:00:00Z",
    "_ResourceId": "/subscriptions/0ab1/resourcegroups/rg",
}
REVIEW: dict[str, Any] = {
    **GET,
    "verb": "create",
    "user": {"username": "system:kube-scheduler"},
    "objectRef": {"resource": "tokenreviews", "apiGroup": "authentication.k8s.io"},
    "responseObject": {"status": {"authenticated": True, "user": {"username": "bob@example.com"}}},
}
RECORDS = (GET, EXEC, POD, BINDING, TOKEN, REFUSED, AS_OTHER, AZURE, TABLE, REVIEW, {**GET, "user": ACCOUNT})


raw = partial(parsing.raw, SOURCE)
events = partial(parsing.events, SOURCE)
one = partial(parsing.one, SOURCE)


def test_a_read_secret() -> None:
    event = one(GET)
    ocsf = event.ocsf
    assert (event.class_uid, ocsf["activity_id"], event.time) == (6003, 2, NOON + 123)
    assert ocsf["end_time"] == NOON + 1000
    assert event.logsource == LogSource("kubernetes", "audit")
    assert ocsf["actor"]["user"]["name"] == "alice@example.com"
    assert [group["name"] for group in ocsf["actor"]["user"]["groups"]] == ["devs", "system:authenticated"]
    assert ocsf["actor"]["authorizations"][0]["decision"] == "allow"
    assert ocsf["src_endpoint"] == {"ip": "203.0.113.7", "intermediate_ips": ["10.0.0.9"]}
    assert ocsf["api"]["operation"] == "get secrets"
    assert ocsf["resources"] == [{"name": "db", "type": "secrets", "namespace": "shop"}]
    assert ocsf["http_request"]["url"] == {"path": "/api/v1/namespaces/shop/secrets/db", "query_string": "x=1"}
    assert ocsf["http_request"]["user_agent"] == "kubectl/v1.30.0"
    assert (ocsf["status"], ocsf["status_code"]) == ("Success", "200")
    assert ocsf["metadata"]["original_event_uid"] == ocsf["metadata"]["correlation_uid"] == AUDIT_ID
    assert ocsf["unmapped"]["stage"] == "ResponseComplete"
    assert names(event) == {"user:alice@example.com", "ip:203.0.113.7"}


def test_a_command_in_a_pod_names_the_pod_and_the_command() -> None:
    event = one(EXEC)
    assert (event.class_uid, event.ocsf["activity_id"], event.ocsf["activity_name"]) == (6003, 99, "exec")
    assert event.ocsf["dst_endpoint"]["container"] == {"name": "app", "orchestrator": "Kubernetes"}
    assert event.ocsf["http_request"]["args"] == "/bin/sh -c id"
    assert "workload:shop/web-1" in names(event)


def test_the_pod_that_a_service_account_calls_from_is_the_pod_that_was_entered() -> None:
    event = one({**GET, "user": ACCOUNT})
    assert event.ocsf["actor"]["user"]["type_id"] == 4
    assert event.ocsf["actor"]["session"]["uid"] == "JTI=0f1e"
    assert event.ocsf["src_endpoint"]["container"]["pod_uuid"] == POD_UID
    expected = {"workload:shop/web-1", f"workload:{POD_UID}", "session:jti=0f1e", "user:system:serviceaccount:shop:web"}
    assert expected <= names(event)


def test_a_pod_with_its_images_and_its_ways_out() -> None:
    event = one(POD)
    (container,) = event.ocsf["api"]["request"]["containers"]
    assert container["image"] == {
        "uid": "registry.example.com:5000/app/web:1.2",
        "name": "registry.example.com:5000/app/web",
        "tag": "1.2",
    }
    assert event.ocsf["resources"][0]["name"] == "job-x7"
    assert Record(event.native).values("hostPath") == ("/var/run",)
    assert Record(event.native).values("capabilities") == ("SYS_ADMIN",)
    assert "workload:shop/job-x7" in names(event)


def test_a_role_given_is_user_access() -> None:
    event = one(BINDING)
    assert (event.class_uid, event.ocsf["activity_id"]) == (3005, 1)
    assert event.ocsf["user"]["name"] == "system:serviceaccount:shop:web"
    assert event.ocsf["privileges"] == ["ClusterRole/cluster-admin"]
    assert {"name": "bob@example.com", "type": "subject"} in event.ocsf["resources"]
    assert Record(event.native).values("apiGroup") == ("rbac.authorization.k8s.io",)


@pytest.mark.parametrize(
    ("verb", "changes", "expected"),
    [
        ("create", {"subjects": [{"kind": "Group", "name": "devs"}]}, (3006, 1)),
        ("delete", {}, (3005, 2)),
        ("patch", {}, (3005, 99)),
        ("create", {"subjects": None}, (6003, 1)),
        ("list", {}, (6003, 2)),
    ],
)
def test_bindings(verb: str, changes: dict[str, Any], expected: tuple[int, int]) -> None:
    event = one({**BINDING, "verb": verb, "requestObject": {**BINDING["requestObject"], **changes}})
    assert (event.class_uid, event.ocsf["activity_id"]) == expected


@pytest.mark.parametrize(
    ("verb", "resource", "subresource", "expected"),
    [
        ("create", "serviceaccounts", "", (3001, 1)),
        ("delete", "serviceaccounts", "", (3001, 6)),
        ("patch", "serviceaccounts", "", (6003, 3)),
        ("create", "pods", "attach", (6003, 99)),
        ("get", "nodes", "proxy", (6003, 99)),
        ("create", "pods", "eviction", (6003, 4)),
        ("create", "selfsubjectrulesreviews", "", (6003, 2)),
        ("deletecollection", "events", "", (6003, 4)),
        ("watch", "pods", "", (6003, 2)),
        ("escalate", "roles", "", (6003, 99)),
    ],
)
def test_verbs_and_resources(verb: str, resource: str, subresource: str, expected: tuple[int, int]) -> None:
    about = {"resource": resource, "subresource": subresource, "namespace": "shop", "name": "one"}
    event = one({**GET, "verb": verb, "objectRef": about})
    assert (event.class_uid, event.ocsf["activity_id"]) == expected
    if expected[1] == 99:
        assert event.ocsf["activity_name"] in {subresource, verb}


def test_a_request_without_a_valid_credential_is_a_failed_logon() -> None:
    event = one(REFUSED)
    assert (event.class_uid, event.ocsf["activity_id"], event.ocsf["status_id"]) == (3002, 1, 2)
    assert names(event) == {"ip:203.0.113.7"}
    event = one({**GET, "user": {"username": "system:anonymous"}, "responseStatus": {"code": 403}})
    assert (event.class_uid, event.ocsf["user"]["name"]) == (3002, "system:anonymous")
    assert names(event) == {"ip:203.0.113.7"}


def test_who_may_not_is_no_failed_logon_and_who_need_not_say_who_they_are_neither() -> None:
    assert one({**GET, "responseStatus": {"code": 403}}).ocsf["status_id"] == 2
    assert one({**GET, "responseStatus": {"code": 403}}).class_uid == 6003
    assert one({**GET, "user": {"username": "system:anonymous"}}).class_uid == 6003


def test_a_token_issued_opens_a_session() -> None:
    event = one(TOKEN)
    assert (event.class_uid, event.ocsf["activity_id"]) == (3002, 3)
    assert event.ocsf["user"]["name"] == "system:serviceaccount:shop:web"
    assert event.ocsf["session"] == {"uid": "JTI=77aa", "expiration_time": NOON + 3_600_000}
    assert {"host:node-a", "session:jti=77aa", "user:system:node:node-a"} <= names(event)


def test_a_token_checked() -> None:
    assert one(REVIEW).ocsf["user"]["name"] == "bob@example.com"
    refused = {**REVIEW, "responseObject": {"status": {"error": "token expired"}}}
    assert (one(refused).class_uid, one(refused).ocsf["status_id"]) == (3002, 2)
    assert one({**REVIEW, "responseObject": None}).class_uid == 6003


def test_a_request_on_behalf_of_another_is_two_events() -> None:
    request, switch = events(AS_OTHER)
    assert request.class_uid == 6003
    assert (switch.class_uid, switch.ocsf["activity_id"]) == (3002, 7)
    assert switch.ocsf["user"]["name"] == "system:admin"
    assert switch.ocsf["actor"]["user"]["name"] == "alice@example.com"
    assert switch.uid != request.uid
    assert not Record(switch.native).has("verb")


def test_azure() -> None:
    event = one(AZURE)
    assert event.ocsf["cloud"] == {"provider": "Azure", "account": {"uid": "0ab1", "type_id": 13}}
    assert (event.time, event.native["verb"]) == (NOON + 123, "get")
    assert "account:0ab1" in names(event)
    row = one(TABLE)
    assert (row.ocsf["api"]["operation"], row.ocsf["http_request"]["url"]["path"]) == (
        "list secrets",
        "/api/v1/secrets",
    )
    assert row.ocsf["src_endpoint"]["ip"] == "203.0.113.7"


def test_eks_names_the_account_and_the_principal_of_aws() -> None:
    user = {"username": "ops:alice", "extra": {"arn": [ARN], "accessKeyId": ["ASIAEXAMPLE000000002"]}}
    event = one({**GET, "user": user})
    assert {f"user:{ARN}", "session:asiaexample000000002", "account:123456789012"} <= names(event)
    envelope = {"logGroup": "/aws/eks/one/cluster", "owner": "210987654321"}
    assert "account:210987654321" in names(one(GET, Context(envelope=envelope)))


def test_what_is_not_an_audit_event_is_refused() -> None:
    for value in (
        {"kind": "Event", "apiVersion": "v1", "involvedObject": {"kind": "Pod"}, "reason": "Killing"},
        {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [GET]},
        {"category": "kube-audit", "properties": {"log": 7}},
        {"verb": "get"},
    ):
        assert not SOURCE.recognize(b"", value)
        assert isinstance(SOURCE.parse(raw(value)), ParseError)
    assert not SOURCE.recognize(b"x", None)


def test_without_a_time_the_brokers_counts() -> None:
    value = {"kind": "Event", "verb": "get", "objectRef": {"resource": "pods"}}
    event = SOURCE.parse(raw(value, broker_time=NOON))
    assert isinstance(event, Event)
    assert event.ocsf["metadata"]["labels"] == [TIME_FROM_BROKER]
    assert isinstance(SOURCE.parse(raw(value)), ParseError)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, RECORDS)
    fuzz.every_part_wrong(SOURCE, (BINDING, AS_OTHER))
    fuzz.anything(SOURCE, 100)
    fuzz.too_much(SOURCE, copy.deepcopy(POD), ("verb", "requestURI", "user", "sourceIPs", "objectRef", "annotations"))


def test_shared_records(shared: Path) -> None:
    own = [log for log in logs(shared, "kubernetes", "aws_eks") if "protoPayload" not in log]
    if not own:
        pytest.skip("left out: the recorded Kubernetes audit events are not there")
    for log in own:
        assert events(log, broker_time=NOON)
