"""What comes out of the profile stage beside its next states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Struct

from models.anomaly.base import Finding
from models.feature import Delta, Ref, Tally
from models.finding import Signal
from streams.profile.reports import Report


class Proof(NamedTuple):
    """What to say of something, the event that shows it, and where the record behind that event is."""

    finding: Finding
    tally: Tally
    ref: Ref


class Observation(Struct, frozen=True, gc=False):
    """One look of one model at one thing, to be judged against all that it has scored before.

    Attributes:
        detector: Name of the detector.
        entity: Key of the entity.
        source: Name of the source.
        feature: Name of the feature.
        about: What else tells it from others: a value, a destination; or empty.
        end: Event time (ms) at which the minute or hour closed.
        score: How strange (`models.anomaly.base`).
        finding: What to say of it, None where it is not worth it.
        tally: The event that shows it.
        ref: Where the record behind that event is.
        learned: Whether others are compared with this score from now on. That of an hour which still runs is not.
    """

    detector: str
    entity: str
    source: str
    feature: str
    about: str
    end: int
    score: float
    finding: Finding | None = None
    tally: Tally | None = None
    ref: Ref | None = None
    learned: bool = True

    @property
    def proof(self) -> Proof | None:
        """Return what a signal of it needs, None where anything is missing."""
        if self.finding is None or self.tally is None or self.ref is None:
            return None
        return Proof(self.finding, self.tally, self.ref)


@dataclass(frozen=True, slots=True)
class Raised:
    """An anomaly to tell of."""

    signal: Signal


@dataclass(frozen=True, slots=True)
class Told:
    """A report that goes to a peer group."""

    report: Report


@dataclass(frozen=True, slots=True)
class Late:
    """What came after its minute was closed; nothing was learned of it.

    Attributes:
        key: Of the entity or group.
        item: The delta or the report.
        behind_ms: How long after the end of its minute.
    """

    key: str
    item: Delta | Report
    behind_ms: int


@dataclass(frozen=True, slots=True)
class Evicted:
    """Minutes or reports that a bound cut off before they were learned."""

    key: str
    count: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """An entity of which nothing was heard for so long that what was learned of it has gone."""

    key: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """An anomaly that the day's budget had no room for."""

    signal: Signal


@dataclass(frozen=True, slots=True)
class Relearned:
    """A state that could not be read, and so is learned anew.

    Attributes:
        key: Whose.
        reason: Why.
    """

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """How far a partition has closed the minutes of each source: what the groups everywhere wait for.

    Attributes:
        partition: The partition.
        own: Event times (ms) by source.
    """

    partition: int
    own: dict[str, int]


Output = Raised | Told | Late | Evicted | Vanished | Withheld | Relearned | Closed
