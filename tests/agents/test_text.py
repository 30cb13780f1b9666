from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.text import CUT, MAX_PLAIN, MAX_QUOTED, moment, plain, quotations, quoted

anything = st.text(max_size=400)  # lone surrogates and controls included


@given(st.lists(anything, max_size=4))
def test_quoted_values_are_read_back_exactly_as_far_as_they_are_shown(values: list[str]) -> None:
    text = " then ".join(f"field {quoted(value)}" for value in values)
    assert quotations(text) == tuple(value[:MAX_QUOTED] for value in values)


@given(anything)
def test_nothing_invisible_gets_through(value: str) -> None:
    for shown in (quoted(value), plain(value)):
        assert shown.isprintable()
        assert len(shown) <= 12 * MAX_PLAIN + 40
        shown.encode()


@given(anything)
def test_plain_text_holds_no_quote(value: str) -> None:
    assert '"' not in plain(value)
    assert quotations(plain(value)) == ()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("alice", '"alice"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("line\nfeed\x1b[2J", '"line\\nfeed\\u001b[2J"'),
        ("right\u202eto left", '"right\\u202eto left"'),
        ("zero\u200bwidth", '"zero\\u200bwidth"'),
        ("größe 日本", '"größe 日本"'),
    ],
)
def test_values_are_shown_as_json_strings(value: str, shown: str) -> None:
    assert quoted(value) == shown


def test_what_is_cut_off_is_counted_outside_the_quotes() -> None:
    assert quoted("x" * (MAX_QUOTED + 7)) == f'"{"x" * MAX_QUOTED}"{CUT} (7 more characters)'


def test_a_moment_is_iso_8601_to_the_millisecond() -> None:
    assert moment(1_750_000_000_007) == "2025-06-15T15:06:40.007Z"
