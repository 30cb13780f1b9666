"""Peer groups: what members have in common, learned from their reports alone.

A value that a member shows for the first time is the stranger, the fewer of its peers have it. An hour of a member that
is itself hardly known is compared with the hours of all. Reports of one moment are taken together once no more of them
can come, in an order that has nothing to do with the one in which they came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from msgspec import structs

from models.anomaly import baseline, beacon, peers, rarity
from models.anomaly.base import HOUR_MS, Finding, hour_of
from models.anomaly.baseline import COUNTS, Baseline
from models.anomaly.peers import GROUP, PeersConfig, PeerValues
from models.sketch import hash64
from streams.profile.cohorts import Cohorts
from streams.profile.firsts import FIRSTS, WORDS_FROM, name_of
from streams.profile.outputs import Late, Observation, Output
from streams.profile.reports import Report, source_of
from streams.profile.settings import ProfileSettings
from streams.profile.state import FORGOTTEN_MS, MAX_REPORTS, Group
from streams.profile.volumes import LEVELS, VOLUMES, WORTH

UNKNOWN: Final = Baseline()


def heard(state: Group, report: Report, mark: int) -> tuple[Group, list[Output]]:
    """Keep a report until its moment is closed.

    Args:
        state: Of the group.
        report: To the group.
        mark: Event time (ms) up to which moments are closed: what comes for one of them is late, or comes once more.
    """
    closed = max(mark, state.closed)
    if report.end <= closed:
        return state, [Late(report.group, report, closed - report.end)]
    known = state.open.get(report.end, ())
    if any(one.name == report.name for one in known):
        return state, []
    kept = (*known, report)
    if len(kept) > MAX_REPORTS:
        kept = tuple(sorted(kept, key=lambda one: one.rank)[:MAX_REPORTS])
    return structs.replace(state, open={**state.open, report.end: kept}), []


def next_end(state: Group) -> int | None:
    """Return when (ms) a group next has something to close, None when it holds nothing."""
    if state.open:
        return min(state.open)
    return None if state.empty else state.closed + FORGOTTEN_MS


class Peers:
    """The models of groups under one set of settings; holds nothing that does not follow from the states."""

    __slots__ = ("_cohorts", "_config", "_warmup_days")

    def __init__(self, settings: ProfileSettings) -> None:
        """Prepare."""
        self._cohorts = Cohorts()
        self._warmup_days = settings.warmup_days
        self._config: PeersConfig = replace(GROUP, warmup_days=settings.warmup_days)

    def close(self, key: str, state: Group, end: int) -> tuple[Group, list[Observation]]:
        """Close the moment of a group that ends at a time (ms); or forget a group of which long nothing was heard."""
        if end not in state.open:
            return Group(), []
        reports = sorted(state.open[end], key=lambda one: one.name)
        hours = [one for one in reports if not one.feature]
        values, found = self._values(source_of(key), state, [one for one in reports if one.feature])
        still_open = {at: some for at, some in state.open.items() if at != end}
        after = structs.replace(state, closed=end, open=still_open, values=values)
        if hours:
            after, more = self._hours(key, after, hours)
            found += more
        return after, found

    def _hours(self, key: str, state: Group, hours: list[Report]) -> tuple[Group, list[Observation]]:
        """Compare the hours of members that end at one moment with what is usual, and learn them."""
        watched, day = state.watched, rarity.day_of(hours[0].end)
        for one in hours:
            watched = peers.watch(watched, hash64(one.member), day, self._config)
        found = self._young(source_of(key), state.baselines, hours)
        cohort, unlike = self._cohorts.learn(key, state.cohort, state.baselines, hours)
        baselines = _taught(state.baselines, hours)
        return structs.replace(state, baselines=baselines, cohort=cohort, watched=watched), found + unlike

    def _values(
        self, source: str, group: Group, reports: Iterable[Report]
    ) -> tuple[dict[str, PeerValues], list[Observation]]:
        """Learn what members showed, and say how strange it is where they showed it for the first time."""
        found: list[Observation] = []
        known = dict(group.values)
        for one in reports:
            day = rarity.day_of(one.end)
            state, name = known.get(one.feature, PeerValues()), name_of(one.feature, one.value)
            if one.detector:
                found.append(self._rhythm(source, state, one))
                continue
            if one.is_new and one.feature in FIRSTS:
                score = peers.together(one.score, peers.score(state, name, day, group.watched, self._config))
                told = None
                if score >= WORDS_FROM:
                    theirs = peers.finding(state, name, one.value, day, group.watched, self._config)
                    told = _both(one.finding, theirs, score)
                detector = FIRSTS[one.feature].name
                found.append(_observation(detector, one, source, score, told, about=one.value))
            is_warm = group.watched.is_warm(day, self._config)
            known[one.feature] = peers.learn(state, name, hash64(one.member), day, self._config, is_warm=is_warm)
        return known, found

    def _rhythm(self, source: str, state: PeerValues, one: Report) -> Observation:
        """Say how strange a rhythm is: the more, the fewer peers know the destination."""
        name, day = name_of(one.feature, one.value), rarity.day_of(one.end)
        score = beacon.combined(one.score, peers.members(state, name, day))
        finding = None if one.finding is None else structs.replace(one.finding, score=score)
        return _observation(one.detector, one, source, score, finding, about=one.value)

    def _young(self, source: str, before: dict[str, Baseline], hours: Iterable[Report]) -> list[Observation]:
        """Compare hours of members that are hardly known themselves with those of their peers."""
        found: list[Observation] = []
        config = replace(COUNTS, warmup_days=self._warmup_days)
        for one in hours:
            if one.days >= self._warmup_days:
                continue
            for feature, amount in sorted(one.amounts.items()):
                theirs, hour = before.get(feature), hour_of(one.end - HOUR_MS)
                if theirs is None or feature not in VOLUMES:
                    continue
                score = baseline.score(UNKNOWN, hour, amount, config, theirs)
                finding = baseline.finding(UNKNOWN, hour, amount, config, theirs) if score >= WORTH else None
                found.append(_observation(VOLUMES[feature].name, one, source, score, finding, feature=feature))
        return found


def _taught(before: dict[str, Baseline], hours: Iterable[Report]) -> dict[str, Baseline]:
    """Learn the hours of members."""
    amounts: dict[tuple[int, str], list[int]] = {}
    known = dict(before)
    for one in hours:
        for feature, amount in one.amounts.items():
            if feature not in LEVELS:
                amounts.setdefault((one.end, feature), []).append(amount)
    for (end, feature), some in amounts.items():
        known[feature] = baseline.learn_all(known.get(feature, UNKNOWN), hour_of(end - HOUR_MS), some)
    return known


def _observation(
    detector: str,
    one: Report,
    source: str,
    score: float,
    finding: Finding | None,
    *,
    about: str = "",
    feature: str = "",
) -> Observation:
    name = feature or one.feature
    return Observation(detector, one.member, source, name, about, one.end, score, finding, one.tally, one.ref)


def _both(own: Finding | None, theirs: Finding, score: float) -> Finding:
    """Put what the entity's own model says and what its peers say into one."""
    if own is None:
        return structs.replace(theirs, score=score)
    return structs.replace(
        own,
        score=score,
        expected=f"{own.expected}; of peers: {theirs.expected}",
        seen=f"{own.seen}; {theirs.seen.rpartition(': ')[2]}",
        because=(*own.because, *theirs.because),
    )
