"""Indicators of plain lists and of CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from enrichers.intel.indicator import DOMAIN, KINDS, Indicator, Rejected, Said, labels_of, percent, short
from enrichers.intel.times import time_ms
from enrichers.intel.values import canonical, guess

MAX_TITLES: Final = 20  # told of
MAX_LINE: Final = 65_536
COLUMNS: Final = ("value", "kind", "id", "name", "labels", "confidence", "valid_from", "valid_until", "modified")
_COMMENTS: Final = ("#", ";", "//")
_HOSTS_FILE: Final = frozenset({"0.0.0.0", "127.0.0.1", "::1", "::"})  # noqa: S104  # what hosts files block names with


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a list.

    Attributes:
        kind: What it lists, one of `indicator.KINDS`; empty where each value tells.
        columns: CSV: the column of each of COLUMNS, by its title or its number from 0.
        delimiter: CSV: what parts columns.
        labels: Put on all of its indicators.
    """

    kind: str = ""
    columns: Mapping[str, str | int] = field(default_factory=lambda: {"value": 0})
    delimiter: str = ","
    labels: tuple[str, ...] = ()


class _Reader(Protocol):
    """What `csv.reader` makes."""

    @property
    def line_num(self) -> int: ...

    def __next__(self) -> list[str]: ...


def read_list(lines: Iterable[str], known: Indicator, where: str, layout: Layout) -> Iterator[Said]:
    """Yield the indicators of a list: one in a line; comments, and what follows a value, are left out.

    Args:
        lines: The lines.
        known: What is said of all of its indicators.
        where: The file or URL.
        layout: How to read it.
    """
    known = replace(known, labels=layout.labels)
    for number, line in enumerate(lines, 1):
        words = line[:MAX_LINE].lstrip("\ufeff").split(None, 2)
        if not words or words[0].startswith(_COMMENTS):
            continue
        is_host = len(words) > 1 and words[0] in _HOSTS_FILE and not words[1].startswith(_COMMENTS)
        value, kind = (words[1], DOMAIN) if is_host else (words[0].rstrip(",;"), layout.kind)
        yield _indicator(known, kind, value, f"{where}:{number}")


def _indicator(known: Indicator, kind: str, value: str, where: str) -> Said:
    try:
        found, text = canonical(kind, value) if kind else guess(value)
    except ValueError as error:
        return Rejected(known.source, where, known.id, f"{value[:80]!r}: {error}")
    return Indicator(
        found,
        text,
        known.source,
        known.valid_from,
        known.valid_until,
        known.confidence,
        known.id,
        known.name,
        known.labels,
        known.modified,
    )


def read_csv(lines: Iterable[str], known: Indicator, where: str, layout: Layout) -> Iterator[Said]:
    """Yield the indicators of a CSV file.

    The first line that is no comment is the header where a column is named by its title. A line that cannot be read
    is rejected by itself.
    """
    rows = csv.reader(("" if _is_comment(line) else line[:MAX_LINE] for line in lines), delimiter=layout.delimiter)
    places: Mapping[str, int] | None = None
    if all(isinstance(column, int) for column in layout.columns.values()):
        places = {name: int(column) for name, column in layout.columns.items()}
    for place, row in _rows(rows, known.source, where):
        if isinstance(row, Rejected):
            yield row
        elif row and places is None:
            found = _places(row, layout.columns)
            if isinstance(found, str):
                yield Rejected(known.source, place, "", found, ends=True)
                return
            places = found
        elif row and places is not None:
            yield from _row(row, places, known, place, layout)


def _is_comment(line: str) -> bool:
    return line.lstrip("\ufeff").startswith("#")


def _rows(rows: _Reader, source: str, where: str) -> Iterator[tuple[str, list[str] | Rejected]]:
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            place = f"{where}:{rows.line_num}"
            yield place, Rejected(source, place, "", f"not CSV: {error}")
        else:
            yield f"{where}:{rows.line_num}", row


def _places(header: Sequence[str], columns: Mapping[str, str | int]) -> dict[str, int] | str:
    titles = {title.strip().lower(): number for number, title in reversed(list(enumerate(header)))}
    wanted = {name: titles.get(at.lower(), -1) if isinstance(at, str) else at for name, at in columns.items()}
    missing = [str(columns[name]) for name, at in wanted.items() if at < 0]
    return f"no column {missing[0]!r}; there are {', '.join(header[:MAX_TITLES])}" if missing else wanted


def _row(row: Sequence[str], places: Mapping[str, int], known: Indicator, where: str, layout: Layout) -> Iterator[Said]:
    cell = {name: row[at].strip() for name, at in places.items() if at < len(row)}
    kind = cell.get("kind", "").lower() or layout.kind
    if not cell.get("value"):
        yield Rejected(known.source, where, cell.get("id", ""), "a row without a value")
        return
    valid_from, valid_until = time_ms(cell.get("valid_from")), time_ms(cell.get("valid_until"))
    stated = cell.get("confidence", "")
    about = replace(
        known,
        id=short(cell.get("id", "")),
        name=short(cell.get("name", "")),
        labels=labels_of([*layout.labels, *cell.get("labels", "").replace(";", ",").replace("|", ",").split(",")]),
        confidence=percent(int(stated) if stated.isdecimal() and len(stated) < 4 else None, known.confidence),  # noqa: PLR2004  # three digits
        valid_from=known.valid_from if valid_from is None else valid_from,
        valid_until=known.valid_until if valid_until is None else valid_until,
        modified=time_ms(cell.get("modified")) or known.modified,
    )
    yield _indicator(about, _kind(kind), cell["value"], where)


def _kind(word: str) -> str:
    """Return the kind that a word of a feed means, empty to tell by the value: every feed has its own words."""
    return word if word in KINDS else _WORDS.get(word, "")


_WORDS: Final[Mapping[str, str]] = {
    "cidr": "network",
    "hostname": "domain",
    "fqdn": "domain",
    "md5": "hash",
    "sha1": "hash",
    "sha256": "hash",
    "md5_hash": "hash",
    "sha256_hash": "hash",
    "ja3_fingerprint": "ja3",
}
