"""Knowledge, made ready to be searched: built once, used by every investigation.

Cases and runbooks are found by words (BM25) and, where there is an embedding endpoint, by meaning as well; the two
orders are merged by reciprocal rank fusion (Cormack, Clarke and Buettcher, Reciprocal Rank Fusion outperforms Condorcet
and individual Rank Learning Methods, SIGIR 2009).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from agents.tools.bm25 import Index, index
from agents.tools.cases import Entry, entries_of
from agents.tools.embedding import Embedder, likeness
from agents.tools.knowledge import Knowledge
from models.errors import ModelUnavailable

FUSION: Final = 60  # how little the very first ranks count for more than those behind them
DEEP: Final = 50  # ranks of each order that count


@dataclass(frozen=True, slots=True)
class Ranked:
    """Cases and runbooks, the likest first, and why they were not looked for by meaning, empty when they were."""

    entries: tuple[Entry, ...]
    without_meaning: str = ""


@dataclass(frozen=True, slots=True)
class Library:
    """What is known, and how it is found.

    Attributes:
        knowledge: All of it.
        entries: Its cases and runbooks, as they are looked for.
        words: Their index.
        embedder: Tells what is alike in meaning; None where there is no endpoint.
    """

    knowledge: Knowledge
    entries: tuple[Entry, ...]
    words: Index
    embedder: Embedder | None = None

    def like(self, words: str, public: str) -> Ranked:
        """Return the cases and runbooks that are like a text.

        Args:
            words: The text, compared here.
            public: The same without names, sent to the embedding endpoint.
        """
        by_words = self.words.ranked(words)[:DEEP]
        try:
            by_meaning = self._by_meaning(public)
        except ModelUnavailable as error:
            return Ranked(self._entries(by_words), str(error))
        return Ranked(self._entries(fused((by_words, by_meaning))))

    def _by_meaning(self, public: str) -> Sequence[int]:
        if self.embedder is None or not self.entries:
            return ()
        texts = [public, *(entry.public for entry in self.entries)]
        asked, *vectors = self.embedder.embed(texts)
        close = [likeness(asked, vector) for vector in vectors]
        return sorted(range(len(close)), key=lambda number: (-close[number], number))[:DEEP]

    def _entries(self, numbers: Iterable[int]) -> tuple[Entry, ...]:
        return tuple(self.entries[number] for number in numbers)


def library(knowledge: Knowledge, embedder: Embedder | None = None) -> Library:
    """Make knowledge ready to be searched."""
    entries = entries_of(knowledge)
    return Library(knowledge, entries, index(entry.words for entry in entries), embedder)


def fused(orders: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """Merge several orders into one: what stands high in many comes first."""
    scores: dict[int, float] = {}
    for order in orders:
        for rank, number in enumerate(order):
            scores[number] = scores.get(number, 0.0) + 1 / (FUSION + rank + 1)
    return tuple(sorted(scores, key=lambda number: (-scores[number], number)))
