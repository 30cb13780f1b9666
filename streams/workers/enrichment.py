"""The enrichers that ingest runs: made again, in a thread, when their files or the context topics change.

Whoever serves takes the new chain between two batches. What cannot be loaded at the start is missing on every event,
and said there, in the log and in the health endpoint; what cannot be loaded later leaves the old one in its place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from enrichers.chain import Chain
from enrichers.context.enricher import NAME as CONTEXT
from enrichers.context.enricher import ContextEnricher
from enrichers.context.loading import NOTHING, Tables
from enrichers.intel.ages import hours_old, old_in_words
from enrichers.intel.enricher import NAME as INTEL
from enrichers.intel.enricher import IntelEnricher
from streams.config import Settings
from streams.enrichment import PARTS, Made, Part, chain_of, make_open
from streams.stage import freeze_heap
from streams.workers.clients import LOG
from streams.workers.context import ContextTopics
from streams.workers.health import Health

START_SECONDS: Final = 60.0  # how long a starting worker waits for the context topics before it works without
CLOSE_SECONDS: Final = 2.0
Signature = tuple[tuple[str, int, int, int], ...]


class RunningEnrichment:
    """Keep the chain of enrichers up to date."""

    def __init__(self, settings: Settings, health: Health, topics: ContextTopics | None = None) -> None:
        """Load everything that can be loaded.

        Args:
            settings: Name the files, and how often to look at them.
            health: Told what is missing.
            topics: The context topics, None to do without.
        """
        self._settings = settings
        self._health = health
        self._topics = topics
        self._told: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        if topics is not None:
            topics.read_through(START_SECONDS)
        self._topics_changed = False
        self._built_at = time.monotonic()
        self._served: dict[str, Signature] = {part.name: self._look(part) for part in PARTS}
        self._seen = dict(self._served)
        self._made = {part.name: make_open(part, settings, self._tables()) for part in PARTS}
        self._refused: dict[str, tuple[str, ...]] = {}
        self.chain = self._chain()
        self._pending: Chain | None = None
        self._tell()
        self._thread = threading.Thread(target=self._run, name="enrichment", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """End watching."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)
        elif self._topics is not None:
            self._topics.close()

    def begin(self) -> bool:
        """Begin a batch, with the new chain where there is one; tell whether there is."""
        if self._pending is None:
            return False
        with self._lock:
            self.chain, self._pending = self._pending, None
        freeze_heap()
        return True

    def check(self) -> None:
        """Make anew what changed: what the thread does, after each look at the topics."""
        changed = [part for part in PARTS if self._has_changed(part)]
        if changed:
            for part in changed:
                self._remake(part)
            with self._lock:
                self._pending = self._chain()
        self._tell()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self._follow(self._settings.context_reload_seconds)
                if not self._ended.is_set():
                    self.check()
        finally:
            if self._topics is not None:
                self._topics.close()
            if not self._ended.is_set():  # by a fault of ours, whose traceback follows
                LOG.error("enrichers are no longer reloaded; those that are loaded go on serving")
                self._health.set(enrichment_problems=["enrichers are no longer reloaded"])

    def _follow(self, seconds: float) -> None:
        """Wait for the next look, reading the topics meanwhile."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self._ended.is_set():
            if self._topics is None or not self._topics.is_open:
                self._ended.wait(left)
            elif self._topics.poll(min(left, 1.0)):
                self._topics_changed = True
        if self._topics is not None and not self._topics.is_open and not self._ended.is_set():
            self._topics_changed |= self._topics.poll(0)

    def _has_changed(self, part: Part) -> bool:
        """Tell whether a part is to be made anew: its files changed and have settled, or its topics changed."""
        now, before = self._look(part), self._seen[part.name]
        self._seen[part.name] = now
        from_topics = part.name == CONTEXT and self._topics_changed
        return from_topics or (now == before and now != self._served[part.name])

    def _remake(self, part: Part) -> None:
        if part.name == CONTEXT:
            self._topics_changed = False
        self._served[part.name] = self._seen[part.name]
        made = make_open(part, self._settings, self._tables())
        if made.problems:
            self._refused[part.name] = made.problems
            return
        self._refused.pop(part.name, None)
        self._made[part.name] = made
        LOG.info("%s loaded anew", part.name)

    def _tables(self) -> Tables:
        return self._topics.tables() if self._topics is not None else NOTHING

    def _chain(self) -> Chain:
        return chain_of(self._made.values())

    def _tell(self) -> None:
        """Name every problem once in the log, and for as long as it stays in the health endpoint."""
        problems = [*_problems(self._made.values()), *(text for told in self._refused.values() for text in told)]
        if self._topics is not None and self._topics.problem:
            problems.append(self._topics.problem)
        for problem in problems:
            if problem not in self._told:
                LOG.error("enrichment: %s", problem)
        self._told = frozenset(problems)
        context = self._made[CONTEXT].enricher
        shared = len(context.shared) if isinstance(context, ContextEnricher) else 0
        invalid = self._topics.invalid if self._topics is not None else 0
        self._health.set(enrichment_problems=sorted(problems), context_shared_names=shared, context_invalid=invalid)
        intel = self._made[INTEL].enricher
        if isinstance(intel, IntelEnricher):
            about, now = intel.table.about, time.time_ns() // 1_000_000
            self._health.set(intel_hours=hours_old(about, now), intel_problems=old_in_words(about, now))

    def _look(self, part: Part) -> Signature:
        return tuple(_signature(path) for path in part.paths(self._settings))


def _problems(made: Iterable[Made]) -> Iterable[str]:
    return (problem for each in made for problem in each.problems)


def _signature(path: Path) -> tuple[str, int, int, int]:
    try:
        status = path.stat()
    except OSError:  # it is gone, which shows
        return str(path), 0, 0, 0
    return str(path), status.st_size, status.st_mtime_ns, status.st_ino
