"""The robust seasonal baseline of what is counted by the hour: how much is usual for this entity at this hour.

Amounts are compared as logarithms. The level is shared by all hours; every hour of a working day and of the weekend
has its own distance from it, which is believed the more the oftener the hour was seen. Learned are the closed hours in
which the entity was active, each once; scored is the hour that runs, too, since an amount only grows in it. What the
last hours had too much of is expected again in the next, so that one change is not told every hour.

The level is watched by two more numbers (`models.anomaly.shifts`): one that finds a level that stays changed, and an
anchor that follows so slowly that growth by a little a day shows.

Until an entity has been known for some days its peers' baseline stands in for its own, and nothing without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import copysign, expm1, floor, hypot, inf, sqrt
from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct

from models.anomaly.base import (
    FARTHEST,
    HOUR_MS,
    MAX_HOUR,
    Finding,
    Natural,
    Reason,
    Whole,
    amount_of,
    chance,
    deviation_of,
    held_amount,
    held_hour,
    log_of,
    score_of,
    tail_score,
)
from models.anomaly.levels import CLIP, PARTS, UNIT, Level, clipped, faded, freedom_of, scale_of, taught, taught_all
from models.anomaly.seasons import (
    DAY_HOURS,
    MAX_SEEN,
    SLOTS,
    WIDTH,
    is_weekend,
    look_up,
    place_of,
    put,
    row_at,
    slot_of,
)
from models.anomaly.shifts import SHIFT, Change, ShiftConfig, Watch, watched
from models.fields import LARGEST

NAME: Final = "baseline"
Hour = Annotated[int, Meta(ge=0, le=MAX_HOUR)]
OFFSET_UNIT: Final = 256  # parts of one that the distances of hours are kept in
LEAK: Final = 0.5  # parts of a distance, lost each time its hour is seen, so that levels move and not all distances
SETTLED: Final = 4  # times an hour was seen from which on its distance is not changed by one
IN_QUESTION: Final = 0  # in place of how often a settled hour was seen: the last time it had far too much
LONG_WEEKEND_DAYS: Final = 4.0
ROUNDING: Final = 1e-6  # by which two ways of reckoning the same may differ
ORDINARY: Final = 1e-3  # what an hour may reach and still be called ordinary in words


@dataclass(frozen=True, slots=True)
class BaselineConfig:
    """How a baseline learns.

    Attributes:
        half_life_days: After so long without activity, half of what was learned is believed.
        most: Hours that the level remembers; each further one counts for one in so many.
        warmup_days: How long the peers' baseline stands in.
        season_after: Hours learned before hours of the day are told apart.
        floor: The least scale, as a logarithm: 0.2 is about 20 %.
        prior_scale: The scale of which nothing is known.
        prior_hours: How many hours of learning that guess is worth, and the peers' level, too.
        shifts: How changes of the level are found.
    """

    half_life_days: float = 30.0
    most: int = 60
    warmup_days: int = 7
    season_after: int = 12
    floor: float = 0.2
    prior_scale: float = 0.8
    prior_hours: int = 6
    shifts: ShiftConfig = field(default_factory=ShiftConfig)


COUNTS: Final = BaselineConfig()
PEAKS: Final = BaselineConfig(floor=0.05, prior_scale=0.3)  # largest entropy or length of an hour
GROUPS: Final = replace(COUNTS, most=8000)  # hours of all members of a group


class Baseline(Struct, frozen=True, array_like=True, gc=False, tag=11):
    """What is usual, per hour.

    Attributes:
        since: First hour learned; 0 when none was.
        span: Hours from there to the last one learned.
        learned: How many hours, until it can count no more.
        level: Of log(1 + amount), less the distance of the hour.
        recent: How much too much the last hours had, in 1/UNIT.
        watch: What watches the level.
        table: Distances of the hours from the level (`seasons`).
    """

    since: Hour = 0
    span: Hour = 0
    learned: Natural = 0
    level: Level = Level()
    recent: Whole = 0
    watch: Watch = Watch()
    table: Annotated[bytes, Meta(max_length=SLOTS * WIDTH)] = b""


class Expected(NamedTuple):
    """What an hour is expected to have.

    Attributes:
        centre: As log(1 + amount).
        scale: Standard deviation of it.
        freedom: Degrees of freedom of the tail.
        by_peers: Whether the peers' baseline says so.
    """

    centre: float
    scale: float
    freedom: float
    by_peers: bool = False


def is_warm(state: Baseline, hour: int, config: BaselineConfig = COUNTS) -> bool:
    """Tell whether a baseline is old enough at an hour to speak for itself."""
    return state.learned > 0 and hour - state.since >= config.warmup_days * DAY_HOURS


def expected(
    state: Baseline, hour: int, config: BaselineConfig = COUNTS, peers: Baseline | None = None
) -> Expected | None:
    """Return what is expected of an hour; None when neither the entity nor its peers are known well enough."""
    hour, theirs = held_hour(hour), None
    if peers is not None and is_warm(peers, hour, config):
        theirs = _own(peers, hour, config, with_recent=False)
    if not is_warm(state, hour, config):
        return theirs._replace(by_peers=True) if theirs else None
    own = _own(state, hour, config)
    if theirs is None:
        return own
    weight = state.level.weight / PARTS
    share = weight / (weight + config.prior_hours)
    centre = share * own.centre + (1 - share) * theirs.centre
    scale = sqrt(share * own.scale**2 + (1 - share) * theirs.scale**2)
    return Expected(centre, scale, own.freedom)


def score(
    state: Baseline, hour: int, amount: int, config: BaselineConfig = COUNTS, peers: Baseline | None = None
) -> float:
    """Score an amount in an hour, whether the hour is closed or runs; the more the amount, the more the score.

    Args:
        state: What is usual for the entity, of the hours before this one.
        hour: Event time in whole hours.
        amount: So far.
        config: As it was learned with.
        peers: The baseline of the entity's peer group, learned with GROUPS or PEAK_GROUPS.
    """
    return score_by(expected(state, hour, config, peers), amount)


def score_by(known: Expected | None, amount: int) -> float:
    """Score an amount by what was expected of its hour."""
    if known is None:
        return 0.0
    return tail_score((log_of(amount) - known.centre) / known.scale, known.freedom)


def least(known: Expected | None, wanted: float) -> float:
    """Return an amount below which none scores so much, by what was expected of its hour."""
    if known is None:
        return inf
    deviation = deviation_of(wanted, known.freedom) * (1 - ROUNDING)
    return expm1(min(known.centre + deviation * known.scale, FARTHEST)) * (1 - ROUNDING)


def finding(
    state: Baseline, hour: int, amount: int, config: BaselineConfig = COUNTS, peers: Baseline | None = None
) -> Finding:
    """Put the score of an amount into words; arguments as of `score`."""
    known = expected(state, hour, config, peers)
    speaker = peers if known is not None and known.by_peers and peers is not None else state
    of = f"at {hour % DAY_HOURS:02d}:00 UTC {'at the weekend' if is_weekend(hour) else 'on a working day'}"
    usual, most = (amount_of(known.centre), bound(known, ORDINARY)) if known else (0, 0)
    return Finding(
        model=NAME,
        score=score(state, hour, amount, config, peers),
        expected=f"about {usual:,} an hour, up to {most:,}, {of}" if known else "not known yet",
        seen=f"{held_amount(amount):,} an hour, {of}",
        since=speaker.since * HOUR_MS,
        learned=speaker.learned,
        because=(Reason(f"{times(amount, usual)} times the usual", 1.0),),
        by_peers=speaker is not state,
    )


def bound(known: Expected, probability: float) -> int:
    """Return the largest amount of an hour that is at least so probable."""
    wanted, low, high = score_of(probability), 0.0, 50.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if tail_score(middle, known.freedom) < wanted else (low, middle)
    return amount_of(known.centre + low * known.scale)


def times(amount: int, usual: int) -> str:
    """Say how many times the usual an amount is."""
    return f"{(held_amount(amount) + 1) / (usual + 1):,.1f}"


def learn(state: Baseline, hour: int, amount: int, config: BaselineConfig = COUNTS) -> tuple[Baseline, Change | None]:
    """Learn a closed hour in which the entity was active; 0 is an amount, too.

    Returns:
        The next state, and the change of level that this hour makes sure of, told once, if there is one.
    """
    hour, number = held_hour(hour), log_of(amount)
    if not state.learned:
        first = taught(Level(), number, config.most, config.floor, hour)
        return Baseline(hour, 0, 1, first, 0, Watch(anchor=first.mean)), None
    days = max(hour - state.since - state.span, 0) / DAY_HOURS
    old = _aged(state.level, days, config)
    scale = scale_of(old, config.floor)
    table, slot = state.table, slot_of(hour)
    at = place_of(table, slot)
    seen, kept = row_at(table, at)
    off = number - old.mean / UNIT - _distance(seen, kept)
    level = taught(old, old.mean / UNIT + off, config.most, config.floor, hour)
    recent = floor(clipped(state.recent / UNIT / 2 + off / 2, FARTHEST) * UNIT)
    is_sure = is_warm(state, hour, config) and state.learned > 2 * config.season_after
    watch, change = watched(state.watch, level, recent, off / scale, days, is_sure, config.shifts)
    if change is not None and change.kind == SHIFT:
        level, recent = Level(min(level.weight, config.prior_hours * PARTS), change.after, level.spread), 0
    if state.learned >= config.season_after:
        seen, kept = _told_apart(hour, seen, kept, number - level.mean / UNIT, scale)
        table = put(table, at, slot, seen, kept)
    span, learned = max(state.span, hour - state.since), min(state.learned + 1, LARGEST)
    return Baseline(state.since, span, learned, level, recent, watch, table), change


def learn_all(state: Baseline, hour: int, amounts: Sequence[int], config: BaselineConfig = GROUPS) -> Baseline:
    """Learn the same closed hour of several members of a group, none of them before another.

    How far the hour lies from the level is learned from their mean, as one hour. Nobody watches a group's level.

    Args:
        state: What is usual for members.
        hour: Event time in whole hours.
        amounts: Of each member that was active, at least one.
        config: How a group's baseline learns.
    """
    hour, numbers = held_hour(hour), [log_of(amount) for amount in amounts]
    known = state if state.learned else Baseline(hour)
    old = _aged(known.level, max(hour - known.since - known.span, 0) / DAY_HOURS, config)
    table, slot = known.table, slot_of(hour)
    at = place_of(table, slot)
    seen, kept = row_at(table, at)
    distance = _distance(seen, kept)
    level = taught_all(old, [number - distance for number in numbers], config.most, config.floor, hour)
    if known.learned >= config.season_after:
        middle = sum(numbers) / len(numbers)
        seen, kept = _told_apart(hour, seen, kept, middle - level.mean / UNIT, scale_of(old, config.floor))
        table = put(table, at, slot, seen, kept)
    span, learned = max(known.span, hour - known.since), min(known.learned + len(numbers), LARGEST)
    return Baseline(known.since, span, learned, level, 0, Watch(), table)


def change_finding(state: Baseline, hour: int, change: Change) -> Finding:
    """Put a change of level into words; the state is the one before `learn` told of it."""
    before, after = amount_of(change.before / UNIT), amount_of(change.after / UNIT)
    days = max(hour - state.since, 0) // DAY_HOURS
    how = "and stays there" if change.kind == SHIFT else f"a little at a time, in {days} days"
    return Finding(
        model=f"{NAME}-{change.kind}",
        score=change.score,
        expected=f"about {before:,} an hour",
        seen=f"about {after:,} an hour, {how}",
        since=state.since * HOUR_MS,
        learned=state.learned,
        because=(Reason(f"{times(after, before)} times the usual", 1.0),),
    )


def _own(state: Baseline, hour: int, config: BaselineConfig, *, with_recent: bool = True) -> Expected:
    old = _aged(state.level, max(hour - state.since - state.span, 0) / DAY_HOURS, config)
    weight = old.weight / PARTS
    distance = _distance(*look_up(state.table, slot_of(hour)))
    recent = max(state.recent, 0) / UNIT if with_recent else 0.0
    unsure = config.prior_hours / (weight + config.prior_hours)
    scale = hypot(scale_of(old, config.floor), unsure * config.prior_scale)
    return Expected(old.mean / UNIT + distance + recent, scale, freedom_of(weight))


def _aged(level: Level, idle_days: float, config: BaselineConfig) -> Level:
    """Return the level after some days without activity; nights and weekends are none."""
    return level if idle_days <= LONG_WEEKEND_DAYS else faded(level, 0.5 ** (idle_days / config.half_life_days))


def _distance(seen: int, kept: int) -> float:
    """Return how far an hour lies from the level, believed by how often it was seen; one in question still is."""
    return kept / OFFSET_UNIT * (seen * seen / (seen * seen + 1) if seen else 1.0)


def _told_apart(hour: int, seen: int, kept: int, distance: float, scale: float) -> tuple[int, int]:
    """Return the row of an hour that has learned how far it lay from the level.

    A settled hour that has far too much is in question: when it has so again the next time, that is how it is now, as
    when a job is moved. Otherwise too much moves it a little, and too little by its share.
    """
    most = CLIP * scale * OFFSET_UNIT
    apart, is_in_question = distance * OFFSET_UNIT - kept, seen == IN_QUESTION and kept != 0
    if apart > most and seen >= SETTLED:
        return IN_QUESTION, kept
    if apart > most and is_in_question:
        return SETTLED, round(distance * OFFSET_UNIT)
    seen = SETTLED if is_in_question else seen
    part = min(apart, most) / min(seen + 1, MAX_SEEN)
    return seen + 1, floor(kept - copysign(LEAK, kept) + part + chance(hour, seen))
