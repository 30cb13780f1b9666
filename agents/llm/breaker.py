"""Leave an endpoint alone that is not well, and find out when it is again. Pure: monotonic seconds come in.

It differs from the breaker of lookups in what an investigation needs: it also opens on a share of failures among many
answers, rests longer each time, and tells its state.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal

State = Literal["closed", "open", "half_open"]
CLOSED: Final[State] = "closed"  # all requests pass
OPEN: Final[State] = "open"  # none do
HALF_OPEN: Final[State] = "half_open"  # one does, to see how the endpoint is
MAX_OUTCOMES: Final = 1000


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When a breaker opens and closes.

    Attributes:
        in_a_row: So many failures one after the other open it.
        share: So large a part of failures among the outcomes of a window opens it, from 0 to 1.
        least: Of fewer outcomes in the window, no share is taken.
        window_s: Length of the window.
        rest_s: How long it stays open first; twice as long after each trial that fails.
        longest_rest_s: It stays open no longer than this, whatever the endpoint asks for.
    """

    in_a_row: int = 5
    share: float = 0.5
    least: int = 20
    window_s: float = 120.0
    rest_s: float = 30.0
    longest_rest_s: float = 900.0


@dataclass(slots=True)
class Breaker:
    """The breaker of one endpoint: closed, open for a while, half open for one trial, then closed or open again."""

    rule: BreakerRule = BreakerRule()
    _row: int = 0
    _outcomes: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=MAX_OUTCOMES))
    _rests: int = 0
    _until: float | None = None
    _is_trying: bool = False

    def state(self, now: float) -> State:
        """Return the state at a time."""
        if self._until is None:
            return CLOSED
        return OPEN if now < self._until else HALF_OPEN

    def rests_s(self, now: float) -> float:
        """Return for how many seconds more it is open."""
        return max(0.0, self._until - now) if self._until is not None else 0.0

    def enter(self, now: float) -> bool:
        """Tell whether a request may be sent; whoever may tells its end to `succeeded`, `failed` or `abandoned`."""
        state = self.state(now)
        if state == OPEN or (state == HALF_OPEN and self._is_trying):
            return False
        self._is_trying = state == HALF_OPEN
        return True

    def succeeded(self, now: float) -> None:
        """Note an answer; after a trial, all is forgotten."""
        if self._is_trying:
            self._outcomes.clear()
            self._until, self._rests, self._is_trying = None, 0, False
        self._row = 0
        self._outcomes.append((now, False))

    def failed(self, now: float, rest_s: float = 0.0) -> None:
        """Note a failure, and for how long the endpoint asked to be left alone (s)."""
        self._row += 1
        self._outcomes.append((now, True))
        if self._is_trying or (self._until is None and self._is_too_much(now)):
            self._open(now, rest_s)

    def abandoned(self) -> None:
        """Note a request that nobody waited for to its end, or that was not sent: the next one is the trial."""
        self._is_trying = False

    def _is_too_much(self, now: float) -> bool:
        while self._outcomes and self._outcomes[0][0] <= now - self.rule.window_s:
            self._outcomes.popleft()
        count, bad = len(self._outcomes), sum(is_bad for _, is_bad in self._outcomes)
        return self._row >= self.rule.in_a_row or (count >= self.rule.least and bad >= self.rule.share * count)

    def _open(self, now: float, rest_s: float) -> None:
        rest = max(rest_s, self.rule.rest_s * 2.0 ** min(self._rests, 16))
        self._until = now + min(rest, self.rule.longest_rest_s)
        self._rests += 1
        self._is_trying = False
