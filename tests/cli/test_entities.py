"""`braid entities show`: from what a replay wrote; the topic is read in `tests/scenarios/test_entities_on_kafka.py`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from models.entity import DERIVED, EntityLink
from streams.correlate.fanout import LINK_FANOUT
from streams.neighbours import neighbours
from streams.wire import link_to_json
from tests.cli.run import braid
from tests.correlate.build import HOUR, START, link

NAT = "ip:192.0.2.1"
ALICE = "user:alice@example.com"
LEASE = link("host:ws1", "ip:10.0.0.5", 0, HOUR)
MOVED = link("host:ws2", "ip:10.0.0.5", 2 * HOUR, 3 * HOUR)


def crowd(number: int) -> list[EntityLink]:
    return [link(NAT, f"user:u{index}", 0, HOUR) for index in range(number)]


def write(folder: Path, links: Iterable[EntityLink]) -> Path:
    folder.mkdir(exist_ok=True)
    lines = (orjson.dumps(link_to_json(one)) for one in links)
    (folder / "links.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    return folder


def test_it_tells_when_why_how_surely_and_who_said_so(tmp_path: Path) -> None:
    ran = braid("entities", "show", "ip:10.0.0.5", "--from", write(tmp_path, [LEASE, MOVED]))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "ip:10.0.0.5: 2 links",
        "  2023-11-15T00:13:20 to 2023-11-15T01:13:20  host:ws2  confidence  90  test, event e",
        "  2023-11-14T22:13:20 to 2023-11-14T23:13:20  host:ws1  confidence  90  test, event e",
    ]


def test_at_a_time_it_tells_what_held_then(tmp_path: Path) -> None:
    folder = write(tmp_path, [LEASE, MOVED])
    for moment in (str(START), "2023-11-14T22:13:20Z"):
        ran = braid("entities", "show", "ip:10.0.0.5", "--at", moment, "--from", folder, "--json")
        assert [(row["entity"], row["valid_from"], row["fans_out"]) for row in ran.json] == [("host:ws1", START, True)]
    ran = braid("entities", "show", "IP:10.0.0.5", "--at", str(START + 4 * HOUR), "--from", folder / "links.ndjson")
    assert (ran.code, ran.out) == (1, "ip:10.0.0.5: no link at 2023-11-15T02:13:20.000Z\n")


def test_links_of_shared_things_say_so_at_both_ends(tmp_path: Path) -> None:
    folder = write(tmp_path, [*crowd(9), link("host:h1", "user:u1", 0, HOUR)])
    rows = braid("entities", "show", NAT, "--from", folder, "--json").json
    assert {row["why_not"] for row in rows} == {f"{NAT} has 9 of type user at a time"}
    rows = braid("entities", "show", "user:u1", "--from", folder, "--json").json
    assert {row["entity"]: row["fans_out"] for row in rows} == {NAT: False, "host:h1": True}
    assert "  shared: " in braid("entities", "show", "user:u1", "--from", folder).out
    few = write(tmp_path / "few", crowd(LINK_FANOUT))
    assert all(row["fans_out"] for row in braid("entities", "show", NAT, "--from", few, "--json").json)


def test_a_link_that_correlate_found_shared_is_told_once_and_as_such() -> None:
    (found,) = neighbours(lambda: [LEASE, LEASE.shared(), LEASE], "host:ws1", None, 8)
    assert (found.shared, found.link.confidence) == ("too many at a time, as correlate found", 10)


def test_a_link_that_follows_from_others_makes_none_shared_and_tells_why_it_is() -> None:
    first, *others = (replace(one, source=DERIVED) for one in crowd(LINK_FANOUT + 2))
    links = [first.shared(), *others, *crowd(LINK_FANOUT + 3)[LINK_FANOUT + 2 :]]
    found = {one.entity: one.shared for one in neighbours(lambda: links, NAT, None, LINK_FANOUT)}
    assert found.pop("user:u0") == "follows from one that is shared"
    assert set(found.values()) == {""}


def test_many_sessions_of_a_user_are_hers() -> None:
    links = [link(f"session:s{number}", ALICE, 0, HOUR) for number in range(33)]
    assert not any(one.shared for one in neighbours(lambda: links[:32], ALICE, None, 8))
    assert all(one.shared for one in neighbours(lambda: links, ALICE, None, 8))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("alice",), "KEY 'alice'"),
        (("user:",), "KEY 'user:'"),
        (("user:alice", "--at", "yesterday"), "--at 'yesterday'"),
    ],
)
def test_mistakes_are_told_with_where_they_are(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = braid("entities", "show", *arguments, "--from", write(tmp_path, []))
    assert ran.code == 2
    assert said in ran.err


def test_a_file_that_is_none_of_links_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "links.ndjson").write_text('{"uid": "x"}\n')
    ran = braid("entities", "show", NAT, "--from", tmp_path)
    assert ran.code == 2
    assert f"{tmp_path / 'links.ndjson'}:1: " in ran.err
    (tmp_path / "links.ndjson").unlink()
    assert "links.ndjson: No such file" in braid("entities", "show", NAT, "--from", tmp_path).err


def test_without_a_broker_it_says_where_none_answered() -> None:
    ran = braid("entities", "show", NAT, bootstrap="127.0.0.1:1")
    assert ran.code == 1
    assert ran.err.startswith("braid: 127.0.0.1:1")
