"""Read a request of either protocol, and refuse it for what the vendors refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from agents.llm.talk import ToolCall, Turn
from tests.llm.script import Conversation, Protocol

NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
UNSUPPORTED: Final = frozenset(
    {"minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    | {"maxItems", "uniqueItems", "minProperties", "maxProperties", "patternProperties"}
)


class Bad(Exception):
    """A vendor would answer 400."""


def read(number: int, path: str, headers: Mapping[str, str], raw: bytes) -> Conversation:
    """Read a request; what is wrong with it stands in `problem`."""
    protocol: Protocol = "anthropic" if path.partition("?")[0].endswith("/messages") else "openai"
    whole = {"number": number, "protocol": protocol, "path": path, "headers": headers, "raw": raw}
    body: Any = {}
    try:
        body = orjson.loads(raw)
        _need(isinstance(body, dict), "the body must be an object")
        whole |= {"body": body, "stream": body.get("stream") is True}
        _need(isinstance(body.get("model"), str), "model: must be a text")
        return Conversation(**whole, **(_openai(body) if protocol == "openai" else _anthropic(body, headers)))
    except (Bad, orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        return Conversation(**whole, problem=f"{type(error).__name__}: {error}")


def _need(is_so: object, message: str) -> None:
    if not is_so:
        raise Bad(message)


def _openai(body: Mapping[str, Any]) -> dict[str, Any]:
    _need(not ("max_tokens" in body and "max_completion_tokens" in body), "max_tokens: give one of the two")
    _need("stream_options" not in body or body.get("stream"), "stream_options: only with stream")
    messages = list(body["messages"])
    _need(messages, "messages: must not be empty")
    _need(all(message["role"] != "system" for message in messages[1:]), "messages: system stands first")
    system = messages[0]["content"] if messages[0]["role"] == "system" else ""
    turns = tuple(_openai_turn(message) for message in messages if message["role"] != "system")
    _paired(turns)
    tools = [tool["function"] for tool in body.get("tools", ())]
    _need("tools" not in body or tools, "tools: must not be empty")
    for tool in tools:
        _named(tool["name"])
        _schema(tool["parameters"], is_strict=tool.get("strict") is True)
    form = body.get("response_format")
    if form is not None:
        _need(form["type"] == "json_schema", "response_format: unknown type")
        _named(form["json_schema"]["name"])
        _schema(form["json_schema"]["schema"], is_strict=form["json_schema"].get("strict") is True)
    return {
        "system": system,
        "turns": turns,
        "tools": tuple(tool["name"] for tool in tools),
        "answer": form["json_schema"]["schema"] if form else None,
        "max_tokens": body.get("max_completion_tokens") or body.get("max_tokens") or 0,
    }


def _openai_turn(message: Mapping[str, Any]) -> Turn:
    if message["role"] == "tool":
        return Turn("tool", message["content"], call_uid=message["tool_call_id"])
    calls = tuple(
        ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls", ())
    )
    _need(message.get("content") is not None or calls, "content: expected a text, got null")
    return Turn(message["role"], message.get("content") or "", calls)


def _anthropic(body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    _need(headers.get("anthropic-version"), "anthropic-version: header is required")
    _need(isinstance(body["max_tokens"], int) and body["max_tokens"] > 0, "max_tokens: must be at least 1")
    messages = list(body["messages"])
    _need(messages and messages[0]["role"] == "user", "messages: first message must use the user role")
    turns = tuple(turn for message in messages for turn in _anthropic_turns(message))
    _paired(turns)
    tools = list(body.get("tools", ()))
    _need(tools or not any(turn.calls for turn in turns), "tools: must be defined where messages have tool_use")
    for tool in tools:
        _named(tool["name"])
        _need(tool["input_schema"]["type"] == "object", "input_schema.type: must be object")
        _schema(tool["input_schema"], is_strict=tool.get("strict") is True)
    form = (body.get("output_config") or {}).get("format")
    if form is not None:
        _need(form["type"] == "json_schema", "output_config.format: unknown type")
        _schema(form["schema"], is_strict=True, needs_all=False)
    may_call = body.get("tool_choice", {}).get("type") != "none"
    return {
        "system": body.get("system", ""),
        "turns": turns,
        "tools": tuple(tool["name"] for tool in tools) if may_call else (),
        "answer": form["schema"] if form else None,
        "max_tokens": body["max_tokens"],
    }


def _anthropic_turns(message: Mapping[str, Any]) -> Iterator[Turn]:
    blocks = message["content"]
    if isinstance(blocks, str):
        blocks = [{"type": "text", "text": blocks}]
    _need(blocks, "content: must not be empty")
    for block in blocks:
        _need(block["type"] != "text" or block["text"].strip(), "text content blocks must be non-empty")
    text = "\n".join(block["text"] for block in blocks if block["type"] == "text")
    if message["role"] == "assistant":
        used = [block for block in blocks if block["type"] == "tool_use"]
        _need(all(isinstance(block["input"], dict) for block in used), "tool_use.input: must be an object")
        written = (ToolCall(block["id"], block["name"], orjson.dumps(block["input"]).decode()) for block in used)
        yield Turn("assistant", text, tuple(written))
        return
    _need(message["role"] == "user", f"role: unknown {message['role']}")
    kinds = [block["type"] for block in blocks]
    _need(kinds == sorted(kinds, key=lambda kind: kind != "tool_result"), "tool_result blocks must come first")
    for block in blocks:
        if block["type"] == "tool_result":
            yield Turn("tool", block["content"], call_uid=block["tool_use_id"])
    if text:
        yield Turn("user", text)


def _paired(turns: Iterable[Turn]) -> None:
    """Every call is answered right after it, once, and nothing else is answered."""
    open_calls: set[str] = set()
    for turn in turns:
        if turn.role == "tool":
            _need(turn.call_uid in open_calls, f"a result for {turn.call_uid!r}, which was not just called")
            open_calls.discard(turn.call_uid)
            continue
        _need(not open_calls, f"calls without a result: {sorted(open_calls)}")
        uids = [call.uid for call in turn.calls]
        _need(len(uids) == len(set(uids)), "the uids of calls must be unique")
        for call in turn.calls:
            _named(call.name)
            _named(call.uid)
        open_calls = set(uids)
    _need(not open_calls, f"calls without a result: {sorted(open_calls)}")


def _named(name: str) -> None:
    _need(NAME.fullmatch(name), f"{name!r} is no name")


def _schema(schema: Any, *, is_strict: bool, needs_all: bool = True) -> None:
    """Refuse what constrained decoding refuses."""
    if not is_strict:
        return
    if isinstance(schema, list):
        for item in schema:
            _schema(item, is_strict=True, needs_all=needs_all)
    if not isinstance(schema, dict):
        return
    _need(not UNSUPPORTED & set(schema), f"schema: not supported: {sorted(UNSUPPORTED & set(schema))}")
    if schema.get("type") == "object":
        _need(schema.get("additionalProperties") is False, "schema: additionalProperties must be false")
        is_all = set(schema.get("properties", ())) == set(schema.get("required", ()))
        _need(is_all or not needs_all, "schema: all properties must be required")
    properties = schema.get("properties", {})
    for below in (*properties.values(), *(schema.get(name) for name in ("items", "anyOf", "$defs"))):
        _schema(below, is_strict=True, needs_all=needs_all)
