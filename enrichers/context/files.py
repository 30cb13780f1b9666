"""Tables in files, CSV, JSON and NDJSON, to rows with the line each begins on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

MAX_FILE_BYTES: Final = 1 << 30
DELIMITERS: Final = ",;\t"
SUFFIXES: Final = (".csv", ".tsv", ".json", ".ndjson", ".jsonl")
_BLANK: Final = " \t\r\n"


class Row(NamedTuple):
    """One row, or why there is none.

    Attributes:
        line: Where it begins, 1-based; 0 when that cannot be told.
        values: The row, empty when it cannot be read.
        problem: What is wrong with it, or empty.
    """

    line: int
    values: Mapping[str, Any]
    problem: str = ""


def rows_of(path: Path) -> Iterator[Row]:
    """Yield the rows of a file, by the ending of its name; what cannot be read is a row with a problem."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        yield Row(0, {}, f"is none of {', '.join(SUFFIXES)}, nor a description (.toml)")
        return
    try:
        text = _text_of(path)
    except OSError as error:
        yield Row(0, {}, error.strerror or str(error))
    except ValueError as error:
        yield Row(0, {}, str(error))
    else:
        yield from {".json": _json_rows, ".csv": csv_rows, ".tsv": csv_rows}.get(suffix, _ndjson_rows)(text)


def _text_of(path: Path) -> str:
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise ValueError(f"has {size} bytes, more than {MAX_FILE_BYTES}")
    return path.read_text("utf-8-sig")


def csv_rows(text: str) -> Iterator[Row]:
    """Yield the rows of a CSV text, whose first line names the columns; comma, semicolon or tab between them."""
    head = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] = []
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Row(reader.line_num, {}, f"not CSV: {error}")
            return
        if cells is None:
            return
        if not columns:
            columns = [cell.strip() for cell in cells]
        elif len(cells) > len(columns):
            yield Row(line, {}, f"has {len(cells)} cells under {len(columns)} columns")
        elif any(cells):
            yield Row(line, dict(zip(columns, cells, strict=False)))
        line = reader.line_num + 1


def _ndjson_rows(text: str) -> Iterator[Row]:
    for line, data in enumerate(text.split("\n"), 1):
        if not data.strip():
            continue
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            yield Row(line, {}, f"not JSON: {error.msg}")
        else:
            yield _row(line, value)


def _json_rows(text: str) -> Iterator[Row]:
    """Yield the items of a JSON list, one at a time, so that each knows its line."""
    decoder = json.JSONDecoder()
    at = _past_blanks(text, 0)
    if text[at : at + 1] != "[":
        yield Row(1, {}, "not a JSON list; say in a description (TOML) where the records are")
        return
    line, counted = 1, 0
    at = _past_blanks(text, at + 1)
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield Row(line, {}, f"not JSON: {error}")
            return
        yield _row(line, value)
        at = _past_blanks(text, at)
        if text[at : at + 1] == ",":
            at = _past_blanks(text, at + 1)
        elif text[at : at + 1] != "]":
            yield Row(line, {}, "not JSON: no comma and no end of the list behind it")
            return


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return at


def _row(line: int, value: Any) -> Row:
    return Row(line, value) if isinstance(value, dict) else Row(line, {}, "not a JSON object")
