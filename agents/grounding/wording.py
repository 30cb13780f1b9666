"""How statements are worded: sentences, denials, and what kind of hash they speak of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from agents.grounding.normal import normalized
from agents.grounding.values import HASH, LITERAL, Value
from agents.grounding.witness import Witness, algorithms_of

_DENIAL: Final = re.compile(
    r"\b(?:no|not|never|none|nothing|nobody|neither|nor|without|absent|absence|lack(?:s|ed|ing)?|cannot|\w+n't)\b",
    re.IGNORECASE,
)
_NO_DENIAL: Final = re.compile(
    r"\b(?:not only|no (?:later|earlier|more|less|fewer|longer) than|no\. ?\d|not before|not after)", re.IGNORECASE
)
_QUOTED: Final = re.compile(r"`[^`]*`|\"(?:[^\"\\]|\\.)*+\"")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9`\"'(])")
_KIND_OF_HASH: Final = re.compile(r"\b(md5|sha[-_ ]?(?:1|224|256|384|512)|imphash)\b", re.IGNORECASE)
_HASH_WORD: Final = re.compile(
    r"\b(?:hash(?:es)?|indicators?|iocs?|fingerprints?|checksums?|digests?)\b", re.IGNORECASE
)
_HEX: Final = re.compile(r"[0-9a-f]{16,128}\Z", re.IGNORECASE)


def sentences(prose: str) -> list[str]:
    """Return the sentences of a text, as they stand."""
    return [sentence for sentence in _SENTENCE.split(prose.strip()) if sentence]


def denies(statement: str) -> bool:
    """Tell a statement that something is not there or did not happen; what is quoted denies nothing."""
    words = _NO_DENIAL.sub(" ", _QUOTED.sub(" ", normalized(statement)))
    return bool(_DENIAL.search(words))


def wrong_hash(statement: str, values: Iterable[Value], cited: Iterable[Witness]) -> str:
    """Return why a value that is called a hash is none of that kind, empty when all are or none is called so.

    A value that is called a hash or an indicator has to stand where the evidence has hashes, and nowhere where it has
    identifiers: a commit, an ETag and a request id look like hashes and condemn no file. One that is called by its
    algorithm has to be as long as that algorithm's are.
    """
    words = normalized(statement)
    called = {re.sub(r"[-_ ]", "", found[1].lower()) for found in _KIND_OF_HASH.finditer(words)}
    if not called and not _HASH_WORD.search(words):
        return ""
    witnesses = tuple(cited)
    hexadecimal = (value.text.lower() for value in values if value.kind in {HASH, LITERAL} and _HEX.match(value.text))
    for text in hexadecimal:
        if called and called.isdisjoint(algorithms_of(text)):
            return f"{text} has {len(text)} digits and is none of {', '.join(sorted(called))}"
        places = [one.hashes[text] for one in witnesses if text in one.hashes]
        if not places or not all(places):
            return f"{text} does not stand as a hash in the cited evidence"
    return ""
