"""Text from outside, without what a reader cannot see, bounded, and in data blocks that it cannot end.

What is removed: control characters other than tab and newline, everything of the Unicode categories format, surrogate,
private use and unassigned, line and paragraph separators, and whatever else is drawn as nothing (variation selectors,
fillers, tag characters): an instruction could hide in them, or a name be cut in two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

import orjson

from models.errors import ConfigError

MAX_DEPTH: Final = 12  # of nested values in a row
MAX_ITEMS: Final = 200  # of one list or map in a row
MAX_TEXT: Final = 20_000  # characters of one text in a row
MARKER_GONE: Final = "[marker]"
_KEPT: Final = frozenset("\t\n")
# Printable by category and drawn as nothing. Source: Default_Ignorable_Code_Point of Unicode, DerivedCoreProperties.
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_MARKER: Final = re.compile(r"[a-df-z][a-z0-9]{11,63}", re.ASCII)  # begins like no JSON number, true, false or null
_KIND: Final = re.compile(r"[a-z][a-z0-9_ -]{0,39}", re.ASCII)
_Json = dict[str, Any] | list[Any] | str | int | float | bool | None


def clean(text: str) -> str:
    """Return a text without invisible characters; tab and newline stay, CR LF and CR become newlines."""
    if text.isascii() and text.isprintable():
        return text
    folded = text.replace("\r\n", "\n").replace("\r", "\n")
    seen = "".join(
        character for character in folded if character.isprintable() or character in _KEPT or _is_space(character)
    )
    return _BLANK.sub("", seen)


def _is_space(character: str) -> bool:
    """Tell a space from what only counts as one: the separators of lines and paragraphs, and control characters."""
    return character.isspace() and character > "\x85" and character not in "\u2028\u2029"


def cut(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters of it, and how many are left out."""
    left = len(text) - limit
    return f"{text[:limit]}[{left} more characters]" if left > 0 else text


def wrap(marker: str, kind: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as lines of JSON between two lines that only who knows the marker can write.

    Args:
        marker: Random for each run: a letter other than `e`, then 11 to 63 lower-case letters and digits. Where the
            data holds it, in whatever case, `[marker]` stands instead.
        kind: What the rows are, in our own words.
        rows: JSON values, masked already. Invisible characters are removed from them once more.

    Raises:
        ConfigError: The marker or kind is none.
    """
    if not _MARKER.fullmatch(marker) or not _KIND.fullmatch(kind):
        raise ConfigError("a marker is a letter other than e and 11 to 63 letters and digits; a kind is a few words")
    lines = [orjson.dumps(_seen(row, 0)).decode() for row in rows]
    data = re.sub(marker, MARKER_GONE, "\n".join(lines), flags=re.IGNORECASE)
    return f"<data {marker} {kind}>\n{data}\n</data {marker}>"


def _seen(value: Any, depth: int) -> _Json:
    """Return a value as JSON has it, its texts cleaned and bounded; what no JSON has is left out."""
    if isinstance(value, str):
        return cut(clean(value[: 2 * MAX_TEXT]), MAX_TEXT)
    if isinstance(value, bool | int | float) or value is None:
        return value if not isinstance(value, int) or abs(value) < 1 << 63 else str(value)[:MAX_TEXT]
    if depth >= MAX_DEPTH:
        return None
    if isinstance(value, Mapping):
        pairs = islice(value.items(), MAX_ITEMS)
        return {cut(clean(str(name)), MAX_TEXT): _seen(item, depth + 1) for name, item in pairs}
    if isinstance(value, list | tuple):
        return [_seen(item, depth + 1) for item in value[:MAX_ITEMS]]
    return None
