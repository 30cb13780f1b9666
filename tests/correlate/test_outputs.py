"""Of the revisions of a sequence that are published together, one goes out."""

from __future__ import annotations

from dataclasses import replace

from models.finding import Analytic, Sequence, SequenceClosed
from streams.correlate.outputs import Evicted, Published, latest

ANALYTIC = Analytic("rule", "Rule")


def sequence(uid: str, revision: int = 1) -> Sequence:
    return Sequence(uid, revision, ANALYTIC, "host:h1", (), 0, 0, 0, is_alert=False)


def closed(uid: str, replaced_by: str = "") -> SequenceClosed:
    return SequenceClosed(uid, ANALYTIC, "host:h1", 0, replaced_by)


def test_the_last_revision_stays_and_replaces_what_the_others_did():
    first, second = Published(sequence("a"), ("x", "y")), Published(sequence("a", 2), ("y", "z"))
    other = Published(sequence("b"))
    assert latest([first, other, second]) == [other, replace(second, replaces=("x", "y", "z"))]


def test_a_revision_that_was_withdrawn_stays_before_its_withdrawal():
    first, second = Published(sequence("a")), Published(sequence("a", 2))
    assert latest([first, closed("a"), second]) == [first, closed("a"), second]


def test_everything_else_stays_in_order():
    found = [Evicted("k", 1), closed("b", "a"), Published(sequence("a")), Evicted("k", 1)]
    assert latest(found) == found
