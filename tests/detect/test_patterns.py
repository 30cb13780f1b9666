"""String matching against an oracle that knows nothing of shapes."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from streams.detect.patterns import ANY, ONE, Patterns, Token, compile_patterns
from tests.detect.build import fires, rule

LETTERS = "aB\\*?"
TOKENS = st.lists(st.one_of(st.sampled_from([ANY, ONE]), st.text("ab", min_size=1, max_size=2)), max_size=7)
WRITTEN = st.text(LETTERS, max_size=8)
TEXTS = st.text("abAB\\*?", max_size=10)


def oracle(tokens: list[Token], text: str) -> bool:
    """Match one character or wildcard at a time, trying every possibility."""
    if not tokens:
        return not text
    head, *rest = tokens
    if head is ANY:
        return any(oracle(rest, text[n:]) for n in range(len(text) + 1))
    if head is ONE:
        return bool(text) and oracle(rest, text[1:])
    literal = str(head)
    return text.startswith(literal) and oracle(rest, text[len(literal) :])


def tokens_as_the_specification_reads(value: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    while position < len(value):
        character, following = value[position], value[position + 1 : position + 2]
        if character == "\\" and following and following in "\\*?":
            tokens.append(following)
            position += 2
            continue
        tokens.append({"*": ANY, "?": ONE}.get(character, character))
        position += 1
    return tokens


def folded(tokens: list[Token]) -> list[Token]:
    return [token.casefold() if isinstance(token, str) else token for token in tokens]


@given(TOKENS, st.text("ab", max_size=10))
@example(["a", ANY, "a"], "a")
@example([ANY, "ab", ANY, "ab", ANY], "abab")
@example([ANY, "ab", ANY, "ab", ANY], "ab")  # one part of a text cannot serve two of a pattern
@example(["a", ANY, "b", ANY, "b"], "ab")
@example(["b", ANY, "b"], "b")
@example(["a", ANY, ONE, "b", ANY, "b"], "aabab")
def test_every_shape_matches_as_the_oracle(tokens: list[Token], text: str) -> None:
    assert compile_patterns([tokens]).accepts(text) is oracle(tokens, text)


@given(st.lists(TOKENS, max_size=5), st.text("ab", max_size=8))
def test_a_set_of_patterns_is_any_of_them(patterns: list[list[Token]], text: str) -> None:
    assert compile_patterns(patterns).accepts(text) is any(oracle(tokens, text) for tokens in patterns)


@given(WRITTEN, TEXTS)
@example("a\\*", "a*")
@example("\\\\*", "\\b")
@example("a\\", "a\\")
def test_a_rule_value_matches_as_the_specification_reads_it(value: str, text: str) -> None:
    compiled = rule({"selection": {"field": value}})
    assert fires(compiled, {"field": text}) is oracle(folded(tokens_as_the_specification_reads(value)), text.casefold())


@given(st.sampled_from(["contains", "startswith", "endswith"]), WRITTEN, TEXTS)
def test_modifiers_put_wildcards_around_a_value(modifier: str, value: str, text: str) -> None:
    before = [] if modifier == "startswith" else [ANY]
    after = [] if modifier == "endswith" else [ANY]
    tokens = [*before, *folded(tokens_as_the_specification_reads(value)), *after]
    compiled = rule({"selection": {f"field|{modifier}": value}})
    assert fires(compiled, {"field": text}) is oracle(tokens, text.casefold())


@given(WRITTEN, st.lists(TEXTS, max_size=3))
def test_a_keyword_is_looked_for_in_every_value(value: str, texts: list[str]) -> None:
    tokens = [ANY, *folded(tokens_as_the_specification_reads(value)), ANY]
    record: dict[str, Any] = {"a": texts[:1], "b": {"c": texts[1:]}}
    assert fires(rule({"selection": [value]}), record) is any(oracle(tokens, text.casefold()) for text in texts)


def test_each_shape_is_tried_in_its_cheapest_way() -> None:
    patterns = compile_patterns([["a"], ["b", ANY], [ANY, "c"], [ANY, "d", ANY], [ANY, ANY], []])
    assert patterns == Patterns(frozenset({"a", ""}), ("", "b"), ("c",), ("d",))


def test_many_wildcards_take_no_polynomial_time() -> None:
    stutter: list[Token] = ["a", ANY] * 40
    hard = compile_patterns([[ANY, *stutter, "b", ONE], [*stutter, "b"]])
    assert not hard.accepts("a" * 200_000)
