from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.grounding.normal import cleaned, is_lookalike, normalized
from agents.grounding.times import DAY, LENGTH, MINUTE, POINTS, SECOND, length_of, point_of, weekday_of
from agents.grounding.values import MAX_VALUES, values_of
from agents.grounding.wording import denies, sentences

HASH = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
T0 = 1_750_000_000_000  # 2025-06-15T15:06:40Z, a Sunday


def found(statement: str, *names: str) -> set[tuple[str, str]]:
    return {(value.kind, value.text) for value in values_of(statement, frozenset(names))}


@pytest.mark.parametrize(
    ("statement", "kind", "text"),
    [
        ("It came from 203.0.113.9.", "address", "203.0.113.9"),
        ("It came from 203[.]0[.]113[.]9, they say.", "address", "203.0.113.9"),
        ("It came from 203(dot)0(dot)113(dot)9.", "address", "203.0.113.9"),
        ("It came from \uff12\uff10\uff13.0.113.9.", "address", "203.0.113.9"),
        ("It came from \u0662\u0660\u0663.0.113.9.", "address", "203.0.113.9"),
        ("It came from 20\u200b3.0.113.9.", "address", "203.0.113.9"),
        ("It came from 203\u30020\u3002113\u30029.", "address", "203.0.113.9"),
        ("It came from [2001:db8::1]:443.", "address", "2001:db8::1"),
        ("It came from ::ffff:203.0.113.9.", "address", "::ffff:203.0.113.9"),
        ("It is aa:bb:cc:dd:ee:ff now.", "MAC address", "aa:bb:cc:dd:ee:ff"),
        (f"The indicator is {HASH}.", "hash", HASH),
        ("Mail from alice@example.com came.", "e-mail address", "alice@example.com"),
        ("Mail from alice[at]example[.]com came.", "e-mail address", "alice@example.com"),
        ("It fetched hxxps://evil.example/a?b=1.", "URL", "https://evil.example/a?b=1"),
        ("It asked for evil[.]example[.]com.", "domain or file", "evil.example.com"),
        ("It ran C:\\Windows\\x.exe.", "path", "C:\\Windows\\x.exe"),
        ("It read \\\\fs01\\share\\a.txt there.", "path", "\\\\fs01\\share\\a.txt"),
        ("It set HKLM\\Software\\Run once.", "path", "HKLM\\Software\\Run"),
        ("It read /etc/passwd, then left.", "path", "/etc/passwd"),
        ("It ran `net user /add`.", "literal", "net user /add"),
        ('It ran "net user".', "literal", "net user"),
        ("The user alice left.", "user", "alice"),
        ("The account named svc-backup left.", "name", "svc-backup"),
        ("On host: web01 it was.", "host", "web01"),
        ("It stopped, and mallory ran it.", "name", "mallory"),
        ("Mallory logged on.", "name", "Mallory"),
        ("The web01\u200b machine", "value", "web01"),
        ("EXAMPLE\\bob did it.", "value", "EXAMPLE\\bob"),
        ("arn:aws:iam::123456789012:user/bob did it.", "value", "arn:aws:iam::123456789012:user/bob"),
        ("The key AKIAIOSFODNN7EXAMPLE is used.", "value", "AKIAIOSFODNN7EXAMPLE"),
        ("It exploits CVE-2024-12345 here.", "value", "CVE-2024-12345"),
        ("It used DeleteTrail there.", "value", "DeleteTrail"),
        ("This is T1003.001 at work.", "technique", "T1003.001"),
        ("It came from Moscow at night.", "proper name", "Moscow"),
        ("At 2025-06-15 15:06 UTC it began.", "time", "2025-06-15 15:06 UTC"),
        ("On 15 June 2025 at 15:06 it began.", "time", "15 June 2025 at 15:06"),
        ("It began at 3 pm.", "time", "3 pm"),
        ("It began on a Sunday.", "weekday", "Sunday"),
        ("It took 3 minutes and 20 seconds.", "duration", "3 minutes and 20 seconds"),
        ("There were 1,234 requests.", "number", "1,234"),
        ("There were twelve requests.", "number", "twelve"),
        ("It sent 1.5 MB.", "number", "1.5 MB"),
        ("\u0430lice logged on.", "name", "\u0430lice"),
        ("An \u0430dmin was there.", "word in look-alike letters", "\u0430dmin"),
    ],
)
def test_a_value_is_found_whatever_its_spelling(statement: str, kind: str, text: str) -> None:
    assert (kind, text) in found(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "The user logged on from an unusual place, and the account was used again later.",
        "An attacker used PowerShell and OAuth2 over HTTPS, which GitHub and AWS IAM recorded.",
        "Credential access is followed by lateral movement; the host was not isolated, e.g. by EDR.",
        "The Windows service was created by the same user, one after the other.",
    ],
)
def test_plain_words_are_no_values(statement: str) -> None:
    assert found(statement) == set()


def test_an_entity_of_the_case_is_a_value_wherever_it_stands() -> None:
    assert found("It was bob all along.", "bob") == {("name", "bob")}
    assert found("It was bob all along.") == set()


def test_the_number_of_values_is_bounded_and_one_more_tells_so() -> None:
    assert len(values_of(" ".join(f"a{number}" for number in range(500)))) == MAX_VALUES + 1


@given(st.text(max_size=400))
def test_any_statement_can_be_read(statement: str) -> None:
    for value in values_of(statement):
        assert value.text
    assert denies(statement) in {True, False}
    assert all(sentences(statement))


@given(st.text(max_size=200))
def test_the_one_spelling_is_stable_and_shows_all(text: str) -> None:
    assert cleaned(cleaned(text)) == cleaned(text)
    assert all(character.isprintable() for character in cleaned(text))
    assert "\u200b" not in normalized(text)


def test_look_alike_letters_are_told_from_other_letters() -> None:
    assert is_lookalike("\u0440\u0430\u0443")
    assert not is_lookalike("M\u00fcller")
    assert not is_lookalike("admin")


@pytest.mark.parametrize(
    ("text", "fits", "misses"),
    [
        ("2025-06-15T15:06:40Z", 0, SECOND),
        ("2025-06-15T17:06:40+02:00", 0, SECOND),
        ("2025-06-15T15:06:40.000Z", 0, 1),
        ("2025-06-15 15:06", 19_999, 20_000),
        ("15 June 2025", 0, DAY),
        ("June 15, 2025 at 3:06 pm", 0, MINUTE),
        ("15/Jun/2025:15:06:40 +0000", 0, SECOND),
        ("Jun 15 15:06:40", 365 * DAY, SECOND),
        ("15:06:40", 5 * DAY, SECOND),
        ("15:06", DAY, MINUTE),
        ("3 pm", 0, 60 * MINUTE),
    ],
)
def test_a_time_fits_to_the_stated_precision(text: str, fits: int, misses: int) -> None:
    (point,) = {point_of(match) for form in POINTS if (match := form.fullmatch(text))}
    assert point
    assert point.fits(T0 + fits)
    assert not point.fits(T0 + misses)


def test_a_weekday_fits_every_week() -> None:
    assert weekday_of("Sunday").fits(T0)
    assert weekday_of("sundays").fits(T0 + 7 * DAY)
    assert not weekday_of("Monday").fits(T0)


@pytest.mark.parametrize("text", ["25:00", "2025-13-01", "2025-02-30T10:00Z", "13 pm", "31 Feb 2025"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert [point_of(match) for form in POINTS if (match := form.fullmatch(text))] in ([None], [])


@pytest.mark.parametrize(
    ("text", "ms", "unit"),
    [
        ("3m20s", 200_000, SECOND),
        ("10-minute", 600_000, MINUTE),
        ("an hour", 3_600_000, 3_600_000),
        ("two days", 2 * DAY, DAY),
        ("1.5 hours", 5_400_000, 360_000),
        ("250 ms", 250, 1),
    ],
)
def test_a_length_of_time_is_read(text: str, ms: int, unit: int) -> None:
    match = LENGTH.fullmatch(text)
    assert match
    length = length_of(match[0])
    assert (length.ms, length.unit) == (ms, unit)


@pytest.mark.parametrize(
    ("statement", "is_denial"),
    [
        ("There was no sign of exfiltration.", True),
        ("The user didn't use MFA.", True),
        ("It ran without elevation.", True),
        ("Nothing else happened.", True),
        ("It is not only odd but new.", False),
        ("It ended no later than noon.", False),
        ('It ran "net use /persistent:no".', False),
        ("The logon failed.", False),
    ],
)
def test_a_denial_is_told_from_a_statement(statement: str, is_denial: bool) -> None:
    assert denies(statement) is is_denial
