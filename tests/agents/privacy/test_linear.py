"""Hostile text is read in time that grows with its length, not with its square.

No time is asserted: a pattern that is quadratic would take hours here, and the test would not end.
"""

from __future__ import annotations

import pytest

from agents.privacy.encoded import encoded_in
from agents.privacy.own import Own
from agents.privacy.recognize import names_in
from agents.privacy.screen import Screen
from agents.privacy.secret_shapes import secrets_in
from models.entity import EntityKey

MEGABYTE = 1_000_000
REPEATED = (
    *("a", "4", ".", ":", "\\", "a.", "a-", "4-", "::", "ab:", "a@", "://a:", "-----BEGIN PRIVATE KEY-----", "eyJ"),
    *("net use \\\\a\\b ", " -p", " -u a", "QUJD", "C:\\Users\\a b c d ", "arn:aws:iam::", "user-1 ", "ssh a ", "%41"),
    *("authorization:", "(212", "+1 2", "CN=a,", 'token="', "account ", "token ", "a.corp.local ", "$1$", "--a"),
)


@pytest.mark.parametrize("piece", REPEATED)
def test_every_pattern_is_linear(piece: str) -> None:
    text = piece * (MEGABYTE // 10 // len(piece))
    for find in (secrets_in, encoded_in, lambda whole: names_in(whole, Own(domains=("example.com",)))):
        for _ in find(text):
            pass


def test_all_of_it_together_is_linear() -> None:
    text = "".join(piece * (MEGABYTE // len(REPEATED) // len(piece)) for piece in REPEATED)
    assert len(text) > MEGABYTE * 9 // 10
    for find in (secrets_in, encoded_in, lambda whole: names_in(whole, Own())):
        for _ in find(text):
            pass


def test_a_text_is_read_no_further_than_needed() -> None:
    masked = Screen().text("alice@example.org " * MEGABYTE, 1000)
    assert len(masked) < 1100
    assert masked.endswith("more characters]")


def test_many_names_are_looked_for_in_one_pass() -> None:
    screen = Screen()
    for number in range(5000):
        screen.entity(EntityKey("ip", f"10.{number >> 8 & 255}.{number & 255}.{number % 250}"))
    text = "10.1.2.3 and a " * 5000
    assert len(screen.leaks(text)) <= 1


def test_names_are_bounded() -> None:
    screen = Screen()
    shown = {screen.entity(EntityKey("user", f"person{number}x")) for number in range(30_000)}
    assert "[user]" in shown
    assert len(shown) <= 20_001
