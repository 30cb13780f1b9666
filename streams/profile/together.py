"""What an entity's last hours have of everything: weak signs that are strange only together.

Each sign counts by how seldom it ordinarily comes (its strength, minus a decimal logarithm), and strengths add up as
the logarithms of independent probabilities do (Fisher, Statistical methods for research workers, 1925). Signs that say
the same do not: of one event only the strongest counts, each further amount adds a quarter of what the one before it
does, and each further value that is new nearly all. How seldom a sum is as high is learned as scores are
(`models.anomaly.calibration`), from the highest of each entity and day, so that it needs no independence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from models.anomaly.base import HOUR_MS, Finding
from models.feature import Ref, Tally
from streams.profile.detectors import DETECTORS
from streams.profile.outputs import Observation

FOR_MS: Final = 3 * HOUR_MS  # so long a sign waits for others
LEAST: Final = 0.3  # strength of a sign that is remembered
MOST: Final = 16  # signs of one entity that are remembered, the strongest
LONELY: Final = frozenset({"growth", "shift"})  # models that tell of weeks: nothing of an hour belongs to them
ADDS: Final = {"value": 0.95, "volume": 0.25, "level": 0.25, "ratio": 0.25}  # what each further sign counts for


class Sign(Struct, frozen=True, array_like=True):
    """One sign.

    Attributes:
        strength: How seldom it comes: minus the decimal logarithm of how often in a day of one entity.
        end: Event time (ms) at which it was judged.
        time: Of the event that shows it.
        detector: Name of the detector.
        feature: Name of the feature.
        about: What else tells it from others.
    """

    strength: float
    end: int
    time: int
    detector: str
    feature: str
    about: str

    @property
    def what(self) -> tuple[str, str, str]:
        """Return what it is a sign of."""
        return self.detector, self.feature, self.about


class Lead(Struct, frozen=True, array_like=True):
    """The sign that is told when all are strange together, with what a signal of it needs."""

    sign: Sign
    score: float
    finding: Finding
    tally: Tally
    ref: Ref


class Together(Struct, frozen=True, array_like=True):
    """The signs of one entity.

    Attributes:
        signs: The strongest first.
        lead: The strongest whose words are known.
        best: The highest sum of the day that runs.
    """

    signs: tuple[Sign, ...] = ()
    lead: Lead | None = None
    best: float = 0.0

    @property
    def total(self) -> float:
        """Return what all signs count together."""
        return sum(_counted(self.signs))

    def at(self, end: int) -> Together:
        """Return the signs that are still remembered at a time (ms)."""
        signs = tuple(sign for sign in self.signs if sign.end > end - FOR_MS)
        if len(signs) == len(self.signs):
            return self
        return Together(signs, self.lead if self.lead and self.lead.sign.end > end - FOR_MS else None, self.best)

    def plus(self, one: Observation, strength: float) -> Together:
        """Return the signs with one more; where it was one before, the stronger stays."""
        proof = one.proof
        if proof is None:
            return self
        sign = Sign(strength, one.end, proof.tally.time, one.detector, one.feature, one.about)
        known = next((other for other in self.signs if other.what == sign.what), None)
        if known is not None and known.strength >= strength:
            return self
        others = (other for other in self.signs if other is not known)
        signs = tuple(sorted((*others, sign), key=lambda other: (-other.strength, other.end, other.what))[:MOST])
        lead = self.lead
        if lead is None or lead.sign.what == sign.what or lead.sign.strength < strength:
            lead = Lead(sign, one.score, *proof)
        return Together(signs, lead, self.best)


def observation_of(entity: str, source: str, lead: Lead) -> Observation:
    """Return the observation that a lead was."""
    sign = lead.sign
    about = sign.detector, entity, source, sign.feature, sign.about, sign.end
    return Observation(*about, lead.score, lead.finding, lead.tally, lead.ref)


def is_joined(one: Observation) -> bool:
    """Tell whether an observation is one that others may add to."""
    return one.proof is not None and DETECTORS[one.detector].model not in LONELY


def _counted(signs: Iterable[Sign]) -> Iterator[float]:
    """Yield what signs count for, the strongest first."""
    seen: set[tuple[str, int]] = set()
    counts: dict[str, float] = {}
    for sign in signs:
        model = DETECTORS[sign.detector].model
        same = sign.detector, sign.time if model == "value" else 0
        if same in seen:
            continue
        seen.add(same)
        kind = "volume" if ADDS.get(model) == ADDS["volume"] else model
        yield sign.strength * counts.get(kind, 1.0)
        counts[kind] = counts.get(kind, 1.0) * ADDS.get(model, 1.0)
