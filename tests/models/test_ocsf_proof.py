"""What is proven valid fast is valid: held against the validator, on sound events and on broken ones."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ocsf
from models.event import Event
from models.ocsf_proof import is_valid
from models.ocsf_schema import validate
from streams.replay.inputs import read_all
from tests.conftest import REPO

DEMO = REPO / "streams" / "demo"
T0 = 1_790_000_000_000
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 2**40),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.just("10.0.0.1"),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["name", "uid", "pid", "ip"]), st.text(max_size=3), max_size=2),
)


def event() -> dict[str, Any]:
    """Return a sound event with most kinds of attributes: formats, enums, lists, objects in themselves, constraints."""
    return {
        **ocsf.head(1007, 1, T0),
        "metadata": {
            "version": "1.8.0",
            "product": {"name": "p", "vendor_name": "v"},
            "profiles": ["host", "container", "no such profile"],
            "uid": "u",
        },
        "device": {"hostname": "web01", "type_id": 1, "ip": "10.0.0.1", "mac": "00:11:22:33:44:55"},
        "process": {
            "pid": 5,
            "name": "sh",
            "container": {"uid": "c"},
            "file": {"name": "sh", "type_id": 1, "hashes": [{"algorithm_id": 3, "value": "ab"}]},
            "parent_process": {"pid": 1, "parent_process": {"uid": "root"}},
        },
        "actor": {"user": {"name": "alice", "email_addr": "alice@example.com", "type_id": 1}},
        "unmapped": {"anything": [1, {"at": None}]},
    }


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every value within a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in items for found in places(item, (*path, key)))]


def changed(path: tuple[str | int, ...], value: Any, *, drop: bool) -> dict[str, Any]:
    """Return the event with the value at a path replaced or taken out."""
    broken = copy.deepcopy(event())
    holder: Any = broken
    for key in path[:-1]:
        holder = holder[key]
    if drop:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return broken


def test_a_sound_event_is_proven() -> None:
    assert validate(event()) == []
    assert is_valid(event())


@given(st.sampled_from(places(event())[1:]), ANYTHING, st.booleans())
def test_what_is_proven_is_valid(path: tuple[str | int, ...], value: Any, drop: bool) -> None:  # hypothesis passes it
    broken = changed(path, value, drop=drop)
    assert not is_valid(broken) or validate(broken) == []


@given(st.recursive(ANYTHING, lambda inner: st.dictionaries(st.sampled_from(list(event())), inner, max_size=6)))
def test_any_value_is_judged(value: Any) -> None:
    found = value if isinstance(value, dict) else {"class_uid": value, "metadata": value}
    assert not is_valid(found) or validate(found) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("time",), 1_790_000_000),
        (("type_uid",), 100702),
        (("category_uid",), 3),
        (("activity_id",), 42),
        (("no_such_attribute",), 1),
        (("device", "ip"), "not an address"),
        (("device",), {"type_id": 1}),
        (("process", "pid"), "5"),
        (("process", "parent_process", "parent_process"), {"cmd_line": "x"}),
        (("metadata", "profiles"), ["host"]),
        (("actor",), None),
    ],
)
def test_what_is_wrong_is_never_proven(path: tuple[str, ...], value: Any) -> None:
    broken = changed(path, value, drop=False)
    assert validate(broken)
    assert not is_valid(broken)


def test_what_the_sources_make_is_proven() -> None:
    """The short way is the usual way."""
    items = read_all(sorted(DEMO.iterdir()), None, lambda _: None)
    records = [item for item in items if isinstance(item, tuple)]
    events = [event for source, record in records if source and isinstance(event := source.parse(record), Event)]
    assert len(events) > len(records) // 2
    assert all(is_valid(event.ocsf) for event in events)
