"""The ledger of scores: what each model has scored before, what a score is worth by that, what the day still allows.

There is one for each partition and name under which minutes wait: what is judged in one is always judged in the same
order, so that nothing shows how input was cut. It remembers up to where it has judged, and judges nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import ceil, log10
from typing import Final

import msgspec
from msgspec import Struct

from models.anomaly.base import score_of
from models.anomaly.budget import Budget, BudgetConfig, step
from models.anomaly.calibration import Calibration, fitted, learn, over_tests
from models.errors import InvalidRecord
from models.sketch import Distinct, hash64
from streams.profile.detectors import DETECTORS
from streams.profile.outputs import Observation, Output, Raised, Withheld
from streams.profile.settings import ProfileSettings
from streams.profile.signals import signal_of, uid_of
from streams.profile.state import DAY_MS

VERSION: Final = 1
TOLD_MS: Final = 2 * 3_600_000  # for so long it is remembered what was told: longer than the hour that it is of
TESTS: Final = 100.0  # observations of an entity and day, before they were counted


class Day(Struct, frozen=True, array_like=True):
    """What one day of event time has had so far.

    Attributes:
        number: The day.
        observed: How many observations there were.
        entities: Of how many entities.
        tests: How many observations an entity had on the day before.
    """

    number: int = -1
    observed: int = 0
    entities: Distinct = Distinct()
    tests: float = TESTS

    def at(self, number: int) -> Day:
        """Return this day, or the next one that there is anything of."""
        if number <= self.number:
            return self
        entities = self.entities.count
        return Day(number, tests=max(self.observed / entities, 1.0) if entities else self.tests)

    def with_all(self, observations: Sequence[Observation]) -> Day:
        """Count observations."""
        entities = self.entities
        for entity in {one.entity for one in observations}:
            entities = entities.plus(_hash(entity))
        return Day(self.number, self.observed + len(observations), entities, self.tests)


class Ledger(Struct, frozen=True, array_like=True):
    """What was judged.

    Attributes:
        version: Of this form.
        end: Event time (ms) of what was judged last.
        key: Of the entity or group that was judged last.
        day: The day that runs.
        told: Uids of what was told lately, and when.
        scores: What each detector has scored, by `detector/feature`.
        budget: What was told of a day, and what waited to be.
    """

    version: int = VERSION
    end: int = -1
    key: str = ""
    day: Day = Day()
    told: dict[str, int] = {}
    scores: dict[str, Calibration] = {}
    budget: Budget = Budget()


def judged(
    state: Ledger, end: int, key: str, observations: Iterable[Observation], settings: ProfileSettings
) -> tuple[Ledger, list[Output]]:
    """Judge what was observed when one key closed.

    Args:
        state: Of the ledger.
        end: Event time (ms) at which it closed.
        key: The key; what is not after the last end and key was judged before.
        observations: In the order in which they were made.
        settings: How rare what is told has to be, and how much a day may have.
    """
    if (end, key) <= (state.end, state.key):
        return state, []
    seen = [one for one in observations if one.detector not in settings.without]
    day, budget, told = state.day.at(end // DAY_MS), state.budget, state.told
    outputs, ordinary = list[Output](), dict[str, list[float]]()
    for one in seen:
        kind = one.detector if DETECTORS[one.detector].model == "cohort" else f"{one.detector}/{one.feature}"
        proof, strength = one.proof, _strength(one, state.scores.get(kind, Calibration()), day)
        if proof is None or strength < -log10(settings.rate):
            if one.learned:
                ordinary.setdefault(kind, []).append(one.score)
        elif (uid := uid_of(one)) not in told:
            told = {**{known: at for known, at in told.items() if at > end - TOLD_MS}, uid: end}
            budget, is_granted = _asked(budget, end, strength, settings)
            signal = signal_of(one, proof, strength)
            outputs.append(Raised(signal) if is_granted else Withheld(signal))
    scores = dict(state.scores)
    for kind, some in ordinary.items():
        scores[kind] = learn(scores.get(kind, Calibration()), some)
    day = day.with_all([one for one in seen if one.learned])
    return Ledger(VERSION, end, key, day, told, scores, budget), outputs


def _strength(one: Observation, known: Calibration, day: Day) -> float:
    """Return minus the decimal logarithm of how probable such a thing is for an entity in a day, by all its scores."""
    if one.finding is None:
        return 0.0  # whoever saw it found no words worth it
    probability = fitted(known).probability(one.score)
    return score_of(over_tests(probability, day.tests))


def _asked(budget: Budget, end: int, strength: float, settings: ProfileSettings) -> tuple[Budget, bool]:
    """Ask whether the day still allows one more."""
    config = BudgetConfig(ceil(settings.budget / settings.partitions))
    after, answer = step(budget, end - 1, strength, config)
    return after, answer.is_granted


def encode_ledger(state: Ledger) -> bytes:
    """Write a ledger."""
    return _ENCODER.encode(state)


def decode_ledger(data: bytes) -> Ledger:
    """Read a ledger; raise InvalidRecord when it is none, or of a version that is not known."""
    try:
        found = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRecord(f"not a ledger of scores: {error}") from error
    if found.version != VERSION:
        raise InvalidRecord(f"a ledger of version {found.version}, expected {VERSION}")
    return found


_hash = lru_cache(65_536)(hash64)
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Ledger)
