"""`braid entities show` reads the compacted topic to its end: what ingest saw a minute ago is there."""

from __future__ import annotations

import json
from pathlib import Path

import orjson

from tests.command import output_of
from tests.workers.processes import Braid

SIGN_IN = {
    "eventType": "user.session.start",
    "published": "2026-09-22T12:00:00.000Z",
    "uuid": "3f0c9a52-1f4e-4b9a-8d56-5b6f3f4f6b11",
    "version": "0",
    "severity": "INFO",
    "outcome": {"result": "SUCCESS"},
    "actor": {"id": "00u1", "type": "User", "alternateId": "alice@example.com", "displayName": "alice"},
    "client": {"ipAddress": "198.51.100.7"},
    "authenticationContext": {"externalSessionId": "idx1"},
}


def test_what_ingest_has_observed_is_shown(bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    installed = Braid(bootstrap, topic_prefix, tmp_path / "no-rules", tmp_path)
    settings = {"BRAID_BOOTSTRAP": bootstrap, "BRAID_TOPIC_PREFIX": topic_prefix}
    (tmp_path / "no-rules").mkdir()
    output_of("topics", "create", **settings)
    with installed.running("worker", "ingest"):
        installed.send("raw.okta", [orjson.dumps(SIGN_IN)])
        installed.read_until("entity-links", lambda held: len(held) >= 4)
    shown = json.loads(output_of("entities", "show", "user:alice@example.com", "--json", **settings))
    assert {row["entity"] for row in shown} == {"ip:198.51.100.7", "session:idx1"}
    assert all(row["fans_out"] and row["source"] == "okta" for row in shown)
