"""Audit records by lines: the daemon's, one record each, and auoms', merged. All of one serial number make one event.

Source: auditd.conf(5) and the audit record documentation; auoms' schema version 1. Names that the daemon adds when it
enriches (`UID="alice"`) are fields in upper case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from streams.sources.linux.audit_values import TEXTS, arguments, plain, socket_address
from streams.sources.linux.syscalls import syscall_name

MAX_LISTED: Final = 64  # paths of one event
HEAD: Final = re.compile(
    r"(?:node=(\S{1,255}) )?type=([A-Za-z0-9_\[\]]{1,64}) (?:msg=)?audit\((\d{1,11})\.(\d{1,9}):(\d{1,20})\): ?",
    re.ASCII,
)
_FIELD: Final = re.compile(
    r"(?<![^ \x1d(])([A-Za-z0-9_.\-]{1,64}+(?:\[\d{1,8}\])?+)="
    r"""("[^"]*"|'[^']*'|\{[^{}]{0,4096}\}|\["[^\]\[]{0,8192}\]|[^ \x1d]*)"""
)
_OPERATION: Final = re.compile(r"\bop=([^=]{1,128}?)(?= [a-z_]+=|$)", re.ASCII)
_AVC: Final = re.compile(r"avc: {1,4}(denied|granted) {1,4}\{ ([^}]{1,256}) \}", re.ASCII)
_SPOKEN: Final = re.compile(
    r" (proctitle|cmdline)=(?!\")(.*?)(?= (?:redactors|containerid|proctitle|cmdline)=|$)", re.DOTALL
)
_CALL_ARGUMENTS: Final = ("a0", "a1", "a2", "a3")
AUOMS: Final = "AUOMS_"
_ENRICHED: Final = {
    "audit_user": "AUID",
    "user": "UID",
    "effective_user": "EUID",
    "set_user": "SUID",
    "filesystem_user": "FSUID",
    "group": "GID",
    "effective_group": "EGID",
    "set_group": "SGID",
    "filesystem_group": "FSGID",
}
# The numbers of records, which the kernel's own log has instead of names.
_TYPES: Final = {
    "1006": "LOGIN",
    "1300": "SYSCALL",
    "1302": "PATH",
    "1305": "CONFIG_CHANGE",
    "1306": "SOCKADDR",
    "1307": "CWD",
    "1309": "EXECVE",
    "1318": "OBJ_PID",
    "1319": "TTY",
    "1320": "EOE",
    "1325": "NETFILTER_CFG",
    "1326": "SECCOMP",
    "1327": "PROCTITLE",
    "1330": "KERN_MODULE",
    "1334": "BPF",
    "1400": "AVC",
    "1404": "MAC_STATUS",
    "1403": "MAC_POLICY_LOAD",
    "1700": "ANOM_PROMISCUOUS",
    "1701": "ANOM_ABEND",
    "1702": "ANOM_LINK",
    "1100": "USER_AUTH",
    "1101": "USER_ACCT",
    "1103": "CRED_ACQ",
    "1104": "CRED_DISP",
    "1105": "USER_START",
    "1106": "USER_END",
    "1108": "USER_CHAUTHTOK",
    "1112": "USER_LOGIN",
    "1113": "USER_LOGOUT",
    "1123": "USER_CMD",
    "1114": "ADD_USER",
    "1115": "DEL_USER",
    "1116": "ADD_GROUP",
    "1117": "DEL_GROUP",
    "1130": "SERVICE_START",
    "1131": "SERVICE_STOP",
    "1110": "CRED_REFR",
    "1124": "USER_TTY",
}


@dataclass(slots=True)
class AuditEvent:
    """All records of one serial number.

    Attributes:
        uid: `seconds.milliseconds:serial`, unique on a host since its start.
        time: ms.
        node: Host, empty when the records do not name it.
        types: Types of the records, in order, each once.
        fields: All fields in one mapping, as rules see them: an argument of EXECVE before that of SYSCALL, those of
            several PATH records as lists.
        system: The fields of the SYSCALL record.
        paths: The PATH records.
        argv: The arguments of EXECVE.
    """

    uid: str
    time: int
    node: str = ""
    types: list[str] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    system: dict[str, Any] = field(default_factory=dict)
    paths: list[dict[str, Any]] = field(default_factory=list)
    argv: dict[int, str] = field(default_factory=dict)

    def add(self, kind: str, fields: dict[str, Any]) -> None:
        """Take one record in."""
        if kind not in self.types:
            self.types.append(kind)
        if kind == "SYSCALL":
            fields["SYSCALL"] = fields.get("SYSCALL") or syscall_name(_word(fields, "arch"), _word(fields, "syscall"))
            self.system = fields
        if kind == "PATH":
            if len(self.paths) < MAX_LISTED:
                self.paths.append(fields)
            return
        saddr = fields.get("saddr")
        if isinstance(saddr, str):
            fields |= socket_address(saddr)
        for name, value in fields.items():
            self.fields.setdefault(name, value)

    def add_arguments(self, found: Mapping[int, str]) -> None:
        """Take arguments in; pieces of one that is there already are put to its end."""
        for number, value in found.items():
            self.argv[number] = self.argv.get(number, "") + value

    def finish(self) -> AuditEvent:
        """Bring paths and arguments among the fields, once all records are in."""
        for name in dict.fromkeys(name for path in self.paths for name in path if name != "item"):
            values = [path[name] for path in self.paths if name in path]
            own = [self.fields[name]] if name == "name" and name in self.fields else []
            self.fields[name] = values[0] if len(values) + len(own) == 1 else own + values
        if self.argv:
            for name in _CALL_ARGUMENTS:  # addresses of what EXECVE spells out
                self.fields.pop(name, None)
        self.fields.update((f"a{number}", value) for number, value in self.argv.items())
        self.fields["type"] = self.types[0] if len(self.types) == 1 else self.types
        return self

    @property
    def command(self) -> str:
        """Return the arguments as one command line, empty when there are none."""
        return " ".join(self.argv[number] for number in sorted(self.argv))


def _word(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def parse_lines(text: str) -> AuditEvent | None:
    """Read one record or all of one serial number, a line each; None when the first line is no audit record."""
    event: AuditEvent | None = None
    for line in text.split("\n"):
        found = HEAD.match(line)
        if found is None:
            continue
        node, kind, seconds, fraction, serial = found.groups()
        if event is None:
            event = begin(seconds, fraction, serial, node or "")
        kind = _type_name(kind)
        body = line[found.end() :]
        if kind.startswith(AUOMS):
            _add_auoms(event, kind, body)
        elif kind == "EXECVE":
            _add_execve(event, body)
        elif kind != "EOE":
            event.add(kind, _fields(body))
    return event and event.finish()


def begin(seconds: str, fraction: str, serial: str, node: str) -> AuditEvent:
    """Begin an event with the parts of its id."""
    time = int(seconds) * 1000 + int(fraction[:3].ljust(3, "0"))
    return AuditEvent(f"{seconds}.{fraction}:{serial}", time, node)


def _type_name(kind: str) -> str:
    if kind.startswith("UNKNOWN["):
        kind = kind[8:-1]
    return _TYPES.get(kind, kind)


def _add_execve(event: AuditEvent, body: str) -> None:
    raw = dict(_FIELD.findall(body))
    event.add("EXECVE", {"argc": raw["argc"]} if "argc" in raw else {})
    event.add_arguments(arguments(raw))


def _fields(body: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in _FIELD.findall(body):
        if name in TEXTS or value[:1] == '"':
            found[name] = plain(name, value)
        elif value[:1] == "'":
            found |= _message(value[1:-1])
        else:
            found[name] = value
    if body.startswith("avc:") and (avc := _AVC.match(body)):
        found["avc"], found["perms"] = avc[1], avc[2]
    return found


def _message(body: str) -> dict[str, Any]:
    """Read what a program wrote: fields again, but for an operation that may hold blanks, and older brackets."""
    found = {name: plain(name, value.rstrip(",)")) for name, value in _FIELD.findall(body)}
    operation = _OPERATION.search(body)
    if operation:
        found["op"] = operation[1]
    elif "op" not in found and ": " in body[:32]:  # before 2008: `PAM: authentication acct="root" : ...`
        found["op"] = body.partition("=")[0].rpartition(" ")[0]
    return found


def _add_auoms(event: AuditEvent, kind: str, body: str) -> None:
    spoken = dict(_SPOKEN.findall(body))
    raw = {name: plain("", value) for name, value in _FIELD.findall(_SPOKEN.sub("", body))} | spoken
    names = {_ENRICHED[name]: value for name, value in raw.items() if name in _ENRICHED and value}
    event.node = event.node or raw.get("node", "")
    event.types.append(kind)
    listed = {name[5:]: _list(value) for name, value in raw.items() if name.startswith("path_")}
    others = {name: value for name, value in raw.items() if not name.startswith("path_")}
    if "syscall" in raw:
        number = {"syscall": raw.get("syscall_r", raw["syscall"])}
        event.add("SYSCALL", {**others, **names, "SYSCALL": raw["syscall"], **number})
    else:
        event.add(kind.removeprefix(AUOMS), {**others, **names})
    for index, path in enumerate(listed.get("name", ())[:MAX_LISTED]):
        event.add("PATH", {"name": path} | _at(listed, index))
    command = raw.get("cmdline")
    if command:
        event.add("EXECVE", {})
        event.add_arguments(dict(enumerate(command.split(" ")[:MAX_LISTED])))


def _at(listed: Mapping[str, list[str]], index: int) -> dict[str, str]:
    return {name: values[index] for name, values in listed.items() if name != "name" and index < len(values)}


def _list(value: str) -> list[str]:
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return []
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
