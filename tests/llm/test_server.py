"""The scripted server against the vendors' own clients: what it says is what they understand."""

from __future__ import annotations

import json
import threading
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from agents.llm.talk import Turn
from tests.llm.server import (
    Conversation,
    Says,
    ScriptedServer,
    Tokens,
    answers,
    busy,
    calls,
    cut_off,
    cuts,
    fails,
    filtered,
    malformed,
    refuses,
    says,
    slow,
)

TOOL = {
    "name": "search",
    "parameters": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]},
}
OPENAI_TOOLS: Any = [{"type": "function", "function": TOOL}]
ANTHROPIC_TOOLS: Any = [{"name": "search", "input_schema": TOOL["parameters"]}]
BOTH = calls(("search", {"q": "alice"}), ("search", {"q": "web01"}), text="Let me look.")


def openai_client(server: ScriptedServer, key: str = "k") -> openai.OpenAI:
    return openai.OpenAI(base_url=server.url_of("openai"), api_key=key, max_retries=0)


def anthropic_client(server: ScriptedServer, key: str = "k") -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=server.url_of("anthropic"), api_key=key, max_retries=0)


def ask_openai(server: ScriptedServer, **more: Any) -> Any:
    with openai_client(server) as client:
        return client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}], **more)


def ask_anthropic(server: ScriptedServer, **more: Any) -> Any:
    with anthropic_client(server) as client:
        return anthropic_said(client, **more)


def anthropic_said(client: anthropic.Anthropic, **more: Any) -> Any:
    return client.messages.create(model="m", max_tokens=100, messages=[{"role": "user", "content": "hello"}], **more)


def check(model: Any) -> Any:
    """The clients build their types without looking; this looks."""
    return type(model).model_validate(model.model_dump(), strict=True)


def test_openai_says_and_calls() -> None:
    with ScriptedServer([says("hi", tokens=Tokens(10, 2, 4)), BOTH]) as server:
        said = check(ask_openai(server))
        called = check(ask_openai(server, tools=OPENAI_TOOLS))
    assert said.choices[0].message.content == "hi"
    assert said.choices[0].finish_reason == "stop"
    assert (said.usage.prompt_tokens, said.usage.prompt_tokens_details.cached_tokens) == (10, 4)
    wanted = called.choices[0].message.tool_calls
    assert [json.loads(call.function.arguments)["q"] for call in wanted] == ["alice", "web01"]
    assert len({call.id for call in wanted}) == 2
    assert called.choices[0].finish_reason == "tool_calls"


def openai_final(client: openai.OpenAI) -> Any:
    with client.chat.completions.stream(
        model="m", messages=[{"role": "user", "content": "hello"}], stream_options={"include_usage": True}
    ) as stream:
        return stream.get_final_completion()


def anthropic_final(client: anthropic.Anthropic) -> Any:
    with client.messages.stream(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}], tools=ANTHROPIC_TOOLS
    ) as stream:
        return check(stream.get_final_message())


def test_openai_streams_the_same() -> None:
    with ScriptedServer([BOTH, refuses("no")]) as server, openai_client(server) as client:
        first, second = (openai_final(client) for _ in range(2))
    assert first.choices[0].finish_reason == "tool_calls"
    assert first.usage.completion_tokens > 0
    assert first.choices[0].message.content == "Let me look."
    wanted = first.choices[0].message.tool_calls
    assert [json.loads(call.function.arguments)["q"] for call in wanted] == ["alice", "web01"]
    assert second.choices[0].message.refusal == "no"


def test_openai_chunks_are_of_its_types() -> None:
    with ScriptedServer([BOTH]) as server, openai_client(server) as client:
        chunks = list(
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
        )
    assert len(chunks) > 5
    for chunk in chunks:
        check(chunk)


def test_openai_refusals_and_cuts() -> None:
    with ScriptedServer([refuses("no"), filtered(), cut_off("so f")]) as server:
        first, second, third = (check(ask_openai(server)) for _ in range(3))
    assert (first.choices[0].message.refusal, first.choices[0].message.content) == ("no", None)
    assert second.choices[0].finish_reason == "content_filter"
    assert third.choices[0].finish_reason == "length"


def test_anthropic_says_and_calls() -> None:
    with ScriptedServer([says("hi", tokens=Tokens(10, 2, 4)), BOTH], "anthropic") as server:
        said = check(ask_anthropic(server))
        called = check(ask_anthropic(server, tools=ANTHROPIC_TOOLS))
    assert said.content[0].text == "hi"
    assert said.stop_reason == "end_turn"
    assert (said.usage.input_tokens, said.usage.cache_read_input_tokens, said.usage.output_tokens) == (6, 4, 2)
    assert [block.type for block in called.content] == ["text", "tool_use", "tool_use"]
    assert called.content[2].input == {"q": "web01"}
    assert called.stop_reason == "tool_use"


def test_anthropic_streams_the_same() -> None:
    with ScriptedServer([BOTH, refuses(), cut_off("so f")], "anthropic") as server, anthropic_client(server) as client:
        finals = [anthropic_final(client) for _ in range(3)]
    assert [final.stop_reason for final in finals] == ["tool_use", "refusal", "max_tokens"]
    assert finals[0].content[0].text == "Let me look."
    assert finals[0].content[1].input == {"q": "alice"}


def test_anthropic_events_are_of_its_types() -> None:
    with ScriptedServer([BOTH], "anthropic") as server, anthropic_client(server) as client:
        events = list(anthropic_said(client, stream=True))
    assert events[-1].type == "message_stop"
    for event in events:
        check(event)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_errors_are_the_vendors(status: int) -> None:
    with ScriptedServer([fails(status, retry_after="7"), fails(status)]) as server:
        with pytest.raises(openai.APIStatusError) as first:
            ask_openai(server)
        with pytest.raises(anthropic.APIStatusError) as second:
            ask_anthropic(server)
    assert first.value.response.headers["retry-after"] == "7"
    assert (first.value.status_code, second.value.status_code) == (status, status)
    assert "something broke" in first.value.message
    assert "something broke" in second.value.message


def test_busy_is_the_vendors() -> None:
    with ScriptedServer([busy(), busy()]) as server:
        with pytest.raises(openai.RateLimitError):
            ask_openai(server)
        with pytest.raises(anthropic.RateLimitError):
            ask_anthropic(server)


def test_a_cut_connection_is_one() -> None:
    with ScriptedServer([cuts(), cuts()]) as server:
        with pytest.raises(openai.APIConnectionError):
            ask_openai(server)
        with pytest.raises(anthropic.APIConnectionError):
            ask_anthropic(server)


def test_a_cut_stream_is_one() -> None:
    with ScriptedServer([cuts(700), cuts(700)]) as server:
        with openai_client(server) as client, pytest.raises(openai.APIConnectionError):
            list(client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True))
        with anthropic_client(server) as other, pytest.raises(httpx2.TransportError):
            list(anthropic_said(other, stream=True))


def test_malformed_bytes_are_sent_as_they_are() -> None:
    with ScriptedServer([malformed(b"{")]) as server, pytest.raises(json.JSONDecodeError):
        ask_openai(server)


def test_a_slow_answer_waits_for_its_event() -> None:
    go = threading.Event()
    heard: list[Any] = []
    with ScriptedServer([slow(says("late"), go)]) as server:
        thread = threading.Thread(target=lambda: heard.append(ask_openai(server)))
        thread.start()
        server.wait_for(1)
        assert not heard
        go.set()
        thread.join()
    assert heard[0].choices[0].message.content == "late"


def test_a_slow_body_waits_in_its_middle() -> None:
    go = threading.Event()
    said = slow(says("a long answer indeed"), go, after=600)
    with ScriptedServer([said], "anthropic") as server, anthropic_client(server) as client:
        events = iter(anthropic_said(client, stream=True))
        assert next(events).type == "message_start"
        go.set()
        assert [event.type for event in events][-1] == "message_stop"


def test_a_script_sees_the_conversation_in_neutral_words() -> None:
    def script(asked: Conversation) -> Says:
        return answers({"seen": asked.last_results}) if asked.step else calls(("search", {"q": "a"}))

    with ScriptedServer(script) as server:
        call = ask_openai(server).choices[0].message
        messages: Any = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hello"},
            call.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "found"},
        ]
        with openai_client(server) as client:
            ended = client.chat.completions.create(model="m", messages=messages)
    assert ended.choices[0].message.content == '{"seen":["found"]}'
    asked = server.requests[1]
    assert (asked.number, asked.system, asked.turns[0]) == (1, "Be brief.", Turn("user", "hello"))
    assert list(asked.results.values()) == ["found"]
    assert "Be brief." in asked.text


def test_keys_are_checked() -> None:
    with ScriptedServer([says("a"), says("b")], key="right") as server:
        with openai_client(server, "wrong") as client, pytest.raises(openai.AuthenticationError):
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
        with anthropic_client(server, "wrong") as wrong, pytest.raises(anthropic.AuthenticationError):
            wrong.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}])
        with openai_client(server, "right") as client:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
        with anthropic_client(server, "right") as right:
            right.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}])


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "tool", "tool_call_id": "a", "content": "unasked"}],
        [
            {"role": "user", "content": "x"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
        ],
    ],
)
def test_what_a_vendor_refuses_is_refused(messages: Any) -> None:
    lenient = ScriptedServer([], is_lenient=True)
    with lenient as server, openai_client(server) as client, pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="m", messages=messages)
    assert server.requests[0].problem


def test_a_script_at_its_end_fails_the_test() -> None:
    with (
        pytest.raises(AssertionError, match="IndexError"),
        ScriptedServer([]) as server,
        pytest.raises(openai.InternalServerError),
    ):
        ask_openai(server)


def test_a_wrong_request_fails_the_test() -> None:
    with (
        pytest.raises(AssertionError, match="request 0 is wrong"),
        ScriptedServer([]) as server,
        anthropic_client(server) as client,
        pytest.raises(anthropic.BadRequestError),
    ):
        client.messages.create(model="m", max_tokens=1, messages=[{"role": "assistant", "content": "x"}])
