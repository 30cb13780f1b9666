"""Enrichers that change under the ingest worker, by their files; no broker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from enrichers.intel.builder import Builder
from streams.config import Settings, load_settings
from streams.workers.enrichment import RunningEnrichment
from streams.workers.health import Health
from tests.enrichers.events import connection, sign_in
from tests.enrichers.mmdb_file import write_mmdb

PEOPLE = "names,peer_group\nalice@example.com,{group}\n"


@pytest.fixture
def health() -> Health:
    return Health("ingest")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    geo(tmp_path, "NO")
    people(tmp_path, "payments")
    return load_settings(geo_databases=(tmp_path / "geo.mmdb",), identities=(tmp_path / "people.csv",))


def geo(folder: Path, country: str) -> None:
    write_mmdb(folder / "fresh", {"203.0.113.0/24": {"country": {"iso_code": country}}})
    (folder / "fresh").replace(folder / "geo.mmdb")


def people(folder: Path, group: str) -> None:
    (folder / "people.csv").write_text(PEOPLE.format(group=group))


def country(running: RunningEnrichment) -> str:
    found: dict[str, Any] = running.chain.enrich(connection()).event.ocsf
    return str(found["dst_endpoint"]["location"]["country"])


def group(running: RunningEnrichment) -> str:
    found: dict[str, Any] = running.chain.enrich(sign_in()).event.ocsf
    return str(found["enrichments"][0]["data"]["user"]["peer_group"])


def problems(health: Health) -> list[str]:
    found: list[str] = health.snapshot()["enrichment_problems"]
    return found


def settle(running: RunningEnrichment) -> None:
    """Look twice: a file is taken when it is as it was at the look before."""
    running.check()
    running.check()


def test_a_changed_file_serves_from_the_next_batch_on(settings: Settings, health: Health, tmp_path: Path) -> None:
    running = RunningEnrichment(settings, health)
    assert (country(running), group(running)) == ("NO", "payments")
    geo(tmp_path, "SE")
    people(tmp_path, "treasury")
    running.check()
    assert not running.begin()  # somebody may still be writing
    running.check()
    assert (country(running), group(running)) == ("NO", "payments")
    assert running.begin()
    assert (country(running), group(running)) == ("SE", "treasury")
    settle(running)
    assert not running.begin()
    running.close()


def test_what_did_not_change_is_not_made_again(settings: Settings, health: Health, tmp_path: Path) -> None:
    running = RunningEnrichment(settings, health)
    before = running.chain.enrichers
    people(tmp_path, "treasury")
    settle(running)
    running.begin()
    assert running.chain.enrichers[0] is before[0]
    assert running.chain.enrichers[1] is not before[1]


def test_what_cannot_be_loaded_later_leaves_the_old_one_and_is_told_once(
    settings: Settings, health: Health, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = RunningEnrichment(settings, health)
    assert problems(health) == []
    (tmp_path / "geo.mmdb").write_bytes(b"half")
    (tmp_path / "people.csv").write_text("names,privileged\nalice@example.com,perhaps\n")
    settle(running)
    settle(running)
    running.begin()
    assert (country(running), group(running)) == ("NO", "payments")
    assert len(problems(health)) == 2
    assert len([record for record in caplog.records if "enrichment: " in record.getMessage()]) == 2
    people(tmp_path, "treasury")
    geo(tmp_path, "SE")
    settle(running)
    running.begin()
    assert (country(running), group(running)) == ("SE", "treasury")
    assert problems(health) == []


def test_what_cannot_be_loaded_at_the_start_is_missing_on_events_until_it_can(
    settings: Settings, health: Health, tmp_path: Path
) -> None:
    (tmp_path / "geo.mmdb").unlink()
    (tmp_path / "people.csv").unlink()
    running = RunningEnrichment(settings, health)
    assert sorted(running.chain.enrich(connection()).failed) == ["context", "geo"]
    assert len(problems(health)) == 2
    people(tmp_path, "payments")
    geo(tmp_path, "NO")
    settle(running)
    running.begin()
    assert running.chain.enrich(connection()).failed == ()
    assert (country(running), group(running)) == ("NO", "payments")
    assert problems(health) == []


def test_lists_that_are_missing_are_told_and_the_table_is_taken_up(
    settings: Settings, health: Health, tmp_path: Path
) -> None:
    table = tmp_path / "t.intel"
    Builder().write(table, {"feed": {"missing": ""}})
    running = RunningEnrichment(settings.model_copy(update={"intel": table}), health)
    assert health.snapshot()["intel_problems"] == ()
    Builder().write(table, {"feed": {"missing": "it answered 500"}, "well": {"missing": ""}})
    settle(running)
    running.begin()
    assert problems(health) == []
    assert health.snapshot()["intel_problems"] == ("intelligence of feed missing: it answered 500",)
    found = running.chain.enrich(connection())
    assert found.failed == ("intel",)
    noted = found.event.ocsf["unmapped"]["braid"]["enrichment_failures"]
    assert noted == [{"enricher": "intel", "reason": "intelligence of feed missing: it answered 500"}]


def test_names_of_several_records_are_counted(settings: Settings, health: Health, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("uid,names\n1,alice\n2,alice\n")
    running = RunningEnrichment(settings, health)
    assert health.snapshot()["context_shared_names"] == 1
    running.start()
    running.close()
