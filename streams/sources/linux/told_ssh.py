"""What the SSH daemons say. Source: the messages in OpenSSH's auth.c, packet.c and monitor.c, and in Dropbear.

A client chooses the user name, and may put ` from 192.0.2.1 port 22` into it: patterns are anchored at the end, so that
the address is always the one that the daemon wrote.
"""

from __future__ import annotations

import re
from typing import Final

from models.ocsf_classes import SSH_ACTIVITY
from streams.sources.base import drop_none
from streams.sources.linux.machine import user
from streams.sources.linux.syslog import SyslogLine
from streams.sources.linux.told import LOGON, PREAUTH, Pattern, Told, authentication, outcome, pattern, peer, writer
from streams.sources.objects import OTHER

OPEN, CLOSE, FAIL = 1, 2, 4
PASSWORD_FACTOR, KEY_FACTOR = 11, 99
_FROM: Final = r" from (\S+)(?: port (\d+))?"
_PREAUTH: Final = r"(?: \[preauth\])?"


def _factor(method: str) -> list[dict[str, object]]:
    is_password = method.startswith(("password", "keyboard-interactive"))
    return [{"factor_type_id": PASSWORD_FACTOR if is_password else KEY_FACTOR, "factor_type": method}]


def _accepted(found: re.Match[str], line: SyslogLine) -> Told:
    method, name, address, port, key = found.groups()
    who = user(name)
    fingerprint = re.search(r"(?:SHA256|MD5):\S{16,64}", key or "", re.ASCII)
    if who and fingerprint:
        who["credential_uid"] = fingerprint[0]
    return _attempt(line, name, address, port, ok=True, method=method, who=who)


def _attempt(
    line: SyslogLine,
    name: str,
    address: str,
    port: str | None,
    *,
    ok: bool,
    method: str = "",
    detail: str | None = None,
    who: dict[str, object] | None = None,
    activity_id: int = LOGON,
) -> Told:
    return authentication(
        line,
        who or user(name),
        activity_id,
        ok=ok,
        service="sshd" if line.program.startswith("sshd") else "",
        src_endpoint=peer(address, port),
        is_remote=True,
        auth_protocol_id=OTHER if method else None,
        auth_protocol=method or None,
        auth_factors=_factor(method) if method else None,
        status_detail=detail,
    )


def _failed(found: re.Match[str], line: SyslogLine) -> Told:
    method, invalid, name, address, port = found.groups()
    detail = "Invalid user" if invalid else f"Failed {method}"
    return _attempt(line, name, address, port, ok=False, method=method, detail=detail)


def _postponed(found: re.Match[str], line: SyslogLine) -> Told:
    method, name, address, port = found.groups()
    told = _attempt(line, name, address, port, ok=True, method=method, activity_id=PREAUTH)
    return Told(told.class_uid, told.activity_id, {**told.attributes, "status_id": OTHER, "status": "Postponed"})


def _refused(found: re.Match[str], line: SyslogLine) -> Told:
    parts = found.groupdict()
    detail = parts.get("why") or line.message[:96]
    return _attempt(line, parts["name"], parts["ip"], parts.get("port"), ok=False, detail=detail)


def _gave_up(found: re.Match[str], line: SyslogLine) -> Told:
    name, address, port = found.groups()
    return _attempt(line, name, address, port, ok=False, detail=line.message[:96], activity_id=PREAUTH)


def _pam_failures(found: re.Match[str], line: SyslogLine) -> Told:
    count, address, name = found.groups()
    told = _attempt(line, name or "", address or "", None, ok=False, detail="authentication failure")
    return Told(told.class_uid, told.activity_id, {**told.attributes, "count": int(count)})


def _connection(line: SyslogLine, activity_id: int, address: str, port: str | None, name: str | None = None) -> Told:
    attributes = drop_none(
        src_endpoint=peer(address, port),
        actor=drop_none(process=writer(line), user=user(name)),
        connection_info={"direction_id": 1, "protocol_name": "tcp", "protocol_num": 6},
        activity_name=line.program if activity_id == OTHER else None,
    )
    return Told(SSH_ACTIVITY, activity_id, {**attributes, **(outcome(ok=False) if activity_id == FAIL else {})})


def _opened(found: re.Match[str], line: SyslogLine) -> Told:
    told = _connection(line, OPEN, found[1], found[2])
    target = peer(found[3], found[4])
    return Told(told.class_uid, OPEN, told.attributes | ({"dst_endpoint": target} if target else {}))


def _closed(found: re.Match[str], line: SyslogLine) -> Told:
    parts = found.groupdict()
    return _connection(line, CLOSE, parts["ip"], parts["port"], parts.get("name"))


def _broken(found: re.Match[str], line: SyslogLine) -> Told:
    return _connection(line, FAIL, found[1], found[2])


_PLACE: Final = r"(?P<ip>[0-9A-Fa-f.:%\w]{2,64}) port (?P<port>\d{1,5})"
PATTERNS: Final[tuple[Pattern, ...]] = (
    pattern("Accepted ", r"(\S+) for (.*)" + _FROM + r"(?: ssh2)?(?:: (.*))?", _accepted),
    pattern(
        "Failed ", r"(\S+) for (invalid user |illegal user )?(.*)" + _FROM + r"(?: ssh2)?(?:: .*)?" + _PREAUTH, _failed
    ),
    pattern("Invalid user ", r"(?P<name>.*) from (?P<ip>\S+)(?: port (?P<port>\d+))?" + _PREAUTH, _refused),
    pattern("Illegal user ", r"(?P<name>.*) from (?P<ip>\S+)(?: port (?P<port>\d+))?", _refused),
    pattern("Postponed ", r"(\S+) for (?:invalid user )?(.*)" + _FROM + r"(?: ssh2)?" + _PREAUTH, _postponed),
    pattern("User ", r"(?P<name>.*) from (?P<ip>\S+) (?P<why>not allowed because .*)", _refused),
    pattern(
        "error: maximum authentication attempts exceeded for ",
        r"(?:invalid user )?(?P<name>.*) from (?P<ip>\S+) port (?P<port>\d+) ssh2" + _PREAUTH,
        _refused,
    ),
    pattern("PAM ", r"(\d{1,4}) more authentication failures?; .*?rhost=(\S*)(?: +user=(.*))?", _pam_failures),
    pattern("Connection closed by ", r"(?:authenticating|invalid) user (.*) (\S+) port (\d+)" + _PREAUTH, _gave_up),
    pattern("Connection reset by ", r"(?:authenticating|invalid) user (.*) (\S+) port (\d+)" + _PREAUTH, _gave_up),
    pattern("Disconnected from ", r"(?:authenticating|invalid) user (.*) (\S+) port (\d+)" + _PREAUTH, _gave_up),
    pattern("Disconnected from ", r"user (?P<name>.*) " + _PLACE, _closed),
    pattern("Disconnected from ", _PLACE + _PREAUTH, _closed),
    pattern("Disconnecting ", r"(?:authenticating|invalid) user (.*) (\S+) port (\d+): .*", _gave_up),
    pattern("Received disconnect from ", _PLACE + r":.*", _closed),
    pattern("Connection closed by ", _PLACE + _PREAUTH, _closed),
    pattern("Connection reset by ", _PLACE + _PREAUTH, _closed),
    pattern("Close session: user ", r"(?P<name>.*) from " + _PLACE + r"(?: id \d+)?", _closed),
    pattern("Connection from ", r"(\S+) port (\d+)(?: on (\S+) port (\d+))?.*", _opened),
    pattern("Did not receive identification string from ", r"(\S+)(?: port (\d+))?", _broken),
    pattern("Bad protocol version identification ", r".* from (\S+)(?: port (\d+))?", _broken),
    pattern("banner exchange: Connection from ", r"(\S+) port (\d+): .*", _broken),
    pattern("Unable to negotiate with ", r"(\S+) port (\d+): .*", _broken),
)
_AT: Final = r"(?P<ip>[0-9A-Fa-f.:]{2,64}):(?P<port>\d{1,5})"


def _dropbear(found: re.Match[str], line: SyslogLine) -> Told:
    parts = found.groupdict()
    succeeded = "succeeded" in found[0][:24]
    detail = None if succeeded else line.message[:96]
    method = ("publickey" if found[0].startswith("Pubkey") else "password") if succeeded else ""
    return _attempt(line, parts["name"] or "", parts["ip"], parts["port"], ok=succeeded, method=method, detail=detail)


DROPBEAR: Final[tuple[Pattern, ...]] = (
    pattern("Password auth succeeded for ", r"'(?P<name>.*)' from " + _AT, _dropbear),
    pattern("Pubkey auth succeeded for ", r"'(?P<name>.*)' with .* from " + _AT, _dropbear),
    pattern("Bad password attempt for ", r"'(?P<name>.*)' from " + _AT, _dropbear),
    pattern("Login attempt for nonexistent user", r"(?: '(?P<name>.*)')? from " + _AT, _dropbear),
    pattern("Exit before auth from ", r"<" + _AT + r">: \(user '(?P<name>.*)', \d+ fails\): .*", _dropbear),
)
