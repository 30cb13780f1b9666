"""SentinelOne's activities: what people and the service do in the management console, and what it reports.

Source: SentinelOne API documentation 2.1, "Activities" and "Activity types". There are hundreds of types, most of them
about the console's own affairs: those not listed here become API Activity with their number and their description.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION
from streams.sources.alerts import common
from streams.sources.base import drop_none, integer, text
from streams.sources.edr.sentinelone_alerts import severity_of_activity
from streams.sources.edr.shapes import host
from streams.sources.fields import lowered, object_at, timestamp
from streams.sources.objects import FAILURE, SUCCESS, attacks, endpoint, finding, user
from streams.sources.saas.deeds import Deed, body_of, resource
from streams.sources.saas.words import OTHER, first

Fields = Mapping[str, Any]

SERVICE: Final = "SentinelOne"
NAMES: Final = lowered(  # of an activity and of its `data`, for data lakes that write them in lower case
    "accountId accountName activityType activityUuid agentId agentUpdatedVersion createdAt groupId groupName "
    "primaryDescription secondaryDescription siteId siteName threatId updatedAt userId actorAlternateId agentIpv4 "
    "alertId computerName dataSourceName detectedAt dnsRequest dnsResponse dstIp dstPort externalIp fullScopeDetails "
    "ipAddress ruleDescription ruleId ruleName ruleScopeId ruleScopeLevel scopeId scopeLevel scopeName srcIp srcPort "
    "srcMachineIp srcProcName userName byUser threatClassification filePath fileContentHash systemUser osFamily"
)
LEVELS: Final = 2  # the activity and its `data`
_LISTED: Final[dict[int, tuple[int, int, bool | None]]] = {  # class, activity, whether it succeeded
    27: (AUTHENTICATION, 1, True),
    33: (AUTHENTICATION, 2, True),
    133: (AUTHENTICATION, 1, False),
    23: (ACCOUNT_CHANGE, 1, None),
    24: (ACCOUNT_CHANGE, OTHER, None),
    25: (ACCOUNT_CHANGE, 6, None),
    37: (ACCOUNT_CHANGE, OTHER, None),
}
_FINDINGS: Final = frozenset({18, 19, 3608, 4002, 4003})


def is_finding(fields: Fields) -> bool:
    """Tell an activity that reports a threat or an alert."""
    return integer(fields.get("activityType")) in _FINDINGS or "alertId" in object_at(fields, "data")


def body_of_activity(fields: Fields, time: int) -> dict[str, Any]:
    """Return the OCSF event of an activity that reports no finding."""
    data, number = object_at(fields, "data"), integer(fields.get("activityType"))
    class_uid, activity_id, ok = _LISTED.get(number if number is not None else -1, (API_ACTIVITY, OTHER, None))
    name = text(first(data, "username", "userName", "byUser"))
    acting = user(name, uid=text(fields.get("userId")))
    body = body_of(
        Deed(
            class_uid,
            activity_id,
            f"activity {number}",
            SERVICE,
            actor=acting,
            source=endpoint(first(data, "ipAddress", "ip_address", "sourceIp")),
            resources=resource("group", text(fields.get("groupName")), text(fields.get("groupId"))),
        ),
        time,
    )
    body.update(
        drop_none(message=text(fields.get("primaryDescription")), **({} if ok is None else SUCCESS if ok else FAILURE))
    )
    computer, agent = text(first(data, "computerName", "agentComputerName")), text(fields.get("agentId"))
    if computer or agent:
        body["device"] = host(computer, agent)
    return body


def finding_body(fields: Fields, time: int) -> dict[str, Any]:
    """Return the Detection Finding of an activity that reports a threat or an alert."""
    data = object_at(fields, "data")
    description = text(fields.get("primaryDescription"))
    title = text(first(data, "ruleName", "threatClassification", "fileDisplayName")) or description or "threat"
    severity, word = severity_of_activity(data.get("severity"))
    info = finding(
        title,
        text(first(data, "alertId")) or text(first(fields, "threatId", "id")) or title,
        rule_uid=text(data.get("ruleId")),
        rule=title,
        desc=text(data.get("ruleDescription")) or description,
        attack=attacks(title, text(data.get("ruleDescription"))),
        created_time=timestamp(first(data, "detectedAt")),
    )
    device = host(
        text(first(data, "computerName", "agentComputerName")),
        text(fields.get("agentId")),
        **(endpoint(data.get("agentIpv4")) or {}),
    )
    evidences = common.ends(
        endpoint(data.get("srcIp"), data.get("srcPort")), endpoint(data.get("dstIp"), data.get("dstPort"))
    )
    name = text(first(data, "username", "userName"))
    return common.alert_body(
        time,
        info,
        severity if word else 3,
        severity=word,
        actor=common.actor(None, user(name)),
        device=device,
        evidences=evidences,
    )
