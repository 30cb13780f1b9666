"""Server-sent events: lines end in three ways, data may be of several lines, and what is not whole is not told."""

from __future__ import annotations

import pytest

from agents.llm.failures import NoReply
from agents.llm.sse import data_of


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", []),
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data: a\r\n\r\ndata:b\r\r", ["a", "b"]),
        (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
        (b": comment\nevent: x\nid: 1\ndata:  a\ndata: b\n\n\n\n", [" a\nb"]),
        (b"data\n\n", [""]),
        (b"data: a\n\ndata: not whole\n", ["a"]),
        ("data: \u2028\u0085é\n\n".encode(), ["\u2028\u0085é"]),
    ],
)
def test_events(body: bytes, expected: list[str]) -> None:
    assert list(data_of(body)) == expected


def test_what_is_no_text_is_told() -> None:
    with pytest.raises(NoReply, match="not UTF-8"):
        list(data_of(b"data: \xff\n\n"))
