from __future__ import annotations

import sys

import orjson
from ahocorasick_rs import BytesAhoCorasick
from hypothesis import given
from hypothesis import strategies as st

from streams.detect.matching import scanner
from streams.detect.matching.scanner import LONG_CHARS, WORTH_RECORDS, WORTH_TEXTS, Scanner, json_search
from streams.detect.matching.valueclasses import FOLDING_TO_ASCII

LETTERS = st.text('abc\\"\u00e9\x03', max_size=6)
LITERALS = st.lists(LETTERS.filter(bool), min_size=1, max_size=8)


def occurring(literals: tuple[str, ...], text: str) -> set[int]:
    return {index for index, literal in enumerate(literals) if literal in text}


@given(LITERALS, st.text('abc\\"\u00e9\x03', max_size=40))
def test_every_literal_that_occurs_is_found(literals: list[str], text: str) -> None:
    found = Scanner(literals)
    assert set(found.found(text)) == occurring(found.literals, text)


@given(LITERALS, st.text("abc\u00e9", min_size=LONG_CHARS, max_size=LONG_CHARS + 100))
def test_long_texts_are_searched_alike_before_and_after_compilation(literals: list[str], text: str) -> None:
    found = Scanner(literals)
    for _ in range(WORTH_TEXTS * len(literals) + 2):
        assert set(found.found(text)) == occurring(found.literals, text)


def test_lone_surrogates_are_text_too() -> None:
    assert set(Scanner(["a", "\ud800b"]).found("x\ud800b")) == {1}


@given(
    st.lists(st.text("abc1.-", min_size=1, max_size=4), min_size=1, max_size=6), st.text("abcABC1.-\u212a", max_size=30)
)
def test_both_engines_find_the_same_in_json(literals: list[str], text: str) -> None:
    wanted = tuple(literals)
    data = orjson.dumps({"a": text, "b": 1e22, "c": [2.5, 1]})
    fallback = scanner._in_json(BytesAhoCorasick([w.encode() for w in wanted]), len(wanted), data)  # noqa: SLF001  # used where Hyperscan has no wheel
    assert set(scanner._json_hyperscan([w.encode() for w in wanted])(data)) == fallback  # noqa: SLF001  # same
    assert set(json_search(wanted)(data)) == fallback
    assert {index for index, literal in enumerate(wanted) if literal in text.lower()} <= fallback
    assert len(wanted) in fallback


def test_only_numbers_with_an_exponent_are_found_beyond() -> None:
    search = json_search(("nothing",))
    assert [bool(list(search(orjson.dumps({"a": value})))) for value in (1e22, -1e-9, [5e30], 1.5, 10**15, "e5")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_the_letters_that_fold_to_ascii_are_all_known() -> None:
    folding = {
        chr(code)
        for code in range(128, sys.maxunicode + 1)
        if not 0xD800 <= code < 0xE000 and any(letter.isascii() for letter in chr(code).casefold())
    }
    assert folding == set(FOLDING_TO_ASCII)


def test_a_search_that_is_used_often_is_compiled_and_finds_the_same() -> None:
    search = json_search(("needle", "hay"))
    for number in range(WORTH_RECORDS + 10):
        assert set(search(orjson.dumps({"a": f"Needle {number}"}))) == {0}
        assert not set(search(orjson.dumps({"a": number})))
