"""One thing that happened, for the audit log: before it stands in a chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing that happened.

    Attributes:
        kind: What, such as `claim.struck`.
        time: When, ms.
        data: JSON values; no secrets, and long texts by their hash.
    """

    kind: str
    time: int
    data: Mapping[str, Any] = field(default_factory=dict)
