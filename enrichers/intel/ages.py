"""How old the word of each list is: a list that cannot be fetched grows old in the table, and that has to show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from enrichers.intel.layout import About

HOUR_MS: Final = 3_600_000


def hours_old(about: About, now: int) -> Mapping[str, int]:
    """Return the whole hours since each list was last had as a whole (`now` in ms); one that nobody dated is left."""
    return {name: max(0, now - as_of) // HOUR_MS for name, as_of, _ in _lists(about) if as_of}


def old_in_words(about: About, now: int) -> tuple[str, ...]:
    """Name the lists that are not as new as they should be, how old they are, and why."""
    hours = hours_old(about, now)
    return tuple(
        f"intelligence of {name} is {hours[name]} hours old: {why}"
        if as_of
        else f"intelligence of {name} missing: {why}"
        for name, as_of, why in _lists(about)
        if why
    )


def _lists(about: About) -> Iterator[tuple[str, int, str]]:
    for source in about.sources:
        as_of = source.get("as_of")
        yield str(source.get("name", "")), as_of if type(as_of) is int else 0, str(source.get("missing", ""))
