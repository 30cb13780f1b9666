"""What the transitions of a sequence say: how soon each step follows the one before, and where others are absent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from streams.panther.model import Entry, Pattern, Transition

Fault = tuple[int, str]  # 1-based line, and what cannot be carried over


@dataclass(frozen=True, slots=True)
class Gap:
    """Where an entry must be absent.

    Attributes:
        entry: Its ID.
        after: The step before it, empty for none.
        before: The step behind it, empty for none; with both it must be absent between.
        within: How long, minutes.
    """

    entry: str
    after: str
    before: str
    within: int


class Ordered:
    """A sequence taken apart.

    Attributes:
        faults: What of it cannot be carried over exactly.
        within: By step, at most so many minutes after the step before.
        gaps: What must be absent.
    """

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._order = {entry.uid: place for place, entry in enumerate(pattern.entries)}
        self._stated = {(one.source, one.target): one for one in pattern.transitions}
        present = [entry.uid for entry in pattern.entries if not entry.absent]
        self._steps = dict(pairwise(present))
        self.gaps = tuple(self._gap(entry) for entry in pattern.entries if entry.absent)
        self.faults = tuple(self._faults())
        self.within: Mapping[str, int] = {
            target: limit for source, target in self._steps.items() if (limit := self._limit(source, target))
        }

    def _limit(self, source: str, target: str) -> int:
        """Return the limit of a transition, minutes; 0 when the lookback window is the only one."""
        stated = self._stated.get((source, target))
        within = stated.within if stated else None
        return within if within is not None and within < self._pattern.lookback else 0

    def _gap(self, entry: Entry) -> Gap:
        place = self._order[entry.uid]
        entries = self._pattern.entries
        before = next((one.uid for one in reversed(entries[:place]) if not one.absent), "")
        behind = next((one.uid for one in entries[place + 1 :] if not one.absent), "")
        limit = self._limit(before, entry.uid) or self._limit(entry.uid, behind)
        return Gap(entry.uid, before, behind, limit or self._pattern.lookback)

    def _faults(self) -> Iterator[Fault]:
        around = {(gap.after, gap.entry) for gap in self.gaps} | {(gap.entry, gap.before) for gap in self.gaps}
        for one in self._pattern.transitions:
            pair = one.source, one.target
            if self._order[one.target] <= self._order[one.source]:
                yield one.line, f"leads from {one.source!r:.80} back to {one.target!r:.80}"
            elif self._limit(*pair) and self._steps.get(one.source) != one.target:
                yield from self._limited(one, near=pair in around)

    def _limited(self, one: Transition, *, near: bool) -> Iterator[Fault]:
        """Report a time limit on a transition between others than a step and the next one."""
        inner = [gap for gap in self.gaps if gap.entry in {one.source, one.target} and gap.after and gap.before]
        if inner:
            gap = inner[0]
            ends = f"between {gap.after!r:.80} and {gap.before!r:.80}"
            told = f"{gap.entry!r:.80} must be absent all the time {ends} in Braid; limit the transition between these"
            yield one.line, f"WithinTimeFrameMinutes: {told}"
        elif not near:
            yield one.line, "WithinTimeFrameMinutes: Braid limits the time from a step to the next one only"
