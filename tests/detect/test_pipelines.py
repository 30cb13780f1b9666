from __future__ import annotations

import copy
import hashlib
import inspect
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sigma.processing.conditions import detection_item_conditions, field_name_conditions, rule_conditions
from sigma.processing.transformations import transformations

from models.errors import RuleErrors
from streams.detect.filters import apply_filters, compile_filter
from streams.detect.pipeline_items import REFUSED, TRANSFORMATIONS
from streams.detect.pipelines import NO_PIPELINES, Pipelines, load_pipelines
from streams.detect.predicates import leaves
from streams.detect.record import Record
from streams.detect.rule import DetectionRule, compile_rule
from tests.conftest import REPO
from tests.detect.build import document, fires

ECS = """
name: ecs names of process creation
priority: 20
transformations:
  - id: names
    type: field_name_mapping
    mapping:
      Image: process.executable
      CommandLine: [process.command_line, process.args]
      ParentImage: process.parent.executable
      User: user.name
    rule_conditions:
      - type: logsource
        category: process_creation
  - id: the rest
    type: field_name_prefix
    prefix: winlog.event_data.
    field_name_cond_not: true
    field_name_conditions:
      - type: processing_item_applied
        processing_item_id: names
"""
BACK = """
name: back to the names of Sysmon
priority: 30
transformations:
  - type: field_name_mapping
    mapping: {process.executable: Image, process.command_line: CommandLine, process.parent.executable: ParentImage}
  - type: field_name_prefix_mapping
    mapping: {winlog.event_data.: ''}
"""
# pySigma reads condition expressions by a name that pyparsing has given another
EXPRESSION = pytest.mark.filterwarnings("ignore:.*parseString:DeprecationWarning")
PROCESS = {"category": "process_creation", "product": "windows"}


def write(folder: Path, *texts: str) -> list[Path]:
    paths = [folder / f"p{number}.yml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def pipelines(folder: Path, *texts: str) -> Pipelines:
    return load_pipelines(write(folder, *texts))


def items(*transformations: Mapping[str, Any], **others: Any) -> str:
    return yaml.safe_dump({"transformations": list(transformations), **others}, sort_keys=False)


def compiled(detection: str | Mapping[str, Any], using: Pipelines, **others: Any) -> DetectionRule:
    return compile_rule(document(detection, **others), "rules/a.yml", pipelines=using)


def fields(rule: DetectionRule) -> set[str]:
    return {leaf.field for leaf in leaves(rule.condition) if hasattr(leaf, "field")}


# --- what pipelines do


def test_no_pipelines_change_nothing() -> None:
    plain = compile_rule(document("selection: {a: x}"), "rules/a.yml")
    assert compiled("selection: {a: x}", NO_PIPELINES) == plain
    assert NO_PIPELINES.digest == ""
    assert load_pipelines([]) == NO_PIPELINES


def test_names_of_another_schema_are_those_of_the_records(tmp_path: Path) -> None:
    rule = compiled(
        r"selection: {Image|endswith: '\cmd.exe', CommandLine|contains: /c, IntegrityLevel: High}",
        pipelines(tmp_path, ECS),
        logsource=PROCESS,
    )
    executable = {"process": {"executable": r"C:\cmd.exe", "args": ["cmd", "/c"]}}
    assert fires(rule, {**executable, "winlog": {"event_data": {"IntegrityLevel": "high"}}})
    assert not fires(rule, {**executable, "winlog": {"event_data": {"IntegrityLevel": "low"}}})
    assert not fires(rule, {"Image": r"C:\cmd.exe", "CommandLine": "/c", "IntegrityLevel": "High"})


def test_there_and_back_again_is_the_rule_as_it_was_written(tmp_path: Path) -> None:
    detection = r"selection: {Image|endswith: '\cmd.exe', ParentImage: '*\x.exe', Hashes|contains: A}"
    using = pipelines(tmp_path, BACK, ECS)  # ECS has the lower priority number, so it acts first
    assert using.names == ("ecs names of process creation", "back to the names of Sysmon")
    assert compiled(detection, using, logsource=PROCESS) == compiled(detection, NO_PIPELINES, logsource=PROCESS)


def test_priority_decides_and_then_the_path(tmp_path: Path) -> None:
    first = items({"type": "field_name_suffix", "suffix": "1"}, priority=5)
    second = items({"type": "field_name_suffix", "suffix": "2"}, priority=5)
    last = items({"type": "field_name_suffix", "suffix": "3"}, priority=10)
    paths = write(tmp_path, last, first, second)
    assert fields(compiled("selection: {a: x}", load_pipelines(paths))) == {"a123"}
    assert load_pipelines(paths[::-1]) == load_pipelines(paths)
    assert load_pipelines([*paths, paths[0]]) == load_pipelines(paths)


def test_every_value_of_a_variable_takes_the_place_of_its_placeholder(tmp_path: Path) -> None:
    using = pipelines(
        tmp_path,
        items({"type": "value_placeholders"}, priority=2),
        items({"type": "set_state", "key": "k", "val": 1}, priority=1, vars={"Administrators": ["adm_*", "root", 7]}),
    )
    rule = compiled("selection: {User|expand: '%Administrators%'}", using)
    assert [fires(rule, {"User": user}) for user in ("ADM_alice", "root", "7", "bob")] == [True, True, True, False]
    by_regex = compiled("selection: {User|re|expand: '^x-%Administrators%$'}", using)
    assert [fires(by_regex, {"User": user}) for user in ("x-root", "x-adm_", "root")] == [True, True, False]


def test_a_variable_nobody_sets_refuses_the_rule(tmp_path: Path) -> None:
    using = pipelines(tmp_path, items({"type": "value_placeholders"}))
    with pytest.raises(RuleErrors, match="Administrators"):
        compiled("selection: {User|expand: '%Administrators%'}", using)


def test_placeholders_that_nobody_fills_can_be_anything(tmp_path: Path) -> None:
    using = pipelines(tmp_path, items({"type": "wildcard_placeholders", "exclude": ["Servers"]}))
    assert fires(compiled("selection: {h|expand: 'srv-%Name%'}", using), {"h": "srv-12"})
    with pytest.raises(RuleErrors, match="%Servers% has no values"):
        compiled("selection: {h|expand: '%Servers%'}", using)


@EXPRESSION
def test_conditions_choose_rules_and_detection_items(tmp_path: Path) -> None:
    using = pipelines(
        tmp_path,
        items(
            {
                "type": "field_name_suffix",
                "suffix": "_n",
                "rule_cond_expr": "mine and not aws",
                "rule_conditions": {
                    "mine": {"type": "rule_attribute", "attribute": "level", "op": "gte", "value": "high"},
                    "aws": {"type": "logsource", "product": "aws"},
                },
                "detection_item_cond_op": "or",
                "detection_item_conditions": [
                    {"type": "match_string", "cond": "any", "pattern": "^C:"},
                    {"type": "is_null", "cond": "all"},
                ],
                "field_name_conditions": [{"type": "include_fields", "fields": ["^[ab]$"], "mode": "re"}],
            }
        ),
    )
    detection = r"selection: {a: 'C:\x', b: null, c: 'C:\x', d: y}"
    assert fields(compiled(detection, using)) == {"a_n", "b_n", "c", "d"}
    assert fields(compiled(detection, using, level="low")) == {"a", "b", "c", "d"}
    assert fields(compiled(detection, using, logsource={"product": "aws"})) == {"a", "b", "c", "d"}


def test_a_log_source_is_changed_before_events_are_chosen_by_it(tmp_path: Path) -> None:
    change = {"type": "change_logsource", "product": "linux", "service": "auditd"}
    when = {"rule_conditions": [{"type": "logsource", "category": "process_creation"}]}
    using = pipelines(tmp_path, items({**change, **when}))
    changed = compiled("selection: {a: x}", using, logsource=PROCESS).logsource
    assert (changed.product, changed.category, changed.service) == ("linux", "", "auditd")
    assert compiled("selection: {a: x}", using).logsource.product == "windows"


def test_a_condition_is_added_to_every_condition(tmp_path: Path) -> None:
    added = {"type": "add_condition", "conditions": {"EventID": [1, 4688], "Channel": "$product"}, "template": True}
    refused = {"type": "add_condition", "conditions": {"Host|startswith": "test-"}, "negated": True}
    rule = compiled(
        "{selection: {a: x}, other: {b: y}, condition: [1 of them, not selection and other]}",
        pipelines(tmp_path, items(added, refused)),
    )
    event = {"EventID": 1, "Channel": "windows", "a": "x"}
    assert fires(rule, event)
    assert not fires(rule, {**event, "EventID": 2})
    assert not fires(rule, {**event, "Host": "test-1"})
    assert not fires(rule, {"EventID": 1, "Channel": "windows"})


def test_what_is_added_has_the_same_name_in_every_run(tmp_path: Path) -> None:
    text = items({"type": "nest", "items": [{"type": "add_condition", "conditions": {"a": 1}}]})
    assert compiled("selection: {b: 1}", pipelines(tmp_path, text)) == compiled(
        "selection: {b: 1}", pipelines(tmp_path, text)
    )


def test_what_is_added_takes_no_detections_place(tmp_path: Path) -> None:
    added = {"type": "add_condition", "name": "selection", "conditions": {"a": 1}}
    using = pipelines(tmp_path, items({"type": "nest", "items": [added]}))
    assert fires(compiled("{other: {b: 1}, condition: other}", using), {"a": 1, "b": 1})
    with pytest.raises(RuleErrors, match="adds a condition `selection`"):
        compiled("selection: {b: 1}", using)


def dropping(name: str) -> str:
    only = [{"type": "include_fields", "fields": [name]}]
    return items({"type": "drop_detection_item", "field_name_conditions": only})


@pytest.mark.parametrize(
    ("detection", "record", "expected"),
    [
        ("{selection: {a: x, drop: y}}", {"a": "x"}, True),
        ("{selection: {a: x}, gone: {drop: y}, condition: selection and gone}", {"a": "x"}, True),
        ("{selection: {a: x}, gone: {drop: y}, condition: selection and not gone}", {"a": "x"}, True),
        ("{selection: {a: x}, gone: {drop: y}, condition: selection or gone}", {"drop": "y"}, False),
        ("{selection: {a: x}, s_gone: [{drop: y}, {drop: z}], condition: all of s*}", {"a": "x"}, True),
        ("{selection: [{a: x}, {drop: y}]}", {"drop": "y"}, False),
        ("{selection: [{a: x}, {drop: y}]}", {"a": "x"}, True),
    ],
)
def test_what_is_dropped_leaves_the_rest(
    detection: str, record: dict[str, Any], expected: bool, tmp_path: Path
) -> None:
    assert fires(compiled(detection, pipelines(tmp_path, dropping("drop"))), record) is expected


def test_a_rule_of_which_nothing_is_left_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleErrors, match="dropped every detection"):
        compiled("selection: {drop: y}", pipelines(tmp_path, dropping("drop")))


def test_a_regular_expression_keeps_its_meaning_under_new_names(tmp_path: Path) -> None:
    using = pipelines(tmp_path, items({"type": "field_name_mapping", "mapping": {"a": ["b", "c"], "d": "e"}}))
    rule = compiled("selection: {a|re|i|startswith: 'x|y', d|re|endswith: 'z'}", using)
    assert fires(rule, {"c": "Yes", "e": "xyz"})
    assert not fires(rule, {"c": "no Yes", "e": "xyz"})
    assert not fires(rule, {"c": "Yes", "e": "xyz!"})


def test_a_negated_item_under_several_names_stays_pysigmas_any(tmp_path: Path) -> None:
    using = pipelines(tmp_path, items({"type": "field_name_mapping", "mapping": {"a": ["b", "c"]}}))
    rule = compiled("selection: {a|neq: x}", using)
    assert fires(rule, {"b": "x", "c": "y"})
    assert not fires(rule, {"b": "x", "c": "x"})


@pytest.mark.parametrize(
    ("transformation", "detection", "record", "expected"),
    [
        ({"type": "replace_string", "regex": r"^\\Device", "replacement": "C:"}, {"a": r"\Device\x*"}, r"c:\xy", True),
        ({"type": "replace_string", "regex": r"^\\Device", "replacement": "C:"}, {"a": r"\Device\x*"}, "x", False),
        ({"type": "map_string", "mapping": {"High": ["S-1-16-12288", "system"]}}, {"a": "High"}, "System", True),
        ({"type": "map_string", "mapping": {"High": ["S-1-16-12288", "system"]}}, {"a": "High"}, "High", False),
        ({"type": "set_value", "value": 5}, {"a|re": "x"}, 5, True),
        ({"type": "set_value", "value": None}, {"a": "x"}, None, True),
        ({"type": "convert_type", "target_type": "str"}, {"a": 5}, "5", True),
        ({"type": "convert_type", "target_type": "num"}, {"a": "0x10"}, 16, None),
        ({"type": "convert_type", "target_type": "num"}, {"a": "16"}, 16, True),
        ({"type": "case", "method": "upper"}, {"a|cased": "Abc"}, "ABC", True),
        ({"type": "regex", "method": "plain"}, {"a": "b*c.d"}, "bxx\ncxd", False),
        ({"type": "regex", "method": "plain"}, {"a": "b*c.d"}, "bxx\nc.d", True),
        ({"type": "regex", "method": "plain"}, {"a": "b*c.d"}, "no bc.d", False),
        ({"type": "regex", "method": "plain"}, {"a|contains": "b"}, "abc", True),
        ({"type": "regex", "method": "plain"}, {"a": "b"}, "B", False),
        ({"type": "regex", "method": "ignore_case_flag"}, {"a": "b"}, "B", True),
        ({"type": "regex"}, {"a": ["b", 5]}, 5, True),
        ({"type": "regex"}, {"a|all": ["b*", "*c"]}, "BC", True),
    ],
)
def test_values_are_rewritten(
    transformation: dict[str, Any], detection: dict[str, Any], record: Any, expected: bool | None, tmp_path: Path
) -> None:
    using = pipelines(tmp_path, items(transformation))
    if expected is None:
        with pytest.raises(RuleErrors, match="converted to number"):
            compiled({"selection": detection}, using)
    else:
        assert fires(compiled({"selection": detection}, using), {"a": record}) is expected


def test_hashes_and_captured_parts_become_fields(tmp_path: Path) -> None:
    hashes = {"type": "hashes_fields", "valid_hash_algos": ["MD5", "SHA1"], "field_prefix": "File"}
    parts = {"type": "extract_fields", "regex": "(?P<kind>[a-z]+):(?P<n>[0-9]+)", "field_prefix": "r"}
    only = {"field_name_conditions": [{"type": "include_fields", "fields": ["reg"]}]}
    using = pipelines(tmp_path, items(hashes, {**parts, **only}))
    rule = compiled(
        {"selection": {"Hashes|contains": ["MD5=" + "a" * 32, "SHA1=" + "b" * 40], "reg": "dword:5"}}, using
    )
    assert fires(rule, {"FileSHA1": "B" * 40, "r.kind": "DWORD", "r.n": 5})
    assert not fires(rule, {"FileSHA1": "B" * 40, "r.kind": "DWORD", "r.n": 6})


def test_nested_items_and_state_and_the_list_of_fields(tmp_path: Path) -> None:
    using = pipelines(
        tmp_path,
        items(
            {"type": "set_state", "key": "index", "val": "main"},
            {"type": "add_field", "field": ["x", "y"]},
            {"type": "remove_field", "field": "x"},
            {"type": "set_field", "fields": ["z"]},
            {
                "type": "nest",
                "items": [{"type": "field_name_prefix", "prefix": "p."}],
                "rule_conditions": [{"type": "processing_state", "key": "index", "val": "main"}],
            },
        ),
    )
    assert fields(compiled("selection: {a: x}", using)) == {"p.a"}
    assert fields(compiled("selection: {a: x}", using)) == {"p.a"}  # nothing of one rule is left for the next


def test_field_references_follow_the_names(tmp_path: Path) -> None:
    using = pipelines(tmp_path, items({"type": "field_name_mapping", "mapping": {"a": "x.a", "b": "x.b"}}))
    assert fires(compiled("selection: {a|fieldref: b}", using), {"x": {"a": "1", "b": "1"}})


def test_keywords_can_get_a_field(tmp_path: Path) -> None:
    text = "transformations: [{type: field_name_mapping, mapping: {null: message}}]"
    using = pipelines(tmp_path, text)
    rule = compiled({"selection": ["denied", "dropped"]}, using)
    assert fires(rule, {"message": "access DENIED here"})
    assert not fires(rule, {"other": "denied"})
    by_regex = compiled({"selection": {"|re": "den(y|ied)$"}}, using)
    assert fires(by_regex, {"message": "access denied"})
    assert not fires(by_regex, {"message": "denied access", "other": "denied"})


def test_no_rule_changes_the_pipelines(tmp_path: Path) -> None:
    using = pipelines(tmp_path, items({"type": "set_field", "fields": ["a"]}, {"type": "add_field", "field": "b"}))
    before = copy.deepcopy(using.definition)
    compiled("selection: {a: x}", using)
    assert using.definition == before


def test_a_pipeline_can_map_to_ocsf_and_say_so(tmp_path: Path) -> None:
    using = pipelines(
        tmp_path,
        items(
            {"type": "field_name_mapping", "mapping": {"Image": "process.file.path"}},
            {"type": "change_logsource", "category": "process_activity"},
            {"type": "set_custom_attribute", "attribute": "taxonomy", "value": "ocsf"},
        ),
    )
    rule = compiled("selection: {Image: x}", using, logsource=PROCESS)
    assert (rule.taxonomy, rule.logsource.class_uid) == ("ocsf", 1007)


def test_a_taxonomy_that_does_not_exist_refuses_the_rule(tmp_path: Path) -> None:
    using = pipelines(tmp_path, items({"type": "set_custom_attribute", "attribute": "taxonomy", "value": "ecs"}))
    with pytest.raises(RuleErrors, match="taxonomy 'ecs'"):
        compiled("selection: {Image: x}", using)


def test_a_pipeline_refuses_a_rule(tmp_path: Path) -> None:
    refusal = {"type": "rule_failure", "message": "no telemetry for it"}
    when = {"rule_conditions": [{"type": "tag", "tag": "attack.t1003"}]}
    using = pipelines(tmp_path, items({**refusal, **when}, name="ours"))
    assert compiled("selection: {a: x}", using)
    with pytest.raises(RuleErrors, match=r"rules/a.yml:0: A rule: .*\(ours\) refuses it: no telemetry for it"):
        compiled("selection: {a: x}", using, tags=["attack.t1003"])


def test_a_detection_item_and_an_unmapped_field_refuse_a_rule(tmp_path: Path) -> None:
    item = {"type": "detection_item_failure", "message": "no wildcards"}
    when = {"detection_item_conditions": [{"type": "contains_wildcard", "cond": "any"}]}
    using = pipelines(
        tmp_path,
        items(
            {**item, **when},
            {"type": "field_name_mapping", "mapping": {"a": "b"}},
            {"type": "strict_field_mapping_failure"},
        ),
    )
    assert fields(compiled("selection: {a: x}", using)) == {"b"}
    with pytest.raises(RuleErrors, match="no wildcards"):
        compiled("selection: {a: 'x*'}", using)
    with pytest.raises(RuleErrors, match="not mapped: c"):
        compiled("selection: {a: x, c: y}", using)


def test_a_filter_is_rewritten_as_the_rules_of_its_log_source_are(tmp_path: Path) -> None:
    using = pipelines(
        tmp_path, ECS, items({"type": "change_logsource", "product": "windows", "service": "sysmon"}, priority=25)
    )
    rule = compiled("selection: {Image: x}", using, logsource=PROCESS)
    content = {"title": "ours", "logsource": PROCESS, "filter": {"rules": "any", "condition": "not admin"}}
    content["filter"]["admin"] = {"User|startswith": "adm_"}  # type: ignore[index]  # a map of maps
    narrowed, idle = apply_filters((rule,), (compile_filter(content, "filters/a.yml", pipelines=using),))
    assert idle == ()
    assert fires(narrowed[0], {"process.executable": "x", "user": {"name": "bob"}})
    assert not fires(narrowed[0], {"process.executable": "x", "user": {"name": "adm_bob"}})


def test_an_exception_is_rewritten_too_and_holds_as_long(tmp_path: Path) -> None:
    using = pipelines(tmp_path, ECS)
    content = {
        "title": "ours",
        "logsource": PROCESS,
        "filter": {"rules": "any", "condition": "not admin", "admin": {"User|startswith": "adm_"}},
        "braid": {"owner": "platform", "expires": "2026-12-31"},
    }
    rule = compiled("selection: {Image: x}", using, logsource=PROCESS)
    (narrowed,), _ = apply_filters((rule,), (compile_filter(content, "filters/a.yml", pipelines=using),))
    (known,) = narrowed.exceptions
    assert known.terms.to_ms == 1_798_675_200_000
    for name, excepts in (("bob", False), ("adm_bob", True)):
        assert known.excepts(1_798_675_199_999, Record({"user": {"name": name}})) is excepts


def test_a_rule_is_compiled_once_for_one_digest_and_differs_for_another(tmp_path: Path) -> None:
    one, other = (
        items({"type": "field_name_prefix", "prefix": "a."}),
        items({"type": "field_name_prefix", "prefix": "b."}),
    )
    digest = hashlib.sha256(hashlib.sha256(one.encode()).digest() + hashlib.sha256(other.encode()).digest()).hexdigest()
    assert pipelines(tmp_path, one, other).digest == digest
    assert pipelines(tmp_path, one).digest not in {digest, pipelines(tmp_path, other).digest}
    assert hash(pipelines(tmp_path, one)) == hash(pipelines(tmp_path, one))


def test_the_example_of_the_documents_works(tmp_path: Path) -> None:
    text = (REPO / "deploy" / "docs" / "rules.md").read_text("utf-8")
    section = text.partition("## Processing pipelines")[2]
    using = pipelines(tmp_path, section.partition("```yaml\n")[2].partition("```")[0])
    detection = {"selection": {"process.executable": "x", "User|expand": "%Administrators%"}}
    rule = compiled(detection, using, logsource=PROCESS)
    assert fires(rule, {"Image": "x", "User": "adm_alice"})
    with pytest.raises(RuleErrors, match="we do not collect it"):
        compiled(detection, using, logsource={**PROCESS, "product": "macos"})


# --- what pipelines may not do


def problems(folder: Path, *texts: str) -> list[str]:
    with pytest.raises(RuleErrors) as caught:
        pipelines(folder, *texts)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_what_runs_code_or_reaches_out_is_refused_and_told_why(kind: str, tmp_path: Path) -> None:
    text = (
        f"name: theirs\ntransformations:\n  - type: field_name_prefix\n    prefix: a\n  - type: {kind}\n    path: /x\n"
    )
    assert problems(tmp_path, text) == [
        f"p0.yml:5: theirs: transformation 2: type '{kind}' is refused: {REFUSED[kind]}"
    ]
    nested = items({"type": "nest", "items": [{"type": "nest", "items": [{"type": kind}]}]})
    assert [REFUSED[kind] in problem for problem in problems(tmp_path, nested)] == [True]


def test_every_transformation_that_pysigma_has_is_taken_or_refused() -> None:
    assert transformations.keys() == TRANSFORMATIONS | REFUSED.keys()
    assert not TRANSFORMATIONS & REFUSED.keys()


@pytest.mark.parametrize(
    "section",
    [
        "finalizers: [{type: template, template: '{{ 7 * 7 }}'}]",
        "finalizers: [{type: concat}]",
        "postprocessing: [{type: template, template: '{{ rule }}'}]",
        "postprocessing: [{type: simple_template, template: '{rule.__class__}'}]",
        "postprocessing: [{type: embed, prefix: 'index=x '}]",
    ],
)
def test_what_works_on_queries_is_refused(section: str, tmp_path: Path) -> None:
    text = f"transformations: [{{type: field_name_prefix, prefix: a}}]\n{section}\n"
    assert [":2: " in problem and "Braid makes no queries" in problem for problem in problems(tmp_path, text)] == [True]


@EXPRESSION
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "holds 0 YAML documents"),
        ("a: 1\n---\nb: 2\n", "holds 2 YAML documents"),
        ("- a\n", "a map, not a list"),
        ("a: [1\n", "not YAML"),
        ("transformations: !!python/object/apply:os.getcwd []\n", "not YAML"),
        ("title: x\ntransformations: [{type: field_name_prefix, prefix: a}]", "title: unknown key"),
        ("name: x\n", "has no `transformations`"),
        ("transformations: {}\n", "transformations: must be a list"),
        ("transformations: [5]\n", "transformation 1: is a map with `type`"),
        ("transformations: [{prefix: a}]\n", "type None is not known"),
        ("transformations: [{type: [x]}]\n", "is not known"),
        ("transformations: [{type: shout}]\n", "type 'shout' is not known"),
        ("transformations: [{type: field_name_prefix}]\n", "prefix"),
        ("transformations: [{type: field_name_prefix, prefix: a, more: 1}]\n", "more"),
        ("transformations: [{type: field_name_prefix, prefix: 5}]\n", "prefix: must be a text"),
        ("transformations: [{type: field_name_mapping, mapping: {a: 5}}]\n", "mapping: must be a map"),
        ("transformations: [{type: field_name_mapping, mapping: {a: []}}]\n", "mapping: must be a map"),
        ("transformations: [{type: field_name_mapping, mapping: [a]}]\n", "mapping: must be a map"),
        ("transformations: [{type: replace_string, regex: '(', replacement: x}]\n", "'(' is invalid"),
        ("transformations: [{type: replace_string, regex: '(?=a)', replacement: x}]\n", "is invalid"),
        ("transformations: [{type: case, method: shout}]\n", "shout"),
        ("transformations: [{type: change_logsource, product: 5}]\n", "product: must be a text"),
        ("transformations: [{type: add_condition, conditions: {a: {b: c}}}]\n", "conditions: must be a map"),
        ("transformations: [{type: nest}]\n", "items: must be a list"),
        ("transformations: [{type: nest, items: [{type: shout}]}]\n", "items 1: type 'shout'"),
        ("transformations: [{type: field_name_prefix, prefix: a, rule_cond_op: xor}]\n", "`and` or `or`"),
        ("transformations: [{type: field_name_prefix, prefix: a, rule_cond_not: 1}]\n", "true or false"),
        ("transformations: [{type: field_name_prefix, prefix: a, rule_conditions: 1}]\n", "rule_conditions: must"),
        ("transformations: [{type: field_name_prefix, prefix: a, rule_conditions: [1]}]\n", "rule_conditions.1"),
        ("transformations: [{type: field_name_prefix, prefix: a, rule_conditions: [{type: x}]}]\n", "'x'"),
        ("transformations: [{type: field_name_prefix, prefix: a, rule_cond_expr: a and}]\n", ""),
        (
            "transformations: [{type: case, detection_item_conditions: [{type: match_string, cond: x, pattern: a}]}]\n",
            "x",
        ),
        ("priority: high\ntransformations: [{type: case}]\n", "priority: must be a whole number"),
        ("vars: [a]\ntransformations: [{type: case}]\n", "vars: must be a map"),
        ("vars: {a: {b: c}}\ntransformations: [{type: case}]\n", "vars.a: must be a text"),
        ("vars: {a: []}\ntransformations: [{type: case}]\n", "vars.a: must be a text"),
        ("vars: {a: &a [x, x], b: [*a, *a]}\ntransformations: [{type: case}]\n", "vars.b: must be a text"),
    ],
)
def test_a_file_that_is_wrong_says_where_and_what(text: str, complaint: str, tmp_path: Path) -> None:
    found = problems(tmp_path, text)
    assert any(complaint in problem for problem in found), found
    assert all(problem.startswith("p0.yml:") for problem in found)


def test_every_mistake_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, "priority: x\ntransformations:\n  - type: a\n  - type: b\n", "transformations: 1\n")
    assert [problem.partition(" ")[0] for problem in found] == ["p0.yml:1:", "p0.yml:3:", "p0.yml:4:", "p1.yml:1:"]


def test_a_file_that_is_not_there_or_has_no_end_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "long.yml").write_bytes(b"#" * 2_000_000)
    with pytest.raises(RuleErrors) as caught:
        load_pipelines([tmp_path / "none.yml", tmp_path, tmp_path / "long.yml"])
    assert ["cannot be read" in str(problem) for problem in caught.value.problems] == [True, True, False]


def test_a_bomb_of_aliases_is_a_problem(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 7)]
    assert any("multiply" in problem for problem in problems(tmp_path, "\n".join(lines)))


def test_a_rule_no_pipeline_can_rewrite_is_a_problem_not_an_exception(tmp_path: Path) -> None:
    hashes = {"type": "hashes_fields", "valid_hash_algos": ["MD5"]}
    replaced = {"type": "replace_string", "regex": "(a)", "replacement": r"\9"}
    for transformation in (hashes, replaced):
        with pytest.raises(RuleErrors, match="refuses it"):
            compiled(
                {"selection": {"Hashes": "aXYZ=1"}},
                pipelines(tmp_path, items(transformation)),
                id=str(uuid.UUID(int=1)),
            )


WORDS = st.sampled_from(
    ["a", "Hashes", "x*", "%v%", "(", "(?P<n>x)", "all", "any", "re", "num", "eq", "windows", "", "v"]
)
SCALARS = st.one_of(WORDS, st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False))
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=5
)
MAPS = st.dictionaries(WORDS, st.one_of(WORDS, st.lists(WORDS, max_size=2)), max_size=3)
FITTING = {
    **dict.fromkeys(("mapping", "conditions"), MAPS),
    **dict.fromkeys(("fields", "valid_hash_algos", "field_to_parse", "include"), st.lists(WORDS, max_size=3)),
    **dict.fromkeys(("prefix", "suffix", "regex", "replacement", "message", "key", "attribute", "name"), WORDS),
    **dict.fromkeys(("pattern", "tag", "processing_item_id", "op", "cond", "mode", "method", "target_type"), WORDS),
    **dict.fromkeys(("category", "product", "value", "val", "field", "force_type"), SCALARS),
}


def made_of(classes: Mapping[str, type], taken: Iterable[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a transformation or a condition with parameters that it has, and most often values that fit."""
    return st.one_of(*(_made(kind, classes[kind]) for kind in sorted(taken)))


def _made(kind: str, of: type) -> st.SearchStrategy[dict[str, Any]]:
    known = inspect.signature(of).parameters.values()
    drawn = {
        each.name: st.one_of(FITTING[each.name], FITTING[each.name], ANYTHING) for each in known if each.name in FITTING
    }
    needed = {each.name: drawn.pop(each.name) for each in known if each.default is each.empty and each.name in drawn}
    return st.fixed_dictionaries({"type": st.just(kind), **needed}, optional=drawn)


def conditions(classes: Mapping[str, type]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(made_of(classes, classes), max_size=2)


TRANSFORMATION = st.tuples(
    made_of(transformations, TRANSFORMATIONS - {"nest"}),
    st.fixed_dictionaries(
        {},
        optional={
            "rule_conditions": conditions(rule_conditions),
            "detection_item_conditions": conditions(detection_item_conditions),
            "field_name_conditions": conditions(field_name_conditions),
        },
    ),
).map(lambda drawn: {**drawn[0], **drawn[1]})
DETECTION = {
    "selection": {"a|contains|all": ["x", "y*"], "b": [1, None, True], "c|re|i": "x|y", "Hashes": "MD5=" + "a" * 32},
    "other": ["word", {"d|cidr": "192.0.2.0/24", "e|fieldref": "a", "f|expand": "%v%", "g|exists": True}],
    "condition": "selection or not 1 of them",
}


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TRANSFORMATION, min_size=1, max_size=2))
def test_any_pipeline_is_taken_or_refused_and_so_is_any_rule(tmp_path: Path, drawn: list[dict[str, Any]]) -> None:
    path = tmp_path / "drawn.yml"
    path.write_text(yaml.safe_dump({"transformations": drawn, "vars": {"v": ["1"]}}), encoding="utf-8")
    with suppress(RuleErrors):
        using = load_pipelines([path])
        rule = compile_rule(document(DETECTION), "rules/a.yml", placeholders={"v": ("1",)}, pipelines=using)
        assert fires(rule, {"a": "xy", "b": 1}) in {True, False}
