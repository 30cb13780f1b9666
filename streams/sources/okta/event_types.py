"""What each kind of Okta event means: its OCSF class and activity, from the dotted event type.

Source: Okta's event type catalogue. Types are added every month, so what is not listed goes by its prefix and its verb.
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
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    USER_ACCESS,
)

OTHER: Final = 99
MAX_EVENT_TYPE: Final = 256

_LISTED: Final[dict[str, tuple[int, int]]] = {
    "user.session.start": (AUTHENTICATION, 1),
    "user.session.access_admin_app": (AUTHENTICATION, 1),
    "user.session.end": (AUTHENTICATION, 2),
    "user.session.clear": (AUTHENTICATION, 2),
    "user.session.expire": (AUTHENTICATION, 2),
    "user.session.impersonation.grant": (AUTHENTICATION, 7),
    "user.session.impersonation.initiate": (AUTHENTICATION, 7),
    "user.session.impersonation.extend": (AUTHENTICATION, 7),
    "user.session.impersonation.end": (AUTHENTICATION, 2),
    "user.session.impersonation.revoke": (AUTHENTICATION, 2),
    "user.authentication.slo": (AUTHENTICATION, 2),
    "user.authentication.universal_logout": (AUTHENTICATION, 2),
    "user.mfa.attempt_bypass": (AUTHENTICATION, 1),
    "user.account.privilege.grant": (USER_ACCESS, 1),
    "user.account.privilege.revoke": (USER_ACCESS, 2),
    "user.account.lock": (ACCOUNT_CHANGE, 9),
    "user.account.lock.limit": (ACCOUNT_CHANGE, 9),
    "user.account.unlock": (ACCOUNT_CHANGE, 12),
    "user.account.unlock_by_admin": (ACCOUNT_CHANGE, 12),
    "user.account.unlock_token": (ACCOUNT_CHANGE, 12),
    "user.account.update_password": (ACCOUNT_CHANGE, 3),
    "user.account.reset_password": (ACCOUNT_CHANGE, 4),
    "user.account.expire_password": (ACCOUNT_CHANGE, 4),
    "user.lifecycle.create": (ACCOUNT_CHANGE, 1),
    "user.lifecycle.activate": (ACCOUNT_CHANGE, 2),
    "user.lifecycle.reactivate": (ACCOUNT_CHANGE, 2),
    "user.lifecycle.unsuspend": (ACCOUNT_CHANGE, 2),
    "user.lifecycle.suspend": (ACCOUNT_CHANGE, 5),
    "user.lifecycle.deactivate": (ACCOUNT_CHANGE, 5),
    "user.lifecycle.delete.initiated": (ACCOUNT_CHANGE, 6),
    "user.lifecycle.delete.completed": (ACCOUNT_CHANGE, 6),
    "user.mfa.factor.activate": (ACCOUNT_CHANGE, 10),
    "user.mfa.factor.unsuspend": (ACCOUNT_CHANGE, 10),
    "user.mfa.factor.deactivate": (ACCOUNT_CHANGE, 11),
    "user.mfa.factor.suspend": (ACCOUNT_CHANGE, 11),
    "user.mfa.factor.reset_all": (ACCOUNT_CHANGE, 11),
    "group.privilege.grant": (GROUP_MANAGEMENT, 1),
    "group.privilege.revoke": (GROUP_MANAGEMENT, 2),
    "group.application_assignment.add": (GROUP_MANAGEMENT, 1),
    "group.application_assignment.remove": (GROUP_MANAGEMENT, 2),
    "group.user_membership.add": (GROUP_MANAGEMENT, 3),
    "group.user_membership.remove": (GROUP_MANAGEMENT, 4),
    "group.lifecycle.delete": (GROUP_MANAGEMENT, 5),
    "group.lifecycle.create": (GROUP_MANAGEMENT, 6),
    "application.user_membership.add": (USER_ACCESS, 1),
    "application.user_membership.remove": (USER_ACCESS, 2),
    "iam.resourceset.bindings.add": (USER_ACCESS, 1),
    "iam.resourceset.bindings.delete": (USER_ACCESS, 2),
}
_PREFIXES: Final[tuple[tuple[str, int, int], ...]] = (  # the first that fits
    ("user.authentication.", AUTHENTICATION, 1),
    ("user.session.", AUTHENTICATION, OTHER),
    ("user.mfa.okta_verify", AUTHENTICATION, 1),  # an answer to a push, not a change of the factor
    ("app.oauth2.authorize.", AUTHENTICATION, 3),
    ("app.oauth2.as.authorize.", AUTHENTICATION, 3),
    ("app.oauth2.token.", AUTHENTICATION, 3),
    ("app.oauth2.as.token.", AUTHENTICATION, 3),
    ("policy.evaluate", AUTHORIZE_SESSION, 1),
    ("application.user_membership.", USER_ACCESS, OTHER),
    ("group.", GROUP_MANAGEMENT, OTHER),
    ("user.", ACCOUNT_CHANGE, OTHER),
)
_VERBS: Final = {  # Entity Management; the first four are API Activity's too
    "create": 1,
    "add": 1,
    "read": 2,
    "view": 2,
    "update": 3,
    "delete": 4,
    "remove": 4,
    "revoke": 4,
    "enroll": 6,
    "unenroll": 7,
    "enable": 8,
    "disable": 9,
    "activate": 10,
    "deactivate": 11,
    "suspend": 12,
    "unsuspend": 13,
}
_API_VERBS: Final = frozenset({1, 2, 3, 4})
_PROTOCOLS: Final = (  # a part of the event type, and OCSF's auth_protocol_id
    ("saml", 5),
    ("radius", 10),
    ("ldap", 12),
    ("kerberos", 2),
    ("oauth2", 6),
    ("oidc", 4),
)
_FACTORS: Final = (  # a part of Okta's word for the factor, and OCSF's factor_type_id
    ("PUSH", 5),
    ("WEBAUTHN", 10),
    ("FIDO", 10),
    ("U2F", 9),
    ("YUBIKEY", 6),
    ("HARDWARE", 6),
    ("RSA", 6),
    ("SYMANTEC", 6),
    ("SMS", 1),
    ("CALL", 3),
    ("QUESTION", 2),
    ("EMAIL", 8),
    ("BIOMETRIC", 4),
    ("OTP", 7),
    ("SOFT_TOKEN", 7),
    ("AUTHENTICATOR", 7),
    ("PASSWORD", 11),
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an event type says.

    Attributes:
        class_uid: OCSF class when the record has what that class requires.
        activity_id: Activity in that class.
        api_activity_id: Activity in API Activity, where records go that lack it.
        word: The last part of the event type, the name of an activity that OCSF does not list.
        protocol_id: `auth_protocol_id`, 0 when the type does not say.
    """

    class_uid: int
    activity_id: int
    api_activity_id: int
    word: str
    protocol_id: int


@lru_cache(maxsize=4096)
def meaning_of(event_type: str) -> Meaning:
    """Classify an event type."""
    verb = _verb(event_type)
    class_uid, activity_id = _class_and_activity(event_type, verb)
    return Meaning(
        class_uid,
        activity_id,
        verb if verb in _API_VERBS else OTHER,
        event_type.rpartition(".")[2] or event_type,
        next((number for part, number in _PROTOCOLS if part in event_type.lower()), 0),
    )


def _class_and_activity(event_type: str, verb: int) -> tuple[int, int]:
    if event_type in _LISTED:
        return _LISTED[event_type]
    for prefix, class_uid, activity_id in _PREFIXES:
        if event_type.startswith(prefix):
            return class_uid, activity_id
    return (API_ACTIVITY, OTHER) if verb == OTHER else (ENTITY_MANAGEMENT, verb)


def _verb(event_type: str) -> int:
    words = event_type.replace("_", ".").split(".")
    return next((_VERBS[word] for word in reversed(words) if word in _VERBS), OTHER)


@lru_cache(maxsize=256)
def factor_type_id(word: str) -> int:
    """Return OCSF's `factor_type_id` for Okta's word for a factor, 99 when it has none."""
    upper = word.upper()
    return next((number for part, number in _FACTORS if part in upper), OTHER)
