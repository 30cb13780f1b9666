"""What endpoint sensors of every vendor speak of, as OCSF objects: platforms, users, processes, files, hashes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources.base import drop_none, integer
from streams.sources.linux import machine
from streams.sources.objects import fingerprint
from streams.sources.windows.objects import user as windows_user
from streams.sources.windows.sigma import WELL_KNOWN_USERS

WINDOWS, LINUX, MACOS = "windows", "linux", "macos"  # Sigma's products
OS: Final[Mapping[str, dict[str, Any]]] = {
    WINDOWS: {"name": "Windows", "type": "Windows", "type_id": 100},
    LINUX: {"name": "Linux", "type": "Linux", "type_id": 200},
    MACOS: {"name": "macOS", "type": "macOS", "type_id": 300},
}
INTEGRITY_IDS: Final = {"untrusted": 1, "low": 2, "medium": 3, "high": 4, "system": 5, "protected": 6}
OTHER: Final = 99
MAX_CACHED: Final = 512
MAX_HOSTNAME: Final = 253
MAX_PID: Final = 2**32
_PLATFORMS: Final = (("win", WINDOWS), ("lin", LINUX), ("mac", MACOS), ("osx", MACOS), ("darwin", MACOS))
_NOBODY: Final = frozenset({"", "-", "N/A", "n/a", "unknown", "S-1-0-0"})
_ZEROS: Final = frozenset("0" * length for length in (32, 40, 64))


def platform_of(word: Any) -> str:
    """Return Sigma's product for a vendor's word for an operating system, empty for none that is known."""
    return _platform(word) if isinstance(word, str) and len(word) <= MAX_CACHED else ""


@lru_cache(maxsize=256)
def _platform(word: str) -> str:
    lowered = word.lower()
    return next((product for start, product in _PLATFORMS if start in lowered), "")


def host(name: str | None, uid: str | None, platform: str = "", **more: Any) -> dict[str, Any]:
    """Return the device a sensor runs on: by its name, else by the sensor's id, which then is its name.

    Args:
        name: Host name; one with a domain and a backslash in front is taken apart.
        uid: Id of the sensor.
        platform: From `platform_of`.
        more: Further attributes (`ip`, `domain`, `mac` ...).
    """
    named: dict[str, Any] = {"name": uid or "unknown"}
    if name and len(name) <= MAX_HOSTNAME:
        domain, _, short = name.rpartition("\\")
        named = {"hostname": short or name, **({"domain": domain} if domain else {})}
    return {"type_id": 0, **named, **drop_none(uid=uid, os=OS.get(platform), **more)}


def someone(name: str | None, sid: str | None = None, domain: str | None = None, *, unix: bool = False) -> Any:
    r"""Return a user, None when nobody is named.

    Args:
        name: Login name, `DOMAIN\name` or a UPN.
        sid: Windows SID, or the number of a Unix user.
        domain: Its domain where the name has none in front.
        unix: Whether it is a user of Linux or macOS.
    """
    if len(name or "") + len(sid or "") + len(domain or "") > MAX_CACHED:
        return drop_none(name=name, uid=sid, domain=domain) if name or sid else None
    found = _someone(name or "", sid or "", domain or "", unix)
    return found.copy() if found else None


@lru_cache(maxsize=8192)
def _someone(name: str, sid: str, domain: str, unix: bool) -> dict[str, Any] | None:
    name = "" if name in _NOBODY else name
    sid = "" if sid in _NOBODY else sid
    if unix:
        return machine.user(name, sid)
    front, slash, bare = (name or WELL_KNOWN_USERS.get(sid, "")).rpartition("\\")
    return windows_user(bare or None, front if slash and front else domain or None, sid or None)


def integrity(word: Any) -> dict[str, Any]:
    """Return the integrity attributes of a process for a vendor's word for the level, none for no word."""
    if not isinstance(word, str) or not word or word.lower() == "unknown":
        return {}
    known = word.lower()
    return {"integrity": known.capitalize(), "integrity_id": INTEGRITY_IDS.get(known, OTHER)}


def hashes(*digests: Any) -> list[dict[str, Any]]:
    """Return the fingerprints among these values; what is no digest, or one of zeros only, is left out."""
    found = (fingerprint(digest) for digest in digests if isinstance(digest, str) and digest not in _ZEROS)
    return [item for item in found if item and item["algorithm_id"]]


def pid(value: Any) -> int | None:
    """Return the number of a process, None for what is none."""
    number = integer(value)
    return number if number is not None and 0 <= number < MAX_PID else None


def file(path: str | None, digests: list[dict[str, Any]] | None = None, type_id: int = 1) -> dict[str, Any] | None:
    """Return a file by its path, Unix' or Windows', None when there is no path."""
    if not path:
        return None
    made = {"name": base_name(path), "path": path, "type_id": type_id}
    if digests:
        made["hashes"] = digests
    return made


def base_name(path: str) -> str:
    """Return the last part of a path, Unix' or Windows'."""
    name = path[-MAX_CACHED:].rstrip("\\/")
    name = name[name.rfind("\\") + 1 :]
    return name[name.rfind("/") + 1 :] or path


def process(number: int | None, uid: str | None, path: str | None, **more: Any) -> dict[str, Any] | None:
    """Return a process; None when neither its number nor an id is known: OCSF takes no process by name alone.

    Args:
        number: From `pid`.
        uid: The sensor's own id of it, unique over time.
        path: Path of its program.
        more: Further attributes: `digests` of the program (from `hashes`), `name`, `cmd_line`, `user` ...
    """
    if number is None and not uid:
        return None
    image = file(path, more.pop("digests", None))
    name = more.pop("name", None) or (image["name"] if image else None)
    return drop_none(pid=number, uid=uid, name=name, file=image, **more)


def acting(acts: dict[str, Any] | None, who: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an actor of a process and a user (the process's own where it is not given); one of no name for neither."""
    who = who or (acts.get("user") if acts else None)
    return drop_none(process=acts, user=who) or {"app_name": "unknown"}
