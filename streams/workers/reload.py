"""Rules without a restart: watch their files, load them in a thread, hand the new set over when it is ready.

Whoever serves takes the new set between two pieces of work. Until then, and when the new set is refused, the old one
serves. What is wrong with a rule leaves that rule out and is told once; only where rules cannot be read at all, or a
pipeline is wrong, is the whole set refused.
"""

from __future__ import annotations

import os
import signal as os_signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from models.errors import ConfigError, RuleProblem
from streams.config import Settings
from streams.detect.loader import rule_files
from streams.rulebook import Rulebook
from streams.rulebook.configured import configured_rulebook
from streams.workers.clients import LOG
from streams.workers.health import Health

SETTLE_SECONDS: Final = 0.25  # between two looks at files that somebody may still be writing
SETTLE_LOOKS: Final = 20
CLOSE_SECONDS: Final = 2.0  # a set that is being compiled just then is not waited for
T = TypeVar("T")
Signature = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """One rule set, ready to serve.

    Attributes:
        rulebook: The rules.
        made: What the worker makes of them.
    """

    rulebook: Rulebook
    made: T


class Reloader(Generic[T]):
    """Keep what a worker makes of its rules up to date with their files."""

    def __init__(self, settings: Settings, health: Health, make: Callable[[Rulebook], T]) -> None:
        """Prepare.

        Args:
            settings: Name the rules, and how often to look at them.
            health: Told what is served.
            make: Makes of a rulebook what the worker needs; runs in the thread.
        """
        self._settings = settings
        self._health = health
        self._make = make
        self._told: frozenset[RuleProblem] = frozenset()
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._pending: Loaded[T] | None = None
        self._seen: Signature = {}
        self._readable: frozenset[Path] = frozenset()
        self._latest = Rulebook((), (), ())
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)

    def load(self) -> Loaded[T]:
        """Load the rules for the first time; raise ConfigError when a pipeline or another setting is wrong."""
        self._seen, self._readable = self._look(), self._can_read()
        self._latest = configured_rulebook(self._settings)
        self._tell(self._latest)
        loaded = Loaded(self._latest, self._make(self._latest))
        self._report(self._latest)
        self._health.set(rules_refused="")
        return loaded

    def start(self) -> Reloader[T]:
        """Begin to watch; take over SIGHUP of this process, which reloads at once. For the main thread.

        On a terminal SIGHUP keeps its meaning, which is that the terminal is gone.
        """
        if not os.isatty(0):
            os_signal.signal(os_signal.SIGHUP, lambda _number, _frame: self.ask())
        self._thread.start()
        return self

    def ask(self) -> None:
        """Reload now, whether or not a file changed."""
        self._wake.set()

    def close(self) -> None:
        """End watching; what was not taken is dropped."""
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)

    def take(self) -> Loaded[T] | None:
        """Return the new set when there is one that was not taken; from then on it is said to serve."""
        if self._pending is None:  # a look without the lock: this is asked between any two records
            return None
        with self._lock:
            taken, self._pending = self._pending, None
        if taken is not None:
            self._report(taken.rulebook)
        return taken

    def check(self, *, asked: bool = False) -> None:
        """Load the rules anew when their files changed, or when it was asked for: what the thread does."""
        if asked or self._changed():
            self._load()

    def _run(self) -> None:
        seconds = self._settings.rules_reload_seconds or None
        try:
            while not self._ended.is_set():
                asked = self._wake.wait(seconds)
                self._wake.clear()
                if not self._ended.is_set():
                    self.check(asked=asked)
        finally:
            if not self._ended.is_set():  # by a fault of ours, whose traceback follows
                LOG.error("rules are no longer reloaded; those that are loaded go on serving")
                self._health.set(rules_refused="rules are no longer reloaded")

    def _changed(self) -> bool:
        """Tell whether files changed, once they have settled."""
        before = self._look()
        if before == self._seen:
            return False
        for _ in range(SETTLE_LOOKS):
            if self._ended.wait(SETTLE_SECONDS):
                return False
            now = self._look()
            if now == before:
                break
            before = now
        return True

    def _load(self) -> None:
        self._seen = self._look()
        readable = self._can_read()
        gone = self._readable - readable
        if gone or not readable:
            names = ", ".join(str(path) for path in sorted(gone or self._settings.rule_paths))
            self._refuse(f"cannot be read: {names}")
            return
        try:
            rulebook = configured_rulebook(self._settings)
            self._tell(rulebook)
            if rulebook != self._latest or rulebook.digests != self._latest.digests:
                self._hand_over(Loaded(rulebook, self._make(rulebook)))
        except ConfigError as error:
            self._refuse(str(error))
            return
        self._readable = readable
        self._health.set(rules_refused="")

    def _hand_over(self, loaded: Loaded[T]) -> None:
        self._latest = loaded.rulebook
        with self._lock:
            self._pending = loaded
        LOG.info("rules loaded anew: %s", _summary(loaded.rulebook))

    def _refuse(self, reason: str) -> None:
        LOG.error("rules are not loaded anew, those that are loaded go on serving: %s", reason)
        self._health.set(rules_refused=reason)

    def _tell(self, rulebook: Rulebook) -> None:
        """Name every problem once, for as long as it stays."""
        for problem in rulebook.problems:
            if problem not in self._told:
                LOG.error("rule left out: %s", problem)
        for remark in rulebook.remarks:
            LOG.warning("%s", remark)
        self._told = frozenset(rulebook.problems)

    def _report(self, rulebook: Rulebook) -> None:
        self._health.set(
            rules_loaded=len(rulebook.detections) + len(rulebook.correlations),
            rules_problems=len(rulebook.problems),
            rules_digest=rulebook.digest,
            rules_loaded_ms=int(time.time() * 1000),
        )

    def _look(self) -> Signature:
        return signature((*self._settings.rule_paths, *self._settings.rule_pipelines))

    def _can_read(self) -> frozenset[Path]:
        return frozenset(path for path in self._settings.rule_paths if os.access(path, os.R_OK))


def signature(paths: Iterable[Path]) -> Signature:
    """Return what shows that one of the rule files changed: size, times of change and inode of each, by path."""
    found = {}
    for file in rule_files(paths):
        try:
            status = file.stat()
        except OSError:  # it is gone, which shows
            continue
        found[str(file)] = status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
    return found


def _summary(rulebook: Rulebook) -> str:
    found = f"{len(rulebook.detections)} detections, {len(rulebook.correlations)} correlations"
    return f"{found}, {len(rulebook.problems)} problems, digest {rulebook.digest}"
