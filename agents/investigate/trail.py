"""What happened in one investigation: for its journal, its audit records, and the bill on its verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agents.audit.event import AuditEvent
from agents.llm.talk import Reply


@dataclass(slots=True)
class Trail:
    """Grows while an investigation goes on.

    Attributes:
        investigation: Its uid.
        now: Returns the time, ms.
        events: What the audit log has to show, in order.
        replies: What models said, in order.
        tool_calls: How many calls of tools were answered or refused.
        models: Who answered, in order.
    """

    investigation: str
    now: Callable[[], int]
    events: list[AuditEvent] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    tool_calls: int = 0
    models: list[str] = field(default_factory=list)

    def add(self, event: AuditEvent) -> None:
        """Note what happened."""
        self.events.append(event)

    def heard(self, reply: Reply) -> None:
        """Note what a model said."""
        self.replies.append(reply)
        if reply.model not in self.models:
            self.models.append(reply.model)
