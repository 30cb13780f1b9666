"""The Chat Completions protocol: OpenAI, Azure, vLLM, Ollama, LiteLLM and other gateways. Pure.

Source: the published types of the vendor's Python client (`openai.types.chat`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from agents.llm.endpoints import EndpointSettings
from agents.llm.failures import BROKEN, NETWORK, NoReply, malformed
from agents.llm.heard import (
    MAX_CALLS,
    Heard,
    Tokens,
    a_count,
    a_list,
    a_text,
    an_object,
    heard,
    parsed,
    written,
)
from agents.llm.pairing import paired
from agents.llm.schemas import is_strict
from agents.llm.sse import data_of
from agents.llm.talk import END, LENGTH, REFUSED, TOOLS, Ask, Stopped, ToolCall, ToolSpec, Turn

PATH: Final = "/chat/completions"
ANSWER_NAME: Final = "answer"
DONE: Final = "[DONE]"
FILTERED: Final = "content_filter"
BAD_REQUEST: Final = 400
Json = dict[str, Any]


def encode(ask: Ask, endpoint: EndpointSettings) -> Json:
    """Return the body of a request."""
    system = [{"role": "system", "content": ask.system}] if ask.system else []
    body: Json = {
        **endpoint.options,
        "model": endpoint.model,
        "messages": [*system, *map(_message, paired(ask.turns))],
        endpoint.limit_field: min(ask.max_tokens, endpoint.max_output_tokens),
    }
    if ask.tools:
        body["tools"] = list(map(_tool, ask.tools))
    if ask.answer is not None and (endpoint.schema_with_tools or not ask.tools):
        schema = {"name": ANSWER_NAME, "schema": ask.answer, "strict": is_strict(ask.answer)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if endpoint.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def _tool(tool: ToolSpec) -> Json:
    described = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": {**described, "strict": is_strict(tool.parameters)}}


def _message(turn: Turn) -> Json:
    if turn.role == "tool":
        return {"role": "tool", "tool_call_id": turn.call_uid, "content": turn.text}
    if not turn.calls:
        return {"role": turn.role, "content": turn.text}
    return {"role": "assistant", "content": turn.text or None, "tool_calls": list(map(_called, turn.calls))}


def _called(call: ToolCall) -> Json:
    return {"id": call.uid, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def decode(body: object) -> Heard:
    """Read the body of an answer; raise NoReply saying what is wrong with it."""
    answer = an_object(body, "the body")
    _raise_error(answer)
    choices = a_list(answer.get("choices"), "choices")
    if not choices:
        raise malformed("it has no choices")
    choice = an_object(choices[0], "choices[0]")
    message = an_object(choice.get("message"), "message")
    calls = [_call(call) for call in a_list(message.get("tool_calls"), "tool_calls")]
    refusal = a_text(message.get("refusal"), "refusal")
    stopped = _stopped(choice.get("finish_reason"), is_refused=bool(refusal), is_calling=bool(calls))
    return heard(
        refusal or _text(message.get("content")), calls, stopped, answer.get("model"), _tokens(answer.get("usage"))
    )


def is_filtered(status: int, body: bytes) -> bool:
    """Tell whether an error says that a filter declined the request, as Azure does before its models see it."""
    try:
        error = orjson.loads(body)["error"]
        return status == BAD_REQUEST and error["code"] == FILTERED
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return False


def _raise_error(answer: Mapping[str, Any]) -> None:
    if answer.get("error"):
        raise NoReply("it answered with an error in place of words", BROKEN, may_cost=True)


def _stopped(finish: object, *, is_refused: bool, is_calling: bool) -> Stopped:
    if is_refused or finish == FILTERED:
        return REFUSED
    if finish == "length":
        return LENGTH
    return TOOLS if is_calling else END


def _text(content: object) -> str:
    """Return the words; some gateways send them in parts."""
    if not isinstance(content, list):
        return a_text(content, "content")
    return "".join(a_text(an_object(part, "content").get("text"), "text") for part in content)


def _call(value: object) -> ToolCall:
    call = an_object(value, "tool call")
    function = an_object(call.get("function"), "function")
    arguments = function.get("arguments")
    told = written(arguments) if isinstance(arguments, dict) else a_text(arguments, "arguments")
    return ToolCall(a_text(call.get("id"), "id"), a_text(function.get("name"), "name"), told)


def _tokens(value: object) -> Tokens | None:
    usage = value if isinstance(value, dict) else {}
    sent, said = a_count(usage.get("prompt_tokens")), a_count(usage.get("completion_tokens"))
    if sent is None or said is None:
        return None
    details = usage.get("prompt_tokens_details")
    cached = a_count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return Tokens(sent, said, min(cached or 0, sent))


@dataclass(slots=True)
class _Stream:
    """Pieces of an answer."""

    text: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    calls: list[tuple[list[str], list[str], list[str]]] = field(default_factory=list)
    finish: object = None
    model: object = ""
    usage: object = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        self.model = chunk.get("model") or self.model
        self.usage = chunk.get("usage") or self.usage
        for value in a_list(chunk.get("choices"), "choices")[:1]:
            choice = an_object(value, "choices[0]")
            self.finish = choice.get("finish_reason") or self.finish
            delta = an_object(choice.get("delta"), "delta")
            self.text.append(_text(delta.get("content")))
            self.refusal.append(a_text(delta.get("refusal"), "refusal"))
            for call in a_list(delta.get("tool_calls"), "tool_calls"):
                self._add_call(an_object(call, "tool call"))

    def _add_call(self, call: Mapping[str, Any]) -> None:
        index = call.get("index")
        if not isinstance(index, int):  # some gateways leave it out; a new call comes with an id
            index = len(self.calls) - (0 if call.get("id") or not self.calls else 1)
        if not 0 <= index <= min(len(self.calls), MAX_CALLS):
            raise malformed("tool calls out of order, or too many")
        if index == len(self.calls):
            self.calls.append(([], [], []))
        piece = _call(call)
        for pieces, more in zip(self.calls[index], (piece.uid, piece.name, piece.arguments), strict=True):
            pieces.append(more)

    def body(self) -> Json:
        """Return what would have come without a stream."""
        calls = [ToolCall(*map("".join, call)) for call in self.calls]
        message = {"content": "".join(self.text), "refusal": "".join(self.refusal)}
        choice = {"message": {**message, "tool_calls": list(map(_called, calls))}, "finish_reason": self.finish}
        return {"model": self.model, "choices": [choice], "usage": self.usage}


def decode_stream(body: bytes) -> Heard:
    """Read a whole stream as `decode` reads a body; one that ends before its end is a connection that broke."""
    stream = _Stream()
    is_done = False
    for data in data_of(body):
        if data.strip() == DONE:
            is_done = True
            break
        chunk = an_object(parsed(data), "a chunk")
        _raise_error(chunk)
        stream.add(chunk)
    if not (is_done or stream.finish):
        raise NoReply("the stream ended before the answer did", NETWORK, may_cost=True)
    return decode(stream.body())
