"""Who signed in: where from, into which session, onto which host, and which names that person has.

Windows and Linux tell a logon by an id that is good on its host only; there the account that asked for the logon (a
service, another user) is not who works in the session, whereas with cloud credentials it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from enrichers.entities import child, host_of
from enrichers.links.observation import (
    BY_CREDENTIALS,
    BY_DIRECTORY,
    BY_ISSUER,
    BY_LOGON,
    BY_SWITCH,
    Pair,
    lasting,
    pair,
)
from enrichers.names import ACCOUNT_SIDS, address, plain, session_id, user_name

SUCCESS: Final = 1
AT_THE_HOST: Final = frozenset({2, 7, 10, 11, 12, 13})  # OCSF logon types of who works there, not of who fetches a file
EXPLICIT_CREDENTIALS: Final = "4648"  # Windows: somebody used the password of another account
SHELL: Final = "sshd"


def signed_in(event: Mapping[str, Any]) -> Iterator[Pair]:
    """Observe a successful sign-in."""
    if event.get("status_id") != SUCCESS:
        return
    host, user = host_of(event), child(event, "user")
    name = user_name(user, host)
    session = child(event, "session")
    yield from pair("user", name, "ip", address(child(event, "src_endpoint").get("ip")), BY_LOGON)
    for value in (session.get("uid"), session.get("credential_uid")):
        yield from pair("session", session_id(value, host), "user", name, BY_ISSUER)
    if host and _works_there(event):
        yield from pair("user", name, "host", host, BY_LOGON)
    yield from _other_names(user, name)
    yield from _on_behalf(event, name, host)


def _works_there(event: Mapping[str, Any]) -> bool:
    return event.get("logon_type_id") in AT_THE_HOST or child(event, "service").get("name") == SHELL


def _other_names(user: Mapping[str, Any], name: str | None) -> Iterator[Pair]:
    """Observe the names that a directory has for one account; the e-mail address in a role's session is a claim."""
    if name and not name.startswith("arn:"):
        yield from pair("user", name, "user", plain(user.get("email_addr")), BY_DIRECTORY)
        for uid in (plain(user.get("uid")), plain(user.get("uid_alt"))):
            if uid and uid.startswith(ACCOUNT_SIDS):
                yield from pair("user", name, "user", uid, BY_DIRECTORY)


def _on_behalf(event: Mapping[str, Any], name: str | None, host: str | None) -> Iterator[Pair]:
    """Observe who acts as another: who assumed the role, who impersonates, who used another's password."""
    caller = user_name(child(child(event, "actor"), "user"), host)
    if host is None:
        session = session_id(child(event, "session").get("uid"), None)
        yield from lasting(event, pair("session", session, "user", caller, BY_ISSUER))
        yield from lasting(event, pair("user", name, "user", caller, BY_SWITCH))
    elif child(event, "metadata").get("event_code") == EXPLICIT_CREDENTIALS:
        yield from pair("user", name, "user", caller, BY_CREDENTIALS)
