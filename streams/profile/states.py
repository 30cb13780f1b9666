"""The states of one partition in memory: read when they are first asked for, written when asked to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from models.errors import InvalidRecord
from streams.profile.outputs import Evicted, Output, Relearned
from streams.profile.progress import GROUPS
from streams.profile.reports import PEERS, source_of
from streams.profile.state import Entity, Group
from streams.profile.stored import decode_entity, decode_group, decode_group_head, decode_head, encode_state

MOST_CACHED: Final = 50_000
MOST_BYTES: Final = 700_000  # of one state: its changelog takes no message beyond 1 MiB
Change = tuple[bytes, bytes | None]


class States:
    """Entities and groups by key; what cannot be read begins anew and says so."""

    __slots__ = ("_changed", "_entities", "_groups", "_stored", "kept", "open_minutes", "outputs")

    def __init__(self, stored: Mapping[bytes, bytes]) -> None:
        """Begin with what was kept, by key."""
        self._stored = stored
        self._entities: dict[bytes, Entity] = {}
        self._groups: dict[bytes, Group] = {}
        self._changed: dict[bytes, None] = {}
        self.outputs: list[Output] = []
        self.open_minutes = 0
        self.kept = 0  # keys of which anything is remembered

    def found(self, key: bytes) -> Mapping[str, int]:
        """Take note of a key that was kept; return when (ms) it next has something to close, by name."""
        self.kept += 1
        try:
            if is_group(key):
                return {GROUPS + source_of(key.decode()): decode_group_head(self._stored[key]).end}
            head = decode_head(self._stored[key])
        except InvalidRecord:
            (self.group if is_group(key) else self.entity)(key)
            return {}
        self.open_minutes += head.open_minutes
        return head.ends

    def entity(self, key: bytes) -> Entity:
        """Return the state of an entity; an empty one where there is none."""
        known = self._entities.get(key)
        if known is None:
            known = self._entities[key] = self._read_entity(key) or Entity()
        return known

    def group(self, key: bytes) -> Group:
        """Return the state of a peer group; an empty one where there is none."""
        known = self._groups.get(key)
        if known is None:
            known = self._groups[key] = self._read_group(key) or Group()
        return known

    def put_entity(self, key: bytes, state: Entity) -> None:
        """Replace the state of an entity."""
        before = self._entities.get(key, _NO_ENTITY)
        if state.open is not before.open:
            self.open_minutes += state.open_minutes - before.open_minutes
        if not (before.learned and state.learned):
            self.kept += before.empty - state.empty
        self._entities[key] = state
        self._changed[key] = None

    def put_group(self, key: bytes, state: Group) -> None:
        """Replace the state of a group."""
        self.kept += self._groups.get(key, _NO_GROUP).empty - state.empty
        self._groups[key] = state
        self._changed[key] = None

    def changes(self) -> Iterator[Change]:
        """Yield what is to be kept since the last time, once each; None where nothing is left."""
        for key in list(self._changed):
            state = self._groups[key] if is_group(key) else self._entities[key]
            yield key, None if state.empty else self._encoded(key, state)
        self._changed.clear()
        self.forget_some()

    def _encoded(self, key: bytes, state: Entity | Group) -> bytes:
        """Write a state; minutes or reports of one that no topic would take have to go, the oldest first."""
        data = encode_state(state)
        while len(data) > MOST_BYTES and state.open:
            state, cut = state.without_oldest()
            self.outputs.append(Evicted(key.decode(), cut))
            if isinstance(state, Entity):
                self.put_entity(key, state)
            else:
                self.put_group(key, state)
            data = encode_state(state)
        return data

    def forget_some(self) -> None:
        """Hold no more than MOST_CACHED states in memory; not while there is something to keep."""
        if len(self._entities) + len(self._groups) > MOST_CACHED:
            self._entities.clear()
            self._groups.clear()

    def _read_entity(self, key: bytes) -> Entity | None:
        data = self._stored.get(key)
        try:
            return None if data is None else decode_entity(data)
        except InvalidRecord as error:
            self.kept -= 1
            self.outputs.append(Relearned(key.decode(), str(error)))
            return None

    def _read_group(self, key: bytes) -> Group | None:
        data = self._stored.get(key)
        try:
            return None if data is None else decode_group(data)
        except InvalidRecord as error:
            self.kept -= 1
            self.outputs.append(Relearned(key.decode(), str(error)))
            return None


def is_group(key: bytes) -> bool:
    """Tell whether a key is that of a peer group."""
    return key.startswith(_PEERS)


_PEERS: Final = PEERS.encode()
_NO_ENTITY: Final = Entity()
_NO_GROUP: Final = Group()
