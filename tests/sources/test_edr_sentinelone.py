"""SentinelOne: telemetry, threats, alerts, activities."""

from __future__ import annotations

from typing import Any

import pytest

from enrichers.entities import entities_of
from models.ocsf_classes import (
    API_ACTIVITY,
    AUTHENTICATION,
    DETECTION_FINDING,
    DNS_ACTIVITY,
    EVENT_LOG_ACTIVITY,
    FILE_ACTIVITY,
    HTTP_ACTIVITY,
    KERNEL_EXTENSION,
    MODULE_ACTIVITY,
    NETWORK_ACTIVITY,
    PROCESS_ACTIVITY,
    REGISTRY_KEY,
    REGISTRY_VALUE,
    SCHEDULED_JOB,
    SCRIPT_ACTIVITY,
)
from streams.sources.edr.sentinelone import SOURCE
from tests.sources import edr_records as records
from tests.sources import fuzz


def event(value: Any) -> Any:
    return records.parse(SOURCE, value)


def entities(value: Any) -> set[str]:
    return set(map(str, entities_of(event(value).ocsf)))


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Nest dotted names; a value under a name that also has members has no place in the nested form and is dropped."""
    made: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        node = made
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return made


def test_process() -> None:
    found = event(records.S1_PROCESS)
    process = found.ocsf["process"]
    assert (found.class_uid, found.ocsf["activity_id"], found.time) == (PROCESS_ACTIVITY, 1, records.NOON_MS)
    assert (process["pid"], process["uid"], process["integrity"]) == (4720, "D004600000000001", "High")
    assert process["parent_process"]["cmd_line"] == "winword.exe letter.docm"
    assert process["parent_process"]["parent_process"]["name"] == "explorer.exe"
    assert found.ocsf["metadata"]["correlation_uid"] == "STORY1"
    assert found.ocsf["metadata"]["original_event_uid"] == "01J0EVENT_41"
    assert found.ocsf["unmapped"]["src.process.childProcCount"] == 3
    assert (found.logsource.product, found.logsource.categories) == ("windows", ("process_creation",))
    assert found.native["ParentImage"] == "C:\\Program Files\\Office\\winword.exe"
    assert found.native["User"] == "CORP\\alice"
    assert entities(records.S1_PROCESS) == {"host:ws-12", "user:corp\\alice"}


def test_blanks_in_types_do_not_matter() -> None:
    found = event(records.S1_PROCESS | {"event.type": "ProcessCreation"})
    assert (found.class_uid, found.ocsf["activity_id"]) == (PROCESS_ACTIVITY, 1)


def test_nested_form() -> None:
    found = event(nested(records.S1_PROCESS))
    assert found.ocsf["process"] == event(records.S1_PROCESS).ocsf["process"]
    assert found.native["tgt.process.cmdline"] == "powershell -enc SQBFAFgA"


def test_connection() -> None:
    found = event(records.S1_CONNECT)
    assert (found.class_uid, found.ocsf["activity_id"]) == (NETWORK_ACTIVITY, 1)
    assert found.ocsf["dst_endpoint"] == {"ip": "198.51.100.9", "port": 443}
    assert (found.native["Initiated"], found.native["Image"]) == ("true", "C:\\Program Files\\Office\\winword.exe")
    failed = event(records.S1_CONNECT | {"event.network.connectionStatus": "FAILURE"})
    assert failed.ocsf["activity_id"] == 4


def test_connection_that_came_in_keeps_its_ends() -> None:
    incoming = records.S1_CONNECT | {
        "event.network.direction": "INCOMING",
        "src.ip.address": "198.51.100.9",
        "dst.ip.address": "10.0.0.12",
    }
    found = event(incoming)
    assert (found.ocsf["src_endpoint"]["ip"], found.ocsf["dst_endpoint"]["ip"]) == ("198.51.100.9", "10.0.0.12")
    assert found.ocsf["connection_info"]["direction_id"] == 1


def test_dns() -> None:
    found = event(records.S1_DNS)
    assert (found.class_uid, found.ocsf["query"]["hostname"]) == (DNS_ACTIVITY, "files.example.com")
    assert [answer["rdata"] for answer in found.ocsf["answers"]] == ["cdn.example.com", "198.51.100.9"]


def test_login() -> None:
    found = event(records.S1_LOGIN)
    assert (found.class_uid, found.ocsf["status_id"], found.ocsf["status_detail"]) == (
        AUTHENTICATION,
        2,
        "bad password",
    )
    assert (found.ocsf["logon_type_id"], found.ocsf["logon_type"]) == (3, "NETWORK")
    assert entities(records.S1_LOGIN) == {"user:corp\\alice", "host:ws-12", "ip:10.0.0.99"}


def test_registry() -> None:
    found = event(records.S1_VALUE)
    assert found.class_uid == REGISTRY_VALUE
    assert found.native["TargetObject"] == "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run\\updater"
    assert found.native["Details"] == "C:\\Users\\Public\\u.exe"
    assert found.ocsf["reg_value"]["name"] == "updater"


@pytest.mark.parametrize(
    ("value", "class_uid", "activity_id"),
    [
        (records.funnel("File Creation", "file", tgt__file__path="C:\\a.exe"), FILE_ACTIVITY, 1),
        (
            records.funnel("File Rename", "file", tgt__file__path="C:\\b.exe", tgt__file__oldPath="C:\\a.exe"),
            FILE_ACTIVITY,
            5,
        ),
        (records.funnel("Module Load", "module", module__path="C:\\x.dll", module__sha1="a" * 40), MODULE_ACTIVITY, 1),
        (records.funnel("Driver Load", "driver", tgt__file__path="C:\\x.sys"), KERNEL_EXTENSION, 1),
        (records.funnel("Registry Key Create", "registry", registry__keyPath="MACHINE\\SOFTWARE\\E"), REGISTRY_KEY, 1),
        (records.funnel("Scheduled Task Register", "scheduled_task", task__name="\\Updater"), SCHEDULED_JOB, 1),
        (records.funnel("Command Script", "command_script", cmdScript__content="IEX 1"), SCRIPT_ACTIVITY, 1),
        (records.funnel("GET", "url", url__address="https://files.example.com/a"), HTTP_ACTIVITY, 3),
        (records.funnel("Remote Thread Creation", "cross_process", tgt__process__uid="X"), PROCESS_ACTIVITY, 4),
        (records.funnel("Open Remote Process Handle", "cross_process", tgt__process__uid="X"), PROCESS_ACTIVITY, 3),
        (records.funnel("Named Pipe Creation", "named_pipe", namedPipe__name="\\\\.\\pipe\\x"), FILE_ACTIVITY, 1),
        (records.funnel("IP Listen", "ip", src__ip__address="10.0.0.12", src__port__number=4444), NETWORK_ACTIVITY, 7),
        (records.funnel("Logout", "logins", event__login__userName="alice"), AUTHENTICATION, 2),
    ],
)
def test_further_kinds(value: Any, class_uid: int, activity_id: int) -> None:
    found = event(value)
    assert (found.class_uid, found.ocsf["activity_id"]) == (class_uid, activity_id)


def test_renamed_file_has_both_names() -> None:
    found = event(records.funnel("File Rename", "file", tgt__file__path="C:\\b.exe", tgt__file__oldPath="C:\\a.exe"))
    assert (found.ocsf["file"]["name"], found.ocsf["file_result"]["name"]) == ("a.exe", "b.exe")
    assert found.native["SourceFilename"] == "C:\\a.exe"


def test_unknown_kind() -> None:
    found = event(records.funnel("Something New", "other"))
    assert (found.class_uid, found.ocsf["activity_name"]) == (EVENT_LOG_ACTIVITY, "Something New")


def test_container_of_a_process() -> None:
    found = event(records.S1_PROCESS | {"k8sCluster.containerId": "c" * 64, "k8sCluster.containerName": "api"})
    assert "workload:" + "c" * 12 in set(
        map(str, entities_of(event(records.S1_CONNECT | {"k8sCluster.containerId": "c" * 64}).ocsf))
    )
    assert found.ocsf["process"]["parent_process"]["container"]["name"] == "api"


def test_indicator() -> None:
    found = event(records.S1_INDICATOR)
    assert (found.class_uid, found.domain, found.ocsf["severity_id"]) == (DETECTION_FINDING, "workload", 1)
    assert found.ocsf["finding_info"]["attacks"] == [{"technique": {"uid": "T1027"}}]
    assert entities(records.S1_INDICATOR) == {"host:ws-12", "user:corp\\alice"}


def test_threat() -> None:
    found = event(records.S1_THREAT)
    assert (found.class_uid, found.domain, found.ocsf["severity_id"]) == (DETECTION_FINDING, "workload", 4)
    assert found.ocsf["severity"] == "malicious"
    assert found.ocsf["finding_info"]["attacks"] == [
        {"technique": {"uid": "T1202"}},
        {"tactic": {"name": "defense-evasion"}},
    ]
    assert found.ocsf["disposition"] == "Blocked"
    assert found.ocsf["evidences"][0]["file"]["hashes"][0]["value"] == records.SHA256
    assert entities(records.S1_THREAT) == {"host:ws-12", "user:corp\\alice", "ip:10.0.0.12"}


def test_alert() -> None:
    found = event(records.S1_ALERT)
    assert (found.class_uid, found.domain, found.ocsf["severity_id"]) == (DETECTION_FINDING, "identity", 5)
    assert found.ocsf["finding_info"]["analytic"]["uid"] == "77"
    assert found.ocsf["evidences"][1]["src_endpoint"] == {"ip": "10.0.0.99", "port": 50000}
    assert entities(records.S1_ALERT) >= {"host:ws-12", "user:corp\\alice"}


def test_activity() -> None:
    found = event(records.S1_ACTIVITY)
    assert (found.class_uid, found.ocsf["activity_id"], found.ocsf["status_id"]) == (AUTHENTICATION, 1, 1)
    assert entities(records.S1_ACTIVITY) == {"user:alice@example.com", "ip:203.0.113.50"}


def test_activity_in_lower_case() -> None:
    lake = {
        "id": "901",
        "activitytype": 3608,
        "createdat": "2024-06-15 12:00:00.000",
        "primarydescription": "Alert created for sshd.",
        "data": {"alertid": "15", "rulename": "test-rule", "severity": "E_CRITICAL", "computername": "srv-1"},
    }
    found = event(lake)
    assert (found.class_uid, found.ocsf["severity_id"], found.ocsf["severity"]) == (DETECTION_FINDING, 5, "E_CRITICAL")
    assert found.ocsf["finding_info"]["title"] == "test-rule"
    assert entities(lake) == {"host:srv-1"}


def test_activity_that_is_not_known() -> None:
    found = event(records.S1_ACTIVITY | {"activityType": 90})
    assert (found.class_uid, found.ocsf["activity_id"], found.ocsf["activity_name"]) == (
        API_ACTIVITY,
        99,
        "activity 90",
    )


def test_refused() -> None:
    assert records.refused(SOURCE, {"a": 1}).field == "event.type"
    assert not SOURCE.recognize(b"", {"event.type": "x"})
    assert not SOURCE.recognize(b"", {"threatInfo": {}})
    assert not SOURCE.recognize(b"", None)


def test_nothing_but_events_and_reasons() -> None:
    fuzz.json_records(SOURCE, [*records.SENTINEL, nested(records.S1_PROCESS)], runs=1000)
    fuzz.anything(SOURCE, examples=100)
    fuzz.too_much(SOURCE, records.S1_PROCESS, ["tgt.process.cmdline", "event.type", "src.process.user"])
    fuzz.too_much(SOURCE, records.S1_DNS, ["event.dns.response"])
