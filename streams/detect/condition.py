"""From a rule's detection section, as pySigma parsed it, to one predicate."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sigma.conditions import (
    ConditionAND,
    ConditionIdentifier,
    ConditionNOT,
    ConditionOR,
    ConditionSelector,
    SigmaCondition,
    unwrap_parse_result_operand,
)
from sigma.exceptions import SigmaError
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections

from streams.detect.predicates import Every, Not, Predicate, Selection, Some, every, some
from streams.detect.values import PERCENT, PlacedMistake, Placeholders, RuleMistake, compile_item

MAX_CONDITION_CHARS: Final = 10_000
MAX_DEPTH: Final = 64  # levels of AND, OR and NOT; evaluation recurses this deep at most
_SPELLINGS: Final = {"utf16le": "wide"}  # the specification's name for what pySigma knows by the older one
_TEXTUAL: Final = frozenset({"cased", "contains", "endswith", "expand", "startswith", "windash"})
_DASHES: Final = re.compile("\\B[\N{EN DASH}\N{EM DASH}\N{HORIZONTAL BAR}]\\b")
_PERCENT_SIGN: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\%")
_PLACEHOLDER: Final = re.compile(r"%[^%\\]+%")
NO_PLACEHOLDERS: Final[Placeholders] = {}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled detection section.

    Attributes:
        predicate: What the condition says.
        unused: Names of detections that the condition never looks at.
    """

    predicate: Predicate
    unused: tuple[str, ...]


def compile_detections(detections: SigmaDetections, placeholders: Placeholders = NO_PLACEHOLDERS) -> Compiled:
    """Compile a detection section; several conditions are alternatives.

    Raises:
        PlacedMistake: For what cannot be evaluated, and a condition that does not parse.
    """
    section = _Section(detections, placeholders)
    with _about("condition"):
        predicate = some(section.condition(parsed.condition) for parsed in detections.parsed_condition)
        if _depth(predicate) > MAX_DEPTH:
            raise RuleMistake(f"condition nests deeper than {MAX_DEPTH} levels")
    return Compiled(predicate, tuple(name for name in detections.detections if name not in section.compiled))


@contextmanager
def _about(key: str) -> Iterator[None]:
    """Say of every mistake which key it is about, unless it says it already."""
    try:
        yield
    except PlacedMistake:
        raise
    except (SigmaError, RuleMistake) as error:
        raise PlacedMistake(key, str(error)) from error


def respell(definition: Any) -> Any:
    r"""Copy a detection section, with what the specification and pySigma spell differently in pySigma's way.

    - `utf16le` is pySigma's `wide`;
    - `windash` takes every dash for `-` and `/`, in the rule too; pySigma knows the others in events only;
    - `\%` in a value of `expand` is a percent sign and begins no placeholder;
    - a number under a modifier of texts is its text.
    """
    if isinstance(definition, Mapping):
        return {_respell_key(key): _respell_value(key, value) for key, value in definition.items()}
    return [respell(item) for item in definition] if isinstance(definition, list) else definition


def doubts(section: Any) -> Iterator[tuple[str, str]]:
    """Yield what a detection section says that is allowed and most likely not meant, each with its detection."""
    for name, definition in section.items() if isinstance(section, Mapping) else ():
        for key, value in _items(definition):
            modifiers = _modifiers(key)
            values = value if isinstance(value, list) else [value]
            if "all" in modifiers and len(values) == 1 and "expand" not in modifiers:
                yield name, f"`{key}` has one value, of which `all` says nothing"
            if "expand" in modifiers and not any(isinstance(item, str) and _has_placeholder(item) for item in values):
                yield name, f"`{key}` has no placeholder; a backslash before one is written twice"


def _items(definition: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(definition, Mapping):
        yield from definition.items()
    for item in definition if isinstance(definition, list) else ():
        yield from _items(item)


def _has_placeholder(text: str) -> bool:
    return _PLACEHOLDER.search(_PERCENT_SIGN.sub(r"\g<1>", text)) is not None


def _modifiers(key: Any) -> list[str]:
    return key.split("|")[1:] if isinstance(key, str) else []


def _respell_key(key: Any) -> Any:
    modifiers = _modifiers(key)
    if not modifiers:
        return key
    return "|".join((key.split("|")[0], *(_SPELLINGS.get(modifier, modifier) for modifier in modifiers)))


def _respell_value(key: Any, value: Any) -> Any:
    if isinstance(value, list | Mapping) and not _is_flat(value):
        return respell(value)
    modifiers = _modifiers(key)
    values = value if isinstance(value, list) else [value]
    if not _TEXTUAL.isdisjoint(modifiers):
        values = [str(item) if type(item) in {int, float} else item for item in values]
    if "windash" in modifiers:
        values = [_DASHES.sub("-", item) if isinstance(item, str) else item for item in values]
    if "expand" in modifiers:
        values = [_PERCENT_SIGN.sub(rf"\g<1>{PERCENT}", item) if isinstance(item, str) else item for item in values]
    return values if isinstance(value, list) else values[0]


def _is_flat(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(item, list | Mapping) for item in value)


class _Section:
    """Compile every detection once, however often conditions name it."""

    def __init__(self, detections: SigmaDetections, placeholders: Placeholders) -> None:
        self.compiled: dict[str, Predicate | None] = {}
        self._detections = detections
        self._placeholders = placeholders

    def condition(self, text: Any) -> Predicate:
        if not isinstance(text, str) or len(text) > MAX_CONDITION_CHARS:
            raise RuleMistake(f"a condition is a text of at most {MAX_CONDITION_CHARS} characters")
        parsed = SigmaCondition(text, self._detections).parse(postprocess=False)
        predicate = self._node(unwrap_parse_result_operand(parsed))
        if predicate is None:
            raise RuleMistake("condition: the processing pipelines have dropped every detection in it")
        return predicate

    def _node(self, node: Any) -> Predicate | None:
        """Compile a part of the condition; None when pipelines have dropped all of it, which leaves the rest."""
        match node:
            case ConditionNOT():
                negated = self._node(node.args[0])
                return None if negated is None else Not(negated)
            case ConditionAND():
                return _join(every, [self._node(argument) for argument in node.args])
            case ConditionOR():
                return _join(some, [self._node(argument) for argument in node.args])
            case ConditionSelector():
                return self._selector(node)
            case ConditionIdentifier():
                return self._named(node.identifier)
        raise RuleMistake(f"condition: cannot evaluate {type(node).__name__}")

    def _selector(self, node: ConditionSelector) -> Predicate | None:
        names = [found.identifier for found in node.resolve_referenced_detections(self._detections)]
        if not names:
            raise RuleMistake(f"condition: `{' of '.join(node.args)}` matches no detection")
        join = every if issubclass(node.cond_class, ConditionAND) else some
        return _join(join, [self._named(name) for name in names])

    def _named(self, name: str) -> Predicate | None:
        if name not in self.compiled:
            detection = self._detections.detections.get(name)
            if detection is None:
                raise RuleMistake(f"condition: there is no detection `{name}`")
            with _about(name):
                predicate = self._detection(detection)
            self.compiled[name] = None if predicate is None else Selection(name, predicate)
        return self.compiled[name]

    def _detection(self, detection: SigmaDetection) -> Predicate | None:
        join = every if detection.item_linking is ConditionAND else some
        return _join(join, [self._part(item) for item in detection.detection_items])

    def _part(self, item: SigmaDetection | SigmaDetectionItem) -> Predicate | None:
        if isinstance(item, SigmaDetectionItem):
            return compile_item(item, self._placeholders)
        return self._detection(item)


def _join(join: Callable[[Iterable[Predicate]], Predicate], parts: list[Predicate | None]) -> Predicate | None:
    kept = [part for part in parts if part is not None]
    return join(kept) if kept else None


def _depth(predicate: Predicate) -> int:
    deepest, stack = 0, [(predicate, 1)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        if isinstance(node, Every | Some):
            stack.extend((child, depth + 1) for child in node.predicates)
        elif isinstance(node, Not | Selection):
            stack.append((node.predicate, depth + 1))
    return deepest
