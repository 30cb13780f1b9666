"""The hash chain, against whoever may write where it lies."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.audit.chain import MAX_FOLLOWED, NOTHING_BEFORE, Head, Writer, read_record
from agents.audit.event import AuditEvent
from agents.audit.report import (
    ALTERED,
    BROKEN,
    CUT,
    DROPPED,
    FORGED,
    FORKED,
    MISPLACED,
    UNREADABLE,
    UNSIGNED,
)
from agents.audit.verify import verify
from models.canonical import canonical
from models.errors import InvalidRecord
from models.uids import sha256_hex
from tests.agents.audit.log import KEY, STRANGER, T0, Log, checked


@st.composite
def logs(draw: st.DrawFn) -> list[bytes]:
    """Draw a log: ended chains, mixed among each other as workers that run at the same time mix them."""
    log = Log()
    for number in range(draw(st.integers(1, 3))):
        log.chain(f"w{number}", draw(st.integers(0, 9)), every=draw(st.integers(1, 5)))
    order = draw(st.permutations([name for name, _ in log.lines]))
    waiting = {name: iter(log.of(name)) for name in log.heads}
    return [next(waiting[name]) for name in order]


def _chain_of(line: bytes) -> str:
    return orjson.loads(line)["chain"]


@given(logs())
def test_a_log_that_nobody_touched_is_good(lines: list[bytes]) -> None:
    report = checked(lines)
    assert (report.problems, report.unknown, report.records) == ((), (), len(lines))


@given(logs(), st.data())
def test_one_altered_byte_is_found_at_its_line(lines: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines) - 1))
    line = bytearray(lines[place])
    line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    report = checked([*lines[:place], bytes(line), *lines[place + 1 :]])
    assert any(problem.where == f"log:{place + 1}" for problem in report.problems)


@given(logs(), st.data())
def test_content_that_is_altered_with_its_hash_is_found_at_the_next_record(
    lines: list[bytes], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(lines) - 1))
    record = orjson.loads(lines[place])
    record["time"] += 1
    record["hash"] = sha256_hex(canonical({key: value for key, value in record.items() if key != "hash"}))
    report = checked([*lines[:place], canonical(record), *lines[place + 1 :]])
    found = {(one.kind, one.seq) for one in report.problems if one.chain == record["chain"]}
    assert found & {(BROKEN, record["seq"] + 1), (FORGED, record["seq"])}


@given(logs(), st.data())
def test_whoever_writes_the_rest_of_a_chain_anew_lacks_the_key(lines: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines) - 1))
    altered = orjson.loads(lines[place])
    forged, prev = [], None
    for line in lines:
        record = orjson.loads(line)
        if record["chain"] == altered["chain"] and record["seq"] >= altered["seq"]:
            record["prev"] = prev or record["prev"]
            record["time"] += record["seq"] == altered["seq"]
            prev = sha256_hex(canonical({key: value for key, value in record.items() if key != "hash"}))
            record["hash"] = prev
        forged.append(canonical(record))
    found = [one for one in checked(forged).problems if one.chain == altered["chain"] and one.kind == FORGED]
    assert found
    assert altered["seq"] <= found[0].seq <= altered["seq"] + 5


@given(logs(), st.data())
def test_a_dropped_record_is_found(lines: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines) - 1))
    gone = orjson.loads(lines[place])
    report = checked([*lines[:place], *lines[place + 1 :]])
    if gone["kind"] == "end":
        later = any(orjson.loads(line)["data"].get("follows") for line in lines if _chain_of(line) > gone["chain"])
        assert any(one.chain == gone["chain"] for one in (*report.problems, *report.unknown))
        assert later == any((one.kind, one.chain) == (CUT, gone["chain"]) for one in report.problems)
    else:
        assert (DROPPED, gone["chain"], gone["seq"]) in {(one.kind, one.chain, one.seq) for one in report.problems}


@given(logs(), st.data())
def test_two_records_in_each_others_place_are_found(lines: list[bytes], data: st.DataObject) -> None:
    name = _chain_of(lines[data.draw(st.integers(0, len(lines) - 1))])
    places = [number for number, line in enumerate(lines) if _chain_of(line) == name]
    one, other = sorted(data.draw(st.permutations(places))[:2])
    swapped = list(lines)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    found = {(problem.kind, problem.where) for problem in checked(swapped).problems}
    assert (DROPPED, f"log:{one + 1}") in found
    assert (MISPLACED, f"log:{other + 1}") in found


@given(logs(), st.data())
def test_a_record_put_in_is_found(lines: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines) - 1))
    before = orjson.loads(lines[place])
    record = {**before, "seq": before["seq"] + 1, "prev": before["hash"], "kind": "test.event", "data": {"n": 99}}
    record["hash"] = sha256_hex(canonical({key: value for key, value in record.items() if key != "hash"}))
    report = checked([*lines[: place + 1], canonical(record), *lines[place + 1 :]])
    found = [one for one in report.problems if one.chain == before["chain"]]
    assert any(one.kind in {MISPLACED, BROKEN} and one.seq in {record["seq"], record["seq"] + 1} for one in found)


@given(logs(), st.data())
def test_a_record_that_is_there_twice_is_found(lines: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines) - 1))
    again = data.draw(st.integers(place, len(lines)))
    twice = [*lines[:again], lines[place], *lines[again:]] if again > place else [lines[place], *lines]
    assert any(one.kind in {MISPLACED, DROPPED} for one in checked(twice).problems)


@given(st.integers(1, 12), st.integers(1, 5), st.data())
def test_a_chain_that_was_cut_is_missed_by_the_one_that_follows_it(
    events: int, every: int, data: st.DataObject
) -> None:
    log = Log().chain("first", events, every=every, ended=False)
    log.chain("second", 1)
    first = log.of("first")
    kept = data.draw(st.integers(0, len(first) - 1))
    report = checked([*first[:kept], *log.of("second")])
    assert (CUT, "first", len(first) - 1) in {(one.kind, one.chain, one.seq) for one in report.problems}


@given(st.integers(1, 12), st.data())
def test_a_chain_that_was_cut_is_missed_by_who_has_checked_it_before(events: int, data: st.DataObject) -> None:
    lines = Log().chain("only", events, ended=False).of("only")
    heads = checked(lines).heads
    kept = data.draw(st.integers(0, len(lines) - 1))
    problems = checked(lines[:kept], known=heads).problems
    assert [(one.kind, one.chain, one.seq) for one in problems] == [(CUT, "only", len(lines) - 1)]


def test_an_open_chain_says_how_far_it_is_sure() -> None:
    lines = Log().chain("only", 6, every=4, ended=False).of("only")
    report = checked(lines)
    assert report.is_good
    assert "signed up to record 5; the 2 behind" in report.unknown[0].message


def test_a_chain_of_a_stranger_is_forged_from_its_first_record_on() -> None:
    report = checked(Log().chain("theirs", 3, key=STRANGER).of("theirs"))
    assert {one.kind for one in report.problems} == {FORGED}
    assert report.problems[0].seq == 0


def test_a_chain_without_signatures_is_found() -> None:
    good = Log().chain("w0", 9, every=4, ended=False).of("w0")
    records = [orjson.loads(line) for line in good]
    kept = [record for record in records if record["kind"] != "checkpoint"]
    prev, lines = NOTHING_BEFORE, []
    for seq, record in enumerate(kept):
        record |= {"seq": seq, "prev": prev}
        record["hash"] = prev = sha256_hex(canonical({key: one for key, one in record.items() if key != "hash"}))
        lines.append(canonical(record))
    assert [(one.kind, one.seq) for one in checked(lines).problems] == [(UNSIGNED, 5)]


def test_the_signature_of_one_chain_is_none_of_another() -> None:
    mine, other = Log().chain("mine", 3).of("mine"), Log().chain("other", 3).of("other")
    record, theirs = orjson.loads(mine[0]), orjson.loads(other[0])
    record["data"]["signature"] = theirs["data"]["signature"]
    record["hash"] = sha256_hex(canonical({key: value for key, value in record.items() if key != "hash"}))
    assert FORGED in {one.kind for one in checked([canonical(record), *mine[1:]]).problems}


def test_nothing_stands_behind_an_end() -> None:
    lines = Log().chain("w0", 2).of("w0")
    last = orjson.loads(lines[-1])
    record = {**last, "seq": last["seq"] + 1, "prev": last["hash"], "kind": "test.event", "data": {}}
    record["hash"] = sha256_hex(canonical({key: value for key, value in record.items() if key != "hash"}))
    problems = checked([*lines, canonical(record)]).problems
    assert [(one.kind, one.where) for one in problems] == [(MISPLACED, f"log:{len(lines) + 1}")]


def test_a_part_of_the_log_says_what_it_lacks() -> None:
    log = Log().chain("first", 2)
    second = log.chain("second", 2).of("second")
    assert [one.kind for one in checked(second).problems] == [CUT]
    part = checked(second, part=True)
    assert part.is_good
    assert [one.chain for one in part.unknown] == ["first"]


def _places(*places: list[bytes]) -> list[list[tuple[str, bytes]]]:
    return [[(f"{name}:{number}", line) for number, line in enumerate(lines, 1)] for name, lines in zip("ab", places)]  # noqa: B905


def test_two_places_have_the_same_records() -> None:
    lines = Log().chain("w0", 9, ended=False).of("w0")
    assert verify(_places(lines, lines), [KEY.public]).is_good


def test_what_one_place_lacks_after_a_crash_is_told_and_what_is_cut_from_it_is_wrong() -> None:
    lines = Log().chain("w0", 12, every=4, ended=False).of("w0")
    crashed = verify(_places(lines, lines[:-1]), [KEY.public])
    assert crashed.is_good
    assert any("lacks the last 1 records" in one.message for one in crashed.unknown)
    cut = verify(_places(lines, lines[:6]), [KEY.public])
    assert [(one.kind, one.seq) for one in cut.problems] == [(CUT, 6)]


def test_two_places_with_other_records_are_a_fork() -> None:
    def lines(last: int) -> list[bytes]:
        first, writer = Writer("w0", 4).begin(T0, KEY)
        second, _ = writer.append(AuditEvent("test.event", T0, {"n": last}), KEY)
        return [*first, *second]

    report = verify(_places(lines(1), lines(2)), [KEY.public])
    assert [(one.kind, one.chain, one.seq) for one in report.problems] == [(FORKED, "w0", 1)]


def test_another_record_in_the_place_of_a_known_one_is_a_fork() -> None:
    lines = Log().chain("w0", 3, ended=False).of("w0")
    report = checked(lines, known=(Head("w0", 2, "0" * 64),))
    assert [(one.kind, one.seq) for one in report.problems] == [(FORKED, 2)]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_problem_and_no_error(line: bytes) -> None:
    assert [one.kind for one in checked([line]).problems] == [UNREADABLE]


@pytest.mark.parametrize("change", [{"seq": 2**53}, {"seq": 10**9}, {"chain": "x" * 64}])
def test_a_number_or_name_that_is_not_believed_costs_no_memory(change: dict[str, object]) -> None:
    lines = Log().chain("w0", 3).of("w0")
    record = orjson.loads(lines[2]) | change
    record["hash"] = sha256_hex(canonical({key: value for key, value in record.items() if key != "hash"}))
    assert not checked([*lines[:2], canonical(record), *lines[3:]]).is_good
    record["hash"] = "0" * 64
    assert ALTERED in {one.kind for one in checked([*lines[:2], canonical(record), *lines[3:]]).problems}


def test_a_writer_refuses_what_would_not_be_read_back() -> None:
    _, writer = Writer("w0").begin(T0, KEY)
    for event in (
        AuditEvent("test.event", T0, {"x": 0.5}),
        AuditEvent("Not a kind", T0),
        AuditEvent("test.event", T0, {"x": "\ud800"}),
        AuditEvent("test.event", T0, {"x": 2**60}),
    ):
        with pytest.raises(InvalidRecord):
            writer.append(event, KEY)
    for kind in ("genesis", "checkpoint", "end"):
        with pytest.raises(ValueError, match="own"):
            writer.append(AuditEvent(kind, T0), KEY)
    _, ended = writer.end(T0, KEY)
    with pytest.raises(ValueError, match="ended"):
        ended.append(AuditEvent("test.event", T0), KEY)
    with pytest.raises(ValueError, match="called"):
        Writer("../etc")
    with pytest.raises(ValueError, match="after"):
        Writer("w0", 0)
    with pytest.raises(ValueError, match="begun"):
        writer.begin(T0, KEY)


def test_a_genesis_names_a_bounded_number_of_others() -> None:
    heads = tuple(Head(f"w{number}", 1, "a" * 64) for number in range(MAX_FOLLOWED + 5))
    lines, _ = Writer("me").begin(T0, KEY, heads)
    assert len(read_record(lines[0]).data["follows"]) == MAX_FOLLOWED


def test_a_checkpoint_may_come_early_and_none_comes_for_nothing() -> None:
    _, writer = Writer("w0").begin(T0, KEY)
    assert writer.checkpoint(T0, KEY) == ((), writer)
    _, writer = writer.append(AuditEvent("test.event", T0), KEY)
    lines, after = writer.checkpoint(T0, KEY)
    assert read_record(lines[0]).kind == "checkpoint"
    assert after.unsigned == 0


def _rechained(records: list[dict[str, object]]) -> list[bytes]:
    """Number and chain records anew, as who has no key can."""
    prev, lines = NOTHING_BEFORE, []
    for seq, record in enumerate(records):
        body = {key: value for key, value in record.items() if key != "hash"} | {"seq": seq, "prev": prev}
        prev = sha256_hex(canonical(body))
        lines.append(canonical({**body, "hash": prev}))
    return lines


@pytest.mark.parametrize(("events", "kinds"), [(4, []), (5, [UNSIGNED])])
def test_a_signature_is_due_after_so_many_records_and_not_before(events: int, kinds: list[str]) -> None:
    records = [orjson.loads(line) for line in Log().chain("w0", events, every=4, ended=False).of("w0")]
    lines = _rechained([record for record in records if record["kind"] != "checkpoint"])
    assert [one.kind for one in checked(lines).problems] == kinds


def test_a_chain_begins_with_its_genesis_and_has_one() -> None:
    records = [orjson.loads(line) for line in Log().chain("w0", 2, ended=False).of("w0")]
    assert BROKEN in {one.kind for one in checked(_rechained(records[1:])).problems}
    found = checked(_rechained([*records, records[0]])).problems
    assert (BROKEN, 3) in {(one.kind, one.seq) for one in found}


def test_a_record_with_a_false_number_does_not_hide_those_behind_it() -> None:
    lines = Log().chain("w0", 5).of("w0")
    record = orjson.loads(lines[2]) | {"seq": 1000}
    problems = checked([*lines[:2], canonical(record), *lines[3:]]).problems
    assert [(one.kind, one.where) for one in problems] == [(ALTERED, "log:3"), (DROPPED, "log:4")]


def test_what_stands_elsewhere_says_whether_it_is_there_twice() -> None:
    lines = Log().chain("w0", 3).of("w0")
    again = checked([lines[0], lines[1], lines[1], *lines[2:]]).problems
    assert [(one.kind, one.message) for one in again] == [(MISPLACED, "is there a second time")]
    late = checked([lines[0], lines[2], lines[1], *lines[3:]]).problems
    assert [one.message for one in late if one.kind == MISPLACED] == ["stands behind record 2"]
