"""Cut messages and files into raw records. Pure, apart from the two readers at the end; nothing is decoded here.

A record is the bytes of one JSON object or of one line, without the end of the line, so that its content uid does not
depend on how it was shipped. A JSON array, or an object of nothing but `Records` that are objects (CloudTrail's files,
event hubs), gives its elements, each serialized again. Header and comment lines (`#...`), lines that name the columns
of a flow log, blank lines and empty arrays are not telemetry and give nothing: they are no dead letters either.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import ConfigError
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from streams.sources.base import MAX_RECORD_BYTES
from streams.sources.headers import Headers
from streams.sources.registry import recognize

MAX_PARTS: Final = 100_000  # records in one message; beyond it a message is an attack on memory
MAX_DOCUMENT_BYTES: Final = 268_435_456  # a file that is one JSON document has to be held whole
MAX_LINE_BYTES: Final = 67_108_864
MAX_OBJECTS: Final = 5_000_000  # in one JSON text that is taken apart
MAX_UNPACKED_BYTES: Final = MAX_RECORD_BYTES  # what is longer is refused anyway, and may be a bomb
CHUNK_BYTES: Final = 65_536
GZIP: Final = b"\x1f\x8b"
PARQUET: Final = b"PAR1"
ROWS: Final = 1024  # of a Parquet file, held at a time
KEPT_BYTES: Final = 1024  # of a line that is refused
LOOKED_AT_LINES: Final = 50
BOM: Final = b"\xef\xbb\xbf"

_NEXT_DOCUMENT: Final = re.compile(rb"\n(?=\{)")
_JSON_START: Final = re.compile(rb'\s*(?:\{\s*["}]|\[\s*[\[{\]])')
_ENVELOPE_START: Final = re.compile(rb'\s*\{\s*"[Rr]ecords"\s*:\s*\[')
_YAML_LINE: Final = re.compile(rb"---(?:\s|$)|[A-Za-z_][\w .-]{0,60}:(?:\s|$)")
_MAGIC: Final = {
    b"\xd4\xc3\xb2\xa1": "a packet capture",
    b"\xa1\xb2\xc3\xd4": "a packet capture",
    b"\x4d\x3c\xb2\xa1": "a packet capture",
    b"\xa1\xb2\x3c\x4d": "a packet capture",
    b"\x0a\x0d\x0d\x0a": "a packet capture",
    b"ElfFile\x00": "a Windows event log in binary form; export it as JSON",
    b"PK\x03\x04": "a zip archive; unpack it",
    b"BZh": "bzip2 data; only gzip is read",
    b"\xfd7zXZ": "xz data; only gzip is read",
    b"\x28\xb5\x2f\xfd": "zstd data; only gzip is read",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}

_Part = tuple[bytes, tuple[str, ...]]  # a record and its columns


def split_message(source: str, payload: bytes, at: Coordinates, broker_time: int) -> list[RawRecord] | ParseError:
    """Cut a Kafka message of one source into raw records.

    What cannot be cut (empty, too long, binary, broken JSON) is one record as it came, for the source to report. A
    message of header lines alone gives none.

    Args:
        source: Name of the source, from the topic.
        payload: The message's value.
        at: The message's coordinates; every part has them.
        broker_time: The broker's timestamp in ms.

    Returns:
        The records; a ParseError when there are too many of them.
    """
    if payload[:2] == GZIP:
        payload = _unpacked(payload)
    body = payload.strip()
    if body[:1] == b"{" and b"\n" not in body and b'ecords"' not in body and len(payload) <= MAX_RECORD_BYTES:
        return [RawRecord(source, body, at, broker_time)]  # one object: nearly every message
    if not body or len(payload) > MAX_RECORD_BYTES:
        return [RawRecord(source, payload, at, broker_time)]
    parts = _parts(payload)
    if len(parts) > MAX_PARTS:
        return ParseError(f"{len(parts)} records in one message, more than the limit of {MAX_PARTS}")
    return [RawRecord(source, raw, at, broker_time, columns) for raw, columns in parts]


def _unpacked(payload: bytes) -> bytes:
    """Decompress a message that its shipper compressed as a whole; one that cannot be stays as it came."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: with a gzip header
    try:
        data = unpacker.decompress(payload, MAX_UNPACKED_BYTES)
    except zlib.error:
        return payload
    return data if unpacker.eof else payload


def with_source(record: RawRecord, source: str) -> RawRecord:
    """Return the record as one of this source: the reader of a file does not know whose it is."""
    return RawRecord(source, record.raw, record.at, record.broker_time, record.columns)


def _parts(payload: bytes) -> list[_Part]:
    text = payload.removeprefix(BOM)
    body = text.strip()
    if body[:1] in (b"{", b"["):
        return [(raw, ()) for raw in json_records(body)]
    if not _is_text(text) or body[:1] == b"<":  # of XML and of bytes the source says what they are
        return [(payload, ())]
    return list(_text_lines(text.split(b"\n")))


def _text_lines(lines: Iterable[bytes]) -> Iterator[_Part]:
    headers = Headers()
    for line in lines:
        yield from _line_parts(line, headers)


def _line_parts(line: bytes, headers: Headers) -> Iterator[_Part]:
    """Return what one line of a file or a message holds; `headers` learns from it when it is a header line."""
    body = line.strip()
    if body[:1] in (b"{", b"["):
        yield from ((raw, ()) for raw in _elements(body))
    elif body and not headers.read(body):
        yield line.rstrip(b"\r"), headers.columns  # a TSV line may well end in a tab


def _is_text(data: bytes, *, is_cut: bool = False) -> bool:
    """Tell whether data is UTF-8 without NUL bytes; where it is cut off, the last character may be half."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=not is_cut)
    except UnicodeDecodeError:
        return False
    return b"\x00" not in data


def json_records(body: bytes) -> list[bytes]:
    """Return the records of a JSON text: objects on lines of their own, elements of an array, documents in a row.

    Text that is none of these comes back whole, for a source to say what is wrong with it.
    """
    lines = [line.strip() for line in body.split(b"\n") if line.strip()] if b"\n" in body else [body]
    if len(lines) > 1 and _is_whole(lines[0]) and all(line[:1] == b"{" for line in lines):
        return list(chain.from_iterable(_elements(line) for line in lines))
    elements = _elements(body)
    if len(lines) == 1 or elements[:1] != [body] or body[:1] != b"{" or _is_json(body):
        return elements
    if any(_is_whole(line) for line in lines):  # lines of objects, some of them broken
        return lines
    return [document.strip() for document in _NEXT_DOCUMENT.split(body)]


def _is_whole(line: bytes) -> bool:
    return line[:1] == b"{" and line[-1:] == b"}"


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _elements(body: bytes) -> list[bytes]:
    """Return the elements of an array or of `Records`, serialized again; `body` itself when it is neither."""
    if (body[:1] != b"[" and b'ecords"' not in body) or body.count(b"{") > MAX_OBJECTS:
        return [body]
    try:
        elements = _listed(orjson.loads(body))
        return [body] if elements is None else [orjson.dumps(element) for element in elements]
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # broken, or too deep to be written again
        return [body]


def _listed(value: Any) -> list[Any] | None:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or len(value) != 1:  # beside other members a list of records is part of an event
        return None
    inner = value.get("Records", value.get("records"))
    return inner if isinstance(inner, list) and all(isinstance(item, dict) for item in inner) else None


# The readers: from here on there is a file system.


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
    if not _JSON_START.match(head):
        return False
    first, *others = [line.strip() for line in head.split(b"\n") if line.strip()]
    if head.lstrip()[:1] == b"[" or _ENVELOPE_START.match(head):
        closed = first.rstrip(b"} ") if first[:1] == b"{" else first
        return not others or closed[-1:] != b"]"
    if not others and len(head) >= CHUNK_BYTES:
        return False
    return not any(_is_whole(line.rstrip()) for line in head.lstrip().split(b"\n"))


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
    headers = Headers()
    number = 0
    for line in _lines(chunks):
        number = line.number
        if line.size > MAX_LINE_BYTES:
            reason = f"a line of {line.size} bytes, more than the limit of {MAX_LINE_BYTES}"
            yield _unread(name, number, line.raw[:KEPT_BYTES], reason)
        elif data.fault and not line.is_ended:
            yield _unread(name, number, line.raw, data.fault)
            return
        else:
            at = Coordinates(name, 0, number)
            yield from (RawRecord("", raw, at, 0, columns) for raw, columns in _line_parts(line.raw, headers))
    if data.fault:
        yield _unread(name, number + 1, b"", data.fault)


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


def kind_of_text(head: bytes) -> str:
    """Name what the first bytes of a file are when they are no records; empty when they are."""
    if head.startswith(PARQUET):
        return ""
    found = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")
    if found or not head.strip():
        return found or "an empty file"
    lines = [line for line in head.split(b"\n") if line.strip()]
    headers = Headers()
    records = [line for line in lines if not headers.read(line.strip())]
    if _JSON_START.match(head) or headers.columns or _mostly_records(records):
        return ""  # whatever else is in it: one broken line must not hide a file
    if not _is_text(head, is_cut=True):
        return "binary data"
    first = records[0].strip() if records else b""
    return "an XML document" if first[:1] == b"<" else "a YAML document" if _YAML_LINE.match(first) else "text"


def _mostly_records(lines: list[bytes]) -> bool:
    seen = lines[:LOOKED_AT_LINES]
    return sum(_is_whole(line.strip()) or _is_known(line) for line in seen) * 2 > len(seen)


def _is_known(line: bytes) -> bool:
    return recognize(RawRecord("", line, Coordinates("", 0, 0))) is not None
