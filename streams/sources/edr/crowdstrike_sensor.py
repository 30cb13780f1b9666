"""What the Falcon sensor tells, as drafts.

Source: CrowdStrike Falcon documentation, "Events Data Dictionary" and "Falcon Data Replicator". Every value is text.
The sensor numbers processes by itself (`TargetProcessId`, `ContextProcessId`); the system's number is `RawProcessId`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from models.ocsf_classes import ACCOUNT_CHANGE
from streams.sources.base import drop_none, integer, ip, text
from streams.sources.edr import crowdstrike_events as kinds
from streams.sources.edr import drafts, drafts_system, native
from streams.sources.edr.drafts import IN, OUT, Draft, Process
from streams.sources.edr.shapes import OTHER, WINDOWS, base_name, hashes, integrity, pid, process, someone
from streams.sources.fields import MAX_LISTED, timestamp
from streams.sources.objects import FAILURE, SUCCESS, endpoint
from streams.sources.saas.words import first, request

Fields = Mapping[str, Any]

LOG_NAME: Final = "Falcon sensor"
MAX_WORD: Final = 128
_INTEGRITY: Final = {
    "0": "Untrusted",
    "4096": "Low",
    "8192": "Medium",
    "8448": "Medium",
    "12288": "High",
    "16384": "System",
    "20480": "Protected",
}
_DIRECTIONS: Final = {"0": OUT, "1": IN}
_LOGON_TYPES: Final = {"0": 1, **{str(number): number for number in (2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13)}}
_AUTH_PROTOCOLS: Final = {"ntlm": 1, "kerberos": 2}
_RECORD_TYPES: Final = {
    "1": "A",
    "2": "NS",
    "5": "CNAME",
    "12": "PTR",
    "15": "MX",
    "16": "TXT",
    "28": "AAAA",
    "33": "SRV",
}
_KEY_OPERATIONS: Final = {"3": drafts_system.KEY_CREATE, "4": drafts_system.KEY_DELETE, "7": drafts_system.KEY_RENAME}
_VALUE_DELETED: Final = "2"
_DWORD: Final = "4"
_POWERSHELL_HOSTS: Final = ("powershell", "pwsh")


def draft_of(name: str, fields: Fields, device: dict[str, Any], platform: str) -> Draft:
    """Return the draft of a sensor event; one without what its class requires is merely noted."""
    kind, activity_id = kinds.kind_of(name[:MAX_WORD])
    build = _BUILDERS.get(kind)
    made = build(fields, activity_id, device, platform) if build else None
    return made or drafts.noted(LOG_NAME, context_of(fields, platform))


def _user(fields: Fields, platform: str, sid: str = "UserSid") -> dict[str, Any] | None:
    unix = platform not in {WINDOWS, ""}
    uid = text(first(fields, sid, "UID", "RUID")) if unix else text(first(fields, sid, "UserSid_readable"))
    found: dict[str, Any] | None = someone(
        text(fields.get("UserName")), uid, text(fields.get("LogonDomain")), unix=unix
    )
    return found


def _session(fields: Fields) -> dict[str, Any] | None:
    """Return the logon session: the LUID in hex, as Windows' own logs have it."""
    number = integer(fields.get("AuthenticationId"))
    return {"uid": hex(number)} if number is not None and number > 0 else None


def _digests(fields: Fields) -> list[dict[str, Any]]:
    return hashes(fields.get("SHA256HashData"), fields.get("MD5HashData"), fields.get("SHA1HashData"))


def context_of(fields: Fields, platform: str) -> Process:
    """Return the process in whose context something happened."""
    uid = text(first(fields, "ContextProcessId", "TargetProcessId", "SourceProcessId"))
    if uid is None:
        return None
    path = text(first(fields, "ContextImageFileName", "ContextBaseFileName"))
    if path is None and "ContextProcessId" not in fields:
        path = text(fields.get("ImageFileName"))
    user = _user(fields, platform, "UserSid" if "UserSid" in fields else "FileOperatorSid")
    return process(None, uid, path, user=user, session=_session(fields))


def _process(fields: Fields, platform: str) -> Process:
    parent_name = text(fields.get("ParentBaseFileName"))
    parent = process(None, text(fields.get("ParentProcessId")), parent_name)
    return process(
        pid(fields.get("RawProcessId")),
        text(fields.get("TargetProcessId")),
        text(fields.get("ImageFileName")),
        digests=_digests(fields),
        cmd_line=text(fields.get("CommandLine")),
        user=_user(fields, platform),
        session=_session(fields),
        created_time=timestamp(fields.get("ProcessStartTime")),
        working_directory=text(fields.get("WorkingDirectory")),
        parent_process=parent,
        **integrity(_INTEGRITY.get(str(fields.get("IntegrityLevel")))),
    )


def _launched(fields: Fields, activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    made = drafts.launched(_process(fields, platform), activity_id)
    if made is None:  # OCSF takes no process without a number; rules still ask for its program and its command
        told = drop_none(
            Image=native.windows_path(text(fields.get("ImageFileName")) or "") or None,
            CommandLine=text(fields.get("CommandLine")),
        )
        made = replace(drafts.noted(LOG_NAME), native=told, categories=("process_creation",))
    return made


def _ended(fields: Fields, _activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    made = drafts.ended(_process(fields, platform))
    code = integer(fields.get("ExitCode"))
    if made and code is not None:
        made.attributes["exit_code"] = code
    return made


def _injected(fields: Fields, activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    target = process(
        pid(fields.get("RawProcessId")), text(fields.get("TargetProcessId")), text(fields.get("TargetImageFileName"))
    )
    is_thread = "TargetThreadId" in fields and activity_id == drafts.INJECT
    return drafts.reached_into(context_of(fields, platform), target, activity_id, thread=is_thread)


def _touched(fields: Fields, activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    folder = "DirectoryCreate" in (fields.get("event_simpleName"), fields.get("fdr_event_type"))
    return drafts.touched(
        text(first(fields, "TargetFileName", "TargetDirectoryName")),
        activity_id,
        context_of(fields, platform),
        digests=hashes(fields.get("SHA256HashData"), fields.get("TargetSHA256HashData"), fields.get("MD5HashData")),
        type_id=drafts.FOLDER if folder else 1,
        renamed_from=text(fields.get("SourceFileName")),
    )


def _local(fields: Fields) -> dict[str, Any] | None:
    return endpoint(first(fields, "LocalAddressIP4", "LocalAddressIP6", "LocalAddress"), fields.get("LocalPort"))


def _remote(fields: Fields) -> dict[str, Any] | None:
    return endpoint(first(fields, "RemoteAddressIP4", "RemoteAddressIP6", "RemoteAddress"), fields.get("RemotePort"))


def _connected(fields: Fields, activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    word = str(fields.get("event_simpleName", ""))
    direction = IN if "Accept" in word else _DIRECTIONS.get(str(fields.get("ConnectionDirection")), 0)
    actor = context_of(fields, platform)
    return drafts.connected(
        _local(fields), _remote(fields), text(fields.get("Protocol")), direction, actor, activity_id
    )


def _listening(fields: Fields, activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    actor = context_of(fields, platform)
    return drafts.connected(None, _local(fields), text(fields.get("Protocol")), 0, actor, activity_id)


def _resolved(fields: Fields, _activity_id: int, device: dict[str, Any], platform: str) -> Draft | None:
    listed = (text(fields.get(name)) for name in ("CNAMERecords", "IP4Records", "IP6Records"))
    answers = [item.strip() for records in listed if records for item in records.split(";", MAX_LISTED)]
    kind = text(fields.get("RequestType"))
    return drafts.resolved(
        text(fields.get("DomainName")),
        [answer for answer in answers if answer][:MAX_LISTED] or _first_answer(fields),
        context_of(fields, platform),
        device,
        server=endpoint(fields.get("RespondingDnsServer"), 53),
        record_type=_RECORD_TYPES.get(kind or "", kind),
    )


def _first_answer(fields: Fields) -> list[str]:
    address = ip(first(fields, "FirstIP4Record", "FirstIP6Record"))
    return [address] if address else []


def _requested(fields: Fields, _activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    url, method = text(first(fields, "HttpUrl", "HttpPath")), text(fields.get("HttpMethod"))
    made = request(fields.get("UserAgentString"), None, method, url)
    if not made:
        return None
    activity = {"GET": 3, "POST": 6, "PUT": 7, "DELETE": 2, "HEAD": 4}.get((method or "").upper()[:8], OTHER)
    return drafts.requested(made, activity, _local(fields), _remote(fields), context_of(fields, platform))


def _signed_on(fields: Fields, activity_id: int, device: dict[str, Any], platform: str) -> Draft | None:
    failed = str(fields.get("event_simpleName", fields.get("fdr_event_type"))).startswith("UserLogonFailed")
    package = text(fields.get("AuthenticationPackage")) or ""
    client = text(fields.get("ClientComputerName"))
    logon_type = str(fields.get("LogonType"))
    return drafts.signed_on(
        _user(fields, platform),
        activity_id,
        device,
        source=endpoint(
            first(fields, "RemoteAddressIP4", "RemoteAddressIP6", "RemoteIP", "RemoteIP4"),
            fields.get("RemotePort"),
            client,
        ),
        session=_session(fields),
        actor=process(None, text(fields.get("ContextProcessId")), text(fields.get("ContextBaseFileName"))),
        logon_type_id=_LOGON_TYPES.get(logon_type),
        is_remote=True if logon_type == "10" else None,  # RemoteInteractive
        auth_protocol_id=_AUTH_PROTOCOLS.get(package.lower(), OTHER) if package else None,
        auth_protocol=package or None,
        status=FAILURE if failed else SUCCESS,
        status_code=text(first(fields, "SubStatus", "Status")) if failed else None,
    )


def _account(fields: Fields, activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    user = _user(fields, platform)
    if user is None:
        return None
    actor = someone(text(fields.get("SubjectUserName")), text(fields.get("SubjectUserSid")), unix=platform != WINDOWS)
    attributes = drop_none(user=user, actor={"user": actor} if actor else None)
    return Draft(ACCOUNT_CHANGE, activity_id, attributes, profiles=drafts.HOST)


def _key(fields: Fields, activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    operation = _KEY_OPERATIONS.get(str(fields.get("RegOperationType")), activity_id)
    return drafts_system.key_changed(text(fields.get("RegObjectName")), operation, context_of(fields, platform))


def _value(fields: Fields, activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    deleted = str(fields.get("RegOperationType")) == _VALUE_DELETED
    return drafts_system.value_changed(
        text(fields.get("RegObjectName")),
        text(fields.get("RegValueName")),
        _data(fields),
        drafts_system.VALUE_DELETE if deleted else activity_id,
        context_of(fields, platform),
    )


def _data(fields: Fields) -> str | None:
    number = integer(fields.get("RegNumericValue"))
    if number is not None and str(fields.get("RegType")) == _DWORD:
        return f"DWORD (0x{number & 0xFFFFFFFF:08x})"  # as Sysmon writes it
    return text(first(fields, "RegStringValue", "RegNumericValue", "RegBinaryValue"))


def _module(fields: Fields, _activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    uid = text(first(fields, "ContextProcessId", "TargetProcessId"))
    path = text(first(fields, "ContextImageFileName", "TargetImageFileName"))
    actor = process(None, uid, path, user=_user(fields, platform))
    return drafts.loaded(text(fields.get("ImageFileName")), actor, _digests(fields))


def _driver(fields: Fields, _activity_id: int, _device: dict[str, Any], _platform: str) -> Draft | None:
    actor = process(None, text(fields.get("ContextProcessId")), None)
    return drafts.driver_loaded(text(fields.get("ImageFileName")), _digests(fields), actor)


def _script(fields: Fields, _activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    content = text(first(fields, "ScriptContent", "CommandHistory", "ScriptContentName"))
    hosted = base_name(
        text(first(fields, "HostProcessType", "ContextBaseFileName", "ImageFileName", "ApplicationName")) or ""
    )
    is_powershell = platform == WINDOWS and hosted.lower().startswith(_POWERSHELL_HOSTS)
    type_id = drafts_system.POWERSHELL if is_powershell or "ScriptContent" in fields else OTHER
    name = text(fields.get("ScriptContentName"))
    return drafts_system.script(
        content, type_id, context_of(fields, platform), name, hashes(fields.get("ContentSHA256HashData"))
    )


def _service(fields: Fields, activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    return drafts_system.service(
        text(first(fields, "ServiceName", "ServiceDisplayName")),
        activity_id,
        text(first(fields, "ServiceImagePath", "ImageFileName", "CommandLine")),
        context_of(fields, platform),
        text(fields.get("ServiceObjectName")),
    )


def _task(fields: Fields, activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    program, arguments = text(fields.get("TaskExecCommand")), text(fields.get("TaskExecArguments"))
    command = f"{program} {arguments}" if program and arguments else program
    return drafts_system.scheduled(
        text(fields.get("TaskName")),
        activity_id,
        command,
        context_of(fields, platform),
        native.windows_path(program or ""),
    )


def _pipe(fields: Fields, activity_id: int, _device: dict[str, Any], platform: str) -> Draft | None:
    name = text(first(fields, "PipeName", "TargetFileName"))
    return drafts.piped(name, context_of(fields, platform), created=activity_id == drafts.CREATE)


_Build = Callable[[Fields, int, dict[str, Any], str], Draft | None]
_BUILDERS: Final[Mapping[int, _Build]] = {
    kinds.PROCESS: _launched,
    kinds.PROCESS_END: _ended,
    kinds.INJECTION: _injected,
    kinds.FILE: _touched,
    kinds.NETWORK: _connected,
    kinds.LISTEN: _listening,
    kinds.DNS: _resolved,
    kinds.HTTP: _requested,
    kinds.LOGON: _signed_on,
    kinds.ACCOUNT: _account,
    kinds.KEY: _key,
    kinds.VALUE: _value,
    kinds.MODULE: _module,
    kinds.DRIVER: _driver,
    kinds.SCRIPT: _script,
    kinds.SERVICE: _service,
    kinds.TASK: _task,
    kinds.PIPE: _pipe,
}
