from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.event import LogSource
from models.records import TIME_FROM_BROKER, ParseError
from streams.detect.record import Record
from streams.sources.google.audit import SOURCE
from tests.sources import fuzz
from tests.sources.parsing import NOON, events, kind, logs, names, one, raw

ROBOT = "svc-backup@one-project.iam.gserviceaccount.com"
PAYLOAD: dict[str, Any] = {
    "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
    "status": {},
    "authenticationInfo": {"principalEmail": "alice@example.com", "principalSubject": "user:alice@example.com"},
    "requestMetadata": {
        "callerIp": "203.0.113.7",
        "callerSuppliedUserAgent": "google-cloud-sdk gcloud/470.0.0",
        "callerNetwork": "//compute.googleapis.com/projects/one-project/global/networks/__unknown__",
    },
    "serviceName": "storage.googleapis.com",
    "methodName": "storage.buckets.delete",
    "authorizationInfo": [
        {"resource": "projects/_/buckets/logs", "permission": "storage.buckets.delete", "granted": True}
    ],
    "resourceName": "projects/_/buckets/logs",
    "resourceLocation": {"currentLocations": ["europe-north1"]},
}
ENTRY: dict[str, Any] = {
    "protoPayload": PAYLOAD,
    "insertId": "abc123",
    "resource": {"type": "gcs_bucket", "labels": {"project_id": "one-project", "bucket_name": "logs"}},
    "timestamp": "2024-06-15T12:00:00.123456789Z",
    "severity": "NOTICE",
    "logName": "projects/one-project/logs/cloudaudit.googleapis.com%2Factivity",
    "operation": {"id": "op-1", "producer": "storage.googleapis.com", "first": True},
    "receiveTimestamp": "2024-06-15T12:00:01Z",
}


def entry(payload: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**ENTRY, "protoPayload": {**PAYLOAD, **payload}, **fields}


POLICY = entry(
    {
        "serviceName": "cloudresourcemanager.googleapis.com",
        "methodName": "SetIamPolicy",
        "resourceName": "projects/one-project",
        "serviceData": {
            "policyDelta": {
                "bindingDeltas": [
                    {"action": "REMOVE", "role": "roles/viewer", "member": "user:carol@example.com"},
                    {"action": "ADD", "role": "roles/owner", "member": f"serviceAccount:{ROBOT}"},
                    {"action": "ADD", "role": "roles/editor", "member": f"serviceAccount:{ROBOT}"},
                ]
            }
        },
    }
)
KEY = entry(
    {
        "serviceName": "iam.googleapis.com",
        "methodName": "google.iam.admin.v1.CreateServiceAccountKey",
        "resourceName": f"projects/-/serviceAccounts/{ROBOT}",
        "authenticationInfo": {
            "principalEmail": ROBOT,
            "serviceAccountKeyName": f"//iam.googleapis.com/projects/one-project/serviceAccounts/{ROBOT}/keys/0af1",
            "serviceAccountDelegationInfo": [{"firstPartyPrincipal": {"principalEmail": "alice@example.com"}}],
        },
    },
    resource={
        "type": "service_account",
        "labels": {"email_id": ROBOT, "unique_id": "10101", "project_id": "one-project"},
    },
)
TOKEN = entry(
    {"serviceName": "iamcredentials.googleapis.com", "methodName": "GenerateAccessToken"}, resource=KEY["resource"]
)
EXEC = entry(
    {
        "serviceName": "k8s.io",
        "methodName": "io.k8s.core.v1.pods.exec.create",
        "resourceName": "core/v1/namespaces/shop/pods/web-1/exec",
        "requestMetadata": {"callerIp": "203.0.113.7", "callerSuppliedUserAgent": "kubectl/v1.30.0"},
    },
    resource={
        "type": "k8s_cluster",
        "labels": {"cluster_name": "one", "location": "europe-north1", "project_id": "p1"},
    },
)
BINDING = entry(
    {
        "serviceName": "k8s.io",
        "methodName": "io.k8s.authorization.rbac.v1.clusterrolebindings.create",
        "resourceName": "rbac.authorization.k8s.io/v1/clusterrolebindings/all",
        "request": {
            "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "User", "name": "bob@example.com"}],
        },
    }
)
INSTANCE = entry(
    {
        "serviceName": "compute.googleapis.com",
        "methodName": "v1.compute.instances.setMetadata",
        "resourceName": "projects/one-project/zones/europe-north1-a/instances/web-1",
    },
    resource={"type": "gce_instance", "labels": {"instance_id": "3141592653589793238", "zone": "europe-north1-a"}},
)
RECORDS = (ENTRY, POLICY, KEY, TOKEN, EXEC, BINDING, INSTANCE)


def test_an_admin_activity() -> None:
    event = one(SOURCE, ENTRY)
    ocsf = event.ocsf
    assert (kind(event), event.time) == ((6003, 4), NOON + 123)
    assert ocsf["actor"]["user"]["email_addr"] == "alice@example.com"
    assert ocsf["src_endpoint"] == {"ip": "203.0.113.7"}
    assert (ocsf["api"]["operation"], ocsf["api"]["service"]["name"]) == (
        "storage.buckets.delete",
        "storage.googleapis.com",
    )
    assert ocsf["resources"] == [{"uid": "projects/_/buckets/logs", "name": "logs", "type": "gcs_bucket"}]
    assert ocsf["cloud"]["account"] == {"uid": "one-project", "type_id": 11}
    assert ocsf["cloud"]["region"] == "europe-north1"
    assert (ocsf["status_id"], ocsf["severity_id"]) == (1, 1)
    metadata = ocsf["metadata"]
    assert (metadata["original_event_uid"], metadata["correlation_uid"]) == ("abc123", "op-1")
    assert (metadata["log_name"], metadata["logged_time"]) == ("cloudaudit.googleapis.com/activity", NOON + 1000)
    assert ocsf["unmapped"]["authorizationInfo"] == PAYLOAD["authorizationInfo"]
    assert names(event) == {"user:alice@example.com", "ip:203.0.113.7", "account:one-project"}


def test_names_that_rules_use() -> None:
    event = one(SOURCE, ENTRY)
    assert event.logsource == LogSource("gcp", "gcp.audit")
    record = Record(event.native)
    assert record.values("gcp.audit.method_name") == ("storage.buckets.delete",)
    assert record.values("data.protoPayload.authorizationInfo.permission") == ("storage.buckets.delete",)
    assert record.texts("data.protoPayload.authorizationInfo.granted") == ("true",)
    assert "cloudaudit.googleapis.com/activity" in record.values("data.protoPayload.logName")
    assert "cloudaudit.googleapis.com%2Factivity" in record.values("data.protoPayload.logName")
    assert record.values("data.protoPayload.resource.type") == ("gcs_bucket",)
    assert record.values("protoPayload.methodName") == ("storage.buckets.delete",)


def test_a_role_given() -> None:
    event = one(SOURCE, POLICY)
    assert kind(event) == (3005, 1)
    assert event.ocsf["user"]["name"] == ROBOT
    assert event.ocsf["privileges"] == ["roles/owner", "roles/editor"]
    assert {"name": "user:carol@example.com", "type": "member", "role": "roles/viewer"} in event.ocsf["resources"]
    assert f"user:{ROBOT}" in names(event)


@pytest.mark.parametrize(
    ("delta", "expected", "entity"),
    [
        (
            {"action": "REMOVE", "role": "roles/owner", "member": "user:bob@example.com"},
            (3005, 2),
            "user:bob@example.com",
        ),
        ({"action": "ADD", "role": "roles/owner", "member": "bob@example.com"}, (3005, 1), "user:bob@example.com"),
        ({"action": "ADD", "role": "roles/owner", "member": "group:devs@example.com"}, (3006, 1), None),
        ({"action": "ADD", "role": "roles/run.invoker", "member": "allUsers"}, (3005, 1), None),
        ({"action": "ADD"}, (6003, 3), None),
    ],
)
def test_members(delta: dict[str, Any], expected: tuple[int, int], entity: str | None) -> None:
    event = one(
        SOURCE, entry({"methodName": "SetIamPolicy", "serviceData": {"policyDelta": {"bindingDeltas": [delta]}}})
    )
    assert kind(event) == expected
    assert {name for name in names(event) if name.startswith("user:")} - {"user:alice@example.com"} == {entity} - {None}


def test_a_key_made_by_a_service_account_that_another_was_delegated_to() -> None:
    event = one(SOURCE, KEY)
    assert (kind(event), event.ocsf["activity_name"]) == ((3001, 99), "google.iam.admin.v1.CreateServiceAccountKey")
    assert event.ocsf["user"] == {"name": ROBOT, "uid": "10101", "email_addr": ROBOT, "type_id": 4}
    assert event.ocsf["actor"]["session"] == {"credential_uid": "0af1", "issuer": "alice@example.com"}
    assert {"session:0af1", f"user:{ROBOT}"} <= names(event)


def test_a_token_for_a_service_account() -> None:
    event = one(SOURCE, TOKEN)
    assert kind(event) == (3002, 3)
    assert {"user:alice@example.com", f"user:{ROBOT}"} <= names(event)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("google.iam.admin.v1.CreateServiceAccount", (3001, 1)),
        ("google.iam.admin.v1.DisableServiceAccount", (3001, 5)),
        ("google.iam.admin.v1.DeleteServiceAccount", (3001, 6)),
        ("v1.compute.firewalls.insert", (6003, 1)),
        ("beta.compute.instances.aggregatedList", (6003, 2)),
        ("google.cloud.bigquery.v2.JobService.InsertJob", (6003, 1)),
        ("google.logging.v2.ConfigServiceV2.UpdateSink", (6003, 3)),
        ("google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion", (6003, 99)),
        ("projects.content.reidentify", (6003, 99)),
    ],
)
def test_methods(method: str, expected: tuple[int, int]) -> None:
    event = one(SOURCE, entry({"methodName": method, "resourceName": f"projects/p1/serviceAccounts/{ROBOT}"}))
    assert kind(event) == expected
    if expected[1] == 99:
        assert event.ocsf["activity_name"] == method


def test_gke_speaks_as_kubernetes() -> None:
    event = one(SOURCE, EXEC)
    assert (kind(event), event.ocsf["activity_name"]) == ((6003, 99), "exec")
    assert event.ocsf["resources"] == [{"name": "web-1", "type": "pods/exec", "namespace": "shop"}]
    assert {"workload:shop/web-1", "account:p1"} <= names(event)
    event = one(SOURCE, BINDING)
    assert (kind(event), event.ocsf["privileges"]) == ((3005, 1), ["ClusterRole/cluster-admin"])
    assert event.ocsf["api"]["group"] == {"name": "rbac.authorization.k8s.io"}
    anonymous = {"authenticationInfo": {"principalEmail": "system:anonymous"}, "status": {"code": 7}}
    event = one(SOURCE, {**EXEC, "protoPayload": {**EXEC["protoPayload"], **anonymous}})
    assert (kind(event), event.ocsf["status_id"]) == ((3002, 1), 2)


@pytest.mark.parametrize(
    ("method", "group", "resource"),
    [
        ("io.k8s.core.v1.secrets.create", None, "secrets"),
        ("io.k8s.batch.v1.cronjobs.create", "batch", "cronjobs"),
        (
            "io.k8s.admissionregistration.v1.mutatingwebhookconfigurations.create",
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations",
        ),
        ("com.example.shop.v1beta1.carts.create", "shop.example.com", "carts"),
        ("io.k8s.get", None, None),
    ],
)
def test_groups_of_kubernetes(method: str, group: str | None, resource: str | None) -> None:
    event = one(SOURCE, entry({"serviceName": "k8s.io", "methodName": method, "resourceName": "x"}))
    assert event.ocsf["api"].get("group", {}).get("name") == group
    assert [item["type"] for item in event.ocsf.get("resources", [])] == ([resource] if resource else [])
    assert method in Record(event.native).values("gcp.audit.method_name")
    if group:
        found = Record(event.native).values("gcp.audit.method_name")
        assert any(str(name).startswith(f"{group}.v1") for name in found)


def test_a_virtual_machine() -> None:
    assert "workload:3141592653589793238" in names(one(SOURCE, INSTANCE))


def test_failures() -> None:
    event = one(SOURCE, entry({"status": {"code": 7, "message": "PERMISSION_DENIED"}}, severity="ERROR"))
    assert (kind(event), event.ocsf["status_id"], event.ocsf["severity_id"]) == ((6003, 4), 2, 2)
    assert (event.ocsf["status_code"], event.ocsf["status_detail"]) == ("7", "PERMISSION_DENIED")
    event = one(SOURCE, entry({"status": {"code": 16}, "authenticationInfo": {}}))
    assert (kind(event), event.ocsf["user"], event.ocsf["status_id"]) == ((3002, 1), {"name": "unknown"}, 2)
    refused = {name: value for name, value in PAYLOAD.items() if name != "status"}
    refused["authorizationInfo"] = [{"permission": "x.y.z", "granted": False}]
    assert one(SOURCE, {**ENTRY, "protoPayload": refused}).ocsf["status_id"] == 2
    refused["authorizationInfo"] = []
    denied = {**ENTRY, "protoPayload": refused, "logName": "projects/p1/logs/cloudaudit.googleapis.com%2Fpolicy"}
    assert one(SOURCE, denied).ocsf["status_id"] == 2


def test_other_forms() -> None:
    lowered = {name.lower(): value for name, value in ENTRY.items()}
    assert one(SOURCE, lowered).ocsf["metadata"]["original_event_uid"] == "abc123"
    export = {"protopayload_auditlog": PAYLOAD, "timestamp": "2024-06-15 12:00:00 UTC"}
    assert one(SOURCE, export).time == NOON
    assert one(SOURCE, {"data": ENTRY, "publish_time": 1.0}).time == NOON + 123
    bare = one(SOURCE, {"methodName": "v1.compute.firewalls.insert"}, broker_time=NOON)
    assert (kind(bare), bare.ocsf["metadata"]["labels"]) == ((6003, 1), [TIME_FROM_BROKER])


def test_what_is_no_audit_log_is_refused() -> None:
    for value in (
        {"jsonPayload": {"message": "x"}, "operation": {"producer": "y"}, "timestamp": "2024-06-15T12:00:00Z"},
        {"protoPayload": {"@type": "type.googleapis.com/google.appengine.logging.v1.RequestLog", "method": "GET"}},
        {"protoPayload": "..."},
        {},
    ):
        assert not SOURCE.recognize(b"", value)
        assert isinstance(SOURCE.parse(raw(SOURCE, value)), ParseError)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, RECORDS)
    fuzz.every_part_wrong(SOURCE, (POLICY, KEY))
    fuzz.anything(SOURCE, 100)
    fuzz.too_much(SOURCE, {**ENTRY}, ("protoPayload", "resource", "logName", "insertId", "operation", "severity"))
    fuzz.too_much(SOURCE, PAYLOAD, ("methodName", "resourceName", "authorizationInfo", "authenticationInfo"))


def test_shared_records(shared: Path) -> None:
    found = [
        log for log in logs(shared, "gcp_audit", "gcp_k8s", "kubernetes", "standard") if SOURCE.recognize(b"", log)
    ]
    if not found:
        pytest.skip("left out: the recorded Cloud Audit Logs are not there")
    assert len(found) == sum(
        "protoPayload" in log or "protopayload" in log or "methodName" in log or "operation" in log
        for log in logs(shared, "gcp_audit", "gcp_k8s", "kubernetes", "standard")
    )
    for log in found:
        assert events(SOURCE, log, broker_time=NOON)
