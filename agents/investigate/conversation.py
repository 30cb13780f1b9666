"""One conversation with a model: it asks tools, tools answer, until it answers itself or may not go on.

A model that is controlled by an attacker can say anything here. What it calls is read strictly and answered from the
store only; what it says at the end is checked elsewhere. Whatever it does, this ends, within its bounds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from agents.audit import events
from agents.evidence.store import EvidenceStore
from agents.grounding.answer import ANSWER_SCHEMA, Answer, MalformedAnswer, parse_answer
from agents.investigate import told
from agents.investigate.journal import ANSWERED, ASKED, CALLED, FAILED, REPLIED
from agents.investigate.show import Showing
from agents.investigate.steps import Steps
from agents.investigate.trail import Trail
from agents.llm.failures import NoReply
from agents.llm.talk import LENGTH, REFUSED, Ask, Model, Reply, ToolCall, Turn
from agents.tools.answers import ToolAnswer
from agents.tools.desk import Desk
from models.errors import BudgetExhausted, ModelUnavailable, ToolRefused
from models.uids import sha256_hex

MAX_TURNS: Final = 16  # of the model, in one conversation
MAX_CALLS: Final = 8  # of tools, in one turn
MAX_REPAIRS: Final = 2
SHOWN: Final = 5  # of what a request would have given away
MAX_SAID: Final = 100_000  # characters of one turn of the model that stand in the next request
MAX_CONVERSATION: Final = 400_000  # characters; beyond it the model has to answer
ANSWER_NOW: Final = "No tool is left. Answer now, in the JSON form, from what you were shown."
CUT_SHORT: Final = "Your answer was cut off. Answer again, shorter, in the JSON form."
NOT_ANSWERED: Final = "This call was not answered: at most {most} calls in one turn."


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a conversation ended.

    Attributes:
        answer: What the model answered, None when it did not.
        why: Why it did not.
    """

    answer: Answer | None
    why: str = ""


@dataclass(slots=True)
class Conversation:
    """Talk with one model about one case.

    Attributes:
        model: The model.
        system: Its instructions.
        desk: Answers its calls.
        store: Where a resumed conversation finds again what tools answered.
        showing: Masks what it is shown.
        steps: The journal.
        trail: What happens, for the audit log.
        charge: Charges the investigation for a call of a tool.
        max_tokens: Most tokens of one turn of the model.
    """

    model: Model
    system: str
    desk: Desk
    store: EvidenceStore
    showing: Showing
    steps: Steps
    trail: Trail
    charge: Callable[[], None]
    max_tokens: int

    async def hold(self, first: str) -> Outcome:
        """Talk until the model answers, beginning with what it is shown first."""
        turns, repairs, may_ask = [Turn("user", first)], 0, True
        for number in range(MAX_TURNS):
            may_ask = may_ask and number < MAX_TURNS - 1 - MAX_REPAIRS and _size(turns) < MAX_CONVERSATION
            reply = await self._ask(turns, may_ask=may_ask)
            if isinstance(reply, str):
                return Outcome(None, reply)
            if reply.stopped == REFUSED:
                return Outcome(None, f"{self.model.name} declined to answer")
            turns.append(Turn("assistant", reply.text[:MAX_SAID], reply.calls))
            if reply.calls:
                may_ask = await self._answer(reply.calls, turns, may_ask=may_ask)
                continue
            try:
                return Outcome(_whole(reply))
            except MalformedAnswer as error:
                if repairs == MAX_REPAIRS:
                    return Outcome(None, f"{self.model.name} gave no answer that can be read")
                repairs, may_ask = repairs + 1, False  # some servers keep to the form only where no tool is offered
                turns.append(Turn("user", str(error)))
        return Outcome(None, f"{self.model.name} came to no answer in {MAX_TURNS} turns")

    async def _ask(self, turns: list[Turn], *, may_ask: bool) -> Reply | str:
        """Ask the model once; return why not, when it is not asked or does not answer."""
        given_away = await asyncio.to_thread(self._screened, turns)
        if given_away:
            why = f"the request was not sent: it would have given away {', '.join(given_away[:SHOWN])}"
            self._suspect("request", "", why)
            return why
        ask = Ask(self.system, tuple(turns), self.desk.specs() if may_ask else (), ANSWER_SCHEMA, self.max_tokens)
        request, name = _said(turns), self.model.name
        await self.steps.note(ASKED, {"endpoint": name, "sha256": sha256_hex(request), "size_bytes": len(request)})
        self.trail.add(events.request_sent(self.trail.now(), self.trail.investigation, name, request))
        kind, data = await self.steps.take((REPLIED, FAILED), lambda: self._heard(ask))
        if kind == FAILED:
            why = str(data["why"])
            self.trail.add(events.request_failed(self.trail.now(), self.trail.investigation, name, why))
            return why
        reply = told.reply_from_json(data)
        self.trail.heard(reply)
        self.trail.add(events.request_answered(self.trail.now(), self.trail.investigation, name, reply))
        return reply

    def _screened(self, turns: list[Turn]) -> tuple[str, ...]:
        """Mask what has become known as a name since it was shown; return what must not leave and still would."""
        again = self.showing.screen.again
        turns[:] = [
            replace(
                turn,
                text=again(turn.text),
                calls=tuple(replace(call, arguments=again(call.arguments)) for call in turn.calls),
            )
            for turn in turns
        ]
        return self.showing.screen.leaks(_said(turns).decode())

    async def _heard(self, ask: Ask) -> tuple[str, Mapping[str, Any]]:
        try:
            return REPLIED, told.reply_to_json(await self.model.ask(ask))
        except NoReply as error:
            return FAILED, {"why": str(error), "usage": told.usage_to_json(error.usage)}
        except (ModelUnavailable, BudgetExhausted) as error:
            return FAILED, {"why": str(error)}

    async def _answer(self, calls: tuple[ToolCall, ...], turns: list[Turn], *, may_ask: bool) -> bool:
        """Answer what the model called; tell whether it may call again."""
        for number, call in enumerate(calls):
            if not may_ask or number >= MAX_CALLS:
                text = ANSWER_NOW if not may_ask else NOT_ANSWERED.format(most=MAX_CALLS)
                self._refused(call, text)
            else:
                text, may_ask = await self._call(call)
            turns.append(Turn("tool", text, call_uid=call.uid))
        if not may_ask:
            turns.append(Turn("user", ANSWER_NOW))
        return may_ask

    async def _call(self, call: ToolCall) -> tuple[str, bool]:
        await self.steps.note(CALLED, {"name": call.name, "arguments": call.arguments})
        _, data = await self.steps.take((ANSWERED,), lambda: self._asked(call))
        self.trail.tool_calls += 1
        if "refused" in data:
            why = self.showing.screen.redact(str(data["refused"]))
            self._refused(call, why)
            return why, not data["over"]
        answer = await asyncio.to_thread(told.answer_from_json, data, self.store)
        self.desk.show(answer.rows)  # where the call was answered before a crash, the desk has not seen it
        text = self.showing.answer(f"answer of {call.name}", answer)
        self.trail.add(
            events.tool_called(
                self.trail.now(),
                self.trail.investigation,
                call.name,
                call.arguments,
                rows=len(answer.rows),
                size_bytes=len(text.encode()),
                answer_sha256=sha256_hex(text.encode()),
            )
        )
        return text, True

    async def _asked(self, call: ToolCall) -> tuple[str, Mapping[str, Any]]:
        try:
            self.charge()
            answer: ToolAnswer = await asyncio.to_thread(self.desk.call, call.name, call.arguments)
        except ToolRefused as refusal:
            return ANSWERED, {"refused": str(refusal), "over": False}
        except BudgetExhausted as refusal:
            return ANSWERED, {"refused": str(refusal), "over": True}
        return ANSWERED, told.answer_to_json(answer)

    def _refused(self, call: ToolCall, why: str) -> None:
        self.trail.add(events.tool_refused(self.trail.now(), self.trail.investigation, call.name, call.arguments, why))

    def _suspect(self, where: str, text: str, why: str) -> None:
        self.trail.add(events.injection_suspected(self.trail.now(), self.trail.investigation, where, text, why))


def _whole(reply: Reply) -> Answer:
    if reply.stopped == LENGTH:
        raise MalformedAnswer(CUT_SHORT)
    return parse_answer(reply.text)


def _said(turns: list[Turn]) -> bytes:
    """Return turns as bytes: what is hashed, and searched for what must not leave."""
    return orjson.dumps([[turn.role, turn.text, [[one.name, one.arguments] for one in turn.calls]] for turn in turns])


def _size(turns: list[Turn]) -> int:
    return sum(len(turn.text) + sum(len(call.arguments) for call in turn.calls) for turn in turns)
