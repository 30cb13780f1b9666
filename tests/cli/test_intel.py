"""`braid intel`: build a table, ask it, and be told what is wrong with a list."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from enrichers.intel.ages import HOUR_MS, old_in_words
from enrichers.intel.table import IntelTable
from tests.command import braid, output_of
from tests.enrichers.server import Reply, serving

MD5 = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "bad.txt"
    path.write_text(f"evil.example.org\n198.51.100.0/24\nnot one\n{MD5}\n", "utf-8")
    done = braid("intel", "build", "--out", tmp_path / "intel.arrow", f"mine={path}")
    assert done.returncode == 0
    assert "mine: 3 indicators, 1 left out" in done.stdout
    assert f"{path}:3: 'not': " in done.stderr
    return tmp_path / "intel.arrow"


def test_a_table_answers(table: Path) -> None:
    assert output_of("intel", "lookup", "http://a.evil[.]example.org/x", BRAID_INTEL=str(table)) == (
        "domain evil.example.org (parent domain): mine, confidence 50\n"
    )
    told = json.loads(output_of("intel", "lookup", "--table", table, "--json", "198.51.100.7"))
    assert [(each["value"], each["how"], each["source"]) for each in told] == [("198.51.100.0/24", "network", "mine")]
    nothing = braid("intel", "lookup", "--table", table, "good.example.org")
    assert (nothing.returncode, nothing.stdout) == (1, "good.example.org: nothing\n")


def test_a_table_answers_for_a_time(tmp_path: Path) -> None:
    pattern = "[domain-name:value = 'evil.example.org']"
    about = {"type": "indicator", "id": "indicator--1", "pattern_type": "stix", "pattern": pattern}
    times = {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2026-02-01T00:00:00Z"}
    (tmp_path / "b.json").write_text(json.dumps({"objects": [about | times]}), "utf-8")
    output_of("intel", "build", "--out", tmp_path / "t", tmp_path / "b.json")
    ask = ("intel", "lookup", "--table", tmp_path / "t", "evil.example.org", "--at")
    assert "from 2026-01-01T00:00:00Z until 2026-02-01T00:00:00Z indicator--1" in output_of(*ask, "2026-01-15")
    assert braid(*ask, "2026-02-01").returncode == 1


def test_the_build_tells_all_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("evil.example.org\nnot one\n", "utf-8")
    told = json.loads(output_of("intel", "build", "--json", "--out", tmp_path / "t", tmp_path / "a.csv"))
    (source,) = told["sources"]
    assert (told["indicators"], source["indicators"], source["rejected"], source["missing"]) == (1, 1, 1, "")
    assert source["problems"][0]["where"] == f"{tmp_path / 'a.csv'}:2"


def test_a_feed_that_fails_keeps_its_copy_and_is_named(tmp_path: Path) -> None:
    lists = tmp_path / "lists.toml"
    build = ("intel", "build", "--json", "--out", tmp_path / "t", lists)
    for reply, status, missing in ((Reply(b"evil.example.org\n"), 0, ""), (Reply(status=404), 1, "it answered 404")):
        with serving(lambda _, reply=reply: reply) as server:
            lists.write_text(
                f'[[source]]\nname = "feed"\nlocation = "{server.url}/l.txt"\nkey = "env:KEY"\nkey_header = "x-key"\n',
                "utf-8",
            )
            done = braid(*build, KEY="hunter2")
        assert (done.returncode, server.asked[0].headers["x-key"]) == (status, "hunter2")
        told = json.loads(done.stdout)
        assert (told["indicators"], told["sources"][0]["missing"]) == (1, missing)
        assert "hunter2" not in done.stdout + done.stderr


def test_a_table_is_kept_when_a_new_one_would_lack_a_list(tmp_path: Path) -> None:
    out = tmp_path / "t"
    with serving(lambda _: Reply(b"evil.example.org\n")) as server:
        build = ("intel", "build", "--out", out, f"feed={server.url}/l.txt")
        assert braid(*build).returncode == 0
    before = out.read_bytes()
    shutil.rmtree(tmp_path / "t.lists")
    done = braid(*build)
    assert done.returncode == 2
    assert (
        f"{out}: kept as it is, since a new one would lack what could not be fetched: feed: ConnectError" in done.stderr
    )
    assert out.read_bytes() == before


def test_the_table_says_how_old_its_lists_are(tmp_path: Path) -> None:
    out = tmp_path / "t"
    for reply in (Reply(b"evil.example.org\n"), Reply(status=404)):
        with serving(lambda _, reply=reply: reply) as server:
            braid("intel", "build", "--out", out, f"feed={server.url}/l.txt")
    (source,) = IntelTable(out).about.sources
    assert source["missing"].startswith("it answered 404; what it said until 2")
    assert 0 < source["as_of"] < IntelTable(out).about.built
    (words,) = old_in_words(IntelTable(out).about, source["as_of"] + 3 * HOUR_MS)
    assert words.startswith("intelligence of feed is 3 hours old: it answered 404; ")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("build", "--out", "{}/none/t", "{}/a.txt"), "no such folder"),
        (("build", "--out", "{}/t", "{}/none.toml"), "cannot be read"),
        (("lookup", "evil.example.org"), "no table"),
        (("lookup", "--table", "{}/none", "evil.example.org"), "not an indicator table"),
        (("lookup", "--table", "{}/none", "what?"), "neither an address"),
        (("lookup", "--table", "{}/none", "198.51.100.0/24"), "ask for an address"),
        (("lookup", "--table", "{}/none", "evil.example.org", "--at", "noon"), "not a time"),
    ],
)
def test_a_mistake_exits_2_and_says_why(tmp_path: Path, arguments: tuple[str, ...], why: str) -> None:
    done = braid("intel", *(each.format(tmp_path) for each in arguments))
    assert done.returncode == 2
    assert why in done.stderr


def test_a_list_that_is_not_there_is_missing(tmp_path: Path) -> None:
    done = braid("intel", "build", "--out", tmp_path / "t", tmp_path / "none.txt")
    assert done.returncode == 1
    assert "missing: cannot be read: No such file or directory" in done.stderr
