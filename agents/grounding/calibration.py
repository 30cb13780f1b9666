"""How far a confidence can be trusted: what analysts said of earlier verdicts of the same kind and rule.

Each verdict that an analyst confirmed or corrected is a label. Labels are counted in buckets of raw confidence. The
rate of a bucket over all rules starts from the raw confidence itself, as if PRIOR labels had borne it out, and moves
with every label; the rate of one rule starts from that of all rules in the same way. Rates never fall as raw confidence
rises (pool adjacent violators). Without labels the raw confidence stands, but for the cap.

Above CAP it takes evidence: at least ENOUGH labels of the kind and rule, from one bucket on upwards, whose 95 % lower
credible bound (Beta posterior, uniform prior) is the highest confidence that such verdicts get.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from models.errors import InvalidRecord
from models.fields import take, take_objects
from models.verdict import VERDICTS

VERSION: Final = 1
MAX_LABELS: Final = 10_000
BUCKET: Final = 10  # points of raw confidence
BUCKETS: Final = 100 // BUCKET
PRIOR: Final = 10.0  # labels that the rate of a bucket starts from
ENOUGH: Final = 30
CAP: Final = 85
CREDIBLE: Final = 0.05  # the share of the posterior below the bound
_STEPS: Final = 40  # of halving an interval: far below a point


@dataclass(frozen=True, slots=True)
class Label:
    """What an analyst said of one verdict.

    Attributes:
        verdict_uid: The verdict.
        time: When he said so, ms; the latest one counts.
        raw: The verdict's confidence before calibration, 0 to 100.
        verdict_id: What the investigation concluded.
        said_id: What the analyst concluded; the same when he confirmed it.
        rule: Uid of the sequence's rule.
        group: The sequence's group.
    """

    verdict_uid: str
    time: int
    raw: int
    verdict_id: int
    said_id: int
    rule: str
    group: str

    def __post_init__(self) -> None:
        """Refuse values off their scales, with InvalidRecord."""
        if not 0 <= self.raw <= 100:  # noqa: PLR2004  # per cent
            raise InvalidRecord(f"raw: {self.raw} is not between 0 and 100")
        if self.verdict_id not in VERDICTS or self.said_id not in VERDICTS:
            raise InvalidRecord("a label names a verdict that there is not")

    @property
    def is_correct(self) -> bool:
        """Tell whether the analyst agreed."""
        return self.verdict_id == self.said_id


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A confidence, and in words what it rests on."""

    confidence: int
    words: str


@dataclass(frozen=True, slots=True)
class Labels:
    """The latest label of each verdict, the latest MAX_LABELS of them.

    Attributes:
        kept: Them, in the order of time and verdict.
        dropped: How many older ones were dropped.
    """

    kept: tuple[Label, ...] = ()
    dropped: int = 0

    def on(self, rule: str, group: str) -> tuple[Label, ...]:
        """Return the labels of verdicts on one group by one rule."""
        return tuple(label for label in self.kept if label.rule == rule and label.group == group)

    def calibrated(self, raw: int, verdict_id: int, rule: str) -> Calibrated:
        """Return the confidence that a verdict of this raw confidence, kind and rule deserves, 0 to 100."""
        of_kind = [label for label in self.kept if label.verdict_id == verdict_id]
        of_rule = [label for label in of_kind if label.rule == rule]
        overall = _rates(of_kind, [(at + 0.5) / BUCKETS for at in range(BUCKETS)])
        rate = _between(_rates(of_rule, overall), raw)
        most, count, confirmed = _proven(of_rule, raw)
        words = f"{confirmed} of {count} such verdicts of this rule were confirmed by analysts" if count else ""
        if not count and of_kind:
            confirmed, count = sum(label.is_correct for label in of_kind), len(of_kind)
            words = f"{confirmed} of {count} verdicts of this kind, of other rules, were confirmed by analysts"
        return Calibrated(max(0, min(int(100 * rate + 1e-9), most)), words or "no analyst has judged such verdicts yet")


NO_LABELS: Final = Labels()


def labels_of(labels: Iterable[Label], dropped: int = 0) -> Labels:
    """Return labels as a value: the latest of each verdict, at most MAX_LABELS."""
    latest: dict[str, Label] = {}
    for label in sorted(labels, key=lambda one: (one.time, one.verdict_uid, one.said_id)):
        latest[label.verdict_uid] = label
    ordered = sorted(latest.values(), key=lambda one: (one.time, one.verdict_uid))
    return Labels(tuple(ordered[-MAX_LABELS:]), dropped + max(0, len(ordered) - MAX_LABELS))


def with_label(labels: Labels, label: Label) -> Labels:
    """Return labels with one more."""
    return labels_of((*labels.kept, label), labels.dropped)


def labels_to_json(labels: Labels) -> dict[str, Any]:
    """Render labels: a version, and one object for each."""
    rows = [{name: getattr(label, name) for name in Label.__slots__} for label in labels.kept]
    return {"version": VERSION, "dropped": labels.dropped, "labels": rows}


def labels_from_json(value: Mapping[str, Any]) -> Labels:
    """Read labels back; raise InvalidRecord naming what is missing, of the wrong shape or of another version."""
    if take(value, "version", int) != VERSION:
        raise InvalidRecord(f"version: labels of version {VERSION} are read")
    rows = take_objects(value, "labels")
    return labels_of(map(_label, rows), take(value, "dropped", int))


def _label(row: Mapping[str, Any]) -> Label:
    return Label(
        verdict_uid=take(row, "verdict_uid", str),
        time=take(row, "time", int),
        raw=take(row, "raw", int),
        verdict_id=take(row, "verdict_id", int),
        said_id=take(row, "said_id", int),
        rule=take(row, "rule", str),
        group=take(row, "group", str),
    )


def _bucket(raw: int) -> int:
    return min(raw // BUCKET, BUCKETS - 1)


def _rates(labels: Sequence[Label], prior: Sequence[float]) -> list[float]:
    """Return the rate of each bucket, never falling: the prior's, moved by the labels."""
    weights, sums = [PRIOR] * BUCKETS, [PRIOR * rate for rate in prior]
    for label in labels:
        weights[_bucket(label.raw)] += 1
        sums[_bucket(label.raw)] += label.is_correct
    return _rising([total / weight for total, weight in zip(sums, weights, strict=True)], weights)


def _rising(rates: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the closest rates that never fall: pool adjacent violators."""
    pools: list[tuple[float, float, int]] = []
    for rate, weight in zip(rates, weights, strict=True):
        mean, mass, size = rate, weight, 1
        while pools and pools[-1][0] > mean:
            before, more, count = pools.pop()
            mean, mass, size = (mean * mass + before * more) / (mass + more), mass + more, size + count
        pools.append((mean, mass, size))
    return [mean for mean, _, size in pools for _ in range(size)]


def _between(rates: Sequence[float], raw: int) -> float:
    """Return the rate at a raw confidence, between the middles of the buckets beside it."""
    at = raw / BUCKET - 0.5
    low = min(max(math.floor(at), 0), BUCKETS - 2)
    share = at - low
    return min(max(rates[low] + share * (rates[low + 1] - rates[low]), 0.0), 1.0)


def _proven(labels: Sequence[Label], raw: int) -> tuple[int, int, int]:
    """Return the most that verdicts of this raw confidence may get, and the labels of that, and how many confirm.

    What is proven of a bucket and all above it holds for a raw confidence in or above it.
    """
    best = (CAP, 0, 0)
    for first in range(_bucket(raw), -1, -1):
        above = [label.is_correct for label in labels if _bucket(label.raw) >= first]
        count, confirmed = len(above), sum(above)
        most = int(100 * lower_bound(confirmed, count)) if count >= ENOUGH else CAP
        if most > best[0] or not best[1]:
            best = (max(most, CAP), count, confirmed)
    return best


@lru_cache(maxsize=1024)
def lower_bound(confirmed: int, count: int) -> float:
    """Return the 95 % lower credible bound of a rate of which so many of so many were seen."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_least(confirmed + 1, count + 1, middle) < CREDIBLE else (low, middle)
    return low


def _at_least(successes: int, trials: int, chance: float) -> float:
    """Return the probability of that many successes or more, which is the Beta posterior's share below `chance`."""
    if chance <= 0.0 or chance >= 1.0:
        return float(chance >= 1.0)
    odds, all_of_them = math.log(chance), math.lgamma(trials + 1)
    against = math.log1p(-chance)
    return math.fsum(
        math.exp(all_of_them - math.lgamma(n + 1) - math.lgamma(trials - n + 1) + n * odds + (trials - n) * against)
        for n in range(successes, trials + 1)
    )
