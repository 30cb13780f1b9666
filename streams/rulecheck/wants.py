"""Say in words what one test of a rule wants, with the values it knows."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from agents.text import plain, quoted
from streams.detect.comparisons import Comparison, Networks, TimePart
from streams.detect.patterns import Glob, MaskedGlob, Patterns
from streams.detect.predicates import Exists, FoldedText, Keywords, Null, SameAs, Text, Value
from streams.detect.record import EVERYWHERE
from streams.detect.regex import Regexes

MAX_ALTERNATIVES: Final = 8  # values of a long list that are shown
_HEX: Final = re.compile(r"0x[0-9a-f]{1,64}")
_SIGNS: Final[dict[Callable[..., Any], str]] = {
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.ne: "is not",
    operator.eq: "is",
}
_RELATIONS: Final[dict[Callable[..., Any], str]] = {
    operator.eq: "equals",
    str.startswith: "begins with",
    str.endswith: "ends with",
    operator.contains: "contains",
}


def field_of(leaf: object) -> str:
    """Return the field that a test looks at, `any field` for a keyword."""
    return getattr(leaf, "field", EVERYWHERE) or "any field"


def wanted(leaf: object) -> str:
    """Say what a test wants of its field; foreign values are quoted, so that none can pass for our words."""
    match leaf:
        case FoldedText() | Text():
            cased = isinstance(leaf, Text) and isinstance(leaf.test, Patterns)
            return _text(leaf.test) + (", in this case" if cased else "")
        case Value():
            return _value(leaf.test)
        case Keywords():
            return f"contains {_either(map(quoted, leaf.words))}"
        case SameAs():
            return f"{_RELATIONS.get(leaf.relation, 'relates to')} the field {plain(leaf.other)}"
    return _presence(leaf)


def _presence(leaf: object) -> str:
    if isinstance(leaf, Exists):
        return "is there" if leaf.expected else "is not there"
    return "is absent or null" if isinstance(leaf, Null) else type(leaf).__name__


def _text(test: object) -> str:
    match test:
        case Patterns():
            return _either(_shapes(test))
        case Regexes(regexes=regexes):
            return "matches " + _either(quoted(regex.pattern) for regex in regexes)
        case Networks(networks=networks):
            return "is in " + _either(str(network) for network in networks)
    return type(test).__name__


def _shapes(patterns: Patterns) -> Iterator[str]:
    if patterns.exact:
        yield f"is {_either(map(quoted, sorted(_as_written(patterns.exact))))}"
    if "" in patterns.prefixes:
        yield "has any value"
    for verb, texts in (
        ("begins with", tuple(text for text in patterns.prefixes if text)),
        ("ends with", patterns.suffixes),
        ("contains", patterns.parts),
    ):
        if texts:
            yield f"{verb} {_either(map(quoted, texts))}"
    if patterns.globs:
        yield f"looks like {_either(map(_glob, patterns.globs))}"


def _as_written(texts: frozenset[str]) -> Iterator[str]:
    """Leave out the hexadecimal twin that every number of a rule is given."""
    decimals = {text for text in texts if text.isdecimal()}
    return (text for text in texts if not (_HEX.fullmatch(text) and str(int(text, 16)) in decimals))


def _glob(glob: Glob | MaskedGlob) -> str:
    if isinstance(glob, Glob):
        return quoted("*".join((glob.head, *glob.middles, glob.tail)))
    return f"the pattern {quoted(glob.pattern.pattern)}"


def _value(test: object) -> str:
    match test:
        case Comparison(relation=relation, number=number):
            return f"{_SIGNS.get(relation, 'relates to')} {number:g}"
        case TimePart(part=part, relation=relation, number=number):
            return f"has a time whose {part} {_SIGNS.get(relation, 'relates to')} {number:g}"
    return type(test).__name__


def _either(alternatives: Iterable[str]) -> str:
    every = list(alternatives)
    more = len(every) - MAX_ALTERNATIVES
    shown = every[:MAX_ALTERNATIVES]
    return " or ".join(shown) + (f" or {more} more" if more > 0 else "")
