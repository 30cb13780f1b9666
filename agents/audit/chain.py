"""The hash chain of the audit log: records that each hold the hash of the one before, some of them signed. Pure.

A record is `{chain, seq, prev, time, kind, data, hash}` in canonical JSON. Its hash is a SHA-256 over all the rest,
which includes the hash before it. Signed are the first record (`genesis`), one after every so many others
(`checkpoint`) and the last (`end`): a signature there covers all that came before. Each process writes a chain of its
own; its genesis names the last records it found of others, so that a chain that is cut off or gone is missed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, Self

from agents.audit.event import AuditEvent
from models.canonical import canonical, read_canonical
from models.errors import InvalidRecord
from models.fields import take, take_objects
from models.uids import sha256_hex

GENESIS, CHECKPOINT, END = "genesis", "checkpoint", "end"
SIGNED: Final = (GENESIS, CHECKPOINT, END)
NOTHING_BEFORE: Final = "0" * 64
VERSION: Final = 1
CHECKPOINT_EVERY: Final = 64
MAX_EVERY: Final = 10_000
MAX_FOLLOWED: Final = 64
CHAIN_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KIND: Final = re.compile(r"[a-z][a-z_.]{0,63}", re.ASCII)
_SIGNED_AS: Final = b"braid audit 1\n"


class Signer(Protocol):
    """Signs checkpoints."""

    def sign(self, content: bytes) -> str:
        """Return the signature as text."""
        ...


@dataclass(frozen=True, slots=True)
class Head:
    """A record of a chain, by which it can be told whether the chain still has it."""

    chain: str
    seq: int
    hash: str

    def to_json(self) -> dict[str, Any]:
        """Render."""
        return {"chain": self.chain, "seq": self.seq, "hash": self.hash}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read; raise InvalidRecord naming what is wrong."""
        head = cls(take(value, "chain", str), take(value, "seq", int), take(value, "hash", str))
        if not (CHAIN_NAME.fullmatch(head.chain) and head.seq >= 0 and _HASH.fullmatch(head.hash)):
            raise InvalidRecord("not the head of a chain")
        return head


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a chain, as it was read.

    Attributes:
        chain: Name of the chain.
        seq: Its place, from 0.
        prev: Hash of the record before it, NOTHING_BEFORE at the beginning.
        time: When it happened, ms.
        kind: What happened.
        data: What about it.
        hash: What it says its hash is.
    """

    chain: str
    seq: int
    prev: str
    time: int
    kind: str
    data: Mapping[str, Any]
    hash: str

    @property
    def body(self) -> dict[str, Any]:
        """Return all that the hash is over."""
        return {
            "chain": self.chain,
            "seq": self.seq,
            "prev": self.prev,
            "time": self.time,
            "kind": self.kind,
            "data": dict(self.data),
        }

    @property
    def head(self) -> Head:
        """Return what names it."""
        return Head(self.chain, self.seq, self.hash)

    @property
    def is_intact(self) -> bool:
        """Tell whether its hash is that of its content."""
        return sha256_hex(canonical(self.body)) == self.hash

    @property
    def signed(self) -> bytes:
        """Return what the signature of a signed record is over."""
        return _signed({**self.body, "data": {key: value for key, value in self.data.items() if key != "signature"}})


def read_record(line: bytes) -> Record:
    """Read a record; raise InvalidRecord when it is none. Whether it is intact is another question."""
    value = read_canonical(line)
    if len(value) != len(Record.__slots__):
        raise InvalidRecord("not exactly the fields of a record")
    record = Record(
        chain=take(value, "chain", str),
        seq=take(value, "seq", int),
        prev=take(value, "prev", str),
        time=take(value, "time", int),
        kind=take(value, "kind", str),
        data=take(value, "data", dict),
        hash=take(value, "hash", str),
    )
    if not (CHAIN_NAME.fullmatch(record.chain) and record.seq >= 0 and _KIND.fullmatch(record.kind)):
        raise InvalidRecord("not the record of a chain")
    if not (_HASH.fullmatch(record.prev) and _HASH.fullmatch(record.hash)):
        raise InvalidRecord("prev or hash is no SHA-256")
    return record


def followed_by(record: Record) -> tuple[Head, ...]:
    """Return the records that a genesis says were there before it; raise InvalidRecord when it does not say so."""
    return tuple(Head.from_json(item) for item in take_objects(dict(record.data), "follows"))


@dataclass(frozen=True, slots=True)
class Writer:
    """Where a chain stands; each record that is written gives the next one. Lines carry no newline.

    Attributes:
        chain: Name of the chain.
        every: Records from one signature to the next.
        seq: Place of the next record.
        prev: Hash of the last record.
        unsigned: Records since the last signature.
        ended: Whether it is closed.
    """

    chain: str
    every: int = CHECKPOINT_EVERY
    seq: int = 0
    prev: str = NOTHING_BEFORE
    unsigned: int = 0
    ended: bool = False

    def __post_init__(self) -> None:
        """Refuse, with ValueError, a name that no chain can have, and signatures that would never come."""
        if not CHAIN_NAME.fullmatch(self.chain):
            raise ValueError(f"no chain can be called {self.chain[:80]!r}: a-z, 0-9 and dashes")
        if not 1 <= self.every <= MAX_EVERY:
            raise ValueError(f"a signature comes after 1 to {MAX_EVERY} records, not after {self.every}")

    @property
    def head(self) -> Head:
        """Return the last record; of a chain that has none yet, there is none to return."""
        return Head(self.chain, self.seq - 1, self.prev)

    def begin(self, time: int, signer: Signer, follows: tuple[Head, ...] = ()) -> tuple[tuple[bytes, ...], Self]:
        """Write the genesis.

        Args:
            time: Now, ms.
            signer: Signs.
            follows: The last records known of other chains of the log; the first MAX_FOLLOWED are named.
        """
        if self.seq:
            raise ValueError(f"the chain {self.chain} has begun already")
        named = [head.to_json() for head in follows[:MAX_FOLLOWED]]
        line, after = self._signed(GENESIS, time, {"version": VERSION, "every": self.every, "follows": named}, signer)
        return (line,), after

    def append(self, event: AuditEvent, signer: Signer) -> tuple[tuple[bytes, ...], Self]:
        """Write what happened, and a checkpoint behind it when one is due.

        Raises:
            InvalidRecord: What happened has no canonical form.
        """
        if event.kind in SIGNED:
            raise ValueError(f"{event.kind} is the chain's own")
        line, after = self._next(event.kind, event.time, event.data)
        if after.unsigned < self.every:
            return (line,), after
        more, after = after.checkpoint(event.time, signer)
        return (line, *more), after

    def checkpoint(self, time: int, signer: Signer) -> tuple[tuple[bytes, ...], Self]:
        """Sign all that was written so far; nothing is written when all of it is signed."""
        if not self.unsigned:
            return (), self
        line, after = self._signed(CHECKPOINT, time, {}, signer)
        return (line,), after

    def end(self, time: int, signer: Signer) -> tuple[tuple[bytes, ...], Self]:
        """Close the chain: whoever finds no such record knows that the process was cut off, or the chain was."""
        line, after = self._signed(END, time, {}, signer)
        return (line,), replace(after, ended=True)

    def _signed(self, kind: str, time: int, data: Mapping[str, Any], signer: Signer) -> tuple[bytes, Self]:
        body = {"chain": self.chain, "seq": self.seq, "prev": self.prev, "time": time, "kind": kind, "data": data}
        line, after = self._next(kind, time, {**data, "signature": signer.sign(_signed(body))})
        return line, replace(after, unsigned=0)

    def _next(self, kind: str, time: int, data: Mapping[str, Any]) -> tuple[bytes, Self]:
        if self.ended:
            raise ValueError(f"the chain {self.chain} has ended")
        record = Record(self.chain, self.seq, self.prev, time, kind, data, "")
        if not _KIND.fullmatch(kind):
            raise InvalidRecord(f"kind: {kind[:80]!r} is no kind of record")
        found = sha256_hex(canonical(record.body))
        line = canonical({**record.body, "hash": found})
        return line, replace(self, seq=self.seq + 1, prev=found, unsigned=self.unsigned + 1)


def _signed(body: Mapping[str, Any]) -> bytes:
    return _SIGNED_AS + canonical(body)
