"""What each event of Google Workspace means: its OCSF class and activity, from the application and the event's name.

Source: the Admin SDK Reports API, "Activity report" event names of the applications login, saml, user_accounts, admin,
groups, groups_enterprise, token, drive. All else is API Activity, its activity from the verb in the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

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

OTHER: Final = 99
PREAUTH: Final = 6
_IDENTITY: Final[dict[str, tuple[int, int]]] = {  # names that mean the same in every application
    "login_success": (AUTHENTICATION, 1),
    "login_failure": (AUTHENTICATION, 1),
    "logout": (AUTHENTICATION, 2),
    "user_signed_out_due_to_suspicious_session_cookie": (AUTHENTICATION, 2),
    "login_challenge": (AUTHENTICATION, PREAUTH),
    "login_verification": (AUTHENTICATION, PREAUTH),
    "risky_sensitive_action_allowed": (AUTHENTICATION, OTHER),
    "risky_sensitive_action_blocked": (AUTHENTICATION, OTHER),
    "suspicious_login": (DETECTION_FINDING, 1),
    "suspicious_login_less_secure_app": (DETECTION_FINDING, 1),
    "suspicious_programmatic_login": (DETECTION_FINDING, 1),
    "gov_attack_warning": (DETECTION_FINDING, 1),
    **dict.fromkeys(
        (
            "account_disabled_generic",
            "account_disabled_hijacked",
            "account_disabled_password_leak",
            "account_disabled_spamming",
            "account_disabled_spamming_through_relay",
        ),
        (ACCOUNT_CHANGE, 5),
    ),
    "password_edit": (ACCOUNT_CHANGE, 3),
    "2sv_enroll": (ACCOUNT_CHANGE, 10),
    "2sv_disable": (ACCOUNT_CHANGE, 11),
    "passkey_enrolled": (ACCOUNT_CHANGE, 10),
    "passkey_removed": (ACCOUNT_CHANGE, 11),
    **dict.fromkeys(
        (
            "recovery_email_edit",
            "recovery_phone_edit",
            "recovery_secret_qa_edit",
            "titanium_enroll",
            "titanium_unenroll",
            "email_forwarding_out_of_domain",
        ),
        (ACCOUNT_CHANGE, OTHER),
    ),
}
_ADMIN: Final[dict[str, tuple[int, int]]] = {
    "create_user": (ACCOUNT_CHANGE, 1),
    "delete_user": (ACCOUNT_CHANGE, 6),
    "suspend_user": (ACCOUNT_CHANGE, 5),
    "archive_user": (ACCOUNT_CHANGE, 5),
    "unsuspend_user": (ACCOUNT_CHANGE, 2),
    "unarchive_user": (ACCOUNT_CHANGE, 2),
    "undelete_user": (ACCOUNT_CHANGE, 2),
    "change_password": (ACCOUNT_CHANGE, 4),
    "turn_off_2_step_verification": (ACCOUNT_CHANGE, 11),
    "unenroll_user_from_strong_auth": (ACCOUNT_CHANGE, 11),
    **dict.fromkeys(
        (
            "change_password_on_next_login",
            "change_recovery_email",
            "change_recovery_phone",
            "unenroll_user_from_titanium",
            "reset_signin_cookies",
            "revoke_3lo_device_tokens",
            "revoke_3lo_token",
            "revoke_asp",
            "delete_2sv_scratch_codes",
            "generate_2sv_scratch_codes",
            "rename_user",
            "move_user_to_org_unit",
        ),
        (ACCOUNT_CHANGE, OTHER),
    ),
    "grant_admin_privilege": (USER_ACCESS, 1),
    "grant_delegated_admin_privileges": (USER_ACCESS, 1),
    "assign_role": (USER_ACCESS, 1),
    "revoke_admin_privilege": (USER_ACCESS, 2),
    "unassign_role": (USER_ACCESS, 2),
    "create_group": (GROUP_MANAGEMENT, 6),
    "delete_group": (GROUP_MANAGEMENT, 5),
    "add_group_member": (GROUP_MANAGEMENT, 3),
    "remove_group_member": (GROUP_MANAGEMENT, 4),
    "update_group_member": (GROUP_MANAGEMENT, OTHER),
    "change_group_setting": (GROUP_MANAGEMENT, OTHER),
}
_GROUPS: Final[dict[str, tuple[int, int]]] = {
    "create_group": (GROUP_MANAGEMENT, 6),
    "delete_group": (GROUP_MANAGEMENT, 5),
    **dict.fromkeys(
        ("add_user", "add_member", "join", "approve_join_request", "accept_invitation"), (GROUP_MANAGEMENT, 3)
    ),
    **dict.fromkeys(("remove_user", "remove_member", "ban_user_with_moderation", "leave"), (GROUP_MANAGEMENT, 4)),
    **dict.fromkeys(
        ("change_basic_setting", "change_acl_permission", "change_security_setting"), (GROUP_MANAGEMENT, OTHER)
    ),
}
_TOKEN: Final[dict[str, tuple[int, int]]] = {
    "authorize": (AUTHORIZE_SESSION, 1),
    "revoke": (AUTHORIZE_SESSION, OTHER),
}
_DRIVE: Final[dict[str, tuple[int, int]]] = {
    name: (FILE_HOSTING_ACTIVITY, activity)
    for activity, names in (
        (1, "create upload"),
        (2, "download"),
        (3, "edit"),
        (4, "delete trash empty_trash"),
        (5, "rename"),
        (6, "copy source_copy"),
        (7, "move"),
        (8, "untrash"),
        (9, "preview"),
        (10, "lock"),
        (11, "unlock"),
        (12, "change_user_access change_acl_editors change_document_access_scope change_document_visibility"),
        (12, "shared_drive_membership_change add_to_folder publish_change"),
        (14, "view"),
    )
    for name in names.split()
}
_BY_APPLICATION: Final = {
    "admin": _ADMIN,
    "groups": _GROUPS,
    "groups_enterprise": _GROUPS,
    "token": _TOKEN,
    "drive": _DRIVE,
}
_BY_NAME: Final = {"admin": _ADMIN, "cloudidentity": _GROUPS, "oauth2": _TOKEN}  # the services in Cloud Logging
_VERBS: Final = (
    ("create created add added upload copy insert invite import generate", 1),
    ("view download preview print search list get read export lookup access", 2),
    ("edit change update updated rename move enable disable toggle set modify allow enforce authorize assign", 3),
    ("untrash restore", 3),
    ("delete deleted remove removed trash purge revoke unassign empty", 4),
)
_VERB_IDS: Final = {verb: activity for verbs, activity in _VERBS for verb in verbs.split()}
_OK: Final = {"login_success": True, "login_failure": False, "risky_sensitive_action_blocked": False}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the name of an event says.

    Attributes:
        class_uid: OCSF class when the record has what that class requires.
        activity_id: Activity in that class.
        api_activity_id: Activity in API Activity, from the verb alone.
        ok: Whether it succeeded, None where the name does not say; what is not about trying has happened.
    """

    class_uid: int
    activity_id: int
    api_activity_id: int
    ok: bool | None


@lru_cache(maxsize=4096)
def meaning_of(application: str, name: str) -> Meaning:
    """Classify an event by application (`login`, or Cloud Logging's service without its domain) and name."""
    lowered = name.lower()
    verb = next((_VERB_IDS[word] for word in lowered.split("_") if word in _VERB_IDS), OTHER)
    table = _BY_APPLICATION.get(application) or _BY_NAME.get(application) or {}
    class_uid, activity_id = (
        table.get(lowered) or _of_drive(application) or _IDENTITY.get(lowered) or (API_ACTIVITY, verb)
    )
    unsure = class_uid == AUTHENTICATION and activity_id == PREAUTH
    return Meaning(class_uid, activity_id, verb, None if unsure else _OK.get(lowered, True))


def _of_drive(application: str) -> tuple[int, int] | None:
    return (FILE_HOSTING_ACTIVITY, OTHER) if application == "drive" else None
