"""What a check of the audit log finds: what is wrong and where, and what it cannot know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agents.audit.chain import Head

# What can be wrong with a record or a chain.
UNREADABLE: Final = "unreadable"  # no record, or not written as we write them
ALTERED: Final = "altered"  # its content does not have its hash
BROKEN: Final = "broken"  # it does not follow from the one before: one of the two is not what was written
DROPPED: Final = "dropped"  # records are missing before it
MISPLACED: Final = "misplaced"  # it stands behind later ones, a second time, or behind the end
FORKED: Final = "forked"  # another place has another record with this number
FORGED: Final = "forged"  # its signature is not that of a trusted key
UNSIGNED: Final = "unsigned"  # a signature should have come by here
CUT: Final = "cut"  # a record that was there once is there no more


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where.

    Attributes:
        kind: One of the names above.
        chain: The chain, empty where it cannot be told.
        seq: Place of the record in it, -1 where it cannot be told.
        where: Where that was read: file and line, or topic, partition and offset.
        message: What is wrong, for a person.
    """

    kind: str
    chain: str
    seq: int
    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """What cannot be known of one chain."""

    chain: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What came out of checking.

    Attributes:
        records: How many records were read.
        heads: The last record of each chain.
        problems: All that is wrong; the first ten thousand of it.
        unknown: What this check cannot know.
    """

    records: int
    heads: tuple[Head, ...]
    problems: tuple[Problem, ...]
    unknown: tuple[Unknown, ...]

    @property
    def is_good(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.problems
