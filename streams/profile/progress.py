"""How far minutes may be closed, at one partition of `features`: by source, for its peer groups, and for places.

- A source's minutes close as its own records say. A silent one's go on with the broker's clock.
- What members tell their groups comes from every partition; so a group's minute closes once each partition has said
  that it closed that minute for its entities.
- Where somebody was is compared over sources. It waits for all of those that are never late by more than QUICK_MS.

No mark ever goes back: what was closed stays closed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from models.errors import InvalidRecord
from models.feature import MINUTE_MS
from streams.correlate.watermark import Mark, Watermarks

PLACES: Final = ""  # the name under which what is compared over sources waits
GROUPS: Final = "peers/"  # before a source: the name under which its groups wait


class Progress(Struct, frozen=True, array_like=True):
    """How far one partition has come.

    Attributes:
        own: Event time (ms), a whole minute, up to which each source's minutes are closed.
        told: The same as each partition told it, by source and partition.
        places: Event time (ms) up to which places were compared.
    """

    own: dict[str, int] = {}
    told: dict[str, dict[int, int]] = {}
    places: int = 0

    def at(self, name: str, partitions: int) -> int:
        """Return up to when (ms) what waits under a name may be closed; 0 for nothing."""
        if name == PLACES:
            return self.places
        if name.startswith(GROUPS):
            told = self.told.get(name.removeprefix(GROUPS), {})
            return min(told.values()) if len(told) >= partitions else 0
        return self.own.get(name, 0)

    def observe(self, marks: Watermarks, quick: Collection[str] | None) -> Progress:
        """Take in how far the sources have come.

        Args:
            marks: Of all sources.
            quick: Names of the sources that comparing places waits for; None for all.
        """
        reached = {name: max(_whole(mark), self.own.get(name, 0)) for name, mark in marks.sources.items()}
        own = {**self.own, **{name: time for name, time in reached.items() if time}}
        # A source of which nothing was ever heard is known only until all of its partitions were read to their ends.
        waited_for = [time for name, time in reached.items() if quick is None or name in quick]
        places = max(self.places, min(waited_for, default=0))
        return self if (own, places) == (self.own, self.places) else Progress(own, self.told, places)

    def heard(self, partition: int, own: Mapping[str, int]) -> Progress:
        """Take in what a partition says of how far it has closed."""
        told = dict(self.told)
        for source, time in own.items():
            known = told.get(source, {})
            told[source] = {**known, partition: max(time, known.get(partition, 0))}
        return Progress(self.own, told, self.places)


def _whole(mark: Mark) -> int:
    """Return the end of the last whole minute (ms) that a source has passed."""
    reached = mark.counted if mark.silent else mark.own
    return reached - reached % MINUTE_MS


def encode(progress: Progress) -> bytes:
    """Write for storage."""
    return msgspec.msgpack.encode(progress)


def decode(data: bytes) -> Progress:
    """Read what `encode` wrote; raise InvalidRecord when it is anything else."""
    try:
        return msgspec.msgpack.decode(data, type=Progress)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRecord(f"not how far a partition has come: {error}") from error
