"""Alerts in ECS: of Elastic Security (`kibana.alert`, formerly `signal`), of Elastic Defend, of others.

Source: "Alert schema" of Elastic Security; the `rule` and `threat` field sets of ECS.
"""

from __future__ import annotations

from typing import Any, Final

from models.ocsf_classes import DETECTION_FINDING
from streams.sources.base import drop_none, integer
from streams.sources.ecs import objects
from streams.sources.ecs.document import Doc
from streams.sources.ecs.fields import Fields, first, part, words
from streams.sources.edr.drafts import Draft
from streams.sources.fields import MAX_LISTED, timestamp
from streams.sources.objects import attacks, file, finding, severity_id
from streams.sources.protocols import count

CREATE, CLOSE = 1, 3
MAX_TITLE: Final = 256
MAX_MESSAGE: Final = 1024
KINDS: Final = ("alert", "signal")
_CLOSED: Final = ("closed",)
_LEVELS: Final = ((90, 5), (70, 4), (40, 3), (11, 2))  # of a hundred, as Elastic's rules have them
_NETWORK: Final = frozenset({"network", "intrusion_detection", "web"})
_IDENTITY: Final = frozenset({"iam", "authentication", "session"})


def is_alert(fields: Fields) -> bool:
    """Tell whether a document is an alert."""
    return bool(_raised(fields)) or any(kind in KINDS for kind in words(fields, "event", "kind"))


def _raised(fields: Fields) -> Fields:
    """Return what the detection engine wrote, empty when it was not its alert."""
    return part(fields, "kibana", "alert") or (part(fields, "signal") if part(fields, "signal", "rule") else {})


def draft_of(doc: Doc) -> tuple[Draft, int]:
    """Return the draft of an alert and its severity."""
    fields = doc.fields
    raised = _raised(fields)
    rule = part(raised, "rule") or part(fields, "rule")
    title = first(rule, "name") or first(fields, "message") or doc.action or "Elastic alert"
    title = title[:MAX_TITLE]
    score = count(raised.get("risk_score", rule.get("risk_score", part(fields, "event").get("risk_score"))))
    attributes = drop_none(
        finding_info=_info(fields, raised, rule, title),
        device=doc.device,
        actor=drop_none(process=doc.process, user=doc.user),
        evidences=_evidences(doc),
        message=(first(raised, "reason") or first(fields, "message") or title)[:MAX_MESSAGE],
        risk_score=score,
        is_alert=True,
    )
    closed = any(word in _CLOSED for word in words(raised, "workflow_status") + words(raised, "status"))
    draft = Draft(DETECTION_FINDING, CLOSE if closed else CREATE, attributes, {}, (), ("host", "security_control"))
    return draft, _severity(fields, raised, rule)


def about(doc: Doc) -> str:
    """Return the domain an alert is about."""
    if doc.process is None and _IDENTITY.intersection(doc.categories):
        return "identity"
    return "network" if doc.process is None and _NETWORK.intersection(doc.categories) else "workload"


def _severity(fields: Fields, raised: Fields, rule: Fields) -> int:
    word = first(raised, "severity") or first(rule, "severity")
    if word:
        return severity_id(word)
    number = integer(part(fields, "event").get("severity"))
    return next((known for least, known in _LEVELS if number is not None and number >= least), 1)


def _info(fields: Fields, raised: Fields, rule: Fields, title: str) -> dict[str, Any]:
    return finding(
        title,
        first(raised, "uuid") or first(fields, "event", "id") or first(fields, "_id") or title,
        rule_uid=first(rule, "rule_id") or first(rule, "uuid") or first(rule, "id"),
        rule=first(rule, "name") or title,
        desc=first(rule, "description"),
        attack=attacks(*_threats(fields), *_threats(rule)),
        types=list(words(fields, "event", "category")),
        created_time=timestamp(raised.get("start")) or timestamp(part(fields, "event").get("created")),
        url=first(raised, "url") or first(rule, "reference"),
    )


def _threats(holder: Fields) -> list[Any]:
    """Return ids of techniques and names of tactics, from `threat` as one object or as a list of them."""
    value = holder.get("threat")
    listed = value[:MAX_LISTED] if isinstance(value, list) else [value]
    found: list[Any] = []
    for threat in listed:
        if isinstance(threat, dict):
            techniques = threat.get("technique")
            for technique in techniques[:MAX_LISTED] if isinstance(techniques, list) else [techniques]:
                found += _ids(technique)
            if not found:
                found.append(part(threat, "tactic").get("name"))
    return found


def _ids(technique: Any) -> list[Any]:
    """Return the id of a technique's sub-techniques, which name the technique too, or else its own."""
    if not isinstance(technique, dict):
        return []
    below = technique.get("subtechnique")
    listed = below[:MAX_LISTED] if isinstance(below, list) else [below]
    ids: list[Any] = [item.get("id") for item in listed if isinstance(item, dict) and item.get("id")]
    return ids or [technique.get("id")]


def _evidences(doc: Doc) -> list[dict[str, Any]]:
    fields = doc.fields
    told = part(fields, "file")
    path = first(told, "path")
    request = objects.request_of(fields)
    seen = drop_none(
        src_endpoint=objects.end(fields, "source", "client"),
        dst_endpoint=objects.end(fields, "destination", "server"),
        process=doc.process,
        user=doc.user,
        file=file(path, hashes=objects.digests(told)) if path else None,
        query=objects.question_of(fields),
        url=request.get("url"),
    )
    return [seen] if seen else []
