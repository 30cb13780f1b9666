"""Okta: suspend users, end their sessions, reset their factors. Source: the Okta management API, version 1 paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agents.executors.api import NOT_FOUND, Api, Told, at, identifier, segment
from agents.executors.base import ByKind, Outcome, done, failed
from agents.executors.switch import OFF, ON, THING, Seen, Switched
from models.action import Action

SUSPENDED, ACTIVE = "SUSPENDED", "ACTIVE"
USERS: Final = "/api/v1/users"
FOUND: Final = frozenset({NOT_FOUND})
CANNOT_TELL: Final = "Okta does not tell which sessions a user has, so this cannot be checked"
_LOGIN: Final = re.compile(r"[^\s@/\\]{1,100}@[^\s@/\\]{1,150}")


@dataclass(frozen=True, slots=True)
class Users:
    """Find users.

    Attributes:
        api: Of the organization in Okta.
        domain: What a bare user name is completed with to a login; empty to refuse bare names, which may be somebody
            else's in another system.
    """

    api: Api
    domain: str = ""

    async def find(self, action: Action, uid: str) -> tuple[str, str] | Outcome:
        """Return id and status of the user with an id, or else of the action's target."""
        login = self._login(action.target.value)
        if not uid and not _LOGIN.fullmatch(login):
            return failed("the target is no login of Okta: its name has no domain")
        told = await self.api.call("GET", f"{USERS}/{segment(uid or login)}", prepared=FOUND)
        if isinstance(told, Outcome):
            return told
        if told.status == NOT_FOUND:
            return failed("Okta knows no such user")
        return _user(told, uid, login)

    def _login(self, name: str) -> str:
        return f"{name}@{self.domain}" if self.domain and "@" not in name else name


def _user(told: Told, uid: str, login: str) -> tuple[str, str] | Outcome:
    """Read a user; one that was not asked for is not taken."""
    found, status = identifier(at(told.value, "id")), at(told.value, "status")
    if not found or not isinstance(status, str):
        return failed("Okta's answer holds no user")
    named = str(at(told.value, "profile", "login")).lower()
    if named != login.lower() or (uid and found != uid):  # a receipt alone does not say whose turn it is
        return failed("Okta answered with another user than was asked for")
    return found, status


@dataclass(frozen=True, slots=True)
class Suspension:
    """A user is suspended, or is not."""

    users: Users

    async def look(self, action: Action, thing: str) -> Seen | Outcome:
        """Return whether the user is suspended; others than active users cannot be."""
        if thing and not identifier(thing):
            return failed("the receipt holds no id of a user")
        found = await self.users.find(action, thing)
        if isinstance(found, Outcome):
            return found
        uid, status = found
        if status not in {ACTIVE, SUSPENDED}:
            return failed(f"the user is {status[:40]}, and only an active one can be suspended")
        return Seen(uid, ON if status == SUSPENDED else OFF, f"the user is {status}")

    async def turn(self, action: Action, seen: Seen, *, on: bool) -> Seen | Outcome:
        """Suspend or unsuspend the user."""
        del action
        step = "suspend" if on else "unsuspend"
        told = await self.users.api.call("POST", f"{USERS}/{seen.thing}/lifecycle/{step}")
        if isinstance(told, Outcome):
            return told
        return Seen(seen.thing, ON if on else OFF, f"the user was {step}ed")


@dataclass(frozen=True, slots=True)
class Once:
    """What happens to a user and cannot be undone: done twice, it is as if done once.

    Attributes:
        name: Of the executor.
        users: Finds users.
        method: Of the request.
        path: Behind the user.
        query: Of the URL.
        what: What was done, for a person.
        undo: What is said to whoever wants it undone.
        left: Path of the list that is empty afterwards; empty where there is none.
    """

    name: str
    users: Users
    method: str
    path: str
    query: Mapping[str, str]
    what: str
    undo: str
    left: str = ""

    async def dry_run(self, action: Action) -> Outcome:
        """Find the user."""
        found = await self.users.find(action, "")
        if isinstance(found, Outcome):
            return found
        return done(f"would {action.kind}: the user is {found[1][:40]}", {THING: found[0]})

    async def execute(self, action: Action, key: str) -> Outcome:
        """Do it."""
        del key
        found = await self.users.find(action, identifier(action.receipt.get(THING)))
        if isinstance(found, Outcome):
            return found
        told = await self.users.api.call(self.method, f"{USERS}/{found[0]}{self.path}", query=self.query)
        return told if isinstance(told, Outcome) else done(self.what, {THING: found[0]})

    async def verify(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """See that nothing is left, where Okta tells."""
        del action
        uid = identifier(receipt.get(THING))
        if not self.left or not uid:
            return failed(CANNOT_TELL if uid else "the receipt holds no id of a user")
        told = await self.users.api.call("GET", f"{USERS}/{uid}{self.left}")
        if isinstance(told, Outcome):
            return told
        if not isinstance(told.value, list):
            return failed("Okta's answer holds no list")
        return failed(f"{len(told.value)} are there again or still") if told.value else done("none is left", receipt)

    async def rollback(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Say that there is no way back."""
        del action, receipt
        return failed(self.undo)


def okta(name: str, api: Api, domain: str = "") -> ByKind:
    """Return everything that is done in Okta, by kind of action."""
    users = Users(api, domain)
    sessions = Once(
        name,
        users,
        method="DELETE",
        path="/sessions",
        query={"oauthTokens": "true"},
        what="all sessions and tokens of the user were revoked",
        undo="sessions that were ended stay ended: the user signs in again",
    )
    factors = Once(
        name,
        users,
        method="POST",
        path="/lifecycle/reset_factors",
        query={},
        what="all factors of the user were reset",
        undo="factors that were reset stay so: the user enrols again",
        left="/factors",
    )
    suspension = Switched(name, Suspension(users))
    return ByKind(name, {"disable_user": suspension, "revoke_sessions": sessions, "reset_factors": factors})
