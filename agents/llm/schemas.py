"""JSON Schemas as constrained decoding takes them: shape only. Bounds are told in words, and our code holds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_BOUNDS: Final = (
    *("minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("multipleOf", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
)
_DROPPED: Final = frozenset({*_BOUNDS, "$schema", "$id", "default", "examples", "title"})
_NAMED: Final = ("properties", "$defs")  # keywords whose value is schemas by name
Schema = Mapping[str, Any]


def shape(schema: Schema) -> dict[str, Any]:
    """Return a schema without the bounds, which its descriptions tell; no object allows anything else."""
    made = {name: _below(name, value) for name, value in schema.items() if name not in _DROPPED}
    bounds = ", ".join(f"{name} {schema[name]}" for name in _BOUNDS if name in schema)
    if bounds:
        made["description"] = f"{schema.get('description', '')} ({bounds})".strip()
    if schema.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


def _below(name: str, value: Any) -> Any:
    if name in _NAMED:
        return {key: shape(below) for key, below in value.items()}
    if isinstance(value, Mapping):
        return shape(value)
    if isinstance(value, list | tuple):
        return [shape(item) if isinstance(item, Mapping) else item for item in value]
    return value


def is_strict(schema: Schema) -> bool:
    """Tell whether a schema is of shape only, needs every property, and allows no other."""
    if any(name in schema for name in _DROPPED):
        return False
    if schema.get("type") == "object":
        needed, known = set(schema.get("required", ())), set(schema.get("properties", ()))
        if schema.get("additionalProperties") is not False or needed != known:
            return False
    return all(map(is_strict, _inner(schema)))


def _inner(schema: Schema) -> Iterator[Schema]:
    for name, value in schema.items():
        if name in _NAMED:
            yield from value.values()
        elif isinstance(value, Mapping):
            yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, Mapping))
