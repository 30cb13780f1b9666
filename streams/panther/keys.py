"""By which fields the entries of a rule belong together: one group key for all of them, or the reason why not.

What a rule says in pieces (these two agree on this, those two on that) is put together to values that entries share.
Braid groups the signals of a correlation by one key, so each of these values has to be in every entry, in one field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from streams.panther.model import Match, Pattern

Place = tuple[str, str]  # an entry and one of its fields
UNNAMED: Final = "match"


@dataclass(frozen=True, slots=True)
class Key:
    """The group key.

    Attributes:
        names: What its parts are called.
        fields: By entry, the field of each part.
    """

    names: tuple[str, ...]
    fields: Mapping[str, tuple[str, ...]]


class NoKey(Exception):
    """There is no one key.

    Attributes:
        line: 1-based line of what spoils it.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def key_of(pattern: Pattern) -> Key:
    """Return the group key of a pattern, without parts when its entries agree on nothing; raise NoKey otherwise."""
    shared = _shared(pattern.matches)
    for match, places in shared:
        _check(match, places, pattern)
    of_entry = {entry.uid: tuple(dict(places)[entry.uid] for _, places in shared) for entry in pattern.entries}
    return Key(tuple(match.name or UNNAMED for match, _ in shared), of_entry)


def _shared(matches: Iterable[Match]) -> list[tuple[Match, list[Place]]]:
    """Return the values that entries share, each with the first match that speaks of it and all its places."""
    found: list[tuple[Match, list[Place]]] = []
    for match in matches:
        places = list(match.fields.items())
        joined = [one for one in found if set(one[1]) & set(places)]
        first = joined[0][0] if joined else match
        union = list(dict.fromkeys(place for part in (*(known for _, known in joined), places) for place in part))
        at = found.index(joined[0]) if joined else len(found)
        found = [one for one in found if one not in joined]
        found.insert(at, (first, union))
    return found


def _check(match: Match, places: list[Place], pattern: Pattern) -> None:
    fields: dict[str, str] = {}
    for entry, field in places:
        if fields.setdefault(entry, field) != field:
            raise NoKey(
                match.line,
                f"{entry!r:.80} would need the same value in {fields[entry]!r:.80} and in {field!r:.80}; "
                "Braid takes one field of it for one part of a group key",
            )
    left = [entry.uid for entry in pattern.entries if entry.uid not in fields]
    if left:
        raise NoKey(
            match.line,
            f"{', '.join(map(repr, fields))} agree on this, but not {', '.join(map(repr, left))}; "
            "Braid groups all entries of a rule by one key",
        )
