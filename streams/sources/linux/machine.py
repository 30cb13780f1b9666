"""The Linux machine an event is from, and the users, sessions and processes on it, as OCSF."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from models.records import RawRecord
from streams.sources.base import drop_none, integer, ip

MAX_HOSTNAME: Final = 253
MAX_ID: Final = 2**32 - 1
MAX_DIGITS: Final = 20
UNSET: Final = frozenset({"4294967295", "-1", "unset", "?", "", "(none)", "(null)"})  # no login user, no session
ROOT: Final = "root"
USER, ADMIN = 1, 2  # OCSF user types
LINUX: Final = {"name": "Linux", "type": "Linux", "type_id": 200}


def machine(named: str, record: RawRecord, address: Any = None) -> tuple[dict[str, Any], bool]:
    """Return the device, and whether the record's own bytes name it.

    Args:
        named: Name in the record, empty where it has none: then the shipper's is taken.
        record: The raw record.
        address: Its address, where the record tells it.
    """
    host = named or record.context.host
    made = _device(host[: MAX_HOSTNAME + 1]).copy()
    own = ip(address)
    return (made | {"ip": own} if own else made), bool(named)


@lru_cache(maxsize=4096)
def _device(host: str) -> dict[str, Any]:
    if not host or len(host) > MAX_HOSTNAME:
        return {"name": host or "unknown", "type_id": 0, "os": LINUX}
    return {"hostname": host, "type_id": 0, "os": LINUX, **drop_none(domain=host.partition(".")[2] or None)}


def user(name: Any = None, uid: Any = None) -> dict[str, Any] | None:
    """Return a local user by name and number; None when neither is known. Number 0 is root, whatever it is called."""
    name = name if isinstance(name, str) and name not in UNSET else None
    number = uid if isinstance(uid, str) and uid not in UNSET else None
    if name is None and number is None:
        return None
    is_root = number == "0" or (number is None and name == ROOT)
    return drop_none(name=name or (ROOT if is_root else None), uid=number, type_id=ADMIN if is_root else USER)


def someone(name: Any = None, uid: Any = None) -> dict[str, Any]:
    """Return a user where a class requires one: who is not known is called so, and is nobody in particular."""
    return user(name, uid) or {"name": "unknown", "type_id": 0}


def session(number: Any) -> dict[str, Any] | None:
    """Return the session with this number, None when there is none."""
    word = str(number) if isinstance(number, int | str) else ""
    return None if word in UNSET else {"uid": word}


def number(value: Any) -> int | None:
    """Return a process, user or group number; None for one that is unset or none at all."""
    return _number(value) if value.__class__ is str and len(value) <= MAX_DIGITS else _in_range(integer(value))


@lru_cache(maxsize=8192)
def _number(value: str) -> int | None:
    return _in_range(integer(value))


def _in_range(found: int | None) -> int | None:
    return found if found is not None and 0 <= found < MAX_ID else None
