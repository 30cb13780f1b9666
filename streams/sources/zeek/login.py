"""Zeek's logs of logins and of remote sessions as OCSF: Kerberos, NTLM, RADIUS, SSH and RDP.

Authentication requires a user. A record that names none (a ticket refused before its client was seen, an anonymous
session) stays Network Activity: nobody is made up.
"""

from __future__ import annotations

import re
from typing import Any, Final

from models import ocsf
from models.ocsf_classes import AUTHENTICATION, RDP_ACTIVITY, SSH_ACTIVITY
from streams.sources import base
from streams.sources.base import drop_none
from streams.sources.zeek.fields import (
    Fields,
    begin,
    hash_of,
    moment_ms,
    success,
    take,
    take_bool,
    take_count,
    take_pair,
    take_text,
    take_texts,
)
from streams.sources.zeek.flow import FAIL, OPEN, TRAFFIC, other

LOGON, TICKET, SERVICE_TICKET, PREAUTH = 1, 3, 4, 6
NTLM, KERBEROS, RADIUS = 1, 2, 10
NETWORK_LOGON: Final = 3
HASSH: Final = 20
PREAUTH_ERRORS: Final = ("KDC_ERR_PREAUTH_REQUIRED", "KDC_ERR_PREAUTH_FAILED")
SYSTEM_ACCOUNT, USER_ACCOUNT = 3, 1
_LEADING_NUMBER: Final = re.compile(r"(\d{1,3})", re.ASCII)


def kerberos(fields: Fields, time: int) -> dict[str, Any]:
    """Map kerberos.log to Authentication: tickets asked for, granted and refused."""
    client = base.text(fields.get("client"))
    if client is None:
        return _without_user(fields, time, "error_msg", "request_type")
    name, _, realm = client.rpartition("/")
    service = take_text(fields, "service")
    error = take_text(fields, "error_msg")
    activity = _kerberos_activity(base.text(fields.get("request_type")), service, error)
    del fields["client"]
    return _authentication(
        fields,
        time,
        activity,
        KERBEROS,
        user=_user(name or realm, realm if name else None),
        service={"name": service} if service else None,
        authentication_token=_ticket(fields, activity),
        status_detail=error,
    )


def _kerberos_activity(request: str | None, service: str | None, error: str | None) -> int:
    if error in PREAUTH_ERRORS:
        return PREAUTH
    if request is None and service:
        return TICKET if service.startswith("krbtgt/") else SERVICE_TICKET
    return {"AS": TICKET, "TGS": SERVICE_TICKET}.get(request or "", 0)


def _ticket(fields: Fields, activity: int) -> dict[str, Any]:
    cipher = take_text(fields, "cipher")
    found = drop_none(
        created_time=take(fields, "from", moment_ms),
        expiration_time=take(fields, "till", moment_ms),
        is_renewable=take_bool(fields, "renewable"),
        encryption_details={"algorithm": cipher} if cipher else None,
    )
    return found and found | {"type_id": {TICKET: 1, SERVICE_TICKET: 2}.get(activity, 0)}


def ntlm(fields: Fields, time: int) -> dict[str, Any]:
    """Map ntlm.log to Authentication: a network logon."""
    name = take_text(fields, "username")
    if name is None:
        return _without_user(fields, time)
    body = _authentication(
        fields,
        time,
        LOGON,
        NTLM,
        user=_user(name, take_text(fields, "domainname")),
        logon_type_id=NETWORK_LOGON,
        logon_type="Network",
    )
    _name_host(body, "src_endpoint", take_text(fields, "hostname"))
    _name_host(body, "dst_endpoint", take_text(fields, "server_dns_computer_name"))
    return body


def radius(fields: Fields, time: int) -> dict[str, Any]:
    """Map radius.log to Authentication; the source endpoint is the access server."""
    name = take_text(fields, "username")
    if name is None:
        return _without_user(fields, time)
    result = take_text(fields, "result")
    return _authentication(
        fields,
        time,
        LOGON,
        RADIUS,
        user=_user(name, None),
        status_detail=take_text(fields, "reply_msg"),
        **success(result == "success" if result else None),
    )


def _authentication(fields: Fields, time: int, activity: int, protocol_id: int, **attributes: Any) -> dict[str, Any]:
    pair = take_pair(fields)
    if "dst_endpoint" not in pair and not attributes.get("service"):
        pair["service"] = {"name": "unknown"}  # one of the two is required, and the log has neither
    protocol = {NTLM: "NTLM", KERBEROS: "Kerberos", RADIUS: "RADIUS"}[protocol_id]
    return (
        ocsf.head(AUTHENTICATION, activity, time)
        | drop_none(
            auth_protocol=protocol,
            auth_protocol_id=protocol_id,
            is_remote=True,
            **success(take_bool(fields, "success")),
            **pair,
        )
        | drop_none(**attributes)
    )


def _without_user(fields: Fields, time: int, *details: str) -> dict[str, Any]:
    found = [text for name in details if (text := take_text(fields, name))]
    return other(fields, time) | drop_none(status_detail=", ".join(found) or None)


def _user(name: str, domain: str | None) -> dict[str, Any]:
    kind = SYSTEM_ACCOUNT if name.endswith("$") else USER_ACCOUNT
    return drop_none(name=name, domain=domain, type_id=kind)


def _name_host(body: dict[str, Any], side: str, name: str | None) -> None:
    if name:
        body.setdefault(side, {})["hostname"] = name


def ssh(fields: Fields, time: int) -> dict[str, Any]:
    """Map ssh.log to SSH Activity; whether the login worked is Zeek's inference."""
    logged_in = take_bool(fields, "auth_success")
    body = begin(
        fields,
        time,
        SSH_ACTIVITY,
        TRAFFIC if logged_in is None else OPEN if logged_in else FAIL,
        app_protocol_name="ssh",
        protocol_ver=take_text(fields, "version"),
        client_hassh=_hassh(take_text(fields, "hassh")),
        server_hassh=_hassh(take_text(fields, "hasshServer")),
        **success(logged_in),
    )
    direction = {"INBOUND": (1, "Inbound"), "OUTBOUND": (2, "Outbound")}.get(str(fields.get("direction")))
    if direction:
        del fields["direction"]
        body["connection_info"].update(direction_id=direction[0], direction=direction[1])
    return body


def _hassh(value: str | None) -> dict[str, Any] | None:
    found = hash_of(value, "HASSH", HASSH)
    return {"fingerprint": found} if found else None


def rdp(fields: Fields, time: int) -> dict[str, Any]:
    """Map rdp.log to RDP Activity: a request, and the server's answer when there was one."""
    result = take_text(fields, "result")
    body = begin(
        fields,
        time,
        RDP_ACTIVITY,
        4 if result else 3,
        app_protocol_name="rdp",
        identifier_cookie=take_text(fields, "cookie"),
        protocol_ver=take_text(fields, "client_build"),
        capabilities=take_texts(fields, "client_channels"),
        keyboard_info=drop_none(keyboard_layout=take_text(fields, "keyboard_layout")),
        remote_display=_display(fields),
        status_detail=result,
        **success(True if result == "Success" else take_bool(fields, "auth_success")),
    )
    if "ip" in body.get("src_endpoint", {}):
        _name_host(body, "src_endpoint", take_text(fields, "client_name"))
    return body


def _display(fields: Fields) -> dict[str, Any]:
    depth = _LEADING_NUMBER.match(base.text(fields.get("requested_color_depth")) or "")  # `32bit`
    return drop_none(
        physical_width=take_count(fields, "desktop_width"),
        physical_height=take_count(fields, "desktop_height"),
        color_depth=int(depth[1]) if depth else None,
    )
