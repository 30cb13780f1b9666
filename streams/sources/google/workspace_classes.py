"""The part of a Google Workspace event that belongs to its OCSF class, for each class.

A record that lacks what its class requires (a change of a group that is not named) is API Activity instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    AUTHORIZE_SESSION,
    DETECTION_FINDING,
    FILE_HOSTING_ACTIVITY,
    GROUP_MANAGEMENT,
    USER_ACCESS,
)
from streams.sources import objects
from streams.sources.base import drop_none, text
from streams.sources.fields import MAX_LISTED
from streams.sources.google.principals import user_type
from streams.sources.google.workspace_forms import Activity
from streams.sources.google.workspace_meanings import Meaning, meaning_of
from streams.sources.kubernetes.classes import NOBODY, Built

SERVICE: Final = "Google Workspace"
SAML: Final = 5
PASSWORD: Final = 11
FILE, FOLDER = 1, 2  # types of files
_TOP_SEVERITY: Final = frozenset({"gov_attack_warning"})
_FACTORS: Final = {
    "password": PASSWORD,
    "google_password": PASSWORD,
    "google_authenticator": 7,
    "backup_code": 7,
    "offline_otp": 7,
    "google_prompt": 5,
    "security_key": 9,
    "security_key_otp": 7,
    "passkey": 10,
    "idv_any_phone": 1,
    "idv_preregistered_phone": 1,
    "idv_any_email": 8,
    "access_to_preregistered_email": 8,
    "knowledge_employee_id": 2,
}
_FOLDERS: Final = frozenset({"folder", "shared_drive"})
_PUBLIC: Final = frozenset({"people_with_link", "public_on_the_web"})
_TARGETS: Final = ("user_email", "affected_email_address", "target_user", "user_id", "member_id")
_GROUPS: Final = ("group_email", "group_id")


def meaning(activity: Activity) -> Meaning:
    """Return what application and name of an event say."""
    return meaning_of(activity.application, activity.name)


def build(activity: Activity, source: dict[str, Any]) -> Built:
    """Return class, activity and the attributes of the class for an event from an endpoint."""
    built = _BUILDERS.get(meaning(activity).class_uid, _api_activity)(activity)
    if built[0] == DETECTION_FINDING and source:
        built[2]["evidences"][0]["src_endpoint"] = source
    return built


def actor_user(activity: Activity) -> dict[str, Any] | None:
    """Return who acted: a person, a service account, or an application by its key."""
    key = text(activity.actor.get("key"))
    name = activity.mail or key
    uid = text(activity.actor.get("profileId"))
    return objects.user(name, uid=uid, type_id=user_type(name) if name else 0)


def _subject(activity: Activity) -> dict[str, Any] | None:
    """Return whom an event is about: the user it names, else who acted."""
    named = activity.parameter(*_TARGETS)
    return (objects.user(named, type_id=user_type(named)) if named else None) or actor_user(activity)


def _authentication(activity: Activity) -> Built:
    factors = _factors(activity)
    second = activity.parameters.get("is_second_factor") in (True, "true")
    saml = activity.application == "saml" or activity.parameter("login_type") == "saml"
    attributes = drop_none(
        user=_subject(activity) or NOBODY,
        service={"name": activity.parameter("application_name") or SERVICE},
        auth_factors=factors,
        is_mfa=True if second or any(factor["factor_type_id"] != PASSWORD for factor in factors) else None,
        auth_protocol_id=SAML if saml else None,
        is_remote=True,
    )
    return AUTHENTICATION, meaning(activity).activity_id, attributes


def _factors(activity: Activity) -> list[dict[str, Any]]:
    methods = activity.parameters.get("login_challenge_method")
    listed = methods[:MAX_LISTED] if isinstance(methods, list) else [methods]
    names = dict.fromkeys(name for name in listed if isinstance(name, str) and name not in {"", "none"})
    return [{"factor_type": name, "factor_type_id": _FACTORS.get(name.lower(), 99)} for name in names]


def _account_change(activity: Activity) -> Built:
    user = _subject(activity)
    return (ACCOUNT_CHANGE, meaning(activity).activity_id, {"user": user}) if user else _api_activity(activity)


def _user_access(activity: Activity) -> Built:
    user = _subject(activity)
    if user is None:
        return _api_activity(activity)
    privilege = activity.parameter("role_name", "privilege_name", "new_value") or activity.name
    return USER_ACCESS, meaning(activity).activity_id, {"user": user, "privileges": [privilege]}


def _group_management(activity: Activity) -> Built:
    group = activity.parameter(*_GROUPS)
    if group is None:
        return _api_activity(activity)
    member = activity.parameter("user_email", "member_id")
    user = objects.user(member, type_id=user_type(member)) if member else None
    return GROUP_MANAGEMENT, meaning(activity).activity_id, drop_none(group={"name": group}, user=user)


def _authorize_session(activity: Activity) -> Built:
    """Build the event of an application that a user let at their data, or no longer lets."""
    scopes = activity.parameters.get("scope")
    listed = scopes[:MAX_LISTED] if isinstance(scopes, list) else [scopes]
    user = actor_user(activity)
    if user is None:
        return _api_activity(activity)
    privileges = [scope for scope in listed if isinstance(scope, str) and scope]
    attributes = {
        "user": user,
        "privileges": privileges or [activity.parameter("app_name", "client_id") or activity.name],
        "actor": drop_none(user=user, app_name=activity.parameter("app_name"), app_uid=activity.parameter("client_id")),
    }
    return AUTHORIZE_SESSION, meaning(activity).activity_id, drop_none(**attributes)


def _finding(activity: Activity) -> Built:
    user = _subject(activity) or NOBODY
    info = objects.finding(
        activity.name,
        activity.uid or f"{activity.application}.{activity.name}",
        desc=activity.parameter("affected_email_address"),
        types=[activity.kind] if activity.kind else None,
    )
    severity = 5 if activity.name in _TOP_SEVERITY else 3
    attributes = {"finding_info": info, "severity_id": severity, "actor": {"user": user}, "evidences": [{"user": user}]}
    return DETECTION_FINDING, 1, attributes


def _api_activity(activity: Activity) -> Built:
    return API_ACTIVITY, meaning(activity).api_activity_id, drop_none(resources=_resources(activity))


def _resources(activity: Activity) -> list[dict[str, Any]]:
    """Return the application, role, setting, group or user that an event is about."""
    named = (
        ("application", activity.parameter("application_name", "app_name", "api_client_name")),
        ("role", activity.parameter("role_name")),
        ("setting", activity.parameter("setting_name")),
        ("group", activity.parameter(*_GROUPS)),
        ("user", activity.parameter(*_TARGETS)),
    )
    return [{"name": name, "type": kind} for kind, name in named if name]


def _file_hosting(activity: Activity) -> Built:
    title, uid = activity.parameter("doc_title"), activity.parameter("doc_id")
    if title is None and uid is None:
        return _api_activity(activity)
    owner, kind = activity.parameter("owner"), activity.parameter("doc_type")
    shared = activity.parameter("target_user", "target_domain")
    document = drop_none(
        name=title or uid,
        uid=uid,
        type_id=FOLDER if kind in _FOLDERS else FILE,
        owner=objects.user(owner) if owner else None,
        is_public=True if activity.parameter("visibility") in _PUBLIC else None,
    )
    attributes = {"file": document, "access_list": [shared] if shared else None}
    return FILE_HOSTING_ACTIVITY, meaning(activity).activity_id, drop_none(**attributes)


_BUILDERS: Final[Mapping[int, Callable[[Activity], Built]]] = {
    ACCOUNT_CHANGE: _account_change,
    AUTHENTICATION: _authentication,
    AUTHORIZE_SESSION: _authorize_session,
    DETECTION_FINDING: _finding,
    FILE_HOSTING_ACTIVITY: _file_hosting,
    GROUP_MANAGEMENT: _group_management,
    USER_ACCESS: _user_access,
}
CLASSES: Final = (*_BUILDERS, API_ACTIVITY)
