"""What lines of a Linux log tell, as drafts of OCSF events: the shape of a pattern, and the classes several share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from models.ocsf_classes import ACCOUNT_CHANGE, AUTHENTICATION, EVENT_LOG_ACTIVITY, GROUP_MANAGEMENT
from streams.sources.base import drop_none, ip
from streams.sources.linux.machine import someone, user
from streams.sources.linux.syslog import SyslogLine
from streams.sources.objects import FAILURE, OTHER, SUCCESS, endpoint, process

LOGON, LOGOFF, PREAUTH, ACCOUNT_SWITCH = 1, 2, 6, 7  # of Authentication
CREATE, PASSWORD_CHANGE, DELETE, LOCK, UNLOCK = 1, 3, 6, 9, 12  # of Account Change
ADD_USER, REMOVE_USER, DELETE_GROUP, CREATE_GROUP = 3, 4, 5, 6  # of Group Management
SUBSTITUTE_USER: Final = {"account_switch_type_id": 1, "account_switch_type": "Substitute User"}


class Told(NamedTuple):
    """What one line tells: class, activity and the class's own attributes."""

    class_uid: int
    activity_id: int
    attributes: dict[str, Any]


Build = Callable[[re.Match[str], SyslogLine], Told | None]


class Pattern(NamedTuple):
    """One kind of message: how it begins (cheap to ask), what it is exactly, and what to make of it."""

    start: str
    regex: re.Pattern[str]
    build: Build


def pattern(start: str, rest: str, build: Build) -> Pattern:
    """Make a pattern of the literal beginning of a message and a regular expression for what follows."""
    return Pattern(start, re.compile(re.escape(start) + rest, re.DOTALL | re.ASCII), build)


def outcome(*, ok: bool) -> dict[str, Any]:
    """Return the status attributes of a success or a failure."""
    return SUCCESS if ok else FAILURE


def peer(address: str | None, port: Any = None) -> dict[str, Any] | None:
    """Return whoever is at an address, or at a host name where the writer looked it up."""
    if not address or address in {"?", "UNKNOWN"}:
        return None
    return endpoint(address, port, None if ip(address) else address)


def writer(line: SyslogLine) -> dict[str, Any] | None:
    """Return the process that wrote the line."""
    return process(line.pid, name=line.program or None)


def authentication(
    line: SyslogLine,
    who: dict[str, Any] | None,
    activity_id: int,
    *,
    ok: bool,
    service: str = "",
    by: dict[str, Any] | None = None,
    **more: Any,
) -> Told:
    """Return an Authentication.

    Args:
        line: Its program is the service, unless another is named, and the acting process.
        who: Whom it is about; called unknown where the line does not say.
        activity_id: Of the class.
        ok: Whether it succeeded.
        service: Name of the service.
        by: Who acted, where that is another user.
        more: Further attributes.
    """
    switch = SUBSTITUTE_USER if activity_id == ACCOUNT_SWITCH else {}
    attributes = drop_none(
        user=who or someone(),
        service={"name": service or line.program or "unknown"},
        actor=drop_none(process=writer(line), user=by),
        **more,
    )
    return Told(AUTHENTICATION, activity_id, {**attributes, **outcome(ok=ok), **switch})


def account(line: SyslogLine, who: dict[str, Any] | None, activity_id: int, **more: Any) -> Told:
    """Return an Account Change."""
    by = more.pop("by", None)
    ok = more.pop("ok", True)
    attributes = drop_none(user=who or someone(), actor=drop_none(process=writer(line), user=by), **more)
    return Told(ACCOUNT_CHANGE, activity_id, {**attributes, **outcome(ok=ok)})


def group(
    line: SyslogLine, name: str, activity_id: int, *, uid: str | None = None, member: str | None = None, **more: Any
) -> Told:
    """Return a Group Management."""
    by = more.pop("by", None)
    attributes = drop_none(
        group=drop_none(name=name or "unknown", uid=uid),
        user=user(member),
        actor=drop_none(process=writer(line), user=by),
        **more,
    )
    return Told(GROUP_MANAGEMENT, activity_id, {**attributes, **SUCCESS})


def log_line(line: SyslogLine) -> Told:
    """Return the event every line can become: the log spoke, in the program's words."""
    word = line.program or "syslog"
    attributes = drop_none(
        activity_name=word, log_name="syslog", log_provider=word, actor=drop_none(process=writer(line))
    )
    return Told(EVENT_LOG_ACTIVITY, OTHER, attributes)
