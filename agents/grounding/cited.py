"""Grounding: fetch every cited record again and see that it says what the verdict claims.

A claim holds when each record it cites exists where the verdict says, still has the hash it was cited with, and every
value the claim quotes occurs in what those hashes cover: the raw record of an event, the record of a signal.
Nothing else of the store is believed. A fact from outside holds when it is one of those that were told in this
investigation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from agents.evidence.store import EvidenceStore, Stored
from agents.text import quotations
from models.fact import Fact
from models.uids import sha256_hex
from models.verdict import Evidence, Verdict

DANGLING, NOT_FOUND, TAMPERED, INVENTED = "dangling", "not found", "tampered", "invented"
WHOLE_WORD_BELOW: Final = 4  # a shorter value is part of almost any text: it has to stand as a word of its own


@dataclass(frozen=True, slots=True)
class GroundingProblem:
    """One reason why a part of a verdict does not hold.

    Attributes:
        claim: Index of the claim, -1 for the title, summary and lists of the verdict.
        kind: `dangling` (cites what the verdict does not list), `not found`, `tampered` or `invented`.
        subject: The uid or the quoted value.
    """

    claim: int
    kind: str
    subject: str


def check_grounding(
    verdict: Verdict, store: EvidenceStore, told: Collection[Fact] = ()
) -> tuple[GroundingProblem, ...]:
    """Return everything in the verdict that its evidence does not bear out, nothing when all of it holds.

    Args:
        verdict: The verdict.
        store: Where its evidence is fetched again.
        told: What services outside said in this investigation.
    """
    fetched = {(row.uid, row.at): row for row in store.cited(verdict.evidence)}
    listed = {item.uid: item for item in verdict.evidence}
    faults = {uid: fault for uid, item in listed.items() if (fault := _fault(item, fetched.get((uid, item.at))))}
    faults |= {fact.uid: NOT_FOUND for fact in verdict.facts if fact not in told}
    texts = {uid: _texts(fetched[uid, item.at].content) for uid, item in listed.items() if uid not in faults}
    texts |= {fact.uid: _texts(fact.content) for fact in verdict.facts if fact in told}
    problems = []
    for index, claim in enumerate(verdict.claims):
        problems += [
            GroundingProblem(index, faults.get(uid, DANGLING), uid) for uid in claim.evidence if uid not in texts
        ]
        problems += _invented(index, claim.text, (texts[uid] for uid in claim.evidence if uid in texts))
    return (*problems, *_check_prose(verdict, texts))


def _fault(item: Evidence, stored: Stored | None) -> str:
    if stored is None:
        return NOT_FOUND
    return "" if sha256_hex(stored.content) == item.sha256 else TAMPERED


def _check_prose(verdict: Verdict, texts: Mapping[str, tuple[str, ...]]) -> Iterator[GroundingProblem]:
    for prose in (verdict.title, verdict.summary, *verdict.missing, *verdict.rejected):
        yield from _invented(-1, prose, ((verdict.group,), *texts.values()))


def _invented(index: int, text: str, known: Iterable[tuple[str, ...]]) -> list[GroundingProblem]:
    values = set(quotations(text))
    if not values:
        return []
    held = [text for texts in known for text in texts]
    return [GroundingProblem(index, INVENTED, value) for value in sorted(values) if not _occurs(value, held)]


def _occurs(value: str, texts: Iterable[str]) -> bool:
    if len(value) >= WHOLE_WORD_BELOW:
        return any(value in text for text in texts)
    word = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
    return any(word.search(text) for text in texts)


def _texts(content: bytes) -> tuple[str, ...]:
    """Return the record as text and, when it is JSON, every name and value in it, unescaped."""
    whole = content.decode("utf-8", "replace")
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return (whole,)
    return whole, *_leaves(value)


def _leaves(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield from item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, str):
            yield item
