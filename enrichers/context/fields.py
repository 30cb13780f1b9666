"""Read one row of a table, wherever it came from, into an asset or an identity; say of each field what is wrong.

Texts of several values are separated by semicolons (`web01; web01.example.com`), times stand between slashes
(`2026-09-01/2026-09-15`, the last day included, then the countries of a trip: `2026-09-01/2026-09-15 NO SE`); in JSON
they may be lists and objects with `from`, `to` and `countries`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from enrichers.context.known import LEVELS, Asset, Identity, Interval, Known, Trip
from enrichers.names import address, host_name
from models.moments import read_end, read_moment

Kind = Literal["assets", "identities"]
KINDS: Final[tuple[Kind, ...]] = ("assets", "identities")
MAX_TEXT: Final = 256
MAX_ITEMS: Final = 64
COUNTRY_CHARS: Final = 2
_TRUE: Final = frozenset({"true", "yes", "y", "1", "x"})
_FALSE: Final = frozenset({"false", "no", "n", "0", ""})
Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table hold which field, and what its words mean.

    Attributes:
        of: Columns of a field, in order; of several, the values are taken together (of a field with one value, the
            first that has one). Empty when the table has the names of the fields themselves.
        words: Of a field, what stands in the table and what it means.
    """

    of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


AS_THEY_ARE: Final = Columns()


def fields_of(kind: Kind) -> tuple[str, ...]:
    """Return the names of the fields of a kind of record."""
    return tuple(_READERS[kind])


def column_problems(kind: Kind, columns: Columns, present: frozenset[str] | None) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the columns: field or column, and message.

    Args:
        kind: Of which records.
        columns: The mapping.
        present: The columns that there are, None when every record has its own.
    """
    known = ", ".join(fields_of(kind))
    for name in (*columns.of, *columns.words):
        if name not in _READERS[kind]:
            yield name, f"no field of {kind}; fields are {known}"
    if present is None:
        return
    if not columns.of:
        for column in sorted(present - set(fields_of(kind))):
            yield column, f"no field of {kind}; name the columns in a description (TOML), or rename it: {known}"
    for column in (column for of in columns.of.values() for column in of):
        if column not in present:
            yield column, "no such column"


def read_row(kind: Kind, row: Mapping[str, Any], columns: Columns = AS_THEY_ARE) -> tuple[Known | None, dict[str, str]]:
    """Read a record; return it, or None, and what is wrong by field."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, read in _READERS[kind].items():
        try:
            found = read(_given(name, row, columns))
        except (TypeError, ValueError) as error:
            problems[name] = str(error)
        else:
            values[name] = found
    if problems:
        return None, problems
    values["uid"] = values["uid"] or _first_name(kind, values)
    if not values["uid"]:
        return None, {"uid": f"nothing names it: give one of {', '.join(_NAMING[kind])}"}
    return (Asset(**values) if kind == "assets" else Identity(**values)), {}


def _given(name: str, row: Mapping[str, Any], columns: Columns) -> Any:
    """Return what the row has for a field: the words of the table made ours."""
    value = _mapped(name, row, columns.of.get(name, ())) if columns.of else row.get(name)
    words = columns.words.get(name)
    if not words:
        return value
    items = value if isinstance(value, list) else [value]
    said = [words.get(str(item).strip(), item) for item in items]
    return said if isinstance(value, list) else said[0]


def _mapped(name: str, row: Mapping[str, Any], columns: tuple[str, ...]) -> Any:
    found = [value for column in columns if (value := at(row, column)) not in (None, "", [])]
    if name in _MANY:
        return [item for value in found for item in _items(value)]
    return found[0] if found else None


def at(row: Mapping[str, Any], path: str) -> Any:
    """Return the value of a column: under its whole name, or where its dots lead; None when there is none."""
    if path in row:
        return row[path]
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _first_name(kind: Kind, values: Mapping[str, Any]) -> str:
    for name in _NAMING[kind]:
        if found := values[name]:
            return found if isinstance(found, str) else str(found[0])
    return ""


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str):
        return [part.strip() for part in value.replace("\n", ";").split(";") if part.strip()]
    return list(value) if isinstance(value, list | tuple) else [value]


def read_text(value: Any) -> str:
    """Return a text or number as a text, empty when there is none; raise TypeError or ValueError when it is no good."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"must be a text, not {value!r:.80}")
    text = str(value).strip()
    if len(text) > MAX_TEXT:
        raise ValueError(f"has {len(text)} characters, more than {MAX_TEXT}")
    if not text.isprintable():
        raise ValueError(f"has characters that nobody can see: {text!r:.80}")
    return text


def read_texts(value: Any, most: int = MAX_ITEMS) -> tuple[str, ...]:
    """Return the distinct texts of a list, or of a text with semicolons; raise TypeError or ValueError likewise."""
    items = _items(value)
    if len(items) > most:
        raise ValueError(f"has {len(items)} values, more than {most}")
    return tuple(dict.fromkeys(text for text in map(read_text, items) if text))


def _flag(value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    word = read_text(value).lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"must be true or false, not {word!r}")
    return word in _TRUE


def _level(value: Any) -> str:
    word = read_text(value).lower()
    if word and word not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}, not {word!r}")
    return word


def _host_names(value: Any) -> tuple[str, ...]:
    names = read_texts(value)
    for name in names:
        if host_name(name) is None:
            raise ValueError(f"{name!r} is no host name")
    return names


def _addresses(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_address(text) for text in read_texts(value)))


def _address(text: str) -> str:
    found = address(text)
    if found is None:
        raise ValueError(f"{text!r} is the address of no single host")
    return found


def read_intervals(value: Any) -> tuple[Interval, ...]:
    """Return intervals in any of their forms; raise TypeError or ValueError when one is none."""
    return tuple(interval for interval, more in map(_span, _items(value)) if _no_more(more))


def _no_more(more: list[str]) -> bool:
    if more:
        raise ValueError(f"{' '.join(more)!r} behind the dates means nothing here")
    return True


def _trips(value: Any) -> tuple[Trip, ...]:
    return tuple(Trip(interval, tuple(map(_country, more))) for interval, more in map(_span, _items(value)))


def _country(code: Any) -> str:
    if not isinstance(code, str) or len(code) != COUNTRY_CHARS or not code.isalpha() or not code.isascii():
        raise ValueError(f"{code!r} is no ISO code of a country, such as NO")
    return code.upper()


def _span(item: Any) -> tuple[Interval, list[Any]]:
    """Read one interval in any of its forms, and what follows it."""
    if isinstance(item, Mapping):
        return _from_object(item)
    if not isinstance(item, str):
        raise TypeError(f"{item!r:.80} is no time; write for example 2026-09-01/2026-09-15")
    dates, *more = item.split()
    begin, slash, end = dates.partition("/")
    if not slash:
        raise ValueError(f"{item!r:.80} has no end; write for example 2026-09-01/2026-09-15")
    return Interval(read_moment(begin) if begin else None, read_end(end) if end else None), more


def _from_object(item: Mapping[str, Any]) -> tuple[Interval, list[Any]]:
    unknown = set(item) - {"from", "to", "from_ms", "to_ms", "countries"}
    if unknown:
        raise ValueError(f"{', '.join(sorted(map(str, unknown)))}: unknown; known are from, to, countries")
    ends = [item.get("from_ms"), item.get("to_ms")]
    if any(end is not None and type(end) is not int for end in ends):
        raise ValueError("from_ms and to_ms must be whole numbers")
    begin = read_moment(item["from"]) if "from" in item else ends[0]
    end = read_end(item["to"]) if "to" in item else ends[1]
    return Interval(begin, end), _items(item.get("countries"))


_READERS: Final[Mapping[Kind, Mapping[str, Read]]] = {
    "assets": {
        "uid": read_text,
        "names": _host_names,
        "ips": _addresses,
        "instances": read_texts,
        "criticality": _level,
        "owner": read_text,
        "environment": read_text,
        "sensitivity": read_texts,
        "dependencies": read_texts,
    },
    "identities": {
        "uid": read_text,
        "names": read_texts,
        "emails": read_texts,
        "sids": read_texts,
        "principals": read_texts,
        "employee_id": read_text,
        "peer_group": read_text,
        "manager": read_text,
        "privileged": _flag,
        "service_account": _flag,
        "leave": read_intervals,
        "travel": _trips,
    },
}
_MANY: Final = frozenset(
    {"names", "ips", "instances", "sensitivity", "dependencies", "emails", "sids", "principals", "leave", "travel"}
)
_NAMING: Final[Mapping[Kind, tuple[str, ...]]] = {
    "assets": ("instances", "names", "ips"),
    "identities": ("employee_id", "emails", "names", "sids", "principals"),
}
