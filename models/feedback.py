"""Feedback: an analyst's correction of a verdict. On the topic `feedback`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from models.approval import MAX_NAME, MAX_REASON, MAX_SIGNATURE, UID, require, signed_content, taken
from models.canonical import canonical, read_canonical
from models.fields import LARGEST
from models.verdict import VERDICTS

_SIGNED_AS: Final = b"braid feedback 1\n"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One correction.

    Attributes:
        verdict_uid: The verdict.
        sequence_revision: The revision of the sequence that the corrected verdict judged.
        verdict_revision: The revision of the verdict that the analyst saw; a correction of another is out of date.
        verdict_id: What it should say, a key of VERDICTS.
        by: Name of the analyst, as the policy has it.
        reason: Why, in the analyst's words.
        time: When, ms, by the analyst's clock.
        signature: Ed25519 signature over `content`, base64; empty where the policy asks for none.
    """

    verdict_uid: str
    sequence_revision: int
    verdict_revision: int
    verdict_id: int
    by: str
    reason: str
    time: int
    signature: str = ""

    def __post_init__(self) -> None:
        """Refuse, with InvalidRecord, what cannot be one."""
        require(UID.fullmatch(self.verdict_uid), "verdict_uid", "is no uid")
        require(0 <= self.sequence_revision <= LARGEST, "sequence_revision", "is none")
        require(0 <= self.verdict_revision <= LARGEST, "verdict_revision", "is none")
        require(self.verdict_id in VERDICTS, "verdict_id", "is not on its scale")
        require(0 < len(self.by) <= MAX_NAME, "by", "is no name")
        require(self.reason.strip() and len(self.reason) <= MAX_REASON, "reason", f"must be 1 to {MAX_REASON} long")
        require(0 <= self.time <= LARGEST, "time", "is none")
        require(len(self.signature) <= MAX_SIGNATURE, "signature", "is too long")

    @property
    def content(self) -> bytes:
        """Return what is signed; raise InvalidRecord when a text in it is no Unicode."""
        return signed_content(_SIGNED_AS, asdict(self))


def feedback_to_json(feedback: Feedback) -> bytes:
    """Render for the topic `feedback`."""
    return canonical(asdict(feedback))


def feedback_from_json(data: bytes) -> Feedback:
    """Read a correction; raise InvalidRecord when it is none, or has anything that a correction has not."""
    return Feedback(**taken(read_canonical(data), Feedback))
