"""Upwind detections."""

from __future__ import annotations

from typing import Any

import pytest

from enrichers.entities import entities_of
from streams.sources.alerts.upwind import SOURCE
from tests.sources import edr_records, fuzz
from tests.sources.alert_records import UPWIND


def event(value: Any) -> Any:
    return edr_records.parse(SOURCE, value)


def test_detection() -> None:
    found = event(UPWIND)
    ocsf = found.ocsf
    assert (found.class_uid, found.domain, found.time) == (2004, "workload", edr_records.NOON_MS)
    assert (ocsf["severity_id"], ocsf["severity"], ocsf["status"], ocsf["count"]) == (5, "CRITICAL", "New", 7)
    assert ocsf["finding_info"]["analytic"]["uid"] == "pol-1"
    assert ocsf["attacks"] == [{"technique": {"uid": "T1059"}}, {"tactic": {"name": "execution"}}]
    assert ocsf["metadata"]["original_event_uid"] == "det-1"
    assert ocsf["unmapped"] == {"triggers": UPWIND["triggers"], "tenant": "t-1"}
    assert set(map(str, entities_of(ocsf))) >= {
        "account:111122223333",
        "host:i-host-1",
        "session:akiaiosfodnn7example",
        "user:arn:aws:iam::111122223333:user/alice",
        "workload:i-0123456789abcdef0",
    }


@pytest.mark.parametrize(
    ("category", "about"),
    [("Network Anomaly", "network"), ("Identity Threat", "identity"), ("API Threat", "workload"), (None, "workload")],
)
def test_domains(category: Any, about: str) -> None:
    assert event(UPWIND | {"category": category, "type": "x"}).domain == about


def test_refused() -> None:
    assert edr_records.refused(SOURCE, {"id": "x"}).field == "title"
    assert not SOURCE.recognize(b"", {"id": "x", "title": "y", "severity": "z"})
    assert not SOURCE.recognize(b"", None)


def test_nothing_but_events_and_reasons() -> None:
    fuzz.json_records(SOURCE, [UPWIND], runs=400)
    fuzz.anything(SOURCE, examples=60)
    fuzz.too_much(SOURCE, UPWIND, ["title", "triggers", "mitre_attacks", "occurrence_count"])
