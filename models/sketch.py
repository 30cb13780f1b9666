"""How many different things there were: exact while they are few, a HyperLogLog once they are many.

Sketches join commutatively, associatively and idempotently, so that how input was cut never shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from math import log
from typing import Final, Self

from msgspec import Struct

FEW: Final = 32  # different ones that are counted exactly
INDEX_BITS: Final = 8
REGISTERS: Final = 1 << INDEX_BITS  # standard error 1.04 / 16, that is 6.5 %
_REST_BITS: Final = 64 - INDEX_BITS
_REST: Final = (1 << _REST_BITS) - 1
_ALPHA: Final = 0.7213 / (1 + 1.079 / REGISTERS)
_LINEAR_BELOW: Final = 2.5 * REGISTERS


def hash64(text: str) -> int:
    """Hash a text to 64 bits; the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


class Distinct(Struct, frozen=True, array_like=True, gc=False):
    """Count different things.

    HyperLogLog with linear counting for small numbers. Source: Flajolet, Fusy, Gandouet and Meunier, HyperLogLog: the
    analysis of a near-optimal cardinality estimation algorithm, AofA 2007.

    Attributes:
        few: Their 64-bit hashes in order, while there are at most FEW.
        registers: REGISTERS bytes from then on; else empty.
    """

    few: tuple[int, ...] = ()
    registers: bytes = b""

    @classmethod
    def of(cls, hashes: Iterable[int]) -> Self:
        """Count the different ones of 64-bit hashes."""
        known = frozenset(hashes)
        return cls(tuple(sorted(known))) if len(known) <= FEW else cls((), _registers(known))

    def joined(self, other: Distinct) -> Distinct:
        """Count what either has seen."""
        if not self.registers and not other.registers:
            new = [value for value in other.few if value not in self.few]
            return Distinct.of((*self.few, *new)) if new else self
        if self == other:
            return self
        one = self.registers or _registers(self.few)
        two = other.registers or _registers(other.few)
        return Distinct((), bytes(map(max, one, two)))

    def plus(self, value: int) -> Distinct:
        """Count one 64-bit hash; the same object where it changes nothing."""
        if self.registers:
            index, rank = value >> _REST_BITS, _REST_BITS - (value & _REST).bit_length() + 1
            return self if self.registers[index] >= rank else self.joined(Distinct((value,)))
        return self if value in self.few else Distinct.of((*self.few, value))

    @property
    def count(self) -> int:
        """Return how many there were: exact up to FEW, else with a standard error of 6.5 %."""
        if not self.registers:
            return len(self.few)
        estimate = _ALPHA * REGISTERS * REGISTERS / sum(2.0**-rank for rank in self.registers)
        empty = self.registers.count(0)
        if estimate <= _LINEAR_BELOW and empty:
            estimate = REGISTERS * log(REGISTERS / empty)
        return max(round(estimate), FEW + 1)


class Seen:
    """Take different things one by one for a `Distinct`. Changes; of bounded size."""

    __slots__ = ("_few", "_registers")

    def __init__(self) -> None:
        self._few: set[int] = set()
        self._registers: bytearray | None = None

    def add(self, value: int) -> None:
        """Take one more 64-bit hash."""
        if self._registers is not None:
            _note(self._registers, value)
            return
        self._few.add(value)
        if len(self._few) > FEW:
            self._registers = bytearray(_registers(self._few))
            self._few.clear()

    @property
    def distinct(self) -> Distinct:
        """Return what was taken so far."""
        if self._registers is None:
            return Distinct(tuple(sorted(self._few)))
        return Distinct((), bytes(self._registers))


def _registers(hashes: Iterable[int]) -> bytes:
    found = bytearray(REGISTERS)
    for value in hashes:
        _note(found, value)
    return bytes(found)


def _note(registers: bytearray, value: int) -> None:
    index, rank = value >> _REST_BITS, _REST_BITS - (value & _REST).bit_length() + 1
    registers[index] = max(registers[index], rank)
