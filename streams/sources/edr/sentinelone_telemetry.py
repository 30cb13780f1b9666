"""What SentinelOne's agents tell (Deep Visibility, Cloud Funnel 2.0), as drafts.

Source: SentinelOne documentation, "Cloud Funnel 2.0" and "Deep Visibility Schema". Records are flat with dotted names:
`src.process.*` is who did it, `tgt.*` what it was done to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from streams.sources.base import drop_none, integer, text
from streams.sources.edr import drafts, drafts_system
from streams.sources.edr.drafts import IN, OUT, Draft, Process
from streams.sources.edr.shapes import LINUX, MACOS, OTHER, hashes, integrity, pid, process, someone
from streams.sources.fields import MAX_LISTED, timestamp
from streams.sources.objects import FAILURE, SUCCESS, endpoint
from streams.sources.saas.words import first, request

Fields = Mapping[str, Any]

LOG_NAME: Final = "SentinelOne agent"
CONTAINER_ID: Final = "k8sCluster.containerId"
SOURCE, TARGET, PARENT = "src.process", "tgt.process", "src.process.parent"
_NAMES: Final = {
    prefix: tuple(
        f"{prefix}.{name}"
        for name in (
            *("pid", "uid", "image.path", "cmdline", "user", "startTime", "integrityLevel"),
            *("image.sha256", "image.md5", "image.sha1", "name"),
        )
    )
    for prefix in (SOURCE, TARGET, PARENT)
}
_UNIX: Final = frozenset({LINUX, MACOS})
_LOGON_TYPES: Final = {
    "SYSTEM": 1,
    "INTERACTIVE": 2,
    "NETWORK": 3,
    "BATCH": 4,
    "SERVICE": 5,
    "UNLOCK": 7,
    "NETWORK_CLEAR_TEXT": 8,
    "NETWORKCLEARTEXT": 8,
    "NEW_CREDENTIALS": 9,
    "REMOTE_INTERACTIVE": 10,
    "REMOTEINTERACTIVE": 10,
    "CACHED_INTERACTIVE": 11,
    "CACHED_REMOTE_INTERACTIVE": 12,
    "CACHED_UNLOCK": 13,
}
_DIRECTIONS: Final = {"INCOMING": IN, "OUTGOING": OUT}
_HTTP: Final = {"GET": 3, "HEAD": 4, "POST": 6, "PUT": 7, "DELETE": 2, "OPTIONS": 5, "CONNECT": 1, "PATCH": 9}
MAX_WORD: Final = 64


def draft_of(fields: Fields, device: dict[str, Any], platform: str) -> Draft:
    """Return the draft of an agent's event; one without what its class requires is merely noted."""
    word = word_of(fields)
    build = _BUILDERS.get(word)
    if build is None and word.upper() in _HTTP:
        build = _requested
    made = build(fields, device, platform) if build else None
    return made or drafts.noted(LOG_NAME, process_at(SOURCE, fields, platform))


def word_of(fields: Fields) -> str:
    """Return the type of an event without blanks in lower case: some shippers take the blanks out."""
    return str(fields.get("event.type"))[:MAX_WORD].replace(" ", "").lower()


def process_at(prefix: str, fields: Fields, platform: str) -> Process:
    """Return the process under `src.process`, `tgt.process` or `src.process.parent`, with its parent and container."""
    number, uid, path, cmd_line, user, started, level, sha256, md5, sha1, name = _NAMES[prefix]
    who = text(fields.get(user))
    return process(
        pid(fields.get(number)),
        text(fields.get(uid)),
        text(fields.get(path)),
        digests=hashes(fields.get(sha256), fields.get(md5), fields.get(sha1)),
        name=text(fields.get(name)),
        cmd_line=text(fields.get(cmd_line)),
        user=someone(who, unix=platform in _UNIX) if who else None,
        created_time=timestamp(fields.get(started)),
        parent_process=process_at(PARENT, fields, platform) if prefix == SOURCE else None,
        container=_container(fields) if prefix == SOURCE and CONTAINER_ID in fields else None,
        **integrity(fields.get(level)),
    )


def _container(fields: Fields) -> dict[str, Any] | None:
    uid, name = text(fields.get(CONTAINER_ID)), text(fields.get("k8sCluster.containerName"))
    image = text(fields.get("k8sCluster.containerImage"))
    if not (uid or name):
        return None
    return drop_none(
        uid=uid, name=name, orchestrator="Kubernetes", image={"uid": image, "name": image} if image else None
    )


def _launched(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    made = process_at(TARGET, fields, platform)
    if made is not None:
        made |= drop_none(parent_process=process_at(SOURCE, fields, platform))
    return drafts.launched(made)


def _ended(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    actor = process_at(SOURCE, fields, platform)
    return drafts.ended(process_at(TARGET, fields, platform) or actor, actor)


def _reached(
    fields: Fields, _device: dict[str, Any], platform: str, *, activity_id: int, thread: bool = False
) -> Draft | None:
    source, target = process_at(SOURCE, fields, platform), process_at(TARGET, fields, platform)
    made = drafts.reached_into(source, target, activity_id, thread=thread)
    access = text(fields.get("tgt.process.accessRights"))
    if made and access and not thread:
        made.native["GrantedAccess"] = access
    return made


def _touched(fields: Fields, _device: dict[str, Any], platform: str, *, activity_id: int) -> Draft | None:
    return drafts.touched(
        text(fields.get("tgt.file.path")),
        activity_id,
        process_at(SOURCE, fields, platform),
        digests=hashes(*(fields.get(f"tgt.file.{name}") for name in ("sha256", "md5", "sha1"))),
        renamed_from=text(fields.get("tgt.file.oldPath")),
    )


def _ends(fields: Fields) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    return (
        endpoint(fields.get("src.ip.address"), fields.get("src.port.number")),
        endpoint(
            fields.get("dst.ip.address"), fields.get("dst.port.number"), text(fields.get("event.network.hostname"))
        ),
    )


def _connected(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    source, target = _ends(fields)
    direction = _DIRECTIONS.get(str(fields.get("event.network.direction")), 0)
    # The agent writes source and destination of the connection itself, whoever opened it.
    local, remote = (target, source) if direction == IN else (source, target)
    failed = fields.get("event.network.connectionStatus") == "FAILURE"
    actor = process_at(SOURCE, fields, platform)
    protocol = text(fields.get("event.network.protocolName"))
    return drafts.connected(local, remote, protocol, direction, actor, 4 if failed else 1)


def _listening(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    source, target = _ends(fields)
    actor = process_at(SOURCE, fields, platform)
    return drafts.connected(None, target or source, text(fields.get("event.network.protocolName")), 0, actor, 7)


def _resolved(fields: Fields, device: dict[str, Any], platform: str) -> Draft | None:
    told = text(fields.get("event.dns.response")) or ""
    answers = [answer.rpartition(" ")[2].strip() for answer in told.split(";", MAX_LISTED)]
    status = integer(fields.get("event.dns.status"))
    return drafts.resolved(
        text(fields.get("event.dns.request")),
        [answer for answer in answers if answer],
        process_at(SOURCE, fields, platform),
        device,
        rcode_id={0: 0, 9003: 3}.get(status) if status is not None else None,  # Windows: DNS_ERROR_RCODE_NAME_ERROR
    )


def _requested(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    method = str(fields.get("event.type")).upper()[:MAX_WORD]
    made = request(None, None, method, fields.get("url.address"))
    if not made:
        return None
    return drafts.requested(made, _HTTP.get(method, OTHER), *_ends(fields), process_at(SOURCE, fields, platform))


def _signed(fields: Fields, device: dict[str, Any], platform: str, *, activity_id: int) -> Draft:
    ok = fields.get("event.login.loginIsSuccessful")
    kind = text(fields.get("event.login.type")) or ""
    name = text(first(fields, "event.login.userName", "event.login.accountName"))
    return drafts.signed_on(
        someone(
            name,
            text(fields.get("event.login.accountSid")),
            text(fields.get("event.login.accountDomain")),
            unix=platform in _UNIX,
        ),
        activity_id,
        device,
        source=endpoint(fields.get("src.ip.address"), fields.get("src.port.number")),
        actor=process_at(SOURCE, fields, platform),
        logon_type_id=_LOGON_TYPES.get(kind.upper()[:MAX_WORD], OTHER) if kind else None,
        logon_type=kind or None,
        is_remote=True if kind.upper() in {"REMOTE_INTERACTIVE", "REMOTEINTERACTIVE"} else None,
        status={} if not isinstance(ok, bool) else SUCCESS if ok else FAILURE,
        status_detail=text(fields.get("event.login.failureReason")),
    )


def _loaded(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    digests = hashes(fields.get("module.sha256"), fields.get("module.md5"), fields.get("module.sha1"))
    return drafts.loaded(text(fields.get("module.path")), process_at(SOURCE, fields, platform), digests)


def _driver(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    digests = hashes(fields.get("tgt.file.sha256"), fields.get("tgt.file.sha1"), fields.get("module.sha1"))
    path = text(first(fields, "tgt.file.path", "module.path", "driver.path"))
    return drafts.driver_loaded(path, digests, process_at(SOURCE, fields, platform))


def _key(fields: Fields, _device: dict[str, Any], platform: str, *, activity_id: int) -> Draft | None:
    path, actor = text(fields.get("registry.keyPath")), process_at(SOURCE, fields, platform)
    return drafts_system.key_changed(path, activity_id, actor)


def _value(fields: Fields, _device: dict[str, Any], platform: str, *, activity_id: int) -> Draft | None:
    """Return the draft of a change of a value; the agent's `registry.keyPath` ends with the value's name."""
    key, _, name = (text(fields.get("registry.keyPath")) or "").rpartition("\\")
    data = text(fields.get("registry.value"))
    return drafts_system.value_changed(key, name, data, activity_id, process_at(SOURCE, fields, platform))


def _script(fields: Fields, _device: dict[str, Any], platform: str) -> Draft | None:
    host = (text(first(fields, "cmdScript.applicationName", "src.process.name")) or "").lower()
    type_id = drafts_system.POWERSHELL if host.startswith(("powershell", "pwsh")) else OTHER
    digests, actor = hashes(fields.get("cmdScript.sha256")), process_at(SOURCE, fields, platform)
    return drafts_system.script(text(fields.get("cmdScript.content")), type_id, actor, None, digests)


def _task(fields: Fields, _device: dict[str, Any], platform: str, *, activity_id: int) -> Draft | None:
    name, program = text(fields.get("task.name")), text(fields.get("task.path"))
    return drafts_system.scheduled(name, activity_id, program, process_at(SOURCE, fields, platform), program)


def _pipe(fields: Fields, _device: dict[str, Any], platform: str, *, created: bool) -> Draft | None:
    return drafts.piped(text(fields.get("namedPipe.name")), process_at(SOURCE, fields, platform), created=created)


_Build = Callable[[Fields, dict[str, Any], str], Draft | None]
_BUILDERS: Final[Mapping[str, _Build]] = {
    "processcreation": _launched,
    "processexit": _ended,
    "processtermination": _ended,
    "duplicateprocesshandle": partial(_reached, activity_id=drafts.OPEN),
    "openremoteprocesshandle": partial(_reached, activity_id=drafts.OPEN),
    "duplicatethreadhandle": partial(_reached, activity_id=drafts.OPEN),
    "remotethreadcreation": partial(_reached, activity_id=drafts.INJECT, thread=True),
    "filecreation": partial(_touched, activity_id=drafts.CREATE),
    "filedeletion": partial(_touched, activity_id=drafts.DELETE),
    "filemodification": partial(_touched, activity_id=drafts.UPDATE),
    "filerename": partial(_touched, activity_id=drafts.RENAME),
    "filescan": partial(_touched, activity_id=drafts.READ),
    "dns": _resolved,
    "dnsresolved": _resolved,
    "dnsunresolved": _resolved,
    "ipconnect": _connected,
    "iplisten": _listening,
    "login": partial(_signed, activity_id=1),
    "logout": partial(_signed, activity_id=2),
    "moduleload": _loaded,
    "driverload": _driver,
    "registrykeycreate": partial(_key, activity_id=drafts_system.KEY_CREATE),
    "registrykeydelete": partial(_key, activity_id=drafts_system.KEY_DELETE),
    "registrykeyrename": partial(_key, activity_id=drafts_system.KEY_RENAME),
    "registrykeysecuritychanged": partial(_key, activity_id=6),
    "registrykeyimport": partial(_key, activity_id=8),
    "registrykeyexport": partial(_key, activity_id=9),
    "registryvaluecreate": partial(_value, activity_id=drafts_system.VALUE_SET),
    "registryvaluemodified": partial(_value, activity_id=drafts_system.VALUE_SET),
    "registryvaluedelete": partial(_value, activity_id=drafts_system.VALUE_DELETE),
    "commandscript": _script,
    "scheduledtaskregister": partial(_task, activity_id=1),
    "scheduledtaskupdate": partial(_task, activity_id=2),
    "scheduledtaskdelete": partial(_task, activity_id=3),
    "scheduledtaskstart": partial(_task, activity_id=6),
    "scheduledtasktrigger": partial(_task, activity_id=6),
    "namedpipecreation": partial(_pipe, created=True),
    "namedpipeconnection": partial(_pipe, created=False),
}
