"""Every recognizer: what it finds, and what it leaves alone."""

from __future__ import annotations

import pytest

from agents.privacy.own import Own
from agents.privacy.policy import Handling
from agents.privacy.recognize import is_luhn
from agents.privacy.screen import Screen

OWN = Own(domains=("corp.example.com",), windows_domains=("emea",))


def shown(text: str) -> str:
    return Screen(Handling(own=OWN)).text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail from alice@example.org now", "mail from user-1 now"),
        ("upn=alice.b+x@mail.example.org;", "upn=user-1;"),
        ("to%3Dalice%40example.org&x", "to%3Duser-1&x"),
        (r"CORP\alice logged on", "user-1 logged on"),
        (r"emea\alice logged on", "user-1 logged on"),
        (r"corp.example.com\alice", "user-1"),
        (r"runas /user:CORP\alice cmd", "runas /user:user-1 cmd"),
        ("whoami /user:alice", "whoami /user:user-1"),
        ("psql --username=alice -h x", "psql --username=user-1 -h x"),
        ("Failed password for user alice from", "Failed password for user user-1 from"),
        ("S-1-5-21-1004336348-1177238915-682003330-512 added", "user-1 added"),
        ("S-1-12-1-1111-2222-3333-4444", "user-1"),
        ("from 10.1.2.3:445 to", "from ip-1:445 to"),
        ("net 172.16.0.0/12", "net ip-1/12"),
        ("host ip-10-1-2-3 up", "host ip-ip-1 up"),
        ("fd12:3456:789a::1 and ::ffff:192.168.1.1", "ip-1 and ip-2"),
        ("fe80::1ff:fe23:4567:890a%eth0", "ip-1"),
        ("00:11:22:aa:bb:cc 00-11-22-AA-BB-CC 0011.22aa.bbcc", "mac-1 mac-1b mac-1c"),
        ("connect db02.corp.example.com:5432", "connect host-1:5432"),
        ("printer.local ip-10-0-0-1.ec2.internal", "host-1 host-2"),
        (r"dir \\fs01\share", r"dir \\host-1\share"),
        (r"dir \\\\fs01\\share", r"dir \\\\host-1\\share"),
        ("smb://fs01/share", "smb://host-1/share"),
        ("cifs/fs01", "cifs/host-1"),
        ("ssh alice@bastion uptime", "ssh user-1@host-1 uptime"),
        (r"C:\Users\alice\x.txt", r"C:\Users\user-1\x.txt"),
        (r"C:\\Users\\alice\\x.txt", r"C:\\Users\\user-1\\x.txt"),
        (r"c:\users\Alice Smith\x.txt", r"c:\users\user-1\x.txt"),
        ("/home/alice/.ssh/id", "/home/user-1/.ssh/id"),
        ("/Users/alice/Library", "/Users/user-1/Library"),
        ("file:///C:/Users/alice/x", "file:///C:/Users/user-1/x"),
        ("cat ~alice/x", "cat ~user-1/x"),
        ("arn:aws:iam::123456789012:user/dev/alice", "arn:aws:iam::account-1:user/dev/user-1"),
        ("arn:aws:sts::123456789012:assumed-role/Ops/alice", "arn:aws:sts::account-1:assumed-role/Ops/user-1"),
        ("account 123456789012 closed", "account account-1 closed"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "account-1.dkr.ecr.eu-west-1.amazonaws.com"),
        ("key AKIAIOSFODNN7EXAMPLE used", "key session-1 used"),
        ("AROAIOSFODNN7EXAMPLE:alice", "user-1:user-2"),
        ("on i-0123456789abcdef0", "on workload-1"),
        ("call +47 22 33 44 55 now", "call phone-1 now"),
        ("call (212) 555-0100", "call phone-1"),
        ("card 4111 1111 1111 1111 ok", "card card-1 ok"),
        ("card 4111111111111111", "card card-1"),
        ("CN=Alice Smith,OU=Staff,DC=x", "CN=user-1,OU=Staff,DC=x"),
        ("system:serviceaccount:prod:builder", "user-1"),
        ("system:node:worker-7.corp.example.com", "system:node:host-1"),
    ],
)
def test_it_is_found(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "an @ sign, foo@v1, pkg@1.2.3",
        r"HKLM\SOFTWARE\Microsoft\Windows",
        r"C:\Windows\System32\cmd.exe /c dir",
        r"NT AUTHORITY\SYSTEM",
        r"SHARE\readme.txt",
        r"C:\Users\Public\x.exe",
        "S-1-5-18 S-1-5-32-544",
        "203.0.113.9 8.8.8.8 127.0.0.1 0.0.0.0 169.254.169.254 255.255.255.255",
        "version 10.0.18362.1 (build)",
        "2001:4860:4860::8888 ::1",
        "at 12:34:56 and 2026:11:21",
        "00:00:00:00:00:00 ff:ff:ff:ff:ff:ff",
        "www.example.org cdn.example.net/x.js",
        r"\\.\pipe\x \\?\C:\x",
        "\\Device\\HarddiskVolume2\\x",
        "/home/ /usr/home",
        "user=root login=nobody",
        "arn:aws:s3:::bucket/key",
        "123456789012 alone, 202611211234",
        "AKIA is short",
        "i-am-no-instance",
        "4111 1111 1111 1112",
        "1600017407000 1591757456538",
        "+1 23",
        "CN=x alone",
        "system:masters",
        "d41d8cd98f00b204e9800998ecf8427e",
        "T1003.001 CVE-2026-1234 KB5001330",
    ],
)
def test_it_is_left_alone(text: str) -> None:
    assert shown(text) == text


def test_one_host_is_one_host_however_it_is_written() -> None:
    assert shown(r"\\FS01\c$ fs01.corp.example.com FS01 fs01$") == r"\\host-1\c$ host-1b host-1 host-1c$"


@pytest.mark.parametrize("digits", ["4111111111111111", "5500005555555559", "378282246310005"])
def test_check_digits(digits: str) -> None:
    assert is_luhn(digits)
    assert not is_luhn(digits[:-1] + str((int(digits[-1]) + 1) % 10))
