"""Alerts of other systems are signals of their own, as sure and as bad as their makers say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.entity import EntityKey
from models.event import Event
from models.finding import Analytic, Attack, EventRef, Signal
from models.ocsf_classes import DETECTION_FINDING
from models.uids import content_uid, signal_uid

RULE: Final = 1  # OCSF analytic type
CLOSE: Final = 3  # OCSF activity of a finding
RISK_OF_SEVERITY: Final[Mapping[int, int]] = {1: 5, 2: 20, 3: 40, 4: 60, 5: 80, 6: 90}
DEFAULT_RISK: Final = 20  # unknown, or a word of the vendor's that has no severity
DEFAULT_CONFIDENCE: Final = 50
MAX_TITLE: Final = 256
MAX_ATTACKS: Final = 16


def is_alert(event: Event) -> bool:
    """Tell whether an event is an alert that another system has raised, and not closed."""
    return event.class_uid == DETECTION_FINDING and event.ocsf.get("activity_id") != CLOSE


def alert_signal(event: Event, ref: EventRef, entities: tuple[EntityKey, ...]) -> Signal:
    """Make the signal of an alert; its analytic is what raised it, named by source and the vendor's id."""
    finding = event.ocsf
    info = _object(finding, "finding_info")
    analytic = _analytic(event.source, finding, info)
    severity_id = _integer(finding, "severity_id", 0)
    return Signal(
        uid=signal_uid(analytic.uid, event.uid),
        time=event.time,
        analytic=analytic,
        event=ref,
        domain=event.domain,
        confidence=_percent(finding, "confidence_score", DEFAULT_CONFIDENCE),
        risk=_percent(finding, "risk_score", RISK_OF_SEVERITY.get(severity_id, DEFAULT_RISK)),
        entities=entities,
        fields={},
        matched=(),
    )


def _analytic(source: str, finding: Mapping[str, Any], info: Mapping[str, Any]) -> Analytic:
    raised = _object(info, "analytic")
    product = _object(_object(finding, "metadata"), "product")
    name = str(raised.get("name") or info.get("title") or "Alert")[:MAX_TITLE]
    severity_id = _integer(finding, "severity_id", 1)
    return Analytic(
        uid=content_uid("alert", source, str(raised.get("uid") or name)),
        name=name,
        type_id=RULE,
        author=str(product.get("vendor_name") or "")[:MAX_TITLE],
        severity_id=severity_id if severity_id in RISK_OF_SEVERITY else 1,
        attacks=_attacks(info.get("attacks") or finding.get("attacks")),
    )


def _attacks(items: Any) -> tuple[Attack, ...]:
    found: dict[Attack, None] = {}
    for item in items[:MAX_ATTACKS] if isinstance(items, list) else ():
        if isinstance(item, dict):
            technique = _object(item, "sub_technique").get("uid") or _object(item, "technique").get("uid") or ""
            tactic = _object(item, "tactic").get("name") or ""
            if technique or tactic:
                found[Attack(tactic=str(tactic).lower().replace(" ", "-"), technique=str(technique).upper())] = None
    return tuple(found)


def _object(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def _integer(parent: Mapping[str, Any], name: str, default: int) -> int:
    value = parent.get(name)
    return value if type(value) is int else default


def _percent(parent: Mapping[str, Any], name: str, default: int) -> int:
    return max(0, min(100, _integer(parent, name, default)))
