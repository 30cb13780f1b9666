"""Kerberos tickets and NTLM validations of domain controllers, as OCSF Authentication."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from models.ocsf_classes import AUTHENTICATION
from streams.sources.base import drop_none
from streams.sources.windows.identity import (
    FAILURES,
    KERBEROS,
    LOGON,
    NO_ERROR,
    authenticator,
    client,
    explain,
    logon_session,
    protocol,
)
from streams.sources.windows.objects import (
    TARGET_ACCOUNT,
    take_user,
    user,
)
from streams.sources.windows.record import FAILURE, SUCCESS, Draft, Fields

TICKET, SERVICE_TICKET, SERVICE_RENEW, PREAUTH = 3, 4, 5, 6
_KERBEROS_FAILURES: Final = {
    "0x6": "Client not found in the Kerberos database",
    "0x7": "Server not found in the Kerberos database",
    "0x12": "Account disabled, expired or locked out",
    "0x17": "Password expired",
    "0x18": "Wrong password",
    "0x19": "Additional pre-authentication required",
    "0x20": "Ticket expired",
    "0x25": "Clocks out of sync",
}


def _kerberos(fields: Fields, activity_id: int, *, status: dict[str, Any] | None = None) -> Draft | None:
    subject = take_user(fields, TARGET_ACCOUNT)
    if subject is None:
        return None
    service = drop_none(name=fields.text("ServiceName"), uid=fields.text("ServiceSid"))
    code = fields.text("Status") or fields.text("FailureCode") or "0x0"
    attributes = drop_none(
        user=subject,
        session=logon_session(fields, ""),
        src_endpoint=client(fields),
        service=service,
        auth_protocol_id=KERBEROS[0],
        auth_protocol=KERBEROS[1],
        authentication_token=_token(fields, activity_id),
    )
    outcome = status or (SUCCESS if code in NO_ERROR else FAILURE)
    draft = Draft(AUTHENTICATION, activity_id, authenticator(fields) | attributes | outcome | {"status_code": code})
    explain(draft, code, _KERBEROS_FAILURES)
    return draft


def _token(fields: Fields, activity_id: int) -> dict[str, Any] | None:
    flags, cipher = fields.text("TicketOptions"), fields.text("TicketEncryptionType")
    if flags is None and cipher is None:
        return None
    ticket_granting = activity_id in {TICKET, PREAUTH}
    return drop_none(
        type_id=1 if ticket_granting else 2,
        type="Ticket Granting Ticket" if ticket_granting else "Service Ticket",
        kerberos_flags=flags,
        encryption_details={"type": cipher} if cipher else None,
    )


def _ntlm(fields: Fields) -> Draft | None:
    subject = user(fields.text("TargetUserName"))
    if subject is None:
        return None
    code = fields.text("Status") or "0x0"
    attributes = drop_none(
        user=subject, src_endpoint=client(fields, "Workstation"), **protocol(fields), **authenticator(fields)
    )
    outcome = SUCCESS if code in NO_ERROR else FAILURE
    draft = Draft(AUTHENTICATION, LOGON, attributes | outcome | {"status_code": code})
    explain(draft, code, FAILURES)
    return draft


Builder = Callable[[Fields], Draft | None]
SECURITY_BUILDERS: Final[dict[int, Builder]] = {
    4768: partial(_kerberos, activity_id=TICKET),
    4769: partial(_kerberos, activity_id=SERVICE_TICKET),
    4770: partial(_kerberos, activity_id=SERVICE_RENEW),
    4771: partial(_kerberos, activity_id=PREAUTH, status=FAILURE),
    4772: partial(_kerberos, activity_id=TICKET, status=FAILURE),
    4773: partial(_kerberos, activity_id=SERVICE_TICKET, status=FAILURE),
    4776: _ntlm,
    4777: _ntlm,
}
