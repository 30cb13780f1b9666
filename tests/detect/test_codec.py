from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import RuleProblem
from models.finding import Analytic, Attack
from models.moments import MAX_MS
from streams.detect.codec import Damaged, decode_file, encode_file
from streams.detect.condition import MAX_DEPTH
from streams.detect.exceptions import RuleException, Terms
from streams.detect.filters import RuleFilter
from streams.detect.loader import CompiledDocument, CompiledFile, Content, compile_file, rule_files
from streams.detect.logsource import RuleLogSource
from streams.detect.predicates import Every, Exists, FoldedText, Not, Null, Predicate, SameAs, Selection, Some, Text
from streams.detect.record import Record
from streams.detect.regex import Regexes
from streams.detect.rule import DetectionRule
from streams.detect.treecodec import Uncodable
from tests.conftest import REPO
from tests.detect.trees import records, texts, trees

PATH = "rules/a.yml"
PLACE = RuleProblem(PATH, 3, "A rule", "is so")
LOGSOURCE = RuleLogSource("windows", "process_creation", "", 0)
RULE = """\
title: One
id: 00000000-0000-4000-8000-000000000001
logsource: {product: windows}
detection:
  one: {a|re|i: '^x+$', b|cidr: 192.0.2.0/24, c|gte: 5}
  two: {a: 'x*y?z'}
  condition: one and not two or one
"""


def a_rule(condition: Predicate, **others: Any) -> DetectionRule:
    analytic = Analytic("u", "A rule", 1, "svc", 4, (Attack("execution"), Attack(technique="T1059")))
    base = {"name": "n", "level": "high", "status": "test", "confidence": 60, "risk": 60}
    return DetectionRule(
        analytic, **base, logsource=LOGSOURCE, taxonomy="sigma", condition=condition, **{"path": PATH} | others
    )


def a_filter(condition: Predicate) -> RuleFilter:
    return RuleFilter("F", ("one", "two"), LOGSOURCE, "ocsf", condition, PLACE)


def a_dated_filter(condition: Predicate, terms: Terms) -> RuleFilter:
    return RuleFilter("F", (), LOGSOURCE, "sigma", condition, PLACE, "u", terms, (4, 7))


def in_file(*contents: Content | None) -> CompiledFile:
    documents = tuple(CompiledDocument("u", "A rule", 1, content) for content in contents)
    return CompiledFile(documents, (PLACE,))


def reread(compiled: CompiledFile) -> CompiledFile:
    return decode_file(encode_file(compiled), PATH)


def condition_of(compiled: CompiledFile) -> Predicate:
    content = compiled.documents[0].content
    assert isinstance(content, DetectionRule)
    return content.condition


def whole(rule: DetectionRule) -> tuple[object, ...]:
    """Return a rule with what its comparison leaves out."""
    return rule, rule.warnings


@given(trees, st.lists(records, max_size=5))
def test_a_tree_comes_back_equal_and_decides_alike(tree: Predicate, given_records: list[dict[str, Any]]) -> None:
    back = condition_of(reread(in_file(a_rule(tree))))
    assert back == tree
    for record in given_records:
        assert back.matches(Record(record)) == tree.matches(Record(record))


LIMITS = st.one_of(st.none(), st.integers(0, 1000)), st.one_of(st.none(), st.integers(1001, MAX_MS))
TERMS = st.builds(Terms, texts, texts, *LIMITS)


@given(trees, texts, st.lists(texts, max_size=2).map(tuple), TERMS)
def test_rules_and_filters_come_back_with_everything_said_of_them(
    tree: Predicate, text: str, several: tuple[str, ...], terms: Terms
) -> None:
    rule = a_rule(
        tree,
        description=text,
        owner=text,
        investigation=text,
        telemetry=several,
        falsepositives=several,
        references=several,
        exceptions=(RuleException(text, tree, terms), RuleException("two", Not(tree), Terms())),
        warnings=(PLACE,),
    )
    compiled = in_file(rule, a_filter(tree), a_dated_filter(tree, terms), None)
    back = reread(compiled)
    assert back == compiled
    first = back.documents[0].content
    assert isinstance(first, DetectionRule)
    assert whole(first) == whole(rule)


@pytest.mark.parametrize(
    "terms",
    [
        {"from_ms": 5, "to_ms": 5},
        {"from_ms": -1},
        {"to_ms": MAX_MS + 1},
        {"to_ms": 5.5},
        {"to_ms": "5"},
        {"owner": 5},
        [],
        "x",
    ],
)
def test_terms_that_make_no_sense_are_damage(terms: Any) -> None:
    form = json.loads(encode_file(in_file(a_dated_filter(Null("a"), Terms("o")))))
    form["documents"][0]["content"]["terms"] = terms
    with pytest.raises(Damaged):
        decode_file(json.dumps(form).encode(), PATH)


def test_the_path_is_that_of_the_file_read() -> None:
    data = encode_file(in_file(a_rule(Null("a"), warnings=(PLACE,)), a_filter(Null("a")), None))
    back = decode_file(data, "elsewhere/b.yml")
    assert PATH.encode() not in data
    rule, narrowing, _ = (document.content for document in back.documents)
    assert isinstance(rule, DetectionRule)
    assert isinstance(narrowing, RuleFilter)
    places = (rule.path, rule.warnings[0].path, narrowing.place.path, back.problems[0].path)
    assert set(places) == {"elsewhere/b.yml"}


def test_what_is_shared_is_written_once_and_shared_again() -> None:
    leaf = Exists("a", expected=True)
    tree: Predicate = leaf
    for _ in range(MAX_DEPTH - 1):
        tree = Every((tree, tree))  # written out, this has 2 ** 63 leaves
    data = encode_file(in_file(a_rule(tree)))
    assert len(data) < 10_000
    back = condition_of(decode_file(data, PATH))
    assert isinstance(back, Every)
    assert back.predicates[0] is back.predicates[1]


def test_a_regular_expression_is_compiled_again() -> None:
    compiled = compile_file(RULE.encode(), PATH)
    back = reread(compiled)
    assert back == compiled
    assert regexes(condition_of(back)) == regexes(condition_of(compiled)) == ["(?i)^x+$"]
    assert condition_of(back).matches(Record({"a": "xX", "b": "192.0.2.9", "c": 7}))
    assert not condition_of(back).matches(Record({"a": "xy", "b": "192.0.2.9", "c": 7}))


def regexes(tree: Predicate) -> list[str]:
    found, stack = set(), [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Every | Some):
            stack.extend(node.predicates)
        elif isinstance(node, Not | Selection):
            stack.append(node.predicate)
        elif isinstance(node, Text) and isinstance(node.test, Regexes):
            found |= {regex.pattern for regex in node.test.regexes}
    return sorted(found)


def test_a_correlation_comes_back_as_its_document_was() -> None:
    document = {
        "title": "Many",
        "date": date(2026, 5, 1),
        "modified": datetime(2026, 5, 1, 9, 30, tzinfo=UTC),
        "correlation": {"rules": ["a", None, True, 5, 0.5], "condition": {"gte": 5}},
    }
    assert reread(in_file(document)) == in_file(document)


@pytest.mark.parametrize("value", [b"x", {1: 2}, {"!date": "2026-05-01"}, float("nan"), float("inf"), 2**60, {"x"}])
def test_a_document_that_json_would_change_is_not_written(value: object) -> None:
    with pytest.raises(Uncodable):
        encode_file(in_file({"title": "Many", "correlation": {"rules": value}}))


class Strange:
    def matches(self, record: Record) -> bool:
        return record.has("a")

    def accepts(self, text: object) -> bool:
        return text == "a"


@pytest.mark.parametrize(
    "condition",
    [
        Strange(),
        Not(Strange()),
        FoldedText("a", Strange()),
        SameAs("a", "b", lambda left, right: left is right),
        Null("\ud800"),
    ],
)
def test_what_the_codec_does_not_know_is_not_written(condition: Predicate) -> None:
    with pytest.raises(Uncodable):
        encode_file(in_file(a_rule(condition)))


def changes(value: Any) -> list[Any]:
    """Return the value with each of its parts, one at a time, replaced by something else or taken out."""
    others: list[Any] = [None, -1, 10**9, "~", [], {}, [value], True]
    if isinstance(value, dict):
        others += [{**value, key: other} for key in value for other in changes(value[key])]
        others += [{name: held for name, held in value.items() if name != key} for key in value]
    if isinstance(value, list):
        others += [[*value[:at], other, *value[at + 1 :]] for at in range(len(value)) for other in changes(value[at])]
        others += [[*value[:at], *value[at + 1 :]] for at in range(len(value))]
    return others


def test_whatever_is_changed_it_is_a_compiled_file_or_damaged() -> None:
    data = encode_file(compile_file(RULE.encode(), PATH))
    damaged = 0
    for other in changes(json.loads(data)):
        try:
            found = decode_file(json.dumps(other).encode(), PATH)
        except Damaged:
            damaged += 1
            continue
        for document in found.documents:
            if isinstance(document.content, DetectionRule):
                document.content.condition.matches(Record({"a": "xx", "b": "192.0.2.9", "c": 7}))
    assert damaged > 100


@given(st.binary(max_size=40))
def test_any_bytes_are_a_compiled_file_or_damaged(data: bytes) -> None:
    with pytest.raises(Damaged):
        decode_file(data, PATH)


@pytest.mark.parametrize(
    "condition",
    [
        [],
        [["not", 0]],
        [["null", "a"], ["not", 1]],
        [["null", "a"], ["every", [0, -1]]],
        [["null", "a"], *(["not", at] for at in range(MAX_DEPTH))],
        [["text", "a", ["regexes", [["(", True]]]]],
        [["text", "a", ["regexes", [["(", False]]]]],
        [["text", "a", ["networks", ["192.0.2.0/33"]]]],
        [["value", "a", ["compare", "gt", "many"]]],
        [["value", "a", ["compare", "near", "5"]]],
        [["same", "a", "b", "__class__", False]],
        [["folded", "a", ["patterns", [], [], [], [], [["mask", "["]]]]],
    ],
)
def test_a_condition_that_makes_no_sense_is_damage(condition: list[Any]) -> None:
    form = json.loads(encode_file(in_file(a_rule(Null("a")))))
    form["documents"][0]["content"]["condition"] = condition
    with pytest.raises(Damaged):
        decode_file(json.dumps(form).encode(), PATH)


def all_come_back(folder: Path) -> int:
    """Check every file of a folder; return how many there are."""
    files = rule_files([folder])
    for file in files:
        compiled = compile_file(file.read_bytes(), PATH)
        back = reread(compiled)
        assert back == compiled
        for mine, theirs in zip(back.documents, compiled.documents, strict=True):
            if isinstance(mine.content, DetectionRule) and isinstance(theirs.content, DetectionRule):
                assert whole(mine.content) == whole(theirs.content)
                assert regexes(mine.content.condition) == regexes(theirs.content.condition)
    return len(files)


def test_the_pack_comes_back_as_it_was_compiled() -> None:
    assert all_come_back(REPO / "streams" / "rules")


def test_every_rule_of_the_corpus_comes_back_as_it_was_compiled(shared: Path) -> None:
    assert all_come_back(shared / "data/sigma/rules")
