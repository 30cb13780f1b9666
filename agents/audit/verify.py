"""Check the chains of the audit log: every record that was altered, dropped, put elsewhere or put in is found.

What is read may come from several places, each in its own order, chains among each other: files, the topic. A place is
checked by itself; where two have the same chain, they have to have the same records.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final, Protocol

from agents.audit.chain import (
    CHECKPOINT_EVERY,
    END,
    GENESIS,
    MAX_EVERY,
    NOTHING_BEFORE,
    SIGNED,
    Head,
    Record,
    followed_by,
    read_record,
)
from agents.audit.report import (
    ALTERED,
    BROKEN,
    CUT,
    DROPPED,
    FORGED,
    FORKED,
    MISPLACED,
    UNREADABLE,
    UNSIGNED,
    Problem,
    Report,
    Unknown,
)
from models.errors import InvalidRecord

MAX_PROBLEMS: Final = 10_000
MAX_CHAINS: Final = 100_000
HASH_BYTES: Final = 32

Lines = Iterable[tuple[str, bytes]]  # where it stands, and the record


class Key(Protocol):
    """Verifies signatures."""

    def verifies(self, content: bytes, signature: str) -> bool:
        """Tell whether this is the signature of the content."""
        ...


@dataclass(slots=True)
class _Chain:
    """How far one chain has been read in one place."""

    name: str
    length: int = 0  # records, counting those that are missing
    starts: list[int] = field(default_factory=list)  # where each run of records without a gap begins
    runs: list[bytearray] = field(default_factory=list)  # the hashes of each
    every: int = CHECKPOINT_EVERY
    unsigned: int = 0
    signed_seq: int = -1
    ended: bool = False
    where: str = ""

    def add(self, seq: int, hash_: str) -> None:
        if seq > self.length or not self.runs:
            self.starts.append(seq)
            self.runs.append(bytearray())
        self.runs[-1] += bytes.fromhex(hash_)
        self.length = seq + 1

    def hash_at(self, seq: int) -> str:
        """Return the hash of a record, empty when there is none."""
        run = bisect_right(self.starts, seq) - 1
        if run < 0:
            return ""
        first = (seq - self.starts[run]) * HASH_BYTES
        return self.runs[run][first : first + HASH_BYTES].hex()

    @property
    def head(self) -> Head:
        return Head(self.name, self.length - 1, self.hash_at(self.length - 1))


def verify(
    places: Iterable[Lines],
    keys: Iterable[Key],
    known: Iterable[Head] = (),
    *,
    part: bool = False,
    tell: Callable[[int], None] = lambda _: None,
) -> Report:
    """Check all chains.

    Args:
        places: What is read, each place in its own order.
        keys: Public keys that are trusted to sign. The caller sees to it that there is one.
        known: Records that were there before: the heads that an earlier check has found, say.
        part: Whether this is a part of the log only, so that a chain that others name may lie elsewhere.
        tell: Told of how many records were read.
    """
    checking = _Checking(tuple(keys), tell)
    read = [checking.place(lines) for lines in places]
    checking.agree(read)
    checking.still_there(read, known, part=part)
    longest: dict[str, _Chain] = {}
    for chain in (chain for place in read for chain in place.values()):
        longest[chain.name] = max(longest.get(chain.name, chain), chain, key=lambda one: one.length)
    heads = tuple(chain.head for _, chain in sorted(longest.items()))
    unknown = [Unknown(name, _open(chain)) for name, chain in sorted(longest.items()) if not chain.ended]
    return Report(checking.records, heads, tuple(checking.problems), (*checking.unknown, *unknown))


def _open(chain: _Chain) -> str:
    return (
        "has no end: its process was cut off or still writes, or the rest was cut away. "
        f"It is signed up to record {chain.signed_seq}; the {chain.unsigned} behind that are only chained, "
        "and whoever may write there could have made them"
    )


@dataclass(slots=True)
class _Checking:
    """One check: what was found so far."""

    keys: tuple[Key, ...]
    tell: Callable[[int], None]
    records: int = 0
    problems: list[Problem] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    followed: list[tuple[Head, str]] = field(default_factory=list)

    def wrong(self, kind: str, chain: str, seq: int, where: str, message: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(kind, chain, seq, where, message))

    def place(self, lines: Lines) -> dict[str, _Chain]:
        """Read one place; return its chains by name."""
        chains: dict[str, _Chain] = {}
        for where, line in lines:
            self.records += 1
            self.tell(self.records)
            try:
                record = read_record(line)
            except InvalidRecord as error:
                self.wrong(UNREADABLE, "", -1, where, str(error))
                continue
            if record.chain in chains or len(chains) < MAX_CHAINS:
                self._record(record, chains.setdefault(record.chain, _Chain(record.chain)), where)
            else:
                self.wrong(UNREADABLE, record.chain, record.seq, where, f"more than {MAX_CHAINS} chains")
        for chain in chains.values():
            self._signed_in_time(chain, chain.where)
        return chains

    def _record(self, record: Record, chain: _Chain, where: str) -> None:
        intact = record.is_intact
        if not intact:
            self.wrong(ALTERED, record.chain, record.seq, where, "its content does not have its hash")
        if chain.ended or record.seq < chain.length:
            self._misplaced(record, chain, where)
            return
        if record.seq > chain.length:
            if not intact:
                return  # its number is not to be believed; what is missing shows at the next record
            self._gap(record, chain, where)
        elif record.prev != (chain.hash_at(chain.length - 1) or NOTHING_BEFORE):
            self.wrong(BROKEN, record.chain, record.seq, where, _broken(record))
        chain.add(record.seq, record.hash)
        chain.where = where
        self._signature(record, chain, where)

    def _misplaced(self, record: Record, chain: _Chain, where: str) -> None:
        if chain.hash_at(record.seq) == record.hash:
            message = "is there a second time"
        elif chain.ended and record.seq >= chain.length:
            message = "stands behind the end of its chain"
        else:
            message = f"stands behind record {chain.length - 1}"
        self.wrong(MISPLACED, record.chain, record.seq, where, message)

    def _gap(self, record: Record, chain: _Chain, where: str) -> None:
        missing = record.seq - chain.length
        last = f"{chain.length} to {record.seq - 1}" if missing > 1 else str(chain.length)
        self.wrong(DROPPED, record.chain, chain.length, where, f"before record {record.seq}, {last} is missing")
        chain.unsigned += missing

    def _signature(self, record: Record, chain: _Chain, where: str) -> None:
        """Check a signed record; of any other, that a signature is not overdue."""
        if (record.seq == 0) != (record.kind == GENESIS):
            self.wrong(BROKEN, record.chain, record.seq, where, f"the kind of record {record.seq} is {record.kind!r}")
        chain.unsigned += 1
        if record.kind not in SIGNED:
            return
        signature = record.data.get("signature")
        if not (isinstance(signature, str) and any(key.verifies(record.signed, signature) for key in self.keys)):
            first = chain.signed_seq + 1
            self.wrong(FORGED, record.chain, record.seq, where, _forged(first, record.seq))
            return
        self._signed_in_time(chain, where, late_by=1)
        chain.unsigned, chain.signed_seq, chain.ended = 0, record.seq, record.kind == END
        if record.kind == GENESIS:
            self._genesis(record, chain, where)

    def _signed_in_time(self, chain: _Chain, where: str, late_by: int = 0) -> None:
        if chain.unsigned > chain.every + late_by:
            seq = chain.signed_seq + chain.every + 1
            message = f"a signature is due after {chain.every} records, and {chain.unsigned} have none"
            self.wrong(UNSIGNED, chain.name, seq, where, message)

    def _genesis(self, record: Record, chain: _Chain, where: str) -> None:
        every: Any = record.data.get("every")
        chain.every = every if type(every) is int and 0 < every <= MAX_EVERY else CHECKPOINT_EVERY
        try:
            self.followed += [(head, where) for head in followed_by(record)]
        except InvalidRecord as error:
            self.wrong(UNREADABLE, record.chain, record.seq, where, str(error))

    def agree(self, places: list[dict[str, _Chain]]) -> None:
        """Check that places which have the same chain have the same records."""
        for one, other in combinations(places, 2):
            for name in sorted(one.keys() & other.keys()):
                self._agree(one[name], other[name])

    def _agree(self, one: _Chain, other: _Chain) -> None:
        between = f"{one.where} and {other.where}"
        seq = _first_difference(one, other)
        short, long = sorted((one, other), key=lambda chain: chain.length)
        if seq is not None:
            self.wrong(FORKED, one.name, seq, between, "two places have different records with this number")
        elif long.length - short.length > long.every:
            message = f"one place has {long.length - short.length} records more than the other"
            self.wrong(CUT, one.name, short.length, short.where, message)
        elif long.length > short.length:
            message = f"{short.where} lacks the last {long.length - short.length} records: a crash may have left it so"
            self.unknown.append(Unknown(one.name, message))

    def still_there(self, places: list[dict[str, _Chain]], known: Iterable[Head], *, part: bool) -> None:
        """Check that records which others name are there."""
        for head, by in (*self.followed, *((head, "an earlier check") for head in known)):
            chains = [place[head.chain] for place in places if head.chain in place]
            if not chains and part:
                message = f"is not here, and {by} names record {head.seq} of it"
                self.unknown.append(Unknown(head.chain, message))
            elif not any(chain.hash_at(head.seq) for chain in chains):
                self.wrong(CUT, head.chain, head.seq, by, f"the record that {by} names is gone")
            elif not any(chain.hash_at(head.seq) == head.hash for chain in chains):
                self.wrong(FORKED, head.chain, head.seq, by, f"the record that {by} names is another one")


def _broken(record: Record) -> str:
    before = f"record {record.seq - 1}" if record.seq else "the beginning"
    return f"does not follow from {before}: one of the two is not what was written"


def _forged(first: int, seq: int) -> str:
    return f"no trusted key made its signature: records {first} to {seq} may be anybody's"


def _first_difference(one: _Chain, other: _Chain) -> int | None:
    """Return the first place at which two readings of a chain have different records, None when there is none."""
    if one.starts == other.starts and len(one.runs) == 1:
        common = min(len(one.runs[0]), len(other.runs[0]))
        if one.runs[0][:common] == other.runs[0][:common]:
            return None
    for start, run in zip(one.starts, one.runs, strict=True):
        for seq in range(start, start + len(run) // HASH_BYTES):
            theirs = other.hash_at(seq)
            if theirs and theirs != one.hash_at(seq):
                return seq
    return None
