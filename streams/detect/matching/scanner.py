"""Find which of many literals occur in a text, in one pass over it.

Two engines, each where it is quicker (measured in deploy/docs/performance.md): an Aho-Corasick automaton for short
texts, which are hit often and whose literals change from plan to plan; Hyperscan for long ones and for whole records.

Sources: A. V. Aho and M. J. Corasick, "Efficient string matching: an aid to bibliographic search", CACM 18 (6), 1975;
X. Wang et al., "Hyperscan: a fast multi-pattern regex matcher for modern CPUs", NSDI 2019.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any, Final

from ahocorasick_rs import BytesAhoCorasick

hyperscan: Any
try:
    import hyperscan
except ImportError:  # no wheel for this platform
    hyperscan = None


Find = Callable[[bytes], Iterable[int]]
LONG_CHARS: Final = 256  # from here on Hyperscan is quicker, though it is called back for every literal it finds
EXPONENT: Final = rb"[:,\[]-?[0-9]+(?:\.[0-9]+)?[eE][-+]?[0-9]"  # a number of JSON, outside of most texts
LIKE_AN_EXPONENT: Final = rb"[0-9]e[-+]?[0-9]{1,3}[,\]}]"  # found in half the time, and in some texts
WORTH_RECORDS: Final = 1000  # that make it worth while for a search of records
WORTH_TEXTS: Final = 2  # long texts for each literal make its slow compilation worth while


class Scanner:
    """An automaton over a fixed set of literals."""

    __slots__ = ("_long", "_short", "literals")

    def __init__(self, literals: Iterable[str]) -> None:
        """Build it; an empty literal is refused with ValueError."""
        self.literals = tuple(sorted(set(literals)))
        wanted = [_bytes(literal) for literal in self.literals]
        self._short: Find = partial(_by_automaton, BytesAhoCorasick(wanted))
        self._long: Find = self._short
        if hyperscan is not None:
            self._long = _WhenWorth(self._short, partial(_finder, wanted), WORTH_TEXTS * len(wanted))

    def found(self, text: str) -> Iterable[int]:
        """Return the indices of the literals that occur in the text, each at least once."""
        return self._long(_bytes(text)) if len(text) >= LONG_CHARS else self._short(_bytes(text))


@lru_cache(maxsize=256)
def json_search(literals: tuple[str, ...]) -> Find:
    """Return a search of JSON text, ASCII in either case, for literals in lower case.

    It finds their indices, and one beyond where there is a number with an exponent: rules see that written out.
    """
    wanted = [_bytes(literal) for literal in literals]
    automaton = partial(_in_json, BytesAhoCorasick(wanted), len(wanted))
    return automaton if hyperscan is None else _WhenWorth(automaton, partial(_json_hyperscan, wanted), WORTH_RECORDS)


class _WhenWorth:
    """Search by one engine until another one's compilation is worth its time."""

    __slots__ = ("_compile", "_find", "_left")

    def __init__(self, first: Find, compile_other: Callable[[], Find], worth: int) -> None:
        """Prepare; the other engine is compiled after `worth` searches."""
        self._find = first
        self._compile = compile_other
        self._left = worth

    def __call__(self, data: bytes) -> Iterable[int]:
        if self._left >= 0:
            self._left -= 1
            if self._left < 0:
                self._find = self._compile()
        return self._find(data)


def _by_automaton(automaton: BytesAhoCorasick, data: bytes) -> set[int]:
    return {found[0] for found in automaton.find_matches_as_indexes(data, overlapping=True)}


def _json_hyperscan(wanted: list[bytes]) -> Find:
    flags = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_CASELESS
    scan = _hyperscan([*map(_escaped, wanted), LIKE_AN_EXPONENT], flags)
    scan_for_exponent, beyond = _hyperscan([EXPONENT], flags), len(wanted)
    hits: list[int] = []
    take = _taker(hits)

    def search(data: bytes) -> Iterable[int]:
        scan(data, match_event_handler=take)
        if not hits:
            return ()
        found = set(hits)
        hits.clear()
        if beyond in found:
            scan_for_exponent(data, match_event_handler=take)
            found.difference_update(() if hits else (beyond,))
            hits.clear()
        return found

    return search


def _in_json(automaton: BytesAhoCorasick, beyond: int, data: bytes) -> set[int]:
    lower = data.lower()
    found = _by_automaton(automaton, lower)
    return found | {beyond} if re.search(LIKE_AN_EXPONENT, lower) and re.search(EXPONENT, data) else found


def _finder(wanted: list[bytes]) -> Find:
    scan = _hyperscan([*map(_escaped, wanted)], hyperscan.HS_FLAG_SINGLEMATCH)

    def find(data: bytes) -> list[int]:
        hits: list[int] = []
        scan(data, match_event_handler=_taker(hits))
        return hits

    return find


def _taker(hits: list[int]) -> Callable[..., None]:
    def take(number: int, *_: Any) -> None:
        hits.append(number)

    return take


def _hyperscan(expressions: list[bytes], flags: int) -> Callable[..., Any]:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    count = len(expressions)
    database.compile(expressions=expressions, ids=list(range(count)), flags=[flags] * count)
    scan: Callable[..., Any] = database.scan
    return scan


def _escaped(literal: bytes) -> bytes:
    return "".join(f"\\x{byte:02x}" for byte in literal).encode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
