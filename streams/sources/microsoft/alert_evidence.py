"""What Microsoft's alerts name (accounts, devices, addresses, files, processes, mails, resources) as OCSF evidence.

Source: the `alertEvidence` types of Microsoft Graph, the evidence of Defender for Endpoint's and Defender XDR's APIs,
and the entity types reference of Microsoft Sentinel. Whatever names nothing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from streams.sources.base import drop_none, integer, text
from streams.sources.fields import email, object_at, objects_at, timestamp
from streams.sources.microsoft.common import known, located, location, principal, resource_of
from streams.sources.objects import device, file, fingerprint, process, user

MAX_PIECES: Final = 32
Piece = dict[str, Any]  # one element of `evidences`, or {"resources": [...]}
_HASHES: Final = (("SHA256", "sha256", "Sha256"), ("SHA1", "sha1", "Sha1"), ("MD5", "md5", "Md5"))


def account_of(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an account, under the names of Graph, of the Defender APIs, or of Sentinel."""
    upn = _first(fields, "userPrincipalName", "UserPrincipalName", "AccountUpn", "accountUpn")
    name = _first(fields, "accountName", "Name", "userName", "AccountName", "name")
    domain = _first(fields, "domainName", "NTDomain", "AccountDomain", "UPNSuffix", "userDomainName")
    uid = _first(fields, "azureAdUserId", "AadUserId", "aadUserId", "AccountObjectId")
    sid = _first(fields, "userSid", "Sid", "AccountSid")
    suffix = _first(fields, "UPNSuffix")
    if upn is None and name and suffix:
        upn = f"{name}@{suffix}"
    full = _first(fields, "displayName", "DisplayName")
    if upn:
        return principal(upn, uid or sid, uid_alt=sid if uid else None, full_name=full)
    return user(name, uid=sid or uid, type_id=1, domain=domain if name else None, full_name=full)


def _first(fields: Mapping[str, Any], *names: str) -> str | None:
    return next((value for name in names if (value := known(fields.get(name)))), None)


def device_of(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a device. Its last address is left out: it need not be the one it had at the time of the alert."""
    name = _first(fields, "deviceDnsName", "FQDN", "computerDnsName", "hostName", "HostName", "DeviceName", "fqdn")
    name = name or _first(fields, "NetBiosName", "netBiosName")
    aad = _first(fields, "azureAdDeviceId", "AadDeviceId", "aadDeviceId")
    mde = _first(fields, "mdeDeviceId", "MdatpDeviceId", "machineId", "DeviceId", "deviceId", "mdatpDeviceId")
    azure = _first(fields, "AzureID", "vmResourceId")
    if not (name or aad or mde):
        return None
    system = _first(fields, "osPlatform", "OSFamily", "OSPlatform")
    return device(name, os=system, uid=aad or mde, uid_alt=mde if aad else None, instance_uid=azure)


def file_of(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a file, None when it has no name."""
    name = _first(fields, "fileName", "Name", "FileName", "name")
    folder = _first(fields, "filePath", "Directory", "FolderPath", "path")
    if name is None:
        return file(folder, hashes=_hashes(fields)) if folder else None
    slash = "/" if folder and "/" in folder else "\\"
    path = f"{folder.rstrip(slash)}{slash}{name}" if folder and not folder.endswith(name) else folder or name
    return file(path, hashes=_hashes(fields))


def _hashes(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = [
        fingerprint(known(item.get("Value")), known(item.get("Algorithm")) or "")
        for item in objects_at(fields, "FileHashes")
    ]
    named = [fingerprint(_first(fields, *names[1:]), names[0]) for names in _HASHES]
    return [found for found in (*listed, *named) if found]


def process_of(fields: Mapping[str, Any], resolve: Callable[[Any], Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return a process, None when its number is not known."""
    pid = integer(_first(fields, "processId", "ProcessId"))
    image = file_of(resolve(fields.get("imageFile")) or resolve(fields.get("ImageFile")) or fields)
    parent = resolve(fields.get("ParentProcess"))
    parent_pid = integer(_first(fields, "parentProcessId") or _first(parent, "ProcessId"))
    parent_image = file_of(resolve(fields.get("parentProcessImageFile")) or resolve(parent.get("ImageFile")))
    if pid is None or pid < 0:
        return None
    created = (fields.get(name) for name in ("processCreationDateTime", "processCreationTime", "CreationTimeUtc"))
    return process(
        pid,
        image=image,
        cmd_line=_first(fields, "processCommandLine", "CommandLine", "ProcessCommandLine"),
        created_time=next(filter(None, map(timestamp, created)), None),
        user=account_of(object_at(fields, "userAccount")) if "userAccount" in fields else None,
        parent_process=process(parent_pid, image=parent_image) if parent_pid is not None and parent_pid >= 0 else None,
    )


def _address_piece(fields: Mapping[str, Any]) -> Piece | None:
    value = _first(fields, "ipAddress", "Address", "address", "RemoteIP", "LocalIP")
    place = object_at(fields, "location") or object_at(fields, "Location")
    country = _first(fields, "countryLetterCode") or _first(place, "CountryCode", "countryCode")
    where = location({**place, "countryOrRegion": country}) if country else location(place)
    found = located(value, location=where or None)
    return {"src_endpoint": found} if found else None


def _mail_piece(fields: Mapping[str, Any]) -> Piece | None:
    sender = email(_first(fields, "p2Sender", "Sender", "P2Sender", "sender")) or email(
        _first(object_at(fields, "p2Sender"), "emailAddress")
    )
    to = email(_first(fields, "recipientEmailAddress", "Recipient", "recipient"))
    if not (sender or to):
        return None
    mail = drop_none(**{"from": sender}, to=[to] if to else None, subject=_first(fields, "subject", "Subject"))
    ids = drop_none(
        uid=_first(fields, "networkMessageId", "NetworkMessageId"),
        message_uid=_first(fields, "internetMessageId", "InternetMessageId"),
    )
    return {"email": mail | ids}


def _url_piece(fields: Mapping[str, Any]) -> Piece | None:
    value = _first(fields, "url", "Url", "RemoteUrl")
    return {"url": {"url_string": value[:2048]}} if value else None


def _mailbox_piece(fields: Mapping[str, Any]) -> Piece | None:
    inner = object_at(fields, "userAccount")
    upn = _first(fields, "primaryAddress", "MailboxPrimaryAddress", "Upn", "mailboxPrimaryAddress")
    found = account_of(inner) if inner else principal(upn, _first(fields, "AadId"))
    return {"user": found} if found else None


def _resource_piece(fields: Mapping[str, Any]) -> Piece | None:
    uid = _first(fields, "resourceId", "ResourceId", "amazonResourceId", "fullResourceName")
    found = resource_of(uid)
    return {"resources": [found]} if found else None


def _app_piece(fields: Mapping[str, Any]) -> Piece | None:
    uid = _first(fields, "appId", "AppId", "objectId")
    name = _first(fields, "displayName", "Name", "appName")
    return {"resources": [drop_none(uid=uid, name=name, type="Application")]} if uid or name else None


def _piece(name: str, found: dict[str, Any] | None) -> Piece | None:
    return {name: found} if found else None


def piece_of(kind: str, fields: Mapping[str, Any], resolve: Callable[[Any], Mapping[str, Any]]) -> Piece | None:
    """Return the evidence that an entity gives.

    Args:
        kind: Its type, lower case and without a namespace (`user`, `deviceevidence`, `ip`).
        fields: The entity.
        resolve: Find the object that a reference within it means.
    """
    kind = kind.removesuffix("evidence")
    if kind in {"user", "account"}:
        inner = object_at(fields, "userAccount")
        return _piece("user", account_of(inner or fields))
    if kind in {"device", "host", "machine"}:
        return _piece("device", device_of(fields))
    if kind in {"file", "filehash"}:
        return _piece("file", file_of(object_at(fields, "fileDetails") or fields))
    if kind == "process":
        found = process_of(fields, resolve)
        return _piece("process", found) or _piece("file", file_of(resolve(fields.get("ImageFile")) or fields))
    take = _SIMPLE.get(kind)
    return take(fields) if take else None


_SIMPLE: Final[Mapping[str, Callable[[Mapping[str, Any]], Piece | None]]] = {
    "ip": _address_piece,
    "url": _url_piece,
    "mailbox": _mailbox_piece,
    "mailmessage": _mail_piece,
    "analyzedmessage": _mail_piece,
    "azureresource": _resource_piece,
    "azure-resource": _resource_piece,
    "amazonresource": _resource_piece,
    "googlecloudresource": _resource_piece,
    "cloudapplication": _app_piece,
    "cloud-application": _app_piece,
    "oauthapplication": _app_piece,
}


def graph_pieces(items: Iterable[Mapping[str, Any]]) -> list[Piece]:
    """Return what the evidence of a Graph alert, or of a Defender API, gives."""
    found = (piece_of(_graph_kind(item), item, _as_object) for item in items)
    return [piece for piece in found if piece][:MAX_PIECES]


def _graph_kind(item: Mapping[str, Any]) -> str:
    named = (
        item.get(name) for name in ("@odata.type", "at_sign_odata_type", "entityType", "EntityType", "evidenceType")
    )
    return (next(filter(None, map(text, named)), "")).rpartition(".")[2].lower()


def _as_object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def sentinel_pieces(items: list[Any]) -> list[Piece]:
    """Return what the entities of a Sentinel alert give; they refer to each other by `$id` and `$ref`."""
    entities = [item for item in items[: MAX_PIECES * 8] if isinstance(item, dict)]
    ids: dict[str, Mapping[str, Any]] = {}
    for entity in entities:
        for inner in (entity, *(value for value in entity.values() if isinstance(value, dict))):
            if "Type" in inner or "type" in inner:
                ids.setdefault(text(inner.get("$id")) or "", inner)

    def resolve(value: Any) -> Mapping[str, Any]:
        found = _as_object(value)
        return ids.get(text(found["$ref"]) or "", {}) if "$ref" in found else found

    named = ((text(entity.get("Type")) or text(entity.get("type")) or "", entity) for entity in entities)
    pieces = (piece_of(kind.lower(), entity, resolve) for kind, entity in named)
    return [piece for piece in pieces if piece][:MAX_PIECES]
