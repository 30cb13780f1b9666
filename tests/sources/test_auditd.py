from __future__ import annotations

from typing import Any

import orjson
import pytest

from enrichers.entities import entities_of
from models.event import Event
from models.ocsf_schema import validate
from models.records import Context, Coordinates, ParseError, RawRecord
from streams.sources.joining import joined
from streams.sources.linux.auditd import SOURCE, join
from streams.sources.linux.syscalls import syscall_name
from tests.sources import fuzz

AT = Coordinates("raw.auditd", 0, 1)
TIME = 1_718_452_800_123
UID = "1718452800.123:456"
STAMP = f"msg=audit({UID}):"
CALL = (
    f"type=SYSCALL {STAMP} arch=c000003e syscall={{call}} success={{success}} exit={{exit}} a0={{a0}} a1={{a1}}"
    " a2={a2} a3=0 ppid=700 pid=711 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3"
    ' comm="tool" exe="/usr/bin/tool" key={key}\x1dARCH=x86_64 AUID="alice" UID="root" EUID="root" GID="root"'
)
CWD = f'type=CWD {STAMP} cwd="/srv/data"'
USER = (
    f'type={{kind}} {STAMP} pid=711 uid=0 auid=1000 ses=3 subj=unconfined msg=\'{{said}}\'\x1dUID="root" AUID="alice"'
)


def call(number: int, *, success: str = "yes", code: str = "0", **changes: str) -> str:
    fields = {"a0": "1", "a1": "1", "a2": "1", "key": "(null)", **changes}
    return CALL.format(call=number, success=success, exit=code, **fields)


def path(name: str, kind: str = "NORMAL", item: int = 0, mode: str = "0100644") -> str:
    return f'type=PATH {STAMP} item={item} name="{name}" inode=1 dev=08:01 mode={mode} ouid=0 ogid=0 nametype={kind}'


def address(saddr: str) -> str:
    return f"type=SOCKADDR {STAMP} saddr={saddr}"


def user(kind: str, said: str) -> str:
    return USER.format(kind=kind, said=said)


def record(*lines: str | bytes, host: str = "web01", broker_time: int = 0) -> RawRecord:
    raw = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    return RawRecord("auditd", raw, AT, broker_time, context=Context(host=host))


def parsed(*lines: str | bytes, **more: Any) -> Event:
    one = record(*lines, **more)
    event = SOURCE.parse(one)
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == [], lines
    assert event.ocsf["raw_data"] == one.raw.decode()
    value = orjson.loads(one.raw) if one.raw[:1] == b"{" else None
    assert SOURCE.recognize(one.raw, value)
    return event


EXECVE = (
    call(59),
    f'type=EXECVE {STAMP} argc=4 a0="tar" a1="-cf" a2=2F6F70742F6120622E746172 a3_len=6 a3[0]=616263',
    f"type=EXECVE {STAMP} a3[1]=646566",
    CWD,
    path("/usr/bin/tar"),
    path("/lib64/ld.so", item=1),
    f"type=PROCTITLE {STAMP} proctitle=746172002D6366",
)
FILES: list[tuple[tuple[str, ...], tuple[int, int, str]]] = [
    ((call(257, a2="241"), CWD, path("new.txt", "CREATE")), (1001, 1, "/srv/data/new.txt")),
    ((call(257, a2="1"), CWD, path("/etc/hosts")), (1001, 3, "/etc/hosts")),
    ((call(257, a2="80000"), CWD, path("../etc/x")), (1001, 14, "/srv/etc/x")),
    ((call(263), CWD, path("/opt", "PARENT"), path("a", "DELETE", 1)), (1001, 4, "/srv/data/a")),
    ((call(87), path("/opt/a", "DELETE")), (1001, 4, "/opt/a")),
    ((call(82), path("/opt/a", "DELETE"), path("/opt/b", "CREATE", 1)), (1001, 5, "/opt/a")),
    ((call(90), path("/opt/a")), (1001, 7, "/opt/a")),
    ((call(92), path("/opt/a")), (1001, 7, "/opt/a")),
    ((call(188), path("/opt/a")), (1001, 6, "/opt/a")),
    ((call(83), path("/opt/d", "CREATE", 0, "040755")), (1001, 1, "/opt/d")),
    ((call(165), path("/mnt")), (1001, 12, "/mnt")),
]
USERS: list[tuple[str, str, tuple[int, int, int], str | None]] = [
    (
        "USER_LOGIN",
        'op=login id=1000 exe="/usr/sbin/sshd" hostname=192.0.2.9 addr=192.0.2.9 terminal=/dev/pts/0 res=success',
        (3002, 1, 1),
        None,
    ),
    (
        "USER_LOGIN",
        'op=login acct=28696E76616C6964207573657229 exe="/usr/sbin/sshd" addr=192.0.2.9 terminal=ssh res=failed',
        (3002, 1, 2),
        "(invalid user)",
    ),
    (
        "USER_AUTH",
        'op=PAM:authentication acct="bob" exe="/usr/sbin/sshd" hostname=h.example.com addr=192.0.2.9 res=failed',
        (3002, 1, 2),
        "bob",
    ),
    (
        "USER_AUTH",
        'op=PAM:authentication acct="root" exe="/usr/bin/su" addr=192.0.2.9 res=success',
        (3002, 7, 1),
        "root",
    ),
    (
        "USER_AUTH",
        'PAM: authentication acct="bob" : exe="/bin/x" (hostname=?, addr=192.0.2.9, res=success)',
        (3002, 1, 1),
        "bob",
    ),
    (
        "USER_START",
        'op=PAM:session_open acct="bob" exe="/usr/sbin/sshd" addr=192.0.2.9 res=success',
        (3002, 1, 1),
        "bob",
    ),
    (
        "USER_END",
        'op=PAM:session_close acct="bob" exe="/usr/sbin/sshd" addr=192.0.2.9 res=success',
        (3002, 2, 1),
        "bob",
    ),
    ("CRED_ACQ", 'op=PAM:setcred acct="bob" exe="/usr/sbin/sshd" addr=192.0.2.9 res=success', (3002, 99, 1), "bob"),
]
CHANGES: list[tuple[str, str, tuple[int, int], str | None]] = [
    ("ADD_USER", 'op=add-user acct="bob" exe="/usr/sbin/useradd" res=success', (3001, 1), "bob"),
    ("ADD_USER", 'op=adding user acct="bob" exe="/usr/sbin/useradd" res=success', (3001, 1), "bob"),
    ("DEL_USER", 'op=delete-user acct="bob" exe="/usr/sbin/userdel" res=success', (3001, 6), "bob"),
    ("USER_CHAUTHTOK", 'op=PAM:chauthtok acct="bob" exe="/usr/bin/passwd" res=success', (3001, 3), "bob"),
    ("USER_MGMT", 'op=changing-shell acct="bob" exe="/usr/sbin/usermod" res=success', (3001, 99), "bob"),
    ("USER_MGMT", 'op=add-user-to-group grp="wheel" acct="bob" exe="/usr/sbin/usermod" res=success', (3006, 3), "bob"),
    ("GRP_MGMT", 'op=delete-user-from-group grp="wheel" acct="bob" exe="/x" res=success', (3006, 4), "bob"),
    ("ADD_GROUP", 'op=add-group grp="ops" id=1002 exe="/usr/sbin/groupadd" res=success', (3006, 6), None),
    ("SERVICE_STOP", 'unit=firewalld comm="systemd" exe="/usr/lib/systemd/systemd" res=success', (6002, 4), None),
    ("DAEMON_START", "op=start ver=3.1 res=success", (1008, 6), None),
    ("CONFIG_CHANGE", "op=remove_rule key=tmp list=4 res=1", (1008, 99), None),
    ("ANOM_PROMISCUOUS", "dev=eth0 prom=256 old_prom=0", (1008, 99), None),
]


def test_execve_of_several_records() -> None:
    event = parsed(*EXECVE)
    body = event.ocsf
    assert (body["class_uid"], body["activity_id"], body["status_id"], event.time) == (1007, 1, 1, TIME)
    command = "tar -cf /opt/a b.tar abcdef"
    assert body["process"]["cmd_line"] == command
    assert body["process"]["pid"] == 711
    assert body["process"]["parent_process"]["pid"] == 700
    assert body["process"]["file"]["path"] == "/usr/bin/tool"
    assert body["process"]["working_directory"] == "/srv/data"
    assert body["actor"]["user"] == {"name": "alice", "uid": "1000", "type_id": 1}
    assert body["metadata"]["original_event_uid"] == UID
    assert {str(key) for key in entities_of(body)} == {
        "host:web01",
        "session:web01/3",
        "user:alice",
        "user:web01\\root",
    }
    native = event.native
    assert (native["a0"], native["a2"], native["a3"]) == ("tar", "/opt/a b.tar", "abcdef")
    assert native["type"] == ["SYSCALL", "EXECVE", "CWD", "PATH", "PROCTITLE"]
    assert native["SYSCALL"] == "execve"
    assert native["name"] == ["/usr/bin/tar", "/lib64/ld.so"]
    assert (native["Image"], native["CommandLine"], native["User"]) == ("/usr/bin/tool", command, "root")
    assert event.logsource.categories == ("process_creation",)


def test_addresses_of_arguments_are_no_arguments() -> None:
    native = parsed(call(59, a2="55d0"), f'type=EXECVE {STAMP} argc=1 a0="id"').native
    assert "a2" not in native
    assert parsed(call(135, a0="40000")).native["a0"] == "40000"


def test_execve_that_fails_starts_nothing() -> None:
    event = parsed(call(59, success="no", code="-2"), path("/opt/missing", "UNKNOWN"))
    body = event.ocsf
    assert (body["class_uid"], body["status_id"], body["status_code"]) == (1007, 2, "-2")
    assert body["process"]["file"]["path"] == "/opt/missing"
    assert body["actor"]["process"]["file"]["path"] == "/usr/bin/tool"
    assert event.logsource.categories == ()


def test_lines_alone() -> None:
    alone = parsed(EXECVE[1])
    assert (alone.class_uid, alone.native["type"], alone.native["a1"]) == (1007, "EXECVE", "-cf")
    touched = parsed(path("/etc/x", "CREATE"))
    assert (touched.class_uid, touched.ocsf["activity_id"], touched.native["name"]) == (1001, 1, "/etc/x")
    assert parsed(EXECVE[0]).class_uid == 1007
    assert parsed(f"type=PROCTITLE {STAMP} proctitle=6964").class_uid == 1008
    assert parsed(f"type=EOE {STAMP}").class_uid == 1008


@pytest.mark.parametrize(("lines", "kind"), FILES)
def test_files(lines: tuple[str, ...], kind: tuple[int, int, str]) -> None:
    body = parsed(*lines).ocsf
    assert (body["class_uid"], body["activity_id"], body["file"]["path"]) == kind


def test_a_created_file_is_a_file_event() -> None:
    event = parsed(*FILES[0][0])
    assert event.logsource.categories == ("file_event",)
    assert event.native["TargetFilename"] == "/srv/data/new.txt"
    assert parsed(call(257, success="no", code="-13"), path("/x", "CREATE")).logsource.categories == ()
    assert parsed(*FILES[5][0]).ocsf["file_result"]["path"] == "/opt/b"


def test_connections() -> None:
    event = parsed(call(42, success="no", code="-115"), address("020001BBC000020900000000000000000000"))
    body = event.ocsf
    assert (body["class_uid"], body["activity_id"], body["status"]) == (4001, 1, "In Progress")
    assert body["dst_endpoint"] == {"ip": "192.0.2.9", "port": 443}
    assert body["connection_info"]["direction_id"] == 2
    assert event.logsource.categories == ("network_connection",)
    assert (event.native["DestinationIp"], event.native["DestinationPort"]) == ("192.0.2.9", 443)
    six = parsed(call(42), address("0A00005000000000" + "20010DB8" + "00" * 11 + "07" + "00000000")).ocsf
    assert six["dst_endpoint"] == {"ip": "2001:db8::7", "port": 80}
    taken = parsed(call(43), address("02001F90C0000209" + "00" * 8)).ocsf
    assert (taken["src_endpoint"]["ip"], taken["connection_info"]["direction_id"]) == ("192.0.2.9", 1)
    bound = parsed(call(49), address("02001F9000000000" + "00" * 8)).ocsf
    assert (bound["activity_name"], bound["dst_endpoint"]["port"]) == ("bind", 8080)
    local = parsed(call(42), address("01002F72756E2F7800")).ocsf
    assert (local["class_uid"], local["kernel"]["system_call"]) == (1003, "connect")
    enriched = parsed(
        call(42), f"type=SOCKADDR {STAMP} saddr=0200\x1dSADDR={{ saddr_fam=inet laddr=192.0.2.9 lport=80 }}"
    )
    assert enriched.ocsf["raw_data"]


def test_other_calls() -> None:
    module = parsed(call(313), f'type=KERN_MODULE {STAMP} name="rootkit"').ocsf
    assert (module["class_uid"], module["activity_id"], module["driver"]["file"]["name"]) == (1002, 1, "rootkit")
    traced = parsed(
        call(101, a0="4", a1="2c8"), f'type=OBJ_PID {STAMP} opid=712 oauid=-1 ouid=0 oses=-1 ocomm="victim"'
    ).ocsf
    assert (traced["class_uid"], traced["activity_id"], traced["process"]["pid"]) == (1007, 4, 712)
    child = parsed(call(56, code="900")).ocsf
    assert (child["activity_id"], child["process"]["pid"], child["process"]["parent_process"]["pid"]) == (1, 900, 711)
    assert parsed(call(105)).ocsf["activity_id"] == 5
    event = parsed(call(319))
    assert (event.class_uid, event.native["SYSCALL"], event.native["exe"]) == (1003, "memfd_create", "/usr/bin/tool")
    assert parsed(call(9999)).class_uid == 1003


def test_keys() -> None:
    assert parsed(call(99, key='"susp_activity"')).native["key"] == "susp_activity"
    assert parsed(call(99, key="6F6E650174776F")).native["key"] == ["one", "two"]


def test_names_of_calls() -> None:
    assert [syscall_name("c00000b7", number) for number in ("221", "203", "56", "35")] == [
        "execve",
        "connect",
        "openat",
        "unlinkat",
    ]
    assert syscall_name("40000003", "11") == ""


@pytest.mark.parametrize(("kind", "said", "expected", "name"), USERS)
def test_authentications(kind: str, said: str, expected: tuple[int, int, int], name: str | None) -> None:
    body = parsed(user(kind, said)).ocsf
    assert (body["class_uid"], body["activity_id"], body["status_id"]) == expected
    assert body["user"].get("name") == name
    assert body["src_endpoint"]["ip"] == "192.0.2.9"
    assert body["session"]["uid"] == "3"


@pytest.mark.parametrize(("kind", "said", "expected", "name"), CHANGES)
def test_changes(kind: str, said: str, expected: tuple[int, int], name: str | None) -> None:
    event = parsed(user(kind, said))
    assert (event.class_uid, event.ocsf["activity_id"]) == expected
    assert event.ocsf.get("user", {}).get("name") == name
    assert event.native["type"] == kind


def test_a_service_stops() -> None:
    event = parsed(user("SERVICE_STOP", CHANGES[8][1]))
    assert (event.native["unit"], event.ocsf["app"]) == ("firewalld", {"name": "firewalld"})


def test_sudo_tells_its_command() -> None:
    said = 'cwd="/home/alice" cmd=636174202F6574632F736861646F77 exe="/usr/bin/sudo" terminal=pts/0 res=success'
    body = parsed(user("USER_CMD", said)).ocsf
    assert (body["class_uid"], body["process"]["cmd_line"]) == (1007, "cat /etc/shadow")
    assert body["actor"]["user"]["name"] == "alice"


def test_login_opens_a_session() -> None:
    line = f"type=LOGIN {STAMP} pid=9 uid=0 old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=7 res=1"
    body = parsed(f'{line}\x1dUID="root" OLD-AUID="unset" AUID="alice"').ocsf
    assert (body["class_uid"], body["user"]["name"], body["session"]["uid"]) == (3002, "alice", "7")


def test_a_denial_is_told_with_the_call() -> None:
    avc = f'type=AVC {STAMP} avc:  denied  {{ read }} for  pid=711 comm="tool" name="shadow" tclass=file permissive=0'
    alone = parsed(avc).ocsf
    assert (alone["class_uid"], alone["disposition"]) == (1001, "Blocked")
    both = parsed(avc, call(257, success="no", code="-13", a2="0"), path("/etc/shadow")).ocsf
    assert (both["activity_id"], both["action"], both["file"]["path"]) == (14, "Denied", "/etc/shadow")
    assert "action" not in parsed(avc.replace("permissive=0", "permissive=1")).ocsf


def test_the_kernels_own_log() -> None:
    denied = (
        'apparmor="DENIED" operation="open" profile="nginx" name="/etc/shadow" pid=711 comm="nginx" fsuid=33 ouid=0'
    )
    for stamp in ("", "[   12.345678] "):
        event = parsed(f"<5>Jun 15 12:00:00 web07 kernel: {stamp}audit: type=1400 audit({UID}): {denied}")
        body = event.ocsf
        assert (body["class_uid"], body["action"], body["file"]["path"]) == (1001, "Denied", "/etc/shadow")
        assert (body["device"]["hostname"], event.native["type"], event.time) == ("web07", "AVC", TIME)


def test_node_and_shipper_name_the_host() -> None:
    named = parsed(f"node=db01.example.com {call(59)}", host="relay")
    assert named.ocsf["device"]["hostname"] == "db01.example.com"
    one, two = parsed(call(59), host="a"), parsed(call(59), host="b")
    assert (one.ocsf["device"]["hostname"], one.uid == two.uid) == ("a", False)
    assert parsed(f"node=n {call(59)}", host="a").uid == parsed(f"node=n {call(59)}", host="b").uid


def test_join() -> None:
    assert join(call(59).encode()) == (b"1718452800.123:456 ", False)
    assert join(b"node=n1 " + CWD.encode()) == (b"1718452800.123:456 n1", False)
    assert join(f"type=EOE {STAMP} ".encode()) == (b"1718452800.123:456 ", True)
    assert join(f"type=PROCTITLE {STAMP} proctitle=00".encode()) == (b"1718452800.123:456 ", False)
    assert join(user("USER_LOGIN", "x").encode()) is None
    assert join(b"{}") is None


def test_interleaved_lines_become_two_events() -> None:
    other = [line.replace(":456", ":457") for line in EXECVE]
    lines = [line for pair in zip(EXECVE, other, strict=True) for line in pair]
    lines += [f"type=EOE {STAMP} ", user("USER_LOGIN", USERS[0][1])]
    records = [RawRecord("auditd", line.encode(), Coordinates("f", 0, n), 0) for n, line in enumerate(lines, 1)]
    events = [SOURCE.parse(one) for one in joined(records, SOURCE.join)]
    assert [isinstance(event, Event) and event.class_uid for event in events] == [1007, 3002, 1007]
    first = events[0]
    assert isinstance(first, Event)
    assert first.ocsf["process"]["cmd_line"] == "tar -cf /opt/a b.tar abcdef"


LAUREL: dict[str, Any] = {
    "ID": UID,
    "NODE": "web01",
    "SYSCALL": {
        "arch": "0xc000003e",
        "syscall": 59,
        "success": "yes",
        "exit": 0,
        "items": 2,
        "ppid": 700,
        "pid": 711,
        "auid": 1000,
        "uid": 0,
        "euid": 0,
        "gid": 0,
        "egid": 0,
        "ses": 3,
        "comm": "cat",
        "exe": "/usr/bin/cat",
        "ARCH": "x86_64",
        "SYSCALL": "execve",
        "AUID": "alice",
        "UID": "root",
        "EUID": "root",
    },
    "EXECVE": {"argc": 2, "ARGV": ["cat", "/etc/shadow"]},
    "CWD": {"cwd": "/root"},
    "PATH": [{"item": 0, "name": "/usr/bin/cat", "nametype": "NORMAL", "mode": "0o100755", "OUID": "root"}],
    "PROCTITLE": {"ARGV": ["cat", "/etc/shadow"]},
    "PARENT_INFO": {"comm": "bash", "exe": "/usr/bin/bash", "ppid": 699},
}
MERGED = (
    'type=AUOMS_EXECVE audit(1718452800.123:456): SchemaVersion="1" node=web01 arch=x86_64 syscall=execve syscall_r=59'
    " success=yes exit=0 a0=7f a1=7e a2=7d a3=b ppid=700 pid=711 audit_user=alice auid=1000 user=root uid=0 group=root"
    ' gid=0 effective_user=root euid=0 ses="3" comm="cat" exe="/usr/bin/cat" key=auoms cwd="/root" name="/usr/bin/cat"'
    ' nametype=NORMAL path_name=["/usr/bin/cat","/lib64/ld.so"] path_nametype=["NORMAL","NORMAL"] '
    "proctitle=cat /etc/shadow -Dx=1 cmdline=cat /etc/shadow redactors= containerid="
)


@pytest.mark.parametrize(
    "data",
    [
        orjson.dumps(LAUREL),
        MERGED.encode(),
        orjson.dumps({"SyslogMessage": MERGED, "Computer": "web01", "HostIP": "192.0.2.1", "ProcessName": "auoms"}),
    ],
)
def test_other_forms(data: bytes) -> None:
    event = parsed(data)
    body = event.ocsf
    assert (body["class_uid"], body["activity_id"], event.time) == (1007, 1, TIME)
    assert body["process"]["cmd_line"] == "cat /etc/shadow"
    assert body["actor"]["user"]["name"] == "alice"
    assert body["device"]["hostname"] == "web01"
    assert "EXECVE" in event.native["type"]
    assert (event.native["a1"], event.native["SYSCALL"]) == ("/etc/shadow", "execve")
    assert event.logsource.categories == ("process_creation",)


def test_laurel_connects_and_logs_in() -> None:
    saddr = {"SADDR": {"family": "inet", "addr": "192.0.2.9", "port": 443}}
    body = parsed(
        orjson.dumps({**LAUREL, "SYSCALL": {**LAUREL["SYSCALL"], "SYSCALL": "connect"}, "SOCKADDR": saddr})
    ).ocsf
    assert body["dst_endpoint"] == {"ip": "192.0.2.9", "port": 443}
    login = {"ID": UID, "USER_LOGIN": [{"pid": 1, "acct": "bob", "addr": "192.0.2.9", "res": "failed"}]}
    assert parsed(orjson.dumps(login)).ocsf["user"]["name"] == "bob"


def test_no_audit_record() -> None:
    for data in (b"type=SYSCALL", b'{"ID": "x"}', b"{}", b"Jun 15 12:00:00 web01 sshd[1]: x"):
        assert isinstance(SOURCE.parse(record(data, broker_time=TIME)), ParseError)
        value = orjson.loads(data) if data[:1] == b"{" else None
        assert not SOURCE.recognize(data, value)


def test_hostile_lines() -> None:
    lines = ["\n".join(EXECVE).encode(), MERGED.encode()]
    lines += ["\n".join(lines_).encode() for lines_, _ in FILES]
    lines += [user(kind, said).encode() for kind, said, *_ in (*USERS, *CHANGES)]
    lines += ["\n".join((call(42), address("020001BBC000020900000000000000000000"))).encode()]
    fuzz.text_records(SOURCE, lines, runs=1500)
    fuzz.anything(SOURCE, 100)


def test_hostile_objects() -> None:
    fuzz.json_records(SOURCE, [LAUREL, {"SyslogMessage": MERGED, "Computer": "web01"}], runs=500)
    fuzz.too_much(SOURCE, LAUREL, ("EXECVE", "PATH", "SYSCALL", "CWD"))


@pytest.mark.parametrize(
    "unit", ["a={ ", 'a="', "a='", "aa", 'a=[" ', "a1[0]=6162 ", "op=a ", " proctitle=", 'path_name=["', "\n"]
)
def test_long_lines_take_no_time(unit: str) -> None:
    for kind in ("SYSCALL", "EXECVE", "AUOMS_EXECVE", "USER_AUTH"):
        start = f"type={kind} {STAMP} msg='" if kind == "USER_AUTH" else f"type={kind} {STAMP} "
        assert SOURCE.parse(record(start + unit * (1_000_000 // len(unit)))) is not None
