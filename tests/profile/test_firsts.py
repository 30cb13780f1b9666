"""By which name a value is known, and who is a peer."""

from __future__ import annotations

import pytest

from streams.profile.firsts import name_of
from streams.profile.reports import group_of


@pytest.mark.parametrize(
    ("feature", "one", "other"),
    [
        ("image", "setup-12.exe", "setup-7.exe"),
        ("image", "agent-2.4.1.exe", "agent-10.exe"),
        ("parent_child", "explorer.exe>reader-9.exe", "explorer.exe>reader-11.0.exe"),
        ("binary", "c:\\users\\alice\\downloads\\a.exe", "c:\\users\\bob\\downloads\\a.exe"),
        ("binary", "/home/alice/bin/tool", "/home/bob/bin/tool"),
        ("listener", "node18.exe 3000/tcp", "node20.exe 3000/tcp"),
        ("job", "\\updates\\task-20260914", "\\updates\\task-20260921"),
    ],
)
def test_versions_and_homes_make_no_program_new(feature: str, one: str, other: str) -> None:
    assert name_of(feature, one) == name_of(feature, other)


@pytest.mark.parametrize(
    ("feature", "one", "other"),
    [
        ("image", "winword.exe", "powershell.exe"),
        ("binary", "0" * 63 + "1", "0" * 63 + "2"),
        ("listener", "node.exe 3000/tcp", "node.exe 4444/tcp"),
        ("destination", "192.0.2.1", "192.0.2.2"),
        ("asn", "AS64500", "AS64501"),
    ],
)
def test_other_things_stay_apart(feature: str, one: str, other: str) -> None:
    assert name_of(feature, one) != name_of(feature, other)


def test_peers_are_those_of_the_context_else_of_the_network_else_of_chance() -> None:
    assert group_of("ip:192.0.2.7", "zeek", "servers") == "peers:servers/zeek"
    assert group_of("ip:192.0.2.7", "zeek", "") == group_of("ip:192.0.2.99", "zeek", "") == "peers:ip-192.0.2/zeek"
    assert group_of("ip:192.0.3.7", "zeek", "") != group_of("ip:192.0.2.7", "zeek", "")
    others = {group_of(f"host:h{n}.corp.example.com", "windows", "") for n in range(400)}
    assert len(others) == 16
    assert group_of("ip:2001:db8::7", "zeek", "").startswith("peers:ip-")
