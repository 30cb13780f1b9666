"""Panther's rule matches."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from enrichers.entities import entities_of
from models.event import LogSource
from models.records import Coordinates, RawRecord
from streams.sources.alerts.panther import SOURCE
from streams.sources.registry import recognize
from tests.sources import edr_records, fuzz

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
MATCH: dict[str, Any] = {
    "eventName": "CreateAccessKey",
    "eventSource": "iam.amazonaws.com",
    "sourceIPAddress": "203.0.113.9",
    "p_rule_id": "Example.IAM.KeyForAnother",
    "p_rule_tags": ["AWS"],
    "p_rule_reports": {"MITRE ATT&CK": ["TA0003:T1098.001"], "CIS": ["1.4"]},
    "p_rule_severity": "HIGH",
    "p_alert_id": "a-1",
    "p_alert_title": "alice made a key for bob",
    "p_alert_creation_time": "2024-06-15 12:04:00.000000000",
    "p_alert_context": {"ip_key": "203.0.113.9-AKIAEXAMPLE"},
    "p_log_type": "AWS.CloudTrail",
    "p_row_id": "r-1",
    "p_event_time": "2024-06-15 12:00:00.000000000",
    "p_source_label": "production",
    "p_any_ip_addresses": ["203.0.113.9"],
    "p_any_usernames": ["alice"],
    "p_any_emails": ["bob@example.com"],
    "p_any_domain_names": ["cdn.example.net"],
    "p_any_sha256_hashes": [DIGEST],
    "p_any_aws_account_ids": ["111122223333"],
    "p_any_aws_arns": ["arn:aws:iam::111122223333:user/alice"],
}


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in MATCH.items() if name not in names}


def test_a_match_is_a_finding() -> None:
    found = edr_records.parse(SOURCE, MATCH)
    body = found.ocsf
    assert (found.class_uid, found.time, found.domain) == (2004, edr_records.NOON_MS, "workload")
    assert (body["severity_id"], body["severity"], body["is_alert"]) == (4, "HIGH", True)
    assert body["finding_info"]["title"] == "alice made a key for bob"
    assert (body["finding_info"]["uid"], body["finding_info"]["analytic"]["uid"]) == ("a-1", MATCH["p_rule_id"])
    assert body["attacks"] == [{"technique": {"uid": "T1098"}, "sub_technique": {"uid": "T1098.001"}}]
    assert body["metadata"]["log_name"] == "AWS.CloudTrail"
    assert body["unmapped"]["eventName"] == "CreateAccessKey"
    assert {"query": {"hostname": "cdn.example.net"}} in body["evidences"]
    assert body["evidences"][-1]["file"]["hashes"][0]["value"] == DIGEST
    assert body["resources"] == [{"uid": "arn:aws:iam::111122223333:user/alice"}]
    assert set(map(str, entities_of(body))) >= {
        "account:111122223333",
        "ip:203.0.113.9",
        "user:alice",
        "user:bob@example.com",
    }


def test_rules_see_its_own_fields_and_those_of_panther() -> None:
    found = edr_records.parse(SOURCE, MATCH)
    assert found.logsource == LogSource("panther", "rule_match")
    assert found.native["p_alert_context"] == {"ip_key": "203.0.113.9-AKIAEXAMPLE"}
    assert found.native["eventName"] == "CreateAccessKey"


@pytest.mark.parametrize(
    ("context", "seen"),
    [('{"repo": "shop"}', {"repo": "shop"}), ("shop", "shop"), ("{broken", "{broken"), ("[1]", "[1]")],
)
def test_a_context_that_a_table_kept_as_text_is_an_object_again(context: str, seen: Any) -> None:
    found = edr_records.parse(SOURCE, MATCH | {"p_alert_context": context})
    assert found.native["p_alert_context"] == seen


def test_a_context_may_not_nest_deeper_than_a_record() -> None:
    deep = '{"a":' * 200 + "1" + "}" * 200
    assert edr_records.parse(SOURCE, MATCH | {"p_alert_context": deep}).native["p_alert_context"] == deep


@pytest.mark.parametrize(
    ("log_type", "about"),
    [("Okta.SystemLog", "identity"), ("AWS.VPCFlow", "network"), ("GitHub.Audit", "workload"), (None, "workload")],
)
def test_domains(log_type: Any, about: str) -> None:
    assert edr_records.parse(SOURCE, MATCH | {"p_log_type": log_type}).domain == about


def test_several_accounts_are_no_account() -> None:
    found = edr_records.parse(SOURCE, MATCH | {"p_any_aws_account_ids": ["111122223333", "444455556666"]})
    assert "cloud" not in found.ocsf


def test_a_match_comes_before_the_source_of_its_log() -> None:
    cloudtrail = MATCH | {"eventVersion": "1.08", "awsRegion": "eu-west-1", "userIdentity": {}, "eventID": "e-1"}
    log = {name: value for name, value in cloudtrail.items() if not name.startswith("p_")}
    assert [_told(cloudtrail), _told(log)] == ["panther", "aws_cloudtrail"]


def test_a_log_that_once_matched_stays_a_log() -> None:
    marks = ("p_rule_tags", "p_rule_reports", "p_rule_severity", "p_alert_id")
    assert not SOURCE.recognize(b"", without(*marks))
    assert not SOURCE.recognize(b"", without("p_rule_id"))
    assert not SOURCE.recognize(b"", None)


def _told(value: dict[str, Any]) -> str:
    source = recognize(RawRecord("", orjson.dumps(value), Coordinates("t", 0, 1)))
    return source.name if source else ""


def test_refused() -> None:
    assert edr_records.refused(SOURCE, without("p_rule_id")).field == "p_rule_id"


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, [MATCH, MATCH | {"p_alert_context": '{"a": [1, {"b": null}]}'}], runs=400)
    fuzz.every_part_wrong(SOURCE, [MATCH])
    fuzz.anything(SOURCE, 50)
    fuzz.too_much(SOURCE, MATCH, ["p_alert_title", "p_any_emails", "p_rule_reports", "p_any_sha256_hashes"])
