from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detect.documents import MAX_DEPTH, MAX_NODES, parse_documents

TWO = b"""\
# a comment
title: one
detection:
  selection:
    a: 1
  condition: selection
---
title: two

detection:

  other: x
"""


def test_documents_know_their_lines() -> None:
    documents, problems = parse_documents(TWO, "a.yml")
    assert problems == []
    assert [document.content["title"] for document in documents] == ["one", "two"]
    assert dict(documents[0].lines) == {
        "": 2, "title": 2, "detection": 3, "detection.selection": 4, "detection.condition": 6,
    }  # fmt: skip
    assert documents[1].lines["detection.other"] == 12


def test_empty_documents_are_nothing() -> None:
    assert parse_documents(b"---\n---\n# nothing\n", "a.yml") == ([], [])
    assert parse_documents(b"", "a.yml") == ([], [])


def test_an_ordinary_alias_is_read() -> None:
    documents, problems = parse_documents(b"a: &x [1, 2]\nb: *x\nc: &y {d: 1}\ne: {<<: *y, f: 2}\n", "a.yml")
    assert problems == []
    assert documents[0].content == {"a": [1, 2], "b": [1, 2], "c": {"d": 1}, "e": {"d": 1, "f": 2}}


def bomb(form: str) -> bytes:
    lines = ["a0: &a0 {x: 1}" if "<<" in form else "a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} {form.format(', '.join([f'*a{n - 1}'] * 10))}" for n in range(1, 12)]
    return "\n".join(lines).encode()


BAD: list[tuple[bytes, int, str]] = [
    (b"a: 1\nb: [1\n", 3, "not YAML"),
    (b"a: 1\na: 2\n", 2, "twice"),
    (b"a:\n  b: 1\n  c: 2\n  b: 3\n", 4, "twice"),
    (b"a: 1\n5: 2\n", 2, "read as int; quote it"),
    (b"a: {on: 2}\n", 1, "read as bool; quote it"),
    (b"null: 2\n", 1, "read as null; quote it"),
    (b"a: 1\n? [x]\n: 2\n", 2, "read as seq; quote it"),
    (b"- a\n- b\n", 1, "not a list"),
    (b"just text\n", 1, "not a str"),
    (b"a: 2024-02-30\n", 1, "day is out of range"),
    (b"a: !!python/object/apply:os.getcwd []\n", 1, "could not determine a constructor"),
    (b"a: !!bool maybe\n", 1, "maybe"),
    (b"a: !!int ''\n", 1, "not YAML that can be read"),
    (b"a: " + b"9" * 5000 + b"\n", 1, "quote it"),
    (b"a: 0x" + b"f" * 5000 + b"\n", 1, "quote it"),
    (b"a: " + b":".join([b"59"] * 3000) + b"\n", 1, "quote it"),
    (b"a: " + b"[" * 100 + b"]" * 100 + b"\n", 1, f"deeper than {MAX_DEPTH}"),
    (b"[" * 100_000, 1, "deeper"),
    (b"- " * 100_000, 1, "deeper"),
    (b"? " * 100_000, 1, "deeper"),
    (b"".join(b" " * n + b"a:\n" for n in range(1000)), 33, "deeper"),
    (b"a: [" + b"1," * (MAX_NODES + 1) + b"]\n", 1, f"more than {MAX_NODES}"),
    (bomb("[{}]"), 1, "multiply"),
    (bomb("{{<<: [{}]}}"), 1, "multiply"),
    (b"a: &a [*a]\n", 1, "deeper"),
    (b"a: \x00\n", 0, "not YAML"),
    (b"\xff\xfe\xff", 0, "not YAML"),
    (b"\x80abc", 0, "not YAML"),
    (b"a: *nowhere\n", 1, "not YAML"),
    (b"a: b: c\n", 1, "not YAML"),
    (b"\ta: 1\n", 1, "not YAML"),
]


@pytest.mark.parametrize(("data", "line", "complaint"), BAD)
def test_what_is_wrong_is_a_problem_with_its_line(data: bytes, line: int, complaint: str) -> None:
    documents, problems = parse_documents(data, "a.yml")
    assert documents == []
    assert complaint in problems[0].message
    assert problems[0].path == "a.yml"
    assert line in {0, problems[0].line}


def test_documents_before_a_syntax_error_and_sound_ones_beside_a_bad_one_are_kept() -> None:
    documents, problems = parse_documents(b"a: 1\n---\nb: 1\nb: 2\n---\nc: 1\n---\nd: [\n", "a.yml")
    assert [list(document.content) for document in documents] == [["a"], ["c"]]
    assert [problem.line for problem in problems] == [4, 9]


def test_every_problem_of_a_document_is_told() -> None:
    _, problems = parse_documents(b"a: 1\na: 2\n5: 1\n", "a.yml")
    assert [problem.line for problem in problems] == [2, 3]


@given(st.one_of(st.binary(max_size=60), st.text("a:-[]{}&*!?|>'\"% \n#,<1", max_size=40).map(str.encode)))
def test_any_bytes_give_documents_or_problems(data: bytes) -> None:
    documents, problems = parse_documents(data, "a.yml")
    assert all(document.content is not None for document in documents)
    assert all(problem.message for problem in problems)
