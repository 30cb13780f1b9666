"""What each method in Google's Cloud Audit Logs means: its OCSF class and activity.

Source: Google Cloud's audit logging references of IAM, Service Account Credentials, Security Token Service, Resource
Manager and Cloud SQL. All else is API Activity, its activity from the verb that the last part of the name begins with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, USER_ACCESS

OTHER: Final = 99
LOGON: Final = 1
TICKET: Final = 3
_KUBERNETES: Final = "io.k8s."
_API_SERVER: Final = "k8s.io"
_WITHOUT_DOMAIN: Final = frozenset({"core", "apps", "batch", "autoscaling", "policy", "extensions"})
_LISTED: Final = {
    "createserviceaccount": (ACCOUNT_CHANGE, 1),
    "enableserviceaccount": (ACCOUNT_CHANGE, 2),
    "disableserviceaccount": (ACCOUNT_CHANGE, 5),
    "deleteserviceaccount": (ACCOUNT_CHANGE, 6),
    "undeleteserviceaccount": (ACCOUNT_CHANGE, OTHER),
    "updateserviceaccount": (ACCOUNT_CHANGE, OTHER),
    "patchserviceaccount": (ACCOUNT_CHANGE, OTHER),
    "createserviceaccountkey": (ACCOUNT_CHANGE, OTHER),
    "uploadserviceaccountkey": (ACCOUNT_CHANGE, OTHER),
    "enableserviceaccountkey": (ACCOUNT_CHANGE, OTHER),
    "disableserviceaccountkey": (ACCOUNT_CHANGE, OTHER),
    "deleteserviceaccountkey": (ACCOUNT_CHANGE, OTHER),
    "setiampolicy": (USER_ACCESS, OTHER),
    "setiampermissions": (USER_ACCESS, OTHER),
    "insertprojectownershipinvite": (USER_ACCESS, 1),
    "generateaccesstoken": (AUTHENTICATION, TICKET),
    "generateidtoken": (AUTHENTICATION, TICKET),
    "signjwt": (AUTHENTICATION, TICKET),
    "signblob": (AUTHENTICATION, TICKET),
    "exchangetoken": (AUTHENTICATION, TICKET),
    "cloudsql.instances.login": (AUTHENTICATION, LOGON),
}
_VERBS: Final = (
    ("create insert add import generate upload copy clone run submit deploy install provision register publish", 1),
    ("get list search query read download lookup test check fetch export preview view describe watch validate", 2),
    ("update patch set modify replace enable disable start stop reset restart attach detach move undelete resize", 3),
    ("suspend resume bind rename promote restore rotate sign write put move associate disassociate change apply", 3),
    ("delete remove destroy purge revoke cancel abandon disassociate unregister uninstall", 4),
)
_VERB_IDS: Final = {verb: activity for verbs, activity in _VERBS for verb in verbs.split()}
_FIRST_WORD: Final = re.compile(r"(?:batch|bulk|aggregated|Batch|Bulk|Internal)?([A-Za-z][a-z]*)")
_VERSION: Final = re.compile(r"v\d{1,2}(?:(?:alpha|beta)\d{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Method:
    """What the name of a method says.

    Attributes:
        class_uid: OCSF class when the record has what that class requires.
        activity_id: Activity in that class.
        api_activity_id: Activity in API Activity, from the verb alone.
    """

    class_uid: int
    activity_id: int
    api_activity_id: int


@lru_cache(maxsize=8192)
def method_of(name: str) -> Method:
    """Classify a method, `google.iam.admin.v1.CreateServiceAccount` or `v1.compute.instances.insert` say."""
    last = name.rpartition(".")[2]
    word = _FIRST_WORD.match(last)
    verb = _VERB_IDS.get(word[1].lower(), OTHER) if word else OTHER
    lowered = name.lower()
    class_uid, activity_id = _LISTED.get(lowered) or _LISTED.get(last.lower()) or (API_ACTIVITY, verb)
    return Method(class_uid, activity_id, verb)


@lru_cache(maxsize=8192)
def kubernetes_method(service: str, name: str) -> tuple[str, str, str, str, str] | None:
    """Return API group, version, resource, subresource and verb of a method of GKE's API server; None for others.

    `io.k8s.core.v1.pods.exec.create` is `create` of `pods/exec` in the core group's version 1.
    """
    if not name.startswith(_KUBERNETES) and service != _API_SERVER:
        return None
    *parts, verb = name.split(".")
    place = next((number for number, part in enumerate(parts) if _VERSION.fullmatch(part)), len(parts))
    resource, *rest = (*parts[place + 1 :], "")
    version = parts[place] if place < len(parts) else ""
    return _group(parts[:place]), version, resource.lower(), rest[0].lower() if rest else "", verb.lower()


def _group(parts: list[str]) -> str:
    """Return an API group from its parts, turned round as in a Java package; old groups have no domain."""
    if parts[-2:] == ["k8s", "io"]:  # not turned round
        return ".".join(parts)
    if parts[:2] == ["io", "k8s"] and (len(parts) == 2 or parts[2] in _WITHOUT_DOMAIN):  # noqa: PLR2004  # io.k8s
        return "" if parts[2:] in ([], ["core"]) else parts[2]
    return ".".join(reversed(parts))
