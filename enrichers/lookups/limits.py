"""How often a service is asked, and when it is left alone. Pure: whoever asks passes a monotonic time in seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

FAILURES: Final = 5
OPEN_S: Final = 60.0
LONGEST_REST_S: Final = 3600.0


class Rate(NamedTuple):
    """So many questions in so many seconds; all of them may come at once."""

    questions: int
    seconds: float


class TokenBuckets:
    """Grant questions within every rate of a service."""

    __slots__ = ("_rates", "_then", "_tokens")

    def __init__(self, rates: Iterable[Rate]) -> None:
        self._rates = tuple(rates)
        self._tokens = [float(rate.questions) for rate in self._rates]
        self._then = 0.0

    def take(self, now: float) -> float:
        """Take a question if there is one now, and return 0; else return the seconds until there is one."""
        past, self._then = max(0.0, now - self._then), max(now, self._then)
        self._tokens = [
            min(rate.questions, tokens + past * rate.questions / rate.seconds)
            for rate, tokens in zip(self._rates, self._tokens, strict=True)
        ]
        pairs = zip(self._rates, self._tokens, strict=True)
        wait = max(((1 - tokens) * rate.seconds / rate.questions for rate, tokens in pairs), default=0.0)
        if wait > _EPSILON_S:
            return wait
        self._tokens = [tokens - 1 for tokens in self._tokens]
        return 0.0


_EPSILON_S: Final = 1e-9  # what adding up fractions of tokens may be off by


class Breaker:
    """Leave a service alone that failed time after time; then let one question through to see how it is."""

    __slots__ = ("_failed", "_failures", "_open_s", "_opened", "_until")

    def __init__(self, failures: int = FAILURES, open_s: float = OPEN_S) -> None:
        self._failures = failures
        self._open_s = open_s
        self._failed = 0
        self._opened: float | None = None
        self._until = 0.0

    def allows(self, now: float) -> bool:
        """Tell whether it may be asked; when it is to be tried again, only the first who wants to know."""
        if now < self._until:
            return False
        if self._opened is None:
            return True
        if now - self._opened < self._open_s:
            return False
        self._opened = now
        return True

    def succeeded(self) -> None:
        """Note an answer."""
        self._failed, self._opened = 0, None

    def failed(self, now: float, rest_s: float = 0.0) -> None:
        """Note that there was none, and for how long the service asked to be left alone: LONGEST_REST_S at most."""
        self._failed += 1
        self._until = max(self._until, now + min(rest_s, LONGEST_REST_S))
        if self._failed >= self._failures:
            self._opened = now
