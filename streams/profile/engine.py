"""The pure steps of the profile stage: from the states of entities and groups, and what comes, to the next states.

No step reads a clock or knows a partition. What is closed when, and in which order, `streams.profile.partition` says.
"""

from __future__ import annotations

from collections.abc import Iterable

from models.feature import Delta
from streams.profile import groups, ledger, minutes
from streams.profile.closing import Closer
from streams.profile.ledger import Ledger
from streams.profile.outputs import Observation, Output
from streams.profile.progress import GROUPS, PLACES, Progress
from streams.profile.reports import Report, source_of
from streams.profile.settings import ProfileSettings
from streams.profile.state import Entity, Group


class Profiler:
    """All steps under one set of settings. Immutable once made."""

    __slots__ = ("_closer", "_peers", "_settings", "quick")

    def __init__(self, settings: ProfileSettings) -> None:
        """Prepare."""
        self._settings = settings
        self._closer = Closer(settings)
        self._peers = groups.Peers(settings)
        self.quick = settings.quick

    def join(
        self, key: str, state: Entity, deltas: Iterable[Delta], progress: Progress, offset: int, stamp: int
    ) -> tuple[Entity, list[Output]]:
        """Take the deltas of one message and entity (`minutes.joined`)."""
        return minutes.joined(key, state, deltas, progress, offset, stamp)

    def close(self, key: str, state: Entity, name: str, end: int) -> tuple[Entity, list[Observation], list[Output]]:
        """Close what ends at a time (ms): a minute or an hour of a source, or the comparing of places."""
        if name == PLACES:
            return self._closer.places(key, state, end)
        return self._closer.source(key, state, name, end)

    def hear(self, state: Group, report: Report, progress: Progress, partitions: int) -> tuple[Group, list[Output]]:
        """Take a report to a group."""
        mark = progress.at(GROUPS + source_of(report.group), partitions)
        return groups.heard(state, report, mark)

    def group_end(self, state: Group) -> int | None:
        """Return when (ms) a group next has something to close, None when it has nothing."""
        return groups.next_end(state)

    def close_group(self, key: str, state: Group, end: int) -> tuple[Group, list[Observation]]:
        """Close the moment of a group that ends at a time (ms)."""
        return self._peers.close(key, state, end)

    def judge(
        self, state: Ledger, end: int, key: str, observations: Iterable[Observation]
    ) -> tuple[Ledger, list[Output]]:
        """Judge what was observed when a key closed, and tell of what is strange enough."""
        return ledger.judged(state, end, key, observations, self._settings)
