"""Why a model gave nothing that can be used."""

from __future__ import annotations

from typing import Final, Literal

from agents.llm.talk import Usage
from models.errors import ModelUnavailable

Kind = Literal["unsendable", "too_long", "key", "resting", "network", "busy", "broken", "status", "malformed"]
UNSENDABLE: Final[Kind] = "unsendable"  # the request is no text that can be sent
TOO_LONG: Final[Kind] = "too_long"  # the request is longer than the model reads
KEY: Final[Kind] = "key"  # there is no key, or the endpoint does not take it
RESTING: Final[Kind] = "resting"  # it failed time after time, and is left alone for a while
NETWORK: Final[Kind] = "network"  # no connection, one that broke, or no whole answer in time
BUSY: Final[Kind] = "busy"  # it asks for patience
BROKEN: Final[Kind] = "broken"  # it says that it failed
STATUS: Final[Kind] = "status"  # it declines the request
MALFORMED: Final[Kind] = "malformed"  # it answered with what is no answer
RETRIED: Final = frozenset({NETWORK, BUSY, BROKEN})
BREAKING: Final = frozenset({NETWORK, BUSY, BROKEN, MALFORMED, KEY})  # what says that the endpoint is not well


class NoReply(ModelUnavailable):
    """Say why there is no reply.

    Attributes:
        kind: One of Kind.
        status: The HTTP status, 0 when none came.
        retry_after_s: For how long the endpoint asked to be left alone, 0 when it did not.
        may_cost: Whether the model may have worked, and its work may be charged for.
        usage: What was charged for it, tokens both ways as those sent, and the requests that were sent.
    """

    def __init__(
        self, reason: str, kind: Kind, *, status: int = 0, retry_after_s: float = 0.0, may_cost: bool = False
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.status = status
        self.retry_after_s = retry_after_s
        self.may_cost = may_cost
        self.usage = Usage(tries=0)

    @property
    def is_retried(self) -> bool:
        """Tell whether another try may help."""
        return self.kind in RETRIED


def malformed(reason: str) -> NoReply:
    """Return the failure of an answer that is none; the model may have worked for it."""
    return NoReply(f"its answer is malformed: {reason}", MALFORMED, may_cost=True)
