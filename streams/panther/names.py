"""Names and ids of what an import writes, made of the Panther id alone; equal names in one import get a hash each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from hashlib import sha256
from itertools import chain, count
from typing import Final
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("3c2b8a52-7a54-5f0e-9d5b-0b6f1f5c6a11")
MAX_SLUG: Final = 80
HASH_HEX: Final = 8
RESERVED: Final = frozenset({"first"})  # stands for the first signal of a window
_OTHER: Final = re.compile(r"[^a-z0-9]+")


def rule_uid(panther_id: str) -> str:
    """Return the id of the detection that stands for a Panther rule."""
    return str(uuid5(NAMESPACE, f"rule:{panther_id}"))


def correlation_uid(panther_id: str) -> str:
    """Return the id of the correlation that a Panther correlation rule becomes."""
    return str(uuid5(NAMESPACE, f"correlation:{panther_id}"))


def slug(panther_id: str) -> str:
    """Return an id in small letters, digits and underscores: the name of a rule and of its file.

    One that has none of these, or too many, is told from others by a hash.
    """
    short = _OTHER.sub("_", panther_id.lower()).strip("_")
    if short and short not in RESERVED and len(short) <= MAX_SLUG:
        return short
    return f"{short[:MAX_SLUG] or 'rule'}_{_hash(panther_id)}"


def slugs(panther_ids: Iterable[str]) -> dict[str, str]:
    """Name several ids; those that would have the same name get a hash each."""
    names = {panther_id: slug(panther_id) for panther_id in panther_ids}
    shared = {name for name, often in Counter(names.values()).items() if often > 1}
    return {one: f"{name}_{_hash(one)}" if name in shared else name for one, name in names.items()}


def fresh(name: str, taken: Collection[str]) -> str:
    """Return a name, with a number behind it where it is taken."""
    numbered = (f"{name}_{number}" for number in count(2))
    return next(one for one in chain((name,), numbered) if one not in taken)


def _hash(panther_id: str) -> str:
    return sha256(panther_id.encode("utf-8")).hexdigest()[:HASH_HEX]
