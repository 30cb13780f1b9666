"""Read a Panther correlation rule from its file; everything wrong with it comes back at once, with lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from models.errors import RuleProblem
from streams.panther.about import OPTIONAL, REQUIRED, read_about
from streams.panther.cases import read_tests
from streams.panther.detection import read_pattern
from streams.panther.model import PantherRule
from streams.panther.nodes import Node, Reading, read_nodes

KIND: Final = "correlation_rule"
MAX_ID_CHARS: Final = 512
_ID: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+")
Read = tuple[PantherRule | None, tuple[RuleProblem, ...]]


def read_rule(file: Path) -> Read:
    """Read one file.

    Returns:
        The rule and no problems, or None and what is wrong with the file.
    """
    root, problems = read_nodes(file)
    return (None, problems) if root is None else _rule(root, Reading(str(file)))


def _rule(root: Node, reading: Reading) -> Read:
    uid = root.members.get("RuleID") if root.members else None
    reading.rule = uid.text[:MAX_ID_CHARS] if uid and _ID.fullmatch(uid.text) else ""
    if not _is_correlation(root, reading):
        return None, tuple(reading.problems)
    top = reading.members(root, "rule", REQUIRED, OPTIONAL)
    remarks: list[str] = []
    name = _checked_id(top["RuleID"], "RuleID", reading) if "RuleID" in top else ""
    about = read_about(top, reading, remarks)
    pattern = read_pattern(top["Detection"], reading) if "Detection" in top else None
    for entry in pattern.entries if pattern else ():
        _check_id(entry.rule, entry.line, reading)
    tests = read_tests(top, frozenset(entry.uid for entry in pattern.entries), reading) if pattern else ()
    if reading.problems or pattern is None:
        return None, tuple(reading.problems)
    return PantherRule(reading.path, root.line, name, about, pattern, tests, tuple(remarks)), ()


def _is_correlation(root: Node, reading: Reading) -> bool:
    if root.members is None:
        reading.fault(root.line, "a Panther rule is a map")
        return False
    kind = root.members.get("AnalysisType")
    if kind is None or kind.text != KIND:
        told = f"AnalysisType is {kind.text!r:.80}" if kind else "it has no AnalysisType"
        reading.fault(kind.line if kind else root.line, f"{told}; only rules of the type {KIND} are imported")
        return False
    return True


def _checked_id(node: Node, where: str, reading: Reading) -> str:
    uid = reading.scalar(node, where)
    _check_id(uid, node.line, reading)
    return uid


def _check_id(uid: str, line: int, reading: Reading) -> None:
    if uid and (len(uid) > MAX_ID_CHARS or not _ID.fullmatch(uid)):
        reading.fault(line, f"RuleID: {uid!r:.80} is too long, or holds what is no character of a name")
