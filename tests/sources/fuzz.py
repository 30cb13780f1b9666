"""Hostile records for any source: bytes of every kind, and good records with parts of them spoiled.

Whatever comes in, a source must answer with valid events or with the reason why not, and never with an exception.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enrichers.entities import entities_of
from enrichers.links import links_of
from models.ocsf_schema import validate
from models.records import Coordinates, ParseError, RawRecord
from streams.sources.base import Source

NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z
AT = Coordinates("raw.fuzz", 0, 1)


def _nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": [value]}
    return value


WRONG: tuple[Any, ...] = (
    *(None, True, False, 0, 7, -7, 2**31, 2**63, 2**64 - 1, -(2**63), 1.5, 1e300, -0.0),
    *(
        "",
        "-",
        " ",
        "x",
        "x" * 5000,
        "::",
        "256.1.1.1",
        "@",
        "a@b",
        "0x",
        "1e9",
        "{}",
        "[",
        "\u0000",
        "\ud7ff",
        "=,;|:/",
    ),
    *(
        [],
        [None],
        ["a"],
        [[]],
        [{}],
        ["a"] * 200,
        {},
        {"a": 1},
        {"": ""},
        {"a": {"b": []}},
        {"value": "x"},
        _nested(20),
    ),
)


def check(source: Source, data: bytes) -> int:
    """Parse `data`; return how many events came of it, 0 for a reason why not. Fails where one is not valid OCSF."""
    found = source.parse_all(RawRecord(source.name, data, AT, NOON))
    if isinstance(found, ParseError):
        assert found.reason
        return 0
    for event in found:
        problems = validate(event.ocsf)
        assert problems == [], data
        orjson.dumps(event.ocsf)
        entities_of(event.ocsf)
        links_of(event)
    return len(found)


def spoil(value: Any, dice: random.Random) -> Any:
    """Return a copy of a JSON value with one to four of its parts dropped or replaced by what does not belong there."""
    value = copy.deepcopy(value)
    for _ in range(dice.randint(1, 4)):
        places = list(_places(value))
        if places:
            holder, name = dice.choice(places)
            if dice.random() < 0.25:
                del holder[name]
            else:
                holder[name] = copy.deepcopy(dice.choice(WRONG))
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        node = stack.pop()
        names = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for name in names:
            found.append((node, name))
            stack.append(node[name])
    return found


def json_records(source: Source, records: Sequence[Any], runs: int = 800) -> None:
    """Spoil each of these JSON records at random (the same way in every run) and check what comes of them."""
    dice = random.Random(7)  # noqa: S311  # the same mutations each time, nothing secret
    for run in range(runs):
        value = spoil(records[run % len(records)], dice)
        data = orjson.dumps(value)
        source.recognize(data, value if isinstance(value, dict) else None)
        check(source, data)


def every_part_wrong(source: Source, records: Sequence[Any]) -> None:
    """Replace every part of each record by everything that does not belong there, one at a time."""
    for record in records:
        for number in range(len(_places(record))):
            for wrong in WRONG[:: 1 + len(WRONG) // 9]:
                value = copy.deepcopy(record)
                holder, name = _places(value)[number]
                holder[name] = wrong
                check(source, orjson.dumps(value))


def text_records(source: Source, lines: Sequence[bytes], runs: int = 800) -> None:
    """Cut, double and overwrite parts of these lines at random (the same way in every run) and check the results."""
    dice = random.Random(7)  # noqa: S311  # the same mutations each time, nothing secret
    for run in range(runs):
        data = lines[run % len(lines)]
        for _ in range(dice.randint(1, 3)):
            start = dice.randrange(len(data) + 1)
            end = min(len(data), start + dice.choice((0, 1, 1, 4, 40)))
            put = dice.choice(
                (b"", b" ", b"-", b'"', b"=", b"\\", b"\xff", b"\x00", b"9" * 30, b"[", data[start:end] * 2)
            )
            data = data[:start] + put + data[end:]
        source.recognize(data, None)
        check(source, data)


def anything(source: Source, examples: int = 200) -> None:
    """Check any bytes and any JSON value at all."""
    scalars = (
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8) | st.sampled_from(["x"])
    )
    values = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
    )

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), deadline=None, database=None)
    @given(st.binary(max_size=200) | values.map(orjson.dumps))
    def run(data: bytes) -> None:
        check(source, data)

    run()


def too_much(source: Source, record: dict[str, Any], names: Sequence[str]) -> None:
    """Check a record whose named fields are very long, very deep, or very many."""
    long_values: tuple[Callable[[], Any], ...] = (
        lambda: "a;,=\\/." * 40_000,
        lambda: "1" * 200_000,
        lambda: ["a"] * 50_000,
        lambda: [{"name": "a"}] * 20_000,
        lambda: {str(number): number for number in range(20_000)},
    )
    for name in names:
        for make in long_values:
            check(source, orjson.dumps({**record, name: make()}))
    deep = b'{"x":' + b'{"a":' * 900 + b"1" + b"}" * 901
    assert check(source, deep) == 0
