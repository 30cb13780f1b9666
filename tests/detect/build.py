"""Small builders for detection tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from models import ocsf
from models.event import Event, LogSource
from models.records import Coordinates
from streams.detect.predicates import evaluate
from streams.detect.record import Record
from streams.detect.rule import DetectionRule, compile_rule
from streams.detect.values import Placeholders

WINDOWS = LogSource("windows")
AT = Coordinates("raw.test", 0, 1)
ID = "5f0a1c9e-3b7d-4f7e-9d3a-0c1b2a394857"


def document(detection: str | Mapping[str, Any], **others: Any) -> dict[str, Any]:
    """Return a whole rule around a detection section, given as YAML or as a map."""
    section = yaml.safe_load(detection) if isinstance(detection, str) else dict(detection)
    section.setdefault("condition", "selection")
    base = {"title": "A rule", "id": ID, "level": "high", "status": "test", "logsource": {"product": "windows"}}
    return {**base, "detection": section, **others}


def rule(detection: str | Mapping[str, Any], placeholders: Placeholders | None = None, **others: Any) -> DetectionRule:
    return compile_rule(document(detection, **others), "rules/a.yml", placeholders=placeholders or {})


def selection(item: str) -> DetectionRule:
    """Compile a rule with one detection item, given as YAML (`field|contains: x`)."""
    return rule({"selection": yaml.safe_load(item)})


def matched(compiled: DetectionRule, record: Mapping[str, Any]) -> tuple[tuple[str, str], ...] | None:
    evidence = evaluate(compiled.condition, Record(record))
    return None if evidence is None else tuple((reason.field, reason.value) for reason in evidence)


def fires(compiled: DetectionRule, record: Mapping[str, Any]) -> bool:
    return matched(compiled, record) is not None


def event(
    native: Mapping[str, Any],
    logsource: LogSource = WINDOWS,
    class_uid: int = 1007,
    **attributes: Any,
) -> Event:
    time = 1_700_000_000_000
    body = {**ocsf.head(class_uid, 1, time), **attributes}
    return Event("0" * 32, time, logsource.product, logsource, native, body, AT, "0" * 64)
