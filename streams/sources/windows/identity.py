"""Logons and logoffs from the Security channel, as OCSF Authentication, and the parts other identity events share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from models.ocsf_classes import AUTHENTICATION
from streams.sources.base import drop_none, text
from streams.sources.windows.log import audit_status
from streams.sources.windows.objects import (
    TARGET,
    endpoint,
    take_process,
    take_session,
    take_subject,
    take_user,
)
from streams.sources.windows.record import FAILURE, OTHER, SUCCESS, Draft, Fields

LOGON, LOGOFF = 1, 2
NTLM, KERBEROS = (1, "NTLM"), (2, "Kerberos")
_LOGON_TYPES: Final = {
    0: (1, "System"),
    2: (2, "Interactive"),
    3: (3, "Network"),
    4: (4, "Batch"),
    5: (5, "OS Service"),
    7: (7, "Unlock"),
    8: (8, "Network Cleartext"),
    9: (9, "New Credentials"),
    10: (10, "Remote Interactive"),
    11: (11, "Cached Interactive"),
    12: (12, "Cached Remote Interactive"),
    13: (13, "Cached Unlock"),
}
FAILURES: Final = {
    "0xc000005e": "No logon servers available",
    "0xc0000064": "User name does not exist",
    "0xc000006a": "Wrong password",
    "0xc000006d": "Bad user name or authentication information",
    "0xc000006e": "Account restriction",
    "0xc000006f": "Logon outside of authorized hours",
    "0xc0000070": "Logon from an unauthorized workstation",
    "0xc0000071": "Password expired",
    "0xc0000072": "Account disabled",
    "0xc0000133": "Clocks out of sync",
    "0xc000015b": "Logon type not granted",
    "0xc0000193": "Account expired",
    "0xc0000224": "Password must be changed",
    "0xc0000234": "Account locked out",
}
REMOTE_INTERACTIVE: Final = frozenset({10, 12})
NETWORK: Final = frozenset({3, 8})
NO_ERROR: Final = frozenset({"0", "0x0", "0x00000000"})
MAX_GROUPS: Final = 1024


def authenticator(fields: Fields) -> dict[str, Any]:
    """Return where the account authenticates: this host, or the service that speaks for it."""
    host = endpoint(None, None, fields.computer)
    return {"dst_endpoint": host} if host else {"service": {"name": fields.provider or fields.channel}}


def client(fields: Fields, *names: str) -> dict[str, Any] | None:
    """Return the client, by address and by the first of the named fields that holds a name."""
    address = fields.ip("IpAddress") or fields.ip("ClientAddress")
    name = next((found for found in map(fields.text, names) if found), None)
    name = name.lstrip("\\") if name else None
    if address is None and not name:
        return None
    # The port of a logon without a connection is written as 0.
    return endpoint(address, (fields.port("IpPort") if address else None) or None, name or None)


def _logon_type(fields: Fields, source: dict[str, Any] | None) -> dict[str, Any]:
    number = fields.integer("LogonType")
    if number is None:
        return {}
    type_id, name = _LOGON_TYPES.get(number, (OTHER, str(number)))
    came_over_network = number in NETWORK and source is not None and source.get("ip") not in {None, "127.0.0.1", "::1"}
    return {
        "logon_type_id": type_id,
        "logon_type": name,
        "is_remote": number in REMOTE_INTERACTIVE or came_over_network,
    }


def protocol(fields: Fields) -> dict[str, Any]:
    """Return the authentication protocol by the names of the packages; the names themselves stay."""
    package = text(fields.rest.get("AuthenticationPackageName")) or text(fields.rest.get("PackageName"))
    detail = text(fields.rest.get("LmPackageName")) or ""
    words = f"{package or ''} {detail}".upper()
    if "NTLM" in words or "MICROSOFT_AUTHENTICATION_PACKAGE" in words:
        return {"auth_protocol_id": NTLM[0], "auth_protocol": NTLM[1]}
    if "KERBEROS" in words:
        return {"auth_protocol_id": KERBEROS[0], "auth_protocol": KERBEROS[1]}
    return {"auth_protocol_id": OTHER, "auth_protocol": package} if package else {}


def authentication(
    fields: Fields,
    activity_id: int,
    *,
    status: dict[str, Any] | None = None,
    activity_name: str = "",
    who: tuple[str, str, str] = TARGET,
    session: str = "TargetLogonId",
) -> Draft | None:
    """Build an authentication event.

    Args:
        fields: The record.
        activity_id: OCSF activity; with OTHER goes `activity_name`.
        status: Status attributes where the event id alone tells the outcome.
        activity_name: The vendor's word.
        who: Fields for name, domain and SID of the account.
        session: Field with the logon id.
    """
    subject = take_user(fields, who)
    if subject is None:
        return None
    source = client(fields, "WorkstationName", "ClientName")
    attributes = drop_none(
        activity_name=activity_name or None,
        user=subject,
        session=logon_session(fields, session),
        src_endpoint=source,
        actor=take_subject(fields, take_process(fields, "ProcessId", "", "ProcessName")),
        **_logon_type(fields, source),
        **protocol(fields),
        **authenticator(fields),
    )
    return Draft(AUTHENTICATION, activity_id, attributes | (status or audit_status(fields) or SUCCESS))


def logon_session(fields: Fields, name: str) -> dict[str, Any] | None:
    """Return the session in the named field, with the GUID that domain controllers know the logon by."""
    made = take_session(fields, name) or {}
    return made | drop_none(uid_alt=fields.guid("LogonGuid")) or None


def _failed_logon(fields: Fields) -> Draft | None:
    draft = authentication(fields, LOGON, status=FAILURE)
    if draft is not None:
        codes = [code for name in ("SubStatus", "Status") if (code := text(fields.rest.get(name))) not in NO_ERROR]
        explain(draft, next(filter(None, codes), None), FAILURES)
    return draft


def explain(draft: Draft, code: str | None, meanings: dict[str, str]) -> None:
    """Add a status code and what it means."""
    if code is not None:
        draft.attributes.update(drop_none(status_code=code, status_detail=meanings.get(code.lower())))


def _explicit(fields: Fields) -> Draft | None:
    draft = authentication(fields, LOGON, session="")
    server = fields.text("TargetServerName")
    if draft is not None and server is not None and server.lower() != "localhost":
        # The client is this host; where it logs on to is the server it named.
        draft.attributes["dst_endpoint"] = {"hostname": server}
    return draft


def _group_membership(fields: Fields) -> Draft | None:
    draft = authentication(fields, OTHER, activity_name="Group Membership")
    groups = fields.text("GroupMembership") if draft else None
    if draft is not None and groups is not None:
        names = [word.strip("%{}") for word in groups.split()[:MAX_GROUPS]]
        draft.attributes["user"]["groups"] = [{"uid": name} for name in names if name]
    return draft


Builder = Callable[[Fields], Draft | None]
SECURITY_BUILDERS: Final[dict[int, Builder]] = {
    4624: partial(authentication, activity_id=LOGON),
    4625: _failed_logon,
    4627: _group_membership,
    4634: partial(authentication, activity_id=LOGOFF),
    4647: partial(authentication, activity_id=LOGOFF),
    4648: _explicit,
}
