"""Files in YAML: what is taken from them, and that nothing in them is guessed, folded or lost."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.yaml_files import load_yaml, read_front_matter, read_yaml
from enrichers.yaml_nodes import one_of
from models.errors import MAX_TOLD, FileErrors


def number(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("must be a number")
    return value


def told(data: bytes) -> list[str]:
    with pytest.raises(FileErrors) as raised:
        read_yaml(data, "x.yml")
    return list(raised.value.problems)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"a: 1\nb: &x 2", "x.yml:2: file: aliases, anchors, tags and more than 12 levels are not read"),
        (b"a: 1\n\nb: *x", "x.yml:3: file: aliases, anchors, tags and more than 12 levels are not read"),
        (b"a: !!str 1", "x.yml:1: file: aliases, anchors, tags and more than 12 levels are not read"),
        (b"a: !!python/name:os.system x", "x.yml:1: file: aliases, anchors, tags and more than 12 levels are not read"),
        (b"[" * 13 + b"]" * 13, "x.yml:1: file: aliases, anchors, tags and more than 12 levels are not read"),
        (b"a: 1\nb: [}\n", "x.yml:2: file: not YAML: "),
        (b"a: 1\n---\nb: 2", "x.yml:2: file: not YAML: "),
        (b"a\x00", "x.yml:1: file: not YAML: "),
        (b"a: \xff", "x.yml:1: file: not UTF-8: byte 3"),
    ],
)
def test_what_cannot_be_read_is_told_by_line(data: bytes, problem: str) -> None:
    (found,) = told(data)
    assert found.startswith(problem)


def test_plain_values_are_what_the_file_says() -> None:
    root = read_yaml(b"a: [1, 0x10, yes, null, 1.5, '1', x y, 2026-12-31]\nb: {<<: {c: 1}, 5: d}", "x.yml")
    day = dt.date(2026, 12, 31)
    assert root.plain() == {"a": [1, 16, True, None, 1.5, "1", "x y", day], "b": {"<<": {"c": 1}, "5": "d"}}
    assert read_yaml(b"# nothing\n", "x.yml").is_empty


@pytest.mark.parametrize("text", ["2026-99-99", "1" * 5000, "1" + ":1" * 400 + ".5", "=", "<<", "1:" * 1000 + "1"])
def test_a_value_that_is_none_is_told_and_never_raised(text: str) -> None:
    root = read_yaml(f"a: {text}".encode(), "x.yml")
    assert root.values({"a": number}) == {}
    (problem,) = root.problems.lines()
    assert problem.startswith("x.yml:1: a: is ")


def test_a_key_that_stands_twice_is_told_wherever_it_stands() -> None:
    root = read_yaml(b"a:\n  b: {c: 1, c: 2}\n  b: 3\na: 4", "x.yml")
    assert root.values({"a": dict}) == {"a": {"b": {"c": 1}}}
    assert root.problems.lines() == [
        "x.yml:2: a.b.c: stands twice",
        "x.yml:3: a.b: stands twice",
        "x.yml:4: a: stands twice",
    ]


def test_everything_wrong_with_the_fields_of_a_map_is_told_once() -> None:
    root = read_yaml(b"a: x\nb: y\nc: 1\ne: ''\n", "x.yml")
    for _ in range(2):
        assert root.values({"a": number, "b": one_of("z"), "d": number, "e": str}, ("d", "e")) == {}
    assert root.problems.lines() == [
        "x.yml:1: d: must be given",
        "x.yml:1: a: must be a number",
        "x.yml:2: b: must be one of z",
        "x.yml:3: c: unknown; known are a, b, d, e",
        "x.yml:4: e: must be given",
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"- 1", "must be a map"),
        (b"", "must be a map"),
        (b"? [a]\n: 1", "must be a map whose keys are names"),
    ],
)
def test_what_is_no_map_of_names_lacks_no_field(data: bytes, message: str) -> None:
    root = read_yaml(data, "x.yml")
    assert root.values({"a": number}, ("a",)) == {}
    assert root.problems.lines() == [f"x.yml:1: file: {message}"]


def test_a_map_has_no_more_entries_than_it_may() -> None:
    root = read_yaml("\n".join(f"k{number}:" for number in range(10_001)).encode(), "x.yml")
    assert root.values({}) == {}
    assert root.problems.lines() == ["x.yml:1: file: has more than 10000 entries"]


def test_entries_of_a_list_are_named_by_number_or_by_their_line() -> None:
    root = read_yaml(b"a:\n- {b: 1}\n- {b: 2}\n", "x.yml")
    for bare in ("", "entry"):
        for item in root.entries()["a"].items(bare=bare):
            item.fields(("c",))
            item.wrong("odd")
    assert [line.split(": ")[:2] for line in root.problems.lines()] == [
        *(["x.yml:2", name] for name in ("a[0].b", "a[0]", "b", "entry")),
        *(["x.yml:3", name] for name in ("a[1].b", "a[1]", "b", "entry")),
    ]


def test_of_many_problems_the_first_are_shown() -> None:
    error = FileErrors(str(number) for number in range(MAX_TOLD + 5))
    assert len(error.problems) == MAX_TOLD + 5
    assert str(error).splitlines()[MAX_TOLD - 1 :] == ["99", "and 5 problems more"]


def test_a_file_is_no_longer_than_it_may_be(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text("abc: 1")
    assert load_yaml(path, 6).plain() == {"abc": 1}
    with pytest.raises(FileErrors, match=r"x\.yml:1: file: has more than 5 bytes"):
        load_yaml(path, 5)


def test_a_front_matter_keeps_the_lines_of_its_file() -> None:
    root, text = read_front_matter(b"---\r\na: 1\r\nb: 2\r\n---\r\n\r\n# Text\r\n---\r\nmore\r\n", "x.md")
    root.entries()["b"].wrong("odd")
    assert root.problems.lines() == ["x.md:3: b: odd"]
    assert text == "# Text\n---\nmore"


@pytest.mark.parametrize("data", [b"", b"a: 1", b"---\na: 1\n", b"x\n---\na: 1\n---\n", b"---\na: 1\n---\n\xff"])
def test_a_text_without_a_front_matter_is_refused(data: bytes) -> None:
    with pytest.raises(FileErrors, match=r"x\.md:1: "):
        read_front_matter(data, "x.md")


@given(st.text(alphabet="ab:-[]{}&*!|>\n #?,'\"%@`0123456789x._+TZe<=~", max_size=80))
def test_any_text_is_values_or_problems(text: str) -> None:
    try:
        root = read_yaml(text.encode(), "x.yml")
        root.plain()
    except (FileErrors, ValueError):
        return
    root.values({"a": number})
    assert all(line.startswith("x.yml:") for line in root.problems.lines())
