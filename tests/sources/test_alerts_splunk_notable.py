"""Notable events of Splunk Enterprise Security."""

from __future__ import annotations

from typing import Any

from enrichers.entities import entities_of
from streams.sources.alerts.splunk_notable import SOURCE
from tests.sources import alert_records as records
from tests.sources import edr_records, fuzz


def event(value: Any) -> Any:
    return edr_records.parse(SOURCE, value)


def entities(value: Any) -> set[str]:
    return set(map(str, entities_of(event(value).ocsf)))


def test_notable() -> None:
    found = event(records.NOTABLE)
    ocsf = found.ocsf
    assert (found.class_uid, found.domain, found.time) == (2004, "identity", edr_records.NOON_MS)
    assert (ocsf["severity_id"], ocsf["severity"], ocsf["status"]) == (4, "high", "New")
    assert ocsf["finding_info"]["title"] == "Brute force against srv-1"
    assert ocsf["finding_info"]["analytic"]["uid"] == records.NOTABLE["search_name"]
    assert [item["technique"]["uid"] for item in ocsf["attacks"]] == ["T1110", "T1078"]
    assert [item["src_endpoint"]["ip"] for item in ocsf["evidences"][:2]] == ["203.0.113.50", "203.0.113.51"]
    assert ocsf["metadata"]["original_event_uid"] == records.NOTABLE["event_id"]
    assert ocsf["metadata"]["correlation_uid"] == "scheduler__admin__1"
    assert ocsf["unmapped"]["custom"] == "kept"
    assert (found.logsource.product, found.native["rule_title"]) == ("splunk", "Brute force against srv-1")
    assert entities(records.NOTABLE) >= {"host:srv-1", "user:alice", "user:svc-backup", "ip:203.0.113.50"}


def test_risk_notable() -> None:
    found = event(records.RISK_NOTABLE)
    assert (found.ocsf["severity_id"], found.ocsf["risk_score"], found.domain) == (5, 120, "workload")
    assert found.ocsf["attacks"] == [
        {"tactic": {"name": "credential-access"}},
        {"tactic": {"name": "lateral-movement"}},
    ]
    assert entities(records.RISK_NOTABLE) == {"user:alice"}
    system = records.RISK_NOTABLE | {"risk_object": "srv-1", "risk_object_type": "system"}
    assert entities(system) == {"host:srv-1"}


def test_webhook() -> None:
    found = event(records.WEBHOOK)
    assert (found.time, found.domain, found.ocsf["severity_id"]) == (edr_records.NOON_MS + 250, "workload", 2)
    assert found.ocsf["finding_info"]["analytic"]["uid"] == "Endpoint - Suspicious Process - Rule"
    assert found.ocsf["finding_info"]["src_url"] == "https://splunk.example.com/app/search/1"
    assert found.ocsf["device"]["ip"] == "10.0.0.12"
    assert found.ocsf["actor"]["process"]["cmd_line"] == "cmd.exe /c whoami"
    assert entities(records.WEBHOOK) >= {"user:corp\\alice", "ip:10.0.0.12"}


def test_notable_without_an_id_has_one_of_its_own() -> None:
    first, second = event(records.RISK_NOTABLE), event(records.RISK_NOTABLE | {"risk_object": "svc-backup"})
    assert first.ocsf["finding_info"]["uid"] != second.ocsf["finding_info"]["uid"]
    assert first.ocsf["finding_info"]["analytic"] == second.ocsf["finding_info"]["analytic"]


def test_severity_of_its_own_word() -> None:
    found = event(records.NOTABLE | {"urgency": "purple"})
    assert (found.ocsf["severity_id"], found.ocsf["severity"]) == (99, "purple")


def test_closed() -> None:
    found = event(records.NOTABLE | {"status": "5"})
    assert (found.ocsf["activity_id"], found.ocsf["status"]) == (3, "Resolved")


def test_refused() -> None:
    assert edr_records.refused(SOURCE, {"search_name": "x"}).field == "search_name"
    assert not SOURCE.recognize(b"", {"search_name": "x", "severity": "high"})
    assert not SOURCE.recognize(b"", {"event": {"a": 1}, "security_domain": "x", "urgency": "y"})
    assert not SOURCE.recognize(b"", None)


def test_nothing_but_events_and_reasons() -> None:
    fuzz.json_records(SOURCE, records.NOTABLES)
    fuzz.anything(SOURCE, examples=100)
    fuzz.too_much(SOURCE, records.NOTABLE, ["src", "user", "annotations", "annotations.mitre_attack", "rule_name"])
