"""Zeek's logs of files, shares, mail and of the services a network lives by as OCSF."""

from __future__ import annotations

from typing import Any, Final

from models import ocsf
from models.ocsf_classes import EMAIL_ACTIVITY, FTP_ACTIVITY, NETWORK_ACTIVITY, NETWORK_FILE_ACTIVITY, SMB_ACTIVITY
from streams.sources import base
from streams.sources.base import drop_none
from streams.sources.fields import email
from streams.sources.zeek.fields import (
    OTHER,
    Fields,
    begin,
    hash_of,
    interval_ms,
    ips,
    moment_ms,
    success,
    take,
    take_bool,
    take_count,
    take_pair,
    take_text,
    texts,
    user_actor,
)
from streams.sources.zeek.flow import other

UPLOAD, DOWNLOAD = 1, 2
SEND: Final = 1
REGULAR_FILE: Final = 1
NAMED_PIPE: Final = 6
SHARE_TYPES: Final = {"DISK": (1, "File"), "PIPE": (2, "Pipe"), "PRINT": (3, "Print")}
REFUSED_FROM: Final = 400  # RFC 959
FTP_ACTIVITIES: Final = {
    **dict.fromkeys(("STOR", "STOU", "APPE"), 1),
    "RETR": 2,
    "DELE": 4,
    **dict.fromkeys(("RNFR", "RNTO"), 5),
    **dict.fromkeys(("LIST", "NLST", "MLSD", "MLST"), 6),
}


def base_name(path: str) -> str:
    """Return the last part of a path of either kind."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def files(fields: Fields, time: int) -> dict[str, Any]:
    """Map files.log to Network File Activity: who fetched or sent which file.

    The actor, which that class requires, is the protocol Zeek names as the file's source; a record without one, or
    without hosts, is Network Activity.
    """
    sent = take_bool(fields, "is_orig")
    _connect(fields, sent_by_originator=sent is not False)
    source = take_text(fields, "source")
    name = base.text(fields.get("filename")) or base.text(fields.get("fuid"))
    if source is None or name is None or base.ip(fields.get("id.orig_h")) is None:
        return other(fields, time) | drop_none(app_protocol_name=source and source.lower())
    return begin(
        fields,
        time,
        NETWORK_FILE_ACTIVITY,
        OTHER if sent is None else UPLOAD if sent else DOWNLOAD,
        "transfer" if sent is None else None,
        actor={"app_name": source},
        app_protocol_name=source.lower(),
        file=_transferred(fields),
        duration=take(fields, "duration", interval_ms),
    )


def _connect(fields: Fields, *, sent_by_originator: bool) -> None:
    """Give a record of Zeek 5.0 and before, which lists senders and receivers, the fields of a connection."""
    for sender, ours in (("tx_hosts", sent_by_originator), ("rx_hosts", not sent_by_originator)):
        hosts = ips(fields.get(sender)) or []
        wanted = "id.orig_h" if ours else "id.resp_h"
        if len(hosts) == 1 and wanted not in fields:
            fields[wanted] = hosts[0]
            del fields[sender]
    uids = texts(fields.get("conn_uids")) or []
    if len(uids) == 1 and "uid" not in fields:
        fields["uid"] = uids[0]
        del fields["conn_uids"]


def _transferred(fields: Fields) -> dict[str, Any]:
    path, uid = take_text(fields, "filename"), take_text(fields, "fuid")
    hashes = (hash_of(take_text(fields, key), name, number) for key, name, number in _HASHES)
    size = take_count(fields, "total_bytes")
    return drop_none(
        name=base_name(path) if path else uid,
        path=path,
        uid=uid,
        type_id=REGULAR_FILE,
        mime_type=take_text(fields, "mime_type"),
        size=take_count(fields, "seen_bytes") if size is None else size,
        hashes=[found for found in hashes if found],
    )


_HASHES: Final = (("md5", "MD5", 1), ("sha1", "SHA-1", 2), ("sha256", "SHA-256", 3))


def smb_files(fields: Fields, time: int) -> dict[str, Any]:
    """Map smb_files.log to SMB Activity; most of Zeek's actions have no activity of their own there."""
    action = (take_text(fields, "action") or "unknown").rpartition("::")[2]
    path = take_text(fields, "name")
    about = _shared_file(fields, path, is_pipe=action.startswith("PIPE_")) if path else None
    activity = 2 if action == "FILE_OPEN" else OTHER
    name = None if activity != OTHER else action
    return begin(
        fields, time, SMB_ACTIVITY, activity, name, command=action, share=take_text(fields, "path"), file=about, **_SMB
    )


_SMB: Final = {"app_protocol_name": "smb"}


def _shared_file(fields: Fields, path: str, *, is_pipe: bool) -> dict[str, Any]:
    return drop_none(
        name=base_name(path),
        path=path,
        type_id=NAMED_PIPE if is_pipe else REGULAR_FILE,
        uid=take_text(fields, "fuid"),
        size=take_count(fields, "size"),
        modified_time=take(fields, "times.modified", moment_ms),
        accessed_time=take(fields, "times.accessed", moment_ms),
        created_time=take(fields, "times.created", moment_ms),
    )


def smb_mapping(fields: Fields, time: int) -> dict[str, Any]:
    """Map smb_mapping.log to SMB Activity: a share was connected."""
    kind = take_text(fields, "share_type")
    number, caption = SHARE_TYPES.get(kind or "", (OTHER, kind) if kind else (None, None))
    share = take_text(fields, "path")
    return begin(
        fields, time, SMB_ACTIVITY, OTHER, "TREE_CONNECT", share=share, share_type_id=number, share_type=caption, **_SMB
    )


def dce_rpc(fields: Fields, time: int) -> dict[str, Any]:
    """Map dce_rpc.log to SMB Activity when the call came over a named pipe, else to Network Activity.

    OCSF's `dce_rpc` object requires the interface's UUID, which Zeek has already turned into a name.
    """
    operation = take_text(fields, "operation")
    pipe = base.text(fields.get("named_pipe")) or ""
    word, delay = operation or "unknown", take(fields, "rtt", interval_ms)
    if not pipe.strip("\\") or pipe.isdigit():  # the port of RPC over TCP stands there too
        return begin(fields, time, NETWORK_ACTIVITY, OTHER, word, app_protocol_name="dce_rpc", duration=delay)
    del fields["named_pipe"]
    number, caption = SHARE_TYPES["PIPE"]
    about = {"name": base_name(pipe), "path": pipe, "type_id": NAMED_PIPE}
    kind = {"share_type_id": number, "share_type": caption}
    return begin(
        fields,
        time,
        SMB_ACTIVITY,
        OTHER,
        word,
        app_protocol_name="dce_rpc",
        command=operation,
        duration=delay,
        file=about,
        **kind,
    )


def ftp(fields: Fields, time: int) -> dict[str, Any]:
    """Map ftp.log to FTP Activity."""
    command = take_text(fields, "command")
    activity = FTP_ACTIVITIES.get(command.upper(), OTHER) if command else 0
    code = take_count(fields, "reply_code")
    reply = take_text(fields, "reply_msg")
    passive = take_bool(fields, "data_channel.passive")
    return begin(
        fields,
        time,
        FTP_ACTIVITY,
        activity,
        command if activity == OTHER else None,
        actor=user_actor(fields, "user"),
        app_protocol_name="ftp",
        command=command,
        codes=None if code is None else [code],
        command_responses=[reply] if reply else None,
        type=None if passive is None else "passive" if passive else "active",
        port=take(fields, "data_channel.resp_p", base.port),
        file=_ftp_file(fields) if 0 < activity < OTHER else None,
        **success(None if code is None else code < REFUSED_FROM),
    )


def _ftp_file(fields: Fields) -> dict[str, Any] | None:
    path = take_text(fields, "arg")
    if path is None:
        return None
    return drop_none(
        name=base_name(path),
        path=path,
        type_id=REGULAR_FILE,
        uid=take_text(fields, "fuid"),
        mime_type=take_text(fields, "mime_type"),
        size=take_count(fields, "file_size"),
    )


def smtp(fields: Fields, time: int) -> dict[str, Any]:
    """Map smtp.log to Email Activity, to Network Activity when it names neither sender nor receiver."""
    mail = drop_none(
        **{"from": take(fields, "from", address)},
        to=take(fields, "to", addresses),
        cc=take(fields, "cc", addresses),
        smtp_from=take(fields, "mailfrom", address),
        smtp_to=take(fields, "rcptto", addresses),
    )
    mail.setdefault("from", mail.get("smtp_from"))
    mail.setdefault("to", mail.get("smtp_to"))
    mail = drop_none(**mail)
    if not mail.keys() & {"from", "to"}:
        return other(fields, time)
    reply = take_text(fields, "last_reply")
    mail |= drop_none(
        reply_to=take(fields, "reply_to", address),
        subject=take_text(fields, "subject"),
        message_uid=take_text(fields, "msg_id"),
        x_originating_ip=take(fields, "x_originating_ip", ips),
    )
    about = drop_none(
        direction_id=0,
        email=mail,
        protocol_name="smtp",
        smtp_hello=take_text(fields, "helo"),
        status_detail=reply,
        **success(_accepted(reply)),
    )
    return ocsf.head(EMAIL_ACTIVITY, SEND, time) | take_pair(fields) | about


def _accepted(reply: str | None) -> bool | None:
    return {"2": True, "4": False, "5": False}.get((reply or "")[:1])


def address(value: Any) -> str | None:
    """Return the mail address of `"Name" <alice@example.com>` when OCSF would take it for one."""
    return email((base.text(value) or "").rpartition("<")[2].partition(">")[0].strip())


def addresses(value: Any) -> list[str] | None:
    """Return the mail addresses of a list; None when one is none."""
    values = texts(value) or []
    found = [mail for item in values if (mail := address(item))]
    return found if found and len(found) == len(values) else None
