"""Put the lines of a rendered Windows event together again: the one text record that runs over many lines. Pure.

Such a record begins with `LogName=`, or with a line that is nothing but a date and the line `LogName=` after it, and
runs until the next beginning of its own kind: nothing in its message ends it but what looks just like a new event.
Splunk's forwarder writes events in this form (`WinEventLog` with `renderXml=0`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from streams.sources.base import MAX_RECORD_BYTES

FIRST_NAME: Final = b"LogName="
MAX_DATE_BYTES: Final = 48
DATE: Final = re.compile(
    rb"(?:\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}[T ]\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?[AP]M)?"
    rb"|\d{14}\.\d{6})(?: ?(?:Z|[+-]\d{2,3}:?(?:\d\d)?))?\s*"
)


class Piece(NamedTuple):
    """A line, or the lines of one record.

    Attributes:
        number: Number of its first line.
        raw: The line as it came, or the lines of a record without what ends them.
        is_block: Whether it is a record of several lines, which is no header and no JSON whatever it holds.
    """

    number: int
    raw: bytes
    is_block: bool


class Blocks:
    """Take lines one by one and hand out what is whole. Holds one record, MAX_RECORD_BYTES at most, and a date line.

    A record that is longer is handed out in parts, for its source to refuse.
    """

    __slots__ = ("_date", "_is_dated", "_lines", "_number", "_size")

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._number = self._size = 0
        self._is_dated = False
        self._date: tuple[int, bytes] | None = None

    def push(self, number: int, line: bytes) -> Iterator[Piece]:
        """Take in the next line; hand out what it shows to be whole."""
        date, self._date = self._date, None
        is_first = line.startswith(FIRST_NAME)
        if date is not None:
            if is_first:
                yield from self._close()
                self._begin(*date, is_dated=True)
                self._add(line)
                return
            yield from self._line(*date)
        if is_first and not (self._lines and self._is_dated):
            yield from self._close()
            self._begin(number, line, is_dated=False)
        elif line[:1].isdigit() and len(line) <= MAX_DATE_BYTES and DATE.fullmatch(line):
            self._date = number, line
        else:
            yield from self._line(number, line)

    def flush(self) -> Iterator[Piece]:
        """Hand out what is left after the last line."""
        date, self._date = self._date, None
        if date is not None:
            yield from self._line(*date)
        yield from self._close()

    def _begin(self, number: int, line: bytes, *, is_dated: bool) -> None:
        self._lines, self._size, self._number, self._is_dated = [], 0, number, is_dated
        self._add(line)

    def _add(self, line: bytes) -> None:
        self._lines.append(line.rstrip(b"\r"))
        self._size += len(line) + 1

    def _line(self, number: int, line: bytes) -> Iterator[Piece]:
        if not self._lines:
            yield Piece(number, line, is_block=False)
        elif self._size + len(line) > MAX_RECORD_BYTES:
            yield from self._close()
            self._begin(number, line, is_dated=self._is_dated)
        else:
            self._add(line)

    def _close(self) -> Iterator[Piece]:
        raw = b"\n".join(self._lines).rstrip()
        if raw:
            yield Piece(self._number, raw, is_block=True)
        self._lines = []


def pieces(lines: Iterable[bytes]) -> Iterator[Piece]:
    """Put all lines of a text together; they are numbered from 1."""
    blocks = Blocks()
    for number, line in enumerate(lines, 1):
        yield from blocks.push(number, line)
    yield from blocks.flush()
