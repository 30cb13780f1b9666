"""A flood: many matches of one rule in one second, folded without losing what correlations ask for.

A folded signal holds grains: how many matches of the same values there were at one millisecond, and the least uid that
one of them would have had as a signal. Windows see every grain as signals of that time, so that no answer changes, and
a sequence has the name that its earliest match gives it. Floods join commutatively and idempotently (`join`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from models.entity import PLACES, EntityKey
from models.fields import LARGEST, is_too_large
from models.uids import content_uid

SECOND_MS: Final = 1000
SEALED: Final = "*"  # part of grains that several parts were melted into; the parts stand in `seen`
SINGLE: Final = ""  # part of a grain that is one signal of its own
IDENTITY_CHARS: Final = 12


@dataclass(frozen=True, slots=True)
class Variant:
    """What matches have in common that correlations group by or count.

    Attributes:
        fields: Field names and values, sorted.
        entities: Entities the events name.
        via: Entities reached over a link, on copies.
    """

    fields: tuple[tuple[str, str], ...]
    entities: tuple[EntityKey, ...]
    via: tuple[EntityKey, ...] = ()
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Hash once: a variant is looked up for every match."""
        object.__setattr__(self, "_hash", hash((self.fields, self.entities, self.via)))

    def __hash__(self) -> int:
        """Return the hash of the values."""
        return self._hash


@dataclass(frozen=True, slots=True)
class Grain:
    """Matches of one variant at one time.

    Attributes:
        time: Event time in ms.
        uid: The least uid that one of them has as a signal.
        count: How many they are.
        variant: Their values.
        part: The part that brought them, SINGLE for a signal of its own, SEALED for what was melted down.
    """

    time: int
    uid: str
    count: int
    variant: Variant
    part: str = SINGLE

    @property
    def identity(self) -> str:
        """Return the name under which it is remembered as taken in."""
        return (self.part or self.uid)[:IDENTITY_CHARS]


@dataclass(frozen=True, slots=True)
class Flood:
    """The grains of one rule, group and second.

    Attributes:
        grains: Sorted by time and uid; at least one.
        seen: Identities of the parts and signals that were melted into its sealed grains, sorted.
    """

    grains: tuple[Grain, ...]
    seen: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """Return the uid of the earliest match's own signal."""
        return self.grains[0].uid

    @property
    def start(self) -> int:
        """Return the time of the earliest match, ms."""
        return self.grains[0].time

    @property
    def end(self) -> int:
        """Return the time of the latest match, ms."""
        return self.grains[-1].time

    @property
    def count(self) -> int:
        """Return how many matches there were."""
        return min(LARGEST, sum(grain.count for grain in self.grains))

    @property
    def part(self) -> str:
        """Name what it holds: two parts of one flood have two names, however often each is sent."""
        held = sorted({*self.seen, *(grain.identity for grain in self.grains if grain.part != SEALED)})
        return held[0] if len(held) == 1 else content_uid("parts", *held)[:IDENTITY_CHARS]


def flood_of(grains: Iterable[Grain], seen: Iterable[str] = ()) -> Flood:
    """Make a flood of grains in any order; `seen` tells of sealed ones, and goes where none is left."""
    ordered = tuple(sorted(grains, key=lambda grain: (grain.time, grain.uid, grain.part)))
    is_sealed = any(grain.part == SEALED for grain in ordered)
    return Flood(ordered, tuple(sorted(set(seen))) if is_sealed else ())


def join(floods: Iterable[Flood]) -> Flood:
    """Join floods of one rule, group and second: what several of them hold counts once.

    Of a part that reached one group over two links, every grain counts once, too, by the least way there.
    """
    held = tuple(floods)
    seen = set[str]().union(*(flood.seen for flood in held))
    alone: dict[object, Grain] = {}
    for grain in (grain for flood in held for grain in flood.grains):
        if grain.part != SEALED and grain.identity not in seen:
            place = _place(grain)
            known = alone.get(place)
            alone[place] = grain if known is None else _once(known, grain)
    return flood_of([*alone.values(), *_sealed(held)], seen)


def _place(grain: Grain) -> object:
    variant = grain.variant
    if grain.part == SINGLE:
        return grain.uid
    return grain.part, grain.time, Variant(variant.fields, variant.entities) if variant.via else variant


def _once(one: Grain, other: Grain) -> Grain:
    variant = one.variant if better_way(one.variant.via, other.variant.via) == one.variant.via else other.variant
    return replace(one, uid=min(one.uid, other.uid), count=max(one.count, other.count), variant=variant)


def better_way(one: tuple[EntityKey, ...], other: tuple[EntityKey, ...]) -> tuple[EntityKey, ...]:
    """Return by which of two ways a signal counts that came by both: by no link, else by that of a session or user."""
    return max(one, other, key=lambda way: (way[-1].type not in PLACES, way)) if one and other else ()


def _sealed(floods: tuple[Flood, ...]) -> Iterator[Grain]:
    """Yield the sealed grains of all floods but those whose parts another one has, too."""
    taken: set[str] = set()
    melted: dict[tuple[int, Variant], Grain] = {}
    for flood in sorted(floods, key=lambda flood: -len(flood.seen)):
        if flood.seen and taken.issuperset(flood.seen):
            continue
        taken.update(flood.seen)
        for grain in flood.grains:
            if grain.part == SEALED:
                place = grain.time, grain.variant
                melted[place] = melt(melted[place], grain) if place in melted else grain
    yield from melted.values()


def melt(one: Grain, other: Grain) -> Grain:
    """Melt two grains into one at the earlier one's time, with its name and values, and the count of both."""
    into = min(one, other, key=lambda grain: (grain.time, grain.uid))
    return replace(into, count=min(LARGEST, one.count + other.count), part=SEALED)


def flood_to_json(flood: Flood) -> dict[str, Any]:
    """Render a flood: variants and parts once each, a row for every grain, times relative to the earliest."""
    variants: dict[Variant, int] = {}
    parts: dict[str, int] = {}
    rows = [
        [
            grain.time - flood.start,
            grain.count,
            variants.setdefault(grain.variant, len(variants)),
            parts.setdefault(grain.part, len(parts)),
            grain.uid,
        ]
        for grain in flood.grains
    ]
    values = [[dict(v.fields), [str(e) for e in v.entities], [str(e) for e in v.via]] for v in variants]
    return {"variants": values, "parts": list(parts), "grains": rows, "seen": list(flood.seen)}


def flood_from_json(value: Any, start: int) -> Flood:
    """Read a flood that starts at `start` (ms).

    Raises:
        TypeError, KeyError, IndexError, InvalidRecord: When it is not one, or not all within one second.
    """
    variants = [_variant(row) for row in _rows(value["variants"], dict, list, list)]
    parts = _texts(value["parts"])
    grains = [
        Grain(start + _natural(offset), uid, _natural(count), variants[_natural(variant)], parts[_natural(part)])
        for offset, count, variant, part, uid in _rows(value["grains"], int, int, int, int, str)
    ]
    flood = flood_of(grains, _texts(value["seen"]))
    whole = bool(grains) and flood.start == start and flood.end // SECOND_MS == start // SECOND_MS
    if not whole or any(grain.count == 0 for grain in grains):
        raise TypeError("grains that are not of one second, from its first match on")
    return flood


def _variant(row: list[Any]) -> Variant:
    fields, entities, via = row
    pairs = tuple(sorted(fields.items()))
    _texts([text for pair in pairs for text in pair])
    return Variant(pairs, _entities(entities), _entities(via))


def _entities(texts: Any) -> tuple[EntityKey, ...]:
    return tuple(EntityKey.parse(text) for text in _texts(texts))


def _texts(values: Any) -> list[str]:
    if type(values) is not list or any(type(value) is not str for value in values):
        raise TypeError("a list of anything but texts")
    return values


def _rows(rows: Any, *kinds: type) -> Iterator[list[Any]]:
    if type(rows) is not list:
        raise TypeError(f"a {type(rows).__name__} where rows belong")
    for row in rows:
        if type(row) is not list or [type(value) for value in row] != list(kinds):
            raise TypeError(f"a row that is not of {', '.join(kind.__name__ for kind in kinds)}")
        yield row


def _natural(number: int) -> int:
    if number < 0 or is_too_large(number):
        raise TypeError(f"{number} is no count and no place")
    return number
