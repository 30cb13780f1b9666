"""What Duo's administrator actions mean: OCSF class and activity.

Source: Duo Admin API, "Administrator Logs" and "Activity Logs": their lists of actions. What is not listed goes by its
noun and its verb.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, ENTITY_MANAGEMENT, GROUP_MANAGEMENT
from streams.sources.saas.words import OTHER, verb_of

_LISTED: Final[dict[str, tuple[int, int]]] = {
    "admin_login": (AUTHENTICATION, 1),
    "admin_login_error": (AUTHENTICATION, 1),
    "admin_2fa_error": (AUTHENTICATION, 1),
    "admin_login_start": (AUTHENTICATION, 6),
    "admin_lockout": (ACCOUNT_CHANGE, 9),
    "admin_unlock": (ACCOUNT_CHANGE, 12),
    "admin_expire": (ACCOUNT_CHANGE, 5),
    "admin_activate": (ACCOUNT_CHANGE, 2),
    "admin_self_activate": (ACCOUNT_CHANGE, 2),
    "admin_reset_password": (ACCOUNT_CHANGE, 4),
    "admin_send_reset_password_email": (ACCOUNT_CHANGE, 4),
    "admin_activate_duo_push": (ACCOUNT_CHANGE, 10),
    "admin_reactivate_duo_push": (ACCOUNT_CHANGE, 10),
    "user_lockout": (ACCOUNT_CHANGE, 9),
    "user_lock_out": (ACCOUNT_CHANGE, 9),
    "user_pending_delete": (ACCOUNT_CHANGE, 5),
    "user_restore": (ACCOUNT_CHANGE, 2),
    "bypass_create": (ACCOUNT_CHANGE, 10),
    "bypass_delete": (ACCOUNT_CHANGE, 11),
    "bypass_view": (ACCOUNT_CHANGE, OTHER),
    "user_not_enrolled_lockout": (ACCOUNT_CHANGE, 9),
    "o2fa_user_provisioned": (ACCOUNT_CHANGE, 10),
    "o2fa_user_reenrolled": (ACCOUNT_CHANGE, 10),
    "o2fa_user_deprovisioned": (ACCOUNT_CHANGE, 11),
    "group_create": (GROUP_MANAGEMENT, 6),
    "group_delete": (GROUP_MANAGEMENT, 5),
}
_FACTORS: Final = ("phone_", "hardtoken_", "u2ftoken_", "webauthncredential_", "webauthn_", "desktoptoken_")
_FACTOR_ACTIVITIES: Final = {1: 10, 8: 10, 10: 10, 4: 11, 9: 11, 11: 11}
_ACCOUNT_ACTIVITIES: Final = {1: 1, 4: 6, 8: 2, 9: 5, 10: 2, 11: 5}  # verbs of Entity Management as changes of accounts
_NO_CHANGE: Final = frozenset({OTHER, 2})
# The status of a user that an update sets. Bypass takes the second factor away.
STATUSES: Final = {"Bypass": 11, "Disabled": 5, "Locked Out": 9, "Active": 2, "Pending Deletion": 5}
FAILED: Final = frozenset({"admin_login_error", "admin_2fa_error"})


@lru_cache(maxsize=2048)
def meaning_of(action: str) -> tuple[int, int]:
    """Return class and activity of an action's name, cut to a bounded length by the caller."""
    if action in _LISTED:
        return _LISTED[action]
    verb = verb_of(action)
    if action.endswith(("_associate", "_disassociate")) or action.startswith(_FACTORS):
        attached = 11 if action.endswith("_disassociate") else 10 if action.endswith("_associate") else OTHER
        return ACCOUNT_CHANGE, _FACTOR_ACTIVITIES.get(verb, attached)
    if action.startswith(("user_", "admin_")) and not action.startswith("admin_single_sign_on"):
        return ACCOUNT_CHANGE, _ACCOUNT_ACTIVITIES.get(verb, OTHER)
    if action.startswith("group_"):
        return GROUP_MANAGEMENT, OTHER
    return (API_ACTIVITY, verb) if verb in _NO_CHANGE else (ENTITY_MANAGEMENT, verb)
