"""One piece of evidence as something that statements can be compared with: its texts, addresses, moments and numbers.

What is read is what the hash covers, the raw record of an event or the record of a signal, and the event's OCSF form.
JSON is read value by value, unescaped, also where it stands inside a text. All of it is bounded: what lies beyond the
bounds proves nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import orjson

from agents.evidence.store import StoredEvent
from agents.grounding.normal import normalized
from agents.grounding.times import points_in
from agents.grounding.values import addresses_in
from agents.investigate.refs import Citable
from models.errors import InvalidRecord
from models.fact import Fact

MAX_CHARS: Final = 262_144
MAX_LEAVES: Final = 20_000
MAX_NESTED: Final = 3  # JSON in a text in JSON ...
TEXT: Final = ""  # the name that numbers inside a text go by
MAX_PATH: Final = 200  # last characters of the names that lead to a value
OURS: Final = "unmapped.braid."  # where the hash of a record stands, which condemns nothing
OUR_OWN: Final = frozenset({"raw_data", "raw_data_hash", "raw_data_size"})
_ENUMERATION: Final = re.compile(r"(?:_id|_uid)\Z")
_NUMBERS: Final = re.compile(r"(?<![\w.])\d{1,20}(?:\.\d{1,12})?(?![\w]|\.\d)")
_LOOSE: Final = re.compile(r"(?<=[\[(=:/,#-])\d{1,20}(?=[\])/:,;&?\s-]|$)")
_HASHED: Final = re.compile(r"hash|fingerprint|digest|checksum|\bmd5|\bsha-?\d|imphash|ja3|ja4", re.IGNORECASE)
_IDENTIFIER: Final = re.compile(
    r"commit|etag|guid|uuid|request|correlation|session|trace|span|revision|version|tree|\boid|object_?id|"
    r"\bsha\b|_sha\b|\bbefore\b|\bafter\b|\bhead\b|\bbase\b|token|nonce|tag\b|\buid\b|\bid\b",
    re.IGNORECASE,
)
_ALGORITHMS: Final = {
    32: frozenset({"md5", "imphash", "ja3", "hash"}),
    40: frozenset({"sha1"}),
    56: frozenset({"sha224"}),
    64: frozenset({"sha256"}),
    96: frozenset({"sha384"}),
    128: frozenset({"sha512"}),
}
_LABELLED: Final = re.compile(r"(?:md5|sha-?\d{1,3}|imphash)\s*[=:]\s*([0-9a-f]{32,128})\b", re.IGNORECASE)
_HEX: Final = re.compile(r"[0-9a-f]{16,128}\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a record: the dotted names that lead to it (their end, where they are many), and the value."""

    path: str
    value: str | int | float


@dataclass(frozen=True)
class Witness:
    """One piece of evidence.

    Attributes:
        uid: Its uid.
        time: Its event time, ms; None for a note.
        cited: What is cited; None for a note.
        leaves: Its values.
    """

    uid: str
    time: int | None
    cited: Citable | None
    leaves: tuple[Leaf, ...] = field(repr=False)

    @cached_property
    def text(self) -> str:
        """Return names and values, one a line, in the one spelling."""
        lines: dict[str, None] = {}
        for leaf in self.leaves:
            lines[leaf.path.rpartition(".")[2]] = None
            lines[normalized(str(leaf.value))] = None
        return "\n".join(lines)[:MAX_CHARS]

    @cached_property
    def folded(self) -> str:
        """Return the text without regard to case."""
        return self.text.casefold()

    @cached_property
    def addresses(self) -> frozenset[object]:
        """Return every address in it."""
        return frozenset(address for _, _, address in addresses_in(self.text))

    @cached_property
    def moments(self) -> frozenset[int]:
        """Return every moment (ms) that it tells of: its own, those in its texts, numbers that are times."""
        told = set(points_in(self.text))
        for number in self.numbers:
            told.update(_moments(number))
        return frozenset(told if self.time is None else {self.time, *told})

    @cached_property
    def numbers(self) -> dict[float, frozenset[str]]:
        """Return every number in it, with the dotted paths that lead to it: TEXT where it stands inside a text."""
        found: dict[float, set[str]] = defaultdict(set)
        for leaf in self.leaves:
            if isinstance(leaf.value, str):
                for number, whole in _numbers(normalized(leaf.value)):
                    found[number].add(leaf.path.lower() if whole else TEXT)
            elif not _ENUMERATION.search(leaf.path):
                found[float(leaf.value)].add(leaf.path.lower())
        return {number: frozenset(paths) for number, paths in found.items()}

    @cached_property
    def hashes(self) -> dict[str, bool]:
        """Return every hexadecimal value, and whether it stands where hashes do and nowhere where identifiers do."""
        found: dict[str, bool] = {}
        for leaf in self.leaves:
            for value, is_hash in _hexadecimal(leaf):
                found[value] = found.get(value, True) and is_hash
        return found


def witness_of(cited: Citable) -> Witness:
    """Return what a cited thing tells."""
    return Witness(cited.uid, cited.time, cited, tuple(_bounded(_leaves_of(cited))))


def noted(name: str, text: str) -> Witness:
    """Return what a note of the investigation tells: that a tool found nothing, or what the sources covered."""
    return Witness(name, None, None, (Leaf("", text[:MAX_CHARS]),))


def algorithms_of(value: str) -> frozenset[str]:
    """Return the hash algorithms whose values are as long as this one."""
    return _ALGORITHMS.get(len(value), frozenset())


def _bounded(leaves: Iterator[Leaf]) -> Iterator[Leaf]:
    left, seen = MAX_CHARS, set()
    for count, leaf in enumerate(leaves):
        if count >= MAX_LEAVES or left <= 0:
            return
        if leaf not in seen:
            seen.add(leaf)
            left -= len(str(leaf.value))
            yield leaf


def _leaves_of(cited: Citable) -> Iterator[Leaf]:
    if isinstance(cited, StoredEvent):
        yield from _read(cited.content.decode("utf-8", "replace"), "raw", MAX_NESTED)
        yield from _walk(_ocsf_of(cited), "", MAX_NESTED)
    else:
        kind = cited.kind if isinstance(cited, Fact) else ""
        yield from _read(cited.content.decode("utf-8", "replace"), kind, MAX_NESTED)


def _ocsf_of(event: StoredEvent) -> dict[str, Any]:
    try:
        record = event.ocsf
    except InvalidRecord:
        return {}
    return {name: value for name, value in record.items() if name not in OUR_OWN}


def _read(text: str, path: str, nested: int) -> Iterator[Leaf]:
    """Yield the values of JSON, or the text itself when it is none."""
    body = text[:MAX_CHARS]
    if nested > 0 and body[:1] in "{[" and body.rstrip()[-1:] in "}]":
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            yield Leaf(path, body)
        else:
            yield from _walk(value, path, nested - 1)
        return
    yield Leaf(path, body)


def _walk(value: Any, path: str, nested: int) -> Iterator[Leaf]:
    waiting: list[tuple[str, Any]] = [(path, value)]
    while waiting:
        at, item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend((_joined(at, name), inner) for name, inner in reversed(item.items()))
        elif isinstance(item, list):
            waiting.extend((at, inner) for inner in reversed(item))
        elif isinstance(item, str):
            yield from _read(item, at, nested)
        elif isinstance(item, bool):
            yield Leaf(at, "true" if item else "false")
        elif isinstance(item, int | float):
            yield Leaf(at, item)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}"[-MAX_PATH:] if path else name[-MAX_PATH:]


def _numbers(text: str) -> Iterator[tuple[float, bool]]:
    """Yield the numbers in a text, and whether each is all of it; none that are part of an address, hash or date."""
    spans = [(start, end) for start, end, _ in addresses_in(text)]
    pieces, at = [], 0
    for start, end in sorted(spans):
        pieces.append(text[at:start])
        at = max(at, end)
    rest = "\x00".join((*pieces, text[at:]))
    for form in (_NUMBERS, _LOOSE):
        for found in form.finditer(rest):
            yield float(found[0]), found[0] == text


def _moments(number: float) -> Iterator[int]:
    """Yield the moments that a number may be: seconds, milliseconds, microseconds or nanoseconds since 1970."""
    for low, per_ms in ((10**9, 0.001), (10**12, 1.0), (10**15, 1e3), (10**18, 1e6)):
        if low <= number < 4.2 * low:
            yield int(number / per_ms)


def _hexadecimal(leaf: Leaf) -> Iterator[tuple[str, bool]]:
    if not isinstance(leaf.value, str):
        return
    text = leaf.value.strip()
    if _HEX.match(text):
        name = leaf.path.rpartition(".")[2]
        is_hash = bool(_HASHED.search(leaf.path)) and not _IDENTIFIER.search(name) and not leaf.path.startswith(OURS)
        yield text.lower(), is_hash
    for found in _LABELLED.finditer(text):
        yield found[1].lower(), True
