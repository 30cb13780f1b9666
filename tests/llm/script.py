"""What a scripted model says, and what it was told: in the words of agents.llm.talk, whatever the protocol."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import orjson

from agents.llm.talk import LENGTH, REFUSED, Stopped, ToolCall, Turn

Protocol = Literal["openai", "anthropic"]


class Tokens(NamedTuple):
    sent: int
    said: int
    cached: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One request: what the model is told.

    `number` counts requests from 0. `turns`, `system`, `tools`, `answer` are the request in neutral words; `body` is
    the parsed JSON, `raw` the bytes. Header names are lower case. `problem` says why a vendor would have refused it.
    """

    number: int
    protocol: Protocol
    path: str
    headers: Mapping[str, str]
    raw: bytes
    body: Mapping[str, Any] = field(default_factory=dict)
    system: str = ""
    turns: tuple[Turn, ...] = ()
    tools: tuple[str, ...] = ()
    answer: Mapping[str, Any] | None = None
    max_tokens: int = 0
    stream: bool = False
    problem: str = ""

    @property
    def text(self) -> str:
        """All that was sent, as text: what must not be in it is looked for here."""
        return self.raw.decode("utf-8", "replace")

    @property
    def step(self) -> int:
        """How often the model has spoken before in this conversation."""
        return sum(turn.role == "assistant" for turn in self.turns)

    @property
    def results(self) -> dict[str, str]:
        """What the tools answered, by the uid of the call."""
        return {turn.call_uid: turn.text for turn in self.turns if turn.role == "tool"}

    @property
    def last_results(self) -> tuple[str, ...]:
        """What the tools answered to the last calls, in order."""
        found: list[str] = []
        for turn in reversed(self.turns):
            if turn.role != "tool":
                break
            found.append(turn.text)
        return tuple(reversed(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """One answer of the server; see the functions below for the usual ones.

    `stopped` defaults to what `calls` imply. `is_filtered` makes a refusal that of a filter in place of the model's.
    `body` stands in place of all that the protocol would have said. Of the body, `cut_after` bytes are sent before the
    connection ends without notice; `wait_after` bytes before `until` is waited for.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    stopped: Stopped | None = None
    is_filtered: bool = False
    model: str = ""
    tokens: Tokens | None = None
    status: int = 200
    error: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut_after: int | None = None
    until: threading.Event | None = None
    wait_after: int = 0


Script = Callable[[Conversation], Says] | Sequence[Says]


def says(text: str, **more: Any) -> Says:
    """Answer in plain text."""
    return Says(text=text, **more)


def answers(value: object, **more: Any) -> Says:
    """Answer with a JSON value, of whatever schema."""
    return Says(text=orjson.dumps(value).decode(), **more)


def calls(*wanted: tuple[str, object], text: str = "", **more: Any) -> Says:
    """Call tools, all at once: pairs of name and arguments; arguments that are a text are sent as they are."""
    made = [ToolCall("", name, _written(arguments)) for name, arguments in wanted]
    return Says(text=text, calls=tuple(made), **more)


def _written(arguments: object) -> str:
    return arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()


def refuses(text: str = "I cannot help with that.") -> Says:
    """Decline, as the model."""
    return Says(text=text, stopped=REFUSED)


def filtered() -> Says:
    """Decline, as a filter behind the model."""
    return Says(stopped=REFUSED, is_filtered=True)


def cut_off(text: str) -> Says:
    """Reach the most tokens in the middle of an answer."""
    return Says(text=text, stopped=LENGTH)


def fails(status: int = 500, error: str = "something broke", **headers: str) -> Says:
    """Answer with an error in the vendor's shape; header names are written with underscores."""
    return Says(status=status, error=error, headers={name.replace("_", "-"): text for name, text in headers.items()})


def busy(retry_after: str = "1") -> Says:
    """Ask to be left alone for so many seconds, or until a date."""
    return fails(429, "slow down", retry_after=retry_after)


def malformed(body: bytes = b'{"id": "x", "choices": [{"mess') -> Says:
    """Answer with 200 and bytes that are not what was promised."""
    return Says(body=body)


def cuts(after: int = 20, said: Says | None = None) -> Says:
    """End the connection after so many bytes of the body."""
    return replace(said or Says(text="what nobody will read to its end"), cut_after=after)


def slow(said: Says, until: threading.Event, after: int = 0) -> Says:
    """Wait for an event before the answer, or after so many bytes of it."""
    return replace(said, until=until, wait_after=after)
