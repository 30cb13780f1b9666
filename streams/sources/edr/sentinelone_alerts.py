"""SentinelOne's findings: threats, alerts of custom rules, and the indicators that agents put in their telemetry.

Source: SentinelOne API documentation 2.1, "Threats" and "Alerts", and "Cloud Funnel 2.0".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from streams.sources.alerts import common
from streams.sources.base import drop_none, ip, text
from streams.sources.edr.sentinelone_telemetry import SOURCE, process_at, word_of
from streams.sources.edr.shapes import file, hashes, host, pid, platform_of, process, someone
from streams.sources.fields import object_at, objects_at, timestamp
from streams.sources.objects import attacks, endpoint, finding, severity_id
from streams.sources.saas.words import first

Fields = Mapping[str, Any]

INDICATORS: Final = frozenset({"behavioralindicators", "preexecutiondetection", "threatintelligenceindicators"})
_CONFIDENCE: Final = {"malicious": (4, 90), "suspicious": (3, 60)}  # severity and score
_MITIGATED: Final = ("mitigated", "blocked")  # tuples, which take values of any type
_CATEGORIES: Final = ("indicators", "threat_intelligence_indicator")
_PREFIX: Final = "E_"


def is_threat(value: Fields) -> bool:
    """Tell a threat of the API."""
    return isinstance(value.get("threatInfo"), dict)


def is_alert(value: Fields) -> bool:
    """Tell an alert of a custom rule."""
    return isinstance(value.get("alertInfo"), dict) and isinstance(value.get("ruleInfo"), dict)


def is_indicator(value: Fields) -> bool:
    """Tell an agent's event that is a finding."""
    return word_of(value) in INDICATORS or value.get("event.category") in _CATEGORIES


def _device(fields: Fields) -> dict[str, Any]:
    now, then = object_at(fields, "agentRealtimeInfo"), object_at(fields, "agentDetectionInfo")
    name = text(first(now, "agentComputerName", "name")) or text(first(then, "agentComputerName", "name"))
    uid = text(first(now, "agentUuid", "uuid")) or text(first(then, "agentUuid", "uuid"))
    system = first(now, "agentOsType", "os", "agentOsName") or first(then, "osFamily", "agentOsName", "osName")
    domain = text(first(now, "agentDomain")) or text(then.get("agentDomain"))
    return host(
        name, uid, platform_of(system), domain=domain, ip=ip(then.get("agentIpV4")), container=_container(fields)
    )


def _container(fields: Fields) -> dict[str, Any] | None:
    told, image = object_at(fields, "containerInfo"), text(object_at(fields, "containerInfo").get("image"))
    uid, name = text(told.get("id")), text(told.get("name"))
    return (
        drop_none(uid=uid, name=name, image={"uid": image, "name": image} if image else None) if uid or name else None
    )


def _pods(fields: Fields) -> list[dict[str, Any]]:
    told = object_at(fields, "kubernetesInfo")
    name = text(told.get("pod"))
    return [drop_none(name=name, type="Pod", namespace=text(told.get("namespace")))] if name else []


def threat_body(fields: Fields, time: int) -> dict[str, Any]:
    """Return the Detection Finding of a threat."""
    told = object_at(fields, "threatInfo")
    user = someone(text(told.get("processUser")))
    digests = hashes(told.get("sha256"), told.get("md5"), told.get("sha1"))
    suspect = file(text(told.get("filePath")) or text(told.get("threatName")), digests)
    severity, score = _CONFIDENCE.get(str(told.get("confidenceLevel")), (3, None))
    state = text(told.get("incidentStatus"))
    evidence = drop_none(file=suspect, process=_originator(told, user))
    return common.alert_body(
        time,
        _threat_info(fields, told),
        severity,
        severity=text(told.get("confidenceLevel")),
        state=state,
        blocked=told.get("mitigationStatus") in _MITIGATED,
        actor=common.actor(_originator(told, user), user),
        device=_device(fields),
        resources=_pods(fields),
        evidences=[evidence] if evidence else [],
        confidence_score=score,
        status_detail=text(told.get("mitigationStatus")),
    )


def _originator(told: Fields, user: dict[str, Any] | None) -> dict[str, Any] | None:
    number, uid = pid(told.get("originatorProcessPid")), text(told.get("originatorProcessUid"))
    arguments = text(told.get("maliciousProcessArguments"))
    return process(number, uid, text(told.get("originatorProcess")), cmd_line=arguments, user=user)


def _threat_info(fields: Fields, told: Fields) -> dict[str, Any]:
    indicators = objects_at(fields, "indicators")
    tactics = [tactic for item in indicators for tactic in objects_at(item, "tactics")]
    techniques = [text(item.get("name")) for tactic in tactics for item in objects_at(tactic, "techniques")]
    kind = text(told.get("classification"))
    return finding(
        text(told.get("threatName")) or kind or "threat",
        text(first(told, "threatId")) or text(fields.get("id")) or "threat",
        rule_uid=kind,
        rule=kind,
        desc="; ".join(line for line in (text(item.get("description")) for item in indicators) if line) or None,
        attack=attacks(techniques, [text(tactic.get("name")) for tactic in tactics]),
        created_time=timestamp(told.get("createdAt")),
        types=[kind] if kind else None,
    )


def _told_process(fields: Fields, name: str, user: dict[str, Any] | None = None, **more: Any) -> dict[str, Any] | None:
    told = object_at(fields, name)
    return process(
        pid(told.get("pid")),
        text(told.get("uniqueId")),
        text(told.get("filePath")),
        digests=hashes(told.get("fileHashSha256"), told.get("fileHashMd5"), told.get("fileHashSha1")),
        name=text(told.get("name")),
        cmd_line=text(told.get("commandline")),
        user=user or someone(text(told.get("user"))),
        **more,
    )


def alert_body(fields: Fields, time: int) -> dict[str, Any]:
    """Return the Detection Finding of a custom rule's alert."""
    told, rule = object_at(fields, "alertInfo"), object_at(fields, "ruleInfo")
    source = _told_process(fields, "sourceProcessInfo", parent_process=_told_process(fields, "sourceParentProcessInfo"))
    user = someone(
        text(told.get("loginsUserName")), text(told.get("loginAccountSid")), text(told.get("loginAccountDomain"))
    )
    title, word = text(rule.get("name")) or "Alert", text(rule.get("severity"))
    target = file(text(object_at(fields, "targetProcessInfo").get("tgtFilePath")))
    evidence = drop_none(process=source, file=target)
    query = text(told.get("dnsRequest"))
    found = ([evidence] if evidence else []) + ([{"query": {"hostname": query}}] if query else [])
    found += common.ends(
        endpoint(told.get("srcIp"), told.get("srcPort")), endpoint(told.get("dstIp"), told.get("dstPort"))
    )
    info = finding(
        title,
        text(told.get("alertId")) or title,
        rule_uid=text(rule.get("id")),
        rule=title,
        desc=text(rule.get("description")),
        attack=attacks(title, text(rule.get("description"))),
        created_time=timestamp(told.get("createdAt")),
        types=[kind] if (kind := text(told.get("eventType"))) else None,
    )
    return common.alert_body(
        time,
        info,
        severity_id(word),
        severity=word,
        state=told.get("incidentStatus"),
        actor=common.actor(source, user or (source or {}).get("user")),
        device=_device(fields),
        resources=_pods(fields),
        evidences=found,
    )


def about_of(fields: Fields) -> str:
    """Return the domain of an alert: what kind of event its rule looked at."""
    kind = str(object_at(fields, "alertInfo").get("eventType")).upper()
    if "LOGIN" in kind or "LOGON" in kind:
        return common.IDENTITY
    return common.NETWORK if kind in {"TCPV4", "TCPV6", "DNS", "URL"} else common.WORKLOAD


def indicator_body(fields: Fields, time: int, device: dict[str, Any], platform: str) -> dict[str, Any]:
    """Return the Detection Finding of an indicator in an agent's telemetry: weak by itself, so of no severity."""
    name = text(first(fields, "indicator.name", "tiIndicator.name", "tiIndicator.value", "event.type")) or "indicator"
    source = process_at(SOURCE, fields, platform)
    kind = text(first(fields, "indicator.category", "tiIndicator.type", "event.type"))
    description = text(first(fields, "indicator.description", "tiIndicator.description"))
    info = finding(
        name,
        text(fields.get("event.id")) or name,
        desc=description,
        attack=attacks(
            text(fields.get("indicator.metadata")), description, text(fields.get("tiIndicator.mitreTactics"))
        ),
        types=[kind] if kind else None,
    )
    intelligence = "tiIndicator.value" in fields or "tiIndicator.name" in fields
    return common.alert_body(
        time,
        info,
        3 if intelligence else 1,
        actor=common.actor(source, (source or {}).get("user")),
        device=device,
        evidences=[{"process": source}] if source else [],
    )


def severity_of_activity(word: Any) -> tuple[int, str | None]:
    """Return the OCSF severity for a word such as `E_CRITICAL`, and the word."""
    plain = word.removeprefix(_PREFIX) if isinstance(word, str) else None
    return severity_id(plain), text(word)
