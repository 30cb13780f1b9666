"""What counting behaviour costs at ingest, how little of it goes on: `python -m tests.benchmarks.features [EVENTS]`.

The telemetry is made: whole events of an organization whose people, machines and counterparts come again, few of them
very often and many of them seldom (Zipf), and mostly several times in a row, at a thousand events a second. Every event
is decoded anew, as ingest has it: one that lies in the cache of the processor is counted faster than any is in truth.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from models.event import Event, LogSource
from models.records import Coordinates
from streams.features.folding import Counting, envelopes
from streams.stage import freeze_heap
from tests.benchmarks.enrich import NOON, OUTSIDE, PEOPLE, inside, outside, zipf

EVENTS: Final = 100_000
BATCH: Final = 5_000  # events, as ingest takes at most
PARTITIONS: Final = 12
MACHINES: Final = 5_000
ROUNDS: Final = 5
BURST: Final = 10  # events in a row of one person, machine and counterpart, on average
AIM_US: Final = 8.0  # of processor time an event
Made = tuple[int, int, bytes]  # class, time and JSON


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured.

    Attributes:
        by_class: Processor time (us) an event of each OCSF class takes to be counted.
        count_us: That of an event of the mix.
        pack_us: Processor time (us) for each event to make deltas of what was counted, and messages of these.
        deltas: Deltas for each event.
        delta_bytes: Bytes a delta takes in its message.
        messages: Messages for each batch.
    """

    by_class: dict[int, float]
    count_us: float
    pack_us: float
    deltas: float
    delta_bytes: float
    messages: float


def made_events(count: int) -> list[Made]:
    """Make events: half connections, a tenth DNS, the rest processes, sign-ins and API calls."""
    rng = random.Random(7)  # noqa: S311  # telemetry, not secrets
    person, machine, address = zipf(rng, PEOPLE), zipf(rng, MACHINES), zipf(rng, OUTSIDE)
    kinds = rng.choices((_connection, _query, _process, _sign_in, _call), weights=(50, 10, 20, 10, 10), k=count)
    found: list[Made] = []
    who = person(), machine(), address()
    for at, kind in enumerate(kinds, NOON):
        if rng.random() * BURST < 1:
            who = person(), machine(), address()
        class_uid, body = kind(*who)
        found.append((class_uid, at, orjson.dumps({"class_uid": class_uid, "status_id": 1, **body})))
    return found


def _connection(_: int, machine: int, address: int) -> tuple[int, dict[str, Any]]:
    return 4001, {
        "activity_id": 2,
        "src_endpoint": {"ip": inside(machine), "port": 50_000 + address % 9_000},
        "dst_endpoint": {"ip": outside(address), "port": 443},
        "connection_info": {"uid": f"C{address}", "protocol_name": "tcp", "protocol_num": 6, "direction_id": 2},
        "traffic": {"bytes_out": 700 + address, "bytes_in": 9000, "packets_out": 7, "packets_in": 9},
        "start_time": NOON,
    }


def _query(person: int, machine: int, address: int) -> tuple[int, dict[str, Any]]:
    return 4003, {
        "activity_id": 2,
        "query": {"hostname": f"www{person % 7}.example{address}.com", "type": "A"},
        "rcode_id": 0 if address % 20 else 3,
        "src_endpoint": {"ip": inside(machine), "port": 53_000},
        "dst_endpoint": {"ip": "10.0.0.53", "port": 53},
    }


def _process(person: int, machine: int, address: int) -> tuple[int, dict[str, Any]]:
    program, parent = f"tool{address % 300}.exe", f"shell{person % 20}.exe"
    file = {"name": program, "path": f"C:\\Program Files\\Tools\\{program}", "type_id": 1}
    return 1007, {
        "activity_id": 1,
        "device": {"hostname": f"ws{machine:05d}.example.com", "type_id": 2},
        "process": {
            "pid": address,
            "name": program,
            "file": {**file, "hashes": [{"algorithm_id": 3, "value": f"{address % 300:064x}"}]},
            "cmd_line": f'"C:\\Program Files\\Tools\\{program}" --job {address} --user {person}',
            "parent_process": {"pid": 4, "file": {"name": parent, "path": f"C:\\{parent}", "type_id": 1}},
        },
        "actor": {"process": {"pid": 4, "file": {"name": parent}}},
    }


def _sign_in(person: int, _: int, address: int) -> tuple[int, dict[str, Any]]:
    return 3002, {
        "activity_id": 1,
        "user": {"name": f"user{person:05d}@example.com", "uid": f"00u{person:08d}"},
        "src_endpoint": {
            "ip": outside(address),
            "location": {"country": "NO", "city": "Oslo", "lat": 59.91, "long": 10.75},
            "autonomous_system": {"number": 64_500 + address % 20},
        },
        "service": {"name": f"Portal {address % 9}"},
        "http_request": {"user_agent": f"Mozilla/5.0 (Windows NT 10.0) Chrome/{100 + address % 40}.0 Safari/537.36"},
        "cloud": {"provider": "Example"},
        "is_mfa": person % 2 == 0,
    }


def _call(person: int, machine: int, address: int) -> tuple[int, dict[str, Any]]:
    name = f"user{person:05d}"
    return 6003, {
        "activity_id": 2,
        "api": {"operation": f"Describe{address % 40}", "service": {"name": "ec2.amazonaws.com"}},
        "actor": {"user": {"name": name, "uid": f"AIDA{person}", "uid_alt": f"arn:aws:iam::111122223333:user/{name}"}},
        "src_endpoint": {"ip": outside(address)},
        "cloud": {"provider": "AWS", "region": "eu-north-1", "account": {"uid": "111122223333"}},
        "http_request": {"user_agent": f"aws-cli/2.{address % 40}.9 md/awscrt#0.31.0 os/linux#6.18.5"},
        "resources": [{"uid": f"i-{machine:017x}", "type": "AWS::EC2::Instance"}],
    }


def event_of(made: Made) -> Event:
    """Return a fresh event."""
    _, at, data = made
    coordinates = Coordinates("raw.made", 0, at)
    return Event(f"{at:032x}", at, "made", LogSource("made"), {}, orjson.loads(data), coordinates, "ab" * 32)


def _batches(events: Sequence[Made]) -> Iterator[Sequence[Made]]:
    return (events[first : first + BATCH] for first in range(0, len(events), BATCH))


def _microseconds(events: Sequence[Made], take: Callable[[Event], object]) -> float:
    """Return the processor time of making and taking events one after the other."""
    began = time.process_time()
    for made in events:
        take(event_of(made))
    return (time.process_time() - began) / len(events) * 1e6


def _count_us(events: Sequence[Made]) -> float:
    """Return what counting takes beside decoding; of each batch the fastest round, since other programs run too."""
    found = []
    for batch in _batches(events):
        counted = min(_microseconds(batch, Counting().add) for _ in range(ROUNDS))
        found.append(counted - min(_microseconds(batch, id) for _ in range(ROUNDS)))
    return sum(found) / len(found)


def measure(count: int) -> Measured:
    """Measure so many events in batches as ingest takes them."""
    events = made_events(count)
    _count_us(events)  # a worker runs for days: what it remembers is there
    pack_us, deltas, size, messages = 0.0, 0, 0, 0
    for batch in _batches(events):
        counting = Counting()
        for made in batch:
            counting.add(event_of(made))
        began = time.process_time()
        some = counting.deltas()
        packed = [value for _, value in envelopes(some, PARTITIONS)]
        pack_us += (time.process_time() - began) * 1e6
        deltas, size, messages = deltas + len(some), size + sum(map(len, packed)), messages + len(packed)
    classes = sorted({class_uid for class_uid, *_ in events})
    by_class = {uid: _count_us([made for made in events if made[0] == uid]) for uid in classes}
    return Measured(
        by_class,
        _count_us(events),
        pack_us / count,
        deltas / count,
        size / deltas,
        messages / -(-count // BATCH),
    )


def main(arguments: Sequence[str]) -> None:
    """Print what was measured."""
    freeze_heap()
    found = measure(int(arguments[0]) if arguments else EVENTS)
    for class_uid, us in found.by_class.items():
        sys.stdout.write(f"class {class_uid}: {us:6.2f} us an event\n")
    sys.stdout.write(
        f"the mix:    {found.count_us:6.2f} us an event to count (aim {AIM_US}), {found.pack_us:.2f} to pack\n"
    )
    sys.stdout.write(f"in batches of {BATCH}: {found.deltas:.3f} deltas an event of {found.delta_bytes:.0f} bytes, ")
    sys.stdout.write(f"{found.messages:.1f} messages a batch\n")


if __name__ == "__main__":
    main(sys.argv[1:])
