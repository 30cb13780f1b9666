"""When a request is sent again. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agents.llm.failures import NoReply


@dataclass(frozen=True, slots=True)
class Retrying:
    """How often, and after how long.

    Attributes:
        tries: Requests at most, the first included.
        first_wait_s: Bound of the wait before the second try; doubles with each.
        longest_wait_s: No bound is above this, and an endpoint that asks for more patience is given up.
    """

    tries: int = 4
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0

    def wait_s(self, number: int, failure: NoReply, jitter: Callable[[], float]) -> float | None:
        """Return how long to wait after a failed try, None when it is the last.

        Args:
            number: Of the try, from 0.
            failure: How it failed.
            jitter: Returns numbers from 0 to 1: the wait is anything up to its bound, so that many do not come at once.
        """
        if not failure.is_retried or number + 1 >= self.tries or failure.retry_after_s > self.longest_wait_s:
            return None
        bound = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(number, 16))
        return failure.retry_after_s + bound * jitter()
