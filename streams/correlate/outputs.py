"""What goes into a step of the correlation core, and what comes out of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from models.entity import EntityLink
from models.finding import Sequence, SequenceClosed, Signal, Withdrawn


@dataclass(frozen=True, slots=True)
class Published:
    """A sequence that is new or has changed.

    Attributes:
        sequence: It, whole.
        replaces: Uids of earlier sequences that it stands in for.
    """

    sequence: Sequence
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Forward:
    """What has to go to another key: a copy over a link, a sequence that others look at, a link that is shared.

    Attributes:
        key: The key.
        item: The signal, or that it no longer stands; or the link.
    """

    key: str
    item: Signal | Withdrawn | EntityLink

    @property
    def uid(self) -> str:
        """Return the uid of the signal or the link."""
        return self.item.uid


@dataclass(frozen=True, slots=True)
class Late:
    """A signal behind the watermark. It still joined what was there to join.

    Attributes:
        signal: The signal.
        key: The key at which it came late.
        behind_ms: How far behind the watermark its event time is.
    """

    signal: Signal
    key: str
    behind_ms: int


@dataclass(frozen=True, slots=True)
class Evicted:
    """Signals folded away, and matches, links and sequences forgotten, to keep a key's state within its bound."""

    key: str
    count: int


Item = Signal | Withdrawn | EntityLink
Output = Published | SequenceClosed | Forward | Late | Evicted


def latest(outputs: Iterable[Output]) -> list[Output]:
    """Leave out the revisions of a sequence that another one follows; the last one replaces what they replaced.

    A revision that was withdrawn in between stays where it was.
    """
    kept: dict[int, Output] = {}
    last: dict[str, int] = {}
    for number, output in enumerate(outputs):
        kept[number] = output
        if isinstance(output, SequenceClosed):
            last.pop(output.uid, None)
        elif isinstance(output, Published):
            before = kept.pop(last.pop(output.sequence.uid, -1), None)
            if isinstance(before, Published):
                replaces = tuple(dict.fromkeys((*before.replaces, *output.replaces)))
                kept[number] = replace(output, replaces=replaces)
            last[output.sequence.uid] = number
    return list(kept.values())
