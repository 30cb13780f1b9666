"""What an operator sets of the profile stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RATE: Final = 1e-3
BUDGET: Final = 50
WARMUP_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """What an operator sets, and what follows from the sources.

    Attributes:
        rate: How often, per entity and day, something ordinary may be told as an anomaly.
        budget: Most anomalies a day of event time, over all partitions, of one source.
        warmup_days: Active days before what an entity does is compared with itself.
        partitions: How many share the budget.
        quick: Names of the sources by which places are compared, None for all.
        without: Names of detectors that are left out.
    """

    rate: float = RATE
    budget: int = BUDGET
    warmup_days: int = WARMUP_DAYS
    partitions: int = 1
    quick: frozenset[str] | None = None
    without: frozenset[str] = frozenset()


DEFAULTS: Final = ProfileSettings()
