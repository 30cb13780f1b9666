"""What the tools that change accounts and groups say. Source: the messages of shadow's useradd, usermod, gpasswd ..."""

from __future__ import annotations

import re
from typing import Final

from streams.sources.linux.machine import user
from streams.sources.linux.syslog import SyslogLine
from streams.sources.linux.told import (
    ADD_USER,
    CREATE,
    CREATE_GROUP,
    DELETE,
    DELETE_GROUP,
    LOCK,
    PASSWORD_CHANGE,
    REMOVE_USER,
    UNLOCK,
    Pattern,
    Told,
    account,
    group,
    pattern,
)
from streams.sources.objects import OTHER


def _new_user(found: re.Match[str], line: SyslogLine) -> Told:
    return account(line, user(found[1], found[2]), CREATE)


def _not_created(found: re.Match[str], line: SyslogLine) -> Told:
    return account(line, user(found[1]), CREATE, ok=False, status_detail=line.message[:96])


def _deleted(found: re.Match[str], line: SyslogLine) -> Told:
    return account(line, user(found[1]), DELETE)


def _changed(found: re.Match[str], line: SyslogLine) -> Told:
    name, what = found.groups()
    if what.startswith("password"):
        return account(line, user(name), PASSWORD_CHANGE)
    return account(line, user(name), OTHER, activity_name=f"Change {what.split(' ', 1)[0][:32]}")


def _locked(found: re.Match[str], line: SyslogLine) -> Told:
    return account(line, user(found[1]), UNLOCK if line.message.startswith("unlock") else LOCK)


def _password(found: re.Match[str], line: SyslogLine) -> Told:
    return account(line, user(found[1]), PASSWORD_CHANGE, by=user(found[2]) if found.re.groups > 1 else None)


def _new_group(found: re.Match[str], line: SyslogLine) -> Told:
    return group(line, found[1], CREATE_GROUP, uid=found[2])


def _group_deleted(found: re.Match[str], line: SyslogLine) -> Told:
    return group(line, found[1], DELETE_GROUP)


def _member(found: re.Match[str], line: SyslogLine) -> Told:
    parts = found.groupdict()
    removed = line.message.startswith("delete ") or " removed by " in line.message
    activity_id = REMOVE_USER if removed else ADD_USER
    return group(line, parts["group"], activity_id, member=parts["user"], by=user(parts.get("by")))


def _members_set(found: re.Match[str], line: SyslogLine) -> Told:
    return group(line, found[1], OTHER, by=user(found[2]), activity_name="Set Members")


ACCOUNTS: Final[tuple[Pattern, ...]] = (
    pattern("new user: name=", r"(.*?), UID=(\d+), .*", _new_user),
    pattern("failed adding user ", r"'(.*)', .*", _not_created),
    pattern("delete user ", r"'(.*)'", _deleted),
    pattern("change user ", r"'(.*?)' (.*)", _changed),
    pattern("changed user ", r"'(.*?)' (.*)", _changed),
    pattern("changed password expiry for ", r"(\S+)()", _changed),
    pattern("lock user ", r"'(.*?)' password", _locked),
    pattern("unlock user ", r"'(.*?)' password", _locked),
    pattern("password for ", r"(?:user )?'(.*?)' changed by '(.*?)'", _password),
    pattern("password changed for ", r"(\S+)", _password),
    pattern("new group: name=", r"(.*?), GID=(\d+)", _new_group),
    pattern("group added to /etc/group: name=", r"(.*?)(?:, GID=(\d+))?", _new_group),
    pattern("remove group ", r"'(.*)'", _group_deleted),
    pattern("removed group ", r"'(.*)' owned by .*", _group_deleted),
    pattern("group ", r"'(.*)' removed(?: from .*)?", _group_deleted),
    pattern("add ", r"'(?P<user>.*)' to group '(?P<group>.*)'", _member),
    pattern("delete ", r"'(?P<user>.*)' from group '(?P<group>.*)'", _member),
    pattern("user ", r"(?P<user>\S+) (?:added|removed) by (?P<by>\S+) (?:to|from) group (?P<group>\S+)", _member),
    pattern("members of group ", r"(\S+) set by (\S+) to .*", _members_set),
)
