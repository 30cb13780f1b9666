"""Contain hosts and release them through an EDR that speaks a contract of our own; other vendors have their modules.

`GET URL/hosts/NAME` answers `{"id": ..., "hostname": NAME, "state": ...}` with a state of `normal`, `containing`,
`contained` or `releasing`, or 404; with `?by=id` the name is an id. `POST URL/hosts/ID/contain` and
`POST URL/hosts/ID/release` with `{"key": ..., "comment": ...}` answer the same object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agents.executors.api import NOT_FOUND, Api, Told, at, identifier, segment
from agents.executors.base import Outcome, failed
from agents.executors.switch import OFF, ON, TURNING_OFF, TURNING_ON, Seen, State
from models.action import Action

STATES: Final[Mapping[str, State]] = {
    "normal": OFF,
    "containing": TURNING_ON,
    "contained": ON,
    "releasing": TURNING_OFF,
}
HOST: Final = re.compile(r"\w[\w-]{0,62}", re.ASCII)
NO_HOST: Final = "the target is no name of a host that can be asked for"
NO_ID: Final = "the receipt holds no id of a device"
NO_DEVICE: Final = "no device is called that"
TOO_MANY: Final = "too many devices have names like that to tell them apart"
SEVERAL: Final = "several devices are called that, and none is touched"
OTHER_DEVICE: Final = "it answered with another device than was asked for"
UNREADABLE: Final = "its answer holds no device"


def comment(action: Action) -> str:
    """Return what the service keeps beside the containment, and nothing of what a log said."""
    return f"Braid action {action.uid}"


def is_called(action: Action, hostname: object) -> bool:
    """Tell whether a device bears the name of the target: its first label, whatever the case."""
    return isinstance(hostname, str) and hostname.lower().partition(".")[0] == action.target.value


@dataclass(frozen=True, slots=True)
class Containment:
    """A host is contained, or is not."""

    api: Api

    async def look(self, action: Action, thing: str) -> Seen | Outcome:
        """Return the state of the host."""
        if not (identifier(thing) if thing else HOST.fullmatch(action.target.value)):
            return failed(NO_ID if thing else NO_HOST)
        path = f"/hosts/{segment(thing or action.target.value)}"
        query = {"by": "id"} if thing else None
        told = await self.api.call("GET", path, query=query, prepared=frozenset({NOT_FOUND}))
        if isinstance(told, Outcome):
            return told
        if told.status == NOT_FOUND:
            return failed(NO_DEVICE)
        return _seen(action, told, thing)

    async def turn(self, action: Action, seen: Seen, *, on: bool) -> Seen | Outcome:
        """Contain or release the host."""
        path = f"/hosts/{seen.thing}/{'contain' if on else 'release'}"
        told = await self.api.call("POST", path, {"key": action.uid, "comment": comment(action)})
        return told if isinstance(told, Outcome) else _seen(action, told, seen.thing)


def _seen(action: Action, told: Told, thing: str) -> Seen | Outcome:
    uid, state = identifier(at(told.value, "id")), STATES.get(str(at(told.value, "state")))
    if not uid or state is None:
        return failed(UNREADABLE, is_certain=False)
    if uid != thing if thing else not is_called(action, at(told.value, "hostname")):
        return failed(OTHER_DEVICE, is_certain=False)
    return Seen(uid, state, f"the device is {at(told.value, 'state')}")
