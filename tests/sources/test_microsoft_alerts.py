from __future__ import annotations

import gzip
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import orjson
import pytest

from enrichers.entities import entities_of
from models.records import ParseError
from streams.sources.microsoft.alerts import SOURCE
from tests.sources import fuzz
from tests.sources.microsoft_records import (
    ALERT_EVIDENCE,
    ALERTS,
    ALICE_ID,
    DEVICE_ID,
    ENDPOINT_ALERT,
    GRAPH_ALERT,
    INCIDENT,
    LEGACY_ALERT,
    NOON,
    SENTINEL_ALERT,
    SENTINEL_INCIDENT,
    SUBSCRIPTION,
    TENANT,
    VM,
    event,
    record,
)

ROW = re.compile(r'<data key="d4">(\{.*?\})</data>', re.DOTALL)  # a row of a table, within GraphML


def test_graph_alert() -> None:
    found = event(SOURCE, GRAPH_ALERT)
    body, info = found.ocsf, found.ocsf["finding_info"]
    assert (body["class_uid"], body["activity_id"], body["severity_id"], body["status_id"]) == (2004, 1, 3, 1)
    assert (found.time, found.domain) == (NOON, "workload")
    assert (info["uid"], info["title"]) == (GRAPH_ALERT["id"], GRAPH_ALERT["title"])
    assert info["analytic"]["uid"] == GRAPH_ALERT["detectorId"]
    assert info["attacks"][0]["sub_technique"] == {"uid": "T1059.001"}
    assert {"tactic": {"name": "execution"}} in info["attacks"]
    assert (info["first_seen_time"], info["last_seen_time"]) == (NOON - 120_000, NOON - 60_000)
    assert body["actor"]["user"]["name"] == "alice@example.com"
    assert (body["actor"]["user"]["uid"], body["actor"]["user"]["uid_alt"]) == (ALICE_ID, "S-1-5-21-1-2-3-1104")
    assert (body["device"]["hostname"], body["device"]["uid"]) == ("laptop-7.corp.example.com", DEVICE_ID)
    assert body["resources"][0]["uid"] == VM
    assert body["cloud"]["account"]["uid"] == SUBSCRIPTION
    assert (body["metadata"]["original_event_uid"], body["metadata"]["correlation_uid"]) == (GRAPH_ALERT["id"], "28282")
    assert body["raw_data"] == record(SOURCE, GRAPH_ALERT).raw.decode()


def test_evidence() -> None:
    pieces = event(SOURCE, GRAPH_ALERT).ocsf["evidences"]
    assert [next(iter(piece)) for piece in pieces] == ["device", "user", "process", "src_endpoint", "url", "email"]
    process = pieces[2]["process"]
    assert (process["pid"], process["name"], process["parent_process"]["pid"]) == (4780, "powershell.exe", 668)
    assert process["file"]["path"] == "C:\\Windows\\System32\\powershell.exe"
    assert process["file"]["hashes"][0]["value"] == "a" * 64
    assert process["cmd_line"] == "powershell -enc AAAA"
    assert pieces[5]["email"]["from"] == "mallory@example.net"


def test_whom_and_what_it_is_about() -> None:
    named = set(map(str, entities_of(event(SOURCE, GRAPH_ALERT).ocsf)))
    assert {f"account:{SUBSCRIPTION}", "host:laptop-7", "user:alice@example.com"} <= named


@pytest.mark.parametrize(
    ("status", "activity_id", "status_id"), [("new", 1, 1), ("inProgress", 2, 2), ("resolved", 3, 4), ("odd", 1, 99)]
)
def test_status(status: str, activity_id: int, status_id: int) -> None:
    body = event(SOURCE, GRAPH_ALERT, status=status).ocsf
    assert (body["activity_id"], body["status_id"]) == (activity_id, status_id)


@pytest.mark.parametrize(
    ("product", "domain"),
    [
        ("Microsoft Defender for Identity", "identity"),
        ("Microsoft Entra ID Protection", "identity"),
        ("Microsoft Defender for Endpoint", "workload"),
        ("Azure Firewall", "network"),
    ],
)
def test_domain_is_that_of_the_product(product: str, domain: str) -> None:
    assert event(SOURCE, GRAPH_ALERT, productName=product).domain == domain


def test_older_graph_alert() -> None:
    found = event(SOURCE, LEGACY_ALERT)
    body = found.ocsf
    assert (body["activity_id"], body["severity_id"], found.domain) == (3, 2, "identity")
    assert [sorted(piece) for piece in body["evidences"]] == [
        ["user"],
        ["device"],
        ["dst_endpoint", "src_endpoint"],
        ["file"],
    ]


def test_alert_of_defender_for_endpoint() -> None:
    body = event(SOURCE, ENDPOINT_ALERT).ocsf
    assert (body["activity_id"], body["severity_id"], body["time"]) == (2, 4, NOON + 500)
    assert body["device"]["hostname"] == "laptop-7.corp.example.com"
    assert (body["actor"]["user"]["name"], body["actor"]["user"]["domain"]) == ("alice", "CORP")
    assert [attack["technique"]["uid"] for attack in body["finding_info"]["attacks"][:2]] == ["T1064", "T1085"]
    assert [next(iter(piece)) for piece in body["evidences"]] == ["device", "user", "process", "file", "src_endpoint"]


def test_incident() -> None:
    body = event(SOURCE, INCIDENT).ocsf
    assert body["finding_info"]["related_events"] == [{"uid": "fa1"}]
    assert body["finding_info"]["attacks"] == [{"technique": {"uid": "T1078"}}, {"tactic": {"name": "initial-access"}}]
    assert body["actor"]["user"]["name"] == "alice@example.com"
    assert body["device"]["hostname"] == "laptop-7.corp.example.com"


def test_sentinel_alert() -> None:
    found = event(SOURCE, SENTINEL_ALERT)
    body, info = found.ocsf, found.ocsf["finding_info"]
    assert found.time == NOON, "the last activity, and not when the row was written"
    assert (body["severity_id"], info["uid"], info["analytic"]["uid"]) == (3, "sa-1", f"{TENANT}_rule-1")
    names = [attack["tactic"]["name"] for attack in info["attacks"] if "tactic" in attack]
    assert names == ["persistence", "lateral-movement"]
    process = next(piece["process"] for piece in body["evidences"] if "process" in piece)
    assert (process["pid"], process["file"]["path"], process["parent_process"]["pid"]) == (
        4780,
        "C:\\Windows\\svc.exe",
        668,
    )
    assert body["metadata"]["correlation_uid"] == "107"
    assert {"host:web01", "user:corp\\alice"} <= set(map(str, entities_of(body)))


def test_type_of_alert_that_is_just_a_product_names_no_rule() -> None:
    info = event(SOURCE, SENTINEL_ALERT, AlertType="WindowsDefenderAtp").ocsf["finding_info"]
    assert info["analytic"]["uid"] == "Rare process as a service"


def test_compromised_entity_counts_where_there_are_no_entities() -> None:
    assert event(SOURCE, SENTINEL_ALERT, Entities="").ocsf["device"]["hostname"] == "web01"
    body = event(SOURCE, SENTINEL_ALERT, Entities="[]", CompromisedEntity="alice@example.com").ocsf
    assert body["actor"]["user"]["name"] == "alice@example.com"


def test_sentinel_incident() -> None:
    body = event(SOURCE, SENTINEL_INCIDENT).ocsf
    assert (body["activity_id"], body["status"], body["time"]) == (3, "Resolved", NOON)
    assert body["finding_info"]["related_events"] == [{"uid": "sa-1"}, {"uid": "sa-2"}]
    assert body["unmapped"]["classification"] == "TruePositive"


def test_row_of_the_streaming_api() -> None:
    body = event(SOURCE, ALERT_EVIDENCE).ocsf
    assert body["finding_info"]["uid"] == "da1"
    assert [next(iter(piece)) for piece in body["evidences"]] == ["user", "device", "src_endpoint"]


@pytest.mark.parametrize("value", [{}, {"severity": "high"}, {"title": "x", "severity": "low", "id": "1"}])
def test_what_is_no_alert_says_so(value: dict[str, Any]) -> None:
    assert isinstance(SOURCE.parse(record(SOURCE, value, NOON)), ParseError)
    assert not SOURCE.recognize(b"", value)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, ALERTS, 500)
    fuzz.anything(SOURCE, 60)
    fuzz.too_much(SOURCE, GRAPH_ALERT, ("evidence", "title", "mitreTechniques"))


def test_references_in_a_circle_end() -> None:
    entities = json.dumps([{"$id": "1", "Type": "process", "ProcessId": 1, "ParentProcess": {"$ref": "1"}}])
    pieces = event(SOURCE, SENTINEL_ALERT, Entities=entities).ocsf["evidences"]
    assert pieces[0]["process"]["parent_process"]["pid"] == 1


def test_recorded_telemetry(shared: Path) -> None:
    lines = (shared / "data/panther/microsoft.tests.ndjson").read_bytes().splitlines()
    logs = [log for log in (orjson.loads(line)["log"] for line in lines) if "Operation" not in log]
    assert logs
    for log in logs:
        event(SOURCE, log, NOON)


def test_recorded_incidents(shared: Path) -> None:
    paths = sorted((shared / "data/incident_graphs").glob("*.graphml.gz"))
    found = [text for path in paths for text in ROW.findall(gzip.decompress(path.read_bytes()).decode())]
    if not found:
        pytest.skip("left out: the recorded incidents are not there")
    for text in found:
        event(SOURCE, json.loads(unescape(text), parse_constant=lambda _: None), NOON)
