"""How a verdict came about: explanations that were tested, statements that were struck out, versions, cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from models.errors import InvalidRecord
from models.fields import take, take_objects, take_texts

SUPPORTED, REJECTED, OPEN = "supported", "rejected", "open"
STATES: Final = (SUPPORTED, REJECTED, OPEN)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One explanation that was tested.

    Attributes:
        text: The explanation.
        state: `supported`, `rejected` or `open`.
        because: Why.
        evidence: Uids of the evidence that decided it; none while it is open.
    """

    text: str
    state: str
    because: str = ""
    evidence: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a state that is none, with InvalidRecord."""
        if self.state not in STATES:
            raise InvalidRecord(f"hypothesis state {self.state[:40]!r} is none of {', '.join(STATES)}")


@dataclass(frozen=True, slots=True)
class Struck:
    """A statement that was not borne out, and why it was struck out."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Versions:
    """What a verdict was made with, empty where it took no part.

    Attributes:
        model: The models that answered, as their endpoints name them, joined by a comma.
        prompt: Name and version of the prompt.
        policy: Name and version of the policy of actions.
        privacy: Name and version of the policy of privacy.
        rules: Hash of the rules that were loaded.
    """

    model: str = ""
    prompt: str = ""
    policy: str = ""
    privacy: str = ""
    rules: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """What an investigation took: requests to models, calls of tools, tokens, millionths of a US dollar, ms."""

    requests: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0
    latency_ms: int = 0


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How a verdict came about.

    Attributes:
        hypotheses: Explanations that were tested.
        struck: Statements that were struck out.
        next_steps: What an analyst should do next.
        note: A note for people outside the security team.
        fallback: Why a model that was configured did not judge, empty when it did.
        raw_confidence: The verdict's confidence before it was calibrated, 0 to 100; 0 where none was.
        concluded_id: What the investigation concluded, where an analyst has said something since; else 0.
        versions: What it was made with.
        spent: What it took.
    """

    hypotheses: tuple[Hypothesis, ...] = ()
    struck: tuple[Struck, ...] = ()
    next_steps: tuple[str, ...] = ()
    note: str = ""
    fallback: str = ""
    raw_confidence: int = 0
    concluded_id: int = 0
    versions: Versions = Versions()
    spent: Spent = Spent()


NO_REASONING: Final = Reasoning()


def reasoning_to_json(reasoning: Reasoning) -> dict[str, Any]:
    """Render for `unmapped.braid.reasoning` of a verdict."""
    return {
        **asdict(reasoning),
        "hypotheses": [{**asdict(one), "evidence": list(one.evidence)} for one in reasoning.hypotheses],
        "struck": [asdict(one) for one in reasoning.struck],
        "next_steps": list(reasoning.next_steps),
    }


def reasoning_from_json(value: Mapping[str, Any]) -> Reasoning:
    """Read it back; raise InvalidRecord naming what is missing or of the wrong shape."""
    versions, spent = take(value, "versions", dict), take(value, "spent", dict)
    return Reasoning(
        hypotheses=tuple(map(_hypothesis, take_objects(value, "hypotheses"))),
        struck=tuple(
            Struck(take(item, "text", str), take(item, "reason", str)) for item in take_objects(value, "struck")
        ),
        next_steps=take_texts(value, "next_steps"),
        note=take(value, "note", str),
        fallback=take(value, "fallback", str),
        raw_confidence=take(value, "raw_confidence", int),
        concluded_id=take(value, "concluded_id", int),
        versions=Versions(**{one.name: take(versions, one.name, str) for one in fields(Versions)}),
        spent=Spent(**{one.name: take(spent, one.name, int) for one in fields(Spent)}),
    )


def _hypothesis(item: Mapping[str, Any]) -> Hypothesis:
    text, state, because = take(item, "text", str), take(item, "state", str), take(item, "because", str)
    return Hypothesis(text, state, because, take_texts(item, "evidence"))
