"""Cut messages and lines into raw records. Pure; nothing is decoded here.

A record is the bytes of one JSON object or of one line, without the end of the line, so that its content uid does not
depend on how it was shipped; a rendered Windows event is one record of many lines (`streams.sources.blocks`). A JSON
array, or an object of nothing but `Records` that are objects (CloudTrail's files, event hubs), gives its elements, each
serialized again. Header and comment lines (`#...`), lines that name the columns of a flow log, blank lines and empty
arrays are not telemetry and give nothing: they are no dead letters either.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, Final

import orjson

from models.records import Coordinates, ParseError, RawRecord
from streams.sources.base import MAX_RECORD_BYTES
from streams.sources.blocks import Piece, pieces
from streams.sources.headers import Headers

MAX_PARTS: Final = 100_000  # records in one message; beyond it a message is an attack on memory
MAX_OBJECTS: Final = 5_000_000  # in one JSON text that is taken apart
MAX_UNPACKED_BYTES: Final = MAX_RECORD_BYTES  # what is longer is refused anyway, and may be a bomb
GZIP: Final = b"\x1f\x8b"
BOM: Final = b"\xef\xbb\xbf"

_NEXT_DOCUMENT: Final = re.compile(rb"\n(?=\{)")

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
    return replace(record, source=source)


def _parts(payload: bytes) -> list[_Part]:
    text = payload.removeprefix(BOM)
    body = text.strip()
    if body[:1] in (b"{", b"["):
        return [(raw, ()) for raw in json_records(body)]
    if not is_text(text) or body[:1] == b"<":  # of XML and of bytes the source says what they are
        return [(payload, ())]
    return list(_text_lines(text.split(b"\n")))


def _text_lines(lines: Iterable[bytes]) -> Iterator[_Part]:
    headers = Headers()
    for piece in pieces(lines):
        yield from piece_parts(piece, headers)


def piece_parts(piece: Piece, headers: Headers) -> Iterator[_Part]:
    """Return what one line or block of a file or a message holds; `headers` learns from a header line."""
    line = piece.raw
    body = line.strip()
    if piece.is_block:
        yield line, ()
    elif body[:1] in (b"{", b"["):
        yield from ((raw, ()) for raw in _elements(body))
    elif body and not headers.read(body):
        yield line.rstrip(b"\r"), headers.columns  # a TSV line may well end in a tab


def is_text(data: bytes, *, is_cut: bool = False) -> bool:
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
    if len(lines) > 1 and is_whole(lines[0]) and all(line[:1] == b"{" for line in lines):
        return list(chain.from_iterable(_elements(line) for line in lines))
    elements = _elements(body)
    if len(lines) == 1 or elements[:1] != [body] or body[:1] != b"{" or _is_json(body):
        return elements
    if any(is_whole(line) for line in lines):  # lines of objects, some of them broken
        return lines
    return [document.strip() for document in _NEXT_DOCUMENT.split(body)]


def is_whole(line: bytes) -> bool:
    """Tell whether a line may be one whole JSON object."""
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
