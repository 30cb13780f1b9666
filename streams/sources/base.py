"""What every source has in common: the contract, the common parts of an event, hostile values made safe.

A source is one module with one `SOURCE`. Its `decode` turns raw bytes into a mapping, its `normalize` turns the mapping
into an `Event`; both raise `Unparseable` and nothing else, and `parse` makes that a returned value.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import orjson

from models import ocsf
from models.errors import Unparseable
from models.event import Event, LogSource
from models.records import TIME_FROM_BROKER, ParseError, RawRecord
from models.uids import event_uid, sha256_hex

MAX_RECORD_BYTES: Final = 1_048_576  # Kafka's usual message limit; a longer record is a dead letter
INT64_MAX: Final = 2**63 - 1
LATEST_MS: Final = 4_102_444_800_000  # the year 2100, as the OCSF validator has it
OLDEST_MS: Final = 10_000_000_000  # earlier than May 1970 is seconds mistaken for milliseconds
MAX_PARTS: Final = 10_000  # events that one record tells of
MAX_DEPTH: Final = 64  # the JSON encoder gives up at 254 levels, and an event wraps a record in some of its own


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of telemetry: how to recognize it, read it and what it becomes.

    Attributes:
        name: Short name; its topic is `raw.<name>`.
        title: What people call it.
        shippers: Shippers known to send it.
        classes: OCSF classes it may become.
        entities: Entity types its events name.
        delay_ms: How late its records usually are (event time behind arrival), for the watermark.
        decode: Raw record to mapping; raises Unparseable.
        normalize: Mapping and raw record to event; raises Unparseable.
        recognize: Tell from a record's shape whether it is of this source. Gets the raw bytes and, when they are one
            JSON object, that object.
        expand: Cut a decoded record that tells of several events into one mapping each, which is then that event's raw
            data: with what they have in common, without the others. None where no record ever does.
        join: Return the name of the group that a line belongs to, and whether the line ends it; None for a line that
            stands alone. None where every line does.
    """

    name: str
    title: str
    shippers: tuple[str, ...]
    classes: tuple[int, ...]
    entities: tuple[str, ...]
    delay_ms: int
    decode: Callable[[RawRecord], Mapping[str, Any]]
    normalize: Callable[[Mapping[str, Any], RawRecord], Event]
    recognize: Callable[[bytes, Mapping[str, Any] | None], bool]
    expand: Callable[[Mapping[str, Any]], Sequence[Mapping[str, Any]]] | None = None
    join: Callable[[bytes], tuple[bytes, bool] | None] | None = None

    @property
    def topic(self) -> str:
        """Return the topic its shippers produce to."""
        return f"raw.{self.name}"

    def parse(self, record: RawRecord) -> Event | ParseError:
        """Turn one raw record into an event (its first), or into the reason why not. Pure; never raises."""
        found = self.parse_all(record)
        return found if isinstance(found, ParseError) else found[0]

    def parse_all(self, record: RawRecord) -> tuple[Event, ...] | ParseError:
        """Turn one raw record into all events it tells of, one at least, or into the reason why not. Never raises."""
        try:
            fields = self.decode(record)
            if self.expand is None:
                return (self.normalize(fields, record),)
            parts = self.expand(fields) or (fields,)
            if len(parts) == 1:
                return (self.normalize(parts[0], record),)
            return tuple(self.normalize(part, one) for part, one in _parts(parts, record))
        except Unparseable as error:
            return ParseError(error.reason, error.offset, error.field)


def _parts(parts: Sequence[Mapping[str, Any]], record: RawRecord) -> Iterator[tuple[Mapping[str, Any], RawRecord]]:
    """Make a record of each part: as many copies of the whole would multiply what one message takes."""
    if len(parts) > MAX_PARTS:
        raise Unparseable(f"tells of {len(parts)} events, more than the limit of {MAX_PARTS}")
    for number, part in enumerate(parts):
        try:
            yield part, replace(record, raw=orjson.dumps(part), part=number)
        except orjson.JSONEncodeError as error:
            raise Unparseable("a part of it cannot be written as JSON") from error


def too_long(raw: bytes) -> str:
    """Tell why a record is too long to be read, empty when it is not."""
    return (
        f"record of {len(raw)} bytes, more than the limit of {MAX_RECORD_BYTES}" if len(raw) > MAX_RECORD_BYTES else ""
    )


def decode_text(record: RawRecord) -> str:
    """Return the record as text; raise Unparseable when empty, too long, not UTF-8 or holding NUL bytes."""
    raw = record.raw
    if not raw.strip():
        raise Unparseable("empty record", offset=0)
    if reason := too_long(raw):
        raise Unparseable(reason)
    nul = raw.find(b"\x00")
    if nul >= 0:
        raise Unparseable("NUL byte in the record", offset=nul)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unparseable(f"not UTF-8: {error.reason}", offset=error.start) from error


def decode_json(record: RawRecord) -> dict[str, Any]:
    """Return the record as one JSON object; raise Unparseable with the byte offset where it stops being one.

    An object that nests deeper than MAX_DEPTH is refused too: nothing after this would be able to serialize it.
    """
    text = decode_text(record)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        offset = len(text[: error.pos].encode("utf-8"))
        raise Unparseable(f"not JSON: {error.msg}", offset=offset) from error
    if not isinstance(value, dict):
        raise Unparseable(f"a JSON {type(value).__name__}, not an object", offset=0)
    openings = record.raw.count(b"{") + record.raw.count(b"[")  # an upper bound of the depth, far cheaper than a walk
    if openings > MAX_DEPTH and _deeper(value, MAX_DEPTH):
        raise Unparseable(f"nested deeper than {MAX_DEPTH} levels")
    return value


def _deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_deeper(member, levels - 1) for member in value.values())
    return isinstance(value, list) and (levels == 0 or any(_deeper(member, levels - 1) for member in value))


def event_time(time: int | None, record: RawRecord) -> tuple[int, list[str]]:
    """Choose the time of an event and the labels that say where it came from.

    Args:
        time: The record's own time in ms, None when it has none or it is unusable.
        record: Its broker time is the fallback.

    Raises:
        Unparseable: When there is neither.
    """
    if time is not None and OLDEST_MS <= time <= LATEST_MS:
        return time, []
    if record.broker_time > 0:
        return record.broker_time, [TIME_FROM_BROKER]
    raise Unparseable("no usable event time, and no broker time to fall back on", field="time")


def build_event(
    record: RawRecord,
    body: dict[str, Any],
    *,
    native: Mapping[str, Any],
    logsource: LogSource,
    product: dict[str, Any],
    original_time: Any = None,
    labels: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
    profiles: tuple[str, ...] = (),
    unmapped: dict[str, Any] | None = None,
    about: str = "",
    names_host: bool = True,
) -> Event:
    """Complete `body` with what every event carries and wrap it as an Event.

    Args:
        record: The raw record.
        body: OCSF event begun by `models.ocsf.head` with the class's own attributes set.
        native: The record under Sigma's field names.
        logsource: Which Sigma rules concern it.
        product: OCSF product object of the producer (`name`, `vendor_name`).
        original_time: The time as the record had it, kept in `metadata.original_time`.
        labels: From `event_time`.
        metadata: Further metadata attributes (`event_code`, `log_name`, `uid` ...).
        profiles: OCSF profiles whose attributes `body` uses (`host`, `cloud`, `container`, ...).
        unmapped: Fields that have no attribute.
        about: Domain that an alert is about (`identity`, `network`, `workload`); empty for that of the class.
        names_host: Whether the raw bytes themselves say which host they are from, or need not. Where they do not, the
            same line of two hosts must not become one event.
    """
    raw_text = record.raw.decode("utf-8")
    sha256 = sha256_hex(record.raw)
    context = record.context
    uid = event_uid(record.source, sha256, *_told_apart_by(record, names_host=names_host))
    meta: dict[str, Any] = {"version": ocsf.VERSION, "product": product, "uid": uid}
    if original_time is not None:
        meta["original_time"] = str(original_time)
    if profiles:
        meta["profiles"] = list(profiles)
    if labels:
        meta["labels"] = labels
    if metadata:
        meta.update(metadata)
    body["metadata"] = meta
    body["raw_data"] = raw_text
    body["raw_data_hash"] = {"algorithm": "SHA-256", "algorithm_id": 3, "value": sha256}
    if context.envelope:
        unmapped = {**(unmapped or {}), "envelope": dict(context.envelope)}
    if unmapped:
        body["unmapped"] = unmapped
    return Event(uid, body["time"], record.source, logsource, native, body, record.at, sha256, about)


def _told_apart_by(record: RawRecord, *, names_host: bool) -> tuple[str, ...]:
    if record.part:
        return record.context.host * (not names_host), str(record.part)
    return (record.context.host,) if record.context.host and not names_host else ()


def text(value: Any) -> str | None:
    """Return a non-empty string for a scalar, None for everything else (absent, `-`, object, list)."""
    if isinstance(value, str):
        return value if value and value != "-" else None
    if isinstance(value, bool) or value is None:
        return None
    return str(value) if isinstance(value, int | float) else None


def integer(value: Any) -> int | None:
    """Return an int for an int, a decimal or a 0x string within 64 bits; None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = _parse_int(value)
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    return value if isinstance(value, int) and -INT64_MAX <= value <= INT64_MAX else None


def _parse_int(value: str) -> int | None:
    if len(value) > 20:  # noqa: PLR2004  # no 64-bit integer is longer, and int() of a long string is slow
        return None
    try:
        return int(value, 16) if value[:2] in {"0x", "0X"} else int(value)
    except ValueError:
        return None


def port(value: Any) -> int | None:
    """Return a port number from 0 to 65535, else None."""
    number = integer(value)
    return number if number is not None and 0 <= number <= 65535 else None  # noqa: PLR2004  # the port range


@lru_cache(maxsize=65_536)
def _ip(value: str) -> str | None:
    try:
        address = ipaddress.ip_address(value.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def ip(value: Any) -> str | None:
    """Return the address in canonical form (IPv4-mapped IPv6 as IPv4, zone cut off), None when it is none."""
    return _ip(value) if isinstance(value, str) and len(value) <= 64 else None  # noqa: PLR2004  # longest form with zone


def drop_none(**attributes: Any) -> dict[str, Any]:
    """Return the attributes that have a value: OCSF leaves an absent attribute out, it never writes null."""
    return {name: value for name, value in attributes.items() if value or not (value is None or value in ({}, []))}
