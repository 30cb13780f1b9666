"""Take records out of what shippers wrap around them. Pure; one envelope may hold many records.

A source is asked first: what it can read as it stands is no envelope. Only a record that its source refuses, or that no
source recognizes, comes here. Known are the envelopes of Filebeat, Elastic Agent and Logstash (`message`,
`event.original`), Fluent Bit and Docker (`log`), Vector (`message`), OpenTelemetry (`resourceLogs`), Splunk HEC and
Cribl (`event`, `_raw`), CloudWatch Logs subscriptions (`logEvents`), EventBridge (`detail`), Amazon SNS (`Message`),
Google Pub/Sub (`message.data`), the lists of event hubs and of APIs' answers (`records`, `Records`, `value`, `data`,
`items`, `entries`, `response`), CRI lines and syslog headers.

What else the envelope says goes along in the record's context: the name of the host for whoever needs it, and all of it
for `unmapped`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from models.records import Context, RawRecord
from streams.sources.base import MAX_RECORD_BYTES, text

MAX_INNER: Final = 100_000  # records in one envelope
MAX_ENVELOPE_BYTES: Final = (
    8192  # what is kept of an envelope with each of its records; the rest stays in the raw topic
)
_SYSLOG: Final = re.compile(
    rb"(?:<\d{1,3}>)?(?:1 )?"  # priority, and the version of RFC 5424
    rb"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*) "
    rb"(\S{1,255}) [^{]{1,512}?(\{.*\}|type=[A-Z_]+ (?:msg=)?audit\(.*)\s*",
    re.DOTALL,
)
_CRI: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{1,40} (?:stdout|stderr) [FP] (.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Inner:
    value: Any  # bytes, text, or any other JSON value
    host: str = ""
    rest: Mapping[str, Any] | None = None


def unwrap(record: RawRecord) -> tuple[RawRecord, ...]:
    """Return the records inside an envelope, in order; none when it is no envelope that is known here."""
    raw = record.raw
    if len(raw) > MAX_RECORD_BYTES * 4:
        return ()
    found: list[RawRecord] = []
    for inner in _inner(raw.strip()):
        body = _bytes(inner.value)
        if body and body != raw and len(found) < MAX_INNER:
            found.append(replace(record, raw=body, columns=(), context=_context(record.context, inner)))
    return tuple(found)


def _inner(raw: bytes) -> Iterator[_Inner]:
    if raw[:1] != b"{":
        yield from _of_line(raw)
        return
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return
    for marker, take in _BY_MARKER:
        if marker in value and (found := tuple(take(value))):
            yield from found
            return


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.strip().encode("utf-8", "replace")
    try:
        return orjson.dumps(value) if isinstance(value, dict) else b""
    except orjson.JSONEncodeError:  # nested too deep to be written again
        return b""


def _context(outer: Context, inner: _Inner) -> Context:
    envelope = {**outer.envelope, **_bounded(inner.rest or {})}
    return replace(outer, host=inner.host or outer.host, envelope=envelope)


def _bounded(rest: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return rest if len(orjson.dumps(rest)) <= MAX_ENVELOPE_BYTES else {}
    except orjson.JSONEncodeError:
        return {}


def _of_line(raw: bytes) -> Iterator[_Inner]:
    if match := _CRI.fullmatch(raw):
        yield _Inner(match[1])
    elif match := _SYSLOG.fullmatch(raw):
        header = raw[: match.start(2)].decode("utf-8", "replace").strip()
        yield _Inner(match[2], match[1].decode("utf-8", "replace"), {"syslog": header})


def _host(value: Mapping[str, Any]) -> str:
    """Return the host that an envelope names, under any of the names that shippers use."""
    for name in ("host", "hostname", "agent", "beat", "kubernetes"):
        found = value.get(name)
        if isinstance(found, dict):
            found = found.get("hostname") or found.get("name") or found.get("host")
        if isinstance(found, str) and found:
            return found
    return ""


def _without(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}


def _message(value: Mapping[str, Any]) -> Iterator[_Inner]:
    """Take the line of a log file; `event.original` has it where `message` was rewritten."""
    message, event = value["message"], value.get("event")
    if isinstance(message, dict):
        yield from _pubsub(value)
        return
    original = event.get("original") if isinstance(event, dict) else None
    line = original if isinstance(original, str) else message
    if isinstance(line, str) and line.lstrip()[:1]:
        yield _Inner(line, _host(value), _without(value, "message"))


def _pubsub(value: Mapping[str, Any]) -> Iterator[_Inner]:
    message = value["message"]
    data = message.get("data")
    if not isinstance(data, str):
        yield _Inner(message, _host(value), _without(value, "message"))
        return
    try:
        decoded = b64decode(data, validate=True)
    except (Base64Error, ValueError):
        return
    yield _Inner(decoded, rest={"message": _without(message, "data"), **_without(value, "message")})


def _named(name: str) -> Callable[[Mapping[str, Any]], Iterator[_Inner]]:
    def take(value: Mapping[str, Any]) -> Iterator[_Inner]:
        inner = value[name]
        if isinstance(inner, dict | str) and inner:
            yield _Inner(inner, _host(value), _without(value, name))

    return take


def _listed(name: str) -> Callable[[Mapping[str, Any]], Iterator[_Inner]]:
    def take(value: Mapping[str, Any]) -> Iterator[_Inner]:
        items = value[name]
        if isinstance(items, list) and all(isinstance(item, dict) for item in items):
            rest = _without(value, name)
            yield from (_Inner(item, rest=rest) for item in items)

    return take


def _response(value: Mapping[str, Any]) -> Iterator[_Inner]:
    """Take the records of an answer of Duo's."""
    answer = value["response"]
    lists = answer.values() if isinstance(answer, dict) else [answer]
    for items in lists:
        yield from (_Inner(item) for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))


def _log_events(value: Mapping[str, Any]) -> Iterator[_Inner]:
    events = value["logEvents"]
    rest = _without(value, "logEvents")
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict) and "message" in event:
            yield _Inner(event["message"], rest={**rest, **_without(event, "message")})


def _detail(value: Mapping[str, Any]) -> Iterator[_Inner]:
    detail = value["detail"]
    if isinstance(detail, dict):
        findings = detail.get("findings")
        rest = _without(value, "detail")
        yield from (_Inner(item, rest=rest) for item in (findings if isinstance(findings, list) else (detail,)))


def _resource_logs(value: Mapping[str, Any]) -> Iterator[_Inner]:
    for resource in _objects(value, "resourceLogs"):
        about = _attributes(resource.get("resource"))
        for scope in (*_objects(resource, "scopeLogs"), *_objects(resource, "instrumentationLibraryLogs")):
            for entry in _objects(scope, "logRecords"):
                rest = {"resource": about, **_without(entry, "body")}
                yield _Inner(_any_value(entry.get("body")), text(about.get("host.name")) or "", rest)


def _objects(value: Mapping[str, Any], name: str) -> Iterable[dict[str, Any]]:
    items = value.get(name)
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else ()


def _attributes(holder: Any) -> dict[str, Any]:
    pairs = _objects(holder, "attributes") if isinstance(holder, dict) else ()
    return {str(pair.get("key")): _any_value(pair.get("value")) for pair in pairs}


def _any_value(value: Any, levels: int = 16) -> Any:
    """Read OpenTelemetry's AnyValue in its JSON form."""
    if not isinstance(value, dict) or not levels:
        return value
    for kind, inner in value.items():
        if kind == "kvlistValue" and isinstance(inner, dict):
            pairs = _objects(inner, "values")
            return {str(pair.get("key")): _any_value(pair.get("value"), levels - 1) for pair in pairs}
        if kind == "arrayValue" and isinstance(inner, dict):
            return [_any_value(item, levels - 1) for item in _objects(inner, "values")]
        if kind.endswith("Value"):
            return inner
    return value


_BY_MARKER: Final = (
    ("resourceLogs", _resource_logs),
    ("logEvents", _log_events),
    ("Records", _listed("Records")),
    ("records", _listed("records")),
    ("entries", _listed("entries")),
    ("response", _response),
    ("_raw", _named("_raw")),
    ("detail", _detail),
    ("Message", _named("Message")),
    ("message", _message),
    ("MESSAGE", _named("MESSAGE")),
    ("log", _named("log")),
    ("event", _named("event")),
    ("value", _listed("value")),
    ("items", _listed("items")),
    ("Findings", _listed("Findings")),
    ("findings", _listed("findings")),
    ("data", _listed("data")),
)
