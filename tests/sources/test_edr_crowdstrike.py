"""CrowdStrike Falcon: sensor events, detections, the audit log."""

from __future__ import annotations

from typing import Any

import pytest

from enrichers.entities import entities_of
from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    AUTHENTICATION,
    DETECTION_FINDING,
    DEVICE_INVENTORY,
    DNS_ACTIVITY,
    EVENT_LOG_ACTIVITY,
    FILE_ACTIVITY,
    KERNEL_EXTENSION,
    MODULE_ACTIVITY,
    NETWORK_ACTIVITY,
    PROCESS_ACTIVITY,
    REGISTRY_VALUE,
    SCHEDULED_JOB,
    SCRIPT_ACTIVITY,
    USER_ACCESS,
    WINDOWS_SERVICE,
)
from models.records import TIME_FROM_BROKER, Coordinates, ParseError, RawRecord
from streams.sources.edr.crowdstrike import SOURCE
from tests.sources import edr_records as records
from tests.sources import fuzz


def event(value: Any) -> Any:
    return records.parse(SOURCE, value)


def entities(value: Any) -> set[str]:
    return set(map(str, entities_of(event(value).ocsf)))


def test_process() -> None:
    found = event(records.ROLLUP)
    process = found.ocsf["process"]
    assert (found.class_uid, found.ocsf["activity_id"], found.time) == (PROCESS_ACTIVITY, 1, records.NOON_MS)
    assert (process["pid"], process["uid"], process["cmd_line"]) == (4711, "442211", "powershell.exe -enc SQBFAFgA")
    assert process["integrity_id"] == 4
    assert process["parent_process"] == {
        "uid": "442200",
        "name": "winword.exe",
        "file": {"name": "winword.exe", "path": "winword.exe", "type_id": 1},
    }
    assert [item["algorithm"] for item in process["file"]["hashes"]] == ["SHA-256", "MD5"]  # one of zeros is none
    assert found.ocsf["metadata"]["original_event_uid"] == records.ROLLUP["id"]
    assert found.ocsf["metadata"]["tenant_uid"] == records.CID
    assert found.ocsf["unmapped"] == {"aip": "203.0.113.7", "Tags": "25, 27"}
    assert entities(records.ROLLUP) == {"host:ws-12", "user:alice", "session:ws-12/0x47afc"}


def test_process_for_sigma() -> None:
    found = event(records.ROLLUP)
    assert (found.logsource.product, found.logsource.categories) == ("windows", ("process_creation",))
    assert found.native["Image"] == "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"
    assert found.native["ParentImage"] == "\\winword.exe"  # the sensor has the name alone
    assert found.native["CommandLine"] == "powershell.exe -enc SQBFAFgA"
    assert (found.native["IntegrityLevel"], found.native["User"]) == ("High", "alice")
    assert found.native["Hashes"] == f"SHA256={records.SHA256},MD5={records.MD5}"
    assert found.native["Tags"] == "25, 27"  # what is Falcon's own stays


def test_process_of_a_well_known_account_is_nobodys() -> None:
    system = records.ROLLUP | {"UserSid": "S-1-5-18", "UserName": "", "AuthenticationId": "999"}
    assert event(system).native["User"] == "NT AUTHORITY\\SYSTEM"
    assert entities(system) == {"host:ws-12"}


def test_linux_process() -> None:
    linux = records.falcon(
        "ProcessRollup2",
        event_platform="Lin",
        ImageFileName="/usr/bin/curl",
        CommandLine="curl http://198.51.100.9",
        TargetProcessId="1",
        UID="0",
    )
    found = event(linux)
    assert (found.logsource.product, found.native["Image"], found.native["User"]) == ("linux", "/usr/bin/curl", "root")
    assert found.ocsf["process"]["user"]["type_id"] == 2


def test_what_already_ran_was_not_launched_now() -> None:
    found = event(records.ROLLUP | {"event_simpleName": "SyntheticProcessRollup2"})
    assert (found.ocsf["activity_id"], found.ocsf["activity_name"]) == (99, "SyntheticProcessRollup2")
    assert found.time == 1_718_452_801_250
    assert found.ocsf["process"]["created_time"] == 1_718_452_799_500


def test_process_without_a_number_is_noted_and_matched() -> None:
    bare = records.falcon("ProcessRollup2", CommandLine="whoami", ImageFileName="C:\\Windows\\System32\\whoami.exe")
    found = event(bare)
    assert found.class_uid == EVENT_LOG_ACTIVITY
    assert found.logsource.categories == ("process_creation",)
    assert found.native["CommandLine"] == "whoami"


def test_connection() -> None:
    found = event(records.CONNECT)
    assert (found.class_uid, found.domain, found.logsource.categories) == (
        NETWORK_ACTIVITY,
        "network",
        ("network_connection",),
    )
    assert found.ocsf["src_endpoint"] == {"ip": "10.0.0.12", "port": 50100}
    assert found.ocsf["dst_endpoint"] == {"ip": "198.51.100.9", "port": 443}
    assert found.ocsf["connection_info"] == {"direction_id": 2, "protocol_name": "tcp", "protocol_num": 6}
    assert (found.native["DestinationIp"], found.native["Initiated"]) == ("198.51.100.9", "true")
    assert "ip:203.0.113.7" not in entities(records.CONNECT)  # the gateway's, not the host's


def test_connection_that_came_in() -> None:
    found = event(records.CONNECT | {"ConnectionDirection": "1"})
    assert found.ocsf["src_endpoint"]["ip"] == "198.51.100.9"
    assert found.native["Initiated"] == "false"


def test_dns() -> None:
    found = event(records.DNS)
    assert (found.class_uid, found.ocsf["activity_id"]) == (DNS_ACTIVITY, 2)
    assert found.ocsf["query"] == {"hostname": "files.example.com", "type": "A"}
    assert [answer["rdata"] for answer in found.ocsf["answers"]] == ["cdn.example.com", "198.51.100.9", "198.51.100.10"]
    assert found.ocsf["dst_endpoint"] == {"ip": "10.0.0.53", "port": 53}
    assert (found.native["QueryName"], found.logsource.categories[0]) == ("files.example.com", "dns_query")


def test_logon() -> None:
    found = event(records.LOGON)
    assert (found.class_uid, found.ocsf["status_id"], found.ocsf["logon_type_id"]) == (AUTHENTICATION, 1, 10)
    assert found.ocsf["auth_protocol_id"] == 2
    assert found.ocsf["src_endpoint"] == {"ip": "10.0.0.99", "hostname": "WS-99"}
    wanted = {"user:corp\\alice", "host:ws-12", "host:ws-99", "ip:10.0.0.99", "session:ws-12/0xbdc00"}
    assert entities(records.LOGON) == wanted


def test_failed_logon() -> None:
    found = event(records.LOGON | {"event_simpleName": "UserLogonFailed2", "SubStatus": "-1073741718"})
    assert (found.ocsf["status_id"], found.ocsf["status_code"]) == (2, "-1073741718")


def test_registry() -> None:
    found = event(records.REGISTRY)
    assert (found.class_uid, found.ocsf["activity_id"]) == (REGISTRY_VALUE, 2)
    assert found.native["TargetObject"] == "HKLM\\SYSTEM\\CurrentControlSet\\Services\\updater\\Start"
    assert (found.native["Details"], found.native["EventType"]) == ("DWORD (0x00000002)", "SetValue")
    assert "registry_set" in found.logsource.categories


def test_file() -> None:
    found = event(records.WRITTEN)
    assert (found.class_uid, found.ocsf["activity_id"], found.logsource.categories) == (
        FILE_ACTIVITY,
        3,
        ("file_event",),
    )
    assert found.native["TargetFilename"] == "C:\\Users\\alice\\AppData\\Local\\Temp\\a.exe"
    assert found.ocsf["file"]["name"] == "a.exe"
    assert found.ocsf["actor"]["process"]["name"] == "powershell.exe"


@pytest.mark.parametrize(
    ("value", "class_uid", "activity_id"),
    [
        (records.TASK, SCHEDULED_JOB, 1),
        (records.SERVICE, WINDOWS_SERVICE, 3),
        (records.SCRIPT, SCRIPT_ACTIVITY, 1),
        (records.INJECTED, PROCESS_ACTIVITY, 4),
        (records.MODULE, MODULE_ACTIVITY, 1),
        (records.DRIVER, KERNEL_EXTENSION, 1),
        (records.ENDED, PROCESS_ACTIVITY, 2),
        (records.MASTER, DEVICE_INVENTORY, 2),
        (records.falcon("UserAccountCreated", UserName="svc-backup"), ACCOUNT_CHANGE, 1),
        (records.falcon("NetworkListenIP4", LocalAddressIP4="0.0.0.0", LocalPort="4444"), NETWORK_ACTIVITY, 7),  # noqa: S104  # as the sensor writes it
        (records.falcon("FileDeleteInfo", TargetFileName="C:\\a.log"), FILE_ACTIVITY, 4),
    ],
)
def test_further_kinds(value: Any, class_uid: int, activity_id: int) -> None:
    found = event(value)
    assert (found.class_uid, found.ocsf["activity_id"]) == (class_uid, activity_id)


def test_unknown_kind() -> None:
    found = event(records.falcon("SomethingNew", Depth="3"))
    assert (found.class_uid, found.ocsf["activity_id"], found.ocsf["activity_name"]) == (
        EVENT_LOG_ACTIVITY,
        99,
        "SomethingNew",
    )
    assert found.ocsf["unmapped"]["Depth"] == "3"
    assert found.logsource.product == "crowdstrike"


def test_sensor_without_a_host_name_is_known_by_its_id() -> None:
    unnamed = {name: value for name, value in records.ROLLUP.items() if name != "ComputerName"}
    assert f"host:{records.AID}" in entities(unnamed)


def test_record_of_a_data_lake() -> None:
    lake = {
        "aid": records.AID,
        "cid": records.CID,
        "event": records.ROLLUP,
        "fdr_event_type": "ProcessRollup2",
        "timestamp": "2024-06-15 12:00:01.250",
        "p_log_type": "Crowdstrike.FDREvent",
    }
    found = event(lake)
    assert (found.class_uid, found.time) == (PROCESS_ACTIVITY, records.NOON_MS)
    assert found.native["event"]["CommandLine"] == records.ROLLUP["CommandLine"]


def test_detection() -> None:
    found = event(records.EPP_DETECTION)
    ocsf = found.ocsf
    assert (found.class_uid, found.domain, ocsf["severity_id"], ocsf["severity"]) == (
        DETECTION_FINDING,
        "workload",
        4,
        "High",
    )
    assert ocsf["finding_info"]["uid"] == records.EPP_DETECTION["event"]["CompositeId"]
    assert ocsf["finding_info"]["attacks"][0] == {
        "technique": {"uid": "T1003"},
        "sub_technique": {"uid": "T1003.001"},
    }
    assert {"tactic": {"name": "credential-access"}} in ocsf["finding_info"]["attacks"]
    assert ocsf["disposition"] == "Blocked"
    assert ocsf["actor"]["process"]["file"]["path"].endswith("dump.exe")
    assert ocsf["evidences"][1]["dst_endpoint"] == {"ip": "198.51.100.9", "port": 443}
    assert ocsf["metadata"]["correlation_uid"] == "aggind:1"
    assert ocsf["unmapped"]["HostGroups"] == "g1"
    assert entities(records.EPP_DETECTION) >= {"user:corp\\alice", "host:ws-12", "ip:10.0.0.12"}


def test_older_detection_counts_severity_to_five() -> None:
    told = records.EPP_DETECTION["event"]
    old = {name: value for name, value in told.items() if name != "SeverityName"}
    old |= {"Severity": 5, "DetectName": "Credential theft", "FilePath": "\\Device\\HarddiskVolume1\\Windows\\Temp"}
    meta = records.EPP_DETECTION["metadata"] | {"eventType": "DetectionSummaryEvent"}
    found = event({"metadata": meta, "event": old})
    assert (found.ocsf["severity_id"], found.ocsf["severity"]) == (5, "5")
    assert found.ocsf["actor"]["process"]["file"]["path"].endswith("\\Temp\\dump.exe")


@pytest.mark.parametrize(
    ("score", "severity_id"), [(5, 1), (19, 1), (20, 2), (40, 3), (60, 4), (79, 4), (80, 5), (100, 5)]
)
def test_scores(score: int, severity_id: int) -> None:
    scored = {name: value for name, value in records.FALCON_ALERT.items() if name != "severity_name"}
    found = event(scored | {"severity": score})
    assert (found.ocsf["severity_id"], found.ocsf["severity"]) == (severity_id, str(score))


def test_alert_about_an_identity() -> None:
    found = event(records.FALCON_ALERT)
    assert (found.class_uid, found.domain, found.time) == (DETECTION_FINDING, "identity", records.NOON_MS)
    assert found.ocsf["confidence_score"] == 80
    assert found.ocsf["status"] == "New"
    assert entities(records.FALCON_ALERT) >= {"user:alice@example.com", "host:ws-12", "ip:10.0.0.12"}


def test_closed_alert() -> None:
    assert event(records.FALCON_ALERT | {"status": "closed"}).ocsf["activity_id"] == 3


def test_audit_log() -> None:
    found = event(records.ALLOW_LIST)
    assert (found.class_uid, found.ocsf["activity_id"], found.time) == (USER_ACCESS, 1, records.NOON_MS)
    assert found.ocsf["privileges"] == ["falcon_admin"]
    assert found.ocsf["metadata"]["correlation_uid"] == "trace-1"
    assert entities(records.ALLOW_LIST) == {
        "user:alice@example.com",
        "user:svc-backup@example.com",
        "ip:203.0.113.50",
    }


def test_operator_on_a_host() -> None:
    found = event(records.REMOTE_RESPONSE)
    assert (found.class_uid, found.ocsf["activity_id"], found.ocsf["is_remote"]) == (AUTHENTICATION, 1, True)
    assert entities(records.REMOTE_RESPONSE) == {
        "user:alice@example.com",
        "host:ws-12",
        "session:6e1181e4-4924-4761-a3d6-66851adb9501",
    }


def test_time() -> None:
    late = {name: value for name, value in records.CONNECT.items() if name != "ContextTimeStamp"}
    assert event(late).time == 1_718_452_801_250
    nowhere = {name: value for name, value in late.items() if name != "timestamp"}
    found = event(nowhere)
    assert (found.time, found.ocsf["metadata"]["labels"]) == (records.BROKER_MS, [TIME_FROM_BROKER])
    filetime = records.CONNECT | {"ContextTimeStamp": "133629264000000000"}
    assert event(filetime).time == records.NOON_MS


def test_refused() -> None:
    assert records.refused(SOURCE, {"aid": "1", "cid": "2"}).field == "event_simpleName"
    assert not SOURCE.recognize(b"", {"event_simpleName": "x"})
    assert not SOURCE.recognize(b"", {"metadata": {"eventType": "x"}, "event": {}})
    assert not SOURCE.recognize(b"", None)


def test_two_records_are_two_events() -> None:
    assert event(records.ROLLUP).uid == event(records.ROLLUP).uid
    assert event(records.ROLLUP).uid != event(records.ROLLUP | {"aid": "1" * 32}).uid


def test_nothing_but_events_and_reasons() -> None:
    fuzz.json_records(SOURCE, records.FALCON, runs=1200)
    fuzz.anything(SOURCE, examples=100)
    fuzz.too_much(SOURCE, records.ROLLUP, ["CommandLine", "ImageFileName", "UserName", "IntegrityLevel"])
    fuzz.too_much(SOURCE, records.DNS, ["IP4Records", "DomainName"])


def test_bytes_that_are_no_record() -> None:
    found = SOURCE.parse(RawRecord(SOURCE.name, b"\xff\xfe{", Coordinates("t", 0, 1), 1))
    assert isinstance(found, ParseError)
