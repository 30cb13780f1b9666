"""What PAM's modules, su, login and systemd-logind say.

Source: their messages in Linux-PAM, shadow, util-linux and systemd.
"""

from __future__ import annotations

import re
from typing import Final

from streams.sources.linux.machine import session, someone, user
from streams.sources.linux.syslog import SyslogLine
from streams.sources.linux.told import (
    ACCOUNT_SWITCH,
    LOCK,
    LOGOFF,
    LOGON,
    PASSWORD_CHANGE,
    Pattern,
    Told,
    account,
    authentication,
    pattern,
    peer,
)

BATCH, INTERACTIVE, OS_SERVICE = 4, 2, 5  # OCSF logon types
_SWITCHES: Final = frozenset({"su", "su-l", "sudo", "sudo-i", "runuser", "runuser-l", "doas", "pkexec", "polkit-1"})
_LOGON_TYPES: Final = {
    "cron": (BATCH, "Batch"),
    "crond": (BATCH, "Batch"),
    "atd": (BATCH, "Batch"),
    "login": (INTERACTIVE, "Interactive"),
    "systemd-user": (OS_SERVICE, "OS Service"),
}
_HEAD: Final = re.compile(r"pam_\w{1,32}\(([^:)]{1,64})(?::(\w{1,32}))?\): (.*)", re.DOTALL | re.ASCII)
_NAME: Final = r"(\S+?)(?:\(uid=(\d+)\))?"


def _opened(found: re.Match[str], line: SyslogLine) -> Told:
    name, uid, by_name, by_uid = found.groups()
    service = line.program
    is_switch = service in _SWITCHES
    kind = _LOGON_TYPES.get(service)
    by = user(by_name, by_uid) if is_switch else None
    return authentication(
        line,
        user(name, uid),
        ACCOUNT_SWITCH if is_switch else LOGON,
        ok=True,
        by=by,
        logon_type_id=kind and kind[0],
        logon_type=kind and kind[1],
    )


def _closed(found: re.Match[str], line: SyslogLine) -> Told:
    return authentication(line, user(found[1], found[2]), LOGOFF, ok=True)


def _failure(found: re.Match[str], line: SyslogLine) -> Told:
    what, by_uid, tty, by, address, name = found.groups()
    is_switch = line.program.startswith("su") and not line.program.startswith("sudo")
    return authentication(
        line,
        user(name),
        ACCOUNT_SWITCH if is_switch else LOGON,
        ok=False,
        by=user(by or None, by_uid if by else None),
        src_endpoint=peer(address),
        status_detail=what,
        session={"terminal": tty} if tty else None,
    )


def _unknown(_: re.Match[str], line: SyslogLine) -> Told:
    return authentication(line, someone(), LOGON, ok=False, status_detail=line.message[:96])


def _refused(found: re.Match[str], line: SyslogLine) -> Told:
    return authentication(line, user(found[1]), LOGON, ok=False, status_detail=line.message[:96])


def _locked(found: re.Match[str], line: SyslogLine) -> Told:
    return account(line, user(found[1]), LOCK, status_detail=line.message[:96])


def _password(found: re.Match[str], line: SyslogLine) -> Told:
    return account(line, user(found[1]), PASSWORD_CHANGE)


PAM: Final[tuple[Pattern, ...]] = (
    pattern("session opened for user ", _NAME + r" by (?:(\S*?)(?:\(uid=(\d+)\))?)?", _opened),
    pattern("session closed for user ", _NAME, _closed),
    pattern(
        "authentication failure",
        r"()(?:; logname=\S* uid=(\d*) euid=\d* tty=(\S*) ruser=(\S*) rhost=(\S*)(?: +user=(.*))?)?",
        _failure,
    ),
    pattern("check pass; user unknown", "", _unknown),
    pattern("auth could not identify password for ", r"\[(.*)\]", _refused),
    pattern("requirement ", r'".*" not met by user "(.*)"', _refused),
    pattern("account ", r"(\S+) has (?:expired|been locked).*", _refused),
    pattern("User ", r"(\S+) (?:is locked|not allowed|account).*", _refused),
    pattern("Consecutive login failures for user ", r"(\S+) account (?:temporarily )?locked", _locked),
    pattern("user ", r"(\S+) \(\d+\) tally \d+, deny \d+", _locked),
    pattern("password changed for ", r"(\S+)", _password),
)


def pam(line: SyslogLine) -> tuple[SyslogLine, tuple[Pattern, ...]] | None:
    """Return a PAM module's line as one of the service it served, and what it may say; None when it is none."""
    found = _HEAD.fullmatch(line.message)
    if found is None:
        return None
    said = SyslogLine(found[3], found[1], line.pid, line.host, time=line.time)
    return said, PAM


def _switch(found: re.Match[str], line: SyslogLine) -> Told:
    parts = found.groupdict()
    failed = found[0].upper().startswith(("FAILED", "BAD", "-", "PAM_AUTH"))
    terminal = parts.get("tty")
    return authentication(
        line,
        user(parts["to"]),
        ACCOUNT_SWITCH,
        ok=not failed,
        by=user(parts["by"]),
        session={"terminal": terminal} if terminal else None,
    )


SU: Final[tuple[Pattern, ...]] = (
    pattern("(to ", r"(?P<to>[^)]*)\) (?P<by>\S+) on (?P<tty>\S+)", _switch),
    pattern("FAILED SU (to ", r"(?P<to>[^)]*)\) (?P<by>\S+) on (?P<tty>\S+)", _switch),
    pattern("FAILED su for ", r"(?P<to>\S+) by (?P<by>\S+)", _switch),
    pattern("Successful su for ", r"(?P<to>\S+) by (?P<by>\S+)", _switch),
    pattern("BAD SU ", r"(?P<by>\S+) to (?P<to>\S+) on (?P<tty>\S+)", _switch),
    pattern("+ ", r"(?P<tty>\S+) (?P<by>[^:\s]+):(?P<to>\S+)", _switch),
    pattern("- ", r"(?P<tty>\S+) (?P<by>[^:\s]+):(?P<to>\S+)", _switch),
)


def _login(found: re.Match[str], line: SyslogLine) -> Told:
    parts = found.groupdict()
    failed = found[0].startswith("FAILED")
    return authentication(
        line,
        user(parts.get("name") or ("root" if found[0].startswith("ROOT") else None)),
        LOGON,
        ok=not failed,
        src_endpoint=peer(parts.get("ip")),
        session={"terminal": parts["tty"]} if parts.get("tty") else None,
        logon_type_id=INTERACTIVE,
        logon_type="Interactive",
        status_detail=parts.get("why"),
    )


LOGIN: Final[tuple[Pattern, ...]] = (
    pattern("LOGIN ON ", r"(?P<tty>\S+) BY (?P<name>\S+)(?: FROM (?P<ip>\S+))?", _login),
    pattern("ROOT LOGIN ", r" ?ON '?(?P<tty>[^\s']+)'?(?: FROM '?(?P<ip>[^\s']+)'?)?", _login),
    pattern(
        "FAILED LOGIN ",
        r"(?:SESSION )?\(?\d*\)? ?(?:on|ON|from|FROM) '?(?P<tty>[^\s',]+)'?(?: (?:from|FROM) '?(?P<ip>[^\s']+)'?)?"
        r" (?:for|FOR) '?(?P<name>[^',]*)'?, (?P<why>.*)",
        _login,
    ),
)


def _session(found: re.Match[str], line: SyslogLine) -> Told:
    parts = found.groupdict()
    ends = "name" not in parts
    who = user(parts.get("name"))
    return authentication(line, who, LOGOFF if ends else LOGON, ok=True, session=session(parts["id"]))


LOGIND: Final[tuple[Pattern, ...]] = (
    pattern("New session ", r"'?(?P<id>[^\s']+)'? of user '?(?P<name>[^\s']+?)'?(?: with class .*|\.)?", _session),
    pattern("Removed session ", r"'?(?P<id>[^\s'.]+)'?\.?", _session),
    pattern("Session ", r"'?(?P<id>[^\s']+)'? logged out\. .*", _session),
)
