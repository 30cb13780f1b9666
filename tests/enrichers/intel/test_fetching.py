"""Lists of other servers: fetched by pages and by change, kept when the server fails, and never with the key told."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from enrichers.intel.fetching import SOURCE_S, Fetched, Fetcher
from enrichers.intel.indicator import Indicator
from enrichers.intel.reading import read
from enrichers.intel.sources import Source
from enrichers.intel.taxii import MAX_BYTES
from enrichers.web import Limits, Web, new_client
from models.errors import ConfigError
from tests.enrichers.server import Asked, Reply, Waits, json_reply, serving

LIMITS = Limits(max_bytes=100_000)
LOGIN = {"user": "alice", "password": "env:KEY"}
NOW = 1_760_000_000_000
UUIDS = [f"5c8ff3e2-0000-4000-8000-00000000000{number}" for number in range(3)]


async def fetched(
    url: str, made: str, folder: Path, path: str = "", *, now: int = NOW, source_s: float = SOURCE_S, **more: str
) -> Fetched:
    waits = Waits()
    async with new_client(LIMITS) as client:
        web = Web(client, LIMITS, lambda: 0.0, waits.sleep)
        source = Source("feed", made, url + path, **more)
        return await Fetcher(web, folder, {"KEY": "hunter2"}, now, source_s).fetch(source)


def values(made: str, found: Fetched) -> list[str]:
    assert found.path
    said = read(Source("feed", made, ""), found.path, 0)
    return [each.value for each in said if isinstance(each, Indicator)]


def stix(number: int) -> dict[str, Any]:
    pattern = f"[ipv4-addr:value = '198.51.100.{number}']"
    return {"type": "indicator", "id": f"indicator--{number}", "pattern": pattern, "pattern_type": "stix"}


STIX = orjson.dumps({"type": "bundle", "objects": [stix(7)]})


def taxii(pages: dict[str, list[int]]) -> Callable[[Asked], Reply]:
    """Serve two collections, one of them unreadable; pages by the `next` that asks for them."""

    def answer(asked: Asked) -> Reply:
        path, query = urlsplit(asked.path).path, parse_qs(urlsplit(asked.path).query)
        if path == "/taxii2/":
            return json_reply({"title": "t", "api_roots": ["/root/", "http://10.0.0.1/internal/"]})
        if path == "/root/":
            return json_reply({"title": "r", "versions": ["application/taxii+json;version=2.1"]})
        if path == "/root/collections/":
            return json_reply({"collections": [{"id": "c1", "can_read": True}, {"id": "c2", "can_read": False}]})
        if path == "/root/collections/c1/":
            return json_reply({"id": "c1", "can_read": True})
        if query.get("added_after") == ["2026-01-02T00:00:00Z"]:
            return json_reply({})
        here = query.get("next", [""])[0]
        later = [name for name in pages if name > here]
        content: dict[str, Any] = {"objects": [stix(number) for number in pages[here]]}
        content |= {"more": True, "next": later[0]} if later else {"more": False}
        return json_reply(content, x_taxii_date_added_last="2026-01-02T00:00:00Z")

    return answer


@pytest.mark.parametrize("path", ["/taxii2/", "/root", "/root/collections/c1/"])
async def test_a_taxii_server_is_read_by_pages_and_only_what_is_new(tmp_path: Path, path: str) -> None:
    with serving(taxii({"": [1, 2], "p2": [3], "p3": [4]})) as server:
        first = await fetched(server.url, "taxii", tmp_path, path, **LOGIN)
        count = len(server.asked)
        second = await fetched(server.url, "taxii", tmp_path, path, **LOGIN)
    assert first == second
    assert first.missing == ""
    assert values("taxii", second) == [f"198.51.100.{number}" for number in range(1, 5)]
    assert sum("/objects/" in path for path in server.paths[:count]) == 3
    assert sum("/objects/" in path for path in server.paths[count:]) == 1
    assert {one.headers["accept"] for one in server.asked} == {"application/taxii+json;version=2.1"}
    login = "Basic " + base64.b64encode(b"alice:hunter2").decode()
    assert {one.headers["authorization"] for one in server.asked} == {login}


async def test_pages_that_break_off_are_fetched_again_from_where_it_was_whole(tmp_path: Path) -> None:
    whole = taxii({"": [1], "p2": [2]})
    with serving(lambda one: Reply(status=400) if "next=p2" in one.path else whole(one)) as server:
        found = await fetched(server.url, "taxii", tmp_path, "/root/")
    assert found.missing == "it answered 400"
    assert values("taxii", found) == ["198.51.100.1"]
    with serving(whole) as server:
        found = await fetched(server.url, "taxii", tmp_path, "/root/")
    assert found.missing == ""
    assert values("taxii", found) == ["198.51.100.1", "198.51.100.1", "198.51.100.2"]


async def test_a_copy_that_grew_too_large_is_begun_anew(tmp_path: Path) -> None:
    whole = taxii({"": [1], "p2": [2]})
    with serving(whole) as server:
        found = await fetched(server.url, "taxii", tmp_path, "/root/")
        assert found.path
        with found.path.open("ab") as copy:
            copy.truncate(MAX_BYTES + 1)  # a file with a hole: it takes no room
        found = await fetched(server.url, "taxii", tmp_path, "/root/")
    assert values("taxii", found) == ["198.51.100.1", "198.51.100.2"]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"more": True}, "not where"),
        ([], "no JSON object"),
        ({"more": True, "next": "same"}, "not where"),
    ],
)
async def test_a_taxii_server_that_lies_is_told(tmp_path: Path, told: Any, why: str) -> None:
    whole = taxii({"": [1]})
    with serving(lambda one: json_reply(told) if "/objects/" in one.path else whole(one)) as server:
        found = await fetched(server.url, "taxii", tmp_path, "/root/")
    assert why in found.missing


async def test_a_root_on_another_server_is_not_asked(tmp_path: Path) -> None:
    with serving(lambda _: json_reply({"api_roots": ["http://169.254.169.254/", 5]})) as server:
        found = await fetched(server.url, "taxii", tmp_path, "/taxii2/")
    assert found == Fetched(None, "no collection that may be read")


def misp(changed: dict[str, int], down: str = "") -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2].removesuffix(".json")
        if name == down:
            return Reply(status=404)
        if name == "manifest":
            return json_reply({uuid: {"timestamp": str(at)} for uuid, at in changed.items()})
        about = {"type": "ip-dst", "to_ids": True, "value": f"198.51.100.{changed[name]}", "uuid": name}
        return json_reply({"Event": {"info": "x", "Attribute": [about]}})

    return answer


async def test_a_misp_feed_fetches_what_changed(tmp_path: Path) -> None:
    with serving(misp({UUIDS[0]: 1, UUIDS[1]: 2})) as server:
        found = await fetched(server.url, "misp", tmp_path, "/feed/", key="env:KEY", key_header="X-Key")
    assert values("misp", found) == ["198.51.100.1", "198.51.100.2"]
    assert {one.headers["x-key"] for one in server.asked} == {"hunter2"}
    with serving(misp({UUIDS[0]: 1, UUIDS[1]: 3})) as server:
        found = await fetched(server.url, "misp", tmp_path, "/feed/manifest.json")
    assert server.paths == ["/feed/manifest.json", f"/feed/{UUIDS[1]}.json"]
    assert values("misp", found) == ["198.51.100.1", "198.51.100.3"]


async def test_an_event_that_is_missing_is_told_and_asked_for_again(tmp_path: Path) -> None:
    with serving(misp({UUIDS[0]: 1, UUIDS[1]: 2})) as server:
        await fetched(server.url, "misp", tmp_path)
    with serving(misp({UUIDS[0]: 5, UUIDS[1]: 2}, down=UUIDS[0])) as server:
        found = await fetched(server.url, "misp", tmp_path)
    assert found.missing == f"event {UUIDS[0]}: it answered 404"
    assert values("misp", found) == ["198.51.100.1", "198.51.100.2"]
    with serving(misp({UUIDS[0]: 5, UUIDS[1]: 2})) as server:
        found = await fetched(server.url, "misp", tmp_path)
    assert (found.missing, values("misp", found)) == ("", ["198.51.100.5", "198.51.100.2"])


async def test_a_server_that_fails_leaves_the_last_copy(tmp_path: Path) -> None:
    with serving(lambda _: Reply(b"198.51.100.7\n")) as server:
        found = await fetched(server.url, "list", tmp_path, "/l.txt")
    assert (found.missing, values("list", found)) == ("", ["198.51.100.7"])
    for reply in (
        Reply(status=500),
        Reply(b"x" * 200_000),
        Reply(status=302, headers={"location": "http://10.0.0.1/"}),
    ):
        with serving(lambda _, reply=reply: reply) as server:
            found = await fetched(server.url, "list", tmp_path, "/l.txt")
        assert found.missing
        assert values("list", found) == ["198.51.100.7"]


HTML = b"<!DOCTYPE html>\n<title>down.example.com</title>\nwindow.location\n"


@pytest.mark.parametrize(
    ("made", "good", "bad", "why"),
    [
        ("list", b"198.51.100.7\n", b"not one\nnor this\n", "nothing in it can be read"),
        ("list", b"198.51.100.7\n", HTML, "a page, and no list"),
        ("csv", b"198.51.100.7\n", b"\xef\xbb\xbf \r\n" + HTML, "a page, and no list"),
        ("stix", STIX, STIX[:-9], "not such a list: not JSON"),
        ("stix", STIX, b'{"objects": 5}', "not such a list: neither a STIX bundle nor an object"),
        ("stix", STIX, b'{"objects": [{"type": "indicator", "pattern": "[?"}]}', "nothing in it can be read"),
    ],
)
async def test_what_is_no_list_takes_the_place_of_none(
    tmp_path: Path, made: str, good: bytes, bad: bytes, why: str
) -> None:
    for body, missing, now in ((good, "", NOW), (bad, why, NOW + 5)):
        with serving(lambda _, body=body: Reply(body)) as server:
            found = await fetched(server.url, made, tmp_path, "/l", now=now)
        assert (missing in found.missing, bool(found.missing), found.as_of) == (True, bool(missing), NOW)
        assert values(made, found) == ["198.51.100.7"]
    assert [path.name for path in (tmp_path / "feed").iterdir()].count("list") == 1
    assert not list((tmp_path / "feed").glob(".*"))


@pytest.mark.parametrize("body", [b"", b"# nothing today\n", b"198.51.100.7\nnot one\n"])
async def test_a_list_may_be_empty_or_hold_mistakes(tmp_path: Path, body: bytes) -> None:
    with serving(lambda _: Reply(body)) as server:
        found = await fetched(server.url, "list", tmp_path, "/l")
    assert (found.missing, found.as_of) == ("", NOW)


async def test_a_misp_event_that_is_none_leaves_the_last_one_and_one_of_other_things_is_one(tmp_path: Path) -> None:
    with serving(misp({UUIDS[0]: 1, UUIDS[1]: 2})) as server:
        await fetched(server.url, "misp", tmp_path)
    whole = misp({UUIDS[0]: 5, UUIDS[1]: 6})
    other = {"Event": {"info": "x", "Attribute": [{"type": "yara", "to_ids": True, "value": "rule x {}"}]}}

    def answer(asked: Asked) -> Reply:
        if UUIDS[0] in asked.path:
            return Reply(b'{"Event": 5}')
        return json_reply(other) if UUIDS[1] in asked.path else whole(asked)

    with serving(answer) as server:
        found = await fetched(server.url, "misp", tmp_path, now=NOW + 5)
    assert found.missing == f"event {UUIDS[0]}: not such a list: no MISP event"
    assert (found.as_of, values("misp", found)) == (NOW, ["198.51.100.1"])


@pytest.mark.parametrize("made", ["list", "misp", "taxii"])
async def test_a_list_that_takes_too_long_holds_up_no_other_and_keeps_its_copy(tmp_path: Path, made: str) -> None:
    answers = {"list": lambda _: Reply(b"198.51.100.1\n"), "misp": misp({UUIDS[0]: 1}), "taxii": taxii({"": [1]})}
    with serving(answers[made]) as server:
        await fetched(server.url, made, tmp_path, "/root/" if made == "taxii" else "/l")
    with serving(lambda _: Reply(b"", stall=True)) as server:
        found = await fetched(server.url, made, tmp_path, "/root/" if made == "taxii" else "/l", now=5, source_s=1.0)
    assert (found.missing, found.as_of) == ("not whole within 1 s", NOW)
    assert values(made, found) == ["198.51.100.1"]


async def test_a_list_on_disk_is_as_old_as_its_file(tmp_path: Path) -> None:
    path = tmp_path / "l.txt"
    path.write_text("198.51.100.7\n")
    os.utime(path, (NOW / 1000, NOW / 1000))
    assert await fetched(str(path), "list", tmp_path) == Fetched(path, "", NOW)
    assert await fetched(str(tmp_path / "none"), "list", tmp_path) == Fetched(tmp_path / "none")


async def test_a_list_that_never_came_is_missing(tmp_path: Path) -> None:
    for made in ("list", "misp", "taxii"):
        with serving(lambda _: Reply(status=403)) as server:
            found = await fetched(server.url, made, tmp_path)
        assert found == Fetched(None, "it answered 403")


async def test_a_key_that_is_missing_is_a_mistake_of_the_settings(tmp_path: Path) -> None:
    with serving(lambda _: Reply()) as server, pytest.raises(ConfigError, match="NONE is not set"):
        await fetched(server.url, "list", tmp_path, key="env:NONE")


async def test_the_key_is_in_no_log_and_no_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with serving(lambda _: Reply(status=500)) as server:
        found = await fetched(server.url, "list", tmp_path, key="env:KEY")
    with serving(taxii({"": [1]})) as server:
        await fetched(server.url, "taxii", tmp_path, "/root/", **LOGIN)
    files = _contents(tmp_path)
    hidden = base64.b64encode(b"alice:hunter2").decode()
    assert caplog.records
    for secret in ("hunter2", hidden):
        assert secret not in caplog.text + repr(found)
        assert secret.encode() not in files


def _contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
