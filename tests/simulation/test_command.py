"""The command: it writes files that are the same for the same seed, and says what it does not know."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from tests.simulation.__main__ import main
from tests.simulation.records.record import SOURCES

TINY = ("--weeks", "1", "--users", "16", "--hosts", "26", "--services", "4")


def run(out: Path, *more: str) -> str:
    done = CliRunner().invoke(main, [*TINY, *more, "--out", str(out)])
    assert done.exit_code == 0, done.output
    return done.output


def test_it_writes_the_same_bytes_twice(tmp_path: Path) -> None:
    said = run(tmp_path / "one")
    run(tmp_path / "two")
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    assert {f"{name}.ndjson" for name in SOURCES} < files.keys()
    for name in SOURCES:
        count = len(files[f"{name}.ndjson"].splitlines())
        assert f"{count:,} {name}" in said


def test_the_truth_names_what_was_injected(tmp_path: Path) -> None:
    run(tmp_path, "--inject", "beacon,dns_tunnel", "--strength", "faint", "--strength", "loud")
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert [(told["name"], told["strength"]) for told in truth["behaviours"]] == [
        *(("beacon", "faint"), ("beacon", "loud")),
        *(("dns_tunnel", "faint"), ("dns_tunnel", "loud")),
    ]
    for told in truth["behaviours"]:
        assert truth["warm_up_end_ms"] <= told["start_ms"] < told["end_ms"] < truth["end_ms"]
        assert told["entities"]
        assert told["detected_by"]
        assert told["domain"] == "network"


def test_a_calm_organization_has_no_attackers(tmp_path: Path) -> None:
    run(tmp_path, "--inject", "none")
    assert json.loads((tmp_path / "truth.json").read_text())["behaviours"] == []


def test_an_unknown_behaviour_is_named_with_those_there_are(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--inject", "beacon,ransom", "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert "ransom: unknown; there are mfa_fatigue" in " ".join(done.output.split())
    assert list(tmp_path.iterdir()) == []
