"""What Snowflake's query types mean: OCSF class and activity; and whom a statement about users and grants is about.

Source: Snowflake documentation, "QUERY_HISTORY view" and the syntax of its SQL commands.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from models.ocsf_classes import ACCOUNT_CHANGE, DATASTORE_ACTIVITY, USER_ACCESS
from streams.sources.saas.words import OTHER

MAX_STATEMENT: Final = 2048  # of a query's text that is looked through
_LISTED: Final[dict[str, tuple[int, int]]] = {
    **dict.fromkeys(("SELECT", "WITH", "CALL", "EXPLAIN"), (DATASTORE_ACTIVITY, 4)),
    **dict.fromkeys(("UNLOAD", "GET_FILES", "COPY_INTO_LOCATION"), (DATASTORE_ACTIVITY, 1)),
    **dict.fromkeys(("INSERT", "MULTI_TABLE_INSERT", "COPY", "PUT_FILES", "LOAD"), (DATASTORE_ACTIVITY, 5)),
    **dict.fromkeys(("UPDATE", "MERGE", "DELETE", "RECLUSTER"), (DATASTORE_ACTIVITY, 2)),
    **dict.fromkeys(("SHOW", "DESCRIBE", "DESCRIBE_QUERY", "LIST_FILES"), (DATASTORE_ACTIVITY, 8)),
    **dict.fromkeys(("USE", "USE_DATABASE"), (DATASTORE_ACTIVITY, 3)),
    **dict.fromkeys(("REMOVE_FILES", "TRUNCATE_TABLE"), (DATASTORE_ACTIVITY, 7)),
    "CREATE_USER": (ACCOUNT_CHANGE, 1),
    "ALTER_USER": (ACCOUNT_CHANGE, OTHER),
    "DROP_USER": (ACCOUNT_CHANGE, 6),
    "GRANT": (USER_ACCESS, 1),
    "REVOKE": (USER_ACCESS, 2),
}
_VERBS: Final = (("CREATE", 6), ("DROP", 7), ("TRUNCATE", 7), ("ALTER", 2), ("RENAME", 2), ("SHOW", 8), ("DESC", 8))
_NAME: Final = r'"?([\w.@$-]{1,255})"?'
_USER: Final = re.compile(
    rf"\s*(?:CREATE\s+(?:OR\s+REPLACE\s+)?|ALTER\s+|DROP\s+)USER\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?{_NAME}", re.IGNORECASE
)
_GRANTED: Final = re.compile(
    rf"\s*(?:GRANT|REVOKE)\s+(?:DATABASE\s+)?ROLE\s+{_NAME}\s+(?:TO|FROM)\s+USER\s+{_NAME}", re.IGNORECASE
)
_STATES: Final = (  # what an ALTER USER sets; the first that fits
    (re.compile(r"\bDISABLED\s*=\s*TRUE\b", re.IGNORECASE), 5),
    (re.compile(r"\bDISABLED\s*=\s*FALSE\b", re.IGNORECASE), 2),
    (re.compile(r"\bMINS_TO_BYPASS_MFA\s*=|\bDISABLE_MFA\s*=\s*TRUE\b", re.IGNORECASE), 11),
    (re.compile(r"\bRESET\s+PASSWORD\b", re.IGNORECASE), 4),
    (re.compile(r"\b(?:PASSWORD|RSA_PUBLIC_KEY(?:_2)?)\s*=", re.IGNORECASE), 3),
)


@lru_cache(maxsize=512)
def meaning_of(query_type: str) -> tuple[int, int]:
    """Return class and activity of a query type, cut to a bounded length by the caller."""
    if query_type in _LISTED:
        return _LISTED[query_type]
    return DATASTORE_ACTIVITY, next((number for word, number in _VERBS if query_type.startswith(word)), OTHER)


def user_changed(statement: str) -> tuple[str | None, int]:
    """Return whom a statement changes, and the change of the account that an ALTER USER makes (99 for another)."""
    start = statement[:MAX_STATEMENT]
    found = _USER.match(start)
    return (found[1] if found else None), next((number for regex, number in _STATES if regex.search(start)), OTHER)


def role_granted(statement: str) -> tuple[str, str] | None:
    """Return the role and the user of a GRANT ROLE or REVOKE ROLE, None for other grants."""
    found = _GRANTED.match(statement[:MAX_STATEMENT])
    return (found[1], found[2]) if found else None
