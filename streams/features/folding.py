"""Fold a batch of events into deltas, and deltas into messages. In this module, pure: what reads which event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from models import ocsf_classes as classes
from models.event import Event
from models.feature import MINUTE_MS, Delta, encode_raw, encoded
from streams.features import identity, network, principals, workload
from streams.features.look import Look
from streams.features.minute import Minute
from streams.topics import partition_for

MAX_DELTAS: Final = 200  # of one message
MAX_BYTES: Final = 256 * 1024  # of one message, unless one delta alone is larger

Reader = Callable[[Look], None]
_READERS: Final[Mapping[int, tuple[Reader, ...]]] = {
    classes.AUTHENTICATION: (identity.sign_in, principals.call),
    classes.AUTHORIZE_SESSION: (identity.session, principals.call),
    classes.ACCOUNT_CHANGE: (identity.account_change, principals.call),
    classes.ENTITY_MANAGEMENT: (principals.call,),
    classes.USER_ACCESS: (identity.access_change, principals.call),
    classes.GROUP_MANAGEMENT: (identity.group_change, principals.call),
    classes.API_ACTIVITY: (principals.call,),
    classes.DATASTORE_ACTIVITY: (principals.data, principals.call),
    classes.FILE_HOSTING_ACTIVITY: (principals.data, principals.call),
    classes.NETWORK_ACTIVITY: (network.connection, workload.listener),
    classes.HTTP_ACTIVITY: (network.web,),
    classes.DNS_ACTIVITY: (network.lookup,),
    classes.RDP_ACTIVITY: (network.remote,),
    classes.SMB_ACTIVITY: (network.remote,),
    classes.SSH_ACTIVITY: (network.remote,),
    classes.PROCESS_ACTIVITY: (workload.process,),
    classes.SCRIPT_ACTIVITY: (workload.script,),
    classes.SCHEDULED_JOB: (workload.job,),
    classes.WINDOWS_SERVICE: (workload.service,),
    classes.KERNEL_EXTENSION: (workload.driver,),
    classes.FILE_ACTIVITY: (workload.file,),
    classes.APPLICATION_LIFECYCLE: (workload.application,),
}


class Counting:
    """Count the events of a batch. Holds one minute for each entity, source and minute of event time."""

    __slots__ = ("_minutes",)

    def __init__(self) -> None:
        self._minutes: dict[tuple[str, str, int], Minute] = {}

    def __len__(self) -> int:
        return len(self._minutes)

    def add(self, event: Event) -> None:
        """Count one event, enriched as far as it is going to be."""
        readers = _READERS.get(event.class_uid)
        if readers is None:
            return
        look = Look(event, self)
        for reader in readers:
            reader(look)

    def of(self, entity: str, event: Event) -> Minute:
        """Return the minute of an entity that an event is in, turned to the event."""
        at = event.time // MINUTE_MS
        key = entity, event.source, at
        minute = self._minutes.get(key)
        if minute is None:
            minute = self._minutes[key] = Minute(at)
        minute.turn(event)
        return minute

    def deltas(self) -> tuple[Delta, ...]:
        """Return what was counted, in order of entity, source and minute, and begin anew."""
        minutes, self._minutes = self._minutes, {}
        return tuple(minutes[key].delta(key[0], key[1]) for key in sorted(minutes) if not minutes[key].is_empty)


def envelopes(deltas: Iterable[Delta], partitions: int) -> Iterator[tuple[int, bytes]]:
    """Pack deltas into messages by the partition of their entity, that of its signals.

    Yields:
        Partition and value of each message, at most MAX_DELTAS deltas and MAX_BYTES in it.
    """
    of_partition: dict[int, list[Delta]] = {}
    for delta in deltas:
        of_partition.setdefault(_partition(delta.entity, partitions), []).append(delta)
    for partition in sorted(of_partition):
        for pack in _packs(map(encoded, of_partition[partition])):
            yield partition, encode_raw(pack)


def _packs(written: Iterable[msgspec.Raw]) -> Iterator[list[msgspec.Raw]]:
    pack: list[msgspec.Raw] = []
    size = 0
    for delta in written:
        length = len(memoryview(delta))
        if pack and (len(pack) == MAX_DELTAS or size + length > MAX_BYTES):
            yield pack
            pack, size = [], 0
        pack.append(delta)
        size += length
    if pack:
        yield pack


@lru_cache(65_536)
def _partition(entity: str, partitions: int) -> int:
    return partition_for(entity.encode(), partitions)
