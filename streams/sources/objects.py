"""Build the OCSF objects that records of every vendor speak of. What names nobody and nothing is None, never empty.

Source: OCSF 1.8.0: what each object requires, and its enumerations. Vendors with words of their own for these have
their own module beside their source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources.base import drop_none, integer, ip, port
from streams.sources.fields import email

OTHER: Final = 99
SUCCESS: Final = {"status_id": 1, "status": "Success"}
FAILURE: Final = {"status_id": 2, "status": "Failure"}
SEVERITY_IDS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("debug", "info", "informational", "information", "notice", "none", "trace"), 1),
    **dict.fromkeys(("low", "minor"), 2),
    **dict.fromkeys(("medium", "moderate", "warn", "warning"), 3),
    **dict.fromkeys(("high", "major", "error", "err"), 4),
    **dict.fromkeys(("critical", "crit", "severe", "alert"), 5),
    **dict.fromkeys(("fatal", "emergency", "emerg"), 6),
}
ACCOUNT_TYPES: Final = {"AWS": 10, "GCP": 11, "Azure": 13}  # account, project, subscription
_ALGORITHMS: Final = {"MD5": 1, "SHA-1": 2, "SHA-256": 3, "SHA-512": 4, "IMPHASH": 18}
_BY_LENGTH: Final = {32: "MD5", 40: "SHA-1", 64: "SHA-256", 128: "SHA-512"}
_SPELLINGS: Final = {"SHA1": "SHA-1", "SHA256": "SHA-256", "SHA512": "SHA-512"}
_HEX: Final = re.compile(r"[0-9A-Fa-f]{8,128}", re.ASCII)
_SYSTEMS: Final = (("win", 100), ("mac", 300), ("darwin", 300), ("os x", 300), ("ios", 301), ("iphone", 301))
_LINUXES: Final = (
    "linux",
    "ubuntu",
    "debian",
    "rhel",
    "red hat",
    "centos",
    "fedora",
    "suse",
    "amazon",
    "alma",
    "rocky",
)
_PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmp6", 132: "sctp"}
_NUMBERS: Final = {name: number for number, name in _PROTOCOLS.items()}
_TACTIC: Final = re.compile(r"[^a-z0-9]+")
_TECHNIQUE: Final = re.compile(r"\bT\d{4}(?:\.\d{3})?\b", re.ASCII)
_CACHED_CHARS: Final = 64


def user(
    name: str | None = None, *, uid: str | None = None, mail: str | None = None, type_id: int | None = None, **more: Any
) -> dict[str, Any] | None:
    """Return a user; None when neither name nor uid nor e-mail address is known.

    Args:
        name: Login name, UPN, or whatever the vendor calls the user by.
        uid: Vendor's id, SID, ARN.
        mail: E-mail address; taken from the name where that is one.
        type_id: 0 unknown, 1 user, 2 admin, 3 system, 4 service, 99 other.
        more: Further attributes (`domain`, `full_name`, `groups`, `org`, `account`, `credential_uid` ...).
    """
    address = email(mail) or email(name)
    if not (name or uid or address):
        return None
    return drop_none(name=name or address, uid=uid, email_addr=address, type_id=type_id, **more)


def endpoint(address: Any = None, port_: Any = None, hostname: str | None = None, **more: Any) -> dict[str, Any] | None:
    """Return a network endpoint; None when nothing names it (a port alone does not). What is no address is left out."""
    found = drop_none(ip=ip(address), hostname=hostname, **more)
    number = port(port_) if found else None
    return found | ({} if number is None else {"port": number}) or None


def device(hostname: str | None, *, type_id: int = 0, os: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the device an event is from; classes that require one get one that is called unknown.

    Args:
        hostname: Its name, short or full.
        type_id: 0 unknown, 1 server, 2 desktop, 3 laptop, 6 virtual ...
        os: Name of its operating system.
        more: Further attributes (`ip`, `mac`, `uid`, `instance_uid`, `region`, `domain`, `interface_uid` ...).
    """
    names = {"hostname": hostname} if hostname else {} if more.get("uid") or more.get("ip") else {"name": "unknown"}
    return {"type_id": type_id, **names, **drop_none(os=operating_system(os), **more)}


def operating_system(name: str | None) -> dict[str, Any] | None:
    """Return an operating system by its name."""
    if not name:
        return None
    lowered = name.lower()
    if any(word in lowered for word in _LINUXES):
        return {"name": name, "type": "Linux", "type_id": 200}
    known = next((type_id for word, type_id in _SYSTEMS if word in lowered), 0)
    return {"name": name, "type_id": known}


def file(path: str, *, hashes: Iterable[dict[str, Any] | None] = (), type_id: int = 1, **more: Any) -> dict[str, Any]:
    """Return a file by its path, Unix' or Windows'."""
    name = re.split(r"[\\/]", path[-1024:].rstrip("\\/"))[-1] or path
    return {"name": name, "path": path, "type_id": type_id, **drop_none(hashes=[h for h in hashes if h], **more)}


def fingerprint(digest: str | None, algorithm: str = "") -> dict[str, Any] | None:
    """Return a hash value, its algorithm told from its length when it is not given; None when it is none."""
    if not digest or not _HEX.fullmatch(digest):
        return None
    name = algorithm.upper() or _BY_LENGTH.get(len(digest), "")
    name = _SPELLINGS.get(name, name)
    return {
        "algorithm": name or "Unknown",
        "algorithm_id": _ALGORITHMS.get(name, 0 if not name else OTHER),
        "value": digest,
    }


def process(
    pid: int | None = None,
    *,
    uid: str | None = None,
    path: str | None = None,
    name: str | None = None,
    image: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any] | None:
    """Return a process; None when neither its number nor an id is known: OCSF takes no process by name alone.

    Args:
        pid: Its number.
        uid: An id of the vendor that is unique over time.
        path: Path of its program.
        name: Name; taken from the path where it is not given.
        image: Its file, where more than the path is known of it.
        more: Further attributes (`cmd_line`, `user`, `parent_process`, `container`, `session` ...).
    """
    image = image or (file(path) if path else None)
    name = name or (image["name"] if image else None)
    if pid is None and not uid:
        return None
    return drop_none(pid=pid, uid=uid, name=name, file=image, **more)


def cloud(provider: str, account_uid: str | None = None, region: str | None = None, **more: Any) -> dict[str, Any]:
    """Return where in a cloud an event is from: `AWS`, `GCP`, `Azure` and the account, project or subscription."""
    account = {"uid": account_uid, "type_id": ACCOUNT_TYPES.get(provider, OTHER)} if account_uid else None
    return drop_none(provider=provider, account=account, region=region, **more)


def status(*, ok: bool | None, code: Any = None, detail: str | None = None, word: str | None = None) -> dict[str, Any]:
    """Return the status attributes of an event.

    Args:
        ok: Whether what the event tells of succeeded, None when it does not say.
        code: Vendor's result code.
        detail: Vendor's reason.
        word: Vendor's word for a status that is neither success nor failure.
    """
    base = {True: SUCCESS, False: FAILURE}.get(ok) if ok is not None else None
    if base is None:
        base = {"status_id": OTHER, "status": word} if word else {}
    return {**base, **drop_none(status_code=None if code is None else str(code), status_detail=detail)}


def connection(protocol: Any = None, direction_id: int = 0, **more: Any) -> dict[str, Any]:
    """Return `connection_info`: protocol by IANA number or name; direction 0 unknown, 1 in, 2 out, 3 lateral."""
    name = protocol.lower() if isinstance(protocol, str) and len(protocol) <= _CACHED_CHARS else None
    if name is not None and name.isascii() and name.isdigit():
        protocol, name = integer(name), None
    number = _NUMBERS.get(name) if name else integer(protocol)
    name = name or _PROTOCOLS.get(number if number is not None else -1)
    return {"direction_id": direction_id, **drop_none(protocol_name=name, protocol_num=number, **more)}


def severity_id(word: Any) -> int:
    """Return the OCSF severity for a vendor's word, 1 (informational) for none, 99 for one that is not known."""
    return SEVERITY_IDS.get(word.lower(), OTHER) if isinstance(word, str) and word else 1


def attacks(*values: Any) -> list[dict[str, Any]]:
    """Return ATT&CK references from whatever alerts write: technique ids within texts, names of tactics, lists of both.

    Techniques come first, in order; tactics keep their ATT&CK name in Sigma's spelling (`lateral-movement`).
    """
    texts = [text for value in values for text in (value if isinstance(value, list) else [value])]
    found: dict[str, dict[str, Any]] = {}
    for text in texts[:32]:
        if isinstance(text, str):
            for item in _attacks(text[:256]):
                found.setdefault(str(item), item)
    return list(found.values())


@lru_cache(maxsize=2048)
def _attacks(text: str) -> tuple[dict[str, Any], ...]:
    techniques = _TECHNIQUE.findall(text)
    if techniques:
        return tuple(_technique(uid) for uid in techniques)
    name = _TACTIC.sub("-", text.lower()).strip("-")
    name = TACTIC_SPELLINGS.get(name.replace("-", ""), "")
    return ({"tactic": {"name": name}},) if name else ()


def _technique(uid: str) -> dict[str, Any]:
    parent, dot, _ = uid.partition(".")
    return {"technique": {"uid": parent}} | ({"sub_technique": {"uid": uid}} if dot else {})


TACTIC_SPELLINGS: Final = {
    name.replace("-", ""): name
    for name in (
        "reconnaissance",
        "resource-development",
        "initial-access",
        "execution",
        "persistence",
        "privilege-escalation",
        "defense-evasion",
        "credential-access",
        "discovery",
        "lateral-movement",
        "collection",
        "command-and-control",
        "exfiltration",
        "impact",
    )
}


def finding(
    title: str,
    uid: str,
    *,
    rule_uid: str | None = None,
    rule: str | None = None,
    desc: str | None = None,
    attack: list[dict[str, Any]] | None = None,
    created_time: int | None = None,
    types: list[str] | None = None,
    url: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return the `finding_info` of a Detection Finding, the alert of another system.

    Args:
        title: What the vendor calls the alert.
        uid: Vendor's id of this alert.
        rule_uid: Vendor's id of what raised it; the title where there is none, so that equal alerts count together.
        rule: Name of what raised it; the title where there is none.
        desc: A description.
        attack: From `attacks`.
        created_time: When the vendor raised it, ms.
        types: Vendor's kinds of alert.
        url: Where to look at it (`src_url`).
        more: Further attributes.
    """
    analytic = {"uid": rule_uid or rule or title, "name": rule or title, "type_id": 1, "type": "Rule"}
    return {
        "title": title,
        "uid": uid,
        "analytic": analytic,
        **drop_none(desc=desc, attacks=attack, created_time=created_time, types=types, src_url=url, **more),
    }
