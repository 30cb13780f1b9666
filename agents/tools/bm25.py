"""Find texts by words: BM25 over a small collection, all in memory.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, Foundations and Trends in
Information Retrieval 3(4), 2009; k1 and b as there, and the idf that is never negative.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

K1: Final = 1.2
B: Final = 0.75
MAX_TERMS: Final = 2000  # of one text that count
MAX_CHARS: Final = 20_000
_COMMON: Final = frozenset(
    {
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "from",
        "has",
        "have",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "no",
        "not",
        "of",
        "on",
        "one",
        "or",
        "other",
        "so",
        "than",
        "that",
        "the",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "will",
        "with",
    }
)
_TERM: Final = re.compile(r"t[0-9]{4}(?:\.[0-9]{3})?|[^\W_]+")
_PLURAL: Final = 3  # a word of more letters than this is looked for without its plural's s


@dataclass(frozen=True, slots=True)
class Index:
    """An index of texts by number.

    Attributes:
        postings: For each term, in which texts it stands and how often.
        lengths: Terms of each text.
        mean_length: Of all texts.
    """

    postings: Mapping[str, tuple[tuple[int, int], ...]]
    lengths: tuple[int, ...]
    mean_length: float

    def ranked(self, text: str) -> tuple[int, ...]:
        """Return the numbers of the texts that share a term with this one, the likest first."""
        scores: dict[int, float] = defaultdict(float)
        for term in dict.fromkeys(terms(text)):
            found = self.postings.get(term, ())
            rarity = log(1 + (len(self.lengths) - len(found) + 0.5) / (len(found) + 0.5))
            for number, often in found:
                scores[number] += rarity * often * (K1 + 1) / (often + K1 * self._weight(number))
        return tuple(sorted(scores, key=lambda number: (-scores[number], number)))

    def _weight(self, number: int) -> float:
        return 1 - B + B * self.lengths[number] / self.mean_length


def index(texts: Iterable[str]) -> Index:
    """Index texts; they are numbered in their order."""
    postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
    lengths: list[int] = []
    for number, text in enumerate(texts):
        found = Counter(terms(text))
        lengths.append(found.total())
        for term, often in found.items():
            postings[term].append((number, often))
    mean = max(sum(lengths) / len(lengths), 1.0) if lengths else 1.0
    return Index({term: tuple(found) for term, found in postings.items()}, tuple(lengths), mean)


def terms(text: str) -> Sequence[str]:
    """Return the telling words of a text in lower case, without the s of a plural; technique ids are such words."""
    found = [term for term in _TERM.findall(text[:MAX_CHARS].lower()) if term not in _COMMON][:MAX_TERMS]
    return [term[:-1] if len(term) > _PLURAL and term.endswith("s") else term for term in found]
