"""Condition trees and records as hypothesis makes them: every kind of node, every kind of test."""

from __future__ import annotations

import operator
from ipaddress import ip_network
from typing import Any

from hypothesis import strategies as st

from streams.detect.comparisons import Comparison, Networks, TimePart
from streams.detect.patterns import ANY, ONE, compile_patterns
from streams.detect.predicates import (
    Every,
    Exists,
    FoldedText,
    Keywords,
    Not,
    Null,
    Predicate,
    SameAs,
    Selection,
    Some,
    Text,
    Value,
)
from streams.detect.regex import Regexes, compile_regex

FIELDS = ("a", "b", "c.d")
TIMES = ("minute", "hour", "day", "week", "month", "year")
fields = st.sampled_from(FIELDS)
texts = st.text("aAb*?.\\\x00\u00e9\U0001f980 \"'", max_size=6)
tokens = st.lists(st.one_of(texts, st.sampled_from([ANY, ONE])), max_size=5)
patterns = st.lists(tokens, max_size=6).map(compile_patterns)
sources = st.sampled_from(["a+b", "(a|b)", "^a.b$", "", "[ab]{1,3}\u00e9?"])
regex = st.builds(
    compile_regex, sources, st.sampled_from(["", "i", "ms"]), at_start=st.booleans(), at_end=st.booleans()
)
regexes = st.lists(regex, min_size=1, max_size=3).map(lambda found: Regexes(tuple(found)))
ranges = st.sampled_from(["198.51.100.0/24", "203.0.113.7/32", "2001:db8::/32", "::/0"]).map(ip_network)
networks = st.lists(ranges, min_size=1, max_size=3).map(lambda found: Networks(tuple(found)))
numbers = st.one_of(st.integers(-(10**64), 10**64), st.floats(allow_nan=False))
orders = st.sampled_from([operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
likeness = st.sampled_from([operator.eq, str.startswith, str.endswith, operator.contains])
leaves: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(FoldedText, fields, patterns),
    st.builds(Text, fields, st.one_of(patterns, regexes, networks)),
    st.builds(Value, fields, st.builds(Comparison, orders, numbers)),
    st.builds(Value, fields, st.builds(TimePart, st.sampled_from(TIMES), orders, numbers)),
    st.builds(Keywords, st.lists(texts, max_size=3).map(tuple)),
    st.builds(Null, fields),
    st.builds(Exists, fields, st.booleans()),
    st.builds(SameAs, fields, fields, likeness, st.booleans()),
)


def _larger(parts: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    several = st.lists(parts, max_size=3)
    shared = st.tuples(parts, st.integers(2, 3)).map(lambda given: [given[0]] * given[1])
    joined = st.one_of(several, shared).map(tuple)
    return st.one_of(
        joined.map(Every), joined.map(Some), parts.map(Not), st.builds(Selection, st.sampled_from(("s1", "s2")), parts)
    )


trees = st.recursive(leaves, _larger, max_leaves=12)
values: st.SearchStrategy[Any] = st.one_of(
    texts, st.integers(-9, 9), st.none(), st.booleans(), st.sampled_from(["198.51.100.9", "2026-05-01T09:30:00Z"])
)
records = st.dictionaries(fields, st.one_of(values, st.lists(values, max_size=3)), max_size=3)
