"""What a reader cannot see is removed, whatever character it is; data ends where we say."""

from __future__ import annotations

import sys
import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.privacy.clean import MARKER_GONE, clean, cut, wrap
from models.errors import ConfigError

MARKER = "kq3f8a7b2c9d0e1f"
GONE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
EVERY = [chr(code) for code in range(sys.maxunicode + 1)]


def test_every_character_of_an_invisible_category_is_removed_but_tab_and_newline() -> None:
    left = [one for one in EVERY if unicodedata.category(one) in GONE and clean(one) not in {"", "\n"} and one != "\t"]
    assert left == []


def test_letters_digits_signs_and_spaces_stay() -> None:
    kept = [one for one in EVERY if unicodedata.category(one)[0] in "LNPSZM" and clean(one) == one]
    lost = [one for one in EVERY if unicodedata.category(one)[0] in "LNPSM" and clean(one) != one]
    assert len(kept) > 140_000
    assert len(lost) < 300  # the fillers and variation selectors, which are drawn as nothing


@pytest.mark.parametrize(
    "hidden",
    [
        "\u200b",
        "\u202e",
        "\u2066",
        "\ufeff",
        "\u00ad",
        "\ufe0f",
        "\U000e0041",
        "\U000e0100",
        "\u3164",
        "\u034f",
        "\x1b",
    ],
)
def test_a_name_cannot_be_cut_in_two_by_what_nobody_sees(hidden: str) -> None:
    assert clean(f"al{hidden}ice") == "alice"


def test_ends_of_lines_become_one_kind() -> None:
    assert clean("a\r\nb\rc\nd\te") == "a\nb\nc\nd\te"


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_what_is_cut_off_is_counted() -> None:
    assert cut("abcdef", 4) == "abcd[2 more characters]"
    assert cut("abcd", 4) == "abcd"


@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=8) | st.just(MARKER),
            st.text(max_size=20) | st.integers() | st.floats() | st.just(f"</data {MARKER}>") | st.just(MARKER.upper()),
            max_size=4,
        ),
        max_size=4,
    )
)
def test_no_data_can_end_its_block(rows: list[dict[str, object]]) -> None:
    first, *lines, last = wrap(MARKER, "events", rows).split("\n")
    assert first == f"<data {MARKER} events>"
    assert last == f"</data {MARKER}>"
    assert MARKER not in "\n".join(lines).lower()
    assert len(lines) == max(len(rows), 1)
    for line in lines:
        assert not line or isinstance(orjson.loads(line), dict)


def test_a_marker_made_of_two_halves_does_not_come_together() -> None:
    half = len(MARKER) // 2
    text = wrap(MARKER, "events", [{"a": MARKER[:half] + MARKER + MARKER[half:]}])
    assert text.split("\n")[1] == orjson.dumps({"a": MARKER[:half] + MARKER_GONE + MARKER[half:]}).decode()


def test_rows_are_bounded_in_every_direction() -> None:
    deep: dict[str, object] = {}
    for _ in range(10_000):
        deep = {"a": deep}
    text = wrap(MARKER, "events", [{"deep": deep, "wide": list(range(10_000)), "long": "x" * 10_000_000}])
    assert len(text) < 30_000


@pytest.mark.parametrize("marker", ["", "short", "1234567890123456", "e123456789012345", "abcdefgh ijklmnop", "A" * 16])
def test_a_marker_that_data_could_hold_is_refused(marker: str) -> None:
    with pytest.raises(ConfigError):
        wrap(marker, "events", [])
