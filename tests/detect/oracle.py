"""Evaluate pySigma's own condition tree on a flat record, one value at a time: slow, short, and none of our code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address
from typing import Any

from sigma.conditions import ConditionAND, ConditionNOT, ConditionOR, ConditionValueExpression
from sigma.types import (
    SigmaBool,
    SigmaCIDRExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SpecialChars,
)

FLAGS = {"IGNORECASE": re.IGNORECASE, "MULTILINE": re.MULTILINE, "DOTALL": re.DOTALL}
WILDCARDS = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}
Flat = Mapping[str, Any]


def holds(node: Any, record: Flat) -> bool:
    """Decide a tree from `SigmaCondition.parsed`."""
    match node:
        case ConditionAND():
            return all(holds(argument, record) for argument in node.args)
        case ConditionOR():
            return any(holds(argument, record) for argument in node.args)
        case ConditionNOT():
            return not holds(node.args[0], record)
        case ConditionValueExpression():
            return any(anywhere(node.value, written(value)) for value in record.values() if value is not None)
    return field_holds(node.field, node.value, record)


def field_holds(field: str, value: Any, record: Flat) -> bool:
    actual = record.get(field)
    match value:
        case SigmaExpansion():
            return any(field_holds(field, inner, record) for inner in value.values)
        case SigmaNull():
            return actual is None
        case SigmaExists():
            return (field in record) is value.exists
        case SigmaFieldReference():
            other = record.get(value.field)
            return actual is not None and other is not None and written(actual).lower() == written(other).lower()
    return actual is not None and same(value, written(actual))


def same(value: Any, text: str) -> bool:
    match value:
        case SigmaString():
            return regex(tuple(value.s)).fullmatch(text) is not None
        case SigmaNumber():
            return text == str(value.number)
        case SigmaBool():
            return text.lower() == str(value.boolean).lower()
        case SigmaRegularExpression():
            flags = sum(FLAGS[flag.name] for flag in value.flags)
            return re.search(str(value.regexp), text, flags) is not None
        case SigmaCIDRExpression():
            return within(value, text)
    raise NotImplementedError(type(value).__name__)


def anywhere(value: Any, text: str) -> bool:
    if isinstance(value, SigmaString):
        return regex(tuple(value.s)).search(text) is not None
    return same(value, text)


@cache
def regex(parts: tuple[Any, ...]) -> re.Pattern[str]:
    source = "".join(re.escape(part) if isinstance(part, str) else WILDCARDS[part] for part in parts)
    return re.compile(source, re.IGNORECASE | re.DOTALL)


def within(value: SigmaCIDRExpression, text: str) -> bool:
    try:
        return ip_address(text) in value.network
    except ValueError:
        return False


def written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
