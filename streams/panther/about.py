"""What a Panther rule says about itself: title, severity, ATT&CK, what to read and what to do."""

from __future__ import annotations

import re
from typing import Final

from streams.panther.model import About
from streams.panther.nodes import Members, Node, Reading

REQUIRED: Final = frozenset({"AnalysisType", "RuleID", "Detection", "Severity"})
OPTIONAL: Final = frozenset(
    (
        *("Enabled", "DisplayName", "Description", "Reference", "References", "Runbook", "Reports", "Tags", "Tests"),
        *("CreateAlert", "OutputIds", "SummaryAttributes", "OnlyUseBaseRiskScore", "Status", "CreatedBy"),
    )
)
MITRE: Final = "MITRE ATT&CK"
MAX_TITLE: Final = 256  # characters; pySigma refuses a longer one
_LEVELS: Final = {"info": "informational", "low": "low", "medium": "medium", "high": "high", "critical": "critical"}
_TECHNIQUE: Final = re.compile(r"T[0-9]{4}(?:\.[0-9]{3})?")
_TACTIC: Final = re.compile(r"TA[0-9]{4}")
_TACTICS: Final = {
    "TA0043": "reconnaissance",
    "TA0042": "resource-development",
    "TA0001": "initial-access",
    "TA0002": "execution",
    "TA0003": "persistence",
    "TA0004": "privilege-escalation",
    "TA0005": "defense-evasion",
    "TA0006": "credential-access",
    "TA0007": "discovery",
    "TA0008": "lateral-movement",
    "TA0009": "collection",
    "TA0011": "command-and-control",
    "TA0010": "exfiltration",
    "TA0040": "impact",
}


def read_about(top: Members, reading: Reading, remarks: list[str]) -> About:
    """Read it; what Braid takes otherwise goes to `remarks`."""
    reports = _reports(top, reading)
    attack, unknown = _attack(reports.pop(MITRE, ()), reading)
    if unknown:
        remarks.append(f"ATT&CK has no tactic {', '.join(unknown)} that Sigma has a tag for; left out")
    about = About(
        title=_title(top, reading),
        level=_level(top, reading),
        enabled=reading.flag(top, "Enabled", default=True),
        description=reading.text(top, "Description"),
        references=_references(top, reading),
        runbook=reading.text(top, "Runbook"),
        attack=attack,
        tags=_texts(reading.items(top, "Tags"), "Tags", reading),
        reports={name: _texts(items, name, reading) for name, items in reports.items()},
    )
    remarks.extend(_remarks(about, top, reading))
    return about


def _remarks(about: About, top: Members, reading: Reading) -> list[str]:
    found = []
    if not about.enabled:
        found.append("Panther has it disabled; it is imported with `status: test`, and Braid runs it")
    if not reading.flag(top, "CreateAlert", default=True):
        found.append("CreateAlert: false is not carried over; in Braid its risk decides what is escalated")
    if reading.items(top, "OutputIds"):
        found.append("OutputIds are not carried over; Braid's verdicts go where you send them")
    return found


def _title(top: Members, reading: Reading) -> str:
    title = " ".join(reading.text(top, "DisplayName", reading.rule).split())
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…"


def _level(top: Members, reading: Reading) -> str:
    word = reading.text(top, "Severity")
    level = _LEVELS.get(word.lower(), "")
    if word and not level:
        reading.fault(top["Severity"].line, f"Severity: {word!r:.80} is none of Info, Low, Medium, High, Critical")
    return level


def _references(top: Members, reading: Reading) -> tuple[str, ...]:
    found = [reading.text(top, "Reference")] if "Reference" in top else []
    node = top.get("References")
    if node is not None and node.kind == "str":
        found.append(reading.scalar(node, "References"))
    else:
        found.extend(_texts(reading.items(top, "References"), "References", reading))
    return tuple(dict.fromkeys(text.strip() for text in found if text.strip()))


def _reports(top: Members, reading: Reading) -> dict[str, tuple[Node, ...]]:
    node = top.get("Reports")
    members = reading.any_members(node, "Reports") if node is not None else {}
    return {name: reading.items(members, name) for name in members}


def _texts(items: tuple[Node, ...], where: str, reading: Reading) -> tuple[str, ...]:
    return tuple(text for item in items if (text := reading.scalar(item, where)))


def _attack(items: tuple[Node, ...], reading: Reading) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the Sigma tags of entries such as `TA0010:T1041`, and the tactics that have none."""
    tags: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for item in items:
        for part in reading.scalar(item, MITRE).split(":"):
            name = part.strip().upper()
            if _TECHNIQUE.fullmatch(name):
                tags[f"attack.{name.lower()}"] = None
            elif name in _TACTICS:
                tags[f"attack.{_TACTICS[name]}"] = None
            elif _TACTIC.fullmatch(name):
                unknown[name] = None
            elif name:
                reading.fault(
                    item.line, f"{MITRE}: {part.strip()!r:.80} is no tactic and no technique, as in TA0010:T1041"
                )
    return tuple(tags), tuple(unknown)
