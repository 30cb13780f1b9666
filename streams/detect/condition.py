"""From a rule's detection section, as pySigma parsed it, to one predicate."""

from __future__ import annotations

from collections.abc import Mapping
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
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections

from streams.detect.predicates import Every, Not, Predicate, Selection, Some, every, some
from streams.detect.values import Placeholders, RuleMistake, compile_item

MAX_CONDITION_CHARS: Final = 10_000
MAX_DEPTH: Final = 64  # levels of AND, OR and NOT; evaluation recurses this deep at most
_SPELLINGS: Final = {"utf16le": "wide"}  # the specification's name for what pySigma knows by the older one
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
        RuleMistake: For what cannot be evaluated.
        SigmaError: For a condition that does not parse.
    """
    section = _Section(detections, placeholders)
    predicate = some(section.condition(text) for text in detections.condition)
    if _depth(predicate) > MAX_DEPTH:
        raise RuleMistake(f"condition nests deeper than {MAX_DEPTH} levels")
    return Compiled(predicate, tuple(name for name in detections.detections if name not in section.compiled))


def respell(definition: Any) -> Any:
    """Copy a detection section, with the modifiers that pySigma knows by another name under that name."""
    if isinstance(definition, Mapping):
        return {_respell_key(key): respell(value) for key, value in definition.items()}
    return [respell(item) for item in definition] if isinstance(definition, list) else definition


def _respell_key(key: Any) -> Any:
    if not isinstance(key, str) or "|" not in key:
        return key
    field, *modifiers = key.split("|")
    return "|".join((field, *(_SPELLINGS.get(modifier, modifier) for modifier in modifiers)))


class _Section:
    """Compile every detection once, however often conditions name it."""

    def __init__(self, detections: SigmaDetections, placeholders: Placeholders) -> None:
        self.compiled: dict[str, Predicate] = {}
        self._detections = detections
        self._placeholders = placeholders

    def condition(self, text: Any) -> Predicate:
        if not isinstance(text, str) or len(text) > MAX_CONDITION_CHARS:
            raise RuleMistake(f"a condition is a text of at most {MAX_CONDITION_CHARS} characters")
        parsed = SigmaCondition(text, self._detections).parse(postprocess=False)
        return self._node(unwrap_parse_result_operand(parsed))

    def _node(self, node: Any) -> Predicate:
        match node:
            case ConditionNOT():
                return Not(self._node(node.args[0]))
            case ConditionAND():
                return every(self._node(argument) for argument in node.args)
            case ConditionOR():
                return some(self._node(argument) for argument in node.args)
            case ConditionSelector():
                return self._selector(node)
            case ConditionIdentifier():
                return self._named(node.identifier)
        raise RuleMistake(f"condition: cannot evaluate {type(node).__name__}")

    def _selector(self, node: ConditionSelector) -> Predicate:
        names = [found.identifier for found in node.resolve_referenced_detections(self._detections)]
        if not names:
            raise RuleMistake(f"condition: `{' of '.join(node.args)}` matches no detection")
        join = every if issubclass(node.cond_class, ConditionAND) else some
        return join(self._named(name) for name in names)

    def _named(self, name: str) -> Predicate:
        if name not in self.compiled:
            detection = self._detections.detections.get(name)
            if detection is None:
                raise RuleMistake(f"condition: there is no detection `{name}`")
            self.compiled[name] = Selection(name, self._detection(detection))
        return self.compiled[name]

    def _detection(self, detection: SigmaDetection) -> Predicate:
        parts = (self._part(item) for item in detection.detection_items)
        return every(parts) if detection.item_linking is ConditionAND else some(parts)

    def _part(self, item: SigmaDetection | SigmaDetectionItem) -> Predicate:
        if isinstance(item, SigmaDetectionItem):
            return compile_item(item, self._placeholders)
        return self._detection(item)


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
