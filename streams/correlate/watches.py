"""Correlations as they are watched at keys: which signals each needs there, and which keys can be its groups."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from models.finding import Signal
from streams.correlate.routing import EVERYTHING, group_prefixes
from streams.correlate.spec import CorrelationSpec
from streams.flood import last_time

Shape = tuple[str, ...]
_NAME: Final = re.compile("[^:=]*[:=]")


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """A correlation, and what is worked out about it once.

    Attributes:
        number: Its place in the order of all.
        spec: The correlation.
        rules: Uids of the rules that it names.
        prefixes: How the parts of its groups' keys begin.
        shape: The same, as it is known of a key.
        is_steady: Whether more signals can only make its windows hold, one by one from the left.
    """

    number: int
    spec: CorrelationSpec
    rules: frozenset[str]
    prefixes: tuple[str, ...]
    shape: Shape
    is_steady: bool

    def near(self, signals: Iterable[Signal], floor: int = -1) -> list[Signal]:
        """Return the signals that it looks at, of which something is after a time (ms)."""
        rules, is_general = self.rules, self.spec.is_general
        return [
            signal
            for signal in signals
            if (signal.analytic.uid in rules or (is_general and not signal.parts))
            and (signal.time > floor or last_time(signal) > floor)
        ]

    def fits(self, parts: tuple[str, ...]) -> bool:
        """Tell whether a key of these parts can be one of its groups."""
        if not self.prefixes:
            return parts == (EVERYTHING,)
        return len(parts) == len(self.prefixes) and all(map(str.startswith, parts, self.prefixes))


def watch_of(number: int, spec: CorrelationSpec) -> Watch:
    """Work out once what every step asks of a correlation."""
    prefixes = group_prefixes(spec)
    return Watch(number, spec, spec.watched, prefixes, _shape(prefixes or (EVERYTHING,)), spec.is_steady)


@lru_cache(maxsize=65_536)
def read_key(key: str) -> tuple[tuple[str, ...], Shape]:
    """Return the parts of a key, and its shape."""
    parts = tuple(key.split("|"))
    return parts, _shape(parts)


def _shape(parts: Iterable[str]) -> Shape:
    """Return what is before the values in the parts of a key: `host:`, `TargetUserName=`; long names by their start."""
    return tuple(found[0] if (found := _NAME.match(part)) else part for part in parts)
