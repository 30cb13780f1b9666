"""Whatever the bytes are: a valid event, or the reason why not, and never an exception."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models.event import Event
from models.ocsf_schema import validate
from models.records import ParseError
from streams.sources.windows.source import SOURCE
from tests.sources.windows_cases import RECORDS
from tests.sources.windows_records import FORMS, flat, raw, sysmon

WORDS = st.sampled_from(
    [
        "",
        "-",
        " ",
        "0x",
        "0xffffffffffffffffff",
        "-1",
        "1e9",
        "\\",
        "a\\",
        "\\a",
        "S-1-0-0",
        "%%1",
        "@",
        "{}",
        "::",
        "=",
        "\u0000x",
        ";;",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | WORDS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["#text", "#attributes", "@Name", "Name", "Value", "Data", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


# Fields that any event may have, and that several parts look at.
OTHER_NAMES = (
    *("EventType", "Message", "Keywords", "Level", "UserID", "User", "Category", "ProcessId", "ProcessName", "Data"),
    *("IpAddress", "IpPort", "LogonGuid", "Image", "EventTime", "ExecutionProcessID", "ActivityID", "param1", "Path"),
)


def paths(value: Any, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [prefix]
    return [prefix, *(path for name, item in value.items() for path in paths(item, (*prefix, name)))]


def put(value: dict[str, Any], path: tuple[str, ...], new: Any) -> None:
    node: Any = value
    for name in path[:-1]:
        node = node.get(name) if isinstance(node, dict) else None
    if isinstance(node, dict) and path:
        node[path[-1]] = new


def drop(value: dict[str, Any], path: tuple[str, ...]) -> None:
    node: Any = value
    for name in path[:-1]:
        node = node.get(name) if isinstance(node, dict) else None
    if isinstance(node, dict) and path:
        node.pop(path[-1], None)


def check(data: bytes) -> Event | ParseError:
    found = SOURCE.parse(raw(data, broker_time=1_718_452_800_123))
    if isinstance(found, Event):
        assert validate(found.ocsf) == []
        assert isinstance(found.native["EventID"], int)
        orjson.dumps(found.ocsf)
    return found


@settings(max_examples=1500, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_mutated_records(data: st.DataObject) -> None:
    record = data.draw(st.sampled_from(RECORDS))
    form = data.draw(st.sampled_from(FORMS))
    value = form(record.with_data(**data.draw(st.dictionaries(st.sampled_from(OTHER_NAMES), VALUES, max_size=2))))
    value = orjson.loads(orjson.dumps(value))
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(paths(value)))
        if data.draw(st.integers(0, 4)) == 0:
            drop(value, path)
        else:
            put(value, path, data.draw(VALUES))
    SOURCE.recognize(b"", value)
    check(orjson.dumps(value))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | VALUES.map(orjson.dumps))
@example(b"")
@example(b"{}")
@example(b'{"EventID":1,"Channel":"System","x":1e400}')
def test_anything(data: bytes) -> None:
    check(data)


def test_every_value_of_every_record_once_of_every_wrong_type() -> None:
    for record in RECORDS:
        for name in record.data:
            for wrong in (None, True, 7, -7, 2**64 - 1, 1.5, "", "-", "x" * 2000, [], ["a"], {}, {"a": {"b": []}}):
                check(orjson.dumps(flat(record.with_data(**{name: wrong}))))


def test_deep_nesting_is_refused_or_kept() -> None:
    shallow: Any = "x"
    for _ in range(30):
        shallow = {"a": [shallow]}
    assert isinstance(check(orjson.dumps({**flat(sysmon(5, ProcessId=1)), "Odd": shallow})), Event | ParseError)
    deep = b'{"EventID":1,"Channel":"System","x":' + b'{"a":' * 900 + b"1" + b"}" * 901
    assert isinstance(check(deep), ParseError)


def test_long_values_are_neither_refused_nor_slow_to_cache() -> None:
    for name in ("Image", "User", "ProcessGuid", "ProcessId", "Hashes", "QueryResults", "TargetObject"):
        record = sysmon(1, ProcessId="7", Image="C:\\a.exe").with_data(**{name: "a;,=\\" * 20_000})
        assert isinstance(check(orjson.dumps(flat(record))), Event)
    assert isinstance(check(orjson.dumps({**flat(sysmon(5, ProcessId=1)), "Channel": "c" * 50_000})), Event)
