"""What a request to a Kubernetes API server means: its OCSF class and activity, from its verb and what it is about.

Source: the Kubernetes documentation, "Authorization overview" (request verbs), "Using RBAC authorization" and the API
reference of authentication.k8s.io and authorization.k8s.io. All else is API Activity, its activity from the verb.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, USER_ACCESS

READ: Final = 2
DELETE: Final = 4
OTHER: Final = 99
LOGON: Final = 1
TICKET: Final = 3
BINDINGS: Final = frozenset({"rolebindings", "clusterrolebindings"})
# Opens a way into a pod or through it: neither creates nor reads anything.
CONNECTS: Final = frozenset({"exec", "attach", "portforward", "proxy"})
# Questions that are asked by creating an object.
_REVIEWS: Final = frozenset(
    {
        *("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews", "subjectaccessreviews"),
        *("localsubjectaccessreviews", "tokenreviews"),
    }
)
_VERBS: Final = {
    **dict.fromkeys(("create", "post"), 1),
    **dict.fromkeys(("get", "list", "watch", "head", "options"), READ),
    **dict.fromkeys(("update", "patch", "replace", "put"), 3),
    **dict.fromkeys(("delete", "deletecollection"), DELETE),
}
_BINDING_ACTIVITIES: Final = {"create": 1, "delete": 2}  # assign, revoke
_ACCOUNT_ACTIVITIES: Final = {"create": 1, "delete": 6}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What verb and resource say.

    Attributes:
        class_uid: OCSF class when the record has what that class requires.
        activity_id: Activity in that class.
        api_activity_id: Activity in API Activity.
        word: Kubernetes' own word for it, for activities that OCSF has no number for.
        operation: Verb and resource as RBAC writes them: `create pods/exec`.
    """

    class_uid: int
    activity_id: int
    api_activity_id: int
    word: str
    operation: str


@lru_cache(maxsize=8192)
def meaning_of(verb: str, resource: str, subresource: str) -> Meaning:
    """Classify a request by verb, resource (plural, lower case) and subresource, each empty where absent."""
    word = subresource if subresource in CONNECTS else verb or "request"
    api_activity_id = _api_activity(verb, resource, subresource)
    class_uid, activity_id = _identity(verb, resource, subresource) or (API_ACTIVITY, api_activity_id)
    path = "/".join(part for part in (resource, subresource) if part)
    return Meaning(
        class_uid, activity_id, api_activity_id, word, " ".join((verb or "request", *([path] if path else ())))
    )


def _api_activity(verb: str, resource: str, subresource: str) -> int:
    if subresource in CONNECTS and resource in {"pods", "services", "nodes"}:
        return OTHER
    if subresource == "eviction":
        return DELETE
    if resource in _REVIEWS and verb == "create":
        return READ
    return _VERBS.get(verb, OTHER)


def _identity(verb: str, resource: str, subresource: str) -> tuple[int, int] | None:
    if resource == "serviceaccounts" and subresource == "token" and verb == "create":
        return AUTHENTICATION, TICKET
    if subresource or verb in {"get", "list", "watch", "deletecollection"}:
        return None
    if resource == "tokenreviews" and verb == "create":
        return AUTHENTICATION, LOGON
    if resource in BINDINGS:
        return USER_ACCESS, _BINDING_ACTIVITIES.get(verb, OTHER)
    if resource == "serviceaccounts" and verb in _ACCOUNT_ACTIVITIES:
        return ACCOUNT_CHANGE, _ACCOUNT_ACTIVITIES[verb]
    return None
