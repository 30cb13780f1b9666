"""What Salesforce's events mean: class and activity, from the event's type; and the type where only fields tell it.

Source: Salesforce documentation, "EventLogFile Supported Event Types", "Real-Time Event Monitoring Objects",
"LoginHistory" and "SetupAuditTrail" of the Object Reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DATASTORE_ACTIVITY,
    DETECTION_FINDING,
    ENTITY_MANAGEMENT,
    FILE_HOSTING_ACTIVITY,
    USER_ACCESS,
)
from streams.sources.base import text
from streams.sources.fields import object_at
from streams.sources.saas.words import MAX_WORD, OTHER, verb_of

_LISTED: Final[dict[str, tuple[int, int]]] = {
    **dict.fromkeys(("login", "loginhistory", "identityverification"), (AUTHENTICATION, 1)),
    "logout": (AUTHENTICATION, 2),
    "loginas": (AUTHENTICATION, 7),
    **dict.fromkeys(("api", "restapi", "bulkapi", "bulkapi2", "apitotalusage"), (DATASTORE_ACTIVITY, OTHER)),
    **dict.fromkeys(("report", "reportexport", "multiblockreport", "asynchronousreportrun"), (DATASTORE_ACTIVITY, 1)),
    **dict.fromkeys(("bulkapiresult", "bulkapiresultdownload", "dashboard"), (DATASTORE_ACTIVITY, 1)),
    **dict.fromkeys(("listview", "search", "knowledgearticleview"), (DATASTORE_ACTIVITY, 4)),
    **dict.fromkeys(("documentattachmentdownloads", "contenttransfer", "file", "filev2"), (FILE_HOSTING_ACTIVITY, 2)),
    **dict.fromkeys(("uri", "lightninguri", "lightningpageview", "visualforcerequest"), (API_ACTIVITY, 2)),
    "contentdocumentlink": (FILE_HOSTING_ACTIVITY, 12),
    "contentdistribution": (FILE_HOSTING_ACTIVITY, 12),
    "permissionset": (ENTITY_MANAGEMENT, 3),
    "permissionupdate": (ENTITY_MANAGEMENT, 3),
    "groupmembership": (API_ACTIVITY, 3),
    "dataexport": (DATASTORE_ACTIVITY, 1),
    **dict.fromkeys(("sessionhijacking", "credentialstuffing", "reportanomaly"), (DETECTION_FINDING, 1)),
    **dict.fromkeys(("apianomaly", "guestuseranomaly", "loginanomaly", "permissionanomaly"), (DETECTION_FINDING, 1)),
}
_SETUP: Final[dict[str, tuple[int, int]]] = {  # actions of the setup audit trail, lower-cased
    "createduser": (ACCOUNT_CHANGE, 1),
    "createdcustomersuccessuser": (ACCOUNT_CHANGE, 1),
    "activateduser": (ACCOUNT_CHANGE, 2),
    "deactivateduser": (ACCOUNT_CHANGE, 5),
    "frozeuser": (ACCOUNT_CHANGE, 5),
    "unfrozeuser": (ACCOUNT_CHANGE, 2),
    "unlockeduser": (ACCOUNT_CHANGE, 12),
    "resetpassword": (ACCOUNT_CHANGE, 4),
    "changedpassword": (ACCOUNT_CHANGE, 3),
    "changedemail": (ACCOUNT_CHANGE, OTHER),
    "permsetassign": (USER_ACCESS, 1),
    "permsetunassign": (USER_ACCESS, 2),
    "permsetgroupassign": (USER_ACCESS, 1),
    "permsetgroupunassign": (USER_ACCESS, 2),
    "changedprofileforuser": (USER_ACCESS, 1),
    "changedroleforuser": (USER_ACCESS, 1),
    "suorgadminlogin": (AUTHENTICATION, 7),
    "suorgadminlogout": (AUTHENTICATION, 2),
    "loginasgrantedtopartnerbt": (USER_ACCESS, 1),
}
_TOLD_BY: Final = (  # a field that only one kind of event has; the first that is there
    ("LoginTime", "LoginHistory"),
    ("Section", "SetupAuditTrail"),
    ("DelegatedUsername", "LoginAs"),
    ("SecurityEventData", "Anomaly"),
    ("ReportId", "Report"),
    ("ListViewId", "ListView"),
    ("FileAction", "File"),
    ("PermissionType", "PermissionSet"),
    ("QueriedEntities", "API"),
    ("ApiType", "API"),
    ("LoginType", "Login"),
    ("LoginUrl", "Login"),
)
_SUFFIXES: Final = ("EventStream", "EventStore", "Event")


def kind_of(fields: Mapping[str, Any]) -> str:
    """Return the type of an event without `Event` and the like at its end, empty when nothing tells it."""
    named = text(fields.get("EVENT_TYPE")) or text(object_at(fields, "attributes").get("type"))
    named = named or (text(fields.get("channel")) or "").rpartition("/")[2]
    if not named:
        return next((kind for field, kind in _TOLD_BY if field in fields), "")
    named = named[:MAX_WORD]
    suffix = next((suffix for suffix in _SUFFIXES if named.endswith(suffix)), "")
    return named.removesuffix(suffix) or named


@lru_cache(maxsize=512)
def meaning_of(kind: str) -> tuple[int, int]:
    """Return class and activity of a type of event."""
    lowered = kind.lower()
    if lowered.endswith("anomaly"):
        return DETECTION_FINDING, 1
    return _LISTED.get(lowered, (API_ACTIVITY, OTHER))


@lru_cache(maxsize=512)
def meaning_of_setup(action: str) -> tuple[int, int]:
    """Return class and activity of an action of the setup audit trail, cut to a bounded length by the caller."""
    lowered = action.lower()
    if lowered in _SETUP:
        return _SETUP[lowered]
    # The trail glues lower-case words: `createdprofile`, `changedpermset`, `deletedcustomfield`.
    verb = next((verb_of(word) for word in ("created", "changed", "deleted", "updated") if word in lowered), OTHER)
    return (API_ACTIVITY, OTHER) if verb == OTHER else (ENTITY_MANAGEMENT, verb)


def accessed(method: str) -> int:
    """Return the Datastore activity of an API operation: `query`, `Retrieve`, `insert`, `DELETE`."""
    lowered = method.lower()
    return next((number for word, number in _OPERATIONS if word in lowered), OTHER)


_OPERATIONS: Final = (
    ("query", 4),
    ("search", 4),
    ("retrieve", 1),
    ("get", 1),
    ("read", 1),
    ("describe", 8),
    ("upsert", 2),
    ("update", 2),
    ("patch", 2),
    ("insert", 6),
    ("create", 6),
    ("post", 6),
    ("delete", 7),
)
