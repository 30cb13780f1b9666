"""AWS IAM: make access keys inactive, deny users and roles everything, or all that their older sessions may do.

What is denied is denied by one inline policy that bears the action's uid: undoing it takes away this and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from botocore.exceptions import ClientError

from agents.executors.aws import NOT_FOUND, Account, code_of
from agents.executors.base import ByKind, Outcome, failed
from agents.executors.switch import CHANGED, OFF, ON, Seen, Switch, Switched
from agents.text import moment
from models.action import Action

USER, ROLE = "user", "role"
MAX_PAGES: Final = 50  # of a thousand each; AWS grants ten thousand at most of either
PAGE: Final = 1000
OLDER_SESSIONS, EVERYTHING = "older_sessions", "everything"
POLICY_VERSION: Final = "2012-10-17"
_KEY: Final = re.compile(r"AKIA[A-Z0-9]{12,60}", re.ASCII)
_ARN: Final = re.compile(r"arn:aws[a-z-]*:(iam|sts)::(\d{12}):(user|role|assumed-role)/(\S+)", re.ASCII)
_THING: Final = re.compile(r"(user|role)/([\w+=,.@-]{1,128})(?:/([0-9TZ:.-]{20,30}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key is inactive, or is not."""

    account: Account

    async def look(self, action: Action, thing: str) -> Seen | Outcome:
        """Return the state of the key; the keys of temporary sessions have none."""
        uid = thing or action.target.value.upper()
        if not _KEY.fullmatch(uid):
            return failed("the target is no access key of a user; sessions of roles are revoked with their role")

        def work(iam: Any) -> Seen | Outcome:
            found = _status(iam, uid)
            if found is None:
                return failed("the account has no such access key")
            return Seen(uid, ON if found == "Inactive" else OFF, f"the access key is {found.lower()}")

        return await self.account.ask(work)

    async def turn(self, action: Action, seen: Seen, *, on: bool) -> Seen | Outcome:
        """Make the key inactive or active."""
        del action
        status = "Inactive" if on else "Active"

        def work(iam: Any) -> Seen | Outcome:
            user = iam.get_access_key_last_used(AccessKeyId=seen.thing).get("UserName")
            iam.update_access_key(UserName=user, AccessKeyId=seen.thing, Status=status)
            return Seen(seen.thing, ON if on else OFF, f"the access key was made {status.lower()}")

        return await self.account.ask(work)


def _status(iam: Any, uid: str) -> str | None:
    """Return the status of an access key, None when there is no such key."""
    try:
        user = iam.get_access_key_last_used(AccessKeyId=uid).get("UserName")
        keys = iam.list_access_keys(UserName=user, MaxItems=PAGE).get("AccessKeyMetadata") if user else ()
    except ClientError as error:
        if code_of(error) in NOT_FOUND:
            return None
        raise
    return next((str(key.get("Status")) for key in keys or () if key.get("AccessKeyId") == uid), None)


@dataclass(frozen=True, slots=True)
class Denial:
    """A user or role is denied what it may do, or is not.

    Attributes:
        account: The account it is in.
        now: The time, ms.
        takes: `user`, `role` or both.
        what: OLDER_SESSIONS or EVERYTHING.
    """

    account: Account
    now: Callable[[], int]
    takes: frozenset[str]
    what: str

    async def look(self, action: Action, thing: str) -> Seen | Outcome:
        """Return whether the policy is there, as it was made."""

        def work(iam: Any) -> Seen | Outcome:
            principal = thing or self._principal(iam, action.target.value)
            if isinstance(principal, Outcome):
                return principal
            known = _THING.fullmatch(principal)
            if known is None or known[1] not in self.takes:
                return failed("the receipt names no user and no role")
            document = _policy(iam, known[1], known[2], _name(action))
            return self._seen(principal, known[3], document)

        return await self.account.ask(work)

    async def turn(self, action: Action, seen: Seen, *, on: bool) -> Seen | Outcome:
        """Put the policy on the user or role, or take it away."""
        known = _THING.fullmatch(seen.thing)
        if known is None:
            return failed("the receipt names no user and no role")
        kind, name = known[1], known[2]
        cut = moment(self.now()) if self.what == OLDER_SESSIONS else ""
        call: dict[str, str] = {f"{kind.capitalize()}Name": name, "PolicyName": _name(action)}

        def work(iam: Any) -> Seen | Outcome:
            if on:
                document = orjson.dumps(_document(cut)).decode()
                (iam.put_user_policy if kind == USER else iam.put_role_policy)(**call, PolicyDocument=document)
                thing = f"{kind}/{name}/{cut}" if cut else f"{kind}/{name}"
                return Seen(thing, ON, f"the {kind} is denied {self.what.replace('_', ' ')}")
            (iam.delete_user_policy if kind == USER else iam.delete_role_policy)(**call)
            return Seen(seen.thing, OFF, f"the denial was taken from the {kind}")

        return await self.account.ask(work)

    def _seen(self, principal: str, cut: str | None, document: Any) -> Seen:
        if document is None:
            return Seen(principal, OFF, "no policy of this action is there")
        found = _cut(document)
        if document != _document(found) or (cut and found != cut) or bool(found) != (self.what == OLDER_SESSIONS):
            return Seen(principal, CHANGED, "somebody changed the policy of this action")
        kind, name = principal.split("/")[:2]
        return Seen(f"{kind}/{name}/{found}" if found else principal, ON, "the policy of this action is there")

    def _principal(self, iam: Any, arn: str) -> str | Outcome:
        """Return kind and name of the user or role that an ARN names in lower case; only AWS knows its real name."""
        match = _ARN.fullmatch(arn)
        kind = "" if match is None else USER if match[3] == USER else ROLE
        if match is None or kind not in self.takes:
            return failed(f"the target is no ARN of a {' or '.join(sorted(self.takes))}")
        if self.account.role and _is_same(self.account.role, arn, match):
            return failed("the target is the role that Braid itself works under")
        for item in _all(iam, kind):
            if _is_same(str(item.get("Arn")), arn, match):
                return f"{kind}/{item.get(f'{kind.capitalize()}Name')}"
        return failed(f"the account has no such {kind}")


def _is_same(own: str, arn: str, asked: re.Match[str]) -> bool:
    """Tell whether an ARN is the one that was asked for; the ARN of a session names its role without the path."""
    if asked[3] != "assumed-role":
        return own.lower() == arn
    head, _, path = own.lower().partition("/")
    return head.endswith(f":{asked[2]}:role") and path.rpartition("/")[2] == asked[4].partition("/")[0]


def _all(iam: Any, kind: str) -> list[Mapping[str, Any]]:
    """Return the users or roles of the account."""
    found: list[Mapping[str, Any]] = []
    more: dict[str, str] = {}
    for _ in range(MAX_PAGES):
        page = (iam.list_users if kind == USER else iam.list_roles)(MaxItems=PAGE, **more)
        found += page.get("Users" if kind == USER else "Roles") or ()
        if not page.get("IsTruncated") or not page.get("Marker"):
            break
        more = {"Marker": page["Marker"]}
    return found


def _policy(iam: Any, kind: str, name: str, policy: str) -> Any:
    """Return the document of an inline policy, None when there is none."""
    try:
        if kind == USER:
            return iam.get_user_policy(UserName=name, PolicyName=policy).get("PolicyDocument")
        return iam.get_role_policy(RoleName=name, PolicyName=policy).get("PolicyDocument")
    except ClientError as error:
        if code_of(error) in NOT_FOUND:
            return None
        raise


def _name(action: Action) -> str:
    return f"Braid-{action.uid}"


def _document(cut: str) -> dict[str, Any]:
    """Return a policy that denies everything, to all or to sessions that began before a time."""
    statement: dict[str, Any] = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    if cut:
        statement["Condition"] = {"DateLessThan": {"aws:TokenIssueTime": cut}}
    return {"Version": POLICY_VERSION, "Statement": [statement]}


def _cut(document: Any) -> str:
    """Return the time in a policy as `_document` makes it, empty when there is none."""
    try:
        found = document["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
    except (KeyError, IndexError, TypeError):
        return ""
    return found if isinstance(found, str) else ""


def aws(name: str, account: Account, now: Callable[[], int], restrict: str = OLDER_SESSIONS) -> ByKind:
    """Return everything that is done in an AWS account, by kind of action."""
    users, roles = frozenset({USER}), frozenset({ROLE})
    switches: dict[str, Switch] = {
        "deactivate_access_key": AccessKey(account),
        "disable_user": Denial(account, now, users, EVERYTHING),
        "revoke_sessions": Denial(account, now, users | roles, OLDER_SESSIONS),
        "restrict_role": Denial(account, now, roles, restrict),
    }
    return ByKind(name, {kind: Switched(name, switch) for kind, switch in switches.items()})
