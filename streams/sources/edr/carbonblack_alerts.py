"""Carbon Black Cloud's alerts (schema 7 and the one before) and its audit log.

Source: VMware Carbon Black Cloud documentation, "Alerts v7 Schema" and "Audit Log Events".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, ENTITY_MANAGEMENT, USER_ACCESS
from streams.sources.alerts import common
from streams.sources.base import drop_none, integer, ip, text
from streams.sources.edr.carbonblack_events import process_at, ttps_of
from streams.sources.edr.shapes import LINUX, MACOS, host, platform_of, someone
from streams.sources.fields import object_at, timestamp
from streams.sources.objects import attacks, endpoint, finding, status, user
from streams.sources.saas.deeds import Deed, body_of, entity
from streams.sources.saas.words import MAX_WORD, OTHER, first, request, verb_of

Fields = Mapping[str, Any]

SERVICE: Final = "Carbon Black Cloud"
MAX_TITLE: Final = 256
_SEVERITIES: Final = {1: 2, 2: 2, 3: 2, 4: 3, 5: 3, 6: 3, 7: 4, 8: 4, 9: 5, 10: 5}  # Carbon Black counts to 10
_BLOCKED: Final = ("DENY", "TERMINATE", "BLOCK")  # a tuple, which takes values of any type
_SUBJECT: Final = re.compile(r"(?:user|User) (\S{1,254}@\S{1,254})")
_FAILED: Final = re.compile(r"\b(?:fail\w*|locked|denied|invalid)\b", re.IGNORECASE)
_LISTED: Final[tuple[tuple[str, tuple[int, int]], ...]] = (  # how a description begins
    ("added user", (ACCOUNT_CHANGE, 1)),
    ("created user", (ACCOUNT_CHANGE, 1)),
    ("deleted user", (ACCOUNT_CHANGE, 6)),
    ("removed user", (ACCOUNT_CHANGE, 6)),
    ("updated user", (ACCOUNT_CHANGE, OTHER)),
    ("logged in", (AUTHENTICATION, 1)),
    ("logged out", (AUTHENTICATION, 2)),
    ("created grant", (USER_ACCESS, 1)),
    ("deleted grant", (USER_ACCESS, 2)),
)


def device_of(fields: Fields, platform: str) -> dict[str, Any]:
    """Return the host of an event or an alert."""
    own = ip(fields.get("device_internal_ip"))
    return host(text(fields.get("device_name")), text(fields.get("device_id")), platform, ip=own)


def alert_body(fields: Fields, time: int) -> dict[str, Any]:
    """Return the Detection Finding of an alert."""
    platform = platform_of(fields.get("device_os"))
    level = integer(fields.get("severity"))
    acting = process_at("process", fields, platform)
    who = text(first(fields, "process_username", "device_username"))
    user_ = someone(who, unix=platform in {LINUX, MACOS}) if who else None
    workflow = object_at(fields, "workflow")
    return common.alert_body(
        time,
        _info(fields),
        _SEVERITIES.get(level if level is not None else 0, 1),
        severity=level,
        state=first(workflow, "status", "state"),
        blocked=fields.get("sensor_action") in _BLOCKED,
        actor=common.actor(acting, user_),
        device=device_of(fields, platform),
        evidences=([{"process": acting}] if acting else []) + _connections(fields),
        start_time=timestamp(fields.get("first_event_timestamp")),
        end_time=timestamp(fields.get("last_event_timestamp")),
    )


def _connections(fields: Fields) -> list[dict[str, Any]]:
    local = endpoint(fields.get("netconn_local_ip"), fields.get("netconn_local_port"))
    remote = endpoint(
        fields.get("netconn_remote_ip"), fields.get("netconn_remote_port"), text(fields.get("netconn_remote_domain"))
    )
    return common.ends(local, remote) if remote else []


def _info(fields: Fields) -> dict[str, Any]:
    title = text(first(fields, "reason", "report_name", "rule_category_id", "type")) or "alert"
    url, kind = text(fields.get("alert_url")), text(fields.get("type"))
    return finding(
        title[:MAX_TITLE],
        text(first(fields, "id", "legacy_alert_id")) or title[:MAX_TITLE],
        rule_uid=text(first(fields, "report_id", "rule_id", "reason_code", "threat_id")),
        rule=text(first(fields, "report_name", "reason_code")),
        desc=text(fields.get("report_description")) or title,
        attack=attacks(fields.get("attack_technique"), ttps_of(fields), fields.get("attack_tactic")),
        created_time=timestamp(first(fields, "backend_timestamp", "create_time")),
        types=[kind] if kind else None,
        url=url,
    )


def audit_body(fields: Fields, time: int) -> dict[str, Any]:
    """Return the OCSF event of an entry in the audit log; all it says of what was done is a sentence."""
    sentence = text(fields.get("description")) or "unknown"
    lowered = sentence[:MAX_WORD].lower()
    class_uid, activity_id = next((kind for start, kind in _LISTED if start in lowered), _by_verb(lowered))
    subject = _SUBJECT.search(sentence[:MAX_TITLE])
    deed = Deed(
        class_uid,
        activity_id,
        sentence.partition(":")[0][:MAX_WORD],
        SERVICE,
        actor=user(text(fields.get("loginName"))),
        user=user(subject[1]) if subject and class_uid != AUTHENTICATION else None,
        source=endpoint(fields.get("clientIp")),
        entity=entity("configuration", text(fields.get("requestUrl"))),
        details=drop_none(http_request=request(None, None, None, fields.get("requestUrl")))
        if class_uid == API_ACTIVITY
        else {},
    )
    body = body_of(deed, time, 3 if fields.get("flagged") is True else 1)
    failed = class_uid == AUTHENTICATION and _FAILED.search(sentence[:MAX_TITLE]) is not None
    body.update(status(ok=not failed if class_uid == AUTHENTICATION else None))
    body["message"] = sentence
    return body


def _by_verb(lowered: str) -> tuple[int, int]:
    verb = verb_of(lowered.split(" ", 1)[0])
    return (API_ACTIVITY, verb) if verb in {2, OTHER} else (ENTITY_MANAGEMENT, verb)
