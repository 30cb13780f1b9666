from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from enrichers.entities import entities_of
from models.records import ParseError
from streams.detect.record import Record
from streams.sources.microsoft.azure_activity import SOURCE
from tests.sources import fuzz
from tests.sources.microsoft_records import (
    ALICE_ID,
    BACKUP_ID,
    BLOB,
    CALL,
    CALLS,
    HUB_SIGN_IN,
    KUBE,
    NOON,
    NSG,
    REST_CALL,
    SECRET,
    SUBSCRIPTION,
    TABLE_CALL,
    TENANT,
    VM,
    event,
    record,
)


def test_call() -> None:
    found = event(SOURCE, CALL)
    body = found.ocsf
    assert (body["class_uid"], body["activity_id"], body["activity_name"]) == (6003, 99, "RUNCOMMAND")
    assert found.time == NOON + 500
    assert body["api"]["operation"] == CALL["operationName"]
    assert body["api"]["service"] == {"name": "MICROSOFT.COMPUTE"}
    assert body["actor"]["user"]["name"] == "alice@example.com"
    assert body["actor"]["user"]["uid"] == ALICE_ID
    assert body["actor"]["session"] == {"credential_uid": "AbCdEf0123", "is_mfa": True}
    assert body["cloud"]["account"] == {"uid": SUBSCRIPTION, "type_id": 13}
    assert body["cloud"]["org"] == {"uid": TENANT}
    assert body["resources"][0]["uid"] == VM.upper()
    assert (body["status_id"], body["status"]) == (99, "Start")
    assert body["metadata"]["correlation_uid"] == CALL["correlationId"]
    assert body["raw_data"] == record(SOURCE, CALL).raw.decode()
    assert body["unmapped"]["identity"] == CALL["identity"]
    assert [str(key) for key in entities_of(body)] == [
        f"account:{SUBSCRIPTION}",
        "host:web01",
        "ip:203.0.113.7",
        "session:abcdef0123",
        "user:alice@example.com",
        f"workload:{VM.lower()}",
    ]


def test_call_of_the_rest_api() -> None:
    body = event(SOURCE, REST_CALL).ocsf
    assert (body["activity_id"], body["status_id"]) == (1, 1)
    assert body["actor"]["user"]["uid"] == BACKUP_ID
    assert body["actor"]["user"]["type_id"] == 4
    assert body["src_endpoint"] == {"ip": "203.0.113.8"}
    assert body["metadata"]["original_event_uid"] == "ed-1"
    assert body["metadata"]["logged_time"] == NOON + 300_000
    assert body["http_request"] == {"http_method": "PUT", "uid": "cr-1"}


def test_row_of_log_analytics() -> None:
    body = event(SOURCE, TABLE_CALL).ocsf
    assert (body["activity_id"], body["status_id"], body["status_detail"]) == (4, 2, "Forbidden")
    assert body["actor"]["user"]["name"] == "alice@example.com"
    assert body["actor"]["session"]["credential_uid"] == "AbCdEf0123"


def test_storage() -> None:
    body = event(SOURCE, BLOB).ocsf
    assert (body["activity_id"], body["status_id"], body["status_code"]) == (2, 2, "403")
    assert body["src_endpoint"] == {"ip": "198.51.100.23", "port": 57485}
    assert body["actor"] == {"session": {"credential_uid": "key1(0A1B)"}, "invoked_by": "SAS"}
    assert [resource["uid"] for resource in body["resources"]][1] == "/st1/c/pay.xlsx"
    assert body["http_request"]["user_agent"] == "azcopy/10"


def test_key_vault() -> None:
    body = event(SOURCE, SECRET).ocsf
    assert (body["activity_id"], body["status_id"]) == (2, 1)
    assert body["actor"]["user"]["name"] == "alice@example.com"
    assert body["resources"][1]["uid"] == "https://kv1.vault.azure.net/secrets/db/1"


def test_kubernetes() -> None:
    found = event(SOURCE, KUBE)
    body = found.ocsf
    assert (body["activity_id"], body["metadata"]["original_event_uid"]) == (1, "ka-1")
    assert body["actor"]["user"]["name"] == "alice@example.com"
    assert body["src_endpoint"] == {"ip": "203.0.113.7"}
    assert body["resources"][1]["uid"] == "default/pods/web/exec"
    assert (found.logsource.product, found.logsource.service) == ("kubernetes", "audit")
    assert Record(found.native).texts("objectRef.subresource") == ("exec",)


@pytest.mark.parametrize(
    ("operation", "activity_id"),
    [
        ("Microsoft.Storage/storageAccounts/write", 3),
        ("MICROSOFT.STORAGE/STORAGEACCOUNTS/DELETE", 4),
        ("Microsoft.Storage/storageAccounts/read", 2),
        ("Microsoft.Storage/storageAccounts/listKeys/action", 2),
        ("MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION", 2),
        ("Microsoft.Storage/storageAccounts/regenerateKey/action", 3),
        ("Microsoft.KeyVault/locations/deletedVaults/purge/action", 4),
        ("Microsoft.Authorization/elevateAccess/action", 99),
        ("GetBlob", 2),
        ("PutBlob", 1),
        ("DeleteBlob", 4),
        ("SecretList", 2),
        ("KeyDelete", 4),
        ("Frobnicate", 99),
    ],
)
def test_activity_by_operation(operation: str, activity_id: int) -> None:
    body = event(SOURCE, CALL, operationName=operation).ocsf
    assert body["activity_id"] == activity_id
    assert ("activity_name" in body) == (activity_id == 99)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("operationName", "MICROSOFT.COMPUTE/VIRTUALMACHINES/RUNCOMMAND/ACTION"),
        ("OperationNameValue", "MICROSOFT.COMPUTE/VIRTUALMACHINES/RUNCOMMAND/ACTION"),
        ("CategoryValue", "Administrative"),
        ("ResourceProviderValue", "MICROSOFT.COMPUTE"),
        ("ResourceId", VM.upper()),
        ("properties.message", "Run command"),
    ],
)
def test_fields_of_sigma_s_rules(field: str, text: str) -> None:
    found = event(SOURCE, CALL)
    assert text in Record(found.native).texts(field)
    assert (found.logsource.product, found.logsource.service) == ("azure", "activitylogs")


@pytest.mark.parametrize("value", [{}, {"operationName": ""}, {"time": "2024-06-15T12:00:00Z"}])
def test_what_is_no_call_says_so(value: dict[str, Any]) -> None:
    assert isinstance(SOURCE.parse(record(SOURCE, value, NOON)), ParseError)
    assert not SOURCE.recognize(b"", value)


@pytest.mark.parametrize("value", [HUB_SIGN_IN, NSG])
def test_does_not_recognize_others(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"", value)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, CALLS, 500)
    fuzz.anything(SOURCE, 60)
    fuzz.too_much(SOURCE, CALL, ("identity", "resourceId", "operationName"))


def test_recorded_telemetry(shared: Path) -> None:
    lines = (shared / "data/panther/azure_activity.tests.ndjson").read_bytes().splitlines()
    assert lines
    for line in lines:
        found = event(SOURCE, orjson.loads(line)["log"], NOON)
        assert found.ocsf["src_endpoint"]["ip"]
