"""Exceptions: filters that say who keeps them, why, and how long they hold, by the time of the event.

They stand in the `braid` map of a Sigma filter, which other tools pass over. A filter with such a map is not made part
of the condition of the rules it narrows, but kept beside it and asked of those that matched: what it takes out can then
be counted, and told by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from models.moments import MAX_MS, read_moment
from streams.detect.predicates import Predicate
from streams.detect.problems import Problems
from streams.detect.record import Record

KEY: Final = "braid"
_KEYS: Final = ("owner", "reason", "valid_from", "expires")


@dataclass(frozen=True, slots=True)
class Terms:
    """Who answers for an exception, and when it holds: from `from_ms` on, and at `to_ms` no longer.

    Raises:
        ValueError: When it never holds, or a time is outside of 1970 to 9999.

    Attributes:
        owner: Who keeps it, empty when it does not say.
        reason: Why it is there, or empty.
        from_ms: First event time, ms UTC, at which it holds; None for any.
        to_ms: First event time, ms UTC, at which it holds no longer; None for never.
    """

    owner: str = ""
    reason: str = ""
    from_ms: int | None = None
    to_ms: int | None = None

    def __post_init__(self) -> None:
        """Refuse what can never be meant."""
        if any(given is not None and not 0 <= given <= MAX_MS for given in (self.from_ms, self.to_ms)):
            raise ValueError("a date must be of the years 1970 to 9999")
        if self.from_ms is not None and self.to_ms is not None and self.from_ms >= self.to_ms:
            raise ValueError("valid_from must be before expires, or it never holds")

    def hold_at(self, time_ms: int) -> bool:
        """Tell whether they hold for an event of this time."""
        return (self.from_ms is None or self.from_ms <= time_ms) and (self.to_ms is None or time_ms < self.to_ms)


@dataclass(frozen=True, slots=True)
class RuleException:
    """An exception from one rule.

    Attributes:
        title: Title of the filter.
        condition: The filter's: what has to hold for the rule to fire all the same.
        terms: When, and who says so.
    """

    title: str
    condition: Predicate
    terms: Terms

    def excepts(self, time_ms: int, record: Record) -> bool:
        """Tell whether it takes a match on this record, at this event time, out."""
        return self.terms.hold_at(time_ms) and not self.condition.matches(record)


def is_excepted(exceptions: Iterable[RuleException], time_ms: int, record: Record) -> bool:
    """Tell whether any exception takes a rule's match on an event out.

    Args:
        exceptions: Those of the rule that matched.
        time_ms: The time of the event.
        record: The view of the event that the rule looks at.
    """
    return any(known.excepts(time_ms, record) for known in exceptions)


def read_terms(document: Mapping[str, Any], problems: Problems) -> Terms | None:
    """Read the `braid` map of a filter, None when it has none; what is wrong with it is collected."""
    if KEY not in document:
        return None
    own = document[KEY]
    if not isinstance(own, Mapping):
        problems.add(KEY, f"{KEY}: must be a map of {', '.join(_KEYS)}")
        return Terms()
    for key in own:
        if key not in _KEYS:
            problems.add(f"{KEY}.{key}", f"{KEY}: unknown key {key}; known: {', '.join(_KEYS)}")
    owner, reason = (_text(key, own, problems) for key in ("owner", "reason"))
    from_ms, to_ms = (_moment(key, own, problems) for key in ("valid_from", "expires"))
    return problems.attempt(f"{KEY}.expires", lambda: Terms(owner, reason, from_ms, to_ms), Terms())


def _text(key: str, own: Mapping[str, Any], problems: Problems) -> str:
    value = own.get(key, "")
    if key in own and (not isinstance(value, str) or not value.strip()):
        problems.add(f"{KEY}.{key}", f"{KEY}.{key}: must be a text")
    return value.strip() if isinstance(value, str) else ""


def _moment(key: str, own: Mapping[str, Any], problems: Problems) -> int | None:
    return problems.attempt(f"{KEY}.{key}", lambda: read_moment(own[key]), None) if key in own else None
