"""What a member tells its peer group: a value that is new to it, or what an hour of its activity came to.

A group learns from these alone. Reports of one moment are a set: however often one comes, and in whatever order, the
group takes the same ones in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Struct

from models.anomaly.base import Finding
from models.errors import InvalidRecord
from models.feature import Ref, Tally
from models.sketch import hash64

PEERS: Final = "peers:"  # how the key of a group begins
DOTS: Final = 3  # of an IPv4 address
SHARDS: Final = 16  # groups that entities of one type without a peer group are spread over


class Report(Struct, frozen=True, array_like=True):
    """One member's word to its group.

    Attributes:
        group: Key of the group, `peers:engineering/okta`.
        end: Event time (ms) at which the member's minute, or hour, closed.
        member: Key of the entity.
        feature: Whose value is new or rare; empty where it is the hour that is told.
        value: The value.
        score: How strange the value is for the member itself.
        tally: How much of the value there was and the first event that shows it; of an hour, its first event.
        ref: Where the record behind that event is.
        finding: What the member's own model has to say of it, if it has anything.
        amounts: Of an hour, how much there was by feature.
        days: How many active days the member had learned by then.
        detector: That of a rhythm; empty for the one of new values.
        is_new: Whether the member has the value for the first time: then it may be told.
    """

    group: str
    end: int
    member: str
    feature: str
    value: str
    score: float
    tally: Tally
    ref: Ref
    finding: Finding | None = None
    amounts: dict[str, int] = {}
    days: int = 0
    detector: str = ""
    is_new: bool = False

    @property
    def name(self) -> tuple[str, str, str, str]:
        """Return what tells it from others of the same group and moment; the order in which they are taken."""
        return self.feature, self.value, self.member, self.detector

    @property
    def rank(self) -> tuple[int, tuple[str, str, str, str]]:
        """Return its place by chance, the same everywhere: which of too many are kept depends on no order."""
        return hash64(f"{self.member}\x00{self.end}\x00{self.feature}\x00{self.value}\x00{self.detector}"), self.name


@lru_cache(65_536)
def group_of(entity: str, source: str, peers: str) -> str:
    """Return the key of an entity's peer group at a source; without a group in the context, of some like it.

    Addresses that differ in the last of four numbers are like each other; of others as many as chance has it.
    """
    kind, _, value = entity.partition(":")
    net, dot, _ = value.rpartition(".")
    is_near = kind == "ip" and dot and net.count(".") == DOTS - 1
    return f"{PEERS}{peers or (f'{kind}-{net}' if is_near else f'{kind}-{hash64(entity) % SHARDS:02d}')}/{source}"


def source_of(group: str) -> str:
    """Return the source that the key of a group names."""
    return group.rpartition("/")[2]


def encode(reports: Iterable[Report]) -> bytes:
    """Write reports for the wire: MessagePack."""
    return _ENCODER.encode(list(reports))


def decode(data: bytes) -> list[Report]:
    """Read what `encode` wrote; raise InvalidRecord naming what is of the wrong shape."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRecord(f"not reports to a peer group: {error}") from error


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Report])
