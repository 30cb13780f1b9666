"""Suricata's records of SSH, SMB, RDP, DHCP, FTP, SMTP, Kerberos and the files that protocols carry."""

from __future__ import annotations

from typing import Any, Final

from models.ocsf_classes import (
    AUTHENTICATION,
    DHCP_ACTIVITY,
    EMAIL_ACTIVITY,
    FTP_ACTIVITY,
    RDP_ACTIVITY,
    SMB_ACTIVITY,
    SSH_ACTIVITY,
)
from streams.sources.base import drop_none, ip, text
from streams.sources.fields import MAX_LISTED, email
from streams.sources.objects import FAILURE, OTHER, SUCCESS, file, fingerprint, user
from streams.sources.protocols import count, mac
from streams.sources.suricata.common import OPEN, Fields, begin, part

SEND: Final = 1
_DHCP: Final = {
    "discover": 1,
    "offer": 2,
    "request": 3,
    "decline": 4,
    "ack": 5,
    "nak": 6,
    "release": 7,
    "inform": 8,
}
_FTP: Final = {"STOR": 1, "STOU": 1, "APPE": 1, "RETR": 2, "DELE": 4, "RNFR": 5, "RNTO": 5, "LIST": 6, "NLST": 6}
_RDP: Final = {
    "initial_request": 1,
    "initial_response": 2,
    "connect_request": 3,
    "connect_response": 4,
    "tls_handshake": 5,
}
_SMB: Final = {  # dispositions of SMB2 CREATE, as OCSF counts them
    "FILE_SUPERSEDE": 1,
    "FILE_SUPERSEDED": 1,
    "FILE_OPEN": 2,
    "FILE_CREATE": 3,
    "FILE_OPEN_IF": 4,
    "FILE_OVERWRITE": 5,
    "FILE_OVERWRITE_IF": 6,
}
_TICKETS: Final = {"KRB_AS_REQ": 3, "KRB_AS_REP": 3, "KRB_TGS_REQ": 4, "KRB_TGS_REP": 4}
KERBEROS: Final = {"auth_protocol_id": 2, "auth_protocol": "Kerberos"}


def ssh(fields: Fields, time: int) -> dict[str, Any]:
    """Map an SSH record to SSH Activity."""
    told = part(fields, "ssh")
    client, server = part(told, "client"), part(told, "server")
    return begin(
        fields,
        time,
        SSH_ACTIVITY,
        OPEN,
        app_protocol_name="ssh",
        protocol_ver=text(client.get("proto_version")) or text(server.get("proto_version")),
        client_hassh=_hassh(client),
        server_hassh=_hassh(server),
    )


def _hassh(told: Fields) -> dict[str, Any] | None:
    found = part(told, "hassh")
    made = fingerprint(text(found.get("hash")), "MD5")
    return drop_none(fingerprint=made, algorithm=text(found.get("string"))) if made else None


def smb(fields: Fields, time: int) -> dict[str, Any]:
    """Map an SMB record to SMB Activity, with the user that the session was set up for."""
    told = part(fields, "smb")
    command, named = text(told.get("command")), text(told.get("filename"))
    activity = _SMB.get(text(told.get("disposition")) or "", OTHER)
    status = text(told.get("status"))
    who = _ntlm_user(told)
    failed = status is not None and status != "STATUS_SUCCESS" and not status.startswith("STATUS_MORE")
    return begin(
        fields,
        time,
        SMB_ACTIVITY,
        activity,
        command,
        app_protocol_name="smb",
        command=command,
        dialect=text(told.get("dialect")),
        file=file(named) if named and named != "<share_root>" else None,
        share=text(told.get("share")),
        share_type=text(told.get("share_type")),
        tree_uid=text(told.get("tree_id")),
        actor={"user": who} if who else None,
        status_code=status,
        **({} if status is None else FAILURE if failed else SUCCESS),
    )


def _ntlm_user(told: Fields) -> dict[str, Any] | None:
    ntlm, kerberos = part(told, "ntlmssp"), part(told, "kerberos")
    return user(text(ntlm.get("user")) or text(kerberos.get("client")), domain=text(ntlm.get("domain")))


def rdp(fields: Fields, time: int) -> dict[str, Any]:
    """Map an RDP record to RDP Activity."""
    told = part(fields, "rdp")
    word = text(told.get("event_type")) or "rdp"
    cookie, client = text(told.get("cookie")), part(told, "client")
    body = begin(
        fields,
        time,
        RDP_ACTIVITY,
        _RDP.get(word, OTHER),
        word,
        app_protocol_name="rdp",
        identifier_cookie=cookie,
        user=user(cookie),  # the client puts the name of who logs on there
        protocol_ver=text(client.get("version")) or text(told.get("protocol")),
        capabilities=_texts(client.get("capabilities")),
    )
    if name := text(client.get("client_name")):
        body.setdefault("src_endpoint", {})["hostname"] = name
    return body


def _texts(value: Any) -> list[str]:
    return [item for item in value[:MAX_LISTED] if isinstance(item, str)] if isinstance(value, list) else []


def dhcp(fields: Fields, time: int) -> dict[str, Any]:
    """Map a DHCP record to DHCP Activity; its source is the client, by address and name."""
    told = part(fields, "dhcp")
    word = text(told.get("dhcp_type")) or text(told.get("type")) or "dhcp"
    body = begin(
        fields,
        time,
        DHCP_ACTIVITY,
        _DHCP.get(word, OTHER),
        word,
        app_protocol_name="dhcp",
        lease_dur=count(told.get("lease_time")),
        transaction_uid=text(told.get("id")),
        relay=_relay(told.get("relay_ip")),
    )
    client = drop_none(
        ip=_assigned(told.get("assigned_ip")) or _assigned(told.get("client_ip")),
        mac=mac(told.get("client_mac")),
        hostname=text(told.get("hostname")),
    )
    if client.keys() & {"ip", "hostname"}:
        answered = told.get("type") == "reply"
        server = body.get("src_endpoint") if answered else body.get("dst_endpoint")
        body["src_endpoint"] = client
        body.update(drop_none(dst_endpoint=server))
    return body


def _assigned(value: Any) -> str | None:
    address = ip(value)
    return None if address == "0.0.0.0" else address  # noqa: S104  # not bound to: what DHCP writes for no address


def _relay(value: Any) -> dict[str, Any] | None:
    address = _assigned(value)
    return {"ip": address} if address else None


def ftp(fields: Fields, time: int) -> dict[str, Any]:
    """Map an FTP command to FTP Activity."""
    told = part(fields, "ftp") or part(fields, "ftp_data")
    command = text(told.get("command"))
    verb = (command or "ftp").upper()[:8]
    data = text(told.get("command_data")) or text(told.get("filename"))
    codes = told.get("completion_code")
    numbers = [code for item in (codes[:MAX_LISTED] if isinstance(codes, list) else ()) if (code := count(item))]
    who = user(data) if verb == "USER" else None
    return begin(
        fields,
        time,
        FTP_ACTIVITY,
        _FTP.get(verb, OTHER),
        command,
        app_protocol_name="ftp",
        command=command,
        command_responses=_texts(told.get("reply")),
        codes=numbers,
        file=file(data) if data and verb in _FTP else None,
        actor={"user": who} if who else None,
    )


def smtp(fields: Fields, time: int) -> dict[str, Any]:
    """Map an SMTP record to Email Activity; to Network Activity when no sender and no recipient was seen."""
    mail = email_of(fields)
    told = part(fields, "smtp")
    if not mail:
        return begin(fields, time, app_protocol_name="smtp")
    body = begin(
        fields,
        time,
        EMAIL_ACTIVITY,
        SEND,
        email=mail,
        smtp_hello=text(told.get("helo")),
        protocol_name="smtp",
    )
    body["direction_id"] = 0
    for name in ("connection_info", "app_protocol_name"):
        body.pop(name, None)
    return body


def email_of(fields: Fields) -> dict[str, Any]:
    """Return the message of a record's `smtp` and `email` parts, empty without sender and recipient."""
    envelope, told = part(fields, "smtp"), part(fields, "email")
    sender = _mailbox(told.get("from")) or _mailbox(envelope.get("mail_from"))
    recipients = _mailboxes(told.get("to")) or _mailboxes(envelope.get("rcpt_to"))
    if not sender and not recipients:
        return {}
    attached = [file(name) for name in _texts(told.get("attachment"))]
    return drop_none(
        **{"from": sender},
        to=recipients,
        cc=_mailboxes(told.get("cc")),
        smtp_from=_mailbox(envelope.get("mail_from")),
        smtp_to=_mailboxes(envelope.get("rcpt_to")),
        subject=text(told.get("subject")),
        message_uid=text(told.get("message_id")),
        files=attached,
    )


def _mailbox(value: Any) -> str | None:
    """Return the address in `Name <address>`."""
    if not isinstance(value, str):
        return None
    return email(value.rpartition("<")[2].strip(" >") if "<" in value else value.strip())


def _mailboxes(value: Any) -> list[str]:
    return [address for item in _texts(value) if (address := _mailbox(item))]


def kerberos(fields: Fields, time: int) -> dict[str, Any]:
    """Map a Kerberos record to Authentication."""
    told = part(fields, "krb5")
    kind, client, realm = text(told.get("msg_type")), text(told.get("cname")), text(told.get("realm"))
    named = text(told.get("failed_request")) or kind or "krb5"
    error = text(told.get("error_code"))
    wanted = text(told.get("sname"))
    known = client if client != "<empty>" else None
    body = begin(
        fields,
        time,
        AUTHENTICATION,
        _TICKETS.get(named, OTHER),
        named,
        user=user(known, domain=realm) or {"name": "unknown"},
        service={"name": wanted} if wanted and wanted != "<empty>" else None,
        status_code=error,
        **KERBEROS,
        **(FAILURE if error or kind == "KRB_ERROR" else SUCCESS),
    )
    for name in ("connection_info", "app_protocol_name"):
        body.pop(name, None)
    if "dst_endpoint" not in body:
        body.setdefault("service", {"name": "krb5"})
    return body


def file_of(fields: Fields) -> dict[str, Any] | None:
    """Return the file of a record's `fileinfo` part."""
    told = part(fields, "fileinfo")
    path = text(told.get("filename"))
    if not path:
        return None
    digests = [fingerprint(text(told.get(name))) for name in ("sha256", "sha1", "md5")]
    return file(
        path, hashes=digests, size=count(told.get("size")), mime_type=_mime(told), uid=text(told.get("file_id"))
    )


def _mime(told: Fields) -> str | None:
    return text(told.get("mimetype")) or text(told.get("magic"))
