"""Condition trees to plain values and back: a flat list of nodes, each naming its parts by their place before it.

A part that the tree shares is written once and shared again when read. Neither direction recurses. Forms that were
decoded have the right types (`streams.detect.treeforms`); what they say may still make no sense, and is a ValueError.
"""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, Final, cast

from streams.detect import treeforms as forms
from streams.detect.comparisons import Comparison, Networks, TimePart
from streams.detect.condition import MAX_DEPTH
from streams.detect.patterns import Glob, MaskedGlob, Patterns
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
    TextTest,
    Value,
    ValueTest,
)
from streams.detect.regex import Regexes, restored_regex

_INTEGER: Final = re.compile(r"-?[0-9]+")
_NUMERIC: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
}
_TEXTUAL: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "equals": operator.eq,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operator.contains,
}
_NUMERIC_NAMES: Final = {relation: name for name, relation in _NUMERIC.items()}
_TEXTUAL_NAMES: Final = {relation: name for name, relation in _TEXTUAL.items()}


class Uncodable(ValueError):
    """Say what has no written form; a caller does without it."""


def encode_tree(root: Predicate) -> tuple[forms.NodeForm, ...]:
    """Write a tree, the root last; raise Uncodable for a condition made of something this module does not know."""
    written: list[forms.NodeForm] = []
    places: dict[int, int] = {}  # by identity: what is shared is one object, and all of them live as long as the root
    stack = [(root, False)]
    while stack:
        node, has_parts = stack.pop()
        if id(node) in places:
            continue
        if has_parts:
            places[id(node)] = len(written)
            written.append(_node_form(node, places))
        else:
            stack.append((node, True))
            stack.extend((part, False) for part in reversed(_parts(node)))
    return tuple(written)


def decode_tree(nodes: Sequence[forms.NodeForm]) -> Predicate:
    """Make the tree of decoded nodes; raise ValueError or IndexError when they are none."""
    made: list[Predicate] = []
    depths: list[int] = []
    for node in nodes:
        places = _places(node)
        depths.append(1 + max((depths[place] for place in places), default=0))
        if depths[-1] > MAX_DEPTH:
            raise ValueError(f"nests deeper than {MAX_DEPTH} levels")
        made.append(_made(node, made))
    return made[-1]


def _parts(node: Predicate) -> Sequence[Predicate]:
    match node:
        case Every() | Some():
            return node.predicates
        case Not() | Selection():
            return (node.predicate,)
    return ()


def _places(node: forms.NodeForm) -> Sequence[int]:
    match node:
        case forms.EveryForm() | forms.SomeForm():
            return node.parts
        case forms.NotForm() | forms.SelectionForm():
            return (node.part,)
    return ()


def _node_form(node: Predicate, places: Mapping[int, int]) -> forms.NodeForm:
    match node:
        case Every():
            return forms.EveryForm(tuple(places[id(part)] for part in node.predicates))
        case Some():
            return forms.SomeForm(tuple(places[id(part)] for part in node.predicates))
        case Not():
            return forms.NotForm(places[id(node.predicate)])
        case Selection():
            return forms.SelectionForm(node.name, places[id(node.predicate)])
    return _leaf_form(node)


def _leaf_form(node: Predicate) -> forms.LeafForm:
    write = _LEAF_FORMS.get(type(node))
    if write is None:
        raise Uncodable(f"a condition has a {type(node).__name__}")
    return write(node)


def _text_test_form(test: TextTest) -> forms.TextTestForm:
    match test:
        case Patterns():
            globs = tuple(_glob_form(glob) for glob in test.globs)
            return forms.PatternsForm(tuple(sorted(test.exact)), test.prefixes, test.suffixes, test.parts, globs)
        case Regexes():
            return forms.RegexesForm(tuple((regex.pattern, regex.linear) for regex in test.regexes))
        case Networks():
            return forms.NetworksForm(tuple(str(network) for network in test.networks))
    raise Uncodable(f"a text is tested by a {type(test).__name__}")


def _glob_form(glob: Glob | MaskedGlob) -> forms.GlobForm | forms.MaskForm:
    if isinstance(glob, MaskedGlob):
        return forms.MaskForm(glob.pattern.pattern)
    return forms.GlobForm(glob.head, glob.middles, glob.tail)


def _value_test_form(test: ValueTest) -> forms.ValueTestForm:
    match test:
        case Comparison():
            return forms.ComparisonForm(_numeric(test.relation), repr(test.number))
        case TimePart():
            return forms.TimePartForm(cast("forms.TimePartName", test.part), _numeric(test.relation), repr(test.number))
    raise Uncodable(f"a value is tested by a {type(test).__name__}")


def _numeric(relation: Callable[[Any, Any], bool]) -> forms.NumericName:
    return cast("forms.NumericName", _named(_NUMERIC_NAMES, relation))


def _textual(relation: Callable[[Any, Any], bool]) -> forms.TextualName:
    return cast("forms.TextualName", _named(_TEXTUAL_NAMES, relation))


def _named(names: Mapping[Callable[[Any, Any], bool], str], relation: Callable[[Any, Any], bool]) -> str:
    name = names.get(relation)
    if name is None:
        raise Uncodable(f"values are related by {relation!r:.80}")
    return name


def _made(node: forms.NodeForm, made: Sequence[Predicate]) -> Predicate:
    match node:
        case forms.SelectionForm():
            return Selection(sys.intern(node.name), made[node.part])
        case forms.EveryForm():
            return Every(_chosen(node.parts, made))
        case forms.SomeForm():
            return Some(_chosen(node.parts, made))
        case forms.NotForm():
            return Not(made[node.part])
    return _LEAVES[type(node)](node)


def _chosen(places: Iterable[int], made: Sequence[Predicate]) -> tuple[Predicate, ...]:
    return tuple([made[place] for place in places])


def _text_test(form: forms.TextTestForm) -> TextTest:
    match form:
        case forms.PatternsForm():
            globs = tuple([_glob(glob) for glob in form.globs])
            return Patterns(frozenset(form.exact), form.prefixes, form.suffixes, form.parts, globs)
        case forms.RegexesForm():
            return Regexes(tuple(restored_regex(pattern, linear) for pattern, linear in form.regexes))
        case forms.NetworksForm():
            return Networks(tuple(ip_network(text) for text in form.networks))


def _glob(form: forms.GlobForm | forms.MaskForm) -> Glob | MaskedGlob:
    if isinstance(form, forms.MaskForm):
        return MaskedGlob(re.compile(form.pattern, re.DOTALL))
    return Glob(form.head, form.middles, form.tail)


def _value_test(form: forms.ValueTestForm) -> ValueTest:
    number = int(form.number) if _INTEGER.fullmatch(form.number) else float(form.number)
    relation = _NUMERIC[form.relation]
    if isinstance(form, forms.TimePartForm):
        return TimePart(form.part, relation, number)
    return Comparison(relation, number)


_LEAF_FORMS: Final[Mapping[type, Callable[[Any], forms.LeafForm]]] = {
    FoldedText: lambda leaf: forms.FoldedForm(leaf.field, _text_test_form(leaf.test)),
    Text: lambda leaf: forms.TextForm(leaf.field, _text_test_form(leaf.test)),
    Value: lambda leaf: forms.ValueForm(leaf.field, _value_test_form(leaf.test)),
    Keywords: lambda leaf: forms.KeywordsForm(leaf.words),
    Null: lambda leaf: forms.NullForm(leaf.field),
    Exists: lambda leaf: forms.ExistsForm(leaf.field, leaf.expected),
    SameAs: lambda leaf: forms.SameForm(leaf.field, leaf.other, _textual(leaf.relation), leaf.cased),
}
_LEAVES: Final[Mapping[type, Callable[[Any], Predicate]]] = {
    forms.FoldedForm: lambda form: FoldedText(sys.intern(form.field), _text_test(form.test)),
    forms.TextForm: lambda form: Text(sys.intern(form.field), _text_test(form.test)),
    forms.ValueForm: lambda form: Value(sys.intern(form.field), _value_test(form.test)),
    forms.KeywordsForm: lambda form: Keywords(form.words),
    forms.NullForm: lambda form: Null(sys.intern(form.field)),
    forms.ExistsForm: lambda form: Exists(sys.intern(form.field), form.expected),
    forms.SameForm: lambda form: SameAs(
        sys.intern(form.field), sys.intern(form.other), _TEXTUAL[form.relation], form.cased
    ),
}
