"""Wazuh alerts."""

from __future__ import annotations

from typing import Any

import pytest

from enrichers.entities import entities_of
from streams.sources.alerts.wazuh import SOURCE
from tests.sources import alert_records as records
from tests.sources import edr_records, fuzz


def event(value: Any) -> Any:
    return edr_records.parse(SOURCE, value)


def entities(value: Any) -> set[str]:
    return set(map(str, entities_of(event(value).ocsf)))


def test_alert_about_a_log_on() -> None:
    found = event(records.WAZUH_SSH)
    ocsf = found.ocsf
    assert (found.class_uid, found.domain, found.time) == (2004, "identity", edr_records.NOON_MS + 123)
    assert (ocsf["severity_id"], ocsf["severity"], ocsf["count"]) == (3, "10", 3)
    assert ocsf["finding_info"]["analytic"]["uid"] == "5763"
    assert ocsf["attacks"] == [{"technique": {"uid": "T1110"}}, {"tactic": {"name": "credential-access"}}]
    assert ocsf["evidences"][0]["src_endpoint"] == {"ip": "203.0.113.50", "port": 40000}
    assert ocsf["metadata"]["original_event_uid"] == "1718452800.12345"
    assert ocsf["unmapped"]["data"] == {"custom": "x"}
    assert entities(records.WAZUH_SSH) >= {"host:web-1", "user:alice", "ip:10.0.0.21", "ip:203.0.113.50"}


@pytest.mark.parametrize(
    ("level", "severity_id"),
    [(0, 1), (3, 1), (4, 2), (6, 2), (7, 3), (11, 3), (12, 4), (14, 4), (15, 5), (99, 5), (-1, 1)],
)
def test_levels(level: int, severity_id: int) -> None:
    rule = records.WAZUH_SSH["rule"] | {"level": level}
    found = event(records.WAZUH_SSH | {"rule": rule})
    assert (found.ocsf["severity_id"], found.ocsf["severity"]) == (severity_id, str(level))


@pytest.mark.parametrize(
    ("groups", "about"),
    [
        (["windows", "authentication_success"], "identity"),
        (["ids", "suricata"], "network"),
        (["syscheck"], "workload"),
        ("x", "workload"),
    ],
)
def test_domains(groups: Any, about: str) -> None:
    assert event(records.WAZUH_SSH | {"rule": records.WAZUH_SSH["rule"] | {"groups": groups}}).domain == about


def test_alert_about_a_windows_event() -> None:
    found = event(records.WAZUH_WINDOWS)
    process = found.ocsf["actor"]["process"]
    assert found.time == edr_records.NOON_MS  # the zone is part of the time
    assert (process["pid"], process["cmd_line"]) == (4711, "cmd.exe /c whoami")
    assert process["parent_process"]["name"] == "winword.exe"
    assert found.native["data"]["win"]["eventdata"]["image"] == "C:\\Windows\\System32\\cmd.exe"
    assert entities(records.WAZUH_WINDOWS) >= {"host:ws-12", "user:corp\\alice", "session:ws-12/0x47afc"}


def test_alert_about_a_file() -> None:
    found = event(records.WAZUH_FILE)
    process, file = found.ocsf["evidences"]
    assert process["process"]["file"]["path"] == "/usr/bin/vim"
    assert file["file"]["path"] == "/etc/passwd"
    assert file["file"]["hashes"][0]["algorithm"] == "SHA-256"


def test_what_the_manager_receives_by_syslog_is_not_from_the_manager() -> None:
    relayed = records.WAZUH_SSH | {
        "agent": {"id": "000", "name": "wazuh-manager"},
        "predecoder": {"hostname": "fw-1"},
    }
    assert "host:fw-1" in entities(relayed)
    assert "host:wazuh-manager" not in entities(relayed)


def test_alert_about_a_cloud() -> None:
    identity = {"arn": "arn:aws:iam::111122223333:user/alice", "userName": "alice"}
    aws = {"aws_account_id": "111122223333", "sourceIPAddress": "203.0.113.50", "userIdentity": identity}
    found = event(records.WAZUH_SSH | {"data": {"aws": aws}})
    assert found.ocsf["cloud"]["account"]["uid"] == "111122223333"
    assert "user:arn:aws:iam::111122223333:user/alice" in set(map(str, entities_of(found.ocsf)))


def test_refused() -> None:
    assert edr_records.refused(SOURCE, {"rule": {"id": 1}}).field == "rule.level"
    assert not SOURCE.recognize(b"", {"rule": {"level": 1, "id": "1"}, "agent": {}})
    assert not SOURCE.recognize(b"", {"rule": "x"})
    assert not SOURCE.recognize(b"", None)


def test_nothing_but_events_and_reasons() -> None:
    fuzz.json_records(SOURCE, records.WAZUHS)
    fuzz.anything(SOURCE, examples=100)
    fuzz.too_much(SOURCE, records.WAZUH_SSH, ["full_log", "location", "data", "id"])
    fuzz.too_much(SOURCE, {**records.WAZUH_SSH, "rule": {"level": 3, "id": "1"}}, ["rule"])
