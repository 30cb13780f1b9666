"""What one transformation of a processing pipeline may be: those that rewrite rules, and nothing that does more.

Source: pySigma 2.0, package `sigma.processing`. pySigma builds a transformation from whatever a file says and trusts
the types of its parameters; here both are checked first, so that a pipeline fails when it is loaded, not rule by rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

TRANSFORMATIONS: Final = frozenset(
    {
        "add_condition",
        "add_field",
        "case",
        "change_logsource",
        "convert_type",
        "detection_item_failure",
        "drop_detection_item",
        "extract_fields",
        "field_name_mapping",
        "field_name_prefix",
        "field_name_prefix_mapping",
        "field_name_suffix",
        "hashes_fields",
        "map_string",
        "nest",
        "regex",
        "remove_field",
        "replace_string",
        "rule_failure",
        "set_custom_attribute",
        "set_field",
        "set_state",
        "set_value",
        "strict_field_mapping_failure",
        "value_placeholders",
        "wildcard_placeholders",
    }
)
REFUSED: Final[Mapping[str, str]] = {
    "command_placeholders": "it runs a command",
    "field_name_transform": "it calls a Python function",
    "file_placeholders": "it reads another file; give the values as `vars`",
    "http_placeholders": "it reaches the network; give the values as `vars`",
    "query_expression_placeholders": "it writes text of a query language, and Braid makes no queries",
}
MAX_NESTING: Final = 8
_CONDITIONS: Final = ("rule", "detection_item", "field_name")
_COMMON: Final = frozenset({"id", "type"}).union(
    *({f"{kind}_conditions", f"{kind}_cond_expr", f"{kind}_cond_op", f"{kind}_cond_not"} for kind in _CONDITIONS)
)
Faults = Iterator[str]


def faults_of_item(item: Any, depth: int = 1) -> Faults:
    """Yield what is wrong with one entry of `transformations`, those nested in it included."""
    if not isinstance(item, Mapping):
        yield f"is a map with `type`, not {item!r:.40}"
        return
    kind = item.get("type")
    if not isinstance(kind, str) or kind not in TRANSFORMATIONS:
        reason = REFUSED.get(kind, "") if isinstance(kind, str) else ""
        yield f"type {kind!r:.60} is refused: {reason}" if reason else f"type {kind!r:.60} is not known"
        return
    for name in _CONDITIONS:
        yield from _faults_of_conditions(name, item)
    if not isinstance(item.get("id", ""), str):
        yield "id: must be a text"
    yield from _faults_of_parameters("", {key: value for key, value in item.items() if key not in _COMMON})
    if kind == "nest":
        yield from _faults_of_nest(item.get("items"), depth)


def _faults_of_nest(items: Any, depth: int) -> Faults:
    if not isinstance(items, list):
        yield "items: must be a list of transformations"
    elif depth == MAX_NESTING:
        yield f"nest: more than {MAX_NESTING} levels"
    else:
        for index, item in enumerate(items, 1):
            yield from (f"items {index}: {fault}" for fault in faults_of_item(item, depth + 1))


def _faults_of_conditions(name: str, item: Mapping[str, Any]) -> Faults:
    conditions = item.get(f"{name}_conditions", [])
    named = conditions.items() if isinstance(conditions, Mapping) else None
    if named is None and not isinstance(conditions, list):
        yield f"{name}_conditions: must be a list, or a map of named conditions"
        return
    for label, condition in named if named is not None else enumerate(conditions, 1):
        where = f"{name}_conditions.{label}"
        if isinstance(condition, Mapping):
            given = {key: value for key, value in condition.items() if key != "type"}
            yield from _faults_of_parameters(f"{where}.", given)
        else:
            yield f"{where}: is a map with `type`, not {condition!r:.40}"
    if item.get(f"{name}_cond_op") not in {None, "and", "or"}:  # pySigma takes anything else for `and`
        yield f"{name}_cond_op: must be `and` or `or`"
    if not isinstance(item.get(f"{name}_cond_not", False), bool):
        yield f"{name}_cond_not: must be true or false"
    if not isinstance(item.get(f"{name}_cond_expr"), str | None):
        yield f"{name}_cond_expr: must be a text"


def _faults_of_parameters(where: str, parameters: Mapping[str, Any]) -> Faults:
    """Check the types of what is given; what is missing or unknown pySigma reports itself."""
    for name, value in parameters.items():
        known = _PARAMETERS.get(name)
        if known is not None and not known[0](value):
            yield f"{where}{name}: must be {known[1]}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_null(value: Any) -> bool:
    return isinstance(value, str | None)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float | bool | None)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_text_or_texts(value: Any) -> bool:
    return isinstance(value, str) or _is_texts(value)


def _is_mapping(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return all(isinstance(to, str) or (_is_texts(to) and bool(to)) for to in value.values())


def _is_conditions(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return all(
        _is_scalar(item) or (isinstance(item, list) and bool(item) and all(map(_is_scalar, item)))
        for item in value.values()
    )


_TEXT: Final = (_is_text, "a text")
_BOOL: Final = (_is_bool, "true or false")
_SCALAR: Final = (_is_scalar, "a text, a number, true, false or null")
_TEXTS: Final = (_is_texts, "a list of texts")
_PARAMETERS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    **dict.fromkeys(("prefix", "suffix", "regex", "replacement", "message", "key", "attribute", "name"), _TEXT),
    **dict.fromkeys(("pattern", "tag", "processing_item_id", "op", "cond", "mode", "method", "target_type"), _TEXT),
    **dict.fromkeys(("category", "product", "service", "field_prefix", "force_type"), (_is_text_or_null, "a text")),
    **dict.fromkeys(("template", "negated", "negate", "skip_special", "interpret_special"), _BOOL),
    **dict.fromkeys(("drop_algo_prefix", "preserve_unmatched"), _BOOL),
    **dict.fromkeys(("value", "val"), _SCALAR),
    **dict.fromkeys(("fields", "include", "exclude", "valid_hash_algos", "field_to_parse"), _TEXTS),
    "field": (_is_text_or_texts, "a text or a list of texts"),
    "mapping": (_is_mapping, "a map from text to a text or a list of texts"),
    "conditions": (_is_conditions, "a map from field to a value or a list of values"),
}
