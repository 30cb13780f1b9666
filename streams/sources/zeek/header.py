r"""The header lines of Zeek's TSV logs, and how they travel with a data line.

`RawRecord.columns` of a Zeek line holds first the facts of its header, each as `#key=value` (`#path=conn`, `#types=`
with tabs between the types, and a separator or a marker that is not Zeek's default), then the column names in order:

    ("#path=conn", "#types=time\tstring\taddr", "ts", "uid", "id.orig_h")

Column names alone are enough; no columns at all means that the header is not known.
"""

from __future__ import annotations

import re
from typing import Final

MAX_HEADER_BYTES: Final = 65_536  # the longest header Zeek writes has about 1,000
MAX_COLUMNS: Final = 1024
DEFAULTS: Final = {"separator": "\t", "set_separator": ",", "empty_field": "(empty)", "unset_field": "-"}
_KEPT: Final = ("path", *DEFAULTS)
_HEX: Final = re.compile(r"\\x([0-9A-Fa-f]{2})")


def is_comment(line: bytes) -> bool:
    """Tell whether a line is a header or a comment (`#...`): not telemetry, nothing to decode, nothing lost."""
    return line.lstrip()[:1] == b"#"


class Header:
    """Gather header lines one by one; `columns` is what the data lines after them carry."""

    __slots__ = ("_facts", "_names", "columns")

    def __init__(self) -> None:
        self._facts: dict[str, str] = {}
        self._names: tuple[str, ...] = ()
        self.columns: tuple[str, ...] = ()

    def read(self, line: bytes) -> None:
        """Take in one `#` line; a line that is no Zeek header, or an absurdly long one, changes nothing."""
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        separator = self._facts.get("separator", DEFAULTS["separator"])
        key, _, rest = text[1:].partition(" " if text.startswith("#separator") else separator)
        if len(line) <= MAX_HEADER_BYTES and key in {*_KEPT, "fields", "types"}:
            self._take(key, rest, separator)
            self.columns = self._columns()

    def _take(self, key: str, rest: str, separator: str) -> None:
        if key == "separator":  # the first line of every header: what came before is of another file
            self._facts, self._names = {}, ()
        if key == "fields":
            self._names = tuple(rest.split(separator))
            self._facts.pop("types", None)
        elif key == "types":
            self._facts[key] = rest.replace(separator, "\t")
        else:
            self._facts[key] = _HEX.sub(lambda found: chr(int(found[1], 16)), rest)

    def _columns(self) -> tuple[str, ...]:
        if not self._names or len(self._names) > MAX_COLUMNS:
            return ()
        facts = (f"#{key}={value}" for key, value in self._facts.items() if value and DEFAULTS.get(key) != value)
        return (*facts, *self._names)


def split_columns(columns: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the facts of the header (Zeek's defaults where it says nothing) and the column names."""
    pairs = (column[1:].partition("=")[::2] for column in columns if column[:1] == "#")
    facts = DEFAULTS | {key: value for key, value in pairs if value}
    return facts, tuple(column for column in columns if column[:1] != "#")


def written(columns: tuple[str, ...]) -> str:
    """Return the header lines that `Header` reads these columns from."""
    facts, names = split_columns(columns)
    separator = facts["separator"]
    lines = ["#separator " + "".join(f"\\x{ord(char):02x}" for char in separator)]
    lines += [
        f"#{key}{separator}{_escaped(value)}" for key, value in facts.items() if key not in {"separator", "types"}
    ]
    lines.append(separator.join(("#fields", *names)))
    if "types" in facts:
        lines.append(separator.join(("#types", *facts["types"].split("\t"))))
    return "".join(f"{line}\n" for line in lines)


def _escaped(value: str) -> str:
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in value)
