"""What Microsoft Defender Antivirus found, as an OCSF Detection Finding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from models.ocsf_classes import DETECTION_FINDING
from streams.sources.base import drop_none
from streams.sources.windows.logsource import DETECTIONS
from streams.sources.windows.objects import account, actor, file
from streams.sources.windows.record import Draft, Fields

CREATE, UPDATE = 1, 2
ACTIONS_TAKEN: Final = frozenset({1007, 1008, 1117, 1118, 1119})
_SEVERITIES: Final = {"1": 2, "2": 3, "4": 4, "5": 5}  # low, moderate, high, severe
FILE_PREFIX: Final = "file:_"


def _take(fields: Fields, name: str) -> str | None:
    """Return a field that has blanks in its name in the event, and none where a shipper took them out."""
    return fields.text(name) or fields.text(name.replace(" ", "")) or fields.text(name.replace(" ", "_"))


def _detection(fields: Fields) -> Draft | None:
    threat = _take(fields, "Threat Name")
    if threat is None:
        return None
    uid = _take(fields, "Detection ID") or _take(fields, "Threat ID") or threat
    attributes = drop_none(
        finding_info={"uid": uid, "title": threat},
        evidences=_evidences(fields),
        actor=actor(None, account(_take(fields, "Detection User"))),
        severity_id=_severity(fields),
        status_detail=_take(fields, "Action Name"),
    )
    return Draft(DETECTION_FINDING, UPDATE if fields.event_id in ACTIONS_TAKEN else CREATE, attributes, ("host",))


def _severity(fields: Fields) -> int | None:
    return fields.coded("Severity ID", _SEVERITIES) or fields.coded("SeverityID", _SEVERITIES)


def _evidences(fields: Fields) -> list[dict[str, Any]]:
    path = fields.text("Path")
    first = path.split(";", 1)[0].removeprefix(FILE_PREFIX).strip() if path else ""
    return [{"file": file(first)}] if first else []


BUILDERS: Final[dict[int, Callable[[Fields], Draft | None]]] = dict.fromkeys(DETECTIONS, _detection)
