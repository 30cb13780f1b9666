"""The settings of the profile stage, from those of Braid."""

from __future__ import annotations

from typing import Final

from streams.config import Settings
from streams.profile.settings import ProfileSettings
from streams.sources.registry import SOURCES

QUICK_MS: Final = 30 * 60_000  # sources that are later than this do not take part where places are compared


def profile_settings(settings: Settings, partitions: int) -> ProfileSettings:
    """Return what an operator has set; `partitions` share the budget of a day."""
    return ProfileSettings(
        rate=settings.anomaly_rate,
        budget=settings.anomaly_budget,
        warmup_days=settings.anomaly_warmup_days,
        partitions=partitions,
        quick=frozenset(name for name, source in SOURCES.items() if source.delay_ms <= QUICK_MS),
        without=frozenset(settings.anomaly_without),
    )
