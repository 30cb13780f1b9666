"""What the documents show of the respond worker: the life of an action, and the types of executors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agents.executors.file import TYPES
from models import action
from models.action import KINDS, TRANSITIONS

SAYS: Final = {
    action.PROPOSED: "an investigation proposes it",
    action.SHADOW: "the policy is in shadow mode: it says what would have been",
    action.DENIED: "policy, a person, or a verdict that has changed since stands against it",
    action.WAITING: "people are asked, with what happens if nothing is done",
    action.APPROVED: "it may run, and is looked at and decided again first",
    action.EXPIRED: "nobody decided in time, or it did not come to its turn: nothing is done",
    action.DRY_RUN: "the executor said what it would do",
    action.EXECUTING: "written for good before the executor is asked to do it",
    action.EXECUTED: "the executor did it",
    action.FAILED: "it did not, or nobody could tell",
    action.VERIFIED: "looked at afterwards: it stands",
    action.UNVERIFIED: "looked at afterwards: it does not stand, or nobody can tell",
    action.ROLLING_BACK: "a person asked to take it back",
    action.ROLLED_BACK: "it is taken back",
    action.ROLLBACK_FAILED: "it is not",
}


def transitions() -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    """Return what an action may be, and what it may become."""
    order = list(TRANSITIONS)
    lines = (
        (f"`{status}`", SAYS[status], ", ".join(f"`{one}`" for one in sorted(after, key=order.index)))
        for status, after in TRANSITIONS.items()
    )
    return ("Status", "Means", "May become"), lines


def executors() -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    """Return what each type of executor can do."""
    return ("Type", "Kinds of action"), ((f"`{name}`", _kinds(one.kinds)) for name, one in TYPES.items())


def _kinds(kinds: frozenset[str]) -> str:
    if kinds == KINDS.keys():
        return "all"
    return ", ".join(f"`{kind}`" for kind in KINDS if kind in kinds)
