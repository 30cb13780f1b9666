"""What a correlation rule says in timespans, and what it says to Braid alone, under `braid`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sigma.correlations import SigmaCorrelationTimespan
from sigma.exceptions import SigmaError

from streams.detect.values import RuleMistake

MAX_TIMESPAN_MS: Final = 366 * 86_400_000  # beyond a year nothing is remembered


def own_settings(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the `braid` map of a rule; raise RuleMistake when it is none, or has a key that means nothing."""
    own = document.get("braid", {})
    if not isinstance(own, Mapping):
        raise RuleMistake("braid: must be a map")
    unknown = set(own) - {"cooldown", "risk_threshold"}
    if unknown:
        raise RuleMistake(f"braid: unknown key {', '.join(sorted(map(str, unknown)))}; known: cooldown, risk_threshold")
    return own


def duration(value: Any) -> int:
    """Read the cooldown, ms; raise RuleMistake when it is no timespan."""
    try:
        return timespan_ms("braid.cooldown", SigmaCorrelationTimespan(str(value)))
    except SigmaError as error:
        raise RuleMistake(f"braid.cooldown: {error}") from error


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
