"""What is said to a language model and what comes back, in no vendor's words.

`agents.llm.openai` and `agents.llm.anthropic` turn these into the two protocols and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

Role = Literal["user", "assistant", "tool"]
Stopped = Literal["end", "tools", "length", "refused"]
END: Final[Stopped] = "end"
TOOLS: Final[Stopped] = "tools"
LENGTH: Final[Stopped] = "length"
REFUSED: Final[Stopped] = "refused"


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it.

    Attributes:
        name: Letters, digits and underscores.
        description: When to use it and what it answers.
        parameters: JSON Schema of its arguments: an object that allows nothing else.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call that a model asks for.

    Attributes:
        uid: The model's own id of the call; the answer refers to it.
        name: The tool, as the model wrote it: there may be none of that name.
        arguments: JSON text as the model wrote it: it may be anything.
    """

    uid: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation.

    Attributes:
        role: `user`, `assistant`, or `tool` for the answer to one call.
        text: What was said, or what the tool answered.
        calls: What the assistant asked tools for.
        call_uid: In a tool's turn, the call that it answers.
    """

    role: Role
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    call_uid: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to a model: all of it, since models remember nothing.

    Attributes:
        system: Instructions. Nothing that came from outside ever stands here.
        turns: The conversation so far, the model's turn next.
        tools: What it may call; none when it must answer now.
        answer: JSON Schema of its final answer, None for plain text.
        max_tokens: Most tokens it may answer with.
    """

    system: str
    turns: tuple[Turn, ...]
    tools: tuple[ToolSpec, ...] = ()
    answer: Mapping[str, Any] | None = None
    max_tokens: int = 4096


@dataclass(frozen=True, slots=True)
class Usage:
    """What one request took.

    Attributes:
        input_tokens: Tokens sent, cached ones included.
        output_tokens: Tokens that came back.
        cost_micros: Millionths of a US dollar by the endpoint's configured prices.
        latency_ms: From the first try to the last byte.
        tries: Requests that were sent for it.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0
    latency_ms: int = 0
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said.

    Attributes:
        text: Its words; its final answer when it calls nothing.
        calls: The tools it wants called.
        stopped: Why it ended: `end`, `tools`, `length` when it was cut off, `refused` when it or a filter declined.
        usage: What it took.
        model: The model that answered, as the endpoint names it.
    """

    text: str
    calls: tuple[ToolCall, ...]
    stopped: Stopped
    usage: Usage
    model: str


class Model(Protocol):
    """A language model behind an endpoint."""

    @property
    def name(self) -> str:
        """Return the name of the endpoint as the settings have it."""
        ...

    @property
    def region(self) -> str:
        """Return where what is sent to it goes, empty when the settings do not say."""
        ...

    async def ask(self, ask: Ask) -> Reply:
        """Return what the model says; raise ModelUnavailable when it does not answer, BudgetExhausted before asking."""
        ...
