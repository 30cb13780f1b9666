"""What comes in, and what comes out when it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

TIME_FROM_BROKER: Final = "time_from_broker"  # label on events whose own time was missing or unusable


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Where a raw record can be fetched again.

    Attributes:
        topic: Kafka topic; in a replay the file's path as given.
        partition: Kafka partition; in a replay 0.
        offset: Kafka offset; in a replay the 1-based line (or record) number.
    """

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a record from outside its own bytes.

    Attributes:
        host: Name of the host it is from, when whoever shipped it says so; else empty.
        zone: IANA name of the zone of times that name none.
        year: Year of times that name none; 0 when only the broker's time can tell.
        envelope: What the shipper wrapped around the record and nobody else keeps; it goes to `unmapped`.
    """

    host: str = ""
    zone: str = "UTC"
    year: int = 0
    envelope: Mapping[str, Any] = field(default_factory=dict)


BARE: Final = Context()


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One raw record of one source, as it came.

    Attributes:
        source: Name of the source (`windows`, `zeek`, ...).
        raw: The bytes as shipped: one JSON object, one line.
        at: Where to fetch them again.
        broker_time: The broker's timestamp in ms, 0 when there is none (files).
        columns: Column names for formats that keep them apart from the data (TSV), else empty.
        context: What is known of it from outside.
        part: Which of several events that one record tells of, from 0.
    """

    source: str
    raw: bytes
    at: Coordinates
    broker_time: int = 0
    columns: tuple[str, ...] = ()
    context: Context = BARE
    part: int = 0


@dataclass(frozen=True, slots=True)
class ParseError:
    """Say why a raw record did not become an event. Part of the answer, never raised.

    Attributes:
        reason: One sentence for a person.
        offset: Byte offset in the raw record, -1 when no single byte is to blame.
        field: The field to blame, or empty.
    """

    reason: str
    offset: int = -1
    field: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Keep a record that could not go on: the original bytes, where they came from, and why.

    Attributes:
        record: The original record, whole.
        stage: The stage that gave up (`decode`, `normalize`, `detect`, ...).
        error: What went wrong.
        details: Further facts, such as the rule that raised.
    """

    record: RawRecord
    stage: str
    error: ParseError
    details: dict[str, str] = field(default_factory=dict)
