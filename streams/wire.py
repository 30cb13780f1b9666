"""What goes onto which topic under which key: one place that turns our values into Kafka messages.

Knows no Kafka client. Each value has one schema name and version, in the `braid_schema` header.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson

from agents.audit.chain import Record
from agents.investigate.journal import KINDS as STEP_KINDS
from agents.investigate.journal import Entry
from models import ocsf
from models.action import Action
from models.action_ocsf import action_to_ocsf
from models.approval import Approval, approval_to_json
from models.entity import EntityKey, EntityLink
from models.errors import InvalidRecord
from models.event import Event
from models.feedback import Feedback, feedback_to_json
from models.fields import take
from models.finding import SequenceClosed, Signal, Withdrawn
from models.finding_ocsf import sequence_closed_to_ocsf, sequence_to_ocsf, signal_to_ocsf
from models.records import DeadLetter
from models.uids import content_uid
from models.verdict import Verdict, VerdictClosed
from models.verdict_ocsf import verdict_closed_to_ocsf, verdict_to_ocsf
from streams.correlate.outputs import Forward, Late, Published
from streams.correlate.watermark import Tick, ticks_to_json
from streams.deadletter import dead_letter_to_json
from streams.topics import headers_for, partition_for

TYPE_HEADER: Final = "ce_type"
REPLACES_HEADER: Final = "braid_replaces"
PART_HEADER: Final = "braid_part"
EVENT, SIGNAL, TICK, LINK = "braid.event", "braid.signal", "braid.tick", "braid.entity-link"
CHAINED, WITHDRAWN = "braid.sequence-signal", "braid.signal-withdrawn"  # on `signals`, among the correlate workers
SEQUENCE, LATE, VERDICT, ACTION = "braid.sequence", "braid.late", "braid.verdict", "braid.action"
DEAD_LETTER, FEATURES, STEP = "braid.dead-letter", "braid.features", "braid.investigation-step"
AUDIT, APPROVAL, FEEDBACK = "braid.audit-record", "braid.approval", "braid.feedback"
SOURCE_HEADER: Final = "ce_source"
OWN: Final = b"/braid/"  # how the sources begin that workers of Braid put into headers
KEYED: Final = frozenset({"signals", "entity-links", "features"})  # topics of which the keyed workers join partition n


@dataclass(frozen=True, slots=True)
class Message:
    """One Kafka message, ready to produce.

    Attributes:
        topic: Topic name without any prefix.
        key: Kafka key.
        value: Serialized record; None takes back, on a compacted topic, what has this key.
        headers: CloudEvents headers and our own.
        partition: Where it must go, None for the key's own partition.
    """

    topic: str
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]
    partition: int | None = None


def _headers(kind: str, uid: str, worker: str, time: int) -> list[tuple[str, bytes]]:
    schema = f"{kind.removeprefix('braid.')}/1"
    return headers_for(uid=uid, type=kind, source=f"/braid/{worker}", time_ms=max(time, 0), schema=schema)


def event_message(event: Event) -> Message:
    """Send an event to the topic of its domain."""
    topic = f"events.{event.domain}"
    headers = _headers(EVENT, event.uid, "ingest", event.time)
    headers += [
        ("braid_source", event.source.encode()),
        ("braid_topic", event.at.topic.encode()),
        ("braid_partition", str(event.at.partition).encode()),
        ("braid_offset", str(event.at.offset).encode()),
    ]
    return Message(topic, event.uid.encode(), ocsf.encode(event.ocsf), headers)


def signal_message(signal: Signal, key: str, worker: str = "ingest") -> Message:
    """Send one copy of a signal, or one part of a folded one, to one key."""
    value = ocsf.encode(signal_to_ocsf(signal))
    return Message("signals", key.encode(), value, _signal_headers(SIGNAL, signal, worker))


def forward_messages(forward: Forward) -> Iterator[Message]:
    """Send what one key has for another: a copy of a signal, a sequence as one, that one is gone, a link."""
    item = forward.item
    if isinstance(item, EntityLink):
        yield from _told_link(item, forward.key, "correlate")
    elif isinstance(item, Withdrawn):
        headers = _headers(WITHDRAWN, item.uid, "correlate", item.time)
        yield Message("signals", forward.key.encode(), orjson.dumps({"uid": item.uid, "time": item.time}), headers)
    elif item.parts and not item.via:
        value = ocsf.encode(signal_to_ocsf(item))
        yield Message("signals", forward.key.encode(), value, _signal_headers(CHAINED, item, "correlate"))
    else:
        yield signal_message(item, forward.key, "correlate")


def withdrawn_from_json(data: bytes) -> Withdrawn:
    """Read that a signal no longer stands; raise InvalidRecord when it is not that."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidRecord(f"not a withdrawn signal: {error}") from error
    return Withdrawn(take(value, "uid", str), take(value, "time", int))


def _signal_headers(kind: str, signal: Signal, worker: str) -> list[tuple[str, bytes]]:
    """Name the record: the parts of a folded signal share its uid and are told apart by what they hold."""
    if signal.flood is None:
        return _headers(kind, signal.uid, worker, signal.time)
    part = signal.flood.part
    return [*_headers(kind, f"{signal.uid}-{part}", worker, signal.time), (PART_HEADER, part.encode())]


def link_messages(link: EntityLink, partitions: int) -> Iterator[Message]:
    """Send a link once under each end, to the partition where signals of that end are, for everybody and to them.

    The key for everybody holds the link's uid too, or compaction would keep one link per entity only.
    """
    for end in (str(link.left), str(link.right)):
        for message in _told_link(link, end, "ingest"):
            yield replace(message, partition=partition_of(message, partitions))


def _told_link(link: EntityLink, end: str, worker: str) -> Iterator[Message]:
    """Tell one end of a link: for everybody, and among its signals, so that there is one order in which both came."""
    headers, value = _headers(LINK, link.uid, worker, link.valid_from), orjson.dumps(link_to_json(link))
    yield Message("entity-links", f"{end}#{link.uid}".encode(), value, headers)
    yield Message("signals", end.encode(), value, headers)


def is_own(headers: Iterable[tuple[str, bytes]]) -> bool:
    """Tell whether a worker of Braid sent a record."""
    return dict(headers).get("ce_source", b"").startswith(OWN)


def link_partition(key: bytes, partitions: int) -> int:
    """Return where the link of this Kafka key belongs: with its end, whatever its uid."""
    return partition_for(key.rpartition(b"#")[0], partitions)


def partition_of(message: Message, partitions: int) -> int | None:
    """Return where a message of a keyed worker has to go: beside the state of its key; None for any partition."""
    if message.partition is not None or message.topic not in KEYED:
        return message.partition
    if message.topic == "entity-links":
        return link_partition(message.key, partitions)
    return partition_for(message.key, partitions)


def link_to_json(link: EntityLink) -> dict[str, object]:
    """Render a link."""
    return {
        "uid": link.uid,
        "left": str(link.left),
        "right": str(link.right),
        "valid_from": link.valid_from,
        "valid_to": link.valid_to,
        "confidence": link.confidence,
        "source": link.source,
        "evidence": link.evidence,
    }


def link_from_json(data: bytes) -> EntityLink:
    """Read a link; raise InvalidRecord naming what is missing or of the wrong shape."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidRecord(f"not an entity link: {error}") from error
    return EntityLink(
        uid=take(value, "uid", str),
        left=EntityKey.parse(take(value, "left", str)),
        right=EntityKey.parse(take(value, "right", str)),
        valid_from=take(value, "valid_from", int),
        valid_to=take(value, "valid_to", int),
        confidence=take(value, "confidence", int),
        source=take(value, "source", str),
        evidence=take(value, "evidence", str),
    )


def feature_messages(envelopes: Iterable[tuple[int, bytes]], time: int) -> Iterator[Message]:
    """Send feature deltas, many in one record, each to the partition it was packed for.

    Args:
        envelopes: Partition and value of each.
        time: Event time (ms) of the latest of them.
    """
    for partition, value in envelopes:
        headers = headers_for(
            uid=content_uid("features", value),
            type=FEATURES,
            source="/braid/ingest",
            time_ms=max(time, 0),
            schema="features/1",
            content_type="application/msgpack",
        )
        yield Message("features", b"", value, headers, partition)


def tick_messages(ticks: Sequence[Tick], partitions: int, topic: str = "signals") -> Iterator[Message]:
    """Send ticks, one at least, as one record to every partition of a topic: each is worked on for itself."""
    value = orjson.dumps(ticks_to_json(ticks))
    uid, time = content_uid("tick", value), max(tick.watermark for tick in ticks)
    for partition in range(partitions):
        yield Message(topic, b"", value, _headers(TICK, uid, "ingest", time), partition)


def dead_letter_message(letter: DeadLetter) -> Message:
    """Send a dead letter, keyed by where the record came from."""
    at = letter.record.at
    details = (text for pair in sorted(letter.details.items()) for text in pair)  # one record, two rules: two letters
    where = at.topic, str(at.partition), str(at.offset)
    uid = content_uid("dead-letter", letter.stage, *where, letter.record.raw, *details)
    value = orjson.dumps(dead_letter_to_json(letter))
    headers = _headers(DEAD_LETTER, uid, "ingest", letter.record.broker_time)
    return Message("dead-letter", f"{at.topic}/{at.partition}".encode(), value, headers)


def sequence_message(published: Published) -> Message:
    """Send a sequence; the uids it stands in for are in a header, since its body must not depend on arrival order."""
    sequence = published.sequence
    headers = _headers(SEQUENCE, sequence.uid, "correlate", sequence.end_time)
    if published.replaces:
        headers.append((REPLACES_HEADER, ",".join(published.replaces).encode()))
    return Message("sequences", sequence.uid.encode(), ocsf.encode(sequence_to_ocsf(sequence)), headers)


def closed_message(closed: SequenceClosed) -> Message:
    """Send the withdrawal of a sequence."""
    value = ocsf.encode(sequence_closed_to_ocsf(closed))
    return Message("sequences", closed.uid.encode(), value, _headers(SEQUENCE, closed.uid, "correlate", closed.time))


def late_message(late: Late) -> Message:
    """Send a signal that came behind the watermark."""
    signal = late.signal
    headers = [
        *_signal_headers(LATE, signal, "correlate"),
        ("braid_behind_ms", str(late.behind_ms).encode()),
        ("braid_group", late.key.encode()),
    ]
    return Message("late", signal.uid.encode(), ocsf.encode(signal_to_ocsf(signal)), headers)


def verdict_message(verdict: Verdict, worker: str = "investigate") -> Message:
    """Send a verdict."""
    headers = _headers(VERDICT, verdict.uid, worker, verdict.time)
    return Message("verdicts", verdict.uid.encode(), ocsf.encode(verdict_to_ocsf(verdict)), headers)


def verdict_closed_message(closed: VerdictClosed) -> Message:
    """Send the withdrawal of a verdict whose sequence no longer stands."""
    headers = _headers(VERDICT, closed.uid, "investigate", closed.time)
    return Message("verdicts", closed.uid.encode(), ocsf.encode(verdict_closed_to_ocsf(closed)), headers)


def step_message(investigation: str, entry: Entry, partition: int, time: int) -> Message:
    """Send one step of an investigation to the partition that its sequence is in."""
    headers = _headers(STEP, f"{investigation}-{entry.number}", "investigate", time)
    value = orjson.dumps({"number": entry.number, "kind": entry.kind, "data": entry.data}, option=orjson.OPT_SORT_KEYS)
    return Message("journal", investigation.encode(), value, headers, partition)


def step_from_json(data: bytes) -> Entry:
    """Read a step; raise InvalidRecord naming what is missing or of the wrong shape."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidRecord(f"not a step of an investigation: {error}") from error
    entry = Entry(take(value, "number", int), take(value, "kind", str), take(value, "data", dict))
    if entry.kind not in STEP_KINDS:
        raise InvalidRecord(f"kind: {entry.kind[:40]!r} is no step of an investigation")
    return entry


def audit_message(record: Record, line: bytes, worker: str) -> Message:
    """Send a record of the audit log."""
    headers = _headers(AUDIT, record.hash, worker, record.time)
    return Message("audit", record.chain.encode(), line, headers)


def action_message(action: Action, worker: str = "investigate") -> Message:
    """Send an action: a proposal, or by `respond` a revision of one."""
    headers = _headers(ACTION, action.uid, worker, action.time)
    return Message("actions", action.uid.encode(), ocsf.encode(action_to_ocsf(action)), headers)


def source_of(worker: str) -> str:
    """Return what the header `ce_source` says of records that a worker wrote."""
    return f"{OWN.decode()}{worker}"


def approval_message(approval: Approval) -> Message:
    """Send a person's decision on an action."""
    headers = _headers(APPROVAL, approval.nonce, "cli", approval.time)
    return Message("approvals", approval.action_uid.encode(), approval_to_json(approval), headers)


def feedback_message(feedback: Feedback) -> Message:
    """Send a person's correction of a verdict."""
    value = feedback_to_json(feedback)
    headers = _headers(FEEDBACK, content_uid("feedback", value), "cli", feedback.time)
    return Message("feedback", feedback.verdict_uid.encode(), value, headers)
