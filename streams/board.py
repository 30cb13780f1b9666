"""What stands on the topics that respond reads: actions, where the last word of each verdict is, approvals. No Kafka.

Only `respond` moves an action on. A record on `actions` that says more than a proposal counts when it comes from there,
is the next revision, takes a step that there is, and is still the same proposal. Who may write the topic is for
Kafka's access lists to say; a record that gets past them still runs nothing, since what runs is decided again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from agents.policy.standing import Standing
from models.action import PROPOSED, TRANSITIONS, Action
from models.approval import Approval
from models.verdict import Verdict, VerdictClosed

MAX_APPROVALS: Final = 50  # of one action: more signed decisions than people could mean
THE_SAME: Final = (
    *("verdict_uid", "kind", "target", "time", "confidence", "reason", "evidence"),
    "sequence_revision",
)
OTHER_REVISION: Final = "another record has this revision already"


class Place(NamedTuple):
    """Where a record is."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Known:
    """An action as it stands, the partition that it is in, and since when (ms, the broker's clock) its proposal is."""

    action: Action
    partition: int
    since_ms: int


class Last(NamedTuple):
    """The last word of a verdict: its rank, whether it is that there is none any more, and where it is."""

    rank: tuple[int, int]
    is_closed: bool
    place: Place


@dataclass(slots=True)
class Board:
    """What stands; fed with every record of the topics, each partition in order, however often."""

    actions: dict[str, Known] = field(default_factory=dict)
    verdicts: dict[str, Last] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)
    _approvals: dict[str, dict[str, tuple[int, Approval]]] = field(default_factory=dict)

    def take_action(self, action: Action, place: Place, time_ms: int, *, is_own: bool) -> str:
        """Take a record of `actions`; return why it does not count, empty when it does or says nothing new.

        Args:
            action: The record.
            place: Where it is.
            time_ms: The broker's time of it.
            is_own: Whether `respond` wrote it.
        """
        known = self.actions.get(action.uid)
        if known is None and action.status == PROPOSED:
            self._keep(Known(action, place.partition, time_ms))
            return ""
        if action.status == PROPOSED or (known is not None and known.action == action):
            return ""
        refusal = _refusal(known.action if known else None, action, is_own=is_own)
        if known is not None and not refusal:
            self._keep(Known(action, known.partition, known.since_ms))
        return refusal

    def _keep(self, known: Known) -> None:
        self.actions[known.action.uid] = known
        self.standing = self.standing.after([known.action])

    def take_verdict(self, verdict: Verdict | VerdictClosed, place: Place) -> None:
        """Take a record of `verdicts`: later revisions of the sequence first, then corrections; none outlives its end.

        A verdict that is told again after its sequence was withdrawn stays withdrawn, unless it is on a later revision.
        """
        before = self.verdicts.get(verdict.uid)
        if isinstance(verdict, VerdictClosed):
            self.verdicts[verdict.uid] = Last(before.rank if before else (-1, 0), is_closed=True, place=place)
            return
        rank = verdict.sequence_revision, verdict.revision
        if before is None or rank > before.rank:
            self.verdicts[verdict.uid] = Last(rank, is_closed=False, place=place)

    def take_approval(self, approval: Approval, place: Place) -> str:
        """Take a signed record of `approvals`; return why it does not count at all, empty when it may."""
        held = self._approvals.setdefault(approval.action_uid, {})
        first = held.get(approval.nonce)
        if first is not None:
            return "" if first == (place.offset, approval) else "it has been sent before"
        if len(held) >= MAX_APPROVALS:
            return f"there are {MAX_APPROVALS} decisions on this action already"
        held[approval.nonce] = place.offset, approval
        return ""

    def approvals(self, action_uid: str) -> tuple[Approval, ...]:
        """Return the signed decisions on an action, each once."""
        return tuple(approval for _, approval in self._approvals.get(action_uid, {}).values())

    def of(self, partitions: frozenset[int], statuses: Mapping[str, object] | frozenset[str]) -> Iterator[Known]:
        """Yield the actions of some partitions that have one of these statuses."""
        yield from (
            known
            for known in tuple(self.actions.values())
            if known.action.status in statuses and known.partition in partitions
        )


def _refusal(before: Action | None, action: Action, *, is_own: bool) -> str:
    if not is_own:
        return f"somebody else says that it is {action.status}"
    if before is None:
        return "nobody proposed it"
    if action.revision <= before.revision:
        return OTHER_REVISION
    if action.revision != before.revision + 1 or action.status not in TRANSITIONS[before.status]:
        return f"an action that is {before.status} does not become {action.status}"
    changed = [name for name in THE_SAME if getattr(before, name) != getattr(action, name)]
    return f"{changed[0]}: it is not what was proposed" if changed else ""
