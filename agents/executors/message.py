"""What tickets and chats are told of an action: plain text in which nothing that a log said links, pings or formats."""

from __future__ import annotations

import re
from typing import Final

from agents.text import moment, plain
from models.action import Action

MAX_REASON: Final = 1000
MAX_TARGET: Final = 120
_SCHEME: Final = re.compile(r"\b(?:http|ftp|mailto|file|data|javascript)(?=s?:)", re.IGNORECASE)
_DEFANGED: Final = {"http": "hxxp"}
# Dots within names and addresses, and what else makes a link or a mention of plain text.
_LINKING: Final = re.compile(r"(?<=[\w\]])[.](?=\w)|:(?=//)|@|(?<=[0-9A-Fa-f:]):(?=[0-9A-Fa-f:])")


def defanged(text: str) -> str:
    """Return text that no program takes for an address, a link or a mention: `198.51.100[.]7`, `hxxps[:]//`."""
    renamed = _SCHEME.sub(lambda found: _DEFANGED.get(found.group().lower(), f"{found.group()}_"), text)
    return _LINKING.sub(lambda found: f"[{found.group()}]", renamed)


def headline(action: Action) -> str:
    """Return one line that says what is done to whom."""
    target = defanged(plain(action.target.value, MAX_TARGET))
    return f"Braid: {action.kind.replace('_', ' ')}: {action.target.type} {target}"


def description(action: Action) -> str:
    """Return what a person needs to look into it."""
    return "\n".join(
        (
            defanged(plain(action.reason, MAX_REASON)),
            "",
            f"Target: {action.target.type} {defanged(plain(action.target.value, MAX_TARGET))}",
            f"Confidence: {action.confidence} of 100",
            f"Verdict: {plain(action.verdict_uid)} of {moment(action.time)}",
            f"Action: {action.uid}",
            f"Evidence: {len(action.evidence)} records",
        )
    )


def withdrawal(action: Action) -> str:
    """Return what is said when it is rolled back."""
    return f"Braid has withdrawn action {action.uid}."
