"""What a model answers at the end of an investigation: its JSON schema, its parts, and the strict reading of it.

The schema says only what both protocols understand (every property required, nothing else allowed, no bounds); the
bounds are kept by the reading. Whatever a model writes gives an Answer or MalformedAnswer, whose message is what the
model is told in the turn that asks it to mend the answer.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from models.action import KINDS
from models.errors import BraidError
from models.reasoning import STATES
from models.verdict import BENIGN, FALSE_POSITIVE, INSUFFICIENT_DATA, SUSPICIOUS, TRUE_POSITIVE

MAX_ANSWER: Final = 262_144  # characters
MAX_LINE: Final = 300
MAX_TEXT: Final = 1000
MAX_SUMMARY: Final = 4000
MAX_NAME: Final = 512
MAX_REFS: Final = 40
MAX_CLAIMS: Final = 40
MAX_TIMELINE: Final = 60
MAX_HYPOTHESES: Final = 12
MAX_TECHNIQUES: Final = 30
MAX_ACTIONS: Final = 12
MAX_STEPS: Final = 15

VERDICT_IDS: Final = {
    "true_positive": TRUE_POSITIVE,
    "suspicious": SUSPICIOUS,
    "benign": BENIGN,
    "false_positive": FALSE_POSITIVE,
    "insufficient_data": INSUFFICIENT_DATA,
}


class MalformedAnswer(BraidError):
    """A model's answer is not one; the message is one sentence that tells it what to mend."""


Line = Annotated[str, msgspec.Meta(max_length=MAX_LINE)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Prose = Annotated[str, msgspec.Meta(max_length=MAX_SUMMARY)]
Ref = Annotated[str, msgspec.Meta(max_length=16)]
Refs = Annotated[tuple[Ref, ...], msgspec.Meta(max_length=MAX_REFS)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
VerdictName = Literal["true_positive", "suspicious", "benign", "false_positive", "insufficient_data"]
StateName = Literal["supported", "rejected", "open"]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of an answer: frozen, and nothing in it that is not in the schema."""


class AnsweredClaim(_Part, frozen=True):
    """One statement, and the names of the evidence that proves it."""

    text: Text
    evidence: Refs


class AnsweredMoment(_Part, frozen=True):
    """One line of the timeline: when (ISO 8601), what, and the names of the evidence that proves it."""

    time: Annotated[str, msgspec.Meta(max_length=64)]
    text: Text
    evidence: Refs


class AnsweredHypothesis(_Part, frozen=True):
    """One explanation: whether it stands, why, and the names of the evidence that decided it."""

    text: Text
    state: StateName
    because: Text
    evidence: Refs


class AnsweredAction(_Part, frozen=True):
    """One proposal: kind, target as `type:value`, why, and the names of the evidence about the target."""

    kind: Annotated[str, msgspec.Meta(max_length=64)]
    target: Annotated[str, msgspec.Meta(max_length=MAX_NAME)]
    reason: Text
    evidence: Refs


class Answer(_Part, frozen=True):
    """The whole answer, as the model wrote it: nothing in it is believed yet.

    Attributes:
        verdict: A key of VERDICT_IDS.
        confidence: 0 to 100 in the model's own opinion, which decides nothing.
        summary: What happened, in prose.
        claims: What the verdict rests on.
        timeline: What happened when.
        hypotheses: Explanations that were tested.
        techniques: ATT&CK technique ids.
        actions: What should be done.
        next_steps: What an analyst should do next.
        note: A note for people outside the security team.
    """

    verdict: VerdictName
    confidence: Percent
    summary: Prose
    claims: Annotated[tuple[AnsweredClaim, ...], msgspec.Meta(max_length=MAX_CLAIMS)]
    timeline: Annotated[tuple[AnsweredMoment, ...], msgspec.Meta(max_length=MAX_TIMELINE)]
    hypotheses: Annotated[tuple[AnsweredHypothesis, ...], msgspec.Meta(max_length=MAX_HYPOTHESES)]
    techniques: Annotated[
        tuple[Annotated[str, msgspec.Meta(max_length=16)], ...], msgspec.Meta(max_length=MAX_TECHNIQUES)
    ]
    actions: Annotated[tuple[AnsweredAction, ...], msgspec.Meta(max_length=MAX_ACTIONS)]
    next_steps: Annotated[tuple[Line, ...], msgspec.Meta(max_length=MAX_STEPS)]
    note: Text

    @property
    def verdict_id(self) -> int:
        """Return the OCSF verdict that it asks for."""
        return VERDICT_IDS[self.verdict]


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _text(says: str) -> dict[str, Any]:
    return {"type": "string", "description": says}


def _one_of(says: str, *values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values), "description": says}


def _list(says: str, items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "description": says}


_REFS: Final = _list(
    "Names of the evidence that proves it, as they were shown to you: E1, S2, F1.", _text("One name of evidence.")
)
ANSWER_SCHEMA: Final[dict[str, Any]] = _object(
    verdict=_one_of("Your verdict on the whole sequence.", *VERDICT_IDS),
    confidence={"type": "integer", "description": "Your confidence from 0 to 100. It is computed again from evidence."},
    summary=_text(f"What happened, in at most {MAX_SUMMARY} characters, values only from evidence that you cite."),
    claims=_list(
        f"At most {MAX_CLAIMS} statements that the verdict rests on, one thing each, in at most {MAX_TEXT} characters.",
        _object(
            text=_text(
                "The statement. Write every value exactly as the evidence has it, between backticks. "
                "One without a value is struck. State what the evidence shows, not what is absent from it."
            ),
            evidence=_REFS,
        ),
    ),
    timeline=_list(
        f"At most {MAX_TIMELINE} lines: what happened when.",
        _object(
            time=_text("When, in ISO 8601 with its zone, as the evidence has it."),
            text=_text("What happened, as in a claim."),
            evidence=_REFS,
        ),
    ),
    hypotheses=_list(
        f"At most {MAX_HYPOTHESES} explanations that you tested, the harmless ones too.",
        _object(
            text=_text("The explanation."),
            state=_one_of("Whether the evidence supports it, rejects it, or leaves it open.", *STATES),
            because=_text("Why: which values in the evidence decide it, or what is missing to decide it."),
            evidence=_list("Names of the evidence that decides it; none while it is open.", _text("A name: E1, S2.")),
        ),
    ),
    techniques=_list(
        "ATT&CK techniques of the detections that you cite.", _text("A technique id: T1003 or T1003.001.")
    ),
    actions=_list(
        f"At most {MAX_ACTIONS} proposals; code and people decide about them.",
        _object(
            kind=_one_of("What to do.", *KINDS),
            target=_text("The entity it is done to, as type:value, as the evidence names it."),
            reason=_text("Why, as in a claim."),
            evidence=_REFS,
        ),
    ),
    next_steps=_list(
        f"At most {MAX_STEPS} things for an analyst to do next, in at most {MAX_LINE} characters each.",
        _text("One step."),
    ),
    note=_text(f"A note in plain words for people outside the security team, at most {MAX_TEXT} characters."),
)
_DECODER: Final = msgspec.json.Decoder(Answer, strict=True)
_FENCE: Final = "```"


def parse_answer(text: str) -> Answer:
    """Return the answer that a text holds, with or without a code fence around it.

    Raises:
        MalformedAnswer: When it is anything else; the message never shows the text.
    """
    if len(text) > MAX_ANSWER:
        raise MalformedAnswer(f"The answer is longer than {MAX_ANSWER} characters; answer again, shorter.")
    try:
        return _DECODER.decode(_unfenced(text).encode())
    except msgspec.ValidationError as error:
        raise MalformedAnswer(f"The answer does not fit its schema: {_where(error)}; answer again.") from None
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise MalformedAnswer("The answer is not one complete JSON object; answer again with JSON alone.") from None


def _where(error: msgspec.ValidationError) -> str:
    """Return what is wrong and where; an unknown field's name is the model's own words, so it is cut short."""
    return "".join(character if character.isprintable() else "?" for character in str(error)[:MAX_LINE])


def _unfenced(text: str) -> str:
    body = text.strip()
    if not body.startswith(_FENCE):
        return body
    return body.removesuffix(_FENCE).partition("\n")[2]
