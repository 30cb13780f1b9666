"""Executors of what is on or off: a user is suspended, a host contained, a key inactive, a policy attached.

A service only has to say how to look and how to turn; what may be turned, and what must not be touched, is decided here
and once for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from agents.executors.base import Outcome, done, failed
from models.action import Action

State = Literal["on", "off", "turning_on", "turning_off", "changed"]
ON: Final[State] = "on"
OFF: Final[State] = "off"
TURNING_ON: Final[State] = "turning_on"
TURNING_OFF: Final[State] = "turning_off"
CHANGED: Final[State] = "changed"  # somebody made something else of what was turned on: not in effect, still to undo
THING, BEFORE = "thing", "before"  # of a receipt
PATIENCE_S: Final = 30.0  # what an agent on a host may need to do as it is told


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found.

    Attributes:
        thing: How the service names what would be turned; empty when that is still to be made.
        state: Whether it is on: `on` is what the action wants.
        words: The same for a person.
    """

    thing: str
    state: State
    words: str


class Switch(Protocol):
    """Look at what an action is about, and turn it; a failure is an Outcome that is not ok."""

    async def look(self, action: Action, thing: str) -> Seen | Outcome:
        """Return what is there now: of the thing of an earlier look, or of the action's target if that is empty."""

    async def turn(self, action: Action, seen: Seen, *, on: bool) -> Seen | Outcome:
        """Turn what was seen, and return what was made of it."""


class Switched:
    """Execute actions by turning a switch."""

    def __init__(self, name: str, switch: Switch) -> None:
        self.name = name
        self._switch = switch

    async def dry_run(self, action: Action) -> Outcome:
        """Look, and give a receipt of what is there before the action."""
        seen = await self._switch.look(action, "")
        if isinstance(seen, Outcome):
            return seen
        what = "would change nothing" if seen.state in {ON, TURNING_ON} else f"would {action.kind}"
        return done(f"{what}: {seen.words}", _receipt(action, seen))

    async def execute(self, action: Action, key: str) -> Outcome:
        """Turn it on unless it is on."""
        del key  # what is on is not turned on again
        seen = await self._switch.look(action, action.receipt.get(THING, ""))
        if isinstance(seen, Outcome):
            return seen
        receipt = _receipt(action, seen)
        if seen.state in {ON, TURNING_ON}:
            return done(f"nothing to do: {seen.words}", receipt)
        if seen.state == TURNING_OFF:
            return failed(f"somebody is undoing it: {seen.words}", PATIENCE_S)
        after = await self._switch.turn(action, seen, on=True)
        if isinstance(after, Outcome):
            return replace(after, receipt=receipt)
        return done(after.words, {**receipt, THING: after.thing})

    async def verify(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Tell whether it is on."""
        seen = await self._switch.look(action, receipt.get(THING, ""))
        if isinstance(seen, Outcome):
            return seen
        if seen.state == ON:
            return done(seen.words, receipt)
        return failed(f"not in effect: {seen.words}", PATIENCE_S if seen.state == TURNING_ON else 0.0)

    async def rollback(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Turn it off if it was off before."""
        if receipt.get(BEFORE) not in {ON, OFF}:
            return failed("no receipt says what was there before, so nothing is undone")
        if receipt[BEFORE] == ON:
            return done("it was so before the action, and is left as it is", receipt)
        seen = await self._switch.look(action, receipt.get(THING, ""))
        if isinstance(seen, Outcome):
            return seen
        if seen.state in {OFF, TURNING_OFF}:
            return done(f"is undone already: {seen.words}", receipt)
        if seen.state == TURNING_ON:
            return failed(f"has not come into effect yet: {seen.words}", PATIENCE_S)
        after = await self._switch.turn(action, seen, on=False)
        return after if isinstance(after, Outcome) else done(after.words, receipt)


def _receipt(action: Action, seen: Seen) -> dict[str, str]:
    """Return what was there before the action, which the dry run knows best."""
    now = ON if seen.state in {ON, TURNING_ON} else OFF
    return {**action.receipt, THING: seen.thing, BEFORE: action.receipt.get(BEFORE, now)}
