"""A Panther correlation rule as it was read, with the lines that faults are told at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule of a group or sequence.

    Attributes:
        uid: Its `ID`, by which the rest of the file refers to it.
        rule: The Panther rule that it looks at.
        count: How many matches of the rule it needs.
        absent: Whether there must be none instead.
        line: 1-based line.
    """

    uid: str
    rule: str
    count: int
    absent: bool
    line: int


@dataclass(frozen=True, slots=True)
class Match:
    """One thing that entries have to agree on.

    Attributes:
        name: What the file calls it, empty when it has no name there.
        fields: By entry, the field that has to have the same value in all of them.
        line: 1-based line.
    """

    name: str
    fields: Mapping[str, str]
    line: int


@dataclass(frozen=True, slots=True)
class Transition:
    """From one entry of a sequence to another.

    Attributes:
        source: Entry that comes first.
        target: Entry that comes later.
        within: How much later, minutes; None when the lookback window is the only limit.
        line: 1-based line.
    """

    source: str
    target: str
    within: int | None
    line: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """What has to happen.

    Attributes:
        ordered: Whether it is a sequence, not a group.
        entries: Its rules, in their order.
        matches: What they agree on.
        transitions: Of a sequence.
        lookback: Lookback window, minutes.
        line: 1-based line.
    """

    ordered: bool
    entries: tuple[Entry, ...]
    matches: tuple[Match, ...]
    transitions: tuple[Transition, ...]
    lookback: int
    line: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One match of a rule in a test.

    Attributes:
        entry: The entry that it is for.
        at: When, ms; of a time of day since 1970, of a number since the start of the test.
        fields: Values by field.
    """

    entry: str
    at: int
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PantherTest:
    """One test.

    Attributes:
        name: What it shows.
        fires: Whether the rule has to fire.
        hits: What happens.
        line: 1-based line.
    """

    name: str
    fires: bool
    hits: tuple[Hit, ...]
    line: int


@dataclass(frozen=True, slots=True)
class About:
    """What a rule says about itself.

    Attributes:
        title: What people call it.
        level: Sigma's word for its severity.
        enabled: Whether Panther runs it.
        description: What it finds.
        references: Where to read on.
        runbook: What to do about it.
        attack: Tags of its ATT&CK tactics and techniques.
        tags: Tags of Panther's own.
        reports: Other frameworks, and what of them it covers.
    """

    title: str
    level: str
    enabled: bool
    description: str
    references: tuple[str, ...]
    runbook: str
    attack: tuple[str, ...]
    tags: tuple[str, ...]
    reports: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PantherRule:
    """One correlation rule.

    Attributes:
        path: Its file, as the user named it.
        line: 1-based line at which it starts.
        uid: Its `RuleID`.
        about: What it says about itself.
        pattern: What has to happen.
        tests: Its tests.
        remarks: What of it Braid takes otherwise, one sentence each.
    """

    path: str
    line: int
    uid: str
    about: About
    pattern: Pattern
    tests: tuple[PantherTest, ...]
    remarks: tuple[str, ...]
