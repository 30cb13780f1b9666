"""What the decoders of Wazuh find in logs (`data`, `syscheck`), as OCSF objects.

Source: Wazuh documentation, "Decoders syntax" (static and dynamic fields), and its decoders of Windows events, Linux
audit, AWS and file integrity monitoring. Names in Windows events begin with a small letter: `targetUserName`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from streams.sources import objects
from streams.sources.alerts import common
from streams.sources.base import text
from streams.sources.edr.shapes import file, hashes, pid, process, someone
from streams.sources.fields import object_at
from streams.sources.objects import connection, endpoint
from streams.sources.saas.words import first

Fields = Mapping[str, Any]

MAPPED: Final = frozenset(
    (
        "srcip",
        "srcport",
        "srcuser",
        "dstip",
        "dstport",
        "dstuser",
        "protocol",
        "win",
        "audit",
        "aws",
        "src_ip",
        "dest_ip",
    )
)


def _windows(told: Fields) -> Fields:
    return object_at(object_at(told, "win"), "eventdata")


def user_of(told: Fields, fields: Fields) -> dict[str, Any] | None:
    """Return the user an alert is about: the account that was used, else the one that acted."""
    windows = _windows(told)
    for role in ("target", "subject"):
        made: dict[str, Any] | None = someone(
            text(windows.get(f"{role}UserName")),
            text(first(windows, f"{role}UserSid", f"{role}Sid")),
            text(windows.get(f"{role}DomainName")),
        )
        if made:
            return made
    plain = text(windows.get("user"))
    if plain:
        found: dict[str, Any] | None = someone(plain)
        return found
    return _cloud_user(told) or _unix_user(told, fields)


def _unix_user(told: Fields, fields: Fields) -> dict[str, Any] | None:
    audit = object_at(told, "audit")
    changed = object_at(object_at(fields, "syscheck"), "audit")
    name = first(told, "dstuser", "srcuser", "user") or object_at(changed, "user").get("name")
    made: dict[str, Any] | None = someone(
        text(name), text(first(audit, "auid", "uid")) if name is None else None, unix=True
    )
    return made


def _cloud_user(told: Fields) -> dict[str, Any] | None:
    identity = object_at(object_at(told, "aws"), "userIdentity")
    arn = text(identity.get("arn"))
    return objects.user(
        text(identity.get("userName")), uid=arn, uid_alt=arn, credential_uid=text(identity.get("accessKeyId"))
    )


def session_of(told: Fields) -> dict[str, Any] | None:
    """Return the Windows logon session."""
    uid = text(first(_windows(told), "targetLogonId", "subjectLogonId", "logonId"))
    return {"uid": uid.lower()} if uid else None


def cloud_of(told: Fields) -> dict[str, Any] | None:
    """Return the cloud account of an alert about AWS."""
    aws = object_at(told, "aws")
    account = text(first(aws, "aws_account_id", "recipientAccountId", "accountId"))
    return objects.cloud("AWS", account, text(first(aws, "awsRegion", "region"))) if account else None


def process_of(told: Fields, fields: Fields) -> dict[str, Any] | None:
    """Return the process of a Windows event, of Linux audit, or that changed a watched file."""
    windows, audit = _windows(told), object_at(told, "audit")
    changed = object_at(object_at(object_at(fields, "syscheck"), "audit"), "process")
    number = first(windows, "newProcessId", "processId") or first(audit, "pid") or changed.get("id")
    path = first(windows, "newProcessName", "image", "processName") or first(audit, "exe") or changed.get("name")
    parent = process(
        pid(windows.get("parentProcessId")), None, text(first(windows, "parentImage", "parentProcessName"))
    )
    return process(
        pid(number),
        text(windows.get("processGuid")),
        text(path),
        cmd_line=text(first(windows, "commandLine")) or text(audit.get("command")),
        parent_process=parent,
        user=user_of(told, fields),
    )


def evidences_of(told: Fields, fields: Fields, acting: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return what an alert shows: process, file, connection."""
    found: list[dict[str, Any]] = [{"process": acting}] if acting else []
    watched = object_at(fields, "syscheck")
    digests = hashes(*(watched.get(f"{name}_after") for name in ("sha256", "sha1", "md5")))
    path = text(first(watched, "path")) or text(_windows(told).get("targetFilename"))
    if path:
        found.append({"file": file(path, digests)})
    windows, aws = _windows(told), object_at(told, "aws")
    source = endpoint(
        first(told, "srcip", "src_ip") or first(windows, "ipAddress", "sourceIp") or aws.get("sourceIPAddress"),
        first(told, "srcport", "src_port") or first(windows, "ipPort", "sourcePort"),
        text(first(windows, "workstationName", "sourceHostname")),
    )
    target = endpoint(
        first(told, "dstip", "dest_ip") or windows.get("destinationIp"),
        first(told, "dstport", "dest_port") or windows.get("destinationPort"),
        text(windows.get("destinationHostname")),
    )
    info = connection(text(first(told, "protocol", "proto")))
    return found + common.ends(source, target, connection_info=info)
