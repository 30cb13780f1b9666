"""Slack audit logs: entries of the Audit Logs API of an Enterprise organization.

Source: Slack API documentation, "Audit Logs API" and "Methods & actions". An entry has an action, an actor, the entity
that it was done to, and the context it was done in. Anomalies that Slack found itself are alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DETECTION_FINDING,
    ENTITY_MANAGEMENT,
    FILE_HOSTING_ACTIVITY,
    GROUP_MANAGEMENT,
    USER_ACCESS,
)
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, text
from streams.sources.fields import MAX_LISTED, object_at
from streams.sources.objects import device, finding, status, user
from streams.sources.saas.deeds import Deed, body_of, entity, resource
from streams.sources.saas.words import MAX_WORD, OTHER, client, leftovers, place, request, verb_of
from streams.sources.times import from_any

DELAY_MS: Final = 300_000  # pollers ask every few minutes
PRODUCT: Final = {"name": "Slack", "vendor_name": "Salesforce"}
LOGSOURCE: Final = LogSource("slack", "audit")
_LISTED: Final[Mapping[str, tuple[int, int]]] = {
    "user_login": (AUTHENTICATION, 1),
    "user_login_failed": (AUTHENTICATION, 1),
    "user_logout": (AUTHENTICATION, 2),
    "user_sessions_reset": (AUTHENTICATION, 2),
    "user_session_reset_by_admin": (AUTHENTICATION, 2),
    "user_session_invalidated": (AUTHENTICATION, 2),
    "user_force_invalidated": (AUTHENTICATION, 2),
    "user_created": (ACCOUNT_CHANGE, 1),
    "user_deactivated": (ACCOUNT_CHANGE, 5),
    "guest_deactivated": (ACCOUNT_CHANGE, 5),
    "user_reactivated": (ACCOUNT_CHANGE, 2),
    "guest_reactivated": (ACCOUNT_CHANGE, 2),
    "guest_created": (ACCOUNT_CHANGE, 1),
    "user_email_updated": (ACCOUNT_CHANGE, OTHER),
    "user_profile_updated": (ACCOUNT_CHANGE, OTHER),
    "user_password_reset": (ACCOUNT_CHANGE, 4),
    "user_password_reset_slack_security": (ACCOUNT_CHANGE, 4),
    "user_added_two_factor_auth": (ACCOUNT_CHANGE, 10),
    "user_removed_two_factor_auth": (ACCOUNT_CHANGE, 11),
    "owner_transferred": (USER_ACCESS, 1),
    "permissions_assigned": (USER_ACCESS, 1),
    "permissions_removed": (USER_ACCESS, 2),
    "role_assigned": (USER_ACCESS, 1),
    "role_removed": (USER_ACCESS, 2),
    "user_channel_join": (GROUP_MANAGEMENT, 3),
    "user_added_to_channel": (GROUP_MANAGEMENT, 3),
    "guest_channel_join": (GROUP_MANAGEMENT, 3),
    "user_channel_leave": (GROUP_MANAGEMENT, 4),
    "guest_channel_leave": (GROUP_MANAGEMENT, 4),
    "guest_user_removed_from_channel": (GROUP_MANAGEMENT, 4),
    "user_added_to_usergroup": (GROUP_MANAGEMENT, 3),
    "user_removed_from_usergroup": (GROUP_MANAGEMENT, 4),
    "user_joined_workspace": (GROUP_MANAGEMENT, 3),
    "file_downloaded": (FILE_HOSTING_ACTIVITY, 2),
    "file_downloaded_blocked": (FILE_HOSTING_ACTIVITY, 2),
    "file_uploaded": (FILE_HOSTING_ACTIVITY, 1),
    "file_shared": (FILE_HOSTING_ACTIVITY, 12),
    "public_file_link_created": (FILE_HOSTING_ACTIVITY, 12),
    "file_public_link_created": (FILE_HOSTING_ACTIVITY, 12),
    "anomaly": (DETECTION_FINDING, 1),
}
_FAILED: Final = frozenset({"user_login_failed", "file_downloaded_blocked"})
_MAPPED: Final = frozenset({"id", "date_create", "action", "actor", "entity", "context"})
_API_VERBS: Final = frozenset({2, OTHER})


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the entry; raise Unparseable when the record is none."""
    value = decode_json(record)
    if text(value.get("action")) is None or not isinstance(value.get("actor"), dict):
        raise Unparseable("no Slack audit log entry: it has no action of an actor", field="action")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an entry by its four parts."""
    if value is None or "date_create" not in value or not isinstance(value.get("action"), str):
        return False
    return all(isinstance(value.get(name), dict) for name in ("actor", "entity", "context"))


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an entry into an OCSF event of the class that its action asks for."""
    original = fields.get("date_create")
    time, labels = event_time(from_any(original), record)
    action = str(fields["action"])[:MAX_WORD]
    class_uid, activity_id = meaning_of(action)
    context = object_at(fields, "context")
    alert = class_uid == DETECTION_FINDING
    if alert:
        body = _anomaly(fields, time)
    else:
        body = body_of(_deed(fields, action, class_uid, activity_id), time)
        body.update(drop_none(http_request=request(context.get("ua")), **status(ok=action not in _FAILED)))
    return build_event(
        record,
        body,
        native=fields,
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=text(original),
        labels=labels,
        metadata=drop_none(
            event_code=action,
            original_event_uid=text(fields.get("id")),
            tenant_uid=text(object_at(context, "location").get("id")),
        ),
        profiles=("host",) if alert else (),
        unmapped={**leftovers(fields, _MAPPED), **drop_none(location=object_at(context, "location"))},
        about="identity" if alert else "",
    )


@lru_cache(maxsize=1024)
def meaning_of(action: str) -> tuple[int, int]:
    """Return class and activity of an action: Slack has hundreds, and what is not listed goes by its verb."""
    if action in _LISTED:
        return _LISTED[action]
    if action.startswith("role_change_to_"):
        return USER_ACCESS, 1
    verb = verb_of(action)
    return (API_ACTIVITY, verb) if verb in _API_VERBS else (ENTITY_MANAGEMENT, verb)


def _party(party: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the user behind an actor or an entity, who lies under the name of its own type."""
    known = object_at(party, "user")
    return user(
        text(known.get("email")) or text(known.get("name")),
        uid=text(known.get("id")),
        full_name=text(known.get("name")),
        org={"uid": team} if (team := text(known.get("team"))) else None,
    )


def _source(context: Mapping[str, Any]) -> dict[str, Any] | None:
    spot = object_at(context, "ip_location")
    return client(context.get("ip_address"), location=place(spot.get("city"), spot.get("region"), spot.get("country")))


def _deed(fields: Mapping[str, Any], action: str, class_uid: int, activity_id: int) -> Deed:
    whole, context = object_at(fields, "entity"), object_at(fields, "context")
    kind = text(whole.get("type"))
    thing = object_at(whole, kind) if kind else {}
    name, uid = text(thing.get("name")) or text(thing.get("title")), text(thing.get("id"))
    actor = _party(object_at(fields, "actor"))
    person = _party(whole) or (actor if class_uid == GROUP_MANAGEMENT else None)
    role = action.removeprefix("role_change_to_")
    return Deed(
        class_uid,
        activity_id,
        action,
        "Slack",
        actor=actor,
        user=person,
        session=drop_none(uid=text(context.get("session_id"))),
        source=_source(context),
        group=drop_none(name=name, uid=uid, type=kind) if kind != "user" and (name or uid) else None,
        entity=entity(kind, name, uid),
        target={"file": drop_none(name=name or uid, uid=uid, type_id=1)} if kind == "file" and (name or uid) else {},
        privileges=(role,) if role != action else (),
        resources=resource(kind, name, uid),
    )


def _anomaly(fields: Mapping[str, Any], time: int) -> dict[str, Any]:
    """Build the alert of what Slack found unusual: an address, a device, an agent, a download."""
    context = object_at(fields, "context")
    said = object_at(fields, "details").get("reason")
    reasons = [word for word in map(text, said[:MAX_LISTED]) if word] if isinstance(said, list) else []
    who, source = _party(object_at(fields, "actor")), _source(context)
    title = f"Slack anomaly: {', '.join(reasons)}" if reasons else "Slack anomaly"
    rule = reasons[0] if reasons else "anomaly"
    uid = text(fields.get("id")) or rule
    body = head(DETECTION_FINDING, 1, time, 3)
    body["finding_info"] = finding(title, uid, rule=rule, created_time=time, types=reasons)
    evidence = drop_none(user=who, src_endpoint=source)
    actor = drop_none(user=who, session=drop_none(uid=text(context.get("session_id"))))
    body.update(drop_none(actor=actor, evidences=[evidence] if evidence else None))
    if source and "ip" in source:
        body["device"] = device(None, ip=source["ip"])
    return body


SOURCE: Final = Source(
    name="slack",
    title="Slack audit logs",
    shippers=("Elastic Agent", "Vector", "Logstash", "Fluent Bit"),
    classes=(
        DETECTION_FINDING,
        ACCOUNT_CHANGE,
        AUTHENTICATION,
        ENTITY_MANAGEMENT,
        USER_ACCESS,
        GROUP_MANAGEMENT,
        API_ACTIVITY,
        FILE_HOSTING_ACTIVITY,
    ),
    entities=("user", "ip", "session"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
