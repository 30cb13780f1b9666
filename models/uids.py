"""Identity by content: the same thing seen twice has the same name.

Every uid is the first 128 bits of a SHA-256, in hex. Parts are length-prefixed before hashing, so that no two
different lists of parts can hash alike.
"""

from __future__ import annotations

from hashlib import sha256

UID_HEX_LENGTH = 32


def sha256_hex(data: bytes) -> str:
    """Return the full SHA-256 of `data` in hex: what evidence carries."""
    return sha256(data).hexdigest()


def content_uid(kind: str, *parts: str | bytes) -> str:
    """Hash a kind and its parts into a 32-character uid."""
    pieces = [kind.encode()]
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        pieces += (b"\x00%d:" % len(data), data)
    return sha256(b"".join(pieces)).hexdigest()[:UID_HEX_LENGTH]


def event_uid(source: str, raw_sha256: str, *more: str) -> str:
    """Name an event by its source and its raw bytes, and by what else it takes to tell it from another.

    Args:
        source: Name of the source.
        raw_sha256: SHA-256 of the raw bytes in hex: they are hashed once only.
        more: The host, when the bytes do not name it; which part, when one record tells of several events.
    """
    return content_uid("event", source, raw_sha256, *more)


def signal_uid(analytic_uid: str, event_uid_: str) -> str:
    """Name a signal by the rule or model that fired and the event it fired on."""
    return content_uid("signal", analytic_uid, event_uid_)


def sequence_uid(analytic_uid: str, group: str, first_signal_uid: str) -> str:
    """Name a sequence by its correlation rule, its group and its earliest signal."""
    return content_uid("sequence", analytic_uid, group, first_signal_uid)


def verdict_uid(sequence_uid_: str) -> str:
    """Name a verdict by the sequence it judges: a new revision of one is a new revision of the other."""
    return content_uid("verdict", sequence_uid_)


def action_uid(verdict_uid_: str, sequence_revision: int, action: str, target: str) -> str:
    """Name a proposed action by its verdict, the revision of the sequence that this is on, what it does and to what."""
    return content_uid("action", verdict_uid_, str(sequence_revision), action, target)


def link_uid(left: str, right: str, valid_from: int, source: str) -> str:
    """Name an entity link by its two ends, the start of its validity (ms) and who observed it."""
    return content_uid("link", left, right, str(valid_from), source)
