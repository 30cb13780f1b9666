"""What a detector is: which features it looks at, by which model, and what an anomaly of it is to everybody else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from models.finding import LEARNING, STATISTICAL, Analytic, Attack
from models.uids import content_uid
from streams.features import catalog as f

Model = Literal["volume", "level", "ratio", "hours", "value", "beacon", "travel", "growth", "shift", "cohort"]
MEDIUM: Final = 3  # OCSF severity


@dataclass(frozen=True, slots=True)
class Detector:
    """One detector.

    Attributes:
        name: Under which correlations refer to it.
        title: What it finds, for people.
        model: Which kind of model looks.
        features: Names of the features it looks at; of a ratio the part, then what it is a part of.
        attacks: What such behaviour often is.
        risk: 0 to 100, what an anomaly of it adds to an entity's risk at least.
    """

    name: str
    title: str
    model: Model
    features: tuple[str, ...]
    attacks: tuple[Attack, ...]
    risk: int

    @property
    def domain(self) -> str:
        """Return the domain of the first feature it looks at; of one that looks at all, that of hosts and the cloud."""
        return f.CATALOG[self.features[0]].domain if self.features else f.WORKLOAD

    @property
    def analytic(self) -> Analytic:
        """Return it as its signals name it."""
        return _analytic(self)


def attacks_of(*pairs: str) -> tuple[Attack, ...]:
    """Return ATT&CK references, each from `tactic/technique`."""
    return tuple(Attack(*pair.split("/")) for pair in pairs)


@lru_cache(maxsize=256)
def _analytic(one: Detector) -> Analytic:
    kind = LEARNING if one.model == "cohort" else STATISTICAL
    return Analytic(content_uid("anomaly", one.name), one.title, kind, severity_id=MEDIUM, attacks=one.attacks)
