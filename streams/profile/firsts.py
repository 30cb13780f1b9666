"""Values by entity: which it has shown before, and what its peers are told of one that it has not."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from models.anomaly import rarity as model
from models.anomaly.rarity import VALUES, Values
from models.feature import MINUTE_MS, Delta
from streams.features import catalog as f
from streams.profile.detectors import by_feature
from streams.profile.reports import Report, group_of
from streams.profile.volumes import shown

FIRSTS: Final = by_feature("value")
PROGRAMS: Final = frozenset(
    {f.IMAGE, f.PARENT_CHILD, f.BINARY, f.CONTAINER_IMAGE, f.DRIVER, f.JOB, f.SERVICE, f.LISTENER}
)
_NUMBERS: Final = re.compile(r"[0-9]+(?:[._-][0-9]+)*")
_HOME: Final = re.compile(r"(?<=\\users\\)[^\\]+|(?<=/home/)[^/]+|(?<=/users/)[^/]+")
_HASH: Final = re.compile(r"(?:sha256:)?[0-9a-f]{32,}")
FEW: Final = 20  # values that are remembered of most features; of these MANY more:
MANY: Final = frozenset({f.DESTINATION, f.DOMAIN, f.OPERATION, f.RESOURCE, f.IMAGE, f.PARENT_CHILD})
WORDS_FROM: Final = 0.5  # the least score that the entity itself has words for


@lru_cache(65_536)  # the same values come again and again
def name_of(feature: str, value: str) -> int:
    """Return the 32 bits by which a value of a feature is known.

    Programs and files are known without what makes each version, build and user new: numbers and home folders.
    """
    if feature not in PROGRAMS or _HASH.fullmatch(value):
        return model.name_of(value)
    program, blank, port = value.partition(" ") if feature == f.LISTENER else (value, "", "")
    return model.name_of(_NUMBERS.sub("#", _HOME.sub("*", program)) + blank + port)


class Firsts:
    """What is known of values. Immutable once made."""

    __slots__ = ("_config", "_many")

    def __init__(self, warmup_days: int) -> None:
        """Prepare; `warmup_days` is how long only peers can tell whether a value is strange."""
        self._config = replace(VALUES, most=FEW, warmup_days=warmup_days)
        self._many = replace(VALUES, warmup_days=warmup_days)

    def learn(
        self, entity: str, days: int, before: dict[str, Values], delta: Delta
    ) -> tuple[dict[str, Values], list[Report]]:
        """Learn the values of a closed minute.

        Args:
            entity: Key of the entity.
            days: How many active days were learned of it.
            before: What is known, by feature.
            delta: The minute.

        Returns:
            What is known from now on, and what the peers are told.
        """
        reports: list[Report] = []
        known, day = before, model.day_of(delta.start)
        for feature in sorted(delta.values):
            if feature not in FIRSTS:
                continue
            config = self._many if feature in MANY else self._config
            for value, tally in sorted(delta.values[feature].items()):
                name, state = name_of(feature, value), known.get(feature, _NONE)
                after, sighting = model.learn(state, name, day, config)
                if after is not state:
                    known = {**known, feature: after}
                example = shown(delta, tally) if sighting.first or sighting.renewed else None
                if example is not None:
                    score = model.score(state, name, day, config)
                    words = model.finding(state, name, value, day, config) if score >= WORDS_FROM else None
                    about = group_of(entity, delta.source, delta.peers), delta.start + MINUTE_MS, entity, feature
                    reports.append(Report(*about, value, score, *example, words, {}, days, is_new=sighting.first))
        return known, reports


_NONE: Final = Values()
