"""The file of an indicator table: one Arrow IPC record batch of one row, each column a list of that row.

Lists have lengths of their own, so one batch holds arrays of every size, and a reader maps the file into memory and
takes the arrays as they lie there: no copy, and all workers of a machine share the pages.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import orjson
import pyarrow as pa

from models.errors import ConfigError

FORMAT: Final = "braid-intel"
VERSION: Final = 1
_FORMAT_KEY: Final = b"braid.format"
_ABOUT_KEY: Final = b"braid.about"

# One row for each indicator, sorted by key; `fact` says where in the facts the rest stands.
# One fact for each distinct validity, confidence, source, id, name and labels: a plain list has one for all its rows.
# Networks are sorted; segments part the address space where the innermost network changes.
_TYPES: Final[Mapping[str, pa.DataType]] = {
    "filter": pa.uint8(),
    "starts": pa.uint32(),
    "key_high": pa.uint64(),
    "key_low": pa.uint64(),
    "fact": pa.uint32(),
    "valid_from": pa.int64(),
    "valid_until": pa.int64(),
    "modified": pa.int64(),
    "confidence": pa.uint8(),
    "source": pa.uint16(),
    "id": pa.large_string(),
    "name": pa.large_string(),
    "labels": pa.large_string(),
    "network_high": pa.uint64(),
    "network_low": pa.uint64(),
    "network_length": pa.uint8(),
    "network_parent": pa.int32(),
    "segment_high": pa.uint64(),
    "segment_low": pa.uint64(),
    "segment_network": pa.int32(),
}
SCHEMA: Final = pa.schema([pa.field(name, pa.large_list(kind), nullable=False) for name, kind in _TYPES.items()])
_CODES: Final[Mapping[pa.DataType, Literal["B", "H", "I", "i", "Q", "q"]]] = {
    pa.uint8(): "B",
    pa.uint16(): "H",
    pa.uint32(): "I",
    pa.int32(): "i",
    pa.uint64(): "Q",
    pa.int64(): "q",
}


class About(NamedTuple):
    """What the file says of itself.

    Attributes:
        sources: For each list its name and counts.
        domain_labels: How many labels the longest domain has: no longer parent needs to be asked for.
        url_depth: How many slashes the deepest folder among its URLs has.
        built: When it was built, ms; 0 when nobody said.
    """

    sources: list[dict[str, Any]]
    domain_labels: int
    url_depth: int
    built: int


class Arrays(NamedTuple):
    """The mapped columns: memory views of numbers, Arrow arrays of texts."""

    columns: Mapping[str, Any]
    about: About
    size_bytes: int


def write_file(path: Path, columns: Mapping[str, pa.Array], about: About) -> None:
    """Write a table; whoever has the file of that name open keeps the old one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    lists = [
        pa.LargeListArray.from_arrays(pa.array([0, len(columns[field.name])], pa.int64()), columns[field.name])
        for field in SCHEMA
    ]
    metadata = {_FORMAT_KEY: f"{FORMAT} {VERSION}".encode(), _ABOUT_KEY: orjson.dumps(about._asdict())}
    schema = SCHEMA.with_metadata(metadata)
    try:
        with pa.OSFile(str(beside), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            writer.write_batch(pa.record_batch(lists, schema=schema))
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def map_file(path: Path) -> Arrays:
    """Map a table into memory; raise ConfigError when it is none of ours, or another version's."""
    try:
        mapped = pa.memory_map(str(path))
        batch = pa.ipc.open_file(mapped).get_batch(0)
        batch.validate()
    except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError, IndexError) as error:
        raise ConfigError(f"{path}: not an indicator table: {error}") from error
    metadata = batch.schema.metadata or {}
    stated = metadata.get(_FORMAT_KEY, b"").decode("utf-8", "replace")
    if stated != f"{FORMAT} {VERSION}" or not batch.schema.equals(SCHEMA):
        raise ConfigError(f"{path}: not an indicator table of version {VERSION}; build it again: braid intel build")
    try:
        about = About(**orjson.loads(metadata[_ABOUT_KEY]))
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise ConfigError(f"{path}: not an indicator table: it does not say what it holds") from error
    columns = {field.name: _view(batch.column(field.name).values, field.type.value_type) for field in SCHEMA}
    return Arrays(columns, about, mapped.size())


def _view(values: pa.Array, kind: pa.DataType) -> Any:
    """Return numbers as a memory view over the mapped file, texts as they are."""
    if kind not in _CODES:
        return values
    buffer = values.buffers()[1]
    view = memoryview(buffer if buffer is not None else b"")
    width = kind.bit_width // 8
    return view[values.offset * width : (values.offset + len(values)) * width].cast("B").cast(_CODES[kind])
