"""What the audit logs of services have in common below the level of events: verbs, factors, places, leftovers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources.base import drop_none, text
from streams.sources.objects import endpoint

OTHER: Final = 99
MAX_WORD: Final = 128  # of words that a cache is keyed by
METHODS: Final = {"POST": 1, "GET": 2, "HEAD": 2, "PUT": 3, "PATCH": 3, "DELETE": 4}  # API Activity
HTTP_METHODS: Final = frozenset({*METHODS, "CONNECT", "OPTIONS", "TRACE"})
PASSWORD_OR_UNKNOWN: Final = frozenset({0, 11})  # auth factors that do not make a sign-in multi-factor

_NAMING: Final = frozenset({"ip", "uid", "name", "hostname", "svc_name"})
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_PARTS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+", re.ASCII)
_VERBS: Final = {  # Entity Management; the first four are API Activity's too
    **dict.fromkeys(("create", "created", "add", "added", "new", "opened", "install", "installed", "upload"), 1),
    **dict.fromkeys(("uploaded", "register", "registered", "generate", "generated", "invite", "import"), 1),
    **dict.fromkeys(("read", "view", "viewed", "get", "list", "download", "downloaded", "export", "exported"), 2),
    **dict.fromkeys(("update", "updated", "edit", "edited", "change", "changed", "modify", "set", "rename"), 3),
    **dict.fromkeys(("renamed", "reset", "rotate", "rotated", "upsert", "grant", "granted"), 3),
    **dict.fromkeys(("delete", "deleted", "remove", "removed", "destroy", "destroyed", "revoke", "revoked"), 4),
    **dict.fromkeys(("uninstall", "uninstalled", "clear", "cleared", "purge"), 4),
    **dict.fromkeys(("move", "moved", "transfer", "transferred"), 5),
    **dict.fromkeys(("enroll", "enrolled"), 6),
    **dict.fromkeys(("unenroll", "unenrolled"), 7),
    **dict.fromkeys(("enable", "enabled"), 8),
    **dict.fromkeys(("disable", "disabled"), 9),
    **dict.fromkeys(("activate", "activated", "reactivate", "unarchived", "restore", "restored", "unblock"), 10),
    **dict.fromkeys(("deactivate", "deactivated", "archive", "archived", "block", "blocked"), 11),
    **dict.fromkeys(("suspend", "suspended"), 12),
    **dict.fromkeys(("unsuspend", "unsuspended", "resume", "resumed"), 13),
}
_FACTORS: Final = (  # a part of a vendor's word for a factor, and OCSF's factor_type_id; the first that fits
    ("push", 5),
    ("verified", 5),
    ("webauthn", 10),
    ("fido", 10),
    ("passkey", 10),
    ("platform", 10),
    ("u2f", 9),
    ("security key", 9),
    ("yubikey", 6),
    ("hardware", 6),
    ("hard token", 6),
    ("duo_mobile", 7),
    ("sms", 1),
    ("phone", 3),
    ("call", 3),
    ("voice", 3),
    ("question", 2),
    ("email", 8),
    ("biometric", 4),
    ("touch", 4),
    ("totp", 7),
    ("otp", 7),
    ("passcode", 7),
    ("token", 7),
    ("authenticator", 7),
    ("password", 11),
)


@lru_cache(maxsize=8192)
def verb_of(operation: str) -> int:
    """Return the Entity Management activity that the last verb in a vendor's word for an operation means, 99 for none.

    Args:
        operation: Words apart by anything, or in CamelCase; cut to MAX_WORD by the caller.
    """
    words = [word.lower() for word in _PARTS.findall(operation)]
    return next((_VERBS[word] for word in reversed(words) if word in _VERBS), OTHER)


@lru_cache(maxsize=512)
def _factor_type_id(word: str) -> int:
    return next((number for part, number in _FACTORS if part in word), OTHER)


def factor(word: str | None, provider: str | None = None) -> list[dict[str, Any]]:
    """Return the factor somebody signed in with as `auth_factors`, none when the vendor does not say."""
    if not word:
        return []
    return [drop_none(factor_type=word, factor_type_id=_factor_type_id(word[:MAX_WORD].lower()), provider=provider)]


def is_mfa(factors: Iterable[Mapping[str, Any]]) -> bool | None:
    """Tell that a second factor was used; None where only a password or nothing known was."""
    return any(f["factor_type_id"] not in PASSWORD_OR_UNKNOWN for f in factors) or None


def place(city: Any = None, region: Any = None, country: Any = None, **more: Any) -> dict[str, Any]:
    """Return a location, empty when neither city nor region nor country nor postal code is known."""
    named = drop_none(city=text(city), region=text(region), country=text(country), postal_code=text(more.get("postal")))
    return named | drop_none(lat=_number(more.get("lat")), long=_number(more.get("lon"))) if named else {}


def client(address: Any, port: Any = None, hostname: str | None = None, **more: Any) -> dict[str, Any] | None:
    """Return the endpoint somebody worked from; where only its place is known, OCSF wants a name all the same."""
    found = endpoint(address, port, hostname, **more)
    return {"name": "unknown", **found} if found and _NAMING.isdisjoint(found) else found


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def request(agent: Any = None, uid: Any = None, method: Any = None, url: Any = None, **more: Any) -> dict[str, Any]:
    """Return the HTTP request behind an event, empty when nothing is known of it.

    Args:
        agent: User agent.
        uid: Vendor's id of the request.
        method: HTTP method in any case.
        url: URL, or the path of one.
        more: Further attributes (`referrer`, ...).
    """
    verb = method.upper() if isinstance(method, str) and len(method) <= MAX_WORD else None
    target = text(url)
    return drop_none(
        user_agent=text(agent),
        uid=text(uid),
        http_method=verb if verb in HTTP_METHODS else None,
        url={"path" if target.startswith("/") else "url_string": target} if target else None,
        **more,
    )


def leftovers(fields: Mapping[str, Any], mapped: frozenset[str]) -> dict[str, Any]:
    """Return the fields of a record that have a value and that no attribute took."""
    return {name: value for name, value in fields.items() if name not in mapped and value not in _EMPTY}


def first(fields: Mapping[str, Any], *names: str) -> Any:
    """Return the first value there is under any of the names, None when there is none."""
    for name in names:
        value = fields.get(name)
        if value is not None and value != "":
            return value
    return None
