"""Contain hosts with CrowdStrike Falcon. Source: its API of hosts (devices queries, entities and devices-actions)."""

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
    OTHER_DEVICE,
    SEVERAL,
    TOO_MANY,
    UNREADABLE,
    is_called,
)
from agents.executors.switch import OFF, ON, TURNING_OFF, TURNING_ON, Seen, State
from models.action import Action

QUERY: Final = "/devices/queries/devices/v1"
ENTITIES: Final = "/devices/entities/devices/v2"
ACTIONS: Final = "/devices/entities/devices-actions/v2"
MOST: Final = 100  # devices whose names begin alike
STATES: Final[Mapping[str, State]] = {
    "normal": OFF,
    "containment_pending": TURNING_ON,
    "contained": ON,
    "lift_containment_pending": TURNING_OFF,
}


@dataclass(frozen=True, slots=True)
class FalconContainment:
    """A device is contained, or is not."""

    api: Api

    async def look(self, action: Action, thing: str) -> Seen | Outcome:
        """Return the state of the device with an id, or of the only one with the target's name."""
        if thing and not identifier(thing):
            return failed(NO_ID)
        ids = [thing] if thing else await self._called_alike(action)
        if isinstance(ids, Outcome):
            return ids
        told = await self.api.call("GET", ENTITIES, query={"ids": ids})
        if isinstance(told, Outcome):
            return told
        devices = objects(told.value, "resources")
        called = [one for one in devices if thing or is_called(action, one.get("hostname"))]
        if len(called) != 1:
            return failed(SEVERAL if called else NO_DEVICE)
        return _seen(called[0], ids)

    async def turn(self, action: Action, seen: Seen, *, on: bool) -> Seen | Outcome:
        """Contain the device or lift its containment."""
        del action
        query = {"action_name": "contain" if on else "lift_containment"}
        told = await self.api.call("POST", ACTIONS, {"ids": [seen.thing]}, query=query)
        if isinstance(told, Outcome):
            return told
        if at(told.value, "errors") or not any(one.get("id") == seen.thing for one in objects(told.value, "resources")):
            return failed("Falcon did not take the request", is_certain=False)
        state = TURNING_ON if on else TURNING_OFF
        return Seen(seen.thing, state, "containment was requested" if on else "the lift of containment was requested")

    async def _called_alike(self, action: Action) -> list[str] | Outcome:
        name = action.target.value
        if not HOST.fullmatch(name):
            return failed(NO_HOST)
        # Names of hosts hold no quote, so nothing can be added to the filter. Falcon may know a longer one.
        told = await self.api.call("GET", QUERY, query={"filter": f"hostname:*'{name}*'", "limit": str(MOST)})
        if isinstance(told, Outcome):
            return told
        found = at(told.value, "resources")
        if not isinstance(found, list):
            return failed(UNREADABLE)
        if not found or len(found) >= MOST:
            return failed(TOO_MANY if found else NO_DEVICE)
        ids = [identifier(one) for one in found]
        return ids if all(ids) else failed(UNREADABLE)


def _seen(device: Mapping[str, Any], ids: list[str]) -> Seen | Outcome:
    uid, state = str(device.get("device_id")), STATES.get(str(device.get("status")))
    if state is None:
        return failed(UNREADABLE)
    return Seen(uid, state, f"the device is {device['status']}") if uid in ids else failed(OTHER_DEVICE)
