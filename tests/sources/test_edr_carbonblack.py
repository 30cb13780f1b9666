"""Carbon Black Cloud: endpoint events, alerts, audit log."""

from __future__ import annotations

from typing import Any

import pytest

from enrichers.entities import entities_of
from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DETECTION_FINDING,
    EVENT_LOG_ACTIVITY,
    FILE_ACTIVITY,
    MODULE_ACTIVITY,
    NETWORK_ACTIVITY,
    PROCESS_ACTIVITY,
    REGISTRY_KEY,
    REGISTRY_VALUE,
    SCRIPT_ACTIVITY,
)
from streams.sources.edr.carbonblack import SOURCE
from tests.sources import edr_records as records
from tests.sources import fuzz


def event(value: Any) -> Any:
    return records.parse(SOURCE, value)


def entities(value: Any) -> set[str]:
    return set(map(str, entities_of(event(value).ocsf)))


def test_process() -> None:
    found = event(records.CB_START)
    process = found.ocsf["process"]
    assert (found.class_uid, found.time) == (PROCESS_ACTIVITY, records.NOON_MS + 686)
    assert (process["pid"], process["cmd_line"]) == (4676, "cmd.exe /c whoami")
    assert process["parent_process"]["cmd_line"] == "winword.exe letter.docm"
    assert (found.logsource.product, found.logsource.categories) == ("windows", ("process_creation",))
    assert found.native["Image"] == "c:\\windows\\system32\\cmd.exe"
    assert found.native["ParentImage"] == "c:\\program files\\office\\winword.exe"
    assert found.ocsf["device"]["domain"] == "CORP"
    assert found.ocsf["unmapped"]["device_external_ip"] == "203.0.113.7"
    assert entities(records.CB_START) == {"host:ws-12", "user:corp\\alice"}


def test_connection() -> None:
    found = event(records.CB_NET)
    assert found.ocsf["dst_endpoint"] == {"ip": "198.51.100.9", "port": 443, "hostname": "files.example.com"}
    assert found.ocsf["connection_info"] == {"direction_id": 2, "protocol_name": "tcp", "protocol_num": 6}
    assert found.native["DestinationHostname"] == "files.example.com"


def test_handle_of_another_process() -> None:
    found = event(records.CB_CROSS)
    assert (found.native["SourceImage"], found.native["TargetImage"]) == (
        "c:\\program files\\office\\winword.exe",
        "c:\\windows\\system32\\lsass.exe",
    )
    turned = event(records.CB_CROSS | {"crossproc_target": False})
    assert turned.native["SourceImage"] == "c:\\windows\\system32\\lsass.exe"


@pytest.mark.parametrize(
    ("value", "class_uid", "activity_id"),
    [
        (records.CB_FILE, FILE_ACTIVITY, 1),
        (records.CB_FILE | {"action": "ACTION_FILE_DELETE"}, FILE_ACTIVITY, 4),
        (records.CB_NET, NETWORK_ACTIVITY, 1),
        (records.CB_REG, REGISTRY_VALUE, 2),
        (records.CB_REG | {"action": "ACTION_DELETE_VALUE"}, REGISTRY_VALUE, 4),
        (records.CB_REG | {"action": "ACTION_CREATE_KEY"}, REGISTRY_KEY, 1),
        (records.CB_CROSS, PROCESS_ACTIVITY, 3),
        (records.CB_CROSS | {"crossproc_action": "ACTION_CREATE_REMOTE_THREAD"}, PROCESS_ACTIVITY, 4),
        (records.CB_SCRIPT, SCRIPT_ACTIVITY, 1),
        (records.CB_MODULE, MODULE_ACTIVITY, 1),
        (records.CB_END, PROCESS_ACTIVITY, 2),
        (records.carbon("apicall"), EVENT_LOG_ACTIVITY, 99),
    ],
)
def test_kinds(value: Any, class_uid: int, activity_id: int) -> None:
    found = event(value)
    assert (found.class_uid, found.ocsf["activity_id"]) == (class_uid, activity_id)


def test_unknown_kind_keeps_its_word() -> None:
    assert event(records.carbon("apicall")).ocsf["activity_name"] == "apicall"


def test_alert() -> None:
    found = event(records.CB_ALERT)
    assert (found.class_uid, found.domain, found.time) == (DETECTION_FINDING, "workload", records.NOON_MS)
    assert (found.ocsf["severity_id"], found.ocsf["severity"]) == (4, "8")
    techniques = [item.get("sub_technique", item.get("technique"))["uid"] for item in found.ocsf["attacks"]]
    assert techniques == ["T1059.001", "T1003"]
    assert found.ocsf["disposition"] == "Blocked"
    assert found.ocsf["evidences"][1]["dst_endpoint"] == {"ip": "198.51.100.9"}
    assert entities(records.CB_ALERT) >= {"host:ws-12", "user:alice", "ip:10.0.0.12"}


def test_audit() -> None:
    found = event(records.CB_AUDIT)
    assert (found.class_uid, found.ocsf["activity_id"], found.time) == (ACCOUNT_CHANGE, 1, records.NOON_MS)
    assert entities(records.CB_AUDIT) == {
        "user:alice@example.com",
        "user:svc-backup@example.com",
        "ip:203.0.113.50",
    }


def test_audit_of_a_failed_login_that_was_flagged() -> None:
    value = records.CB_AUDIT | {"description": "Login failed: user alice@example.com logged in badly", "flagged": True}
    found = event(value)
    assert (found.class_uid, found.ocsf["status_id"], found.ocsf["severity_id"]) == (AUTHENTICATION, 2, 3)


def test_audit_of_anything_else() -> None:
    found = event(records.CB_AUDIT | {"description": "Requested sensor update: now"})
    assert (found.class_uid, found.ocsf["activity_name"]) == (API_ACTIVITY, "Requested sensor update")


def test_refused() -> None:
    assert records.refused(SOURCE, {"type": "x"}).field == "type"
    assert not SOURCE.recognize(b"", {"id": "1", "severity": 1})
    assert not SOURCE.recognize(b"", None)


def test_nothing_but_events_and_reasons() -> None:
    fuzz.json_records(SOURCE, records.CARBON, runs=1000)
    fuzz.anything(SOURCE, examples=100)
    fuzz.too_much(SOURCE, records.CB_START, ["target_cmdline", "childproc_hash", "device_name", "process_username"])
    fuzz.too_much(SOURCE, records.CB_ALERT, ["ttps", "reason", "attack_technique"])
    fuzz.too_much(SOURCE, records.CB_AUDIT, ["description"])
