"""What the internet does not know is told from what it does."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.reserved import is_public_address, is_public_name, reserved_block

OWN = [
    *("10.1.2.3", "172.31.255.255", "192.168.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "0.0.0.1"),
    *("224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "198.51.100.7", "203.0.113.9"),
    *("::", "::1", "fd00::1", "fe80::1", "fe80::1%eth0", "ff02::1", "2001:db8::1", "fec0::1", "100::1", "3fff::1"),
    *("::ffff:10.0.0.1", "::ffff:a00:1", "64:ff9b::a00:1", "2002:a00:1::1", "::10.0.0.1", "64:ff9b:1::c0a8:1"),
    *("2001:0:a00:1::1", "not an address", "", "010.0.0.1", "167772161"),
]


@pytest.mark.parametrize("text", OWN)
def test_an_address_of_ones_own_is_not_public(text: str) -> None:
    assert not is_public_address(text)


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]
)
def test_an_address_of_the_internet_is_public(text: str) -> None:
    assert is_public_address(text)


@given(st.ip_addresses())
def test_no_address_is_public_that_the_library_does_not_call_global(found: ipaddress.IPv4Address) -> None:
    if is_public_address(str(found)):
        assert found.is_global
        assert not found.is_multicast


@pytest.mark.parametrize(
    "text",
    [
        *("web01", "web01.corp", "web01.local", "db.internal", "x.lan", "nas.home.arpa", "localhost", "a.localhost"),
        *("1.0.0.10.in-addr.arpa", "x.test", "x.example", "x.invalid", "abc.onion", "x.alt", "x.intranet", "x.private"),
        *(
            "mail.ours.example.net",
            "OURS.example.net.",
            "10.0.0.1",
            "",
            ".",
            "a..b.com",
            "a.b c.com",
            "-a.com",
            "x.com/y",
        ),
    ],
)
def test_a_name_of_ones_own_is_not_public(text: str) -> None:
    assert not is_public_name(text, internal=(".Ours.Example.net.",))


@pytest.mark.parametrize(
    "text", ["evil.com", "a.b.evil.co.uk.", "yours.example.net", "xn--mnchen-3ya.de", "notours.example.net"]
)
def test_a_name_of_the_internet_is_public(text: str) -> None:
    assert is_public_name(text, internal=(".Ours.Example.net.",))


def test_the_block_is_the_one_an_address_is_in() -> None:
    assert str(reserved_block("10.1.2.3")) == "10.0.0.0/8"
    assert str(reserved_block("::ffff:192.168.1.1")) == "192.168.0.0/16"
    assert reserved_block("8.8.8.8") is None
