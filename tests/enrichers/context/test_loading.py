from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.context.files import csv_rows
from enrichers.context.known import Asset, Identity
from enrichers.context.loading import NOTHING, TableErrors, Tables, load_tables
from models.errors import ConfigError


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def problems(*assets: Path, identities: tuple[Path, ...] = ()) -> list[str]:
    with pytest.raises(TableErrors) as caught:
        load_tables(assets, identities)
    return list(caught.value.problems)


WEB = Asset("web01", names=("web01", "web01.example.com"), owner="bob", criticality="high")


def test_a_csv_file(tmp_path: Path) -> None:
    path = write(tmp_path / "assets.csv", "names;owner;criticality\nweb01;bob;high\n")
    assert load_tables([path]) == Tables((Asset("web01", names=("web01",), owner="bob", criticality="high"),))
    path = write(tmp_path / "assets.csv", '\ufeffnames,owner,criticality\r\n"web01; web01.example.com",bob,high\r\n')
    assert load_tables([path]) == Tables((WEB,))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '[{"names": ["web01", "web01.example.com"], "owner": "bob",\n "criticality": "high"}]'),
        ("a.ndjson", '\n{"names": ["web01", "web01.example.com"], "owner": "bob", "criticality": "high"}\n'),
        ("a.JSONL", '{"names": "web01;web01.example.com", "owner": "bob", "criticality": "HIGH"}'),
        ("a.tsv", "names\towner\tcriticality\nweb01;web01.example.com\tbob\thigh\n"),
    ],
)
def test_the_other_kinds_of_files(tmp_path: Path, name: str, text: str) -> None:
    assert load_tables([write(tmp_path / name, text)]) == Tables((WEB,))


def test_nothing_is_nothing(tmp_path: Path) -> None:
    assert load_tables() == NOTHING
    assert load_tables([write(tmp_path / "a.csv", ""), write(tmp_path / "b.json", " [ ] ")]) == NOTHING


def test_everything_wrong_is_told_at_once_with_file_line_and_field(tmp_path: Path) -> None:
    one = write(tmp_path / "one.csv", 'names,criticality\n"web\n01",high\nweb02,Tier 1\nweb03,low,more\n')
    two = write(tmp_path / "two.json", '[\n  {"names": "db01"},\n  7,\n  {"ips": "x",\n   "owner": []}\n]')
    three = write(tmp_path / "three.ndjson", '{"names": "alice"}\n{"names": \n{"names": "bob", "leave": "x"}\n')
    found = problems(one, two, identities=(three,))
    assert [problem.partition(": ")[0] for problem in found] == [
        f"{one}:2",
        f"{one}:4",
        f"{one}:5",
        f"{two}:3",
        f"{two}:4",
        f"{two}:4",
        f"{three}:2",
        f"{three}:3",
    ]
    assert found[1] == f"{one}:4: criticality: must be one of low, medium, high, critical, not 'tier 1'"
    assert found[4].startswith(f"{two}:4: ips: 'x' is")


def test_a_record_that_comes_twice_is_told_with_its_first_place(tmp_path: Path) -> None:
    one = write(tmp_path / "one.csv", "names\nweb01\n")
    two = write(tmp_path / "two.csv", "names\ndb01\nweb01\n")
    assert problems(one, two) == [f"{two}:3: uid: 'web01' is at {one}:2 already"]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "names,Tier\nweb01,1\n", "Tier: no field of assets"),
        ("a.json", '[{"names": "web01", "Tier": 1}]', "Tier: no field of assets"),
        ("a.json", '{"names": "web01"}', "not a JSON list"),
        ("a.json", '[{"names": "web01"} {}]', "no comma"),
        ("a.json", '[{"names": "web01"}', "no comma"),
        ("a.json", "[", "not JSON"),
        ("a.json", "[" * 5000, "not JSON"),
        ("a.ndjson", "7", "not a JSON object"),
        ("a.csv", 'names\n"web01', "not CSV"),
        ("a.xlsx", "", "is none of .csv"),
    ],
)
def test_files_that_are_something_else(tmp_path: Path, name: str, text: str, told: str) -> None:
    (found,) = problems(write(tmp_path / name, text))
    assert told in found
    assert found.startswith(str(tmp_path / name))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"names\n\xe6\n")
    found = problems(tmp_path / "gone.csv", tmp_path / "latin.csv")
    assert "No such file" in found[0]
    assert "utf-8" in found[1]


DESCRIPTION = """\
file = "hr.csv"
[columns]
emails = "E-mail"
names = ["Login", "Old login"]
service_account = "Kind"
[words.service_account]
Person = "no"
Service = "yes"
"""


def test_a_description_maps_columns_and_words(tmp_path: Path) -> None:
    write(tmp_path / "hr.csv", "Login,Old login,E-mail,Kind,Salary\nalice,alicia,alice@example.com,Person,1\n")
    path = write(tmp_path / "hr.toml", DESCRIPTION)
    identity = Identity("alice@example.com", names=("alice", "alicia"), emails=("alice@example.com",))
    assert load_tables((), [path]) == Tables((), (identity,))


def test_a_description_names_columns_that_are_not_there(tmp_path: Path) -> None:
    write(tmp_path / "hr.csv", "Login,E-mail,Kind\nalice,alice@example.com,Person\n")
    path = write(tmp_path / "hr.toml", DESCRIPTION)
    assert problems(identities=(path,)) == [f"{path}: Old login: no such column"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("file = 7\n[columns]\nnames = 'a'", ["file: must be a text"]),
        ("[columns]\nnames = 'a'", ["give a file or a url, one of them"]),
        ("file = 'a.csv'\nurl = 'https://example.com'\n[columns]\nnames = 'a'", ["give a file or a url, one of them"]),
        ("file = 'a.csv'", ["columns: must say which column is which field"]),
        ("file = 'a.csv'\ntimeout = 3\n[columns]\nnames = [1]", ["timeout: unknown", "columns.names: must be a text"]),
        ("file = 'a.csv'\n[columns]\nnames = 'a'\n[words]\nnames = 3", ["words.names: must say"]),
        ("url = 'http://example.com'\n[columns]\nnames = 'a'", ["url: must begin with https://"]),
        ("url = 'https://u:p@example.com'\n[columns]\nnames = 'a'", ["url: must begin with https://"]),
        ("url = 'https://'\n[columns]\nnames = 'a'", ["url: must begin with https://"]),
        (
            "url = 'https://example.com'\n[columns]\nnames = 'a'\n[http]\ntoken = 'x'\nseconds = '3'",
            ["http.token: unknown", "http.seconds: must be a number"],
        ),
        ("url = 'https://example.com'\n[columns]\nnames = 'a'\n[http]\nnext_token = 'x'", ["http: next_token and"]),
        ("url = 'https://example.com'\n[columns]\nnames = 'a'\n[http]\nseconds = 0", ["http: seconds must be"]),
        ("url = ", ["not TOML"]),
    ],
)
def test_what_is_wrong_with_a_description(tmp_path: Path, text: str, told: list[str]) -> None:
    path = write(tmp_path / "a.toml", text)
    (found,) = problems(path)
    lines = found.splitlines()
    assert len(lines) == len(told)
    for line, words in zip(lines, told, strict=True):
        assert line.startswith(f"{path}: {words}")


def test_an_unknown_field_of_a_description(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "Host\nweb01\n")
    path = write(tmp_path / "a.toml", "file = 'a.csv'\n[columns]\nhost = 'Host'")
    (found,) = problems(path)
    assert found.startswith(f"{path}: host: no field of assets")


def test_an_api_is_not_asked_where_nothing_may_be_fetched(tmp_path: Path) -> None:
    path = write(tmp_path / "a.toml", "url = 'https://example.com'\n[columns]\nnames = 'a'")
    with pytest.raises(ConfigError, match="braid context load"):
        load_tables([path])


def test_thousands_of_problems_are_counted_and_the_first_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "names,criticality\n" + "".join(f"web{n},x\n" for n in range(20_000)))
    with pytest.raises(TableErrors, match=r"and 9900 problems more") as caught:
        load_tables([path])
    assert len(str(caught.value).splitlines()) == 101


@given(st.text())
def test_any_text_is_csv_or_a_problem(text: str) -> None:
    rows = list(csv_rows(text))
    assert all(row.line >= 1 for row in rows)
    assert [row.line for row in rows] == sorted(row.line for row in rows)
