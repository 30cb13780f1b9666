"""Text from outside, made safe to stand in a verdict: quoted, bounded, control characters escaped; and read back.

Whatever stands between double quotes in a verdict is a value that has to occur in the cited evidence, so our own words
never hold a double quote, and a quoted value can always be told apart and read back exactly.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

MAX_QUOTED: Final = 120  # characters of a foreign value that are shown
MAX_PLAIN: Final = 200
CUT: Final = "\N{HORIZONTAL ELLIPSIS}"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*+"')


def _visible(character: str) -> str:
    """Escape what is not visible: control, bidirectional, zero-width, private, unassigned."""
    return character if character.isprintable() else json.dumps(character)[1:-1]


def _escaped(character: str) -> str:
    """Escape what is not visible, and what would end the quote or change what follows in it."""
    return f"\\{character}" if character in '"\\' else _visible(character)


def quoted(value: str) -> str:
    """Quote a foreign value as a JSON string of at most MAX_QUOTED characters; what is cut off is counted behind it."""
    body = "".join(map(_escaped, value[:MAX_QUOTED]))
    left_out = len(value) - MAX_QUOTED
    return f'"{body}"{CUT} ({left_out} more characters)' if left_out > 0 else f'"{body}"'


def plain(text: str, limit: int = MAX_PLAIN) -> str:
    """Bound text that stands without quotes, invisible characters escaped, no double quote in it.

    A backslash stands as it is, since it escapes nothing outside quotes. So this is for reading: whoever needs the
    exact value quotes it.
    """
    body = "".join(map(_visible, text[:limit].replace('"', "'")))
    return body + CUT if len(text) > limit else body


def quotations(text: str) -> tuple[str, ...]:
    """Return the values quoted in a text, unescaped; what does not unescape stands as it is, and no evidence has it."""
    return tuple(_unquoted(match.group()) for match in _QUOTED.finditer(text))


def _unquoted(literal: str) -> str:
    try:
        value: str = json.loads(literal, strict=False)
    except json.JSONDecodeError:
        return literal
    return value


def moment(time: int) -> str:
    """Render a time in ms as ISO 8601 in UTC, to the millisecond."""
    return (EPOCH + timedelta(milliseconds=time)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Count:
    """A number and its noun, in the right form: `1 signal`, `2 signals`."""

    number: int
    noun: str

    def __str__(self) -> str:
        """Render it."""
        return f"{self.number} {self.noun}" if self.number == 1 else f"{self.number} {self.noun}s"
