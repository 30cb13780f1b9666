"""What the tests of a rule give and expect, as they were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.entity import EntityKey


@dataclass(frozen=True, slots=True)
class GivenRecord:
    """One raw record of a test.

    Attributes:
        source: Name of the source that parses it.
        raw: Its bytes.
        columns: Column names for TSV.
        at: Milliseconds after the start of the test to which its event is moved; None keeps the record's own time.
    """

    source: str
    raw: bytes
    columns: tuple[str, ...] = ()
    at: int | None = None


@dataclass(frozen=True, slots=True)
class GivenSignal:
    """One rule hit of a test, or several alike.

    Attributes:
        rule: Name or id of the detection, or of the correlation, that fired.
        line: 1-based line in the file.
        at: When, ms after the start of the test.
        entities: Entities its event names.
        fields: Field values; `{n}` in one stands for the number of the repetition, from 0.
        domain: `identity`, `network`, `workload`, or empty for the rule's own.
        source: Name of the source that the event came from.
        repeat: How many times.
        every: Distance between repetitions, ms.
    """

    rule: str
    line: int
    at: int
    entities: tuple[EntityKey, ...]
    fields: Mapping[str, str]
    domain: str
    source: str
    repeat: int
    every: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What a correlation has to come to in the end.

    Attributes:
        fires: Whether a sequence stands; None where they are counted.
        sequences: How many stand; None where it only matters whether one does.
        groups: The group keys of those that stand, sorted; None when they do not matter.
        alert: Whether one of them is escalated; None when that does not matter.
    """

    fires: bool | None = None
    sequences: int | None = None
    groups: tuple[str, ...] | None = None
    alert: bool | None = None


@dataclass(frozen=True, slots=True)
class DetectionTest:
    """One test of a detection.

    Attributes:
        name: What it shows.
        rule: Name or id of the rule, empty for the one rule of the file beside it.
        line: 1-based line in the file.
        record: The raw record.
        fires: Whether the rule has to fire.
    """

    name: str
    rule: str
    line: int
    record: GivenRecord
    fires: bool


@dataclass(frozen=True, slots=True)
class CorrelationTest:
    """One test of a correlation.

    Attributes:
        name: What it shows.
        rule: Name or id of the rule, empty for the one rule of the file beside it.
        line: 1-based line in the file.
        records: Raw records.
        signals: Rule hits.
        links: Pairs of linked entities; they hold for the whole test.
        expected: What has to come of it.
    """

    name: str
    rule: str
    line: int
    records: tuple[GivenRecord, ...]
    signals: tuple[GivenSignal, ...]
    links: tuple[tuple[EntityKey, EntityKey], ...]
    expected: Expected


RuleTest = DetectionTest | CorrelationTest
