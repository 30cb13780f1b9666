"""Suricata's records of flows, and of what is neither a flow nor an alert nor a protocol's: anomalies, statistics."""

from __future__ import annotations

from typing import Any, Final

from streams.sources.base import LATEST_MS, drop_none, text
from streams.sources.fields import timestamp
from streams.sources.objects import OTHER
from streams.sources.protocols import traffic
from streams.sources.suricata.common import CLOSE, FAIL, RESET, TRAFFIC, Fields, begin, part

TCP: Final = "TCP"


def flow(fields: Fields, time: int) -> dict[str, Any]:
    """Map the record of a flow that has ended to Network Activity with its traffic."""
    told = part(fields, "flow")
    reason = text(told.get("reason"))
    return begin(
        fields,
        time,
        activity_id=_activity(fields, told),
        traffic=traffic_of(told),
        status_detail=reason,
        **_span(told),
        **verdict(text(told.get("action"))),
    )


def _activity(fields: Fields, told: Fields) -> int:
    """Tell how a flow ended: only TCP has an end, and a connection that nobody answered has failed."""
    if fields.get("proto") != TCP:
        return TRAFFIC
    if part(fields, "tcp").get("rst") is True:
        return RESET
    if told.get("state") == "closed":
        return CLOSE
    return FAIL if told.get("state") == "new" and told.get("pkts_toclient") == 0 else TRAFFIC


def traffic_of(told: Fields) -> dict[str, int]:
    """Return the traffic that a `flow` part tells of."""
    return traffic(
        told.get("bytes_toserver"), told.get("bytes_toclient"), told.get("pkts_toserver"), told.get("pkts_toclient")
    )


def _span(told: Fields) -> dict[str, Any]:
    start, end = timestamp(told.get("start")), timestamp(told.get("end"))
    length = end - start if start is not None and end is not None and LATEST_MS > end >= start else None
    return drop_none(start_time=start, end_time=end, duration=length)


def verdict(word: str | None) -> dict[str, Any]:
    """Return action and disposition for what Suricata did with packets; empty where it only looked on."""
    return dict(_VERDICTS.get(word or "", {}))


_VERDICTS: Final[dict[str, dict[str, Any]]] = {
    "blocked": {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked"},
    "drop": {"action_id": 2, "action": "Denied", "disposition_id": 6, "disposition": "Dropped"},
    "reject": {"action_id": 2, "action": "Denied", "disposition_id": 25, "disposition": "Rejected"},
}


def netflow(fields: Fields, time: int) -> dict[str, Any]:
    """Map one direction of a flow to Network Activity with its traffic."""
    told = part(fields, "netflow")
    return begin(fields, time, traffic=traffic(told.get("bytes"), None, told.get("pkts")), **_span(told))


def drop(fields: Fields, time: int) -> dict[str, Any]:
    """Map a packet that Suricata dropped to Network Activity that was denied."""
    reason = text(part(fields, "drop").get("reason"))
    return begin(fields, time, activity_id=TRAFFIC, status_detail=reason, **verdict("drop"))


def anomaly(fields: Fields, time: int) -> dict[str, Any]:
    """Map an anomaly of a protocol to Network Activity, named for it."""
    told = part(fields, "anomaly")
    word = text(told.get("event")) or text(told.get("type")) or "anomaly"
    return begin(fields, time, activity_id=OTHER, word=word, status_detail=text(told.get("type")))


def other(fields: Fields, time: int) -> dict[str, Any]:
    """Map any record to Network Activity, named for its kind."""
    return begin(fields, time, activity_id=OTHER)
