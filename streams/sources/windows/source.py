"""Windows event logs: Security, System, Sysmon, PowerShell and the rest, in any JSON form, or rendered as text.

`decode` brings a record to one flat form, `normalize` dispatches it by service and event id. An event that no builder
knows, or that lacks what its class requires, becomes an Event Log Activity: every Windows event becomes some event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from models import ocsf, ocsf_schema
from models.event import Event
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, decode_text, event_time, text
from streams.sources.times import from_any
from streams.sources.windows import (
    accounts,
    credentials,
    defender,
    identity,
    jobs,
    log,
    network,
    powershell,
    registry,
    rendered,
    security,
    sessions,
    sysmon,
)
from streams.sources.windows.fields import flatten, is_windows
from streams.sources.windows.logsource import (
    DNS_CLIENT,
    POWERSHELL,
    POWERSHELL_CLASSIC,
    SECURITY,
    SYSMON,
    SYSTEM,
    TASKSCHEDULER,
    TERMINAL_SESSIONS,
    WINDEFEND,
    channel_and_service,
    log_source,
    registry_change,
)
from streams.sources.windows.objects import device
from streams.sources.windows.record import Draft, Fields, data_fields
from streams.sources.windows.sigma import sigma_names

DELAY_MS: Final = 300_000
MAX_NAME: Final = 256  # channels and providers are far shorter; what is cached by them stays small
MAX_MESSAGE: Final = 256
DNS_CLIENT_RESPONSES: Final = (3006, 3008, 3010, 3018, 3020)
# The log's own time first. A local time without a zone (NXLog's EventTime) comes after the shipper's, which has one.
_TIMES: Final = ("TimeCreated", "SystemTime", "@timestamp", "EventTime", "TimeGenerated", "timestamp", "UtcTime")
_ZONED_TIMES: Final = ("EventTime", *_TIMES)
# Windows' levels as numbers, as text, and in words; an error of the writer is not yet one of security.
_LEVELS: Final = ((("1", 1, "critical"), 5), (("2", 2, "error"), 3), (("3", 3, "warning"), 2))
_SEVERITIES: Final = {spelling: severity for spellings, severity in _LEVELS for spelling in spellings}

Builder = Callable[[Fields], Draft | None]
_SERVICES: Final[tuple[tuple[str, Mapping[int, Builder]], ...]] = (
    (SYSMON, sysmon.BUILDERS),
    (SYSMON, registry.BUILDERS),
    (SYSMON, network.SYSMON_BUILDERS),
    (SECURITY, security.SECURITY_BUILDERS),
    (SECURITY, identity.SECURITY_BUILDERS),
    (SECURITY, credentials.SECURITY_BUILDERS),
    (SECURITY, sessions.SECURITY_BUILDERS),
    (SECURITY, accounts.SECURITY_BUILDERS),
    (SECURITY, network.SECURITY_BUILDERS),
    (SECURITY, jobs.SECURITY_BUILDERS),
    (SECURITY, log.SECURITY_BUILDERS),
    (SYSTEM, jobs.SYSTEM_BUILDERS),
    (SYSTEM, log.SYSTEM_BUILDERS),
    (TASKSCHEDULER, jobs.TASK_BUILDERS),
    (POWERSHELL, powershell.OPERATIONAL_BUILDERS),
    (POWERSHELL_CLASSIC, powershell.CLASSIC_BUILDERS),
    (TERMINAL_SESSIONS, sessions.TERMINAL_BUILDERS),
    (WINDEFEND, defender.BUILDERS),
    (DNS_CLIENT, dict.fromkeys(DNS_CLIENT_RESPONSES, network.dns_query)),
)
_BUILDERS: Final[dict[tuple[str, int], Builder]] = {
    (service, event_id): build for service, builders in _SERVICES for event_id, build in builders.items()
}
_REGISTRY_CHANGES: Final = frozenset({(SYSMON, 12), (SECURITY, 4657)})
# Many components write to the System log, each with ids of its own.
_SYSTEM_PROVIDERS: Final = frozenset({"service control manager", "microsoft-windows-eventlog", "eventlog", ""})


@cache
def _rules(class_uid: int) -> tuple[bool, bool, bool]:
    """Tell of a class whether it requires a device, requires an actor, and has its device under the host profile."""
    attributes = ocsf_schema.load()["classes"][str(class_uid)]["attributes"]
    own_device = attributes["device"]
    needs_actor = bool(attributes.get("actor", {}).get("required"))
    return bool(own_device.get("required")), needs_actor, "host" in own_device.get("profiles", ())


def _decode(record: RawRecord) -> dict[str, Any]:
    if rendered.is_rendered(record.raw):
        return flatten(rendered.read(decode_text(record), record))
    return flatten(decode_json(record))


def _normalize(native: Mapping[str, Any], record: RawRecord) -> Event:
    provider = text(native.get("Provider_Name")) or ""
    named = text(native.get("Channel"))
    channel, service = channel_and_service(named and named[:MAX_NAME], provider[:MAX_NAME])
    own_time, original_time = _time(native)
    time, labels = event_time(own_time, record)
    fields, draft = _draft(native, service, channel, provider)
    body = ocsf.head(draft.class_uid, draft.activity_id, time, _severity(native))
    profiles = _complete(body, draft, fields)
    further = sigma_names(native, service, fields.event_id)
    if channel and named is None:
        further = {**further, "Channel": channel}
    change = registry_change(further) if (service, fields.event_id) in _REGISTRY_CHANGES else ""
    return build_event(
        record,
        body,
        native=further,
        logsource=log_source(service, fields.event_id, change),
        product={"name": "Sysmon" if service == SYSMON else "Windows", "vendor_name": "Microsoft"},
        original_time=native.get(rendered.WRITTEN, original_time),
        labels=labels,
        metadata=_metadata(fields),
        profiles=profiles,
        unmapped=fields.rest,
    )


def _time(native: Mapping[str, Any]) -> tuple[int | None, Any]:
    """Return the time the event was logged at, in ms, and as it was written."""
    for name in _TIMES if "TimeCreated" in native or not _has_zone(native.get("EventTime")) else _ZONED_TIMES:
        value = native.get(name)
        time = None if value is None else from_any(value)
        if time is not None:
            return time, value
    return None, None


def _has_zone(value: Any) -> bool:
    if not isinstance(value, str):
        return value is not None
    return value[-1:] in {"Z", "z"} or "+" in value or "-" in value[19:]


def _draft(native: Mapping[str, Any], service: str, channel: str, provider: str) -> tuple[Fields, Draft]:
    fields = _fields(native, channel, provider)
    build = _BUILDERS.get((service, fields.event_id))
    if build is not None and (service != SYSTEM or provider.lower() in _SYSTEM_PROVIDERS):
        draft = build(fields)
        if draft is not None:
            return fields, draft
        fields = _fields(native, channel, provider)  # the builder may have taken some before it gave up
    return fields, log.anything(fields)


def _fields(native: Mapping[str, Any], channel: str, provider: str) -> Fields:
    return Fields(native, data_fields(native), native["EventID"], channel, provider, text(native.get("Computer")))


def _severity(native: Mapping[str, Any]) -> int:
    level = native.get("Level", native.get("Severity"))
    if isinstance(level, str):
        return _SEVERITIES.get(level.lower(), 1)
    return _SEVERITIES.get(level, 1) if isinstance(level, int) else 1


def _complete(body: dict[str, Any], draft: Draft, fields: Fields) -> tuple[str, ...]:
    """Add what every class has: the computer, an actor where one is required, the message; return the profiles."""
    needs_device, needs_actor, host_profile = _rules(draft.class_uid)
    body.update(draft.attributes)
    if needs_device or fields.computer is not None:
        body["device"] = device(fields.computer)
    if needs_actor and not body.get("actor"):
        body["actor"] = {"app_name": fields.provider or fields.channel}
    message = fields.native.get("Message")
    if isinstance(message, str) and message and "message" not in body:
        body["message"] = message[:MAX_MESSAGE].split("\n", 1)[0].rstrip("\r")
    return ("host", *draft.profiles) if host_profile else draft.profiles


def _metadata(fields: Fields) -> dict[str, Any]:
    metadata = {"event_code": str(fields.event_id)}
    if fields.channel:
        metadata["log_name"] = fields.channel
    if fields.provider:
        metadata["log_provider"] = fields.provider
    native = fields.native
    number = text(native.get("EventRecordID", native.get("RecordNumber")))
    if number is not None:
        metadata["original_event_uid"] = number
    activity = text(native.get("ActivityID"))
    if activity is not None:
        metadata["correlation_uid"] = activity.strip("{}").lower()
    return metadata


def _recognize(raw: bytes, record: Mapping[str, Any] | None) -> bool:
    return rendered.is_rendered(raw) if record is None else is_windows(record)


SOURCE: Final = Source(
    name="windows",
    title="Windows event logs",
    shippers=(
        "Winlogbeat and Elastic Agent",
        "NXLog",
        "Fluent Bit",
        "evtx_dump",
        "Velociraptor",
        "Get-WinEvent",
        "Splunk",
    ),
    classes=(
        *(1001, 1002, 1005, 1006, 1007, 1008, 1009, 2004, 3001, 3002, 3003, 3004, 3005, 3006, 4001, 4003, 4006),
        *(201001, 201002, 201003, 201004),
    ),
    entities=("user", "host", "ip", "session"),
    delay_ms=DELAY_MS,
    decode=_decode,
    normalize=_normalize,
    recognize=_recognize,
)
