"""What an Azure operation does, from its name: `Microsoft.Compute/disks/delete`, `GetBlob`, `SecretGet`.

Source: the resource provider operations of Azure, the storage and Key Vault logging references.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

CREATE: Final = 1
READ: Final = 2
UPDATE: Final = 3
DELETE: Final = 4
OTHER: Final = 99

_ENDINGS: Final = {"read": READ, "write": UPDATE, "delete": DELETE}
_VERBS: Final = {
    **dict.fromkeys(
        ("get", "list", "read", "query", "describe", "download", "export", "check", "head", "validate"), READ
    ),
    **dict.fromkeys(("create", "put", "append", "copy", "register", "import", "add", "generate", "backup"), CREATE),
    **dict.fromkeys(("update", "set", "write", "regenerate", "reset", "rotate", "restore", "patch", "modify"), UPDATE),
    **dict.fromkeys(("enable", "disable", "rename", "undelete", "recover", "assign", "attach", "detach"), UPDATE),
    **dict.fromkeys(("delete", "remove", "purge", "unregister", "revoke", "clear"), DELETE),
}
_FIRST_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LAST_WORD: Final = re.compile(r"[A-Z][a-z]+$")


@lru_cache(maxsize=8192)
def activity_of(operation: str) -> int:
    """Return the activity in API Activity, 99 when the name does not say."""
    parts = operation.split("/")
    last = parts[-1].lower()
    if last in _ENDINGS:
        return _ENDINGS[last]
    if last == "action" and len(parts) > 1:
        return _by_verb(parts[-2])
    return _by_verb(parts[-1]) if len(parts) == 1 else OTHER


def _by_verb(name: str) -> int:
    """Tell by the first word, or by the last one: Key Vault's names end with theirs (`SecretGet`).

    Names of the activity log are often in capitals throughout, where only what a name begins with can be told.
    """
    first, last = _FIRST_WORD.match(name), _LAST_WORD.search(name)
    for word in (first, last):
        if word and word[0].lower() in _VERBS:
            return _VERBS[word[0].lower()]
    lowered = name.lower()
    return next((activity for verb, activity in _VERBS.items() if lowered.startswith(verb)), OTHER)


@lru_cache(maxsize=8192)
def word_of(operation: str) -> str:
    """Return the word for an activity that OCSF does not list: the last part of the name that is not `action`."""
    parts = [part for part in operation.split("/") if part]
    if len(parts) > 1 and parts[-1].lower() == "action":
        return parts[-2]
    return parts[-1] if parts else operation


@lru_cache(maxsize=8192)
def service_of(operation: str, resource_type: str) -> str:
    """Return the resource provider, `Azure` when neither the operation nor the resource names it."""
    provider, slash, _ = operation.partition("/")
    return provider if slash and provider else resource_type.partition("/")[0] or "Azure"
