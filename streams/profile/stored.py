"""How states are kept: versioned, MessagePack, no code.

An entity's state begins with what has to be known of it without reading it all: when it next has something to close.
While something is going on it is written as it is. Of one that is quiet, as most are, feature names become numbers
(`streams.features.numbers`), tables of rows become columns, in which like stands beside like, and all is deflated.

Fields are only ever added at the end: a state that lacks some is read with these left empty. What cannot be read at
all, or is of another version, is learned anew, and that is said.
"""

from __future__ import annotations

import zlib
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, structs

from models.anomaly import rarity, seasons
from models.anomaly.baseline import Baseline
from models.anomaly.rarity import Values
from models.anomaly.travel import Travel
from models.errors import InvalidRecord
from models.feature import MINUTE_MS, Delta
from streams.features.numbers import NAMES, NUMBERS, name_of
from streams.profile.state import FORGOTTEN_MS, VERSION, Entity, Group, Learned, Spot

MOST_UNPACKED: Final = 4_000_000  # bytes; no state is larger
LEVEL: Final = 6
RAW: Final = -15  # deflate without header and checksum: Kafka has its own
Plain = list[Any]
Kind = TypeVar("Kind", bound=Struct)


class Head(Struct, frozen=True, array_like=True, gc=False):
    """What is known of a stored entity without reading it.

    Attributes:
        version: Of the form.
        offset: As `Entity`.
        stamp: As `Entity`.
        open_minutes: How many minutes are not closed yet.
        minutes: When it next has something to close, in whole minutes, by the name under which it waits.
    """

    version: int
    offset: int
    stamp: int
    open_minutes: int
    minutes: dict[str, int]

    @property
    def ends(self) -> dict[str, int]:
        """Return when (ms) it next has something to close, by the name under which it waits."""
        return {name: minute * MINUTE_MS for name, minute in self.minutes.items()}


class GroupHead(Struct, frozen=True, array_like=True, gc=False):
    """What is known of a stored group without reading it: as `Group`, its reports unread."""

    version: int
    closed: int
    open: dict[int, msgspec.Raw]

    @property
    def end(self) -> int:
        """Return when (ms) it next has something to close."""
        return min(self.open, default=self.closed + FORGOTTEN_MS)


class _Awake(Struct, frozen=True, array_like=True, gc=False):
    open: dict[str, dict[int, Delta]]
    learned: dict[str, Learned]
    waiting: tuple[Spot, ...]
    travel: Travel


class _Stored(Head, frozen=True, array_like=True, gc=False):
    body: bytes | _Awake


class _Versioned(Struct, frozen=True, array_like=True):
    version: int


def encode_state(state: Entity | Group) -> bytes:
    """Write a state."""
    if isinstance(state, Group):
        return _ENCODER.encode(state)
    minutes = {name: end // MINUTE_MS for name, end in state.ends.items()}
    is_quiet = not (state.open or state.waiting or any(one.running.end for one in state.learned.values()))
    body = _packed(state) if is_quiet else _Awake(state.open, state.learned, state.waiting, state.travel)
    return _ENCODER.encode(_Stored(VERSION, state.offset, state.stamp, state.open_minutes, minutes, body))


def decode_head(data: bytes) -> Head:
    """Read what is known of an entity without reading all of it; raises as `decode_entity`."""
    return _decoded(_HEAD, data)


def decode_group_head(data: bytes) -> GroupHead:
    """Read what is known of a group without reading all of it; raises as `decode_group`."""
    return _decoded(_GROUP_HEAD, data)


def decode_entity(data: bytes) -> Entity:
    """Read the state of an entity; raise InvalidRecord when it is not one, or of a version that is not known."""
    found = _decoded(_ENTITY, data)
    body = found.body
    if isinstance(body, bytes):
        return Entity(found.offset, found.stamp, {}, *_unpacked(tuple(found.minutes), body))
    return Entity(found.offset, found.stamp, body.open, body.learned, body.waiting, body.travel)


def decode_group(data: bytes) -> Group:
    """Read the state of a peer group; raise InvalidRecord when it is not one, or of a version that is not known."""
    return _decoded(_GROUP, data)


def _decoded(decoder: msgspec.msgpack.Decoder[Kind], data: bytes) -> Kind:
    try:
        version = _VERSION.decode(data).version
        if version != VERSION:
            raise InvalidRecord(f"a state of version {version}, expected {VERSION}")
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRecord(f"not a state of the profile stage: {error}") from error


def _packed(state: Entity) -> bytes:
    """Write what a quiet entity has learned: how many features have numbers, by source, and where it was.

    It waits for nothing but for its sources to be forgotten, so that the head has their names, in this order.
    """
    learned = [_in_columns(_plain(one)) for one in state.learned.values()]
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, RAW)
    return packer.compress(_ENCODER.encode([len(NAMES), learned, _plain(state.travel)])) + packer.flush()


def _unpacked(sources: tuple[str, ...], data: bytes) -> tuple[dict[str, Learned], tuple[Spot, ...], Travel]:
    """Read what was learned at these sources, the places that wait, and where it was."""
    try:
        known, learned, travel = _PACKED.decode(_inflated(data))
        if len(learned) != len(sources):
            raise InvalidRecord(f"a packed state of {len(learned)} sources, where {len(sources)} are named")
        found = {source: _in_rows(one, known) for source, one in zip(sources, learned, strict=True)}
        return found, (), msgspec.convert(travel, Travel)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRecord(f"not a packed state of the profile stage: {error}") from error


def _inflated(data: bytes) -> bytes:
    packer = zlib.decompressobj(RAW)
    found = packer.decompress(data, MOST_UNPACKED)
    if packer.unconsumed_tail or not packer.eof:
        raise InvalidRecord("a packed state that is cut off, or has no end")
    return found


def _plain(state: Struct) -> Plain:
    found: Plain = msgspec.to_builtins(state, builtin_types=(bytes,))
    return found


def _in_columns(plain: Plain) -> Plain:
    """Change what was learned at one source, as it is written, to numbers and columns."""
    for place, field in enumerate(plain):
        if isinstance(field, dict):
            plain[place] = {NUMBERS.get(name, name): value for name, value in field.items()}
    for place, at, width in _TABLES:
        for one in plain[place].values():
            one[at] = b"".join(one[at][column::width] for column in range(width))
    return plain


def _in_rows(plain: Plain, known: int) -> Learned:
    """Read what was learned at one source from numbers and columns."""
    named = [
        {name_of(number, known): value for number, value in field.items()} if isinstance(field, dict) else field
        for field in plain
    ]
    found = msgspec.convert(named, Learned)
    return structs.replace(
        found,
        baselines={
            name: structs.replace(one, table=_rows(one.table, seasons.WIDTH)) for name, one in found.baselines.items()
        },
        values={name: structs.replace(one, rows=_rows(one.rows, rarity.WIDTH)) for name, one in found.values.items()},
    )


def _rows(columns: bytes, width: int) -> bytes:
    height = len(columns) // width
    found = bytearray(height * width)
    for column in range(width):
        found[column::width] = columns[column * height : (column + 1) * height]
    return bytes(found)


def _place(kind: type[Struct], field: str) -> int:
    """Return where a field stands in the written form of a structure."""
    return kind.__struct_fields__.index(field) + (kind.__struct_config__.tag is not None)


# Fields of `Learned` that hold tables by feature: where they stand, where the table stands in each, how wide a row is.
_TABLES: Final = (
    (_place(Learned, "baselines"), _place(Baseline, "table"), seasons.WIDTH),
    (_place(Learned, "values"), _place(Values, "rows"), rarity.WIDTH),
)
_ENCODER: Final = msgspec.msgpack.Encoder()
_VERSION: Final = msgspec.msgpack.Decoder(_Versioned)
_HEAD: Final = msgspec.msgpack.Decoder(Head)
_ENTITY: Final = msgspec.msgpack.Decoder(_Stored)
_GROUP_HEAD: Final = msgspec.msgpack.Decoder(GroupHead)
_GROUP: Final = msgspec.msgpack.Decoder(Group)
_PACKED: Final = msgspec.msgpack.Decoder(tuple[int, list[Plain], Plain])
