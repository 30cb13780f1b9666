"""What the peers' programs share: their arguments, and the pair of signals they look for.

They run by path, each in an environment of its own: nothing here may import more than the standard library.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMESPAN_MS = 10 * 60_000
COOLDOWN_MS = 10 * 60_000
Seen = Sequence[Any]  # uid of a signal, uid of its rule, event time in ms: a list, as JSON gives it back


@dataclass(frozen=True, slots=True)
class Job:
    """What a peer is told.

    Attributes:
        bootstrap: Addresses of brokers.
        prefix: Stands before every topic, and names the consumer group.
        partitions: How many partitions `signals` has.
        folder: Where it may keep files; the same one after a restart.
        first: Uid of the rule that has to fire first.
        then: Uid of the one that has to follow.
        grace_ms: How late signals may come.
        mode: Which of its ways to do it.
    """

    bootstrap: str
    prefix: str
    partitions: int
    folder: Path
    first: str
    then: str
    grace_ms: int
    mode: str = ""


def read_arguments() -> Job:
    """Return what the command line says."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "prefix", "partitions", "folder", "first", "then", "grace_ms", "mode"):
        parser.add_argument(name)
    given = vars(parser.parse_args())
    numbers = {name: int(given[name]) for name in ("partitions", "grace_ms")}
    return Job(**(given | numbers | {"folder": Path(given["folder"])}))


def seen_in(record: dict[str, Any]) -> list[Any]:
    """Return what counts of a signal: its uid, its rule's, its time."""
    finding = record["finding_info"]
    return [finding["uid"], finding["analytic"]["uid"], record["time"]]


def by_time(seen: Seen) -> tuple[int, str]:
    """Return what signals are sorted by."""
    return seen[2], seen[0]


def with_one(held: list[Seen], one: Seen) -> list[Seen]:
    """Return the signals with one more in its place, the same ones when it is known already."""
    return held if any(known[0] == one[0] for known in held) else sorted([*held, one], key=by_time)


def first_pair(held: Sequence[Seen], first: str, then: str) -> tuple[Seen, Seen] | None:
    """Return the earliest signal that another one follows in time, and that one; `held` is sorted."""
    for position, one in enumerate(held):
        if one[1] == first:
            for other in held[position + 1 :]:
                if other[1] == then and other[2] - one[2] <= TIMESPAN_MS:
                    return one, other
    return None


def is_told(alerted_ms: int | None, anchor_ms: int) -> bool:
    """Tell whether a pair belongs to what was told of its host last."""
    return alerted_ms is not None and abs(anchor_ms - alerted_ms) <= TIMESPAN_MS + COOLDOWN_MS


def alert_of(host: str, pair: tuple[Seen, Seen]) -> dict[str, Any]:
    """Return what is written of a pair."""
    return {"host": host, "uids": [one[0] for one in pair]}
