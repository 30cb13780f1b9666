from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.run import Ran, braid


def write(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)


def told(ran: Ran, code: int = 2) -> str:
    assert ran.code == code, ran
    assert "Traceback" not in ran.err
    return ran.err


def test_tables_are_checked_without_a_broker(tmp_path: Path) -> None:
    assets = write(tmp_path / "assets.csv", "uid,names\n1,web01\n2,web02\n3,web02\n")
    people = write(tmp_path / "people.json", '[{"names": "alice"}]')
    ran = braid("context", "load", "--assets", assets, "--identities", people, "--dry-run")
    assert ran.code == 0
    assert ran.out == "3 assets and 1 identities read, and not loaded\n"
    assert "1 names that several records have, and that find none of them: web02" in ran.err
    ran = braid("context", "load", "--assets", assets, "--dry-run", "--json")
    assert json.loads(ran.out) == {
        "assets": 3,
        "identities": 0,
        "removed": {},
        "shared_names": 1,
        "shared": ["web02"],
        "loaded": False,
    }


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    assets = write(tmp_path / "assets.csv", "names,criticality\nweb01,Tier 1\n")
    people = write(tmp_path / "people.csv", "names,leave\nalice,soon\n")
    err = told(braid("context", "load", "--assets", assets, "--identities", people))
    assert f"{assets}:2: criticality: must be one of" in err
    assert f"{people}:2: leave: " in err


@pytest.mark.parametrize("arguments", [(), ("--assets", "gone.csv"), ("--replace",)])
def test_nothing_to_load(arguments: tuple[str, ...]) -> None:
    told(braid("context", "load", *arguments))


def test_an_api_that_does_not_answer(tmp_path: Path) -> None:
    described = write(tmp_path / "a.toml", 'url = "http://127.0.0.1:9/"\n[columns]\nnames = "n"\n')
    assert "http://127.0.0.1:9/: ConnectError" in told(braid("context", "load", "--assets", described, "--dry-run"), 1)


def test_replay_enriches_by_its_settings(tmp_path: Path) -> None:
    event = {
        "class_uid": 3002,
        "class_name": "Authentication",
        "category_uid": 3,
        "activity_id": 1,
        "type_uid": 300_201,
        "time": 1_790_078_400_000,
        "severity_id": 1,
        "user": {"name": "alice"},
        "service": {"name": "vpn"},
        "metadata": {"version": "1.8.0", "product": {"name": "Example VPN", "vendor_name": "Example"}},
    }
    write(tmp_path / "in.ndjson", json.dumps(event))
    people = write(tmp_path / "people.csv", "names,peer_group\nalice,payments\n")
    command = ("replay", str(tmp_path / "in.ndjson"), "--no-default-rules", "--out", str(tmp_path / "out"))
    assert braid(*command, identities=people).code == 0
    found = json.loads((tmp_path / "out" / "events.ndjson").read_text("utf-8"))
    assert found["enrichments"][0]["data"] == {"user": {"uid": "alice", "peer_group": "payments"}}
    err = told(braid(*command, identities=str(tmp_path / "gone.csv")))
    assert "gone.csv: No such file" in err
