"""What a tool answers: evidence that can be cited, knowledge that cannot, and sentences about both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from agents.evidence.store import Stored, StoredEvent, StoredSignal, is_intact, rows_that_fit
from agents.text import CUT, Count
from models.fact import Fact

MAX_ANSWER_ROWS: Final = 100
MAX_ANSWER_RECORDS_BYTES: Final = 4_194_304
MAX_NOTE_CHARS: Final = 6000  # of one text

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know that is no evidence: a technique, a rule, a past case, who was heard when.

    Attributes:
        kind: What it is: `technique`, `rule`, `runbook`, `case`, `coverage`, `seen`, `entity`, `link`, `process`,
            `peers`.
        data: Its parts by name, raw. `entity` always holds an entity as `type:value`, `event` and `parent_event` the
            uid of an event among the same answer's rows, `group` the key of a group; other texts may name anything.
    """

    kind: str
    data: Mapping[str, Scalar]


Row = StoredEvent | StoredSignal | Fact | Note


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool answers. Everything in it is raw: whoever shows it to a model masks it first.

    Attributes:
        rows: Evidence in order of time, then notes. MAX_ANSWER_ROWS at most, with records of MAX_ANSWER_RECORDS_BYTES.
        more: Whether there is more than the bounds let through.
        notes: Sentences on the answer, which name nobody.
    """

    rows: tuple[Row, ...] = ()
    more: bool = False
    notes: tuple[str, ...] = ()


def answer(
    stored: Iterable[Stored] = (), known: Iterable[Fact | Note] = (), *, more: bool = False, notes: Iterable[str] = ()
) -> ToolAnswer:
    """Make an answer within bounds: what was altered since it was stored is left out, and that is said."""
    found = tuple(stored)
    intact = [one for one in found if is_intact(one)]
    altered = len(found) - len(intact)
    sizes = (len(one.record) for one in intact)
    fit = rows_that_fit(sizes, MAX_ANSWER_ROWS, MAX_ANSWER_RECORDS_BYTES)
    rest = tuple(known)
    rows = (*intact[:fit], *map(_bounded, rest))
    said = (f"{Count(altered, 'record')} left out: not what was stored",) if altered else ()
    cut = fit < len(intact) or len(rows) > MAX_ANSWER_ROWS
    return ToolAnswer(rows[:MAX_ANSWER_ROWS], more or cut, (*notes, *said))


def _bounded(row: Fact | Note) -> Fact | Note:
    return Note(row.kind, {name: _cut(value) for name, value in row.data.items()}) if isinstance(row, Note) else row


def _cut(value: Scalar) -> Scalar:
    too_long = isinstance(value, str) and len(value) > MAX_NOTE_CHARS
    return f"{value[:MAX_NOTE_CHARS]}{CUT}" if too_long and isinstance(value, str) else value
