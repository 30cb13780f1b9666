"""Whom an event is about and who acts in it, and by what they can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from enrichers.base import Path

NAMES: Final = ("uid_alt", "uid", "email_addr", "name", "domain")
USER: Final = ("user",)
ACTOR: Final = ("actor", "user")
ACTING_PROCESS: Final = ("actor", "process", "user")
PROCESS: Final = ("process", "user")


def users_of(body: Mapping[str, Any]) -> list[tuple[Path, Mapping[str, Any]]]:
    """Return the users of an OCSF event with their paths."""
    found: list[tuple[Path, Mapping[str, Any]]] = []
    user, actor, process = body.get("user"), body.get("actor"), body.get("process")
    if type(user) is dict:
        found.append((USER, user))
    if type(actor) is dict:
        user, acting = actor.get("user"), actor.get("process")
        if type(user) is dict:
            found.append((ACTOR, user))
        if type(acting) is dict and type(user := acting.get("user")) is dict:
            found.append((ACTING_PROCESS, user))
    if type(process) is dict and type(user := process.get("user")) is dict:
        found.append((PROCESS, user))
    return found


def user_names(user: Mapping[str, Any], host: str | None) -> tuple[Any, ...]:
    """Return what a user is found by: NAMES, its employee id, and the host where it makes a difference.

    That is where the user has no domain, or that of the host itself. Anything may be in the place of a name.

    Args:
        user: OCSF user.
        host: Comparable name of the host that the event is from, when it is from one.
    """
    domain, employee = user.get("domain"), None
    if "ldap_person" in user:
        person = user["ldap_person"]
        employee = person.get("employee_uid") if isinstance(person, dict) else None
    if host is not None and domain and isinstance(domain, str) and domain.lower() != host:
        host = None
    return user.get("uid_alt"), user.get("uid"), user.get("email_addr"), user.get("name"), domain, employee, host
