"""Steps and absences of a correlation: what Sigma's `temporal` kinds cannot say by themselves.

A step is a place for signals of one rule: how many, how soon after the step before, grouped by which of its fields. An
absence is a rule that must not fire near a step, or near the first signal of the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ENTITY_PREFIX: Final = "entity."  # of a group-by that stands for entities of a type
ANCHOR: Final = -1  # an absence is about the first signal of the window, whatever its rule


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a temporal correlation.

    Attributes:
        rule: Uid of the rule whose signals it takes.
        count: How many of them there have to be, at least.
        within: `temporal_ordered`: its first signal comes at most so long (ms) after the last of the step before; None
            for as long as the window allows.
        group_by: Its fields in the place of the correlation's `group-by`, one for one; empty for those themselves.
    """

    rule: str
    count: int = 1
    within: int | None = None
    group_by: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Tell whether it asks for nothing but one signal."""
        return self.count == 1 and self.within is None and not self.group_by


@dataclass(frozen=True, slots=True)
class Absence:
    """A rule that must not fire. All distances are ms, and both ends belong to the time that has to be free of it.

    Attributes:
        rule: Its uid.
        step: Number of the step it is about, or ANCHOR.
        before: How long before the step's first signal (or the anchor) there must be none; None when it may be.
        after: How long after the step's last signal (or the anchor) there must be none; None when it may be.
        between: There must be none from the step's last signal to the first one of the next step.
        group_by: Its fields in the place of the correlation's `group-by`, one for one; empty for those themselves.
    """

    rule: str
    step: int = ANCHOR
    before: int | None = None
    after: int | None = None
    between: bool = False
    group_by: tuple[str, ...] = ()

    @property
    def offset(self) -> int:
        """Return how long after the signal that it is about it is certain, ms."""
        return self.after or 0
