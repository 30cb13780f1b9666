"""What was heard from a model, before it is priced; and how hostile JSON is taken apart for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from agents.llm.failures import malformed
from agents.llm.talk import TOOLS, Stopped, ToolCall
from agents.text import plain

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
MAX_CALLS: Final = 64  # in one turn
MAX_UID: Final = 200
MAX_NAME: Final = 100
MAX_TOKENS: Final = 1_000_000_000  # what claims more cannot count


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens as the endpoint counts them: sent (with the cached ones), said, and those of the sent that were cached."""

    sent: int
    said: int
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer of a model.

    Attributes:
        text: Its words.
        calls: The tools it wants called, each with a uid that no other has; none unless it stopped for them.
        stopped: Why it ended.
        model: The model that answered, made safe to show.
        tokens: What it took, None when the endpoint did not say.
    """

    text: str
    calls: tuple[ToolCall, ...]
    stopped: Stopped
    model: str
    tokens: Tokens | None


def heard(text: str, calls: Iterable[ToolCall], stopped: Stopped, model: object, tokens: Tokens | None) -> Heard:
    """Put an answer together; raise NoReply when it calls too much."""
    made = _distinct(calls) if stopped == TOOLS else ()
    return Heard(text, made, stopped, plain(model, MAX_NAME) if isinstance(model, str) else "", tokens)


def _distinct(calls: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
    """Give every call a uid of its own; some models send none, or the same to all."""
    made: dict[str, ToolCall] = {}
    for index, call in enumerate(calls):
        if index >= MAX_CALLS:
            raise malformed(f"it calls more than {MAX_CALLS} tools at once")
        uid = call.uid if call.uid and len(call.uid) <= MAX_UID else f"call_{index}"
        while uid in made:
            uid = f"{uid}_{index}"
        made[uid] = replace(call, uid=uid)
    return tuple(made.values())


def parsed(body: bytes | str) -> Any:
    """Parse JSON; raise NoReply for what is none, or nested too deeply."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(f"not JSON at character {error.pos}") from error


def written(value: object) -> str:
    """Write a JSON value as text; raise NoReply for what is nested too deeply."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise malformed("arguments that are nested too deeply") from error


def an_object(value: object, name: str) -> Mapping[str, Any]:
    """Return an object, an empty one for null; raise NoReply naming what is none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise malformed(f"{name} is no object")
    return value


def a_list(value: object, name: str) -> list[Any]:
    """Return a list, an empty one for null; raise NoReply naming what is none."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise malformed(f"{name} is no list")
    return value


def a_text(value: object, name: str) -> str:
    """Return a text, an empty one for null; raise NoReply naming what is none."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise malformed(f"{name} is no text")
    return value


def a_count(value: object) -> int | None:
    """Return a number of tokens, None for what cannot be one."""
    is_one = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS
    return value if is_one and isinstance(value, int) else None
