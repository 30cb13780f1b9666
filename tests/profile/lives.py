"""Some days of a few users and hosts, with what is out of the ordinary on the last."""

from __future__ import annotations

from random import Random

from models.feature import Delta
from tests.profile.made import DAY, delta

DELAYS = {"okta": 3, "zeek": 7}  # minutes
APPLICATIONS = [f"app{n}" for n in range(6)]
SITES = ((599_000, 107_000), (520_000, 133_000), (401_000, -74_000))


def chance_of(seed: int) -> Random:
    """Return what looks like chance, and is the same every time."""
    return Random(seed)  # noqa: S311  # a test has to be repeatable, not secret


def life(seed: int, days: int = 3) -> list[Delta]:
    """Return some days of a few entities, with what is out of the ordinary on the last."""
    chance, found = chance_of(seed), list[Delta]()
    for n in range(3):
        for at in range(0, days * DAY, 97):
            late_hours = at > (days - 1) * DAY and chance.random() < 0.3
            found.append(
                delta(
                    f"user:u{n}",
                    at + chance.randrange(90),
                    counts={"sign_ins": chance.randint(1, 4) + 200 * late_hours},
                    values={"application": [chance.choice(APPLICATIONS[: 2 + n + 3 * late_hours])]},
                    distinct={"sources": [f"s{chance.randrange(4)}"]},
                    point=chance.choice(SITES) if chance.random() < 0.4 else None,
                    peers="staff",
                )
            )
            host = delta(
                f"host:h{n}",
                at + chance.randrange(90),
                source="zeek",
                counts={
                    "bytes_out": chance.randint(10, 10**7),
                    "dns_queries": 40,
                    "dns_unknown": chance.randint(0, 30),
                },
                values={"destination": [f"203.0.113.{chance.randrange(9)}"]},
                peaks={"dns_entropy": chance.randint(2000, 4000)},
            )
            found.append(host)
    return found


def arrival(deltas: list[Delta], chance: Random) -> list[Delta]:
    """Return deltas as they come, each late by no more than its source usually is."""
    return sorted(deltas, key=lambda one: one.minute + chance.random() * DELAYS[one.source])
