"""The data of a Windows event, however a converter wrote its XML elements and attributes as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.sources.base import text


def attribute(node: Any, name: str) -> Any:
    """Return an attribute of an XML element, however the converter spelt attributes."""
    if not isinstance(node, Mapping):
        return None if isinstance(node, list) else node
    attributes = node.get("#attributes")
    if isinstance(attributes, dict):
        return attributes.get(name)
    value = node.get(f"@{name}")
    return node.get(name) if value is None else value


def unwrap(value: Any) -> Any:
    """Return the text of an XML element that also has attributes, None for one that has only those."""
    if isinstance(value, dict):
        if "#text" in value:
            return value["#text"]
        if "Value" in value:
            return value["Value"]
        if all(key[:1] in {"#", "@"} for key in value):
            return None
    return value


def event_data(data: Any) -> dict[str, Any]:
    """Return the fields of an `EventData` element; unnamed values are joined by newlines under `Data`."""
    if isinstance(data, list):
        return _named(data)
    if not isinstance(data, dict):
        return {}
    fields = {
        name: unwrap(value) if isinstance(value, dict) else value
        for name, value in data.items()
        if name[:1] not in {"#", "@"}
    }
    inner = data.get("Data")
    if isinstance(inner, dict | list):
        del fields["Data"]
        fields.update(_named(_items(inner)))
    return fields


def _items(data: dict[str, Any] | list[Any]) -> list[Any]:
    if isinstance(data, list):
        return data
    content = None if _data_name(data) else data.get("#text")
    return content if isinstance(content, list) else [data]


def _named(items: list[Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    loose: list[str] = []
    for item in items:
        name = _data_name(item)
        if name:
            fields[name] = unwrap({key: value for key, value in item.items() if key not in {"Name", "@Name"}})
        elif (word := text(unwrap(item))) is not None:
            loose.append(word)
    if loose:
        fields["Data"] = "\n".join(loose)
    return fields


def _data_name(item: Any) -> str:
    name = attribute(item, "Name") if isinstance(item, dict) else None
    return name if isinstance(name, str) else ""


def user_data(data: Any) -> dict[str, Any]:
    """Return the fields of a `UserData` element, whose one child is named for the kind of event."""
    if not isinstance(data, dict):
        return {}
    fields: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            fields.update((key, unwrap(item)) for key, item in value.items() if key[:1] not in {"#", "@"})
        elif name[:1] not in {"#", "@"} and name != "xml_name":
            fields[name] = value
    return fields
