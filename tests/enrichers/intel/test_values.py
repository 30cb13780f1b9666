"""What people write in many ways is compared in one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.intel.indicator import KINDS
from enrichers.intel.urls import shorter_keys, url_key
from enrichers.intel.values import canonical, guess, plain, refang

MD5 = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("198.51.100.7", "ip", "198.51.100.7"),
        ("198[.]51[.]100[.]7", "ip", "198.51.100.7"),
        ("198.51.100.7:8080", "ip", "198.51.100.7"),
        ("::ffff:198.51.100.7", "ip", "198.51.100.7"),
        ("2001:DB8:0::7", "ip", "2001:db8::7"),
        ("198.51.100.7/32", "ip", "198.51.100.7"),
        ("198.51.100.9/24", "network", "198.51.100.0/24"),
        ("2001:db8::/32", "network", "2001:db8::/32"),
        ("Evil[.]Example(dot)org", "domain", "evil.example.org"),
        ("*.evil.example.org.", "domain", "evil.example.org"),
        ("münchen.example.org", "domain", "xn--mnchen-3ya.example.org"),
        ("hxxps[://]evil[.]example[.]org/a", "url", "evil.example.org/a"),
        ("evil.example.org/a?b=c", "url", "evil.example.org/a?b=c"),
        (MD5.upper(), "hash", MD5),
        ("Bad[@]Evil[.]example", "email", "bad@evil.example"),
    ],
)
def test_an_observable_has_one_form(text: str, kind: str, value: str) -> None:
    assert guess(text) == (kind, value)


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        ("domain", "com", "top-level domain"),
        ("domain", "198.51.100.7", "no domain"),
        ("network", "0.0.0.0/0", "wider than /8"),
        ("network", "2000::/3", "wider than /16"),
        ("ip", "fe80::1%eth0", "one link"),
        ("hash", "abc", "no MD5"),
        ("ja3", "a" * 40, "JA3 is an MD5"),
        ("email", "@evil.example.org", "no e-mail"),
        ("url", "http:///a", "no URL"),
        ("url", "http://localhost/a", "no URL"),
        ("domain", "a" * 3000, "longer than"),
    ],
)
def test_what_is_no_observable_says_why(kind: str, text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        canonical(kind, text)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://Example.ORG", "example.org/"),
        ("https://example.org:443/a/./b/../c", "example.org/a/c"),
        ("https://example.org:8443/a", "example.org:8443/a"),
        ("ftp://example.org:21/a", "example.org/a"),
        ("http://user:secret@example.org/a#part", "example.org/a"),
        ("http://example.org/%61%2fb", "example.org/a/b"),
        ("http://example.org//a//", "example.org/a/"),
        ("http://example.org/../..", "example.org/"),
        ("http://example.org?x=1", "example.org/?x=1"),
        ("http://[2001:db8::7]:80/a", "[2001:db8::7]/a"),
    ],
)
def test_a_url_has_one_key(url: str, key: str) -> None:
    assert url_key(url) == key
    assert url_key(key) == key


def test_a_url_may_be_listed_by_any_folder_above() -> None:
    found = shorter_keys("example.org/a/b/c.html?x=1", 9)
    assert found == [
        *("example.org/a/b/c.html?x=1", "example.org/a/b/c.html"),
        *("example.org/a/b/", "example.org/a/", "example.org/"),
    ]
    assert shorter_keys("example.org/a/b/", 1) == ["example.org/a/b/", "example.org/"]


@given(st.text(max_size=60) | st.text("hxtp[.]:/@%dot ()\\\ud800", max_size=60), st.sampled_from(KINDS))
def test_any_text_has_a_form_or_a_reason(text: str, kind: str) -> None:
    for read in (canonical, plain):
        try:
            found, value = read(kind, text)
        except ValueError:
            continue
        assert found in KINDS
        assert plain(found, value) == (found, value), "the form of a form is itself"


@given(st.text("abc.:/?#%2eF[]@", max_size=80))
def test_the_key_of_a_key_is_itself(text: str) -> None:
    key = url_key(text)
    assert key is None or url_key(key) == key


def test_refanging_leaves_what_is_whole() -> None:
    assert refang(" http://example.org/a[1] ") == "http://example.org/a[1]"
