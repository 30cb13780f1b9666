"""Lines that name the columns of the lines after them: Zeek's `#fields`, the first line of a flow log."""

from __future__ import annotations

import re
from typing import Final

from streams.sources.zeek.header import Header, is_comment, written

# A line of nothing but field names, one of which every flow log has.
_FLOW_NAMES: Final = re.compile(
    rb"(?=.*\b(?:srcaddr|interface[-_]id|flow[-_]direction)\b)[a-z][a-z0-9_-]*(?:[ ,][a-z][a-z0-9_-]*)+"
)
MAX_NAMES_BYTES: Final = 4096


class Headers:
    """Gather header lines one by one; `columns` is what the data lines after them carry."""

    __slots__ = ("_zeek", "columns")

    def __init__(self) -> None:
        self._zeek = Header()
        self.columns: tuple[str, ...] = ()

    def read(self, line: bytes) -> bool:
        """Take in one line without blanks around it; tell whether it was a header or a comment, and no record."""
        if is_comment(line):
            self._zeek.read(line)
            self.columns = self._zeek.columns
            return True
        if line[:1].islower() and len(line) <= MAX_NAMES_BYTES and _FLOW_NAMES.fullmatch(line):
            self.columns = tuple(line.decode("ascii").replace(",", " ").split(" "))
            return True
        return False


def with_header(raw: bytes, columns: tuple[str, ...]) -> bytes:
    """Return a line behind the header that gives it these columns again; the line itself when it has none."""
    if not columns:
        return raw
    if not _FLOW_NAMES.fullmatch(" ".join(columns).encode("utf-8", "replace")):
        return written(columns).encode("utf-8", "replace") + raw
    return " ".join(columns).encode("ascii") + b"\n" + raw
