"""Ordinary weeks of made entities, seeded: what models must stay silent on."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

from models.anomaly.seasons import DAY_HOURS, is_weekend

START = 495_000  # 2026-06-21 00:00 UTC, a Sunday
Amount = Callable[[random.Random, int], int | None]


def poisson(lot: random.Random, mean: float) -> int:
    """Draw a count: Knuth's product for a small mean, the normal distribution for a large one."""
    if mean > 50:
        return max(0, round(lot.gauss(mean, math.sqrt(mean))))
    least, product, found = math.exp(-mean), lot.random(), 0
    while product > least:
        product *= lot.random()
        found += 1
    return found


def person(lot: random.Random, hour: int) -> int | None:
    """Return what a person at a desk does in an hour: mostly by day, in fits and starts, now and then at night."""
    if is_weekend(hour) or not 8 <= hour % DAY_HOURS < 18:
        return poisson(lot, 2) if lot.random() < 0.03 else None
    if lot.random() < 0.1:
        return None
    return poisson(lot, {12: 6, 8: 10, 17: 10}.get(hour % DAY_HOURS, 20) * lot.lognormvariate(0, 0.4))


def service(lot: random.Random, hour: int) -> int:
    """Return what a service does in an hour: it follows the day, is halved at the weekend and has a job at two."""
    day = 1 + 0.8 * math.sin(hour % DAY_HOURS / DAY_HOURS * 2 * math.pi)
    factor = (0.5 if is_weekend(hour) else 1) * (8 if hour % DAY_HOURS == 2 else 1)
    return poisson(lot, 500 * day * factor * lot.lognormvariate(0, 0.15))


def backup(lot: random.Random, hour: int) -> int | None:
    """Return what a backup account does: a thousand at two in the morning, nearly nothing else."""
    return 1000 + lot.randrange(50) if hour % DAY_HOURS == 2 else poisson(lot, 0.3) or None


KINDS: dict[str, Amount] = {"person": person, "service": service, "backup": backup}


def hours(kind: Amount, days: int, seed: int, start: int = START) -> Iterator[tuple[int, int]]:
    """Yield the active hours of some days, and how much there was."""
    lot = random.Random(seed)  # noqa: S311  # made weeks have to be repeatable, not secret
    for hour in range(start, start + days * DAY_HOURS):
        amount = kind(lot, hour)
        if amount is not None:
            yield hour, amount
