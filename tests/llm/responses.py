"""Render what a scripted model says in either protocol, whole or as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from agents.llm.talk import END, LENGTH, REFUSED, TOOLS, Stopped
from tests.llm.script import Conversation, Says, Tokens

STREAM: Final = "text/event-stream"
CREATED: Final = 1_790_000_000
PIECE: Final = 12  # characters in a piece of a stream
_FINISH: Final[Mapping[Stopped, str]] = {END: "stop", TOOLS: "tool_calls", LENGTH: "length", REFUSED: "stop"}
_REASON: Final[Mapping[Stopped, str]] = {
    END: "end_turn",
    TOOLS: "tool_use",
    LENGTH: "max_tokens",
    REFUSED: "refusal",
}
_ANTHROPIC_ERRORS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


@dataclass(frozen=True, slots=True)
class Rendered:
    status: int
    media: str
    body: bytes

    @property
    def is_stream(self) -> bool:
        return self.media == STREAM


def render(said: Says, asked: Conversation) -> Rendered:
    """Render an answer as the protocol has it, streamed if that was asked for."""
    media = STREAM if asked.stream and said.status == 200 else "application/json"
    if said.body is not None:
        return Rendered(said.status, media, said.body)
    if said.status != 200:
        return Rendered(said.status, media, orjson.dumps(_error(said, asked)))
    full = _full(said, asked)
    make = {
        ("openai", False): lambda: orjson.dumps(_completion(full, asked)),
        ("openai", True): lambda: b"".join(_chunks(full, asked)),
        ("anthropic", False): lambda: orjson.dumps(_message(full, asked)),
        ("anthropic", True): lambda: b"".join(_events(full, asked)),
    }[asked.protocol, asked.stream]
    return Rendered(200, media, make())


def _full(said: Says, asked: Conversation) -> Says:
    """Fill in what the script left open."""
    made = (replace(call, uid=call.uid or f"call_{asked.number}_{index}") for index, call in enumerate(said.calls))
    written = len(said.text) + sum(len(call.arguments) for call in said.calls)
    return replace(
        said,
        calls=tuple(made),
        stopped=said.stopped or (TOOLS if said.calls else END),
        model=said.model or str(asked.body.get("model", "")),
        tokens=said.tokens or Tokens(len(asked.raw) // 4, written // 4 + 1),
    )


def _error(said: Says, asked: Conversation) -> dict[str, Any]:
    if asked.protocol == "anthropic":
        kind = _ANTHROPIC_ERRORS.get(said.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": said.error}, "request_id": f"req_{asked.number}"}
    code = "content_filter" if said.is_filtered else None
    return {"error": {"message": said.error, "type": "invalid_request_error", "param": None, "code": code}}


def _usage(tokens: Tokens) -> dict[str, Any]:
    return {
        "prompt_tokens": tokens.sent,
        "completion_tokens": tokens.said,
        "total_tokens": tokens.sent + tokens.said,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
    }


def _finish(said: Says) -> str:
    return "content_filter" if said.is_filtered else _FINISH[said.stopped or END]


def _completion(said: Says, asked: Conversation) -> dict[str, Any]:
    is_refused = said.stopped == REFUSED
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if is_refused or not said.text else said.text,
        "refusal": said.text if is_refused and not said.is_filtered else None,
    }
    if said.calls:
        message["tool_calls"] = [
            {"id": call.uid, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in said.calls
        ]
    return {
        "id": f"chatcmpl-{asked.number}",
        "object": "chat.completion",
        "created": CREATED,
        "model": said.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(said)}],
        "usage": _usage(said.tokens or Tokens(0, 0)),
        "system_fingerprint": "fp_scripted",
    }


def _pieces(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _sse(data: object, event: str = "") -> bytes:
    head = f"event: {event}\n".encode() if event else b""
    return head + b"data: " + orjson.dumps(data) + b"\n\n"


def _chunks(said: Says, asked: Conversation) -> Iterable[bytes]:
    common = {"id": f"chatcmpl-{asked.number}", "object": "chat.completion.chunk", "created": CREATED}
    common |= {"model": said.model, "system_fingerprint": "fp_scripted"}

    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        return _sse({**common, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]})

    yield b": keep-alive\n\n"
    yield chunk({"role": "assistant", "content": "", "refusal": None})
    field = "refusal" if said.stopped == REFUSED else "content"
    for piece in _pieces("" if said.is_filtered else said.text):
        yield chunk({field: piece})
    for index, call in enumerate(said.calls):
        head = {"index": index, "id": call.uid, "type": "function", "function": {"name": call.name, "arguments": ""}}
        yield chunk({"tool_calls": [head]})
        for piece in _pieces(call.arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, _finish(said))
    if (asked.body.get("stream_options") or {}).get("include_usage"):
        yield _sse({**common, "choices": [], "usage": _usage(said.tokens or Tokens(0, 0))})
    yield b"data: [DONE]\n\n"


def _input(arguments: str) -> Any:
    """Return what stands for arguments in a whole message, where they cannot be anything but a value."""
    try:
        return orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        return arguments


def _anthropic_usage(tokens: Tokens) -> dict[str, Any]:
    return {
        "input_tokens": tokens.sent - tokens.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.said,
    }


def _details(said: Says) -> dict[str, Any] | None:
    if said.stopped != REFUSED:
        return None
    return {"type": "refusal", "category": "cyber" if said.is_filtered else None, "explanation": None}


def _message(said: Says, asked: Conversation) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": said.text}] if said.text else []
    content += [
        {"type": "tool_use", "id": call.uid, "name": call.name, "input": _input(call.arguments)} for call in said.calls
    ]
    return {
        "id": f"msg_{asked.number}",
        "type": "message",
        "role": "assistant",
        "model": said.model,
        "content": content,
        "stop_reason": _REASON[said.stopped or END],
        "stop_sequence": None,
        "stop_details": _details(said),
        "usage": _anthropic_usage(said.tokens or Tokens(0, 0)),
    }


def _events(said: Says, asked: Conversation) -> Iterable[bytes]:
    def event(kind: str, **more: Any) -> bytes:
        return _sse({"type": kind, **more}, kind)

    tokens = said.tokens or Tokens(0, 0)
    begun = {**_message(said, asked), "content": [], "stop_reason": None, "stop_details": None}
    yield event("message_start", message={**begun, "usage": {**_anthropic_usage(tokens), "output_tokens": 1}})
    yield event("ping")
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if said.text:
        deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(said.text)]
        blocks.append(({"type": "text", "text": ""}, deltas))
    for call in said.calls:
        head = {"type": "tool_use", "id": call.uid, "name": call.name, "input": {}}
        blocks.append(
            (head, [{"type": "input_json_delta", "partial_json": piece} for piece in _pieces(call.arguments)])
        )
    for index, (head, deltas) in enumerate(blocks):
        yield event("content_block_start", index=index, content_block=head)
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    ended = {"stop_reason": _REASON[said.stopped or END], "stop_sequence": None, "stop_details": _details(said)}
    yield event("message_delta", delta=ended, usage={"output_tokens": tokens.said})
    yield event("message_stop")
