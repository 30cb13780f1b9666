"""What correlation rules say in timespans and scores."""

from __future__ import annotations

from typing import Any, Final

from sigma.correlations import SigmaCorrelationTimespan
from sigma.exceptions import SigmaError

from streams.detect.values import RuleMistake

MAX_TIMESPAN_MS: Final = 366 * 86_400_000  # beyond a year nothing is remembered


def duration(value: Any, where: str) -> int:
    """Read a length of time, ms; raise RuleMistake that says where it stands when it is none."""
    try:
        return timespan_ms(where, SigmaCorrelationTimespan(str(value)))
    except SigmaError as error:
        raise RuleMistake(f"{where}: {error}") from error


def timespan_ms(where: str, timespan: SigmaCorrelationTimespan) -> int:
    """Return a timespan in ms; raise RuleMistake when it is longer than a year.

    A month (`M`) is a twelfth of a year, and a year (`y`) has 365.2425 days.
    """
    if timespan.seconds * 1000 > MAX_TIMESPAN_MS:
        raise RuleMistake(f"{where}: {timespan.spec} is longer than a year")
    return timespan.seconds * 1000


def risk_threshold(value: Any) -> int:
    """Read the risk that a sequence needs to be escalated; raise RuleMistake when it is not from 0 to 100."""
    if type(value) is not int or not 0 <= value <= 100:  # noqa: PLR2004  # a risk score is 0 to 100
        raise RuleMistake(f"braid.risk_threshold: {value!r} is not a whole number from 0 to 100")
    return value
