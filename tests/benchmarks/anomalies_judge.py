"""Judge signals of anomalies against the truth about an organization: what was found, how soon, and what was false."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from streams.profile.detectors import DETECTORS

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
WEEK_MS: Final = 7 * DAY_MS
NEEDED_MS: Final = 2 * HOUR_MS  # after the last record of a behaviour: the hour that it is of ends, and is learned
ECHO_MS: Final = DAY_MS  # after that, what is told of its entities is still its echo, but no detection
MODELS_OF_SEVERAL: Final = {"hour_of_week": "hours", "impossible_travel": "travel", "beaconing": "beacon"}
Sort = Literal["hit", "late", "false"]


@dataclass(frozen=True, slots=True)
class Played:
    """A behaviour that was played into an organization, of the truth.

    Attributes:
        name: Name of the behaviour.
        domain: To which domain it belongs.
        strength: How strong it is.
        entities: Keys of those it is about or shows at.
        start_ms: Event time of its first record.
        end_ms: Of its last.
        detected_by: Features that are meant to show it, and models of several features.
    """

    name: str
    domain: str
    strength: str
    entities: frozenset[str]
    start_ms: int
    end_ms: int
    detected_by: frozenset[str]

    def sort(self, said: Said) -> Sort:
        """Say what a signal is to this behaviour; the hour in which it begins is compared as a whole."""
        begin = self.start_ms - self.start_ms % HOUR_MS
        if said.entity not in self.entities or not begin <= said.time <= self.end_ms + NEEDED_MS + ECHO_MS:
            return "false"
        return "hit" if said.time <= self.end_ms + NEEDED_MS else "late"

    def means(self, said: Said) -> bool:
        """Tell whether a signal is of a feature, or a model, that is meant to show it."""
        models = {MODELS_OF_SEVERAL[name] for name in self.detected_by & MODELS_OF_SEVERAL.keys()}
        return said.feature in self.detected_by or said.model in models


@dataclass(frozen=True, slots=True)
class Truth:
    """When an organization was watched, and what was played into it.

    Attributes:
        start_ms: When it begins.
        end_ms: When it ends.
        played: The behaviours.
    """

    start_ms: int
    end_ms: int
    played: tuple[Played, ...]


@dataclass(frozen=True, slots=True, order=True)
class Said:
    """A signal of an anomaly.

    Attributes:
        time: Event time (ms) of the event that shows it.
        known: Event time (ms) at which a live stage can tell it: what shows it is closed, its source's delay over.
        entity: Key of the entity.
        detector: Name of its detector.
        feature: Name of the feature.
    """

    time: int
    known: int
    entity: str
    detector: str
    feature: str

    @property
    def model(self) -> str:
        """Return the kind of model that found it."""
        return DETECTORS[self.detector].model


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of one behaviour that was played.

    Attributes:
        played: The behaviour.
        hits: Signals of it, in order of time.
        withheld: Signals of it that the budget had no room for, in order of time.
    """

    played: Played
    hits: tuple[Said, ...]
    withheld: tuple[Said, ...] = ()

    @property
    def is_meant(self) -> bool:
        """Tell whether it was found by what is meant to show it, and not by chance or by a side effect alone."""
        return any(map(self.played.means, self.hits))

    @property
    def is_withheld(self) -> bool:
        """Tell whether it was missed only because the budget had no room for it."""
        return bool(self.withheld) and not self.hits

    @property
    def shown_after_ms(self) -> int:
        """Return how long after its start the event is that showed it first; of one that was found."""
        return max(min(said.time for said in self.hits) - self.played.start_ms, 0)

    @property
    def told_after_ms(self) -> int:
        """Return how long after its start it could first be told; of one that was found."""
        return max(min(said.known for said in self.hits) - self.played.start_ms, 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How good a run was.

    Attributes:
        found: What there is of each behaviour that was played.
        false: Signals after the warm-up that no behaviour explains.
        late: Signals of the entities of a behaviour, so long after it that they are no detections of it.
        early: How many signals of the days of the warm-up no behaviour explains: not among the false ones.
        entity_days: On how many days after the warm-up how many entities were active, all together.
        days: How many days come after the warm-up.
        withheld: How many signals the budget had no room for.
        fresh: How many of the false ones are of the first day after the warm-up, which has few scores to judge by.
        recent: How many are of the last week: those of a stage that has begun to tell, per week.
    """

    found: tuple[Found, ...]
    false: tuple[Said, ...]
    late: tuple[Said, ...]
    early: int
    entity_days: int
    days: float
    withheld: int = 0
    fresh: int = 0
    recent: int = 0

    @property
    def detected(self) -> int:
        """Return how many of the behaviours that were played were found."""
        return sum(bool(one.hits) for one in self.found)

    @property
    def meant(self) -> int:
        """Return how many were found by what is meant to show them."""
        return sum(one.is_meant for one in self.found)

    @property
    def rate(self) -> float:
        """Return the share of the behaviours that was found."""
        return self.detected / len(self.found) if self.found else 0.0

    @property
    def false_of_entity_day(self) -> float:
        """Return false anomalies per entity and day."""
        return len(self.false) / self.entity_days if self.entity_days else 0.0

    @property
    def false_of_day(self) -> float:
        """Return false anomalies per day of the organization."""
        return len(self.false) / self.days if self.days else 0.0


def read_truth(path: Path) -> Truth:
    """Read what `tests.simulation` wrote of what it did; raise OSError or ValueError when it cannot be read."""
    told = orjson.loads(path.read_bytes())
    return Truth(told["start_ms"], told["end_ms"], tuple(map(_played, told["behaviours"])))


def _played(told: Mapping[str, Any]) -> Played:
    return Played(
        told["name"],
        told["domain"],
        told["strength"],
        frozenset((*told["entities"], *told["touched"])),
        told["start_ms"],
        told["end_ms"],
        frozenset(told["detected_by"]),
    )


def judge(
    truth: Truth,
    said: Iterable[Said],
    active: Collection[tuple[str, int]],
    warmup_days: int,
    withheld: Sequence[Said] = (),
) -> Verdict:
    """Judge a run.

    Args:
        truth: What was played.
        said: All signals of anomalies.
        active: Entities with the days (since 1970, UTC) on which there was anything of them.
        warmup_days: So many first days of the organization are not counted.
        withheld: Signals that the budget had no room for.
    """
    counted_from = truth.start_ms + warmup_days * DAY_MS
    sorts: dict[Sort, list[Said]] = {"hit": [], "late": [], "false": []}
    for one in sorted(said):
        best: Sort = min((played.sort(one) for played in truth.played), key=list(sorts).index, default="false")
        sorts[best].append(one)
    false = tuple(one for one in sorts["false"] if one.time >= counted_from)
    return Verdict(
        tuple(Found(one, _hits(one, sorts["hit"]), _hits(one, sorted(withheld))) for one in truth.played),
        false,
        tuple(sorts["late"]),
        len(sorts["false"]) - len(false),
        sum(day * DAY_MS >= counted_from for _, day in active),
        max(truth.end_ms - counted_from, 0) / DAY_MS,
        len(withheld),
        sum(one.time < counted_from + DAY_MS for one in false),
        sum(one.time >= truth.end_ms - WEEK_MS for one in false),
    )


def _hits(played: Played, said: Iterable[Said]) -> tuple[Said, ...]:
    return tuple(one for one in said if played.sort(one) == "hit")


def pooled(verdicts: Iterable[Verdict]) -> Verdict:
    """Put the verdicts of several organizations into one."""
    all_of = tuple(verdicts)
    return Verdict(
        tuple(one for verdict in all_of for one in verdict.found),
        tuple(one for verdict in all_of for one in verdict.false),
        tuple(one for verdict in all_of for one in verdict.late),
        sum(verdict.early for verdict in all_of),
        sum(verdict.entity_days for verdict in all_of),
        sum(verdict.days for verdict in all_of),
        sum(verdict.withheld for verdict in all_of),
        sum(verdict.fresh for verdict in all_of),
        sum(verdict.recent for verdict in all_of),
    )


def by(found: Iterable[Found], name: Callable[[Found], str]) -> dict[str, tuple[Found, ...]]:
    """Return what was found by a name of it, in the order in which it comes."""
    groups: dict[str, list[Found]] = {}
    for one in found:
        groups.setdefault(name(one), []).append(one)
    return {key: tuple(some) for key, some in groups.items()}


def median_minutes(found: Iterable[Found], after_ms: Callable[[Found], int]) -> float | None:
    """Return the median of a time of those that were found, in minutes; None when none was."""
    times = [after_ms(one) for one in found if one.hits]
    return statistics.median(times) / MINUTE_MS if times else None


def false_by_detector(verdict: Verdict) -> dict[str, int]:
    """Return how many false signals each detector has, the most first."""
    return dict(Counter(one.detector for one in verdict.false).most_common())
