"""Lines of one record that come one by one, on a real Kafka: joined, once, whatever dies meanwhile."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from confluent_kafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from models.records import Coordinates, RawRecord
from streams.workers.lines import Lines
from tests.workers.attack import write_rules
from tests.workers.processes import Braid, body

TOPIC = "raw.auditd"
AT_ONCE = -1.0  # seconds of patience


def line(serial: int, kind: str, rest: str) -> bytes:
    return f"type={kind} msg=audit(1718452800.{serial:03d}:{serial}): {rest}".encode()


def call(serial: int) -> list[bytes]:
    """Return the lines of one started program, without the one that ends them."""
    return [
        line(
            serial, "SYSCALL", f'arch=c000003e syscall=59 success=yes exit=0 pid={serial} uid=0 comm="id" exe="/bin/id"'
        ),
        line(serial, "EXECVE", 'argc=1 a0="id"'),
        line(serial, "CWD", 'cwd="/root"'),
    ]


def end(serial: int) -> bytes:
    return line(serial, "EOE", "")


def raw_records(braid: Braid, count: int) -> list[str]:
    """Return the raw data of all events, once there are so many."""
    return [body(event)["raw_data"] for event in braid.read_until("events.workload", lambda held: len(held) >= count)]


def test_a_record_that_is_cut_by_a_crash_is_whole_and_none_comes_twice(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    braid = Braid(bootstrap, topic_prefix, write_rules(tmp_path / "rules"), tmp_path)
    with braid.running("topics", "create") as made:
        assert made.wait(30) == 0
    first, mixed, last = call(1), [*call(2), end(2)], [*call(3), end(3)]
    with braid.running("worker", "ingest", BRAID_JOIN_SECONDS="600") as worker:
        braid.send(TOPIC, [first[0], mixed[0], first[1], *mixed[1:]], partition=0)
        whole = raw_records(braid, 1)
        worker.kill()
        worker.wait()
    assert whole == [b"\n".join(mixed).decode()]
    with braid.running("worker", "ingest", BRAID_JOIN_SECONDS="0.5"):
        braid.send(TOPIC, [*first[2:], *last], partition=0)
        found = raw_records(braid, 3)
    assert Counter(found) == Counter(b"\n".join(lines).decode() for lines in (first, mixed, last))


def join(raw: bytes) -> tuple[bytes, bool]:
    return raw[:1], raw.endswith(b".")


@given(st.lists(st.sampled_from([b"a", b"b", b"c", b"a.", b"b."]), max_size=30), st.data())
def test_reading_on_from_a_commit_gives_each_line_once(texts: list[bytes], data: st.DataObject) -> None:
    """What comes of all lines is the same wherever one worker stops and another goes on."""
    records = [RawRecord("any", text, Coordinates("t", 0, offset)) for offset, text in enumerate(texts)]
    found: list[RawRecord] = []
    lines, start = Lines(AT_ONCE), 0
    for stop in sorted(data.draw(st.lists(st.integers(0, len(texts)), max_size=4))):
        for record in records[start:stop]:
            found += lines.take(("t", 0), [record], join)
        committed = lines.position(TopicPartition("t", 0, max(start, stop)))
        lines, start = Lines(AT_ONCE), committed.offset
        lines.resume([committed])
    for record in records[start:]:
        found += lines.take(("t", 0), [record], join)
    found += lines.waited_for()
    assert sorted(b"\n".join(record.raw for record in found).split(b"\n")) == sorted(texts or [b""])
    alone = Lines(AT_ONCE)
    whole = [one for record in records for one in alone.take(("t", 0), [record], join)] + list(alone.waited_for())
    assert Counter(record.raw for record in found) == Counter(record.raw for record in whole)
