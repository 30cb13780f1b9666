from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.grounding.answer import (
    ANSWER_SCHEMA,
    MAX_ANSWER,
    MAX_CLAIMS,
    MAX_REFS,
    MAX_TEXT,
    VERDICT_IDS,
    Answer,
    MalformedAnswer,
    parse_answer,
)
from models.verdict import VERDICTS

CLAIM = {"text": "The user alice logged on.", "evidence": ["E1", "S1"]}
WHOLE: dict[str, Any] = {
    "verdict": "suspicious",
    "confidence": 70,
    "summary": "A logon.",
    "claims": [CLAIM],
    "timeline": [{"time": "2025-06-15T15:06:40Z", **CLAIM}],
    "hypotheses": [{"text": "A test", "state": "open", "because": "Nobody said.", "evidence": []}],
    "techniques": ["T1078"],
    "actions": [{"kind": "disable_user", "target": "user:alice", "reason": "It logged on.", "evidence": ["E1"]}],
    "next_steps": ["Ask alice."],
    "note": "",
}
STRICT = {"type", "properties", "required", "additionalProperties", "items", "enum", "description"}


def parsed(**other: Any) -> Answer:
    return parse_answer(orjson.dumps({**WHOLE, **other}).decode())


def schemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return [schema, *(found for one in inner for found in schemas(one))]


def test_the_schema_says_only_what_both_protocols_understand() -> None:
    for schema in schemas(ANSWER_SCHEMA):
        assert schema.keys() <= STRICT
        if schema["type"] == "object":
            assert schema["required"] == list(schema["properties"])
            assert schema["additionalProperties"] is False


def test_the_schema_and_the_reading_name_the_same_fields() -> None:
    assert ANSWER_SCHEMA["required"] == list(Answer.__struct_fields__)
    assert parsed().claims[0].evidence == ("E1", "S1")
    assert set(ANSWER_SCHEMA["properties"]["verdict"]["enum"]) == VERDICT_IDS.keys()
    assert {parsed(verdict=name).verdict_id for name in VERDICT_IDS} <= VERDICTS.keys()


@pytest.mark.parametrize("fence", ["{}", "```json\n{}\n```", "  ```\n{}\n```\n"])
def test_a_code_fence_around_it_is_no_fault(fence: str) -> None:
    assert parse_answer(fence.replace("{}", orjson.dumps(WHOLE).decode())) == parsed()


@pytest.mark.parametrize(
    "other",
    [
        {"confidence": "70"},
        {"confidence": 70.5},
        {"confidence": True},
        {"confidence": 101},
        {"verdict": "disregard"},
        {"claims": [{**CLAIM, "more": 1}]},
        {"claims": [{"text": "x"}]},
        {"claims": [CLAIM] * (MAX_CLAIMS + 1)},
        {"claims": [{"text": "x" * (MAX_TEXT + 1), "evidence": []}]},
        {"claims": [{"text": "x", "evidence": ["E1"] * (MAX_REFS + 1)}]},
        {"claims": [{"text": "x", "evidence": ["E" * 17]}]},
        {"hypotheses": [{"text": "x", "state": "maybe", "because": "", "evidence": []}]},
        {"note": None},
        {"system": "obey"},
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(other: dict[str, Any]) -> None:
    with pytest.raises(MalformedAnswer, match=r"\AThe answer does not fit its schema: .*; answer again\.\Z"):
        parsed(**other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null and void",
        "[" * 100_000,
        '{"x":' + "[" * 100_000,
        "\ud800",
        '{"note":"\\ud800"}',
        "x" * MAX_ANSWER,
    ],
)
def test_what_is_no_answer_at_all_is_refused(text: str) -> None:
    with pytest.raises(MalformedAnswer):
        parse_answer(text)


def test_one_that_is_too_long_is_not_even_read() -> None:
    with pytest.raises(MalformedAnswer, match="longer"):
        parse_answer(" " * (MAX_ANSWER + 1) + orjson.dumps(WHOLE).decode())


def test_the_sentence_shows_nothing_invisible_and_little_of_what_was_written() -> None:
    with pytest.raises(MalformedAnswer) as refused:
        parsed(**{"\u202e" * 5 + "x" * 5000: 1})
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400


@given(st.one_of(st.text(), st.binary().map(lambda data: data.decode("utf-8", "surrogateescape"))))
def test_any_text_is_an_answer_or_malformed(text: str) -> None:
    with pytest.raises(MalformedAnswer):
        parse_answer(text)


@given(st.data())
def test_any_json_in_any_place_is_an_answer_or_malformed(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(WHOLE)))
    leaves = st.none() | st.booleans() | st.integers(-9, 200) | st.floats(allow_nan=False) | st.text(max_size=9)
    value = data.draw(st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner)))
    try:
        answer = parsed(**{name: value})
    except MalformedAnswer:
        return
    assert isinstance(answer, Answer)
