"""Falcon's detections: Event Streams' `...DetectionSummaryEvent`s, and alerts as the Alerts API v2 returns them.

Source: CrowdStrike Falcon documentation, "Streaming API Event Dictionary" and "Alerts API". The two name the same
things differently (`CompositeId`, `composite_id`); each fact is looked for under all of its names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from streams.sources.alerts import common
from streams.sources.base import drop_none, integer, text
from streams.sources.edr.shapes import base_name, hashes, host, pid, platform_of, process, someone
from streams.sources.fields import object_at, objects_at, timestamp
from streams.sources.objects import SEVERITY_IDS, attacks, connection, endpoint, finding
from streams.sources.saas.words import first

Fields = Mapping[str, Any]

IN: Final = 1
MAX_LEVEL: Final = 5  # older summaries count severity from 1 to 5, everything newer to 100
_OLDER: Final = frozenset({"DetectName", "DetectId"})
_SCORES: Final = ((80, 5), (60, 4), (40, 3), (20, 2))
_IDENTITY_MARKS: Final = ("idp", "identity")
MAPPED: Final = frozenset(
    (
        *("ComputerName", "Hostname", "HostName", "SensorId", "AgentId", "agent_id", "device", "LocalIP", "MACAddress"),
        *(
            "UserName",
            "user_name",
            "LogonDomain",
            "logon_domain",
            "UserId",
            "user_id",
            "user_principal",
            "MachineDomain",
        ),
        *("FileName", "FilePath", "filename", "filepath", "CommandLine", "cmdline", "SHA256String", "MD5String"),
        *("SHA1String", "sha256", "md5", "sha1", "ProcessId", "process_id", "local_process_id", "ParentProcessId"),
        *("parent_details", "ParentImageFileName", "ParentImageFilePath", "ParentCommandLine", "parent_process_id"),
        *("Name", "DetectName", "display_name", "name", "Description", "DetectDescription", "description"),
        *("CompositeId", "DetectId", "composite_id", "PatternId", "pattern_id", "FalconHostLink", "falcon_host_link"),
        *("Severity", "SeverityName", "severity", "severity_name", "Tactic", "Technique", "tactic", "technique"),
        *("technique_id", "tactic_id", "MitreAttack", "mitre_attack", "confidence", "status", "NetworkAccesses"),
        *("network_accesses", "Type", "type", "product", "ProcessStartTime", "process_start_time", "AggregateId"),
    )
)


def is_about(name: str, fields: Fields) -> str:
    """Return the domain of a detection."""
    marks = f"{name} {text(fields.get('product'))} {text(fields.get('SourceProducts'))}".lower()
    named = any(mark in marks for mark in _IDENTITY_MARKS)
    return common.IDENTITY if named or fields.get("data_domains") == ["Identity"] else common.WORKLOAD


def severity(fields: Fields) -> tuple[int, Any]:
    """Return the OCSF severity, and Falcon's own word or number for it."""
    word = text(first(fields, "SeverityName", "severity_name"))
    if word and word.lower() in SEVERITY_IDS:
        return SEVERITY_IDS[word.lower()], word
    number = integer(first(fields, "Severity", "severity"))
    if number is None or number <= 0:
        return 1, word or number
    by_score = next((severity_id for least, severity_id in _SCORES if number >= least), 1)
    older = number <= MAX_LEVEL and not _OLDER.isdisjoint(fields)
    return (number if older else by_score), number


def device_of(fields: Fields, tenant_host: str | None = None) -> dict[str, Any]:
    """Return the host a detection is about, with its own address."""
    about = object_at(fields, "device")
    name = text(first(fields, "ComputerName", "Hostname", "HostName", "hostname", "SourceEndpointHostName")) or text(
        first(fields, "source_endpoint_host_name")
    )
    address = first(fields, "LocalIP", "LocalIPv4", "SourceEndpointIpAddress", "source_endpoint_ip_address")
    found = endpoint(about.get("local_ip", address)) or {}
    return host(
        name or text(about.get("hostname")) or tenant_host,
        text(first(fields, "SensorId", "AgentId", "AgentIdString", "agent_id", "aid")) or text(about.get("device_id")),
        platform_of(first(fields, "PlatformName", "platform", "event_platform") or about.get("platform_name")),
        domain=text(fields.get("MachineDomain")) or text(about.get("machine_domain")),
        **found,
    )


def user_of(fields: Fields) -> dict[str, Any] | None:
    """Return the user a detection is about."""
    found: dict[str, Any] | None = someone(
        text(first(fields, "UserName", "user_name", "source_account_upn", "SourceAccountUpn", "SourceAccountName"))
        or text(fields.get("source_account_name")),
        text(first(fields, "UserId", "user_id", "UserSid", "source_account_object_sid", "SourceAccountObjectSid")),
        text(first(fields, "LogonDomain", "logon_domain", "source_account_domain", "SourceAccountDomain")),
    )
    return found


def _path(fields: Fields) -> str | None:
    """Return the path of the program; older summaries have its folder in `FilePath`."""
    path, name = text(first(fields, "FilePath", "filepath")), text(first(fields, "FileName", "filename"))
    if not path or not name or base_name(path).lower() == name.lower():
        return path or name
    separator = "/" if "/" in path else "\\"
    return f"{path.rstrip(separator)}{separator}{name}"


def process_of(fields: Fields, user: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the process that triggered a detection, with its parent."""
    parent = object_at(fields, "parent_details")
    return process(
        pid(fields.get("local_process_id")),
        text(first(fields, "ProcessId", "process_id", "TargetProcessId")),
        _path(fields),
        digests=hashes(*(first(fields, f"{name}String", name.lower()) for name in ("SHA256", "MD5", "SHA1"))),
        cmd_line=text(first(fields, "CommandLine", "cmdline")),
        user=user,
        created_time=timestamp(first(fields, "ProcessStartTime", "process_start_time")),
        parent_process=process(
            pid(parent.get("local_process_id")),
            text(first(fields, "ParentProcessId", "parent_process_id")),
            text(first(fields, "ParentImageFilePath", "ParentImageFileName")) or text(parent.get("filepath")),
            cmd_line=text(fields.get("ParentCommandLine")) or text(parent.get("cmdline")),
        ),
    )


def _info(name: str, fields: Fields, uid: str) -> dict[str, Any]:
    title = (
        text(first(fields, "Name", "DetectName", "display_name", "name", "IncidentDescription", "PatternName")) or name
    )
    pattern = text(first(fields, "PatternId", "pattern_id"))
    listed = objects_at(fields, "MitreAttack") + objects_at(fields, "mitre_attack")
    techniques = [item.get(key) for item in listed for key in ("TechniqueID", "technique_id")]
    tactics = [item.get(key) for item in listed for key in ("Tactic", "tactic")]
    own = (first(fields, "technique_id", "TechniqueId"), first(fields, "Technique", "technique"))
    kind = text(first(fields, "Type", "type"))
    return finding(
        title,
        uid,
        rule_uid=pattern,
        rule=text(first(fields, "IOARuleName", "name", "Name")) or title,
        desc=text(first(fields, "Description", "DetectDescription", "description")),
        attack=attacks(*own, techniques, first(fields, "Tactic", "tactic"), tactics),
        created_time=timestamp(first(fields, "created_timestamp", "ProcessStartTime")),
        types=[kind] if kind else None,
        url=text(first(fields, "FalconHostLink", "falcon_host_link")),
    )


def _evidences(fields: Fields) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for access in objects_at(fields, "NetworkAccesses") + objects_at(fields, "network_accesses"):
        local = endpoint(first(access, "LocalAddress", "local_address"), first(access, "LocalPort", "local_port"))
        remote = endpoint(first(access, "RemoteAddress", "remote_address"), first(access, "RemotePort", "remote_port"))
        incoming = str(first(access, "ConnectionDirection", "connection_direction")) == "1"
        info = connection(text(first(access, "Protocol", "protocol")), IN if incoming else 2)
        found += common.ends(*((remote, local) if incoming else (local, remote)), connection_info=info)
    queries = (text(first(item, "DomainName", "domain_name")) for item in objects_at(fields, "DnsRequests"))
    found += [{"query": {"hostname": query}} for query in queries if query]
    target = endpoint(
        first(fields, "target_endpoint_ip_address", "TargetEndpointIpAddress"),
        None,
        text(first(fields, "target_endpoint_host_name", "TargetEndpointHostName")),
    )
    source = endpoint(first(fields, "source_endpoint_ip_address", "SourceEndpointIpAddress"))
    return found + common.ends(source, target)


def body_of(name: str, fields: Fields, uid: str, time: int, tenant_host: str | None = None) -> dict[str, Any]:
    """Return the Detection Finding of a detection.

    Args:
        name: Kind of the record, such as `EppDetectionSummaryEvent`.
        fields: What is told, of an Event Streams record its `event`.
        uid: Id of the detection.
        time: Event time in ms.
        tenant_host: Name of the host where the detection itself does not have it.
    """
    severity_id, word = severity(fields)
    user = user_of(fields)
    triggering = process_of(fields, user)
    disposition = text(first(fields, "PatternDispositionDescription", "pattern_disposition_description"))
    score = integer(fields.get("confidence"))
    path = _path(fields)
    evidence = [{"process": triggering}] if triggering else []
    if triggering is None and path:
        evidence = [{"file": {"name": base_name(path), "path": path, "type_id": 1}}]
    return common.alert_body(
        time,
        _info(name, fields, uid),
        severity_id,
        severity=word,
        state=first(fields, "status", "Status"),
        blocked=disposition is not None and disposition.startswith("Prevention"),
        actor=common.actor(triggering, user),
        device=device_of(fields, tenant_host),
        evidences=evidence + _evidences(fields),
        confidence_score=score if score is not None and score >= 0 else None,
        start_time=timestamp(first(fields, "ProcessStartTime", "start_time", "StartTime")),
        status_detail=disposition,
    )


def leftover_ids(fields: Fields) -> dict[str, Any]:
    """Return the metadata that ties a detection to others of the same attack."""
    return drop_none(correlation_uid=text(first(fields, "AggregateId", "aggregate_id", "IncidentId")))
