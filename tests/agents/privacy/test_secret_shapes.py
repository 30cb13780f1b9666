"""Secrets are redacted, by their shape and by the words before them; ordinary text is not."""

from __future__ import annotations

import base64

import pytest

from agents.privacy.screen import Screen

LONG = "abcdefghijklmnopqrstuvwxyz0123456789ABCD"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{LONG}\n{LONG}\n-----END RSA PRIVATE KEY-----"


def shown(text: str) -> str:
    return Screen().text(text)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"x {PEM} y", LONG),
        (f"x {PEM[:60]}", LONG[:20]),
        (f"t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{LONG}", LONG),
        (f"ghp_{LONG[:36]}", LONG[:36]),
        (f"github_pat_{LONG}", LONG),
        (f"glpat-{LONG[:20]}", LONG[:20]),
        ("xoxb-1234567890-abcdefghij", "abcdefghij"),
        ("https://hooks.slack.com/services/T000/B000/XXYYZZ", "XXYYZZ"),
        (f"SSWS 00{LONG}", LONG),
        (f"in 00{LONG} out", LONG),
        (f"AIza{LONG[:35]}", LONG[:35]),
        (f"ya29.{LONG}", LONG),
        (f"abc8Q~{LONG[:34]}", LONG[:34]),
        (f"sk-ant-{LONG}", LONG),
        (f"aws_secret_access_key = {LONG}", LONG),
        (f"AccountKey={LONG}==;EndpointSuffix=x", LONG),
        (f"?sv=1&sig={LONG}%3D&se=2", LONG),
        ("aad3b435b51404eeaad3b435b51404ee:31d6cfe0d16ae931b73c59d7e0c089c0", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("root:$6$saltsalt$hashhashhash:19000", "hashhashhash"),
        ("password=hunter2", "hunter2"),
        ("Password : hunter2", "hunter2"),
        ('{"password": "hunter2 with spaces"}', "hunter2 with spaces"),
        ('{\\"password\\": \\"hunter2\\"}', "hunter2"),
        ("PGPASSWORD='hunter2' psql", "hunter2"),
        ("Server=x;User Id=sa;Pwd=hunter2;", "hunter2"),
        ("mysql --password=hunter2", "hunter2"),
        ("tool --api-key hunter2", "hunter2"),
        ("cmd -p hunter2", "hunter2"),
        ("plink -pw hunter2 x", "hunter2"),
        ("mysql -uroot -phunter2 db", "hunter2"),
        ("7z a -phunter2 x.7z", "hunter2"),
        ("redis-cli -a hunter2", "hunter2"),
        ("schtasks /create /ru x /rp hunter2", "hunter2"),
        ("xfreerdp /u:x /p:hunter2 /v:y", "hunter2"),
        (r"net use \\srv\c$ hunter2 /user:x", "hunter2"),
        (r"net use Z: \\srv\c$ /user:x hunter2", "hunter2"),
        ("net user x hunter2 /add", "hunter2"),
        ("curl -u x:hunter2 http://y", "hunter2"),
        ("smbclient -U x%hunter2 //y/z", "hunter2"),
        ("postgres://x:hunter2@db/y", "hunter2"),
        ("https://x:hu@nter2@db/y", "nter2"),
        ("IDENTIFIED BY 'hunter2'", "hunter2"),
        ("ConvertTo-SecureString 'hunter2' -AsPlainText", "hunter2"),
        ("echo hunter2 | sudo -S id", "hunter2"),
        ("Authorization: Basic aHVudGVyMg==", "aHVudGVyMg"),
        ('curl -H "Authorization: Bearer hunter2abc" x', "hunter2abc"),
        ("Cookie: sid=hunter2; a=b", "hunter2"),
        ("my key is: 9f8g7h6j5k4l3m2n1p0q", "9f8g7h6j5k4l3m2n1p0q"),
        ("mimikatz sekurlsa::pth /ntlm:31d6cfe0d16ae931b73c59d7e0c089c0", "31d6cfe0d16ae931b73c59d7e0c089c0"),
    ],
)
def test_it_is_redacted(text: str, secret: str) -> None:
    assert secret in text
    masked = shown(text)
    assert "[secret:" in masked
    assert secret not in masked


@pytest.mark.parametrize(
    "text",
    [
        "mkdir -p /var/x && ps -p 4242 && docker run -p 80:80 x",
        "ssh -p 22 x",
        "the password was changed",
        "TokenElevationType %%1936",
        "https://example.org/path?id=7",
        "bypass=on",
        "password=",
        "password=***",
        "password=$PASSWORD",
        "compass: north",
        "net use",
        "sk-short gh_no xox",
        "keyboard: a-long-word-without-digits",
        "[secret:password]",
    ],
)
def test_it_is_left_alone(text: str) -> None:
    assert shown(text) == text


def test_a_secret_that_was_seen_is_redacted_wherever_it_comes_again() -> None:
    screen = Screen()
    screen.text("login --password Wint3r-Is-Here")
    assert screen.text("she typed wint3r-is-here there") == "she typed [secret:password] there"
    assert screen.leaks("Wint3r-Is-Here") == ("[secret:password]",)


def test_an_ordinary_word_that_was_a_password_stays_a_word() -> None:
    screen = Screen()
    screen.text("password=investigate")
    assert screen.text("please investigate") == "please investigate"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-8"])
def test_base64_is_read_once(encoding: str) -> None:
    script = r"net use \\10.1.2.3\c$ /user:alice hunter2"
    blob = base64.b64encode(script.encode(encoding)).decode()
    masked = shown(f"powershell -enc {blob}")
    assert masked == r"powershell -enc [base64: net use \\ip-1\c$ /user:user-1 [secret:password]]"


def test_base64_within_base64_is_not_shown() -> None:
    inner = base64.b64encode(b"a letter to alice@example.org").decode()
    outer = base64.b64encode(f"echo {inner} is inside".encode()).decode()
    masked = shown(outer)
    assert masked == f"[base64: echo [base64 of {len(inner)} characters] is inside]"


def test_base64_without_text_stays() -> None:
    blob = base64.b64encode(bytes(range(128, 256))).decode()
    assert shown(blob) == blob


def test_base64_that_is_too_long_is_not_shown() -> None:
    assert shown("QUJD" * 10_000) == "[base64 of 40000 characters]"
