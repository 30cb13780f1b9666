"""Hours of a group's members, all features together: one that is unlike those of its peers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from models.anomaly.base import HOUR_MS, hour_of
from models.anomaly.cohort import MAX_FEATURES, Cohort, CohortConfig, Trees
from streams.profile.outputs import Observation
from streams.profile.reports import Report, source_of

UNLIKE: Final = "anomaly_unlike_its_peers"
WORTH: Final = 1.0  # the least score that words are found for; these are no probabilities
LEAST_FEATURES: Final = 3
MOST_OPEN: Final = 500


class Cohorts:
    """The trees of groups. What was opened last stays open, since to open one takes longer than to use it."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[str, tuple[Cohort, Trees]] = {}

    def learn(
        self, key: str, state: Cohort, known: Collection[str], hours: Sequence[Report]
    ) -> tuple[Cohort, list[Observation]]:
        """Compare the hours of members with what all do, then learn them.

        Args:
            key: Of the group.
            state: Of its cohort.
            known: Features that members have shown; those of a group without a cohort yet become its own.
            hours: Reports of hours of one moment, in order.
        """
        features = state.features or tuple(sorted(known)[:MAX_FEATURES])
        if not hours or len(features) < LEAST_FEATURES:
            return state, []
        found: list[Observation] = []
        trees = self._trees(key, state, features)
        for one in hours:
            score = trees.score(one.amounts)
            told = trees.finding(one.amounts) if score >= WORTH else None
            top = told.because[0].name if told is not None and told.because else features[0]
            found.append(
                Observation(UNLIKE, one.member, source_of(key), top, "", one.end, score, told, one.tally, one.ref)
            )
        trees.learn([one.amounts for one in hours], hour_of(hours[0].end - HOUR_MS))
        after = trees.state
        self._open[key] = after, trees
        return after, found

    def _trees(self, key: str, state: Cohort, features: tuple[str, ...]) -> Trees:
        """Return the trees of a state: those at hand when they are of this very one."""
        at_hand = self._open.get(key)
        if at_hand is not None and at_hand[0] is state:
            return at_hand[1]
        if len(self._open) >= MOST_OPEN:
            self._open.clear()
        return Trees(state, CohortConfig(features))
