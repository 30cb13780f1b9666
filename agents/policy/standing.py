"""What has happened to actions so far: counts for limits and breaker, from the records on the topic `actions`. Pure.

Fed with every record of the topic in order, in whatever batches and however often, it comes to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from agents.policy.policy import Breaker
from models.action import EXECUTING, FAILED, ROLLBACK_FAILED, ROLLED_BACK, ROLLING_BACK, UNVERIFIED, Action
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.fields import take, take_objects

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
MAX_REMEMBERED: Final = 20_000  # actions that ran; a policy allows fewer a day
# Whether a status says that the action started, failed, was taken back.
STEPS: Final = {
    EXECUTING: (1, 0, 0),
    FAILED: (0, 1, 0),
    UNVERIFIED: (0, 1, 0),
    ROLLBACK_FAILED: (0, 1, 0),
    ROLLING_BACK: (0, 0, 1),
    ROLLED_BACK: (0, 0, 1),
}
NOTHING: Final = (0, 0, 0)
RUNNING: Final = frozenset({EXECUTING, ROLLING_BACK})


@dataclass(frozen=True, slots=True)
class Ran:
    """One action that ran: when (ms) it started, first failed, was first taken back; 0 for never."""

    uid: str
    kind: str
    target: EntityKey
    revision: int = 0
    started_ms: int = 0
    failed_ms: int = 0
    reversed_ms: int = 0
    running: bool = False

    @property
    def last_ms(self) -> int:
        """Return when something last happened to it."""
        return max(self.started_ms, self.failed_ms, self.reversed_ms)

    def to_json(self) -> dict[str, Any]:
        """Render."""
        return {**{name: getattr(self, name) for name in Ran.__slots__}, "target": str(self.target)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read; raise InvalidRecord naming what is wrong."""
        numbers = ("revision", "started_ms", "failed_ms", "reversed_ms")
        return cls(
            take(value, "uid", str),
            take(value, "kind", str),
            EntityKey.parse(take(value, "target", str)),
            running=take(value, "running", bool),
            **{name: take(value, name, int) for name in numbers},
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What has happened, by action uid."""

    ran: Mapping[str, Ran] = field(default_factory=dict)

    def after(self, actions: Iterable[Action]) -> Self:
        """Return what has happened once these records are known; what ended a day before the latest is forgotten."""
        ran = dict(self.ran)
        for action in actions:
            before = ran.get(action.uid)
            if (before and action.revision <= before.revision) or not (before or action.status in STEPS):
                continue
            ran[action.uid] = _step(before or Ran(action.uid, action.kind, action.target), action)
        return replace(self, ran=_remembered(ran))

    def without(self, uid: str) -> Self:
        """Return what has happened to all other actions."""
        return replace(self, ran={key: one for key, one in self.ran.items() if key != uid})

    def started(self, now_ms: int, window_ms: int, kind: str = "", target: EntityKey | None = None) -> int:
        """Count the actions that started in the window up to now; what claims to start later counts too."""
        return sum(
            one.started_ms > now_ms - window_ms and kind in ("", one.kind) and target in (None, one.target)
            for one in self.ran.values()
        )

    @property
    def in_flight(self) -> int:
        """Return how many run right now."""
        return sum(one.running for one in self.ran.values())

    def tripped(self, breaker: Breaker, now_ms: int) -> tuple[str, ...]:
        """Return why the breaker is open, nothing when it is closed."""
        since = now_ms - breaker.window_ms
        minutes = breaker.window_ms // 60_000
        started = self.started(now_ms, breaker.window_ms)
        failed = sum(one.failed_ms > since for one in self.ran.values())
        reversed_ = sum(one.reversed_ms > since for one in self.ran.values())
        causes = (
            (reversed_ >= breaker.reversals, f"{reversed_} actions were taken back in {minutes} minutes"),
            (
                failed >= breaker.errors and failed * 100 >= started * breaker.error_percent,
                f"{failed} actions failed in {minutes} minutes, and {started} were started",
            ),
            (started >= breaker.burst, f"{started} actions were started in {minutes} minutes"),
        )
        return tuple(cause for holds, cause in causes if holds)

    def to_json(self) -> dict[str, Any]:
        """Render a snapshot."""
        return {"ran": [one.to_json() for one in self.ran.values()]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read a snapshot; raise InvalidRecord naming what is wrong."""
        found = [Ran.from_json(item) for item in take_objects(value, "ran")]
        if len(found) > MAX_REMEMBERED:
            raise InvalidRecord(f"ran: more than {MAX_REMEMBERED}")
        return cls({one.uid: one for one in found})


def _step(before: Ran, action: Action) -> Ran:
    began, failed, taken_back = STEPS.get(action.status, NOTHING)
    return replace(
        before,
        revision=action.revision,
        running=action.status in RUNNING,
        started_ms=before.started_ms or began * action.at,
        failed_ms=before.failed_ms or failed * action.at,
        reversed_ms=before.reversed_ms or taken_back * action.at,
    )


def _remembered(ran: dict[str, Ran]) -> Mapping[str, Ran]:
    """Forget what ended long ago; of too many, the oldest: those that are left are still more than any limit."""
    latest = max((one.last_ms for one in ran.values()), default=0)
    kept = [one for one in ran.values() if one.running or one.last_ms > latest - DAY_MS]
    kept.sort(key=lambda one: (one.last_ms, one.uid))
    return {one.uid: one for one in kept[-MAX_REMEMBERED:]}
