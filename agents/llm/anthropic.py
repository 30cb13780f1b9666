"""The Messages protocol. Pure.

Source: the published types of the vendor's Python client (`anthropic.types`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

import orjson

from agents.llm.endpoints import EndpointSettings
from agents.llm.failures import BROKEN, BUSY, NETWORK, NoReply, malformed
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
from agents.llm.schemas import shape
from agents.llm.sse import data_of
from agents.llm.talk import END, LENGTH, REFUSED, TOOLS, Ask, Stopped, ToolCall, ToolSpec, Turn

PATH: Final = "/v1/messages"
VERSION: Final = "2023-06-01"
NOTHING: Final = "(nothing)"  # an empty text is refused
_STOPPED: Final[Mapping[str, Stopped]] = {
    "refusal": REFUSED,
    "max_tokens": LENGTH,
    "model_context_window_exceeded": LENGTH,
}
_BUSY: Final = frozenset({"overloaded_error", "rate_limit_error"})
_TEXT, _TOOL_USE = "text", "tool_use"
Json = dict[str, Any]


def encode(ask: Ask, endpoint: EndpointSettings) -> Json:
    """Return the body of a request."""
    turns = paired(ask.turns)
    body: Json = {
        **endpoint.options,
        "model": endpoint.model,
        "max_tokens": min(ask.max_tokens, endpoint.max_output_tokens),
        "messages": list(_messages(turns)),
    }
    if ask.system:
        body["system"] = ask.system
    called = dict.fromkeys(call.name for turn in turns for call in turn.calls)
    if ask.tools:
        body["tools"] = list(map(_tool, ask.tools))
    elif called:  # tools that were called have to be described, even where none may be called any more
        body["tools"] = [{"name": name, "input_schema": {"type": "object"}} for name in called]
        body["tool_choice"] = {"type": "none"}
    if ask.answer is not None and (endpoint.schema_with_tools or not ask.tools):
        body["output_config"] = {
            **endpoint.options.get("output_config", {}),
            "format": {"type": "json_schema", "schema": shape(ask.answer)},
        }
    if endpoint.stream:
        body["stream"] = True
    return body


def _tool(tool: ToolSpec) -> Json:
    return {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}


def _messages(turns: Iterable[Turn]) -> Iterator[Json]:
    """Yield messages; what tools answered goes with the user's words behind it into one."""
    for is_assistant, group in groupby(turns, lambda turn: turn.role == "assistant"):
        blocks = [block for turn in group for block in (_said(turn) if is_assistant else _told(turn))]
        content = blocks or [{"type": _TEXT, "text": NOTHING}]
        yield {"role": "assistant" if is_assistant else "user", "content": content}


def _words(text: str) -> list[Json]:
    return [{"type": _TEXT, "text": text}] if text.strip() else []


def _said(turn: Turn) -> list[Json]:
    used = ({"type": _TOOL_USE, "id": call.uid, "name": call.name, "input": _input(call)} for call in turn.calls)
    return [*_words(turn.text), *used]


def _told(turn: Turn) -> list[Json]:
    if turn.role == "tool":
        return [{"type": "tool_result", "tool_use_id": turn.call_uid, "content": turn.text}]
    return _words(turn.text)


def _input(call: ToolCall) -> Json:
    """Return arguments as an object; a model that wrote something else was told so by the tool."""
    try:
        value = orjson.loads(call.arguments)
        orjson.dumps(value)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return {}
    return value if isinstance(value, dict) else {}


def decode(body: object) -> Heard:
    """Read the body of an answer; raise NoReply saying what is wrong with it."""
    answer = an_object(body, "the body")
    if answer.get("type") == "error":
        raise _error(answer)
    blocks = [an_object(block, "a block") for block in a_list(answer.get("content"), "content")]
    reason = answer.get("stop_reason")
    if not isinstance(reason, str):
        raise malformed("it has no stop_reason")
    text = "".join(a_text(block.get("text"), "text") for block in blocks if block.get("type") == _TEXT)
    calls = [_call(block) for block in blocks if block.get("type") == _TOOL_USE]
    stopped = _STOPPED.get(reason) or (TOOLS if calls else END)
    return heard(text, calls, stopped, answer.get("model"), _tokens(answer.get("usage")))


def _error(answer: Mapping[str, Any]) -> NoReply:
    kind = an_object(answer.get("error"), "error").get("type")
    is_busy = isinstance(kind, str) and kind in _BUSY
    return NoReply("it answered with an error in place of words", BUSY if is_busy else BROKEN, may_cost=True)


def _call(block: Mapping[str, Any]) -> ToolCall:
    """Read a call; of a stream, its arguments are text, which may be anything."""
    given = block.get("input")
    arguments = given if isinstance(given, str) else written(given)
    return ToolCall(a_text(block.get("id"), "id"), a_text(block.get("name"), "name"), arguments)


def _tokens(value: object) -> Tokens | None:
    usage = value if isinstance(value, dict) else {}
    sent, said = a_count(usage.get("input_tokens")), a_count(usage.get("output_tokens"))
    if sent is None or said is None:
        return None
    cached = a_count(usage.get("cache_read_input_tokens")) or 0
    return Tokens(sent + cached + (a_count(usage.get("cache_creation_input_tokens")) or 0), said, cached)


@dataclass(slots=True)
class _Stream:
    """Pieces of an answer."""

    message: Json = field(default_factory=dict)
    usage: Json = field(default_factory=dict)
    blocks: dict[int, tuple[Json, list[str]]] = field(default_factory=dict)
    is_done: bool = False

    def add(self, event: Mapping[str, Any]) -> None:
        kind = event.get("type")
        if kind == "message_start":
            self.message = dict(an_object(event.get("message"), "message"))
            self._count(self.message.get("usage"))
        elif kind == "content_block_start":
            self._begin(event)
        elif kind == "content_block_delta":
            self._add_piece(event)
        elif kind == "message_delta":
            delta = an_object(event.get("delta"), "delta")
            self.message["stop_reason"] = delta.get("stop_reason") or self.message.get("stop_reason")
            self._count(event.get("usage"))
        elif kind == "message_stop":
            self.is_done = True

    def _count(self, usage: object) -> None:
        told = usage if isinstance(usage, dict) else {}
        self.usage |= {name: value for name, value in told.items() if value is not None}

    def _begin(self, event: Mapping[str, Any]) -> None:
        index = event.get("index")
        if not isinstance(index, int) or index in self.blocks or len(self.blocks) > MAX_CALLS:
            raise malformed("blocks out of order, or too many")
        self.blocks[index] = dict(an_object(event.get("content_block"), "content_block")), []

    def _add_piece(self, event: Mapping[str, Any]) -> None:
        delta = an_object(event.get("delta"), "delta")
        index = event.get("index")
        if not isinstance(index, int) or index not in self.blocks:
            raise malformed("a piece of a block that did not begin")
        name = {"text_delta": "text", "input_json_delta": "partial_json"}.get(str(delta.get("type")), "")
        self.blocks[index][1].append(a_text(delta.get(name), name))

    def body(self) -> Json:
        """Return what would have come without a stream."""
        content = [_whole(head, "".join(pieces)) for _, (head, pieces) in sorted(self.blocks.items())]
        return {**self.message, "content": content, "usage": self.usage}


def _whole(head: Json, pieces: str) -> Json:
    if head.get("type") == _TOOL_USE:
        return {**head, "input": pieces or head.get("input")}
    return {**head, "text": a_text(head.get("text"), "text") + pieces} if head.get("type") == _TEXT else head


def decode_stream(body: bytes) -> Heard:
    """Read a whole stream as `decode` reads a body; one that ends before its end is a connection that broke."""
    stream = _Stream()
    for data in data_of(body):
        told = an_object(parsed(data), "an event")
        if told.get("type") == "error":
            raise _error(told)
        stream.add(told)
    if not stream.is_done:
        raise NoReply("the stream ended before the answer did", NETWORK, may_cost=True)
    return decode(stream.body())
