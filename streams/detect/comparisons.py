"""Comparisons that are not about text: numbers, addresses, parts of a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

from streams.sources import times

Relation = Callable[[float, float], bool]
MAX_ADDRESS_CHARS: Final = 64  # the longest IPv6 form with a zone
MAX_NUMBER_CHARS: Final = 40
LAST_MS: Final = 253_402_300_799_999  # the last millisecond that datetime can express
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_HEX: Final = re.compile(r"0[xX][0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compare a value with a number: `lt`, `lte`, `gt`, `gte`."""

    relation: Relation
    number: float

    def accepts(self, value: Any) -> bool:
        """Tell whether the value is a number (or the text of one) in this relation to the rule's."""
        number = number_of(value)
        return number is not None and self.relation(number, self.number)


@dataclass(frozen=True, slots=True)
class TimePart:
    """Compare one part of a time stamp, in UTC: `minute`, `hour`, `day`, `week` (ISO), `month`, `year`."""

    part: str
    relation: Relation
    number: float

    def accepts(self, value: Any) -> bool:
        """Tell whether the value is a time whose part is in this relation to the rule's number."""
        ms = times.from_any(value)
        if ms is None or ms > LAST_MS:
            return False
        moment = EPOCH + timedelta(milliseconds=ms)
        part = moment.isocalendar().week if self.part == "week" else getattr(moment, self.part)
        return self.relation(part, self.number)


@dataclass(frozen=True, slots=True)
class Networks:
    """Networks of which one has to hold the address."""

    networks: tuple[IPv4Network | IPv6Network, ...]

    def accepts(self, text: str) -> bool:
        """Tell whether the text is an address in one of the networks."""
        address = address_of(text) if len(text) <= MAX_ADDRESS_CHARS else None
        return address is not None and any(address in network for network in self.networks)


def number_of(value: Any) -> float | None:
    """Return a number for a number, a decimal or a 0x text; None for everything else."""
    if isinstance(value, int | float):
        return None if isinstance(value, bool) else value
    if not isinstance(value, str) or len(value) > MAX_NUMBER_CHARS:
        return None
    if _HEX.fullmatch(value):
        return int(value, 16)
    number = _NUMBER.fullmatch(value)
    return None if number is None else float(value) if number[1] or number[2] else int(value)


@lru_cache(maxsize=65_536)
def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address (IPv6 may have a zone), IPv4-mapped IPv6 as IPv4; None when it is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
