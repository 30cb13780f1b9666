"""Small builders for tests of what is told about rules."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

from streams.detect.rule import DetectionRule
from streams.rulebook import load_rulebook

UID = "7c1d9e52-11aa-4f8e-8a5b-{:012d}"


def rule_text(number: int, logsource: str, detection: str, title: str = "A rule", extra: str = "") -> str:
    """Return a rule; the detections are the lines of `detection`, the condition among them."""
    return (
        f"title: {title}\nid: {UID.format(number)}\nstatus: test\nlevel: high\nlogsource: {logsource}\n{extra}"
        f"detection:\n{indent(detection.strip(), '  ')}\n"
    )


def load(folder: Path, *texts: str) -> tuple[DetectionRule, ...]:
    """Write rules, a file each, and load them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts):
        (folder / f"rule{number}.yml").write_text(text, "utf-8")
    return load_rulebook([folder]).sound().detections


WINDOWS = "{product: windows, category: process_creation}"
