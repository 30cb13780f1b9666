"""Read a model's answer back into our own words: pseudonyms become the names they stand for."""

from __future__ import annotations

from msgspec.structs import replace

from agents.grounding.answer import Answer, AnsweredAction
from agents.privacy.screen import Screen
from models.errors import ToolRefused


def restored(answer: Answer, screen: Screen) -> Answer:
    """Return the answer as it may stand in a verdict. What a model was not shown stays what the model wrote."""
    real = screen.restore
    return replace(
        answer,
        summary=real(answer.summary),
        claims=tuple(replace(claim, text=real(claim.text)) for claim in answer.claims),
        timeline=tuple(replace(one, time=real(one.time), text=real(one.text)) for one in answer.timeline),
        hypotheses=tuple(replace(one, text=real(one.text), because=real(one.because)) for one in answer.hypotheses),
        actions=tuple(_action(one, screen) for one in answer.actions),
        next_steps=tuple(map(real, answer.next_steps)),
        note=real(answer.note),
    )


def _action(answered: AnsweredAction, screen: Screen) -> AnsweredAction:
    try:
        target = str(screen.resolve(answered.target))
    except ToolRefused:
        target = answered.target
    return replace(answered, target=target, reason=screen.restore(answered.reason))
