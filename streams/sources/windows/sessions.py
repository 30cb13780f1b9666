"""What a session or account may do, and how sessions go on, as OCSF's identity classes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from models.ocsf_classes import AUTHENTICATION, AUTHORIZE_SESSION, USER_ACCESS
from streams.sources.base import drop_none, text
from streams.sources.windows.identity import LOGOFF, LOGON, authentication, authenticator
from streams.sources.windows.log import audit_status
from streams.sources.windows.objects import (
    SUBJECT,
    TARGET,
    account,
    take_endpoint,
    take_process,
    take_session,
    take_subject,
    take_user,
    user,
)
from streams.sources.windows.record import OTHER, SUCCESS, Draft, Fields

ASSIGN_PRIVILEGES, REVOKE_PRIVILEGES = 1, 2
MAX_PRIVILEGES: Final = 64
_ACCOUNT: Final = ("AccountName", "AccountDomain", "TargetUserSid")


def _privileges(value: str | None) -> list[str]:
    return value.replace(",", " ").split()[:MAX_PRIVILEGES] if value else []


def _special_logon(fields: Fields) -> Draft | None:
    subject = take_user(fields, SUBJECT)
    privileges = _privileges(text(fields.rest.get("PrivilegeList")))
    if subject is None or not privileges:
        return None
    del fields.rest["PrivilegeList"]
    session = take_session(fields, "SubjectLogonId")
    attributes = drop_none(user=subject, session=session, privileges=privileges, **authenticator(fields))
    attributes.pop("service", None)
    return Draft(AUTHORIZE_SESSION, ASSIGN_PRIVILEGES, attributes | (audit_status(fields) or SUCCESS))


def _token_right(fields: Fields) -> Draft | None:
    subject = take_user(fields, TARGET)
    enabled = fields.text("EnabledPrivilegeList")
    privileges = _privileges(enabled or fields.text("DisabledPrivilegeList"))
    if subject is None or not privileges:
        return None
    attributes = drop_none(
        user=subject,
        session=take_session(fields, "TargetLogonId"),
        privileges=privileges,
        actor=take_subject(fields, take_process(fields, "ProcessId", "", "ProcessName")),
        activity_name=None if enabled else "Privileges Disabled",
    )
    return Draft(AUTHORIZE_SESSION, ASSIGN_PRIVILEGES if enabled else OTHER, attributes | audit_status(fields))


def _right(fields: Fields, activity_id: int, name: str) -> Draft | None:
    subject = user(None, sid=fields.text("TargetSid"))
    privileges = _privileges(text(fields.rest.get(name)))
    if subject is None or not privileges:
        return None
    del fields.rest[name]
    attributes = drop_none(user=subject, privileges=privileges, actor=take_subject(fields))
    return Draft(USER_ACCESS, activity_id, attributes | audit_status(fields))


def _window_station(fields: Fields, activity_name: str) -> Draft | None:
    """Build the locks and reconnections of a session that goes on."""
    if "TargetUserName" in fields.rest:
        return authentication(fields, OTHER, activity_name=activity_name)
    return authentication(fields, OTHER, activity_name=activity_name, who=_ACCOUNT, session="LogonID")


def _remote_session(fields: Fields, activity_id: int, activity_name: str = "") -> Draft | None:
    subject = account(fields.text("User"))
    if subject is None:
        return None
    session = fields.text("SessionID") or fields.text("Session")
    attributes = drop_none(
        activity_name=activity_name or None,
        user=subject,
        session={"uid": session} if session else None,
        src_endpoint=take_endpoint(fields, "Address", ""),
        **authenticator(fields),
    )
    return Draft(AUTHENTICATION, activity_id, attributes | SUCCESS)


Builder = Callable[[Fields], Draft | None]
SECURITY_BUILDERS: Final[dict[int, Builder]] = {
    4672: _special_logon,
    4703: _token_right,
    4704: partial(_right, activity_id=ASSIGN_PRIVILEGES, name="PrivilegeList"),
    4705: partial(_right, activity_id=REVOKE_PRIVILEGES, name="PrivilegeList"),
    4717: partial(_right, activity_id=ASSIGN_PRIVILEGES, name="AccessGranted"),
    4718: partial(_right, activity_id=REVOKE_PRIVILEGES, name="AccessRemoved"),
    4778: partial(_window_station, activity_name="Session Reconnected"),
    4779: partial(_window_station, activity_name="Session Disconnected"),
    4800: partial(_window_station, activity_name="Workstation Locked"),
    4801: partial(_window_station, activity_name="Workstation Unlocked"),
}
TERMINAL_BUILDERS: Final[dict[int, Builder]] = {
    21: partial(_remote_session, activity_id=LOGON),
    22: partial(_remote_session, activity_id=OTHER, activity_name="Shell Started"),
    23: partial(_remote_session, activity_id=LOGOFF),
    24: partial(_remote_session, activity_id=OTHER, activity_name="Session Disconnected"),
    25: partial(_remote_session, activity_id=OTHER, activity_name="Session Reconnected"),
    39: partial(_remote_session, activity_id=OTHER, activity_name="Session Disconnected"),
    40: partial(_remote_session, activity_id=OTHER, activity_name="Session Disconnected"),
}
