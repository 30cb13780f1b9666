"""The topics Braid lives on: one frozen table, the partition a key goes to, the headers every record carries.

Nothing here knows a Kafka client; `streams.workers.kafka_admin` makes the table true on a cluster.

Every topic stamps its records with the broker's clock (`LogAppendTime`). A producer may write any timestamp it likes,
and with `CreateTime` that one would decide both when a record is deleted and what watermarks are compared with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

from models.errors import ConfigError, InvalidRecord

Cleanup = Literal["delete", "compact"]

FOREVER_MS: Final = -1
_DAY_MS: Final = 86_400_000
_MIB: Final = 1_048_576

RAW_PREFIX: Final = "raw."
RAW_PARTITIONS: Final = 6
KEYED_PARTITIONS: Final = 12  # signals and all that must lie beside them: the most correlate workers that find work
MAX_TOPIC_NAME: Final = 249  # Kafka's own limit
_TOPIC_NAME: Final = re.compile(r"[a-zA-Z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: what it is for, and how it has to be set up for that.

    Attributes:
        name: Name on the cluster.
        key: What the Kafka key of its records is, in words.
        partitions: How many partitions; the most workers of one group that can share it.
        retention_ms: How long records stay, FOREVER_MS for no end. Without meaning where `cleanup` is `compact`.
        cleanup: Kafka's `cleanup.policy`.
        max_message_bytes: Kafka's `max.message.bytes`: the largest batch, and so the largest record, it takes.
        description: What is on it, for a person.
        beside: Name of the topic whose partition count it must share, since one worker joins partition n of both;
            empty when its count is its own affair.
    """

    name: str
    key: str
    partitions: int
    retention_ms: int
    cleanup: Cleanup
    max_message_bytes: int
    description: str
    beside: str = ""


def _days(count: int) -> int:
    return count * _DAY_MS


def raw_topic(source: str) -> Topic:
    """Describe the topic that the shippers of one source produce to; raise ConfigError when no topic can have its name.

    It takes more than the largest record a source accepts, so that one that is too long becomes a dead letter that can
    be seen, and not an error at a shipper that nobody reads.
    """
    name = RAW_PREFIX + source
    if not _TOPIC_NAME.fullmatch(source) or len(name) > MAX_TOPIC_NAME:
        raise ConfigError(f"no topic can be called {name[:80]!r}: letters, digits, dot, dash and underscore only")
    description = f"What {source} shippers send, as they send it"
    return Topic(name, "any; none is best", RAW_PARTITIONS, _days(7), "delete", 4 * _MIB, description)


def changelog(app: str, state: str, beside: Topic) -> Topic:
    """Describe the changelog of one state table of a keyed worker, partitioned as the topic that feeds the table.

    Args:
        app: The worker's application id, such as `braid-correlate`.
        state: The table's name; the changelog is called `<app>-<state>-changelog`.
        beside: The topic whose keys the table has.
    """
    name = f"{app}-{state}-changelog"
    description = f"State of {app}, to start again from"
    return Topic(name, beside.key, beside.partitions, FOREVER_MS, "compact", _MIB, description, beside=beside.name)


# Events hold the raw record and what became of it, JSON-escaped: up to a few times the size of what came in.
EVENT_BYTES: Final = 8 * _MIB

ASSETS: Final = "context.assets"
IDENTITIES: Final = "context.identities"

SIGNALS: Final = Topic(
    "signals",
    "group key of the correlations that want the signal, such as user:alice@example.com",
    KEYED_PARTITIONS,
    _days(30),
    "delete",
    _MIB,
    "Detections on single events, sent once for each group that a correlation asks for; links of entities, and ticks",
)

FEATURES: Final = Topic(
    "features",
    "none; the partition is that of the entity, or of the peer group",
    KEYED_PARTITIONS,
    _days(3),
    "delete",
    _MIB,
    "Counts of behaviour per entity and minute, many in one record, what members tell their peer groups, and ticks",
    beside=SIGNALS.name,
)

SEQUENCES: Final = Topic(
    "sequences", "sequence uid", 6, _days(30), "delete", _MIB, "Signals braided together, with each revision"
)

JOURNAL: Final = Topic(
    "journal",
    "uid of the investigation; the partition is that of its sequence",
    SEQUENCES.partitions,
    _days(365),
    "delete",
    4 * _MIB,
    "Every step of every investigation by a model, to go on from and to repeat",
    beside=SEQUENCES.name,
)

ACTIONS: Final = Topic("actions", "action uid", 3, _days(365), "delete", _MIB, "Proposed and executed actions")

TOPICS: Final[tuple[Topic, ...]] = (
    Topic("events.identity", "event uid", 6, _days(7), "delete", EVENT_BYTES, "OCSF events of identity"),
    Topic("events.network", "event uid", 6, _days(7), "delete", EVENT_BYTES, "OCSF events of the network"),
    Topic("events.workload", "event uid", 6, _days(7), "delete", EVENT_BYTES, "OCSF events of hosts and the cloud"),
    SIGNALS,
    FEATURES,
    Topic(
        "entity-links",
        "entity at one end and uid of the link (user:alice@example.com#...); the partition is that of the entity alone",
        KEYED_PARTITIONS,
        FOREVER_MS,
        "compact",
        _MIB,
        "Which entities were the same actor, and from when to when",
        beside=SIGNALS.name,
    ),
    Topic(ASSETS, "uid of the asset", 1, FOREVER_MS, "compact", _MIB, "What the tables know of machines"),
    Topic(IDENTITIES, "uid of the identity", 1, FOREVER_MS, "compact", _MIB, "What the tables know of people"),
    SEQUENCES,
    Topic("late", "signal uid", 3, _days(30), "delete", _MIB, "Signals that came after the watermark had passed them"),
    Topic("verdicts", "verdict uid", 3, _days(365), "delete", _MIB, "What the investigation found, with its evidence"),
    ACTIONS,
    JOURNAL,
    Topic(
        "approvals",
        "action uid",
        ACTIONS.partitions,
        _days(365),
        "delete",
        _MIB,
        "Decisions of people on proposed actions",
        beside=ACTIONS.name,
    ),
    Topic(
        "feedback",
        "verdict uid",
        ACTIONS.partitions,
        FOREVER_MS,
        "delete",
        _MIB,
        "Corrections of verdicts by analysts",
        beside=ACTIONS.name,
    ),
    Topic("audit", "name of the hash chain", 1, FOREVER_MS, "delete", _MIB, "Append-only log of all that was decided"),
    Topic(
        "dead-letter",
        "topic and partition the record came from",
        3,
        _days(30),
        "delete",
        EVENT_BYTES,
        "Records that could not go on: the original bytes, where from, and why",
    ),
)

# The author of a keyed worker adds its state tables here; `braid topics create` makes their changelogs with the rest.
CHANGELOGS: Final[tuple[Topic, ...]] = (
    changelog("braid-correlate", "state", SIGNALS),
    changelog("braid-profile", "state", FEATURES),
)


def table(sources: Iterable[str], prefix: str = "") -> tuple[Topic, ...]:
    """Return every topic of a Braid that reads these sources.

    Args:
        sources: Names of the sources; duplicates count once.
        prefix: Put before every name, so that several Braids can share a cluster.

    Raises:
        ConfigError: When a source's or the prefixed name is not one that Kafka takes.
    """
    raw = tuple(raw_topic(name) for name in dict.fromkeys(sources))
    return tuple(_prefixed(topic, prefix) for topic in (*raw, *TOPICS, *CHANGELOGS))


def _prefixed(topic: Topic, prefix: str) -> Topic:
    name = prefix + topic.name
    if not _TOPIC_NAME.fullmatch(name) or len(name) > MAX_TOPIC_NAME:
        raise ConfigError(f"no topic can be called {name[:80]!r}: check the prefix {prefix[:80]!r}")
    return replace(topic, name=name, beside=prefix + topic.beside if topic.beside else "")


def settings(topic: Topic) -> dict[str, str]:
    """Return the topic's settings under the names Kafka has for them."""
    wanted = {
        "cleanup.policy": topic.cleanup,
        "max.message.bytes": str(topic.max_message_bytes),
        "message.timestamp.type": "LogAppendTime",
    }
    if topic.cleanup == "delete":
        wanted["retention.ms"] = str(topic.retention_ms)
    return wanted


_MURMUR_SEED: Final = 0x9747B28C
_MURMUR_M: Final = 0x5BD1E995
_UINT32: Final = 0xFFFFFFFF
_INT32_MAX: Final = 0x7FFFFFFF


def murmur2(data: bytes) -> int:
    """Hash bytes with 32-bit MurmurHash2 under Kafka's seed; return 0 to 2**32 - 1.

    Source: Austin Appleby's MurmurHash2; the seed is that of Kafka's Java producer.
    """
    body = len(data) & ~3
    value = _MURMUR_SEED ^ len(data)
    for at in range(0, body, 4):
        part = int.from_bytes(data[at : at + 4], "little") * _MURMUR_M & _UINT32
        part = (part ^ part >> 24) * _MURMUR_M & _UINT32
        value = (value * _MURMUR_M & _UINT32) ^ part
    if body < len(data):
        value = (value ^ int.from_bytes(data[body:], "little")) * _MURMUR_M & _UINT32
    value = (value ^ value >> 13) * _MURMUR_M & _UINT32
    return value ^ value >> 15


def partition_for(key: bytes, partitions: int) -> int:
    """Return the partition that Kafka's Java producer, and librdkafka's `murmur2`, choose for a key.

    Whoever produces to a topic that others are `beside` must choose so too, or what belongs together never meets.
    """
    return (murmur2(key) & _INT32_MAX) % partitions


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS: Final = 253_402_300_799_999  # the end of the year 9999: RFC 3339 has four digits for it
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def rfc3339(time_ms: int) -> str:
    """Render a time in ms as RFC 3339 in UTC, with milliseconds; raise InvalidRecord beyond the years 1970 to 9999."""
    if not 0 <= time_ms <= _LAST_MS:
        raise InvalidRecord(f"ce_time: {time_ms} ms is not a time from 1970 to 9999")
    return f"{_second(time_ms // 1000)}.{time_ms % 1000:03d}Z"


@lru_cache(maxsize=4096)
def _second(time_s: int) -> str:
    """Render a time in s: records of one stream share their seconds, and this is half of what headers take."""
    return (_EPOCH + timedelta(seconds=time_s)).replace(tzinfo=None).isoformat()


def headers_for(
    *,
    uid: str,
    type: str,  # noqa: A002  # the CloudEvents attribute has this name
    source: str,
    time_ms: int,
    schema: str,
    content_type: str = "application/json",
    traceparent: bytes | None = None,
) -> list[tuple[str, bytes]]:
    """Build the headers of one record: CloudEvents 1.0 in Kafka's binary content mode, our schema, the trace context.

    Args:
        uid: Uid of what the record holds; with `source` it names the event, so a redelivery keeps it.
        type: What kind of thing it is, such as `braid.signal`.
        source: Who made it, a URI reference such as `/braid/ingest`.
        time_ms: Event time, not the time of producing.
        schema: Name and version of the value's form, such as `signal/1`.
        content_type: Media type of the value.
        traceparent: W3C trace context as it came with the cause of this record. It was written by others: what is not
            of that form is left out.

    Raises:
        InvalidRecord: When `time_ms` is beyond the years 1970 to 9999.
    """
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", uid.encode()),
        ("ce_type", type.encode()),
        ("ce_source", source.encode()),
        ("ce_time", rfc3339(time_ms).encode()),
        ("braid_schema", schema.encode()),
        ("content-type", content_type.encode()),
    ]
    if traceparent is not None and _TRACEPARENT.fullmatch(traceparent):
        headers.append(("traceparent", traceparent))
    return headers
