"""A folder of good records of every source with every kind of bad record among them, in one replay."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from models.ocsf_schema import validate
from streams.replay.run import Replayed
from streams.sources.base import MAX_RECORD_BYTES
from streams.sources.registry import SOURCES
from tests.raw_records import connection, logon, process_start
from tests.replay.play import DEMO, demo_lines, lines, play, write

FIRST_BYTES = 1000  # of a record that is too long, at least this much has to be kept
LONG = b'{"EventID": 1, "Channel": "Security", "Padding": "' + b"x" * 2 * MAX_RECORD_BYTES + b'"}'


@dataclass(frozen=True, slots=True)
class Bad:
    """One bad record: where it stands among the good ones, and what must be said of it."""

    file: str
    after: int
    raw: bytes
    reason: str
    stage: str = "normalize"


def whole(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def cut(name: str) -> bytes:
    """Return a record of the demo without its second half."""
    return demo_lines(name)[0][: len(demo_lines(name)[0]) // 2]


TRAIL = json.loads(demo_lines("aws_cloudtrail.ndjson")[0])
SIGN_IN = json.loads(demo_lines("okta.ndjson")[0])
LONG_RECORD = r"record of \d{7} bytes, more than the limit"
# Here without the wrong value there is no event; where there is one all the same, it must be whole: see the last test.
BAD = (
    Bad("aws_cloudtrail.ndjson", 3, cut("aws_cloudtrail.ndjson"), "not JSON"),
    Bad("aws_cloudtrail.ndjson", 8, b"[1, 2", "not JSON"),
    Bad("aws_cloudtrail.ndjson", 12, whole(TRAIL | {"eventTime": 5, "eventName": "NumberForTime"}), "time"),
    Bad("aws_cloudtrail.ndjson", 13, whole(TRAIL | {"eventSource": ["sts"], "eventID": "list"}), "eventSource"),
    Bad("okta.ndjson", 2, cut("okta.ndjson"), "not JSON"),
    Bad("okta.ndjson", 5, b'{"actor": "\xff\xfe"}', "not UTF-8"),
    Bad("okta.ndjson", 6, whole(SIGN_IN | {"eventType": {"a": 1}, "uuid": "map"}), "eventType"),
    Bad("okta.ndjson", 7, whole(SIGN_IN | {"published": [], "uuid": "list"}), "time"),
    Bad("windows.ndjson", 4, cut("windows.ndjson"), "not JSON"),
    Bad("windows.ndjson", 7, LONG, LONG_RECORD),
    Bad("windows.ndjson", 9, whole(process_start(Channel="a\x00b")).replace(b"\\u0000", b"\x00"), "NUL byte"),
    Bad("windows.ndjson", 11, whole(process_start(EventID=["1"])), "EventID"),
    Bad("windows.ndjson", 13, whole(process_start(TimeCreated={"a": 1})), "time"),
    Bad("windows.ndjson", 15, b"\x00" * 50, "NUL byte"),
    Bad("windows.ndjson", 17, b"5", "not an object|not JSON"),
    Bad("zeek.ndjson", 3, cut("zeek.ndjson"), "not JSON"),
    Bad("zeek.ndjson", 5, whole(connection(ts="noon")), "time"),
    Bad("zeek.ndjson", 6, whole(connection(_path="conn", ts=[1])), "time"),
    Bad("zeek.ndjson", 9, b"{" * 5000, "not JSON"),
    Bad("zeek.ndjson", 10, b'{"_path": "conn", "ts": ' + b'{"a":' * 100 + b"1" + b"}" * 101, "deep|time"),
    Bad("zeek_conn.log", 20, b"1790000000.5\tonly\tthree", "3 columns"),
    Bad("zeek_conn.log", 30, b"\xff\xfe\tbroken\tutf8", "UTF-8"),
    Bad("ocsf.ndjson", 1, whole(logon(severity_id="high")), "severity_id"),
    Bad("ocsf.ndjson", 1, whole(logon(user="alice")), "user"),
    Bad("ocsf.ndjson", 1, whole(logon(class_uid=99_999)), "class_uid"),
    Bad("nobody.ndjson", 0, b'{"shape": "of nobody"}', "no source recognizes", "recognize"),
    Bad("nobody.ndjson", 0, b'{"another": ["shape"]}', "no source recognizes", "recognize"),
    Bad("nobody.ndjson", 0, b'{"long": "' + b"y" * 2 * MAX_RECORD_BYTES + b'"}', LONG_RECORD, "recognize"),
)
GOOD = {path.name: path.read_bytes().splitlines() for path in sorted(DEMO.iterdir())} | {
    "ocsf.ndjson": [whole(logon()), whole(logon(user={"name": "bob"}))],
    "nobody.ndjson": [whole(logon(user={"name": "carol"}))],
}
CUT_GZIP, BROKEN_GZIP, NO_GZIP, EMPTY = "cut.ndjson.gz", "broken.ndjson.gz", "none.ndjson.gz", "empty.ndjson"
PACKED_FILES = (CUT_GZIP, BROKEN_GZIP, NO_GZIP)
PACKED = [whole(connection(uid=f"Cp{n}", ts=1_790_000_000 + n, note=f"{n * n:040d}")) for n in range(300)]


def mixed(name: str) -> list[tuple[bytes, Bad | None]]:
    """Return the lines of one file with the bad records in their places."""
    every: list[tuple[bytes, Bad | None]] = []
    for number, line in enumerate(GOOD[name], 1):
        every += [(bad.raw, bad) for bad in BAD if bad.file == name and bad.after == number - 1]
        every.append((line, None))
    return every


def places() -> Iterator[tuple[tuple[str, int], Bad]]:
    """Yield file and line of every bad record."""
    for name in GOOD:
        for number, (_, bad) in enumerate(mixed(name), 1):
            if bad:
                yield (name, number), bad


@dataclass(frozen=True, slots=True)
class Played:
    """One replay of the folder."""

    folder: Path
    out: Path
    found: Replayed
    letters: list[dict[str, Any]]

    def letters_of(self, name: str) -> list[dict[str, Any]]:
        return [letter for letter in self.letters if letter["topic"] == str(self.folder / name)]

    def letter_at(self, place: tuple[str, int]) -> dict[str, Any]:
        (letter,) = (letter for letter in self.letters_of(place[0]) if letter["offset"] == place[1])
        return letter


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    root = tmp_path_factory.mktemp("bad")
    folder = root / "in"
    for name in GOOD:
        write(folder / name, [line for line, _ in mixed(name)])
    packed = gzip.compress(b"\n".join(PACKED))
    (folder / CUT_GZIP).write_bytes(packed[:-500])
    (folder / BROKEN_GZIP).write_bytes(packed[:-8] + b"\xa5" * 4 + packed[-4:])
    (folder / NO_GZIP).write_bytes(packed[:10] + b"\xff" * 100)
    for empty in (EMPTY, "left-out.ndjson"):
        (folder / empty).write_bytes(b"")
    (folder / "readme.txt").write_text("What the shipper wrote.\nNothing to see.\n")
    found = play([folder, folder / EMPTY], root / "out")
    return Played(folder, root / "out", found, lines(root / "out" / "dead-letter.ndjson"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Replayed]:
    """Replay the same folder without anything bad in it."""
    root = tmp_path_factory.mktemp("good")
    for name, good in GOOD.items():
        write(root / "in" / name, good)
    return root / "out", play([root / "in"], root / "out")


def named(place: tuple[str, int], bad: Bad) -> Any:
    return pytest.param(place, bad, id=f"{place[0]}:{place[1]}")


@pytest.mark.parametrize(("place", "bad"), [named(place, bad) for place, bad in places()])
def test_a_bad_record_is_a_dead_letter_with_its_bytes_its_place_and_a_reason(
    played: Played, place: tuple[str, int], bad: Bad
) -> None:
    letter = played.letter_at(place)
    kept = b64decode(letter["raw"], validate=True)
    assert kept == bad.raw or (len(bad.raw) > MAX_RECORD_BYTES and bad.raw.startswith(kept))
    assert len(kept) >= min(len(bad.raw), FIRST_BYTES)
    assert letter["size_bytes"] == len(bad.raw)
    assert letter["stage"] == bad.stage
    assert re.search(bad.reason, f"{letter['reason']} {letter.get('field', '')}")
    assert len(letter["reason"]) < 500


def test_nothing_but_the_bad_is_dead(played: Played) -> None:
    expected = Counter(str(played.folder / name) for (name, _), _ in places())
    expected += Counter(str(played.folder / name) for name in (*PACKED_FILES, EMPTY))
    expected += Counter(letter["topic"] for letter in broken_in_the_demo(played))
    assert Counter(letter["topic"] for letter in played.letters) == expected


def broken_in_the_demo(played: Played) -> Iterator[dict[str, Any]]:
    """Yield the dead letters of records that are broken in the demo already."""
    bad = {(str(played.folder / name), number) for (name, number), _ in places()}
    for letter in played.letters:
        name = Path(letter["topic"]).name
        if name in GOOD and (letter["topic"], letter["offset"]) not in bad:
            yield letter


def test_the_demo_has_one_broken_record_of_its_own(played: Played) -> None:
    (letter,) = broken_in_the_demo(played)
    assert b64decode(letter["raw"]) in GOOD["okta.ndjson"]


@pytest.mark.parametrize(
    ("name", "reason", "least", "most"),
    [
        (CUT_GZIP, "truncated", 1, len(PACKED) - 2),
        (BROKEN_GZIP, "gzip data is broken: CRC", len(PACKED) - 1, len(PACKED) - 1),
        (NO_GZIP, "gzip data is broken", 0, 0),
    ],
)
def test_a_packed_file_gives_what_was_whole_and_one_dead_letter(
    played: Played, name: str, reason: str, least: int, most: int
) -> None:
    (letter,) = played.letters_of(name)
    assert letter["stage"] == "read"
    assert reason in letter["reason"]
    before = letter["offset"] - 1
    assert least <= before <= most
    assert PACKED[before].startswith(b64decode(letter["raw"]))


def test_an_empty_file_that_is_named_is_a_dead_letter(played: Played) -> None:
    (letter,) = played.letters_of(EMPTY)
    assert (letter["stage"], letter["reason"], letter["raw"]) == ("read", "the file is empty", "")


def test_what_is_no_telemetry_is_left_out_and_named(played: Played) -> None:
    summary = json.loads((played.out / "summary.json").read_bytes())
    expected = {"readme.txt": "text", "left-out.ndjson": "an empty file"}
    assert summary["left_out"] == {str(played.folder / name): reason for name, reason in expected.items()}


def events(out: Path) -> dict[str, dict[str, Any]]:
    return {event["metadata"]["uid"]: event for event in lines(out / "events.ndjson")}


def test_everything_good_still_comes_out(played: Played, clean: tuple[Path, Replayed]) -> None:
    here, there = events(played.out), events(clean[0])
    assert {uid: here.get(uid) for uid in there} == there
    further = {event["raw_data"].encode() for uid, event in here.items() if uid not in there}
    whole_lines = max(letter["offset"] - 1 for name in PACKED_FILES for letter in played.letters_of(name))
    assert further == set(PACKED[:whole_lines])


def test_signals_sequences_and_verdicts_are_those_of_the_good(played: Played, clean: tuple[Path, Replayed]) -> None:
    _, good = clean
    assert [signal.uid for signal in played.found.signals] == [signal.uid for signal in good.signals]
    assert played.found.sequences == good.sequences
    assert [one.verdict.uid for one in played.found.investigations] == [one.verdict.uid for one in good.investigations]
    assert good.investigations


def test_nothing_is_counted_twice(played: Played) -> None:
    counts = played.found.counts
    assert counts["events"] + counts["duplicates"] + counts["dead-letter"] == counts["records"]
    assert counts["events"] == sum(played.found.by_source.values()) == len(events(played.out))
    assert counts["dead-letter"] == len(played.letters)
    known = [(letter["topic"], letter["offset"], letter["stage"], letter["raw"]) for letter in played.letters]
    assert len(known) == len(set(known))


def test_all_that_comes_out_passes_ocsf(played: Played) -> None:
    for name in ("events", "signals", "sequences", "verdicts", "actions"):
        for record in lines(played.out / f"{name}.ndjson"):
            assert validate(record) == []


def test_the_same_folder_gives_the_same_bytes_again(played: Played, tmp_path: Path) -> None:
    play([played.folder, played.folder / EMPTY], tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in played.out.iterdir()
    }


SAMPLES = {
    "aws_cloudtrail": TRAIL,
    "okta": SIGN_IN,
    "windows": process_start(),
    "zeek": connection(),
    "ocsf": logon(device={"hostname": "ws1", "type_id": 0}, src_endpoint={"ip": "192.0.2.1"}),
}
WRONG = (5, -1.5, True, "", "text", [], ["a"], [[]], [{"a": [None]}], {}, {"a": {"b": 1}}, None, 10**30)


def wrong_types(value: Any) -> Iterator[Any]:
    """Yield copies of a value with one member, at most three levels down, replaced by each wrong value."""
    for name, member in value.items():
        for wrong in WRONG:
            yield value | {name: wrong}
        if isinstance(member, dict):
            yield from (value | {name: inner} for inner in wrong_types(member))


@pytest.mark.parametrize("source", SAMPLES)
def test_any_value_in_the_place_of_another_gives_a_whole_event_or_a_dead_letter(source: str, tmp_path: Path) -> None:
    records = [whole(record) for record in wrong_types(SAMPLES[source])]
    found = play([write(tmp_path / "in.ndjson", records)], tmp_path / "out", SOURCES[source])
    counts = found.counts
    assert counts["events"] + counts["duplicates"] + counts["dead-letter"] == counts["records"] == len(records)
    assert counts["events"] > 0
    for name in ("events", "signals"):
        assert [validate(record) for record in lines(tmp_path / "out" / f"{name}.ndjson") if validate(record)] == []
    assert {b64decode(letter["raw"]) for letter in lines(tmp_path / "out" / "dead-letter.ndjson")} <= set(records)
