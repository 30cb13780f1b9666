"""Approvals: what a person decides on an action that waits, signed. On the topic `approvals`.

What is signed is the decision with all that it is about: the action, the revision of it that the person saw, who, why,
when, and a number used once. A decision on one action can stand for no other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from models.canonical import canonical, read_canonical
from models.errors import InvalidRecord
from models.fields import LARGEST, take

APPROVE, DENY = "approve", "deny"
ROLLBACK: Final = "rollback"  # no answer to a question: it asks to take back what was done
DECISIONS: Final = (APPROVE, DENY, ROLLBACK)
MAX_REASON: Final = 1000
MAX_NAME: Final = 128
MAX_SIGNATURE: Final = 128
_SIGNED_AS: Final = b"braid approval 1\n"  # a signature under one kind of record is none under another
UID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Approval:
    """One decision of one person.

    Attributes:
        action_uid: The action.
        action_revision: The revision of it that was decided on.
        decision: One of DECISIONS.
        by: Name of the person, as the policy has it.
        reason: Why, in the person's words.
        time: When, ms, by the person's clock.
        nonce: 32 hex digits that no other approval has.
        signature: Ed25519 signature over `content`, base64; empty until it is signed.
    """

    action_uid: str
    action_revision: int
    decision: str
    by: str
    reason: str
    time: int
    nonce: str
    signature: str = ""

    def __post_init__(self) -> None:
        """Refuse, with InvalidRecord, what cannot be one."""
        require(UID.fullmatch(self.action_uid), "action_uid", "is no uid")
        require(0 <= self.action_revision <= LARGEST, "action_revision", "is none")
        require(self.decision in DECISIONS, "decision", f"is none of {', '.join(DECISIONS)}")
        require(0 < len(self.by) <= MAX_NAME, "by", "is no name")
        require(self.reason.strip() and len(self.reason) <= MAX_REASON, "reason", f"must be 1 to {MAX_REASON} long")
        require(0 <= self.time <= LARGEST, "time", "is none")
        require(UID.fullmatch(self.nonce), "nonce", "must be 32 hex digits")
        require(len(self.signature) <= MAX_SIGNATURE, "signature", "is too long")

    @property
    def content(self) -> bytes:
        """Return what is signed; raise InvalidRecord when a text in it is no Unicode."""
        return signed_content(_SIGNED_AS, asdict(self))


def require(holds: object, field: str, message: str) -> None:
    """Raise InvalidRecord naming a field unless something holds."""
    if not holds:
        raise InvalidRecord(f"{field}: {message}")


def signed_content(signed_as: bytes, record: Mapping[str, Any]) -> bytes:
    """Return what a record's signature is over: its kind, and all of it but the signature, in canonical form."""
    return signed_as + canonical({name: value for name, value in record.items() if name != "signature"})


def approval_to_json(approval: Approval) -> bytes:
    """Render for the topic `approvals`."""
    return canonical(asdict(approval))


def approval_from_json(data: bytes) -> Approval:
    """Read an approval; raise InvalidRecord when it is none, or has anything that an approval has not."""
    record = read_canonical(data)
    return Approval(**taken(record, Approval))


def taken(record: Mapping[str, Any], kind: type[Any]) -> dict[str, Any]:
    """Return the fields of a flat record of texts and whole numbers; raise InvalidRecord naming what is wrong."""
    names = {one.name: int if one.type in (int, "int") else str for one in fields(kind)}
    unknown = sorted(set(record) - set(names))
    if unknown:
        raise InvalidRecord(f"{unknown[0][:40]}: no field of it")
    return {name: take(record, name, of) for name, of in names.items()}
