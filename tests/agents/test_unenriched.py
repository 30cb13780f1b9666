from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from agents.evidence.unenriched import MAX_TOLD
from enrichers.intel.builder import Builder
from models.verdict import Verdict
from streams.config import load_settings
from streams.enrichment import PARTS, chain_of, make_open
from streams.rulebook import load_rulebook
from streams.stage import build_stages
from tests.agents.scenario import Scenario, intrusion
from tests.agents.test_deterministic import encoded, investigate
from tests.raw_records import logon, process_start
from tests.replay.play import play, write
from tests.scenarios.test_identity_table import TABLE, rules


def failed(*failures: Any) -> dict[str, Any]:
    return {"unmapped": {"braid": {"enrichment_failures": list(failures)}}}


def verdict_of(scenario: Scenario) -> Verdict:
    found = investigate(scenario)
    assert encoded(found)
    return found.verdict


def test_what_enrichment_could_not_tell_stands_in_the_verdict_and_weighs_nothing() -> None:
    scenario = intrusion()
    before = verdict_of(scenario)
    lists = {"enricher": "intel", "reason": "intelligence of feed-a missing: it answered 500"}
    geo = {"enricher": "geo", "reason": "city.mmdb: No such file or directory"}
    at = [
        index for index, row in enumerate(scenario.rows["events"]) if row.uid in {m.event_uid for m in scenario.members}
    ]
    for index in at:
        scenario.tell(index, **failed(lists, lists))
    scenario.tell(at[0], **failed(geo, lists))
    verdict = verdict_of(scenario)
    assert verdict.missing == (
        *before.missing,
        f"intelligence of feed-a missing: it answered 500 (on {len(at)} of {len(at)} events)",
        f"enrichment geo missing: city.mmdb: No such file or directory (on 1 of {len(at)} events)",
    )
    assert (verdict.verdict_id, verdict.confidence) == (before.verdict_id, before.confidence)


def test_there_may_be_many_and_none_need_be_of_the_right_form() -> None:
    scenario = intrusion()
    many = [{"enricher": f"e{number}", "reason": 'said "no"\u202e' * 40} for number in range(50)]
    for index in range(len(scenario.rows["events"])):
        scenario.tell(index, **failed(7, {"enricher": 1, "reason": "x"}, *many))
    told = [line for line in verdict_of(scenario).missing if "enrichment" in line]
    assert len(told) == MAX_TOLD + 1
    assert told[-1] == "22 more enrichments missing"
    assert all(len(line) < 400 and "\u202e" not in line for line in told)
    for unmapped in (7, {"braid": []}, {"braid": {"enrichment_failures": {}}}):
        scenario.tell(0, unmapped=unmapped)
        assert verdict_of(scenario)


def test_from_the_settings_to_the_verdict(tmp_path: Path) -> None:
    Builder().write(tmp_path / "t", {"feed-a": {"missing": "it answered 500"}, "feed-b": {"missing": ""}})
    (tmp_path / "people.csv").write_text(TABLE)
    settings = load_settings(
        identities=(tmp_path / "people.csv",), intel=tmp_path / "t", allow_lists=(tmp_path / "gone",)
    )
    chain = chain_of([make_open(part, settings) for part in PARTS])
    stages = build_stages(load_rulebook([rules(tmp_path / "rules")]).sound(), enrichment=chain)
    raw = write(tmp_path / "a.ndjson", [orjson.dumps(logon(user={"name": "alice@example.com"}))])
    more = write(tmp_path / "b.ndjson", [orjson.dumps(process_start())])
    found = play([raw, more], with_=stages)
    assert found.investigations
    for investigation in found.investigations:
        missing = investigation.verdict.missing
        assert "intelligence of feed-a missing: it answered 500 (on 2 of 2 events)" in missing
        assert any(line.startswith("enrichment allow missing: ") for line in missing)
