"""Who works in a session, from what is done in it: API calls, processes, changes of accounts and groups.

Only the start of a session says whose it is, and a session may last for days: so every event in it says it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from enrichers.entities import child, host_of
from enrichers.links.observation import BY_CALL, BY_ISSUER, BY_PLATFORM, BY_SWITCH, Pair, pair
from enrichers.links.roles import instance_of_role, person_of_role
from enrichers.names import address, session_id, user_name


def acted(event: Mapping[str, Any]) -> Iterable[Pair]:
    """Observe whose session or credentials somebody acts with."""
    actor = child(event, "actor")
    return _holder(actor, host_of(event)) if "session" in actor else ()


def called(event: Mapping[str, Any]) -> Iterator[Pair]:
    """Observe the same of a call to a service, and the address it came from."""
    actor, host = child(event, "actor"), host_of(event)
    user = child(actor, "user")
    if not user:
        return
    name, held = user_name(user, host), _held(actor, user, host)
    yield from pair("user", name, "ip", address(child(event, "src_endpoint").get("ip")), BY_CALL)
    yield from pair("user", name, "workload", instance_of_role(user.get("uid_alt")), BY_PLATFORM)
    person = person_of_role(user, name)
    yield from pair("user", name, "user", person, BY_SWITCH)
    for session in held:
        yield from pair("session", session, "user", name, BY_ISSUER)
        yield from pair("session", session, "user", person, BY_SWITCH)


def ran(event: Mapping[str, Any]) -> Iterable[Pair]:
    """Observe in whose logon a process runs, started or starting, and so who is at work on the host."""
    actor = child(event, "actor")
    all_of_them = (actor, child(actor, "process"), child(event, "process"))
    holders = tuple(holder for holder in all_of_them if "session" in holder)
    return _at_work(holders, host_of(event)) if holders else ()


def _at_work(holders: tuple[Mapping[str, Any], ...], host: str | None) -> Iterator[Pair]:
    for holder in holders:
        for found in _holder(holder, host):
            yield found
            yield from pair("user", found.right.value, "host", host, BY_CALL)


def _holder(holder: Mapping[str, Any], host: str | None) -> Iterator[Pair]:
    user = holder.get("user")
    held = _held(holder, user, host) if isinstance(user, dict) else ()
    if held:
        name = user_name(child(holder, "user"), host)
        for session in held:
            yield from pair("session", session, "user", name, BY_ISSUER)


def _held(holder: Mapping[str, Any], user: Mapping[str, Any], host: str | None) -> tuple[str, ...]:
    """Return the sessions and credentials that somebody acts with."""
    session = child(holder, "session")
    stated = (session.get("uid"), session.get("credential_uid"), user.get("credential_uid"))
    return tuple(sorted({name for value in stated if value and (name := session_id(value, host))}))
