"""OCSF objects from the parts of a Microsoft 365 audit record: who, in which session, from where, on what.

Source: the Office 365 Management Activity API schema (common, Exchange, SharePoint, Azure Active Directory, Defender).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources.base import drop_none, ip, text
from streams.sources.fields import email, object_at, objects_at
from streams.sources.microsoft.common import address, known, pairs, principal, service_principal, unpacked_object
from streams.sources.objects import endpoint, file, operating_system

ADDRESSES: Final = ("ClientIP", "ClientIPAddress", "ActorIpAddress", "ActorInfoString", "SenderIp", "UserIP")
APPLICATION: Final = "ServicePrincipal_"
_USER_TYPES: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 3, 5: 4, 6: 4, 7: 3, 8: 3, 9: 1, 10: 1}
_USER_WORDS: Final = {
    "regular": 0,
    "reserved": 1,
    "admin": 2,
    "dcadmin": 3,
    "system": 4,
    "application": 5,
    "serviceprincipal": 6,
    "custompolicy": 7,
    "systempolicy": 8,
}
_NOBODY: Final = frozenset({"not available", "app@sharepoint", "sharepoint\\system", "s-1-0-0", "unknown", "na"})
_SYSTEM: Final = 3
_SERVICE: Final = 4


def user_type(value: Any) -> int:
    """Return OCSF's type of a user for the log's number or word."""
    number = _USER_WORDS.get(value.lower(), -1) if isinstance(value, str) else value
    return _USER_TYPES.get(number, 0) if isinstance(number, int) and not isinstance(number, bool) else 0


def actor_user(fields: Mapping[str, Any], tenant: str | None) -> dict[str, Any] | None:
    """Return who did it, None when the log names nobody."""
    name, key = known(fields.get("UserId")), known(fields.get("UserKey"))
    if name is None or name.lower() in _NOBODY:
        name = None
    kind = user_type(fields.get("UserType"))
    if name and name.startswith(APPLICATION):
        return service_principal(name[len(APPLICATION) :], known(fields.get("AppId")), None)
    if kind == _SERVICE and name and "@" not in name:
        return service_principal(name, known(fields.get("ApplicationId")) or known(fields.get("AppId")), None)
    uid = _object_id(fields) or (key if key and key != name and "|" not in key else None)
    found = principal(name or (None if kind == _SYSTEM else _named(fields)), uid, tenant=tenant)
    return found | {"type_id": kind or found["type_id"]} if found else None


def _object_id(fields: Mapping[str, Any]) -> str | None:
    """Return the object id among the ids of the actor: the one that is no UPN and no PUID."""
    for item in objects_at(fields, "Actor"):
        value = known(item.get("ID"))
        if value and len(value) == 36 and value.count("-") == 4:  # noqa: PLR2004  # a GUID's text form
            return value
    return None


def _named(fields: Mapping[str, Any]) -> str | None:
    return next((v for item in objects_at(fields, "Actor") if (v := known(item.get("ID"))) and "@" in v), None)


def session_of(fields: Mapping[str, Any], extended: Mapping[str, Any]) -> dict[str, Any]:
    """Return the session of Entra ID that the operation happened in, empty when the log names none."""
    access = object_at(fields, "AppAccessContext")
    device = pairs(fields.get("DeviceProperties"), "Name", "Value")
    return drop_none(
        uid=known(access.get("AADSessionId")) or known(device.get("SessionId")) or known(fields.get("SessionId")),
        credential_uid=known(access.get("UniqueTokenId")),
        issuer=known(extended.get("TokenIssuer")),
    )


def source_of(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return where the client was, None when the log does not say."""
    for name in ADDRESSES:
        host, port = address(fields.get(name))
        if host:
            return endpoint(host, port)
    return None


def agent_of(fields: Mapping[str, Any], extended: Mapping[str, Any]) -> str | None:
    """Return the user agent."""
    names = ("UserAgent", "ClientInfoString", "BrowserName")
    found = next((value for name in names if (value := known(fields.get(name)))), None)
    return known(extended.get("UserAgent")) or found


def device_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the client's device, empty when it is not registered."""
    device = pairs(fields.get("DeviceProperties"), "Name", "Value")
    uid = known(device.get("Id")) or known(fields.get("MachineId"))
    name = known(device.get("DisplayName")) or known(fields.get("DeviceName")) or known(fields.get("MachineDomainInfo"))
    if not (uid or name):
        return {}
    compliant = {"true": True, "false": False}.get((known(device.get("IsCompliant")) or "").lower())
    system = known(device.get("OS"))
    return {"type_id": 0} | drop_none(uid=uid, hostname=name, os=_system(system), is_compliant=compliant)


@lru_cache(maxsize=512)
def _system(name: str | None) -> dict[str, Any] | None:
    return operating_system(name[:256]) if name else None


def file_of(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the file or folder, None when the record names none."""
    url = known(fields.get("ObjectId")) or known(fields.get("OfficeObjectId"))
    name = known(fields.get("SourceFileName")) or known(fields.get("DestinationFileName"))
    if url is None and name is None:
        return None
    path = url or str(name)
    kind = 2 if known(fields.get("ItemType")) == "Folder" else 1
    found = file(
        path, type_id=kind, ext=known(fields.get("SourceFileExtension")), uid=known(fields.get("ListItemUniqueId"))
    )
    return found | drop_none(name=name, uri=url)


def subject_of(fields: Mapping[str, Any], tenant: str | None) -> dict[str, Any] | None:
    """Return the account that a change of the directory is about, None when the record names none."""
    named = known(fields.get("ObjectId"))
    targets = [value for item in objects_at(fields, "Target") if (value := known(item.get("ID")))]
    name = next((value for value in [named, *targets] if value and "@" in value), None)
    uid = next((value for value in targets if len(value) == 36 and value.count("-") == 4), None)  # noqa: PLR2004  # GUID
    if any(value.startswith("ServicePrincipal") for value in targets):
        return service_principal(uid, None, name or named)
    return principal(name or (named if uid is None else None), uid, tenant=tenant)


def names_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the new values of modified properties by name."""
    changed = pairs(fields.get("ModifiedProperties"), "Name", "NewValue")
    return {name: value for name, item in changed.items() if (value := known(item))}


def mail_of(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the e-mail that a record of Defender for Office 365 is about, None when no address of it is usable."""
    listed = fields.get("Recipients")
    recipients = [
        value for item in (listed[:32] if isinstance(listed, list) else [listed]) if (value := email(text(item)))
    ]
    sender = email(text(fields.get("P2Sender"))) or email(text(fields.get("P1Sender")))
    if not (sender or recipients):
        return None
    return drop_none(
        **{"from": sender},
        to=recipients,
        smtp_from=email(text(fields.get("P1Sender"))),
        subject=known(fields.get("Subject")),
        message_uid=known(fields.get("InternetMessageId")),
        uid=known(fields.get("NetworkMessageId")),
        x_originating_ip=[host] if (host := ip(fields.get("SenderIp"))) else None,
    )


def alert_data(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the JSON that alerts of the compliance centre have in `Data`."""
    return unpacked_object(fields.get("Data"))
