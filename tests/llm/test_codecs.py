"""The codecs: what is sent is of the vendors' types, and whatever comes back gives an answer or NoReply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming as OpenAIStreaming
from pydantic import ConfigDict, TypeAdapter, with_config

from agents.llm import anthropic, openai
from agents.llm.endpoints import EndpointSettings
from agents.llm.failures import MALFORMED, NoReply
from agents.llm.heard import MAX_CALLS, Heard, Tokens
from agents.llm.pairing import paired
from agents.llm.schemas import is_strict, shape
from agents.llm.talk import END, LENGTH, REFUSED, TOOLS, Ask, ToolCall, ToolSpec, Turn
from tests.llm.endpoint import ANSWER, ASK, SEARCH
from tests.llm.requests import read

LOOSE = ToolSpec("peers", "Who else.", {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}})
CALLS = (ToolCall("c1", "search", '{"q": "a"}'), ToolCall("c2", "peers", "[1]"))
TURNS = (
    Turn("user", "What of alice?"),
    Turn("assistant", "Looking.", CALLS),
    Turn("tool", "found", call_uid="c1"),
    Turn("tool", "", call_uid="c2"),
    Turn("user", "And?"),
    Turn("assistant", ""),
    Turn("user", "Answer now."),
)
ASKS = [ASK, Ask("S", TURNS, (SEARCH, LOOSE), ANSWER), Ask("", TURNS), Ask("S", TURNS, (), {"type": "object"})]
SETTINGS = [
    EndpointSettings(name="n", protocol="openai", url="https://llm.example.com", model="m", stream=stream, **more)
    for stream in (False, True)
    for more in ({}, {"schema_with_tools": False, "limit_field": "max_tokens", "options": {"service_tier": "auto"}})
]


def known_only(kind: Any) -> TypeAdapter[Any]:
    """The vendor's own type of a request, with nothing beside its fields."""
    return TypeAdapter(with_config(ConfigDict(extra="forbid"))(kind))


VENDORS = {
    (openai, False): known_only(CompletionCreateParamsNonStreaming),
    (openai, True): known_only(OpenAIStreaming),
    (anthropic, False): known_only(MessageCreateParamsNonStreaming),
    (anthropic, True): known_only(MessageCreateParamsStreaming),
}


def emptied(value: Any) -> Any:
    """Read what validation left as an iterator."""
    if isinstance(value, dict):
        return {name: emptied(below) for name, below in value.items()}
    if isinstance(value, str | int | float | type(None)):
        return value
    return [emptied(item) for item in value]


@pytest.mark.parametrize("codec", [openai, anthropic])
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("ask", ASKS)
def test_what_is_sent_is_of_the_vendors_types(codec: Any, settings: EndpointSettings, ask: Ask) -> None:
    body = orjson.loads(orjson.dumps(codec.encode(ask, settings)))
    emptied(VENDORS[codec, settings.stream].validate_python(body))
    asked = read(0, codec.PATH, {"anthropic-version": anthropic.VERSION}, orjson.dumps(body))
    assert asked.problem == ""
    assert asked.tools == tuple(tool.name for tool in ask.tools)
    assert [turn.role for turn in asked.turns if turn.role == "tool"] == ["tool"] * (2 * (len(ask.turns) > 1))
    assert (asked.answer is None) == (ask.answer is None or bool(ask.tools and not settings.schema_with_tools))


def test_the_vendors_types_refuse_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="messages"):
        VENDORS[openai, False].validate_python({"model": "m"})
    with pytest.raises(ValueError, match="max_token"):
        VENDORS[anthropic, False].validate_python({"model": "m", "messages": [], "max_token": 1})


def test_a_strict_schema_says_so_and_others_do_not() -> None:
    body = openai.encode(Ask("S", TURNS, (SEARCH, LOOSE), ANSWER), SETTINGS[0])
    assert [tool["function"]["strict"] for tool in body["tools"]] == [True, False]
    assert body["response_format"]["json_schema"]["strict"] is True


def test_bounds_become_words() -> None:
    bounded = {
        "type": "object",
        "properties": {
            "a": {"type": "string", "description": "A name", "maxLength": 9},
            "b": {"type": "array", "items": {"type": "integer", "minimum": 1}, "maxItems": 3},
            "c": {"anyOf": [{"type": "object", "properties": {}}, {"type": "null"}]},
        },
        "required": ["a", "b", "c"],
    }
    made = shape(bounded)
    assert made["properties"]["a"] == {"type": "string", "description": "A name (maxLength 9)"}
    assert made["properties"]["b"]["items"] == {"type": "integer", "description": "(minimum 1)"}
    assert made["properties"]["c"]["anyOf"][0]["additionalProperties"] is False
    assert (is_strict(bounded), is_strict(made)) == (False, True)
    assert not is_strict(shape({**bounded, "required": ["a"]}))


def test_a_field_named_as_a_keyword_stays() -> None:
    made = shape({"type": "object", "properties": {"title": {"type": "string"}, "format": {"type": "string"}}})
    assert set(made["properties"]) == {"title", "format"}


def test_names_that_a_model_made_up_are_made_safe_and_stay_paired() -> None:
    calls = (ToolCall("x:1", "a b", "{}"), ToolCall("ok", "f", "{}"), ToolCall("", "", "{}"))
    told = tuple(Turn("tool", call.name, call_uid=call.uid) for call in calls)
    turns = paired((Turn("assistant", "", calls), *told, Turn("assistant", "", calls), *told))
    uids = [call.uid for turn in turns for call in turn.calls]
    assert uids == ["call_0_0", "ok", "call_0_2", "call_4_0", "call_4_1", "call_4_2"]
    assert [turn.call_uid for turn in turns if turn.role == "tool"] == uids
    assert [call.name for call in turns[0].calls] == ["a_b", "f", "_"]


def completion(message: Any, finish: Any = "stop", **more: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"message": message, "finish_reason": finish}], **more}


def function(name: Any, arguments: Any, uid: Any = "u") -> dict[str, Any]:
    return {"id": uid, "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (completion({"content": "hi"}), Heard("hi", (), END, "m", None)),
        (completion({"content": [{"type": "text", "text": "a"}, {"text": "b"}]}), Heard("ab", (), END, "m", None)),
        (completion({"refusal": "no", "content": None}), Heard("no", (), REFUSED, "m", None)),
        (completion({"content": "x"}, "content_filter"), Heard("x", (), REFUSED, "m", None)),
        (completion({"tool_calls": [function("f", '{"a"')]}, "length"), Heard("", (), LENGTH, "m", None)),
        (
            completion({"tool_calls": [function("f", {"a": 1}, None), function("g", None, None)]}),
            Heard("", (ToolCall("call_0", "f", '{"a":1}'), ToolCall("call_1", "g", "")), TOOLS, "m", None),
        ),
        (
            completion({"tool_calls": [function("f", "", "u"), function("g", "", "u")]}, "tool_calls"),
            Heard("", (ToolCall("u", "f", ""), ToolCall("u_1", "g", "")), TOOLS, "m", None),
        ),
        (
            completion({"content": "x"}, usage={"prompt_tokens": 5, "completion_tokens": 2}),
            Heard("x", (), END, "m", Tokens(5, 2)),
        ),
        (
            completion({"content": "x"}, usage={"prompt_tokens": -5, "completion_tokens": True}),
            Heard("x", (), END, "m", None),
        ),
        (completion({"content": "x"}, model="m\u202e\x00"), Heard("x", (), END, "m\\u202e\\u0000", None)),
    ],
)
def test_completions_are_read(body: Any, expected: Heard) -> None:
    assert openai.decode(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": {}},
        completion("x"),
        completion({"content": 5}),
        completion({"tool_calls": [5]}),
        completion({"tool_calls": [function(5, "")]}),
        completion({"tool_calls": [function("f", "")] * (MAX_CALLS + 1)}),
    ],
)
def test_what_is_no_completion_is_told(body: Any) -> None:
    with pytest.raises(NoReply) as raised:
        openai.decode(body)
    assert raised.value.kind == MALFORMED


def test_gateways_that_leave_the_index_out_are_understood() -> None:
    pieces: list[Any] = [
        {"id": "a", "function": {"name": "f", "arguments": '{"x"'}},
        {"function": {"arguments": ":1}"}},
        {"id": "b", "function": {"name": "g", "arguments": "{}"}},
    ]
    chunks = [{"choices": [{"delta": {"tool_calls": [piece]}}]} for piece in pieces]
    stream = b"".join(b"data: " + orjson.dumps(chunk) + b"\r\n\r\n" for chunk in chunks) + b"data: [DONE]\n\n"
    assert openai.decode_stream(stream).calls == (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}"))


def message(*content: Any, reason: Any = "end_turn", **more: Any) -> dict[str, Any]:
    return {"type": "message", "model": "m", "content": list(content), "stop_reason": reason, **more}


USE = {"type": "tool_use", "id": "u", "name": "f", "input": {"a": 1}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            message({"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hi"}),
            Heard("hi", (), END, "m", None),
        ),
        (message(USE, reason="tool_use"), Heard("", (ToolCall("u", "f", '{"a":1}'),), TOOLS, "m", None)),
        (message(USE, reason="max_tokens"), Heard("", (), LENGTH, "m", None)),
        (message(USE, reason="model_context_window_exceeded"), Heard("", (), LENGTH, "m", None)),
        (message(USE, reason="refusal"), Heard("", (), REFUSED, "m", None)),
        (message({"type": "text", "text": "x"}, reason="something_new"), Heard("x", (), END, "m", None)),
        (
            message(
                usage={
                    "input_tokens": 5,
                    "output_tokens": 2,
                    "cache_read_input_tokens": 4,
                    "cache_creation_input_tokens": 3,
                }
            ),
            Heard("", (), END, "m", Tokens(12, 2, 4)),
        ),
    ],
)
def test_messages_are_read(body: Any, expected: Heard) -> None:
    assert anthropic.decode(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        {},
        message("x"),
        message({"type": "text", "text": 5}),
        message(reason=None),
        message({**USE, "id": 5}),
        message(5),
    ],
)
def test_what_is_no_message_is_told(body: Any) -> None:
    with pytest.raises(NoReply) as raised:
        anthropic.decode(body)
    assert raised.value.kind == MALFORMED


KEYS = st.sampled_from(
    [
        *("choices", "message", "delta", "content", "tool_calls", "function", "arguments", "name", "id", "index"),
        *("usage", "prompt_tokens", "completion_tokens", "finish_reason", "refusal", "error", "type", "text"),
        *("stop_reason", "content_block", "input", "partial_json", "model", "input_tokens", "output_tokens"),
    ]
)
WORDS = st.sampled_from(
    [
        *("message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop", "error"),
        *("text", "tool_use", "text_delta", "input_json_delta", "stop", "length", "tool_calls", "end_turn", "refusal"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
JSON = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=4) | st.dictionaries(KEYS, below, max_size=6), max_leaves=30
)
EVENTS = st.fixed_dictionaries({"type": WORDS}, optional={"index": st.integers(-1, 2)}) | st.dictionaries(KEYS, JSON)


def gives_an_answer_or_says_why(decode: Callable[[Any], Heard], value: Any) -> None:
    try:
        found = decode(value)
    except NoReply:
        return
    assert found.stopped in {END, TOOLS, LENGTH, REFUSED}
    assert len({call.uid for call in found.calls}) == len(found.calls) <= MAX_CALLS


@pytest.mark.parametrize("codec", [openai, anthropic])
@given(
    value=JSON | st.builds(completion, JSON, JSON, usage=JSON) | st.builds(message, JSON, JSON, reason=JSON, usage=JSON)
)
def test_any_json_gives_an_answer_or_says_why(codec: Any, value: Any) -> None:
    gives_an_answer_or_says_why(codec.decode, value)


def deltas(value: Any) -> dict[str, Any]:
    return {"choices": [{"delta": value}]}


@pytest.mark.parametrize("codec", [openai, anthropic])
@given(chunks=st.lists(EVENTS | JSON | st.builds(deltas, JSON), max_size=6), is_done=st.booleans())
def test_any_stream_gives_an_answer_or_says_why(codec: Any, chunks: list[Any], is_done: bool) -> None:
    body = b"".join(
        b"data: " + orjson.dumps(chunk, option=orjson.OPT_NON_STR_KEYS) + b"\n\n"
        for chunk in chunks
        if not _is_large(chunk)
    )
    end = b"data: [DONE]\n\n" if codec is openai else b'data: {"type": "message_stop"}\n\n'
    gives_an_answer_or_says_why(codec.decode_stream, body + end * is_done)


def _is_large(value: Any) -> bool:
    """Python's integers are larger than JSON's writer takes."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return True
    return False


@pytest.mark.parametrize("codec", [openai, anthropic])
@given(
    body=st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: f"data: {text}\n\n".encode("utf-8", "replace"))
)
def test_any_bytes_give_an_answer_or_say_why(codec: Any, body: bytes) -> None:
    gives_an_answer_or_says_why(codec.decode_stream, body)


def test_deep_nesting_is_told() -> None:
    deep = b'{"type":"message","stop_reason":"tool_use","content":[{"type":"tool_use","id":"a","name":"b","input":'
    body = deep + b'{"a":' * 600 + b"1" + b"}" * 600 + b"}]}"
    with pytest.raises(NoReply, match="nested too deeply"):
        anthropic.decode(orjson.loads(body))
    turn = Turn("assistant", "", (ToolCall("a", "b", '{"a":' * 600 + "1" + "}" * 600),))
    told = Turn("tool", "x", call_uid="a")
    sent = anthropic.encode(Ask("", (*ASK.turns, turn, told)), SETTINGS[0])
    assert sent["messages"][1]["content"][0]["input"] == {}
