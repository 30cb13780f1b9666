"""Shares by the hour: how many of an entity's calls fail, how many of the names it asks for do not exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from models.anomaly import ratios as model
from models.anomaly.base import HOUR_MS
from models.anomaly.ratios import SHARES, Ratio
from models.feature import MINUTE_MS, Delta
from streams.profile.detector import Detector
from streams.profile.detectors import DETECTORS
from streams.profile.outputs import Observation
from streams.profile.state import Learned
from streams.profile.volumes import WORTH, shown

RATIOS: Final[tuple[Detector, ...]] = tuple(one for one in DETECTORS.values() if one.model == "ratio")


class Shares:
    """The shares of hours. Immutable once made."""

    __slots__ = ("_config",)

    def __init__(self, warmup_days: int) -> None:
        """Prepare; `warmup_days` is how long an entity is learned before it is compared with itself."""
        self._config = replace(SHARES, warmup_days=warmup_days)

    def looked_at(self, entity: str, learned: Learned, delta: Delta) -> Iterator[Observation]:
        """Yield what is strange of the hour so far, where a closed minute added to the part."""
        running = learned.running
        for one in RATIOS:
            part, whole = one.features
            known = shown(delta, delta.counts[part]) if part in delta.counts else None
            if known is None:
                continue
            state, counted = learned.ratios.get(part, Ratio()), (running.amounts[part], running.amounts.get(whole, 0))
            score = model.score(state, running.hour, *counted, self._config)
            if score >= WORTH:
                finding, end = model.finding(state, running.hour, *counted, self._config), delta.start + MINUTE_MS
                yield Observation(one.name, entity, delta.source, part, "", end, score, finding, *known, learned=False)

    def learn(self, entity: str, source: str, learned: Learned) -> tuple[dict[str, Ratio], list[Observation]]:
        """Learn the hour that ran; return what is usual from now on, and what the hour came to in the end."""
        found: list[Observation] = []
        known, running = dict(learned.ratios), learned.running
        for one in RATIOS:
            part, whole = one.features
            if whole in running.amounts:
                state, counted = known.get(part, Ratio()), (running.amounts.get(part, 0), running.amounts[whole])
                score = model.score(state, running.hour, *counted, self._config)
                found.append(Observation(one.name, entity, source, part, "", (running.hour + 1) * HOUR_MS, score))
                known[part] = model.learn(state, running.hour, *counted, self._config)
        return known, found
