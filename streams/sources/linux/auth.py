"""Linux' logs of who came in and as whom: sshd, sudo, su, login, PAM, logind, cron and the tools for accounts.

Reads syslog lines of either RFC, the journal's JSON, and lines that a shipper took apart. Any other line of a log
becomes an Event Log Activity. Sources: see `syslog` and the modules called `told_...`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, decode_text, drop_none, event_time
from streams.sources.linux.machine import machine
from streams.sources.linux.syslog import (
    SyslogLine,
    message_of,
    parse_line,
    parse_object,
    program_of,
    program_of_line,
)
from streams.sources.linux.told import Pattern, Told, log_line
from streams.sources.linux.told_accounts import ACCOUNTS
from streams.sources.linux.told_commands import CRON, SUDO, sudo_fields
from streams.sources.linux.told_pam import LOGIN, LOGIND, SU, pam
from streams.sources.linux.told_ssh import DROPBEAR, PATTERNS

DELAY_MS: Final = 300_000
PRODUCT: Final = {"name": "Linux", "vendor_name": "Linux"}
ACTOR_REQUIRED: Final = frozenset({1006, 1007, 1009})
MAX_PROGRAM: Final = 128
MAX_SAID: Final = 8192  # no message of these programs is longer but sudo's, and some patterns are quadratic in theirs
_LINE: Final = "line"  # the decoded record: a line taken apart
_ACCOUNT_TOOLS: Final = (
    *(
        "useradd",
        "usermod",
        "userdel",
        "adduser",
        "deluser",
        "groupadd",
        "groupmod",
        "groupdel",
        "addgroup",
        "delgroup",
    ),
    *("gpasswd", "passwd", "chpasswd", "newusers", "chage", "chfn", "chsh", "vipw", "groupmems"),
)
_PROGRAMS: Final[Mapping[str, tuple[Pattern, ...]]] = {
    **dict.fromkeys(("sshd", "sshd-session", "sshd-auth"), PATTERNS),
    "dropbear": DROPBEAR,
    "sudo": SUDO,
    **dict.fromkeys(("su", "su-l", "runuser"), SU),
    "login": LOGIN,
    **dict.fromkeys(("systemd-logind", "elogind"), LOGIND),
    **dict.fromkeys(("cron", "crond", "crontab", "anacron"), CRON),
    **dict.fromkeys(_ACCOUNT_TOOLS, ACCOUNTS),
}
_SERVICES: Final = {
    **dict.fromkeys(("sshd", "sshd-session", "sshd-auth"), "sshd"),
    "sudo": "sudo",
    **dict.fromkeys(("cron", "crond", "crontab", "anacron"), "cron"),
    "vsftpd": "vsftpd",
    **dict.fromkeys(("clamd", "freshclam", "clamav"), "clamav"),
    "guacd": "guacamole",
    **dict.fromkeys(("apache", "apache2", "httpd"), "apache"),
    "nginx": "nginx",
}


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the line under `line`; raise Unparseable when the record is none."""
    if record.raw.lstrip()[:1] == b"{":
        line = parse_object(decode_json(record), record)
        if line is None:
            raise Unparseable("no log line: neither program nor message are there", field="SYSLOG_IDENTIFIER")
        return {_LINE: line}
    line = parse_line(decode_text(record), record)
    if line is None:
        raise Unparseable("no syslog line: it does not begin with a priority or a time", offset=0)
    return {_LINE: line}


def recognize(raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a line by the program that wrote it; those of any other program are not claimed."""
    if value is not None:
        program = program_of(value)
        return _is_ours(program) or (program != "" and message_of(value)[:4] == "pam_")
    program, message = program_of_line(raw)
    return _is_ours(program) or message[:4] == "pam_"


def _is_ours(program: str) -> bool:
    return program.lower() in _PROGRAMS


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a line into an OCSF event of the class that what it tells asks for."""
    line: SyslogLine = fields[_LINE]
    time, labels = event_time(line.time, record)
    told = _told(line)
    device, names_host = machine(line.host, record, line.host_ip)
    body = head(told.class_uid, told.activity_id, time, line.severity_id)
    body.update(told.attributes)
    if told.class_uid in ACTOR_REQUIRED and not body.get("actor"):
        body["actor"] = {"app_name": line.program or "syslog"}
    body["device"] = device
    body["message"] = line.message
    return build_event(
        record,
        body,
        native=_native(line),
        logsource=_logsource(line.program.lower()[:MAX_PROGRAM]),
        product=PRODUCT,
        original_time=line.stamp or None,
        labels=labels,
        metadata=drop_none(log_name="syslog", log_provider=line.program or None, original_event_uid=line.uid or None),
        profiles=("host",),
        unmapped=dict(line.rest),
        names_host=names_host,
    )


def _told(line: SyslogLine) -> Told:
    served = pam(line) if line.message.startswith("pam_") else None
    said, patterns = served or (line, _PROGRAMS.get(line.program.lower(), ()))
    message = said.message.rstrip()
    if len(message) > MAX_SAID and patterns is not SUDO:
        return log_line(line)
    if message is not said.message:
        said = SyslogLine(message, said.program, said.pid, said.host, time=said.time)
    for start, regex, build in patterns:
        if message.startswith(start) and (found := regex.fullmatch(message)):
            told = build(found, said)
            if told is not None:
                return told
    return log_line(line)


@lru_cache(maxsize=256)
def _logsource(program: str) -> LogSource:
    return LogSource("linux", _SERVICES.get(program) or ("auth" if program in _PROGRAMS else "syslog"))


def _native(line: SyslogLine) -> dict[str, Any]:
    native = drop_none(
        message=line.message, program=line.program or None, pid=line.pid, hostname=line.host or None, **line.rest
    )
    return {**native, **sudo_fields(line.message)} if line.program == "sudo" else native


SOURCE: Final = Source(
    name="linux_auth",
    title="Linux authentication logs",
    shippers=("rsyslog and syslog-ng", "systemd-journald", "Filebeat", "Fluent Bit", "Vector", "Azure Monitor agent"),
    classes=(1006, 1007, 1008, 3001, 3002, 3006, 4007),
    entities=("user", "host", "ip", "session"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
