"""Which lists there are: every mistake names its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from enrichers.intel.lists import Layout
from enrichers.intel.sources import Source, read_sources
from models.errors import ConfigError


@pytest.mark.parametrize(
    ("argument", "source"),
    [
        ("a/bad.txt", Source("bad", "list", "a/bad.txt")),
        ("mine=a/bad.csv", Source("mine", "csv", "a/bad.csv")),
        ("b.json", Source("b", "stix", "b.json")),
        ("feed/manifest.json", Source("manifest", "misp", "feed/manifest.json")),
        ("https://t.example.net/taxii2/", Source("taxii2", "taxii", "https://t.example.net/taxii2/")),
        ("x=https://l.example.net/l.txt?a=b", Source("x", "list", "https://l.example.net/l.txt?a=b")),
    ],
)
def test_an_argument_names_a_list(argument: str, source: Source) -> None:
    assert read_sources([argument]) == (source,)


def test_a_folder_with_a_manifest_is_a_misp_feed(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}", "utf-8")
    (source,) = read_sources([str(tmp_path)])
    assert source.format == "misp"


FULL = """
[[source]]
name = "urls"
format = "csv"
location = "feeds/urls.csv"
kind = "url"
columns = {value = "url", id = 0}
delimiter = ";"
labels = ["b", "a"]
confidence = 90
days = 30

[[source]]
name = "sharing"
location = "https://taxii.example.net/taxii2/"
user = "alice"
password = "env:TAXII"
"""


def test_a_file_says_more_of_each(tmp_path: Path) -> None:
    path = tmp_path / "lists.toml"
    path.write_text(FULL, "utf-8")
    layout = Layout("url", {"value": "url", "id": 0}, ";", ("a", "b"))
    assert read_sources([str(path)]) == (
        Source("urls", "csv", str(tmp_path / "feeds/urls.csv"), layout, 90, 30),
        Source("sharing", "taxii", "https://taxii.example.net/taxii2/", user="alice", password="env:TAXII"),  # noqa: S106  # where it is, not what
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x", "not TOML"),
        ("a = 1", r"\[\[source\]\]"),
        ("source = [5]", "source 1: not a table"),
        ('[[source]]\nlocation = "a"', "source 1: name"),
        ('[[source]]\nname = "a"', "source 1: location"),
        ('[[source]]\nname = "../a"\nlocation = "a"', "source 1: name"),
        ('[[source]]\nname = "a"\nlocation = "a"\nformat = "yara"', "source 1: format 'yara'"),
        ('[[source]]\nname = "a"\nlocation = "a"\nkind = "x"', "source 1: kind 'x'"),
        ('[[source]]\nname = "a"\nlocation = "a"\ncolumns = {id = 1}', "source 1: columns"),
        ('[[source]]\nname = "a"\nlocation = "a"\ndelimiter = ""', "source 1: delimiter"),
        ('[[source]]\nname = "a"\nlocation = "a"\nlabels = "x"', "source 1: labels"),
        ('[[source]]\nname = "a"\nlocation = "a"\nconfidence = 101', "source 1: confidence"),
        ('[[source]]\nname = "a"\nlocation = "a"\ndays = true', "source 1: days"),
        ('[[source]]\nname = "a"\nlocation = "ftp://x/"', "source 1: location"),
        ('[[source]]\nname = "a"\nlocation = "https://alice:pw@x/"', "source 1: location"),
        ('[[source]]\nname = "a"\nlocation = "a"\nx = 1', "source 1: unknown x"),
    ],
)
def test_a_mistake_names_its_place(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "lists.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=why) as raised:
        read_sources([str(path)])
    assert str(path) in str(raised.value)


def test_two_lists_have_two_names() -> None:
    with pytest.raises(ConfigError, match="two lists are named 'bad'"):
        read_sources(["a/bad.txt", "b/bad.csv"])


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="without user and password") as raised:
        read_sources(["x=https://alice:hunter2@l.example.net/l.txt"])
    assert "hunter2" not in str(raised.value)
