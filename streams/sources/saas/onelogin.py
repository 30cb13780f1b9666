"""OneLogin: events of the events API and of the event webhook (which posts lists; each event is a record).

Source: OneLogin API, "Event Resource and Types" and "Webhooks". Event types are numbers. Those with a meaning that OCSF
has are listed here; the others are activities named by their number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    USER_ACCESS,
)
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import object_at
from streams.sources.objects import status, user
from streams.sources.saas.deeds import Deed, body_of, entity, resource
from streams.sources.saas.words import OTHER, client, factor, first, leftovers, place, request
from streams.sources.times import from_any

DELAY_MS: Final = 300_000
PRODUCT: Final = {"name": "OneLogin", "vendor_name": "One Identity"}
LOGSOURCE: Final = LogSource("onelogin", "onelogin.events")
EVENTS: Final[Mapping[int, tuple[int, int, str, bool | None]]] = {  # class, activity, word, whether it succeeded
    1: (GROUP_MANAGEMENT, 1, "app added to role", True),
    2: (GROUP_MANAGEMENT, 2, "app removed from role", True),
    3: (AUTHENTICATION, 7, "user assumed another user", True),
    4: (USER_ACCESS, 1, "role assigned to user", True),
    5: (AUTHENTICATION, 1, "user logged into OneLogin", True),
    6: (AUTHENTICATION, 1, "user failed to log into OneLogin", False),
    7: (AUTHENTICATION, 2, "user logged out of OneLogin", True),
    8: (AUTHENTICATION, 1, "user logged into app", True),
    10: (ACCOUNT_CHANGE, 4, "user requested new password", True),
    11: (ACCOUNT_CHANGE, 3, "user changed password", True),
    12: (ACCOUNT_CHANGE, 12, "user unlocked", True),
    13: (ACCOUNT_CHANGE, 1, "user created", True),
    14: (ACCOUNT_CHANGE, OTHER, "user updated", True),
    15: (ACCOUNT_CHANGE, 5, "user deactivated", True),
    16: (ACCOUNT_CHANGE, 2, "user activated", True),
    17: (ACCOUNT_CHANGE, 6, "user deleted", True),
    19: (ACCOUNT_CHANGE, 9, "user locked", True),
    21: (ACCOUNT_CHANGE, 5, "user suspended", True),
    23: (ACCOUNT_CHANGE, 10, "user registered OTP device", True),
    24: (ACCOUNT_CHANGE, 11, "user removed OTP device", True),
    69: (AUTHENTICATION, 1, "user rejected by RADIUS", False),
    72: (USER_ACCESS, 1, "privilege granted to user", True),
    73: (USER_ACCESS, 2, "privilege revoked from user", True),
    90: (AUTHENTICATION, 1, "user denied access to app", False),
    240: (API_ACTIVITY, 2, "password of an app revealed", True),
    531: (ACCOUNT_CHANGE, 9, "user locked by API", True),
    532: (ACCOUNT_CHANGE, 9, "user locked by API", True),
    551: (ACCOUNT_CHANGE, 5, "user suspended by API", True),
    553: (ACCOUNT_CHANGE, 9, "user locked by API", True),
}
_MAPPED: Final = frozenset(
    {
        *("id", "uuid", "created_at", "event_timestamp", "event_type_id", "actor_user_id", "actor_user_name"),
        *("user_id", "user_name", "login_name", "ipaddr", "user_agent", "role_id", "role_name", "group_id"),
        *("group_name", "app_id", "app_name", "otp_device_name", "privilege_name", "error_description", "account_id"),
    }
)
_BESIDE: Final = frozenset(
    {
        *("user_id", "user_name", "actor_user_id", "actor_user_name", "actor_system", "ipaddr", "app_name"),
        *("account_id", "privilege_name", "resource_type_id", "app_id", "role_id", "policy_id", "client_id"),
    }
)
_THINGS: Final = ("policy", "app", "role", "group", "otp_device", "certificate", "directory", "mapping", "privilege")


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the event; raise Unparseable when the record has no event type."""
    value = decode_json(record)
    if integer(value.get("event_type_id")) is None:
        raise Unparseable("no OneLogin event: it has no numeric event_type_id", field="event_type_id")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an event by its numeric type and what stands beside it."""
    if value is None or "event_type_id" not in value or integer(value["event_type_id"]) is None:
        return False
    return not _BESIDE.isdisjoint(value) or value.get("p_log_type") == "OneLogin.Events"


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an event into an OCSF event of the class that its type asks for."""
    original = first(fields, "created_at", "event_timestamp", "p_event_time")
    time, labels = event_time(from_any(original), record)
    number = integer(fields["event_type_id"]) or 0
    class_uid, activity_id, word, succeeded = EVENTS.get(number, (0, OTHER, f"event type {number}", None))
    body = body_of(_deed(fields, class_uid or _class_of(fields), activity_id, word), time, _severity(fields))
    body.update(_common(fields, word, succeeded))
    return build_event(
        record,
        body,
        native={**fields, "event_type_id": number},  # the API writes numbers, some exports strings
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=text(original),
        labels=labels,
        metadata=drop_none(
            event_code=str(number),
            original_event_uid=text(first(fields, "uuid", "id")) or text(object_at(fields, "create").get("_id")),
            tenant_uid=text(fields.get("account_id")),
        ),
        unmapped=leftovers(fields, _MAPPED),
    )


def _class_of(fields: Mapping[str, Any]) -> int:
    return ENTITY_MANAGEMENT if any(fields.get(f"{thing}_name") for thing in _THINGS) else API_ACTIVITY


def _severity(fields: Mapping[str, Any]) -> int:
    score = integer(fields.get("risk_score")) or 0
    return 1 if score <= 25 else 3 if score <= 75 else 4  # noqa: PLR2004  # OneLogin's own borders of low and high risk


def _common(fields: Mapping[str, Any], word: str, succeeded: bool | None) -> dict[str, Any]:
    return drop_none(
        message=text(first(fields, "notes", "custom_message")) or word,
        http_request=request(fields.get("user_agent")),
        **status(ok=succeeded, detail=text(first(fields, "error_description", "resolution"))),
    )


def _deed(fields: Mapping[str, Any], class_uid: int, activity_id: int, word: str) -> Deed:
    named = next((thing for thing in _THINGS if fields.get(f"{thing}_name")), "app")
    thing = (named, text(fields.get(f"{named}_name")), text(fields.get(f"{named}_id")))
    actor = user(text(first(fields, "actor_user_name", "actor_system")), uid=text(fields.get("actor_user_id")))
    group = drop_none(
        name=text(first(fields, "role_name", "group_name")), uid=text(first(fields, "role_id", "group_id"))
    )
    signs_in = class_uid == AUTHENTICATION
    factors = factor(text(fields.get("otp_device_name"))) if class_uid in {AUTHENTICATION, ACCOUNT_CHANGE} else []
    return Deed(
        class_uid,
        activity_id,
        word,
        (text(fields.get("app_name")) if signs_in else None) or "OneLogin",
        actor=actor,
        user=user(text(fields.get("user_name")), uid=text(fields.get("user_id")), mail=text(fields.get("login_name"))),
        source=client(fields.get("ipaddr"), location=_location(fields)),
        group=group or None,
        entity=entity(*thing),
        privileges=tuple(name for name in (text(fields.get("privilege_name")), group.get("name")) if name),
        resources=resource(*thing),
        details=drop_none(auth_factors=factors, account_switch_type_id=2 if activity_id == 7 and signs_in else None),  # noqa: PLR2004  # Account Switch
    )


def _location(fields: Mapping[str, Any]) -> dict[str, Any]:
    enriched = object_at(object_at(object_at(fields, "p_enrichment"), "ipinfo_location"), "ipaddr")
    return place(enriched.get("city"), enriched.get("region"), enriched.get("country"))


SOURCE: Final = Source(
    name="onelogin",
    title="OneLogin events",
    shippers=("OneLogin webhook", "Elastic Agent", "Vector", "Fluent Bit"),
    classes=(ACCOUNT_CHANGE, AUTHENTICATION, ENTITY_MANAGEMENT, USER_ACCESS, GROUP_MANAGEMENT, API_ACTIVITY),
    entities=("user", "ip"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
