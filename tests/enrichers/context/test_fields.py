from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.context.fields import KINDS, Columns, Kind, column_problems, fields_of, read_row
from enrichers.context.known import Asset, Identity, Interval, Trip, to_json


def ms(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]  # year, month, day ...


ASSET = Asset(
    uid="cmdb-17",
    names=("web01", "web01.example.com"),
    ips=("192.0.2.17", "2001:db8::17"),
    instances=("i-0123456789abcdef0",),
    criticality="critical",
    owner="bob@example.com",
    environment="production",
    sensitivity=("cardholder", "personal"),
    dependencies=("db01",),
)
IDENTITY = Identity(
    uid="e-1001",
    names=(r"EXAMPLE\alice", "alice"),
    emails=("alice@example.com",),
    sids=("S-1-5-21-1-2-3-1104",),
    principals=("arn:aws:iam::111122223333:user/team/alice",),
    employee_id="1001",
    peer_group="payments",
    manager="bob@example.com",
    privileged=True,
    leave=(Interval(ms(2026, 9, 1), ms(2026, 9, 16)),),
    travel=(Trip(Interval(ms(2026, 10, 1), ms(2026, 10, 4)), ("NO", "SE")),),
)


def test_an_asset_of_a_csv_row() -> None:
    row = {
        "uid": "cmdb-17",
        "names": "web01; web01.example.com",
        "ips": "192.0.2.17;2001:DB8:0::17",
        "instances": "i-0123456789abcdef0",
        "criticality": "Critical",
        "owner": " bob@example.com ",
        "environment": "production",
        "sensitivity": "cardholder;personal;",
        "dependencies": "db01",
    }
    assert read_row("assets", row) == (ASSET, {})


def test_an_identity_of_a_csv_row() -> None:
    row = {
        "uid": "e-1001",
        "names": r"EXAMPLE\alice; alice",
        "emails": "alice@example.com",
        "sids": "S-1-5-21-1-2-3-1104",
        "principals": "arn:aws:iam::111122223333:user/team/alice",
        "employee_id": "1001",
        "peer_group": "payments",
        "manager": "bob@example.com",
        "privileged": "yes",
        "service_account": "",
        "leave": "2026-09-01/2026-09-15",
        "travel": "2026-10-01/2026-10-03 no SE",
    }
    assert read_row("identities", row) == (IDENTITY, {})


@pytest.mark.parametrize(("kind", "record"), [("assets", ASSET), ("identities", IDENTITY), ("assets", Asset("a"))])
def test_a_record_comes_back_from_its_own_form(kind: Kind, record: Asset | Identity) -> None:
    assert read_row(kind, orjson.loads(orjson.dumps(to_json(record)))) == (record, {})


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("2026-09-01/", Interval(ms(2026, 9, 1), None)),
        ("/2026-09-01", Interval(None, ms(2026, 9, 2))),
        ("2026-09-01T08:00:00Z/2026-09-01T10:00:00+01:00", Interval(ms(2026, 9, 1, 8), ms(2026, 9, 1, 9))),
        ({"from": "2026-09-01", "to": "2026-09-01"}, Interval(ms(2026, 9, 1), ms(2026, 9, 2))),
        ({"from_ms": 5, "to_ms": 6}, Interval(5, 6)),
    ],
)
def test_intervals_in_every_form(text: Any, interval: Interval) -> None:
    record, problems = read_row("identities", {"uid": "x", "leave": [text]})
    assert problems == {}
    assert isinstance(record, Identity)
    assert record.leave == (interval,)


@pytest.mark.parametrize(
    ("kind", "row", "field", "word"),
    [
        ("assets", {"names": "web01", "criticality": "Tier 1"}, "criticality", "one of low, medium"),
        ("assets", {"names": "not a host"}, "names", "no host name"),
        ("assets", {"ips": "192.0.2.0/24"}, "ips", "no single host"),
        ("assets", {"ips": "127.0.0.1"}, "ips", "no single host"),
        ("assets", {"names": ["web01", {"x": 1}]}, "names", "must be a text"),
        ("assets", {"names": "web01", "owner": "x" * 257}, "owner", "257 characters"),
        ("assets", {"names": "web01", "owner": "bob\u202e"}, "owner", "nobody can see"),
        ("assets", {"names": "web01", "owner": "\ud800"}, "owner", "nobody can see"),
        ("assets", {"names": ";".join(f"h{n}" for n in range(65))}, "names", "65 values"),
        ("assets", {"criticality": "low"}, "uid", "nothing names it"),
        ("identities", {"names": "alice", "privileged": "perhaps"}, "privileged", "true or false"),
        ("identities", {"names": "alice", "leave": "2026-09-01"}, "leave", "no end"),
        ("identities", {"names": "alice", "leave": "2026-09-02/2026-08-01"}, "leave", "ends before"),
        ("identities", {"names": "alice", "leave": "soon/later"}, "leave", "is no date"),
        ("identities", {"names": "alice", "leave": "2026-09-01T08:00:00/"}, "leave", "no zone"),
        ("identities", {"names": "alice", "leave": "2026-09-01/2026-09-02 NO"}, "leave", "means nothing"),
        ("identities", {"names": "alice", "leave": [7]}, "leave", "is no time"),
        ("identities", {"names": "alice", "leave": [{"until": "2026-09-01"}]}, "leave", "until: unknown"),
        ("identities", {"names": "alice", "leave": [{"from_ms": "5"}]}, "leave", "whole numbers"),
        ("identities", {"names": "alice", "travel": "2026-09-01/2026-09-02 Norway"}, "travel", "ISO code"),
    ],
)
def test_what_is_wrong_is_told_by_field(kind: Kind, row: dict[str, Any], field: str, word: str) -> None:
    record, problems = read_row(kind, row)
    assert record is None
    assert list(problems) == [field]
    assert word in problems[field]


def test_everything_wrong_with_a_row_is_told_at_once() -> None:
    _, problems = read_row("assets", {"ips": "x", "criticality": "y", "owner": []})
    assert set(problems) == {"ips", "criticality", "owner"}


def test_the_first_name_is_the_uid_where_none_is_given() -> None:
    for row, uid in (
        ({"names": "web01", "instances": "i-1"}, "i-1"),
        ({"names": "web01"}, "web01"),
        ({"ips": "192.0.2.1"}, "192.0.2.1"),
    ):
        record, _ = read_row("assets", row)
        assert record is not None
        assert record.uid == uid


def test_columns_are_mapped_and_their_words_translated() -> None:
    columns = Columns(
        {"uid": ("id",), "names": ("Host", "net.fqdn"), "criticality": ("Tier", "Old tier"), "owner": ("net.owner",)},
        {"criticality": {"1": "critical", "Tier 2": "high"}},
    )
    row = {
        "id": 7,
        "Host": "web01; www",
        "net": {"fqdn": "web01.example.com", "owner": None},
        "Tier": 1,
        "Old tier": "low",
    }
    record, problems = read_row("assets", row, columns)
    assert problems == {}
    assert record == Asset("7", names=("web01", "www", "web01.example.com"), criticality="critical")
    record, _ = read_row("assets", {"id": "8", "Tier": "", "Old tier": "Tier 2"}, columns)
    assert record == Asset("8", criticality="high")


def test_a_column_under_its_whole_name_wins_over_a_path() -> None:
    record, _ = read_row("assets", {"a.b": "web01", "a": {"b": "web02"}}, Columns({"names": ("a.b",)}))
    assert record == Asset("web01", names=("web01",))


def test_columns_that_fit_nothing_are_told() -> None:
    wrong = dict(column_problems("assets", Columns({"name": ("Host",)}), frozenset({"Host"})))
    assert list(wrong) == ["name"]
    assert "fields are uid, names" in wrong["name"]
    assert dict(column_problems("assets", Columns({"names": ("Host",)}), frozenset({"host"}))) == {
        "Host": "no such column"
    }
    assert list(dict(column_problems("assets", Columns(), frozenset({"names", "Tier"})))) == ["Tier"]


def values() -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["a/b", "NO", "x"])
    keys = st.sampled_from(["from", "to", "from_ms", "countries"]) | st.text(max_size=3)
    return st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))


@given(st.sampled_from(KINDS), st.data())
def test_any_row_gives_a_record_or_problems(kind: Kind, data: st.DataObject) -> None:
    row = data.draw(st.dictionaries(st.sampled_from(fields_of(kind)), values()))
    record, problems = read_row(kind, row)
    assert (record is None) == bool(problems)
    if record is not None:
        assert read_row(kind, orjson.loads(orjson.dumps(to_json(record)))) == (record, {})
