"""Build OCSF objects from the data fields of Windows events: users, processes, files, endpoints, sessions.

Source: OCSF 1.8.0. A value that does not fit its attribute stays where it was and ends up in `unmapped`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from streams.sources.base import drop_none
from streams.sources.windows.record import MAX_CACHED, OTHER, Fields

SID_PREFIX: Final = "S-1-"
NULL_SID: Final = "S-1-0-0"
ADMINISTRATOR_RID: Final = "-500"
SYSTEM_SID: Final = "S-1-5-18"
SERVICE_SIDS: Final = frozenset({"S-1-5-19", "S-1-5-20"})
USER, ADMIN, SYSTEM_USER, SERVICE_USER = 1, 2, 3, 4  # OCSF user types
MAX_HOSTNAME: Final = 253  # characters of a domain name
REGULAR_FILE: Final = 1
AUTHENTICODE: Final = 4
SIGNATURE_STATES: Final = {"valid": 1, "expired": 2, "revoked": 3}
FINGERPRINTS: Final = {
    "MD5": (1, "MD5"),
    "SHA1": (2, "SHA-1"),
    "SHA256": (3, "SHA-256"),
    "SHA512": (4, "SHA-512"),
    "IMPHASH": (18, "Imphash"),
}
MAX_HASHES: Final = 8

SUBJECT: Final = ("SubjectUserName", "SubjectDomainName", "SubjectUserSid")
TARGET: Final = ("TargetUserName", "TargetDomainName", "TargetUserSid")
TARGET_ACCOUNT: Final = ("TargetUserName", "TargetDomainName", "TargetSid")


def user(name: str | None, domain: str | None = None, sid: str | None = None) -> dict[str, Any] | None:
    """Return a user, or None when neither name nor a SID other than the null SID is known."""
    if len(name or "") + len(domain or "") + len(sid or "") > MAX_CACHED:
        return drop_none(name=name, domain=domain, uid=sid, type_id=0) if name or sid else None
    made = _user(name, domain, sid)
    return made and made.copy()


@lru_cache(maxsize=8192)
def _user(name: str | None, domain: str | None, sid: str | None) -> dict[str, Any] | None:
    if sid == NULL_SID:
        sid = None
    if name is None and sid is None:
        return None
    if name and domain and name.lower().endswith("@" + domain.lower()):
        name = name[: -len(domain) - 1] or name
    return drop_none(name=name, domain=domain, uid=sid, type_id=_user_type(name or "", sid or ""))


def _user_type(name: str, sid: str) -> int:
    if sid == SYSTEM_SID or name[-1:] == "$" or name == "SYSTEM":
        return SYSTEM_USER
    if sid in SERVICE_SIDS:
        return SERVICE_USER
    return ADMIN if sid.startswith("S-1-5-21-") and sid.endswith(ADMINISTRATOR_RID) else USER


def account(qualified: str | None) -> dict[str, Any] | None:
    """Return the user given by SID, by name, or with a domain in front and a backslash between."""
    if not qualified:
        return None
    if qualified.startswith(SID_PREFIX):
        return user(None, sid=qualified)
    if "\\" not in qualified:
        return user(qualified)
    domain, slash, name = qualified.rpartition("\\")
    return user(name, domain or None) if slash and name else user(qualified)


def take_user(fields: Fields, names: tuple[str, str, str]) -> dict[str, Any] | None:
    """Return the user in the three fields for name, domain and SID."""
    return user(fields.text(names[0]), fields.text(names[1]), fields.text(names[2]))


def take_session(fields: Fields, name: str) -> dict[str, Any] | None:
    """Return the logon session whose id (LUID) stands in a field, always as lower-case hex."""
    value = fields.integer(name)
    if value is None:
        return drop_none(uid=fields.text(name)) or None
    return {"uid": hex(value)} if value > 0 else None


@lru_cache(maxsize=8192)
def _base_name(path: str) -> str:
    name = path[path.rfind("\\") + 1 :] or path
    return name[name.rfind("/") + 1 :] or name


def file(path: str, type_id: int = REGULAR_FILE) -> dict[str, Any]:
    """Return a file by its Windows (or other) path."""
    name = _base_name(path) if len(path) <= MAX_CACHED else path[-MAX_CACHED:]
    return {"name": name, "path": path, "type_id": type_id}


def take_process(fields: Fields, pid: str, guid: str, image: str) -> dict[str, Any] | None:
    """Return the process in the fields for its id, GUID and image; None, taking nothing, when it has neither id."""
    made: dict[str, Any] = {}
    number = fields.pid(pid)
    if number is not None:
        made["pid"] = number
    uid = fields.guid(guid) if guid else None
    if uid is not None:
        made["uid"] = uid
    if not made:
        return None
    path = fields.text(image)
    if path is not None:
        image_file = made["file"] = file(path)
        made["name"] = image_file["name"]
    return made


def take_hashes(fields: Fields, name: str) -> list[dict[str, Any]]:
    """Return the fingerprints in Sysmon's `SHA256=...,IMPHASH=...`; anything else stays for `unmapped`."""
    value = fields.rest.get(name)
    found = list(_fingerprints(value)) if isinstance(value, str) else []
    if found:
        del fields.rest[name]
    return found


def _fingerprints(value: str) -> Iterator[dict[str, Any]]:
    for part in value.split(",", MAX_HASHES):
        algorithm, _, digest = part.partition("=")
        known = FINGERPRINTS.get(algorithm)
        if known and digest:
            yield {"algorithm_id": known[0], "algorithm": known[1], "value": digest}


def take_image_details(fields: Fields, image: dict[str, Any]) -> None:
    """Add to a file what Sysmon reads from its version resource, its hashes and its signature."""
    details = drop_none(
        version=fields.text("FileVersion"),
        desc=fields.text("Description"),
        company_name=fields.text("Company"),
        internal_name=fields.text("OriginalFileName"),
        hashes=take_hashes(fields, "Hashes"),
        signature=_signature(fields),
    )
    product = fields.text("Product")
    if product is not None:
        details["product"] = {"name": product}
    image.update(details)


def _signature(fields: Fields) -> dict[str, Any] | None:
    state = fields.text("SignatureStatus")
    if state is None:
        return None
    return {"algorithm_id": AUTHENTICODE, "state_id": SIGNATURE_STATES.get(state.lower(), OTHER), "state": state}


def endpoint(ip: str | None, port: int | None = None, hostname: str | None = None) -> dict[str, Any] | None:
    """Return a network endpoint, or None when it has neither address nor name."""
    if ip is None and hostname is None:
        return None
    return drop_none(ip=ip, port=port, hostname=hostname)


def take_endpoint(fields: Fields, ip: str, port: str, hostname: str = "") -> dict[str, Any] | None:
    """Return the endpoint in the fields for address, port and name; takes no port that would belong to nothing."""
    address, name = fields.ip(ip), fields.text(hostname)
    return endpoint(address, fields.port(port), name) if address or name else None


def device(computer: str | None) -> dict[str, Any]:
    """Return the computer that wrote the event. Classes require one, so a nameless one is called unknown."""
    made: dict[str, Any] = {"type_id": 0, "os": {"name": "Windows", "type": "Windows", "type_id": 100}}
    if computer is None:
        made["name"] = "unknown"
    elif len(computer) > MAX_HOSTNAME:
        made["name"] = computer
    else:
        made["hostname"] = computer
        domain = computer.partition(".")[2]
        if domain:
            made["domain"] = domain
    return made


def actor(
    process: dict[str, Any] | None = None,
    user_: dict[str, Any] | None = None,
    session: dict[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Return an actor, or None when nothing is known of it."""
    made: dict[str, Any] = {}
    if process is not None:
        made["process"] = process
    if user_ is not None:
        made["user"] = user_
    if session is not None:
        made["session"] = session
    return made or None


def take_subject(fields: Fields, process: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """Return the actor in the `Subject...` fields of audit events, with the process it acted through."""
    return actor(process, take_user(fields, SUBJECT), take_session(fields, "SubjectLogonId"))
