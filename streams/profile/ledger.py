"""The ledger of scores: what each model has scored before, what a score is worth by that, what the day still allows.

There is one for each partition and name under which minutes wait: what is judged in one is always judged in the same
order, so that nothing shows how input was cut. It remembers up to where it has judged, and judges nothing twice.

What an operator sets is how often something ordinary may be told of an entity in a day. So a score is worth what comes
of counting: how many as high there were, by days of entities. That alone decides where one score is so seldom that it
would be told among all the kinds there are; else what an entity's last hours have together does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import ceil, inf, log10
from typing import Final

import msgspec
from msgspec import Struct, structs

from models.anomaly.budget import Budget, BudgetConfig, step
from models.anomaly.calibration import Calibration, CalibrationConfig, halved, held, learn, strength
from models.anomaly.rarity import PERIOD_DAYS
from models.errors import InvalidRecord
from models.sketch import Distinct, hash64
from streams.profile.detectors import DETECTORS
from streams.profile.outputs import Observation, Output, Raised, Withheld
from streams.profile.settings import ProfileSettings
from streams.profile.signals import signal_of, uid_of
from streams.profile.state import DAY_MS
from streams.profile.together import LEAST, LONELY, Sign, Together, is_joined, observation_of

VERSION: Final = 2
QUIET_MS: Final = 3 * DAY_MS  # for so long a detector tells nothing more of an entity, unless it is far stranger:
LONG_QUIET_MS: Final = 7 * DAY_MS  # that of a level that goes on changing
FAR: Final = 3.0  # orders of magnitude
MOST_TOLD: Final = 4096  # of what was told that is remembered
MOST_TOGETHER: Final = 512  # entities whose signs are remembered, those with the strongest
KINDS: Final = 2.0  # decimal logarithm of how many kinds of scores an entity has: one alone has to be so much rarer
FIRST_DAYS: Final = 2, 3  # days after the warm-up in which scores, and what they come to together, are only learned
KNOW_BEFORE: Final = frozenset({"travel"})  # models that know before anything was learned
CLIPPED: Final = 0.5  # orders of magnitude below what is told from which on a sum teaches no more
SUMS: Final = CalibrationConfig(tail=0.1, prior=20, scale=0.65)


class Day(Struct, frozen=True, array_like=True):
    """Of whom there was something.

    Attributes:
        number: The day of event time that runs.
        entities: Of which entities there was something to judge on it.
        before: Days of entities before it, halved every period.
        today: How many entities those of the day are.
    """

    number: int = -1
    entities: Distinct = Distinct()
    before: int = 0
    today: int = 0

    @property
    def days(self) -> int:
        """Return the days of entities so far."""
        return self.before + self.today

    def with_all(self, observations: Sequence[Observation]) -> Day:
        """Count the entities of observations."""
        entities = self.entities
        for entity in {one.entity for one in observations}:
            entities = entities.plus(_hash(entity))
        today = self.today if entities == self.entities else entities.count
        return Day(self.number, entities, self.before, today)


class Telling(Struct, frozen=True, array_like=True):
    """When something was told, and how seldom it is."""

    end: int
    strength: float


class Ledger(Struct, frozen=True, array_like=True):
    """What was judged.

    Attributes:
        version: Of this form.
        end: Event time (ms) of what was judged last.
        key: Of the entity or group that was judged last.
        begun: Event time (ms) of what was judged first.
        day: The day that runs, and how many there were.
        told: What was told lately, by entity and detector, and by uid.
        scores: What each detector has scored, by `detector/feature`.
        together: Signs that wait for others, by entity.
        sums: What signs have come to together, the highest of each entity and day.
        budget: What was told of a day, and what waited to be.
    """

    version: int = VERSION
    end: int = -1
    key: str = ""
    begun: int = -1
    day: Day = Day()
    told: dict[str, Telling] = {}
    scores: dict[str, Calibration] = {}
    together: dict[str, Together] = {}
    sums: Calibration = Calibration()
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
    begun = end if state.begun < 0 else state.begun
    seen = [one for one in observations if one.detector not in settings.without]
    needs_none = all(DETECTORS[one.detector].model in KNOW_BEFORE for one in seen)
    age = inf if needs_none else (end - begun) / DAY_MS - settings.warmup_days
    if age < 0:
        return structs.replace(state, end=end, key=key, begun=begun), []
    bench = _Bench(structs.replace(_turned(state, end // DAY_MS), begun=begun), end, age, settings)
    outputs = bench.take(seen)
    return bench.state(key), outputs


class _Bench:
    """Where what one key has is judged."""

    def __init__(self, state: Ledger, end: int, age: float, settings: ProfileSettings) -> None:
        self._end = end
        self._age = age  # days of learning
        self._settings = settings
        self._before = state
        self._wanted = -log10(settings.rate)
        self._day, self._told, self._budget = state.day, state.told, state.budget
        self._days = 0
        self._together = dict(state.together)
        self._ordinary: dict[str, list[float]] = {}

    def take(self, observations: Sequence[Observation]) -> list[Output]:
        """Judge observations in order; return what is to be told."""
        self._day = self._day.with_all(observations)
        self._days = self._day.days
        outputs: list[Output] = []
        for one in observations:
            kind = one.detector if DETECTORS[one.detector].model == "cohort" else f"{one.detector}/{one.feature}"
            known = self._before.scores.get(kind, Calibration())
            alone = strength(known, one.score, self._days) if one.score > 0 else 0.0
            if one.learned:
                is_told = alone > self._wanted
                learned = held(known, one.score, self._wanted, self._days) if is_told else one.score
                self._ordinary.setdefault(kind, []).append(learned)
            if one.proof is not None:
                outputs += self._look(one, alone)
        return outputs

    def state(self, key: str) -> Ledger:
        """Return what is known from now on."""
        scores = dict(self._before.scores)
        for kind, some in self._ordinary.items():
            scores[kind] = learn(scores.get(kind, Calibration()), some)
        together = self._together
        if len(together) > MOST_TOGETHER:
            ranked = sorted(together, key=lambda name: (-together[name].total, name))
            together = {name: together[name] for name in ranked[:MOST_TOGETHER]}
        before = self._before
        return Ledger(
            VERSION, self._end, key, before.begun, self._day, self._told, scores, together, before.sums, self._budget
        )

    def _look(self, one: Observation, alone: float) -> list[Output]:
        """Look at an observation by itself, and at all that its entity has together."""
        is_rare = alone - KINDS >= self._wanted and self._age >= FIRST_DAYS[0]
        found = self._tell(one, alone - KINDS, ()) if is_rare else []
        if alone <= LEAST or not is_joined(one):
            return found
        known = self._together.get(one.entity, Together()).at(self._end).plus(one, alone)
        total, days = known.total, self._days
        # One sign alone comes to so much so often, and tails of few sums promise more than that.
        joint = min(strength(self._before.sums, total, days, SUMS), total)
        most = self._wanted - CLIPPED
        learned = held(self._before.sums, total, most, days, SUMS) if joint > most else total
        self._together[one.entity] = structs.replace(known, best=max(known.best, learned))
        if found or joint < self._wanted or self._age < FIRST_DAYS[1] or known.lead is None:
            return found
        lead = observation_of(one.entity, one.source, known.lead)
        return self._tell(lead, joint, known.signs)

    def _tell(self, one: Observation, strength: float, signs: Sequence[Sign]) -> list[Output]:
        """Tell of something, unless that detector has told of the entity lately."""
        proof, name, uid = one.proof, f"{one.entity} {one.detector}", uid_of(one)
        last = self._told.get(name)
        if proof is None or uid in self._told or (last and self._is_quiet(one, last, strength)):
            return []
        kept = {other: told for other, told in self._told.items() if told.end > self._end - LONG_QUIET_MS}
        telling = Telling(self._end, strength)
        self._told = {**dict(list(kept.items())[-MOST_TOLD:]), name: telling, uid: telling}
        config = BudgetConfig(ceil(self._settings.budget / self._settings.partitions))
        self._budget, answer = step(self._budget, self._end - 1, strength, config)
        signal = signal_of(one, proof, strength, signs)
        return [Raised(signal) if answer.is_granted else Withheld(signal)]

    def _is_quiet(self, one: Observation, last: Telling, strength: float) -> bool:
        """Tell whether a detector told something of an entity so lately that it has to be far stranger now."""
        quiet, far = (LONG_QUIET_MS, inf) if DETECTORS[one.detector].model in LONELY else (QUIET_MS, FAR)
        return self._end < last.end + quiet and strength < last.strength + far


def _turned(state: Ledger, number: int) -> Ledger:
    """Return the ledger on a day: when another begins, the highest sums of the last are learned."""
    day = state.day
    if number <= day.number:
        return state
    best = [one.best for one in state.together.values() if one.best > 0]
    start = number * DAY_MS
    together = {name: structs.replace(one.at(start), best=0.0) for name, one in state.together.items()}
    together = {name: one for name, one in together.items() if one.signs}
    today, sums = Day(number, Distinct(), day.days), learn(state.sums, best)
    after = structs.replace(state, day=today, together=together, sums=sums)
    is_period = number // PERIOD_DAYS > day.number // PERIOD_DAYS and day.number >= 0
    return _faded(after) if is_period else after


def _faded(state: Ledger) -> Ledger:
    """Return a ledger that remembers half as much."""
    day = Day(state.day.number, state.day.entities, state.day.before >> 1, state.day.today)
    scores = {kind: halved(one) for kind, one in state.scores.items()}
    return structs.replace(state, day=day, scores=scores, sums=halved(state.sums))


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
