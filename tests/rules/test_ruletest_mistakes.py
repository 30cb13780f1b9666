"""What is wrong with a file of tests comes back as problems with file and line; nothing raises."""

from __future__ import annotations

import pytest

from models.errors import RuleProblem
from streams.detect.documents import MAX_FILE_BYTES
from streams.ruletest import run_tests
from streams.ruletest.reader import MAX_REPEAT, read_tests
from tests.rules.build import fetch_test, write, write_pack

# A sound test on lines 2 to 4, so that a mistake is never on the first; what is tested starts on line 5.
BEFORE = """\
tests:
  - name: sound
    signals: [{rule: fetch, at: 0s}]
    sequences: 0
"""
SIGNAL = """\
  - name: broken
    signals:
      - rule: fetch
        at: 0s
        {}
    sequences: 0
"""  # the line to fill is 9
RECORD = """\
  - name: broken
    records:
      - source: zeek
        {}
    sequences: 0
"""  # the line to fill is 8
DETECTION = """\
  - name: broken
    fires: true
    source: zeek
    {}
"""  # the line to fill is 8
CORRELATION = """\
  - name: broken
    signals: []
    {}
"""  # the line to fill is 7


def fill(template: str, line: str) -> str:
    return template.replace("{}", line)


MISTAKES = {
    "a test that is no map": ("  - broken\n", 5, "", "a test is a map"),
    "a test that is empty": ("  - {}\n", 5, "", "lacks name"),
    "no name": ("  - {signals: [], sequences: 0}\n", 5, "", "lacks name"),
    "an empty name": ("  - {name: '', signals: [], sequences: 0}\n", 5, "", "name: must be a text"),
    "a name that is a number": ("  - signals: []\n    sequences: 0\n    name: 7\n", 7, "7", "name: must be a text"),
    "nothing given": ("  - {name: broken, sequences: 0}\n", 5, "broken", "give `source` and `record` (to a detection)"),
    "nothing but a truth": ("  - {name: broken, fires: true}\n", 5, "broken", "give `source` and `record` (to a det"),
    "what is given misspelled": (
        "  - name: broken\n    sequences: 0\n    signal: []\n",
        7,
        "broken",
        "unknown key 'signal'; known: alert, columns,",
    ),
    "nothing expected": ("  - {name: broken, signals: []}\n", 5, "broken", "say either `fires` (whether a sequence"),
    "nothing expected of a record": (
        "  - {name: broken, source: zeek, record: {}}\n",
        5,
        "broken",
        "lacks fires",
    ),
    "two things expected": (
        "  - {name: broken, signals: [], sequences: 1, fires: true}\n",
        5,
        "broken",
        "say either `fires` (whether a sequence",
    ),
    "a correlation that fires in words": (
        fill(CORRELATION, "fires: never"),
        7,
        "broken",
        "fires: must be true or false",
    ),
    "groups no list": (
        fill(CORRELATION, "fires: true\n    groups: host:web01"),
        8,
        "broken",
        "groups: must be a list",
    ),
    "a group that is no text": (
        fill(CORRELATION, "fires: true\n    groups:\n      - host:web01\n      - 7"),
        10,
        "broken",
        "groups: 7 is no text; quote it",
    ),
    "a group twice": (
        fill(CORRELATION, "sequences: 2\n    groups: [host:web01, host:web01]"),
        8,
        "broken",
        "groups: one stands here twice",
    ),
    "groups of what must not fire": (
        fill(CORRELATION, "fires: false\n    groups: [host:web01]"),
        8,
        "broken",
        "groups: names those of the sequences that stand",
    ),
    "no groups of what must fire": (
        fill(CORRELATION, "fires: true\n    groups: []"),
        8,
        "broken",
        "groups: names those of the sequences that stand",
    ),
    "groups of no sequences": (
        fill(CORRELATION, "sequences: 0\n    groups: [host:web01]"),
        8,
        "broken",
        "groups: names those of the sequences that stand",
    ),
    "no groups of two sequences": (
        fill(CORRELATION, "sequences: 2\n    groups: []"),
        8,
        "broken",
        "groups: names those of the sequences that stand",
    ),
    "more groups than sequences": (
        fill(CORRELATION, "sequences: 1\n    groups: [host:web01, host:web02]"),
        8,
        "broken",
        "groups: 2 cannot stand with 1 sequences",
    ),
    "an unknown key of a test": (
        fill(CORRELATION, "sequence: 1"),
        7,
        "broken",
        "unknown key 'sequence'; known: alert,",
    ),
    "sequences no number": (fill(CORRELATION, "sequences: one"), 7, "broken", "sequences: must be a whole number"),
    "sequences below zero": (fill(CORRELATION, "sequences: -1"), 7, "broken", "sequences: must be a whole number"),
    "sequences a truth": (fill(CORRELATION, "sequences: true"), 7, "broken", "sequences: must be a whole number"),
    "an alert in words": (
        "  - {name: broken, signals: [], sequences: 0, alert: high}\n",
        5,
        "broken",
        "alert: must be true",
    ),
    "a rule that is a list": (
        "  - name: broken\n    signals: []\n    sequences: 0\n    rule: [fetch]\n",
        8,
        "broken",
        "rule: must be a text",
    ),
    "signals no list": (
        "  - name: broken\n    sequences: 0\n    signals: fetch\n",
        7,
        "broken",
        "signals: must be a list",
    ),
    "records no list": (
        "  - name: broken\n    sequences: 0\n    records: {a: b}\n",
        7,
        "broken",
        "records: must be a list",
    ),
    "a signal that is no map": (
        "  - name: broken\n    sequences: 0\n    signals:\n      - fetch\n",
        8,
        "broken",
        "must be a map",
    ),
    "a record that is no map": (
        "  - name: broken\n    sequences: 0\n    records:\n      - GET\n",
        8,
        "broken",
        "must be a map",
    ),
    "a signal without time": ("  - {name: broken, sequences: 0, signals: [{rule: a}]}\n", 5, "broken", "lacks at"),
    "a signal without rule": ("  - {name: broken, sequences: 0, signals: [{at: 0s}]}\n", 5, "broken", "lacks rule"),
    "a time without unit": (fill(SIGNAL, "every: 5"), 9, "broken", "every: 5 is no time; write 0s, 500ms"),
    "a time in words": (fill(SIGNAL, "every: soon"), 9, "broken", "every: 'soon' is no time"),
    "a time before the start": (fill(SIGNAL, "every: -5m"), 9, "broken", "every: '-5m' is no time"),
    "a time with more behind it": (fill(SIGNAL, "every: 5m 3s"), 9, "broken", "every: '5m 3s' is no time"),
    "a time of ten digits": (fill(SIGNAL, "every: 1000000000s"), 9, "broken", "every: '1000000000s' is no time"),
    "a time that is a list": (fill(SIGNAL, "every: [5m]"), 9, "broken", "every: ['5m'] is no time"),
    "a time of a record": (fill(RECORD, "at: 0\n        record: {}"), 8, "broken", "at: 0 is no time"),
    "an entity of an unknown type": (
        fill(SIGNAL, "entities: [host:a,\n          planet:mars]"),
        10,
        "broken",
        "not an entity key: 'planet:mars'; write for example host:web01",
    ),
    "an entity without value": (fill(SIGNAL, "entities: ['host:']"), 9, "broken", "not an entity key: 'host:'"),
    "an entity that is a map": (fill(SIGNAL, "entities: [{host: a}]"), 9, "broken", "not an entity key: "),
    "an entity too long": (
        fill(SIGNAL, f"entities: ['host:{'a' * 300}']"),
        9,
        "broken",
        "not an entity key: 'host:aaa",
    ),
    "entities no list": (fill(SIGNAL, "entities: host:a"), 9, "broken", "entities: must be a list"),
    "fields no map": (
        fill(SIGNAL, "fields: [a, b]"),
        9,
        "broken",
        "fields: must be a map of field names to single values",
    ),
    "a field that is a list": (
        fill(SIGNAL, "fields: {a: [b]}"),
        9,
        "broken",
        "fields: must be a map of field names to",
    ),
    "a field without value": (
        fill(SIGNAL, "fields: {a: null}"),
        9,
        "broken",
        "fields: must be a map of field names to",
    ),
    "an unknown domain": (
        fill(SIGNAL, "domain: cloud"),
        9,
        "broken",
        "domain: 'cloud' is none of identity, network, workload",
    ),
    "an unknown key of a signal": (fill(SIGNAL, "time: 5m"), 9, "broken", "unknown key 'time'; known: at, domain,"),
    "repeated never": (fill(SIGNAL, "repeat: 0"), 9, "broken", "repeat: must be from 1 to 10000"),
    "repeated too often": (fill(SIGNAL, f"repeat: {MAX_REPEAT + 1}"), 9, "broken", "repeat: must be from 1 to 10000"),
    "repeated in words": (fill(SIGNAL, "repeat: often"), 9, "broken", "repeat: must be a whole number"),
    "too many signals together": (
        fill(SIGNAL, f"repeat: {MAX_REPEAT}\n      - {{rule: fetch, at: 0s}}"),
        6,
        "broken",
        "signals: more than 10000 together",
    ),
    "a link without its end": (
        fill(CORRELATION, "links: [{left: 'ip:192.0.2.7'}]\n    sequences: 0"),
        7,
        "broken",
        "lacks right",
    ),
    "a link to nothing": (
        fill(CORRELATION, "links:\n      - left: ip:192.0.2.7\n        right: web01\n    sequences: 0"),
        9,
        "broken",
        "not an entity key: 'web01'",
    ),
    "a link that is a text": (fill(CORRELATION, "links: [a]\n    sequences: 0"), 7, "broken", "must be a map"),
    "an unknown source": (
        "  - name: broken\n    sequences: 0\n    records:\n      - line: x\n        source: zeeek\n",
        9,
        "broken",
        "no source is named 'zeeek'; there are ",
    ),
    "an unknown source of a detection": (
        "  - name: broken\n    fires: true\n    line: x\n    source: zeeek\n",
        8,
        "broken",
        "no source is named 'zeeek'",
    ),
    "a source that is no text": (
        "  - {name: broken, fires: true, source: 7, line: x}\n",
        5,
        "broken",
        "source: must be a text",
    ),
    "no source": ("  - {name: broken, fires: true, line: x}\n", 5, "broken", "lacks source"),
    "no record": (
        "  - {name: broken, fires: true, source: zeek}\n",
        5,
        "broken",
        "give either `record` (a map) or `line`",
    ),
    "record and line": (
        "  - {name: broken, fires: true, source: zeek, record: {}, line: x}\n",
        5,
        "broken",
        "give either `record` (a map) or `line`",
    ),
    "a record that is a text": (
        fill(DETECTION, "record: GET /"),
        8,
        "broken",
        "record: must be a map; raw text goes under",
    ),
    "a record that is a list": (fill(RECORD, "record: [{}]"), 8, "broken", "record: must be a map"),
    "a record that JSON cannot hold": (
        fill(DETECTION, f"record: {{a: {2**70}}}"),
        8,
        "broken",
        "record: cannot be written as JSON",
    ),
    "a record with bytes": (
        fill(DETECTION, "record: {a: !!binary YQ==}"),
        8,
        "broken",
        "record: cannot be written as JSON",
    ),
    "a line that is a map": (fill(DETECTION, "line: {a: b}"), 8, "broken", "line: must be a text"),
    "columns no list": (fill(DETECTION, "columns: ts\n    line: x"), 8, "broken", "columns: must be a list"),
    "a column that is no text": (
        fill(DETECTION, "columns: [ts,\n      7]\n    line: x"),
        9,
        "broken",
        "columns: 7 is no text",
    ),
    "fires in words": (
        "  - name: broken\n    source: zeek\n    line: x\n    fires: maybe\n",
        8,
        "broken",
        "fires: must be true or",
    ),
    "an unknown key of a detection's test": (
        fill(DETECTION, "alert: true\n    line: x"),
        8,
        "broken",
        "unknown key 'alert'",
    ),
    "an unknown key of a record": (fill(RECORD, "when: 0s"), 8, "broken", "unknown key 'when'; known: at, columns,"),
}


@pytest.mark.parametrize(("text", "line", "name", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_comes_back_with_file_and_line_and_spares_the_others(tmp_path, text, line, name, message):
    file = write(tmp_path / "fetch.tests.yml", BEFORE + text)
    tests, (problem,) = read_tests(file)
    assert [test.name for test in tests] == ["sound"]
    assert (problem.path, problem.line, problem.rule) == (str(file), line, name)
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "holds no map with `tests`, or more than one document"),
        ("# nothing\n", 1, "holds no map with `tests`"),
        (
            "tests: [{name: a, signals: [], sequences: 0}]\n---\ntests: []\n",
            1,
            "holds no map with `tests`, or more than",
        ),
        ("- name: a\n", 1, "a rule is a map, not a list"),
        ("\ntests: []\n", 2, "tests: holds none"),
        ("{}\n", 1, "lacks tests"),
        ("tests:\n", 1, "tests: must be a list"),
        ("\ntests: {name: a}\n", 2, "tests: must be a list"),
        ("tests: []\ntest: []\n", 2, "unknown key 'test'; known: tests"),
        ("tests: []\ntests: []\n", 2, "key 'tests' stands here twice"),
        ("tests:\n  - {name: a\n  - b\n", 4, "not YAML: "),
        ("tests: !!python/object/apply:os.getcwd []\n", 1, "not YAML that can be read: "),
        ("tests: &a [*a]\n", 1, ""),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n" + "d: [" + "*c, " * 20_000 + "]\n", 1, "more than "),
        ("tests: " + "[" * 5_000, 1, "nested deeper than "),
        ("tests: \x00\n", 0, "not YAML: "),
    ],
)
def test_a_file_that_is_no_file_of_tests_is_one_problem(tmp_path, text, line, message):
    file = write(tmp_path / "fetch.tests.yml", text)
    tests, problems = read_tests(file)
    assert tests == ()
    assert [(problem.path, problem.rule) for problem in problems] == [(str(file), "")]
    assert problems[0].message.startswith(message)
    assert problems[0].line == line


def test_bytes_that_are_no_text_are_a_problem(tmp_path):
    (tmp_path / "fetch.tests.yml").write_bytes(b"tests: \xff\xfe\n")
    tests, (problem,) = read_tests(tmp_path / "fetch.tests.yml")
    assert tests == ()
    assert problem.message.startswith("not YAML: ")


def test_a_file_that_is_too_long_is_not_read(tmp_path):
    file = write(tmp_path / "fetch.tests.yml", BEFORE + "#" * MAX_FILE_BYTES)
    assert read_tests(file) == ((), (RuleProblem(str(file), 0, "", f"longer than {MAX_FILE_BYTES} bytes"),))


@pytest.mark.parametrize("name", ["gone.tests.yml", "."])
def test_a_file_that_cannot_be_read_is_a_problem(tmp_path, name):
    tests, (problem,) = read_tests(tmp_path / name)
    assert tests == ()
    assert (problem.path, problem.line) == (str(tmp_path / name), 0)
    assert problem.message.startswith("cannot be read: ")


def test_every_mistake_of_a_file_comes_at_once(tmp_path):
    file = write(tmp_path / "fetch.tests.yml", BEFORE + fill(SIGNAL, "every: 5") + fill(RECORD, "when: 0s"))
    _, problems = read_tests(file)
    assert [problem.line for problem in problems] == [9, 14]


def test_mistakes_stand_beside_the_cases_that_ran(tmp_path):
    write_pack(tmp_path)
    file = write(tmp_path / "network" / "fetch.tests.yml", f"tests:\n  - 7\n  {fetch_test('/tool', fires=True)}\n")
    report = run_tests([tmp_path])
    assert [case.passed for case in report.cases] == [True]
    assert report.problems == (RuleProblem(str(file), 2, "", "a test is a map"),)


def test_a_value_may_be_given_by_alias(tmp_path):
    text = """\
tests:
  - &one {name: a, fires: true, source: zeek, record: {_path: http}}
  - {<<: *one, name: b, source: zeeek}
"""
    tests, (problem,) = read_tests(write(tmp_path / "fetch.tests.yml", text))
    assert [test.name for test in tests] == ["a"]
    assert (problem.line, problem.rule) == (3, "b")
