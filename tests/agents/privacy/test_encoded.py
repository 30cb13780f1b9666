"""What stands encoded in a text is read, so that no name and no secret leaves in another form."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import quote

import pytest

from agents.privacy.encoded import encoded_in
from agents.privacy.screen import Screen
from models.entity import EntityKey

NAME, SECRET = "fin-db-07", "Vq7-hollow-Tangent-93"
FORMS: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(f"h={text}".encode()).decode(),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(f"h={text}".encode()).decode().rstrip("="),
    "wide base64": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "hex": lambda text: text.encode().hex(),
    "upper hex": lambda text: f"h={text}".encode().hex().upper(),
    "escaped": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "escaped in part": lambda text: f"h={text[:2]}%{ord(text[2]):02X}{text[3:]}",
    "base64 of an escaped one": lambda text: base64.b64encode(quote(f"h {text} x").encode()).decode(),
}


def screen() -> Screen:
    made = Screen()
    made.entity(EntityKey("host", NAME))
    made.text(f"login --password {SECRET}")
    return made


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("hidden", [NAME, SECRET])
def test_what_is_hidden_is_neither_shown_nor_sent(form: str, hidden: str) -> None:
    encoded = FORMS[form](hidden)
    text = f"run {encoded} now"
    made = screen()
    shown = made.text(text)
    assert encoded not in shown
    assert hidden not in shown
    assert made.leaks(shown) == ()
    assert made.leaks(text) != ()
    assert made.leaks(made.again(text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "GET /a%20b/c%2Fd?x=100%25 HTTP/1.1",
        "id 1718452800123456 of 4111111111111112",
        "commit 3f9a0c77d1e2b4880fa91c6d5e07b2c4f81a9d30",
        "C:\\Windows\\System32\\WindowsPowerShell",
        "dcba9876-0001-6000-0100-000000000100",
    ],
)
def test_what_hides_nothing_stays_as_it_is(text: str) -> None:
    assert Screen().text(text) == text


def test_what_is_escaped_again_and_again_ends() -> None:
    deep = "%25" * 6000 + "41"
    assert len(Screen().text(deep)) <= len(deep)
    assert [one.how for one in encoded_in("%41%42 and QUJDREVGR0hJSktM")] == ["url", "base64"]
