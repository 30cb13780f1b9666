"""Values as they are kept: shortened, grouped, measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.feature import MAX_TEXT
from streams.features.domains import registered
from streams.features.texts import base_name, millibits, short
from streams.features.useragents import family

LONE = st.sampled_from(["\ud800", "\udbff", "\udc00", "\udfff"])  # surrogates, which no UTF-8 has
ANY = st.lists(st.text(max_size=200) | LONE, max_size=4).map("".join)


@given(ANY)
def test_a_short_text_can_be_written_and_stays_as_it_is_where_it_can(text: str) -> None:
    found = short(text)
    assert len(found) <= MAX_TEXT
    found.encode()
    if len(text) <= MAX_TEXT and not any("\ud800" <= char <= "\udfff" for char in text):
        assert found == text


def test_long_texts_that_differ_at_the_end_are_told_apart() -> None:
    assert short("a" * 5000 + "b") != short("a" * 5000 + "c")


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("www.example.com", "example.com"),
        ("a.b.c.example.com.", "example.com"),
        ("WWW.Example.CO.UK", "example.co.uk"),
        ("example.co.uk", "example.co.uk"),
        ("one.github.io", "one.github.io"),
        ("a.two.github.io", "two.github.io"),
        ("github.io", "github.io"),
        ("example.io", "example.io"),
        ("localhost", ""),
        ("192.0.2.7", ""),
        ("2001:db8::7", ""),
        ("a..example.com", ""),
        (".", ""),
        ("", ""),
        ("a" * 300 + ".example.com", ""),
    ],
)
def test_names_are_grouped_by_what_somebody_registered(name: str, domain: str) -> None:
    assert registered(name) == domain


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/145.0.0.0 Safari/537.36 Edg/145.0.0.0", "edge on windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/99.0 Safari/537.36", "chrome on macos"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1", "safari on ios"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "firefox on linux"),
        ("Mozilla/5.0", "another browser"),
        ("aws-cli/2.33.9 md/awscrt#0.31.0 os/linux#6.18.5 lang/python#3.13.11", "aws-cli"),
        ("Boto3/1.26.0 Python/3.9", "boto3"),
        ("kubectl/v1.30.0 (linux/amd64) kubernetes/7c48c2b", "kubectl"),
        ("python-requests/2.28.0", "python-requests"),
        ("agent_1004a4ff-b486-4981-a84b-000000000000", "agent"),
        ("Agent-1.2.3", "agent"),
        ("signin.amazonaws.com", "signin.amazonaws.com"),
        ("", ""),
        ("///", ""),
    ],
)
def test_user_agents_are_told_by_their_family(agent: str, told: str) -> None:
    assert family(agent) == told


def test_a_new_version_is_nothing_new() -> None:
    browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/{} Safari/537.36"
    assert len({family(browser.format(f"{number}.0.{number}")) for number in range(120, 150)}) == 1


@given(ANY)
def test_any_text_has_a_family_and_a_domain(text: str) -> None:
    assert len(family(text)) <= MAX_TEXT
    assert len(registered(text)) <= len(text)


@pytest.mark.parametrize(
    ("text", "entropy"), [("", 0), ("abc", 0), ("aaaaaaaa", 0), ("abababab", 1000), ("abcdefgh", 3000)]
)
def test_entropy_is_in_thousandths_of_a_bit_a_character(text: str, entropy: int) -> None:
    assert millibits(text) == entropy


@given(st.text(min_size=8, max_size=100))
def test_entropy_does_not_depend_on_the_order_of_characters(text: str) -> None:
    assert abs(millibits(text) - millibits(text[::-1])) <= 1


@pytest.mark.parametrize(("path", "name"), [(r"C:\a\b.exe", "b.exe"), ("/bin/sh", "sh"), ("sh", "sh"), ("a/", "")])
def test_the_name_of_a_file_is_what_comes_last(path: str, name: str) -> None:
    assert base_name(path) == name
