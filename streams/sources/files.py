"""Read the raw records of files: lines, JSON documents, Parquet, plain or under gzip, in bounded memory."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import ConfigError
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from streams.sources.blocks import Blocks, Piece
from streams.sources.filekinds import JSON_START, PARQUET, kind_of_text
from streams.sources.framing import BOM, GZIP, is_whole, json_records, piece_parts
from streams.sources.headers import Headers

MAX_DOCUMENT_BYTES: Final = 268_435_456  # a file that is one JSON document has to be held whole
MAX_LINE_BYTES: Final = 67_108_864
CHUNK_BYTES: Final = 65_536
ROWS: Final = 1024  # of a Parquet file, held at a time
KEPT_BYTES: Final = 1024  # of a line that is refused

_ENVELOPE_START: Final = re.compile(rb'\s*\{\s*"[Rr]ecords"\s*:\s*\[')


def read_records(path: Path) -> Iterator[RawRecord | DeadLetter]:
    """Read the raw records of a file, plain or gzip, in bounded memory; their source is empty.

    Coordinates are the path as given, partition 0, and the number of the line, or of the element in a file that is one
    JSON document. What the file itself makes unreadable (nothing in it, a truncated or broken gzip, a line longer than
    MAX_LINE_BYTES) is a DeadLetter of stage `read` in its place; everything before it has been read.

    Raises:
        ConfigError: When the file cannot be opened, or is one JSON document of more than MAX_DOCUMENT_BYTES.
    """
    try:
        with path.open("rb") as file:
            if file.peek(4)[:4] == PARQUET:
                yield from _parquet_records(str(path), file)
            else:
                yield from _file_records(str(path), _Bytes(file))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error


class _Bytes:
    """The decompressed bytes of a file, chunk by chunk, and what broke them off."""

    def __init__(self, file: io.BufferedReader) -> None:
        packed = file.peek(2)[:2] == GZIP
        self._stream = gzip.GzipFile(fileobj=file) if packed else file
        self.fault = ""

    def chunks(self) -> Iterator[bytes]:
        try:
            while chunk := self._stream.read1(CHUNK_BYTES):
                yield chunk
        except EOFError:
            self.fault = "the gzip data ends in the middle: the file is truncated"
        except (zlib.error, gzip.BadGzipFile) as error:
            self.fault = f"the gzip data is broken: {error}"


def _file_records(name: str, data: _Bytes) -> Iterator[RawRecord | DeadLetter]:
    chunks = data.chunks()
    head = _head(chunks)
    if not head.strip():
        yield _unread(name, 1, b"", data.fault or "the file is empty")
    elif _is_document(head):
        yield from _document_records(name, chain([head], chunks), data)
    else:
        yield from _line_records(name, chain([head], chunks), data)


def _parquet_records(name: str, file: io.BufferedReader) -> Iterator[RawRecord | DeadLetter]:
    """Read the rows of a Parquet file as JSON objects, unset columns left out, numbered from 1."""
    number = 0
    try:
        for batch in pq.ParquetFile(file).iter_batches(ROWS):
            for row in batch.to_pylist():
                number += 1
                values = {column: value for column, value in row.items() if value is not None}
                yield RawRecord("", orjson.dumps(values, default=str), Coordinates(name, 0, number))
    except (pa.ArrowException, orjson.JSONEncodeError, OSError) as error:
        yield _unread(name, number + 1, b"", f"the Parquet data is broken: {error}")


def _head(chunks: Iterator[bytes]) -> bytes:
    found = b""
    while len(found) < CHUNK_BYTES and (chunk := next(chunks, b"")):
        found += chunk
    return found.removeprefix(BOM)


def _is_document(head: bytes) -> bool:
    """Tell a file that is one JSON document from one of a record a line."""
    if not JSON_START.match(head):
        return False
    first, *others = [line.strip() for line in head.split(b"\n") if line.strip()]
    if head.lstrip()[:1] == b"[" or _ENVELOPE_START.match(head):
        closed = first.rstrip(b"} ") if first[:1] == b"{" else first
        return not others or closed[-1:] != b"]"
    if not others and len(head) >= CHUNK_BYTES:
        return False
    return not any(is_whole(line.rstrip()) for line in head.lstrip().split(b"\n"))


def _document_records(name: str, chunks: Iterable[bytes], data: _Bytes) -> Iterator[RawRecord | DeadLetter]:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES:
            raise ConfigError(
                f"{name}: one JSON document of more than {MAX_DOCUMENT_BYTES} bytes; write one record a line"
            )
    if data.fault:
        yield _unread(name, 1, bytes(body[:KEPT_BYTES]), data.fault)
        return
    for number, raw in enumerate(json_records(bytes(body).strip()), 1):
        yield RawRecord("", raw, Coordinates(name, 0, number))


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    raw: bytes
    size: int  # raw holds only the beginning of a line that is too long
    is_ended: bool


def _line_records(name: str, chunks: Iterable[bytes], data: _Bytes) -> Iterator[RawRecord | DeadLetter]:
    headers, blocks = Headers(), Blocks()
    number = 0
    for line in _lines(chunks):
        number = line.number
        if line.size > MAX_LINE_BYTES:
            yield from _pieces(name, blocks.flush(), headers)
            reason = f"a line of {line.size} bytes, more than the limit of {MAX_LINE_BYTES}"
            yield _unread(name, number, line.raw[:KEPT_BYTES], reason)
        elif data.fault and not line.is_ended:
            *whole, last = (*blocks.push(number, line.raw), *blocks.flush())
            yield from _pieces(name, whole, headers)
            yield _unread(name, last.number, last.raw, data.fault)
            return
        else:
            yield from _pieces(name, blocks.push(number, line.raw), headers)
    yield from _pieces(name, blocks.flush(), headers)
    if data.fault:
        yield _unread(name, number + 1, b"", data.fault)


def _pieces(name: str, pieces: Iterable[Piece], headers: Headers) -> Iterator[RawRecord]:
    for piece in pieces:
        at = Coordinates(name, 0, piece.number)
        yield from (RawRecord("", raw, at, 0, columns) for raw, columns in piece_parts(piece, headers))


def _lines(chunks: Iterable[bytes]) -> Iterator[_Line]:
    pieces: list[bytes] = []
    size = number = 0
    for chunk in chunks:
        *ended, tail = chunk.split(b"\n")
        for part in ended:
            number += 1
            yield _Line(number, b"".join((*pieces, part)), size + len(part), is_ended=True)
            pieces, size = [], 0
        if tail and size <= MAX_LINE_BYTES:
            pieces.append(tail)
        size += len(tail)
    if size:
        yield _Line(number + 1, b"".join(pieces), size, is_ended=False)


def _unread(name: str, number: int, raw: bytes, reason: str) -> DeadLetter:
    return DeadLetter(RawRecord("", raw, Coordinates(name, 0, number)), "read", ParseError(reason))


def not_telemetry(path: Path) -> str:
    """Return why a file holds no records, by its beginning; empty when it looks as if it held some.

    A packed file that cannot be unpacked is not left out: reading it says what is wrong with it.

    Raises:
        ConfigError: When the file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            data = _Bytes(file)
            head = _head(data.chunks())
            return "" if data.fault and not head else kind_of_text(head)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
