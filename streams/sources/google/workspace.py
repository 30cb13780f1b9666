"""Google Workspace: activities of the Admin SDK Reports API, also from Cloud Logging and BigQuery.

Source: the Admin SDK Reports API reference and "Audit logs for Google Workspace" of Cloud Logging. An activity may hold
several events: each becomes an event of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import API_ACTIVITY, AUTHENTICATION, DETECTION_FINDING, FILE_HOSTING_ACTIVITY
from models.records import RawRecord
from streams.sources import objects
from streams.sources.base import Source, build_event, drop_none, event_time, integer, ip, text
from streams.sources.fields import object_at
from streams.sources.google.workspace_classes import CLASSES, SERVICE, actor_user, build, meaning
from streams.sources.google.workspace_forms import Activity, decode, expand, recognize, take_apart
from streams.sources.google.workspace_meanings import OTHER
from streams.sources.times import from_any

DELAY_MS: Final = 1_800_000  # Google names lags of minutes for sign-ins and admin events, up to hours for some others
PRODUCT: Final = {"name": "Google Workspace", "vendor_name": "Google"}
WORKSPACE: Final = 15  # type of account
UNKNOWN: Final = "unknown"
_LOGSOURCES: Final = {
    name: LogSource("gcp", f"google_workspace.{service}")
    for name, service in (
        *((name, name) for name in ("admin", "login", "drive", "token", "groups", "saml", "user_accounts", "calendar")),
        *(("oauth2", "token"), ("cloudidentity", "groups"), ("groups_enterprise", "groups")),
    )
}
_ELSE: Final = LogSource("gcp", "google_workspace")
_UNMAPPED: Final = ("ownerDomain", "networkInfo", "resourceDetails", "etag")


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn one event of an activity into an OCSF event of the class its name asks for."""
    activity = take_apart(fields)
    time, labels = event_time(from_any(activity.time), record)
    source = _source(activity)
    class_uid, activity_id, attributes = build(activity, source)
    body = head(class_uid, activity_id, time)
    if activity_id == OTHER:
        body["activity_name"] = activity.name or UNKNOWN
    body.update(_common(activity, class_uid, source))
    body.update(attributes)
    return build_event(
        record,
        body,
        native=_native(activity),
        logsource=_LOGSOURCES.get(activity.application, _ELSE),
        product=PRODUCT,
        original_time=text(activity.time),
        labels=labels,
        metadata=_metadata(activity),
        profiles=("cloud", "host") if class_uid == DETECTION_FINDING else ("cloud",),
        unmapped=_unmapped(activity),
        about="identity" if class_uid == DETECTION_FINDING else "",
    )


def _common(activity: Activity, class_uid: int, source: dict[str, Any]) -> dict[str, Any]:
    user = actor_user(activity)
    needed = class_uid in {API_ACTIVITY, FILE_HOSTING_ACTIVITY}  # which require an actor and where it is
    actor = {"user": user} if user else {"invoked_by": SERVICE} if needed else None
    fallback = {"svc_name": SERVICE} if needed else None
    return drop_none(
        actor=actor,
        api={"operation": activity.name or UNKNOWN, "service": {"name": activity.application or SERVICE}},
        cloud=_cloud(activity),
        src_endpoint=None if class_uid == DETECTION_FINDING else source or fallback,
        **({} if class_uid == DETECTION_FINDING else _status(activity, class_uid)),
    )


def _source(activity: Activity) -> dict[str, Any]:
    network = object_at(activity.fields, "networkInfo")
    country, region = text(network.get("regionCode")), text(network.get("subdivisionCode"))
    listed = network.get("ipAsn")
    number = integer(listed[0]) if isinstance(listed, list) and listed else None
    place = drop_none(
        location=drop_none(country=country, region=region),
        autonomous_system={"number": number} if number is not None and 0 < number < 2**32 else None,
    )
    address = ip(activity.address)
    return {"ip": address, **place} if address else {}


def _cloud(activity: Activity) -> dict[str, Any]:
    account = {"uid": activity.customer, "type_id": WORKSPACE, "type": SERVICE} if activity.customer else None
    return drop_none(provider="Google", account=account)


def _status(activity: Activity, class_uid: int) -> dict[str, Any]:
    ok = meaning(activity).ok
    if ok is None and class_uid == AUTHENTICATION:  # a challenge says how it ended, in words
        told = (activity.parameter("login_challenge_status") or "").lower()
        ok = True if "pass" in told else False if "fail" in told else None
    return objects.status(ok=ok, detail=activity.parameter("login_failure_type", "login_challenge_status"))


def _native(activity: Activity) -> dict[str, Any]:
    """Return the record under the names of SigmaHQ's rules: the event's beside its parameters, and Cloud Logging's."""
    service = f"{activity.application}.googleapis.com"
    native: dict[str, Any] = {name.lower(): value for name, value in activity.parameters.items()}
    native.update(activity.parameters)
    native.update(activity.fields)
    native.update(eventService=service, eventName=activity.name, eventType=activity.kind)
    native["protoPayload"] = {
        "serviceName": service,
        **object_at(activity.fields, "protoPayload"),
        "Servicename": service,
        "metadata": {
            "event": {"eventName": activity.name, "eventType": activity.kind, "parameter": activity.parameters}
        },
    }
    return native


def _metadata(activity: Activity) -> dict[str, Any]:
    return drop_none(
        event_code=activity.name or None,
        original_event_uid=activity.uid,
        correlation_uid=activity.uid,
        tenant_uid=activity.customer,
        log_name=activity.application or None,
        log_provider=activity.kind or None,
    )


def _unmapped(activity: Activity) -> dict[str, Any]:
    left = {name: activity.fields[name] for name in _UNMAPPED if activity.fields.get(name) is not None}
    actor = {name: item for name, item in activity.actor.items() if name not in {"email", "profileId"}}
    return left | drop_none(parameters=activity.parameters, actor=actor)


SOURCE: Final = Source(
    name="google_workspace",
    title="Google Workspace",
    shippers=("Pub/Sub", "Vector", "Filebeat", "Fluent Bit", "Logstash"),
    classes=tuple(sorted(CLASSES)),
    entities=("user", "ip", "session", "account"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
    expand=expand,
)
