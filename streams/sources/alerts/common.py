"""What the alerts of other systems have in common: the OCSF Detection Finding they become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.ocsf import head
from models.ocsf_classes import DETECTION_FINDING
from streams.sources.base import drop_none, text
from streams.sources.edr.shapes import OTHER

CREATE, UPDATE, CLOSE = 1, 2, 3
PROFILES: Final = ("host", "security_control")
IDENTITY, NETWORK, WORKLOAD = "identity", "network", "workload"
MAX_EVIDENCES: Final = 16
BLOCKED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked"}
_STATUSES: Final = {
    **dict.fromkeys(("new", "open", "unresolved", "active"), (1, "New")),
    **dict.fromkeys(("in_progress", "in progress", "pending", "reopened", "assigned"), (2, "In Progress")),
    **dict.fromkeys(("suppressed", "ignored"), (3, "Suppressed")),
    **dict.fromkeys(("closed", "resolved", "false_positive", "true_positive"), (4, "Resolved")),
    "archived": (5, "Archived"),
}
_RESOLVED: Final = 4


def alert_body(
    time: int,
    info: dict[str, Any],
    severity_id: int,
    *,
    severity: Any = None,
    state: Any = None,
    blocked: bool = False,
    **attributes: Any,
) -> dict[str, Any]:
    """Begin the Detection Finding of an alert.

    Args:
        time: Event time in ms.
        info: From `objects.finding`.
        severity_id: OCSF severity.
        severity: The vendor's own severity, a word or a number, kept as it is.
        state: Vendor's word for how far somebody has dealt with it.
        blocked: Whether the vendor prevented what it tells of.
        attributes: `actor`, `device`, `evidences`, `resources` and others of the class, None for what there is not.
    """
    status = _STATUSES.get(state.lower()) if isinstance(state, str) else None
    closed = status is not None and status[0] == _RESOLVED
    body = head(DETECTION_FINDING, CLOSE if closed else CREATE, time, severity_id)
    body["finding_info"] = info
    body["is_alert"] = True
    body.update(_status(status, text(state)))
    body.update(
        drop_none(severity=text(severity), message=info.get("title"), attacks=info.get("attacks"), **attributes)
    )
    if blocked:
        body.update(BLOCKED)
    if len(body.get("evidences", ())) > MAX_EVIDENCES:
        body["evidences"] = body["evidences"][:MAX_EVIDENCES]
    return body


def profiles_of(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the OCSF profiles of an alert: that of the cloud where the alert says which."""
    return (*PROFILES, "cloud") if "cloud" in body else PROFILES


def _status(known: tuple[int, str] | None, word: str | None) -> dict[str, Any]:
    if known is None:
        return {"status_id": OTHER, "status": word} if word else {"status_id": 1, "status": "New"}
    return {"status_id": known[0], "status": known[1]}


def ends(source: dict[str, Any] | None, target: dict[str, Any] | None, **more: Any) -> list[dict[str, Any]]:
    """Return the evidence of a connection, none when neither end is known."""
    return [drop_none(src_endpoint=source, dst_endpoint=target, **more)] if source or target else []


def actor(process: dict[str, Any] | None, user: dict[str, Any] | None, **more: Any) -> dict[str, Any] | None:
    """Return the actor of an alert: the process and the user it is about; None when neither is known."""
    return drop_none(process=process, user=user, **more) or None


def scalar(fields: Mapping[str, Any], name: str) -> str | None:
    """Return a field as text; of a list its first member, since some vendors write one value as a list of one."""
    value = fields.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    return text(value)
