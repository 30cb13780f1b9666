"""From one detection item as pySigma parsed it (field, modifiers, values) to a predicate."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from sigma.conditions import ConditionAND
from sigma.modifiers import (
    SigmaCaseSensitiveModifier,
    SigmaEndswithModifier,
    SigmaExpandModifier,
    SigmaModifier,
    SigmaRegularExpressionFlagModifier,
    SigmaRegularExpressionModifier,
    SigmaStartswithModifier,
)
from sigma.rule import SigmaDetectionItem
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
)

from streams.detect.comparisons import Comparison, Networks, TimePart
from streams.detect.patterns import ANY, Patterns, Token, compile_patterns
from streams.detect.predicates import (
    Exists,
    FoldedText,
    Keywords,
    Not,
    Null,
    Predicate,
    SameAs,
    Text,
    Value,
    every,
    some,
)
from streams.detect.record import EVERYWHERE
from streams.detect.regex import Regex, Regexes, compile_regex

Placeholders = Mapping[str, tuple[str, ...]]
_OPERATORS: Final[Mapping[CompareOperators, Callable[[float, float], bool]]] = {
    CompareOperators.LT: operator.lt,
    CompareOperators.LTE: operator.le,
    CompareOperators.GT: operator.gt,
    CompareOperators.GTE: operator.ge,
    CompareOperators.NEQ: operator.ne,
}
_RELATIONS: Final[Mapping[tuple[bool, bool], Callable[[str, str], bool]]] = {
    (False, False): operator.eq,
    (True, False): str.startswith,
    (False, True): str.endswith,
    (True, True): operator.contains,
}
_FLAGS: Final = SigmaRegularExpression.sigma_to_re_flag
PERCENT: Final = "\ufffe"  # a noncharacter: stands for an escaped `%` until placeholders are filled in
_PLACEHOLDER: Final = re.compile(r"%([^%\\]+)%")


class RuleMistake(ValueError):
    """Say what the author of a rule has to mend; caught where the rule's place is known."""


class PlacedMistake(RuleMistake):
    """Say it of one key of a section.

    Attributes:
        key: The key.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class _Item:
    """What all values of one detection item share.

    Attributes:
        field: The field, EVERYWHERE for keywords.
        modifiers: The modifiers in use.
        placeholders: Values for `expand`.
    """

    field: str
    modifiers: frozenset[type[SigmaModifier[Any, Any]]]
    placeholders: Placeholders

    @property
    def cased(self) -> bool:
        return SigmaCaseSensitiveModifier in self.modifiers

    @property
    def at_start(self) -> bool:
        return SigmaStartswithModifier in self.modifiers

    @property
    def at_end(self) -> bool:
        return SigmaEndswithModifier in self.modifiers

    @property
    def anchored(self) -> bool:
        """Tell whether a keyword is to be tried at the start or end of a value, not anywhere in it."""
        return self.at_start or self.at_end


def compile_item(source: SigmaDetectionItem, placeholders: Placeholders) -> Predicate:
    """Compile one detection item.

    Args:
        source: The item, its modifiers applied by pySigma.
        placeholders: Values for `expand`, by placeholder name.

    Raises:
        RuleMistake: For what cannot be evaluated, such as a placeholder nobody gave values for.
    """
    item = _Item(source.field or EVERYWHERE, frozenset(source.modifiers), placeholders)
    is_regex = bool(source.value) and all(isinstance(value, SigmaRegularExpression) for value in source.value)
    predicate = _searched(source, item) if is_regex else _compared(source, item)
    return Not(predicate) if source.negated else predicate


def _searched(source: SigmaDetectionItem, item: _Item) -> Predicate:
    regexes = tuple(_regex(item, value) for value in source.original_value or source.value)
    if source.value_linking is ConditionAND:
        return every(Text(item.field, Regexes((regex,))) for regex in regexes)
    return Text(item.field, Regexes(regexes))


def _compared(source: SigmaDetectionItem, item: _Item) -> Predicate:
    groups = [_alternatives(item, value) for value in source.value] or [[SigmaNull()]]
    if source.value_linking is ConditionAND:
        return every(_any_of(item, group) for group in groups)
    return _any_of(item, list(chain.from_iterable(groups)))


def _alternatives(item: _Item, value: SigmaType) -> list[SigmaType]:
    """Take an expansion apart (its values are alternatives whatever links the item's) and fill in placeholders."""
    if isinstance(value, SigmaExpansion):
        return [leaf for inner in value.values for leaf in _alternatives(item, inner)]
    if isinstance(value, SigmaString) and value.contains_placeholder():
        return list(value.replace_placeholders(lambda placeholder: _replacements(item, placeholder)))
    return [value]


def _replacements(item: _Item, placeholder: Placeholder) -> Iterator[SigmaString]:
    yield from (SigmaString(text) for text in _placeholder(item, placeholder.name))


def _placeholder(item: _Item, name: str) -> tuple[str, ...]:
    values = item.placeholders.get(name)
    if not values:  # an empty alternative in a regular expression would match everything
        raise RuleMistake(f"placeholder %{name}% has no values; give it some, or take `expand` out of the rule")
    return values


def _any_of(item: _Item, values: list[SigmaType]) -> Predicate:
    patterns = [tokens for value in values for tokens in _patterns(item, value)]
    predicates = list(_text_predicates(item, compile_patterns(patterns))) if patterns else []
    networks = tuple(value.network for value in values if isinstance(value, SigmaCIDRExpression))
    if networks:
        predicates.append(Text(item.field, Networks(networks)))
    regexes = tuple(_regex(item, value) for value in values if isinstance(value, SigmaRegularExpression))
    if regexes:
        predicates.append(Text(item.field, Regexes(regexes)))
    predicates.extend(_single(item, value) for value in values if isinstance(value, _SINGLE))
    return some(predicates)


def _patterns(item: _Item, value: SigmaType) -> Iterator[list[Token]]:
    """Yield the patterns of a value that is compared as text: a string, a number, a boolean."""
    match value:
        case SigmaString():
            yield _tokens(item, value)
        case SigmaTimestampPart():
            return
        case SigmaNumber(number=int() as number) if number >= 0:
            yield [str(number)]
            yield [hex(number)]  # YAML reads 0x17 as 23; the event may well say 0x17
        case SigmaNumber():
            yield [str(value.number)]
        case SigmaBool():
            yield ["true" if value.boolean else "false"]


def _tokens(item: _Item, value: SigmaString) -> list[Token]:
    tokens = [_token(item, part) for part in value.s]
    anywhere = item.field == EVERYWHERE and not item.anchored
    return [ANY, *tokens, ANY] if anywhere else tokens


def _token(item: _Item, part: Any) -> Token:
    if isinstance(part, str):
        text = part.replace(PERCENT, "%")
        return text if item.cased else text.casefold()
    token: Token = part
    return token


def _text_predicates(item: _Item, patterns: Patterns) -> Iterator[Predicate]:
    if item.cased:
        yield Text(item.field, patterns)
        return
    if item.field == EVERYWHERE and patterns.parts:
        yield Keywords(patterns.parts)
        patterns = Patterns(patterns.exact, patterns.prefixes, patterns.suffixes, (), patterns.globs)
    if patterns != Patterns():
        yield FoldedText(item.field, patterns)


_SINGLE: Final = (SigmaNull, SigmaExists, SigmaCompareExpression, SigmaTimestampPart, SigmaFieldReference)


def _single(item: _Item, value: SigmaType) -> Predicate:
    match value:
        case SigmaCompareExpression():
            return _compare(item, value.number, _OPERATORS[value.op])
        case SigmaTimestampPart():
            return _compare(item, value, operator.eq)
    if item.field == EVERYWHERE:
        raise RuleMistake("null, exists and fieldref need a field; a keyword has none")
    match value:
        case SigmaExists():
            return Exists(item.field, value.exists)
        case SigmaFieldReference():
            relation = _RELATIONS[value.starts_with, value.ends_with]
            return SameAs(item.field, value.field, relation, item.cased)
        case _:
            return Null(item.field)


def _compare(item: _Item, number: SigmaNumber, relation: Callable[[float, float], bool]) -> Predicate:
    if isinstance(number, SigmaTimestampPart):
        return Value(item.field, TimePart(number.timestamp_part.name.lower(), relation, number.number))
    return Value(item.field, Comparison(relation, number.number))


def _regex(item: _Item, value: SigmaType) -> Regex:
    """Compile a value of `re` from what the rule says: pySigma rewrites `re|startswith` for engines without anchors.

    A pipeline may have made a regular expression of a text; that one speaks of the whole value, as the text did.
    """
    of_text = SigmaRegularExpressionModifier not in item.modifiers
    whole = of_text and (item.field != EVERYWHERE or item.anchored)
    source = _source(item, value)
    flags = {_flag(modifier) for modifier in item.modifiers} | ({"s"} if of_text else set())
    if isinstance(value, SigmaRegularExpression):
        flags |= {_FLAGS[flag] for flag in value.flags}
    try:
        return compile_regex(
            source,
            "".join(sorted(flags)),
            at_start=whole or (item.at_start and not of_text),
            at_end=whole or (item.at_end and not of_text),
        )
    except re.error as error:
        raise RuleMistake(f"regular expression {source!r}: {error}") from error


def _source(item: _Item, value: SigmaType) -> str:
    regexp = value.regexp if isinstance(value, SigmaRegularExpression) else value
    if not isinstance(regexp, SigmaString):
        raise RuleMistake(f"{value!r:.80} is no regular expression")
    source = regexp.to_plain(regex=True)
    if SigmaExpandModifier in item.modifiers:
        source = _PLACEHOLDER.sub(lambda found: _regex_alternatives(item, found[1]), source)
    return source.replace(PERCENT, "%")


def _flag(modifier: type[SigmaModifier[Any, Any]]) -> str:
    return _FLAGS[modifier.flag] if issubclass(modifier, SigmaRegularExpressionFlagModifier) else ""


def _regex_alternatives(item: _Item, name: str) -> str:
    return "(?:" + "|".join(re.escape(text) for text in _placeholder(item, name)) + ")"
