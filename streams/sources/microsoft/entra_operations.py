"""What each audited activity of Entra ID means: its OCSF class and activity, from the name of the activity.

Source: the audit log activity reference of Microsoft Entra ID. The unified audit log of Microsoft 365 has the same
names with a full stop behind. What is not listed goes by its first verb and by what it is about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    USER_ACCESS,
)

OTHER: Final = 99
READ: Final = 2
MAX_NAME: Final = 256

_LISTED: Final[dict[str, tuple[int, int]]] = {
    "add user": (ACCOUNT_CHANGE, 1),
    "create user": (ACCOUNT_CHANGE, 1),
    "invite external user": (ACCOUNT_CHANGE, 1),
    "invite internal user to b2b collaboration": (ACCOUNT_CHANGE, OTHER),
    "enable account": (ACCOUNT_CHANGE, 2),
    "restore user": (ACCOUNT_CHANGE, 2),
    "disable account": (ACCOUNT_CHANGE, 5),
    "block user from sign-in": (ACCOUNT_CHANGE, 5),
    "delete user": (ACCOUNT_CHANGE, 6),
    "hard delete user": (ACCOUNT_CHANGE, 6),
    "change user password": (ACCOUNT_CHANGE, 3),
    "change password (self-service)": (ACCOUNT_CHANGE, 3),
    "change password": (ACCOUNT_CHANGE, 3),
    "reset password (self-service)": (ACCOUNT_CHANGE, 4),
    "reset password (by admin)": (ACCOUNT_CHANGE, 4),
    "reset user password": (ACCOUNT_CHANGE, 4),
    "set force change user password": (ACCOUNT_CHANGE, 4),
    "unlock user account (self-service)": (ACCOUNT_CHANGE, 12),
    "self-service password reset flow activity progress": (ACCOUNT_CHANGE, OTHER),
    "blocked from self-service password reset": (ACCOUNT_CHANGE, OTHER),
    "user registered security info": (ACCOUNT_CHANGE, 10),
    "user registered all required security info": (ACCOUNT_CHANGE, 10),
    "user registered for self-service password reset": (ACCOUNT_CHANGE, OTHER),
    "user started security info registration": (ACCOUNT_CHANGE, OTHER),
    "admin registered security info": (ACCOUNT_CHANGE, 10),
    "enable strong authentication": (ACCOUNT_CHANGE, 10),
    "user deleted security info": (ACCOUNT_CHANGE, 11),
    "admin deleted security info": (ACCOUNT_CHANGE, 11),
    "disable strong authentication": (ACCOUNT_CHANGE, 11),
    "user changed default security info": (ACCOUNT_CHANGE, OTHER),
    "admin updated security info": (ACCOUNT_CHANGE, OTHER),
    "fraud reported - user is blocked for mfa": (ACCOUNT_CHANGE, 9),
    "user is blocked for mfa": (ACCOUNT_CHANGE, 9),
    "unblock user": (ACCOUNT_CHANGE, 12),
    "confirm user compromised": (ACCOUNT_CHANGE, OTHER),
    "admin confirmed user compromised": (ACCOUNT_CHANGE, OTHER),
    "dismiss user risk": (ACCOUNT_CHANGE, OTHER),
    "update user": (ACCOUNT_CHANGE, OTHER),
    "update external user": (ACCOUNT_CHANGE, OTHER),
    "change user license": (ACCOUNT_CHANGE, OTHER),
    "set user manager": (ACCOUNT_CHANGE, OTHER),
    "update stsrefreshtokenvalidfrom timestamp": (ACCOUNT_CHANGE, OTHER),
    "delete application password for user": (ACCOUNT_CHANGE, OTHER),
    "redeem external user invite": (ACCOUNT_CHANGE, 2),
    "add service principal": (ACCOUNT_CHANGE, 1),
    "remove service principal": (ACCOUNT_CHANGE, 6),
    "hard delete service principal": (ACCOUNT_CHANGE, 6),
    "update service principal": (ACCOUNT_CHANGE, OTHER),
    "add service principal credentials": (ACCOUNT_CHANGE, OTHER),
    "remove service principal credentials": (ACCOUNT_CHANGE, OTHER),
    "consent to application": (USER_ACCESS, 1),
    "revoke consent": (USER_ACCESS, 2),
    "add oauth2permissiongrant": (USER_ACCESS, 1),
    "add delegated permission grant": (USER_ACCESS, 1),
    "remove oauth2permissiongrant": (USER_ACCESS, 2),
    "remove delegated permission grant": (USER_ACCESS, 2),
    "assigns the caller to user access admin": (USER_ACCESS, 1),
    "user has elevated their access to user access administrator for their azure resources": (USER_ACCESS, 1),
    "the role assignment of user access administrator has been removed from the user": (USER_ACCESS, 2),
    "user requested to elevate access": (USER_ACCESS, OTHER),
    "add group": (GROUP_MANAGEMENT, 6),
    "create group": (GROUP_MANAGEMENT, 6),
    "restore group": (GROUP_MANAGEMENT, 6),
    "delete group": (GROUP_MANAGEMENT, 5),
    "hard delete group": (GROUP_MANAGEMENT, 5),
    "update group": (GROUP_MANAGEMENT, OTHER),
    "set group license": (GROUP_MANAGEMENT, OTHER),
    "add member to group": (GROUP_MANAGEMENT, 3),
    "remove member from group": (GROUP_MANAGEMENT, 4),
    "add owner to group": (GROUP_MANAGEMENT, 1),
    "remove owner from group": (GROUP_MANAGEMENT, 2),
    "add app role assignment to group": (GROUP_MANAGEMENT, 1),
    "remove app role assignment from group": (GROUP_MANAGEMENT, 2),
    "register device": (ENTITY_MANAGEMENT, 6),
    "unregister device": (ENTITY_MANAGEMENT, 7),
    "read bitlocker key": (ENTITY_MANAGEMENT, READ),
    "recover device local administrator password": (ENTITY_MANAGEMENT, READ),
}
_PHRASES: Final[tuple[tuple[str, str, int, int], ...]] = (  # what it begins with, what is in it; the first that fits
    ("add", "to role", USER_ACCESS, 1),
    ("add", "eligible member", USER_ACCESS, 1),
    ("remove", "from role", USER_ACCESS, 2),
    ("remove", "eligible member", USER_ACCESS, 2),
    ("add", "role assignment", USER_ACCESS, 1),
    ("remove", "role assignment", USER_ACCESS, 2),
    ("add", "approle assignment", USER_ACCESS, 1),
    ("add owner to", "", USER_ACCESS, 1),
    ("remove owner from", "", USER_ACCESS, 2),
    ("update service principal", "", ACCOUNT_CHANGE, OTHER),
)
_UNDECIDED: Final = (
    "requested",
    "request ",
    "approval",
    "approved",
    "denied",
    "expired",
    "canceled",
    "renew",
    "progress",
)
_VERBS: Final = {  # Entity Management; the first four are API Activity's too
    "add": 1,
    "added": 1,
    "create": 1,
    "created": 1,
    "invite": 1,
    "issue": 1,
    "read": READ,
    "get": READ,
    "list": READ,
    "download": READ,
    "export": READ,
    "update": 3,
    "updated": 3,
    "set": 3,
    "change": 3,
    "verify": 3,
    "restore": 3,
    "reset": 3,
    "delete": 4,
    "deleted": 4,
    "hard": 4,
    "remove": 4,
    "revoke": 4,
    "register": 6,
    "enroll": 6,
    "unregister": 7,
    "enable": 8,
    "disable": 9,
    "activate": 10,
    "deactivate": 11,
}
_API_VERBS: Final = frozenset({1, 2, 3, 4})
_WORD: Final = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the name of an activity says.

    Attributes:
        class_uid: OCSF class when the record has what that class requires.
        activity_id: Activity in that class.
        entity_activity_id: Activity in Entity Management.
        api_activity_id: Activity in API Activity.
    """

    class_uid: int
    activity_id: int
    entity_activity_id: int
    api_activity_id: int


@lru_cache(maxsize=4096)
def meaning_of(activity: str) -> Meaning:
    """Classify an activity by its name."""
    name = activity.strip().rstrip(".").lower()
    word = _WORD.match(name)
    verb = _VERBS.get(word[0], OTHER) if word else OTHER
    class_uid, activity_id = _class_and_activity(name, verb)
    return Meaning(class_uid, activity_id, verb, verb if verb in _API_VERBS else OTHER)


def _class_and_activity(name: str, verb: int) -> tuple[int, int]:
    if name in _LISTED:
        return _LISTED[name]
    for start, part, class_uid, activity_id in _PHRASES:
        if name.startswith(start) and part in name:
            return class_uid, OTHER if any(word in name for word in _UNDECIDED) else activity_id
    return (API_ACTIVITY, OTHER) if verb == OTHER else (ENTITY_MANAGEMENT, verb)
