"""Whatever stands in a file of tests, nothing raises."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.ruletest import run_tests
from streams.ruletest.reader import read_tests
from tests.rules.build import HTTP, JOINED, write, write_pack

SOUND: dict[str, Any] = {
    "tests": [
        {"name": "a request", "source": "zeek", "record": HTTP, "fires": True},
        {
            "name": "a chain",
            "rule": "",
            "signals": [
                {
                    "rule": "fetch",
                    "at": "0s",
                    "entities": ["host:ws31"],
                    "domain": "network",
                    "repeat": 2,
                    "every": "1m",
                },
                {"rule": "install", "at": "1m", "fields": {"uri": "/{n}"}},
            ],
            "records": [
                {"source": "zeek", "record": HTTP, "at": "5m"},
                {"source": "zeek", "line": "x", "columns": ["ts"]},
            ],
            "links": JOINED,
            "sequences": 1,
            "alert": True,
        },
        {
            "name": "a chain that fires",
            "signals": [{"rule": "fetch", "at": "0s", "entities": ["host:ws31"]}],
            "fires": True,
            "groups": ["host:ws31", "id.orig_h=192.0.2.7"],
        },
    ]
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def replaced(tree: Any, choose: random.Random, value: Any) -> Any:
    """Return the tree with one of its nodes replaced by a value, or left out of its map."""
    if not isinstance(tree, dict | list) or not tree or choose.random() < 0.2:
        return value
    if isinstance(tree, list):
        at = choose.randrange(len(tree))
        return [replaced(item, choose, value) if n == at else item for n, item in enumerate(tree)]
    key = choose.choice(list(tree))
    if choose.random() < 0.1:
        return {name: item for name, item in tree.items() if name != key}
    return {**tree, key: replaced(tree[key], choose, value)}


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    return write_pack(tmp_path_factory.mktemp("pack"))


@settings(max_examples=120)
@given(
    choose=st.randoms(use_true_random=False),
    value=VALUES,
    rule=st.sampled_from(["network/fetch", "correlations/many_fetched"]),
)
def test_whatever_stands_in_a_file_of_tests_nothing_raises(pack, choose, value, rule):
    tests = pack / f"{rule}.tests.yml"
    write(tests, yaml.safe_dump(replaced(SOUND, choose, value), allow_unicode=True))
    report = run_tests([tests, pack])
    assert report.cases or report.problems
    assert all(problem.path == str(tests) and problem.message for problem in report.problems)
    tests.unlink()


@settings(max_examples=120)
@given(data=st.binary(max_size=200) | st.text(alphabet="tests:[]{}&*-!<|>'\"\n ab#%@0", max_size=200).map(str.encode))
def test_whatever_bytes_stand_in_a_file_of_tests_nothing_raises(pack, data):
    file = pack / "bytes.tests.yml"
    file.write_bytes(data)
    _, problems = read_tests(file)
    assert all(problem.path == str(file) for problem in problems)
