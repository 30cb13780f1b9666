"""What comes of asking services about several observables."""

from __future__ import annotations

from typing import NamedTuple

from enrichers.lookups.gate import Question
from enrichers.lookups.reputation import NoReputation, Reputation

Said = Reputation | NoReputation


class Word(NamedTuple):
    """What one service says to one question, or why it says nothing."""

    question: Question
    said: Said


class Told(NamedTuple):
    """What came of asking.

    Attributes:
        words: Those of every service on every question that was asked, in the order of the questions.
        unasked: How many more might have been asked.
        spent_s: Seconds that it took.
    """

    words: tuple[Word, ...] = ()
    unasked: int = 0
    spent_s: float = 0.0
