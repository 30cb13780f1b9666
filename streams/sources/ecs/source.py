"""Elastic Common Schema: the events of Beats, Elastic Agent and Elastic Defend, and the alerts of Elastic Security.

A document that only wraps a line of some log has no categorization and is none of this; Windows' own events within
(`winlog`) are read by the source of Windows.

Source: the Elastic Common Schema reference, versions 1 to 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.records import RawRecord
from streams.sources.base import Source, decode_json, drop_none, event_time, text
from streams.sources.ecs import alerts, builders, objects
from streams.sources.ecs.document import Doc, doc_of
from streams.sources.ecs.fields import Fields, first, nested, part
from streams.sources.edr.drafts import Draft
from streams.sources.edr.finish import Telling, finish
from streams.sources.objects import FAILURE, SUCCESS
from streams.sources.times import from_any
from streams.sources.windows.fields import is_windows
from streams.sources.windows.source import SOURCE as WINDOWS

DELAY_MS: Final = 300_000
MAX_WORD: Final = 128
_TOLD: Final = ("category", "type", "kind", "action")
_FLAT: Final = ("event.category", "event.type", "event.kind", "event.action", "kibana.alert.uuid", "signal.rule.name")
_TAKEN: Final = frozenset(
    ("@timestamp", "event", "host", "user", "process", "source", "destination", "client", "server", "cloud", "ecs")
)
_STATUS: Final = {"success": SUCCESS, "failure": FAILURE}


class _OfWindows(dict[str, Any]):
    """A record that the source of Windows has read, and is to normalize."""


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the document, nested; raise Unparseable when it is not categorized."""
    value = decode_json(record)
    if is_windows(value):
        return _OfWindows(WINDOWS.decode(record))
    if not _is_categorized(value):
        raise Unparseable(
            "no ECS event: it has no event.category, event.type, event.kind or event.action", field="event"
        )
    return nested(value)


def _is_categorized(value: Mapping[str, Any]) -> bool:
    event = value.get("event")
    if isinstance(event, dict) and any(name in event for name in _TOLD):
        return True
    if any(name in value for name in _FLAT):
        return True
    return bool(part(value, "kibana", "alert") or part(value, "signal", "rule"))


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a document by its time stamp and its categorization."""
    if value is None or "@timestamp" not in value:
        return False
    return _is_categorized(value) and not is_windows(value)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn one document into an event."""
    if isinstance(fields, _OfWindows):
        return WINDOWS.normalize(fields, record)
    stamp = fields.get("@timestamp")
    time, labels = event_time(from_any(stamp), record)
    doc = doc_of(fields)
    raised = alerts.is_alert(fields)
    draft, severity = alerts.draft_of(doc) if raised else (builders.draft_of(doc), 1)
    telling = _telling(fields, doc, draft, (time, labels), text(stamp))
    event = finish(record, _with_context(draft, fields, raised=raised), telling)
    if severity != 1:
        event.ocsf["severity_id"] = severity
    return replace(event, about=alerts.about(doc)) if raised else event


def _telling(fields: Fields, doc: Doc, draft: Draft, when: tuple[int, list[str]], stamp: str | None) -> Telling:
    time, labels = when
    dataset = first(fields, "event", "dataset") or first(fields, "event", "module") or ""
    return Telling(
        fields,
        (doc.action or next(iter(doc.types), "") or next(iter(doc.categories), "") or "event")[:MAX_WORD],
        time,
        labels,
        stamp,
        doc.device,
        objects.platform(fields) if doc.process else "",
        _product(fields),
        LogSource("elastic", dataset[:MAX_WORD], draft.categories),
        _metadata(fields, dataset),
        {name: value for name, value in fields.items() if name not in _TAKEN and value not in _EMPTY},
    )


_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


def _product(fields: Fields) -> dict[str, Any]:
    """Return what saw the event: the observer, else the agent."""
    observer = part(fields, "observer")
    name = first(observer, "product") or first(fields, "event", "module") or first(fields, "agent", "type")
    return drop_none(
        name=name or "Elastic Agent", vendor_name=first(observer, "vendor") or "Elastic", version=_version(fields)
    )


def _version(fields: Fields) -> str | None:
    return first(fields, "observer", "version") or first(fields, "agent", "version")


def _metadata(fields: Fields, dataset: str) -> dict[str, Any]:
    return drop_none(
        original_event_uid=first(fields, "event", "id") or first(fields, "kibana", "alert", "uuid"),
        event_code=first(fields, "event", "code") or first(fields, "event", "action"),
        log_name=dataset or None,
        log_provider=first(fields, "event", "provider"),
        correlation_uid=first(fields, "trace", "id") or first(fields, "transaction", "id"),
        log_version=first(fields, "ecs", "version"),
        sequence=_sequence(fields),
    )


def _sequence(fields: Fields) -> int | None:
    number = part(fields, "event").get("sequence")
    return number if type(number) is int and 0 <= number < 2**63 else None


def _with_context(draft: Draft, fields: Fields, *, raised: bool) -> Draft:
    """Add what any event may have: how it ended, the cloud and the container it is from."""
    attributes, profiles = dict(draft.attributes), draft.profiles
    if "status_id" not in attributes and not raised:
        attributes.update(_STATUS.get(first(fields, "event", "outcome") or "", {}))
    where = objects.cloud_of(fields)
    if where:
        attributes["cloud"], profiles = where, (*profiles, "cloud")
    if objects.container(fields):
        profiles = (*profiles, "container")
    return replace(draft, attributes=attributes, profiles=profiles)


SOURCE: Final = Source(
    name="ecs",
    title="Elastic Common Schema",
    shippers=("Filebeat", "Auditbeat", "Packetbeat", "Elastic Agent", "Elastic Defend", "Logstash"),
    classes=(
        *(1001, 1002, 1005, 1007, 1008, 2004, 3001, 3002, 3006, 4001, 4002, 4003),
        *(201001, 201002),
    ),
    entities=("user", "host", "ip", "session", "account", "workload"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
