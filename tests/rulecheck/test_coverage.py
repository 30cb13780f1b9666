"""ATT&CK coverage, and the Navigator's layer of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson

from models.event import LogSource
from streams.rulebook import load_rulebook
from streams.rulecheck.attack import attack
from streams.rulecheck.coverage import Coverage, by_tactic, measure, observed, of_all_sources, seen_in
from streams.rulecheck.layer import layer
from tests.conftest import REPO
from tests.raw_records import event, process_start, raw
from tests.rulecheck.build import WINDOWS, load, rule_text

PROBE = "a: {Image: x}\ncondition: a"
PROCESSES = observed({(LogSource("windows", "sysmon", ("process_creation",)), 1007)})


def covered(folder: Path, *tags: str, logsource: str = WINDOWS, seen: Any = None) -> Coverage:
    texts = [
        rule_text(number, logsource, PROBE, f"Rule {number}", f"tags: [{tag}]\n") for number, tag in enumerate(tags)
    ]
    return measure(load(folder, *texts), seen or of_all_sources(), attack())


def test_the_table_is_whole() -> None:
    table = attack()
    assert len(table.tactics) == 15
    assert len(table.techniques) > 600
    for uid, technique in table.techniques.items():
        assert re.fullmatch(r"T\d{4}(\.\d{3})?", uid)
        assert technique.name
        assert technique.tactics
        assert set(technique.tactics) <= set(table.tactics)
        assert technique.parent in table.techniques
    assert set(table.replaced.values()) <= table.techniques.keys()
    assert table.techniques.keys().isdisjoint(table.replaced)
    assert "MITRE" in table.source


def test_rules_are_counted_for_each_technique(tmp_path: Path) -> None:
    found = covered(tmp_path, "attack.t1059.001", "attack.t1059.001", "attack.t1003", "attack.execution")
    assert {uid: len(one.rules) for uid, one in found.covered.items()} == {"T1003": 1, "T1059.001": 2}
    assert found.untagged == 1
    execution = next(row for row in by_tactic(found) if row[0] == "execution")
    assert execution[2:4] == (1, 2)


def test_a_rule_on_a_sub_technique_covers_its_technique(tmp_path: Path) -> None:
    gaps = {one.uid for one in covered(tmp_path, "attack.t1059.001").gaps}
    assert gaps.isdisjoint({"T1059", "T1059.001"})
    assert "T1059.003" in gaps


def test_an_id_that_was_replaced_counts_for_what_stands_for_it(tmp_path: Path) -> None:
    assert set(covered(tmp_path, "attack.t1562.001").covered) == {"T1685"}


def test_an_id_that_is_none_is_told(tmp_path: Path) -> None:
    found = covered(tmp_path, "attack.t9999")
    assert found.unknown == ("T9999",)
    (entry,) = layer(found, "x")["techniques"]
    assert "tactic" not in entry


def test_gaps_are_techniques_that_the_telemetry_shows(tmp_path: Path) -> None:
    everything, little = covered(tmp_path, "attack.t1003"), covered(tmp_path, "attack.t1003", seen=PROCESSES)
    nothing = covered(tmp_path, "attack.t1003", seen=observed(()))
    assert nothing.gaps == ()
    assert 0 < len(little.gaps) < len(everything.gaps)
    assert {one.uid for one in little.gaps} < {one.uid for one in everything.gaps}
    assert {one.uid for one in everything.unjudged}.isdisjoint(one.uid for one in everything.gaps)


def test_rules_whose_log_source_nobody_sees_are_blind(tmp_path: Path) -> None:
    found = covered(tmp_path, "attack.t1003", logsource="{product: aws, service: cloudtrail}", seen=PROCESSES)
    assert [one.uid for one in found.blind] == ["T1003"]
    assert "No telemetry" in layer(found, "x")["techniques"][0]["comment"]
    assert covered(tmp_path, "attack.t1003", logsource="{product: aws, service: cloudtrail}").blind == ()


def test_a_rule_on_ocsf_is_seen_by_its_class(tmp_path: Path) -> None:
    text = rule_text(
        1, "{category: authentication}", "a: {time|gt: 1}\ncondition: a", extra="taxonomy: ocsf\ntags: [attack.t1078]\n"
    )
    rules = load(tmp_path, text)
    assert measure(rules, PROCESSES, attack()).blind != ()
    assert measure(rules, observed({(LogSource("okta", "okta"), 3002)}), attack()).blind == ()
    assert measure(rules, of_all_sources(), attack()).blind == ()


def test_observed_telemetry_is_what_events_are_of() -> None:
    seen = seen_in([event(raw("windows", process_start()))])
    assert seen == {(LogSource("windows", "sysmon", ("process_creation",)), 1007)}


def test_the_layer_is_as_the_navigator_wants_it(tmp_path: Path) -> None:
    tags = [*["attack.t1059.001"] * 25, "attack.t1003", "attack.t1078"]
    made = orjson.loads(orjson.dumps(layer(covered(tmp_path, *tags), "Mine")))
    assert made["name"] == "Mine"
    assert made["domain"] == "enterprise-attack"
    assert made["versions"]["layer"] == "4.5"
    assert all(isinstance(value, str) for value in made["versions"].values())
    assert made["gradient"]["maxValue"] == 25
    assert all(re.fullmatch(r"#[0-9a-f]{6}", color) for color in made["gradient"]["colors"])
    for entry in made["techniques"]:
        assert re.fullmatch(r"T\d{4}(\.\d{3})?", entry["techniqueID"])
        assert entry["tactic"] in attack().tactics
        assert entry["score"] > 0
        assert entry["enabled"] is True
        assert "color" not in entry
    scores = {(entry["techniqueID"], entry["tactic"]): entry["score"] for entry in made["techniques"]}
    assert scores["T1059.001", "execution"] == 25
    assert {tactic for uid, tactic in scores if uid == "T1078"} == set(attack().techniques["T1078"].tactics)
    comment = next(entry["comment"] for entry in made["techniques"] if entry["techniqueID"] == "T1059.001")
    assert comment.splitlines()[-1] == "and 5 more"
    assert comment.splitlines()[0].startswith("Rule ")


def test_every_rule_of_the_pack_has_telemetry_and_a_technique() -> None:
    found = measure(load_rulebook([REPO / "streams" / "rules"]).sound().detections, of_all_sources(), attack())
    assert found.blind == ()
    assert found.unknown == ()
    assert found.untagged == 0
