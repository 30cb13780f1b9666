from __future__ import annotations

from typing import Any

import orjson
import pytest

from enrichers.entities import entities_of
from enrichers.links import links_of
from models.event import Event
from models.ocsf_schema import validate
from models.records import TIME_FROM_BROKER, Context, Coordinates, ParseError, RawRecord
from streams.sources.linux.auth import SOURCE
from tests.sources import fuzz

AT = Coordinates("raw.linux_auth", 0, 1)
NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z
HEAD = "Jun 15 12:00:00 web01 "
JOURNAL: dict[str, Any] = {
    "__REALTIME_TIMESTAMP": "1718452800123456",
    "__CURSOR": "s=1;i=2",
    "_HOSTNAME": "web01.example.com",
    "SYSLOG_IDENTIFIER": "sshd",
    "_PID": "711",
    "PRIORITY": "6",
    "_BOOT_ID": "b1",
    "MESSAGE": "Accepted password for alice from 192.0.2.9 port 50022 ssh2",
}


def record(data: str | dict[str, Any], broker_time: int = NOON, **context: Any) -> RawRecord:
    raw = data.encode() if isinstance(data, str) else orjson.dumps(data)
    return RawRecord("linux_auth", raw, AT, broker_time, context=Context(**context))


def parsed(data: str | dict[str, Any], broker_time: int = NOON, **context: Any) -> Event:
    event = SOURCE.parse(record(data, broker_time, **context))
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == [], data
    value = data if isinstance(data, dict) else None
    assert SOURCE.recognize(event.ocsf["raw_data"].encode(), value)
    return event


def said(program: str, message: str) -> dict[str, Any]:
    return parsed(f"{HEAD}{program}[711]: {message}").ocsf


LINES: list[tuple[str, str, tuple[int, int, int | None], str | None, str | None]] = [
    # program, message, (class, activity, status), user, source address
    ("sshd", "Accepted password for alice from 192.0.2.9 port 50022 ssh2", (3002, 1, 1), "alice", "192.0.2.9"),
    (
        "sshd-session",
        "Accepted publickey for alice from 2001:db8::9 port 50022 ssh2: ED25519 SHA256:abcdefghijklmnopqrstuvwxyz",
        (3002, 1, 1),
        "alice",
        "2001:db8::9",
    ),
    ("sshd", "Failed password for bob from 192.0.2.9 port 4 ssh2", (3002, 1, 2), "bob", "192.0.2.9"),
    ("sshd", "Failed none for invalid user bob from 192.0.2.9 port 4 ssh2", (3002, 1, 2), "bob", "192.0.2.9"),
    ("sshd", "Failed publickey for bob from 192.0.2.9 port 4 ssh2: RSA SHA256:ab", (3002, 1, 2), "bob", "192.0.2.9"),
    ("sshd", "Invalid user guest2 from 192.0.2.9 port 4", (3002, 1, 2), "guest2", "192.0.2.9"),
    ("sshd", "Invalid user  from 192.0.2.9 port 4", (3002, 1, 2), "unknown", "192.0.2.9"),
    (
        "sshd",
        "error: maximum authentication attempts exceeded for invalid user bob from 192.0.2.9 port 4 ssh2 [preauth]",
        (3002, 1, 2),
        "bob",
        "192.0.2.9",
    ),
    (
        "sshd",
        "User bob from 192.0.2.9 not allowed because not listed in AllowUsers",
        (3002, 1, 2),
        "bob",
        "192.0.2.9",
    ),
    (
        "sshd",
        "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.9  user=bob",
        (3002, 1, 2),
        "bob",
        "192.0.2.9",
    ),
    (
        "sshd",
        "Connection closed by authenticating user bob 192.0.2.9 port 4 [preauth]",
        (3002, 6, 2),
        "bob",
        "192.0.2.9",
    ),
    ("sshd", "Postponed keyboard-interactive for bob from 192.0.2.9 port 4 ssh2", (3002, 6, 99), "bob", "192.0.2.9"),
    ("sshd", "Connection from 192.0.2.9 port 4 on 192.0.2.1 port 22", (4007, 1, None), None, "192.0.2.9"),
    ("sshd", "Disconnected from user bob 192.0.2.9 port 4", (4007, 2, None), None, "192.0.2.9"),
    ("sshd", "Received disconnect from 192.0.2.9 port 4:11: Bye Bye [preauth]", (4007, 2, None), None, "192.0.2.9"),
    ("sshd", "Did not receive identification string from 192.0.2.9 port 4", (4007, 4, 2), None, "192.0.2.9"),
    ("sshd", "Server listening on 0.0.0.0 port 22.", (1008, 99, None), None, None),
    ("dropbear", "Bad password attempt for 'root' from 192.0.2.9:4711", (3002, 1, 2), "root", "192.0.2.9"),
    ("dropbear", "Password auth succeeded for 'bob' from 192.0.2.9:4711", (3002, 1, 1), "bob", "192.0.2.9"),
    (
        "sshd",
        "pam_unix(sshd:session): session opened for user alice(uid=1000) by (uid=0)",
        (3002, 1, 1),
        "alice",
        None,
    ),
    ("sshd", "pam_unix(sshd:session): session closed for user alice", (3002, 2, 1), "alice", None),
    (
        "sshd",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.9  user=bob",
        (3002, 1, 2),
        "bob",
        "192.0.2.9",
    ),
    ("sshd", "pam_unix(sshd:auth): check pass; user unknown", (3002, 1, 2), "unknown", None),
    (
        "su",
        "pam_unix(su-l:session): session opened for user root(uid=0) by alice(uid=1000)",
        (3002, 7, 1),
        "root",
        None,
    ),
    (
        "sshd",
        "pam_faillock(sshd:auth): Consecutive login failures for user bob account temporarily locked",
        (3001, 9, 1),
        "bob",
        None,
    ),
    ("passwd", "pam_unix(passwd:chauthtok): password changed for bob", (3001, 3, 1), "bob", None),
    ("su", "(to root) alice on pts/0", (3002, 7, 1), "root", None),
    ("su", "FAILED SU (to root) alice on pts/0", (3002, 7, 2), "root", None),
    ("su", "- /dev/pts/1 alice:root", (3002, 7, 2), "root", None),
    ("login", "LOGIN ON tty1 BY alice FROM 192.0.2.9", (3002, 1, 1), "alice", "192.0.2.9"),
    ("login", "ROOT LOGIN  ON tty1", (3002, 1, 1), "root", None),
    ("login", "FAILED LOGIN (1) on '/dev/tty1' FOR 'bob', Authentication failure", (3002, 1, 2), "bob", None),
    ("systemd-logind", "New session 12 of user alice.", (3002, 1, 1), "alice", None),
    ("systemd-logind", "Removed session 12.", (3002, 2, 1), "unknown", None),
    (
        "useradd",
        "new user: name=bob, UID=1001, GID=1001, home=/home/bob, shell=/bin/bash, from=/dev/pts/0",
        (3001, 1, 1),
        "bob",
        None,
    ),
    ("useradd", "failed adding user 'bob', data deleted", (3001, 1, 2), "bob", None),
    ("useradd", "add 'bob' to group 'sudo'", (3006, 3, 1), "bob", None),
    ("groupadd", "group added to /etc/group: name=ops, GID=1002", (3006, 6, 1), None, None),
    ("groupdel", "group 'ops' removed", (3006, 5, 1), None, None),
    ("gpasswd", "user bob removed by root from group sudo", (3006, 4, 1), "bob", None),
    ("usermod", "change user 'bob' password", (3001, 3, 1), "bob", None),
    ("usermod", "change user 'bob' shell from '/bin/bash' to '/bin/sh'", (3001, 99, 1), "bob", None),
    ("usermod", "lock user 'bob' password", (3001, 9, 1), "bob", None),
    ("usermod", "unlock user 'bob' password", (3001, 12, 1), "bob", None),
    ("userdel", "delete user 'bob'", (3001, 6, 1), "bob", None),
    ("passwd", "password for 'bob' changed by 'root'", (3001, 3, 1), "bob", None),
    ("CRON", "(root) CMD (test -x /usr/sbin/anacron)", (1006, 6, 1), None, None),
    ("crontab", "(bob) REPLACE (bob)", (1006, 2, 1), None, None),
]


@pytest.mark.parametrize(("program", "message", "kind", "user", "address"), LINES)
def test_messages(
    program: str, message: str, kind: tuple[int, int, int | None], user: str | None, address: str | None
) -> None:
    body = said(program, message)
    assert (body["class_uid"], body["activity_id"], body.get("status_id")) == kind
    assert body.get("user", {}).get("name") == user
    assert body.get("src_endpoint", {}).get("ip") == address
    assert body["time"] == NOON
    assert body["device"]["hostname"] == "web01"
    assert body["message"] == message


def test_a_logon_joins_user_address_and_host() -> None:
    event = parsed(f"{HEAD}sshd[711]: {LINES[1][1]}")
    assert {str(key) for key in entities_of(event.ocsf)} >= {"user:alice", "ip:2001:db8::9", "host:web01"}
    assert event.ocsf["user"]["credential_uid"] == "SHA256:abcdefghijklmnopqrstuvwxyz"
    ends = {(str(link.left), str(link.right)) for link in links_of(event)}
    assert ends == {("ip:2001:db8::9", "user:alice"), ("host:web01", "user:alice")}
    assert event.ocsf["auth_protocol"] == "publickey"


def test_a_user_name_cannot_choose_the_address() -> None:
    name = "x from 198.51.100.1 port 22 ssh2"
    body = said("sshd", f"Failed password for invalid user {name} from 192.0.2.9 port 4 ssh2")
    assert body["src_endpoint"] == {"ip": "192.0.2.9", "port": 4}
    assert body["user"]["name"] == name


def test_sudo_runs_a_command() -> None:
    line = "   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/cat /etc/shadow ; id"
    event = parsed(f"{HEAD}sudo: {line}")
    body = event.ocsf
    assert (body["class_uid"], body["activity_id"], body["status_id"]) == (1007, 1, 1)
    assert body["process"]["cmd_line"] == "/usr/bin/cat /etc/shadow ; id"
    assert body["process"]["file"]["path"] == "/usr/bin/cat"
    assert body["process"]["user"]["name"] == "root"
    assert body["actor"]["user"]["name"] == "alice"
    assert body["process"]["working_directory"] == "/home/alice"
    assert event.logsource.service == "sudo"
    assert event.native["COMMAND"] == "/usr/bin/cat /etc/shadow ; id"
    assert {str(key) for key in entities_of(body)} == {"user:alice", "user:web01\\root", "host:web01"}


def test_sudo_refuses() -> None:
    tail = "TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh"
    refused = said("sudo", f"bob : user NOT in sudoers ; {tail}")
    assert (refused["class_uid"], refused["status_id"], refused["status_detail"]) == (1007, 2, "user NOT in sudoers")
    wrong = said("sudo", f"bob : 3 incorrect password attempts ; {tail}")
    assert (wrong["class_uid"], wrong["status_id"], wrong["user"]["name"]) == (3002, 2, "bob")


def test_sessions_of_logind_are_the_hosts_own() -> None:
    event = parsed(f"{HEAD}systemd-logind[1]: New session 12 of user alice.")
    assert "session:web01/12" in {str(key) for key in entities_of(event.ocsf)}


def test_rfc5424() -> None:
    line = (
        "<38>1 2024-06-15T14:00:00.5+02:00 web01 sshd 711 - "
        '[meta@32473 note="a \\"b\\" ]"] Failed password for bob from 192.0.2.9 port 4 ssh2'
    )
    event = parsed(line, broker_time=0)
    assert event.time == NOON + 500
    assert event.ocsf["unmapped"]["structured_data"] == '[meta@32473 note="a \\"b\\" ]"]'
    assert event.ocsf["actor"]["process"] == {"pid": 711, "name": "sshd"}


def test_the_journal() -> None:
    event = parsed(JOURNAL, broker_time=0)
    assert (event.time, event.class_uid) == (1_718_452_800_123, 3002)
    assert event.ocsf["metadata"]["original_event_uid"] == "s=1;i=2"
    assert event.ocsf["unmapped"]["_BOOT_ID"] == "b1"
    assert event.ocsf["raw_data"] == orjson.dumps(JOURNAL).decode()
    listed = parsed({**JOURNAL, "MESSAGE": list(b"Removed session 3."), "SYSLOG_IDENTIFIER": "systemd-logind"})
    assert listed.ocsf["session"] == {"uid": "3"}


@pytest.mark.parametrize(
    "fields",
    [
        {"ident": "sshd", "pid": "711", "host": "web01", "time": "Jun 15 12:00:00"},
        {"appname": "sshd", "procid": 711, "hostname": "web01", "timestamp": "2024-06-15T12:00:00Z"},
        {"ProcessName": "sshd", "ProcessID": 711, "Computer": "web01", "EventTime": "2024-06-15T12:00:00Z"},
    ],
)
def test_lines_that_a_shipper_took_apart(fields: dict[str, Any]) -> None:
    name = "SyslogMessage" if "Computer" in fields else "message"
    event = parsed({**fields, name: LINES[0][1]})
    assert (event.time, event.ocsf["device"]["hostname"], event.class_uid) == (NOON, "web01", 3002)
    assert event.ocsf["actor"]["process"]["pid"] == 711


def test_years_and_zones_that_no_line_names() -> None:
    line = "Dec 31 23:59:59 web01 sshd[1]: Removed session 3."
    new_year = 1_735_689_600_000  # 2025-01-01T00:00:00Z
    assert parsed(line, broker_time=new_year + 5000).time == new_year - 1000
    assert parsed("Jan  1 00:00:01 web01 sshd[1]: x", broker_time=new_year - 5000).time == new_year + 1000
    assert parsed(line, broker_time=0, year=2023).time == 1_704_067_199_000
    assert parsed(line, broker_time=0, year=2023, zone="Asia/Tokyo").time == 1_704_067_199_000 - 9 * 3_600_000
    zoned = parsed("2024-06-15T12:00:00 web01 sshd[1]: x", broker_time=0, zone="Europe/Berlin")
    assert zoned.time == NOON - 2 * 3_600_000
    assert parsed("Feb 29 12:00:00 web01 sshd[1]: x", broker_time=NOON).time == 1_709_208_000_000


def test_a_time_that_cannot_be_read() -> None:
    event = parsed("Xyz 99 12:00:00 web01 sshd[1]: x")
    assert event.ocsf["metadata"]["labels"] == [TIME_FROM_BROKER]
    unread = SOURCE.parse(record(f"{HEAD}sshd[1]: x", broker_time=0))
    assert isinstance(unread, ParseError)


def test_services_of_sigma() -> None:
    services = {name: parsed(f"{HEAD}{name}[1]: x").logsource.service for name in ("sshd", "CRON", "useradd")}
    assert services == {"sshd": "sshd", "CRON": "cron", "useradd": "auth"}
    other = SOURCE.parse(record(f"{HEAD}named[1]: client denied AXFR from 192.0.2.9"))
    assert isinstance(other, Event)
    assert (other.class_uid, other.logsource.service) == (1008, "syslog")
    servers = [SOURCE.parse(record(f"{HEAD}{name}[1]: x")) for name in ("nginx", "apache2", "httpd")]
    assert [isinstance(each, Event) and each.logsource.service for each in servers] == ["nginx", "apache", "apache"]
    assert other.native["message"] == "client denied AXFR from 192.0.2.9"


def test_lines_of_others_are_not_claimed() -> None:
    for line in (b"Jun 15 12:00:00 fw01 %ASA-6-302013: Built", b"<134>1 2024-06-15T12:00:00Z h app - - - x", b"x", b""):
        assert not SOURCE.recognize(line, None)
    assert not SOURCE.recognize(b"", {"message": "x", "program": "nginx"})
    assert SOURCE.recognize(b"", {"message": "pam_unix(x:auth): check pass; user unknown", "ident": "x"})


def test_the_shippers_host_where_the_line_names_none() -> None:
    line = "Jun 15 12:00:00 sshd[1]: Removed session 3."
    one, two = parsed(line, host="a.example.com"), parsed(line, host="b.example.com")
    assert one.ocsf["device"]["hostname"] == "a.example.com"
    assert one.uid != two.uid
    assert parsed(f"{HEAD}sshd[1]: x", host="a").uid == parsed(f"{HEAD}sshd[1]: x", host="b").uid


def test_hostile_lines() -> None:
    lines = [f"{HEAD}{program}[711]: {message}".encode() for program, message, *_ in LINES]
    lines += [b'<38>1 2024-06-15T12:00:00Z web01 sshd 711 - [a b="c"] Failed password for bob from 192.0.2.9 port 4']
    fuzz.text_records(SOURCE, lines, runs=1200)
    fuzz.anything(SOURCE, 100)


def test_hostile_objects() -> None:
    fuzz.json_records(SOURCE, [JOURNAL, {**JOURNAL, "MESSAGE": [65, 66]}], runs=400)
    fuzz.every_part_wrong(SOURCE, [JOURNAL])
    fuzz.too_much(SOURCE, JOURNAL, ("MESSAGE", "SYSLOG_IDENTIFIER", "_HOSTNAME"))


@pytest.mark.parametrize("unit", ['" not met by user "', " from 1.1.1.1 port 1", "a ", "[x]", "USER=a ; ", '\\"', "("])
def test_long_lines_take_no_time(unit: str) -> None:
    for start in ("pam_x(y:auth): requirement ", "Failed a for ", "root : ", "", '<1>1 - - - - - [a b="'):
        line = (start if start[:1] == "<" else f"{HEAD}sudo[1]: {start}") + unit * (900_000 // len(unit))
        assert SOURCE.parse(record(line)) is not None
