"""The forms in which Google Workspace's audit events come, and one event of any of them taken apart.

Source: the Admin SDK Reports API (Activity resource, `events[]` with `parameters[]`), Google Workspace's audit logs in
Cloud Logging (`protoPayload.metadata.event[]`), and its export to BigQuery (one row an event, the application's own
record beside `event_name`). Some data lakes lift the event to the top and make its parameters an object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.errors import Unparseable
from models.records import RawRecord
from streams.sources.base import decode_json, text
from streams.sources.fields import object_at, objects_at

SERVICES: Final = frozenset(
    f"{name}.googleapis.com" for name in ("login", "admin", "cloudidentity", "oauth2", "workspace", "groups")
)
MAX_PARAMETERS: Final = 200
MAX_EVENTS: Final = 200  # of one activity: each event keeps the whole record beside it, and real ones are a few
MAX_NAME: Final = 256
_VALUES: Final = (
    *("value", "intValue", "boolValue", "multiValue", "multiStrValue", "multiIntValue", "multiBoolValue"),
    *("messageValue", "multiMessageValue"),
)


@dataclass(frozen=True, slots=True)
class Activity:
    """One event of one activity; what it does not name is empty or None.

    Attributes:
        fields: The whole record.
        application: `login`, `admin`, ... or Cloud Logging's service without its domain.
        kind: Type of the event: `DELEGATED_ADMIN_SETTINGS`.
        name: Name of the event.
        parameters: Its parameters by name, as written.
        mail: Address of who acted.
        actor: All that the record says of who acted.
        address: Where from.
        time: When, as written.
        uid: Google's id of the activity.
        customer: Google's id of the customer.
    """

    fields: Mapping[str, Any]
    application: str
    kind: str
    name: str
    parameters: Mapping[str, Any]
    mail: str | None
    actor: Mapping[str, Any]
    address: Any
    time: Any
    uid: str | None
    customer: str | None

    def parameter(self, *names: str) -> str | None:
        """Return the first value there is under any of these names of parameters, in capitals or not."""
        for name in names:
            value = self.parameters.get(name, self.parameters.get(name.upper()))
            if isinstance(value, list):
                value = value[0] if value else None
            if found := text(value):
                return found
        return None


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the record; raise Unparseable when it is no activity of Google Workspace."""
    value = decode_json(record)
    if not recognize(record.raw, value):
        raise Unparseable("no Google Workspace activity: no application, or no event of it", field="id.applicationName")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an activity by its application's name, an entry of Cloud Logging by its service and its events."""
    if value is None:
        return False
    identity, payload = value.get("id"), value.get("protoPayload")
    if isinstance(identity, dict) and isinstance(identity.get("applicationName"), str):
        return isinstance(value.get("events"), list) or isinstance(value.get("name"), str)
    if isinstance(payload, dict):
        service = payload.get("serviceName")
        return isinstance(service, str) and service in SERVICES and _has_events(payload)
    return isinstance(value.get("event_name"), str) and "time_usec" in value and "record_type" in value


def _has_events(payload: Mapping[str, Any]) -> bool:
    return isinstance(object_at(payload, "metadata").get("event"), list | dict)


def expand(fields: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Cut an activity of several events into one record each, MAX_EVENTS at most."""
    listed = fields.get("events")
    if isinstance(listed, list):
        return [{**fields, "events": [event]} for event in listed[:MAX_EVENTS]] if len(listed) > 1 else (fields,)
    payload = object_at(fields, "protoPayload")
    metadata = object_at(payload, "metadata")
    listed = metadata.get("event")
    if not isinstance(listed, list) or len(listed) <= 1:
        return (fields,)
    inner = ({**payload, "metadata": {**metadata, "event": [event]}} for event in listed[:MAX_EVENTS])
    return [{**fields, "protoPayload": part} for part in inner]


def take_apart(fields: Mapping[str, Any]) -> Activity:
    """Find the parts of one event, whatever its form."""
    if "protoPayload" in fields:
        return _of_cloud_logging(fields)
    return _of_export(fields) if "record_type" in fields and "id" not in fields else _of_reports(fields)


def _of_reports(fields: Mapping[str, Any]) -> Activity:
    identity, actor = object_at(fields, "id"), object_at(fields, "actor")
    event = next(iter(objects_at(fields, "events")), fields)
    return Activity(
        fields,
        _word(identity.get("applicationName")),
        _word(event.get("type")),
        _word(event.get("name")),
        _parameters(event.get("parameters")),
        text(actor.get("email")),
        actor,
        fields.get("ipAddress"),
        identity.get("time", fields.get("p_event_time")),
        text(identity.get("uniqueQualifier")),
        text(identity.get("customerId")),
    )


def _of_cloud_logging(fields: Mapping[str, Any]) -> Activity:
    payload = object_at(fields, "protoPayload")
    metadata, authentication = object_at(payload, "metadata"), object_at(payload, "authenticationInfo")
    event = object_at(metadata, "event") or next(iter(objects_at(metadata, "event")), {})
    request, owner = object_at(payload, "requestMetadata"), (text(payload.get("resourceName")) or "").split("/")
    return Activity(
        fields,
        _word(payload.get("serviceName")).partition(".")[0],
        _word(event.get("eventType")),
        _word(event.get("eventName")),
        _parameters(event.get("parameter")),
        text(authentication.get("principalEmail")),
        authentication,
        request.get("callerIp", request.get("callerIP")),
        fields.get("timestamp", fields.get("receiveTimestamp")),
        text(object_at(metadata, "activityId").get("uniqQualifier")) or text(fields.get("insertId")),
        owner[1] if owner[0] == "organizations" and len(owner) > 1 else None,
    )


def _of_export(fields: Mapping[str, Any]) -> Activity:
    application = _word(fields.get("record_type"))
    return Activity(
        fields,
        application,
        _word(fields.get("event_type")),
        _word(fields.get("event_name")),
        object_at(fields, application),
        text(fields.get("email")),
        {},
        fields.get("ip_address"),
        fields.get("time_usec"),
        text(fields.get("unique_identifier")),
        None,
    )


def _parameters(value: Any) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for item in value[:MAX_PARAMETERS] if isinstance(value, list) else ():
        name = item.get("name") if isinstance(item, dict) else None
        if isinstance(name, str):
            found[name] = next((item[key] for key in _VALUES if key in item), None)
    return found


def _word(value: Any) -> str:
    return (text(value) or "")[:MAX_NAME]
