"""Isolate hosts with Microsoft Defender for Endpoint. Source: its API of machines and machine actions.

A machine does not say whether it is isolated: its last action of isolation or release does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agents.executors.api import Api, at, identifier, objects
from agents.executors.base import Outcome, failed
from agents.executors.containment import (
    HOST,
    NO_DEVICE,
    NO_HOST,
    NO_ID,
    SEVERAL,
    TOO_MANY,
    UNREADABLE,
    comment,
    is_called,
)
from agents.executors.switch import OFF, ON, TURNING_OFF, TURNING_ON, Seen, State
from models.action import Action

ISOLATE, RELEASE = "Isolate", "Unisolate"
UNDER_WAY: Final = frozenset({"Pending", "InProgress"})
SUCCEEDED: Final = "Succeeded"
MOST: Final = 100  # machines whose names begin alike; steps of one


@dataclass(frozen=True, slots=True)
class DefenderIsolation:
    """A machine is isolated, or is not."""

    api: Api

    async def look(self, action: Action, thing: str) -> Seen | Outcome:
        """Return the state of the machine with an id, or of the only one with the target's name."""
        uid = identifier(thing) if thing else await self._find(action)
        if isinstance(uid, Outcome):
            return uid
        if not uid:
            return failed(NO_ID)
        query = {
            "$filter": f"machineId eq '{uid}' and (type eq '{ISOLATE}' or type eq '{RELEASE}')",
            "$orderby": "creationDateTimeUtc desc",
            "$top": str(MOST),
        }
        told = await self.api.call("GET", "/api/machineactions", query=query)
        if isinstance(told, Outcome):
            return told
        if not isinstance(at(told.value, "value"), list):
            return failed(UNREADABLE)
        return _seen(uid, [one for one in objects(told.value, "value") if one.get("machineId") == uid])

    async def turn(self, action: Action, seen: Seen, *, on: bool) -> Seen | Outcome:
        """Isolate the machine or release it. A request that nobody answered is not sent again before a look."""
        body = {"Comment": comment(action), **({"IsolationType": "Full"} if on else {})}
        path = f"/api/machines/{seen.thing}/{'isolate' if on else 'unisolate'}"
        told = await self.api.call("POST", path, body, is_repeatable=False)
        if isinstance(told, Outcome):
            return told
        if at(told.value, "machineId") != seen.thing:
            return failed(UNREADABLE, is_certain=False)
        return _seen(seen.thing, [told.value])

    async def _find(self, action: Action) -> str | Outcome:
        name = action.target.value
        if not HOST.fullmatch(name):
            return failed(NO_HOST)
        query = {"$filter": f"startswith(computerDnsName,'{name}')", "$top": str(MOST)}
        told = await self.api.call("GET", "/api/machines", query=query)
        if isinstance(told, Outcome):
            return told
        found = objects(told.value, "value")
        if len(found) >= MOST:
            return failed(TOO_MANY)
        called = [one for one in found if is_called(action, one.get("computerDnsName"))]
        if len(called) != 1:
            return failed(SEVERAL if called else NO_DEVICE)
        return identifier(called[0].get("id")) or failed(UNREADABLE)


def _seen(uid: str, newest_first: list[Mapping[str, Any]]) -> Seen:
    """Read the state off the last step that is under way or went well; one that failed changed nothing."""
    for step in newest_first:
        kind, status = step.get("type"), step.get("status")
        if kind in {ISOLATE, RELEASE} and (status in UNDER_WAY or status == SUCCEEDED):
            state = _STATES[kind == ISOLATE, status in UNDER_WAY]
            return Seen(uid, state, f"its last action is {kind}: {status}")
    return Seen(uid, OFF, "the device was never isolated")


_STATES: Final[Mapping[tuple[bool, bool], State]] = {
    (True, True): TURNING_ON,
    (True, False): ON,
    (False, True): TURNING_OFF,
    (False, False): OFF,
}
