"""Which of the log sources that Braid can produce a rule speaks of, and the nearest ones when it is none."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from models.event import LogSource
from streams.detect.logsource import RuleLogSource
from streams.sources.inventory import inventory

NEAR: Final = 0.75
MAX_LISTED: Final = 12  # names that a line can take
PARTS: Final = ("product", "category", "service")


def spelled(logsource: RuleLogSource) -> str:
    """Render a rule's log source as rules write it."""
    named = ((part, getattr(logsource, part)) for part in PARTS)
    return ", ".join(f"{part} {value}" for part, value in named if value) or "any"


def misspelled_service(logsource: RuleLogSource) -> str:
    """Return a known service that one nobody lists is nearly the same as, empty for none.

    Some products have services that nobody can list; a rule on one of these is believed unless it looks misspelled.
    """
    if not (logsource.product and logsource.service):
        return ""
    known = {one.logsource.service for one in inventory() if one.logsource.product == logsource.product}
    return "" if logsource.service in known else _near(logsource.service, known)


def nearest(logsource: RuleLogSource) -> str:
    """Say what part of a log source does not exist, and which one a rule may have meant."""
    produced = [one.logsource for one in inventory()]
    wrong = _first_unknown(logsource, produced)
    if not wrong:
        return "each part of it exists, but no source produces them together"
    part, value, known = wrong
    near = _near(value, known)
    listed = f"; there is {', '.join(sorted(known))}" if len(known) <= MAX_LISTED else ""
    return f"there is no {part} {value!r}" + (f"; did you mean {near!r}?" if near else listed)


def _first_unknown(logsource: RuleLogSource, produced: list[LogSource]) -> tuple[str, str, set[str]] | None:
    """Return the first part that no source has with the parts before it, and the values that it may have."""
    left = produced
    for part in PARTS:
        value = getattr(logsource, part)
        if not value:
            continue
        known = {name for one in left for name in _values(one, part)} - {"", "*"}
        left = [one for one in left if value in _values(one, part)]
        if not left:
            return part, value, known
    return None


def _values(one: LogSource, part: str) -> tuple[str, ...]:
    if part == "category":
        return one.categories
    if part == "service":
        return (one.service, one.service.removeprefix(f"{one.product}."))
    return (one.product,)


def _near(value: str, known: Iterable[str]) -> str:
    return next(iter(get_close_matches(value, sorted(known), 1, NEAR)), "")
