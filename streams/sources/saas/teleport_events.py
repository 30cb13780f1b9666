"""What Teleport's audit events mean: OCSF class and activity, from the event's type.

Source: Teleport documentation, "Audit Event Reference".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DATASTORE_ACTIVITY,
    ENTITY_MANAGEMENT,
    FILE_ACTIVITY,
    NETWORK_ACTIVITY,
    PROCESS_ACTIVITY,
    SSH_ACTIVITY,
    USER_ACCESS,
)
from streams.sources.saas.words import OTHER, verb_of

_LISTED: Final[dict[str, tuple[int, int]]] = {
    "user.login": (AUTHENTICATION, 1),
    "auth": (AUTHENTICATION, 1),
    "headless.approved": (AUTHENTICATION, 1),
    "headless.rejected": (AUTHENTICATION, 1),
    "bot.join": (AUTHENTICATION, 1),
    "instance.join": (AUTHENTICATION, 1),
    "device.authenticate": (AUTHENTICATION, 1),
    "mfa_auth_challenge.create": (AUTHENTICATION, 6),
    "mfa_auth_challenge.validate": (AUTHENTICATION, 1),
    "recovery_code.used": (AUTHENTICATION, 1),
    "cert.create": (AUTHENTICATION, 3),
    "app.session.start": (AUTHENTICATION, 1),
    "app.session.end": (AUTHENTICATION, 2),
    "windows.desktop.session.start": (AUTHENTICATION, 1),
    "windows.desktop.session.end": (AUTHENTICATION, 2),
    "user.create": (ACCOUNT_CHANGE, 1),
    "user.update": (ACCOUNT_CHANGE, OTHER),
    "user.delete": (ACCOUNT_CHANGE, 6),
    "user.password_change": (ACCOUNT_CHANGE, 3),
    "reset_password_token.create": (ACCOUNT_CHANGE, 4),
    "mfa.add": (ACCOUNT_CHANGE, 10),
    "mfa.delete": (ACCOUNT_CHANGE, 11),
    "recovery_code.generated": (ACCOUNT_CHANGE, 10),
    "access_request.create": (USER_ACCESS, OTHER),
    "access_request.update": (USER_ACCESS, OTHER),
    "access_request.review": (USER_ACCESS, OTHER),
    "access_request.delete": (USER_ACCESS, 2),
    "access_request.expire": (USER_ACCESS, 2),
    "session.start": (SSH_ACTIVITY, 1),
    "session.join": (SSH_ACTIVITY, 1),
    "session.leave": (SSH_ACTIVITY, 2),
    "session.end": (SSH_ACTIVITY, 2),
    "session.rejected": (SSH_ACTIVITY, 5),
    "session.connect": (SSH_ACTIVITY, 1),
    "session.data": (SSH_ACTIVITY, 6),
    "client.disconnect": (SSH_ACTIVITY, 2),
    "x11-forward": (SSH_ACTIVITY, OTHER),
    "agent-forward": (SSH_ACTIVITY, OTHER),
    "port": (SSH_ACTIVITY, OTHER),
    "subsystem": (SSH_ACTIVITY, OTHER),
    "session.command": (PROCESS_ACTIVITY, 1),
    "exec": (PROCESS_ACTIVITY, 1),
    "session.disk": (FILE_ACTIVITY, 14),
    "scp": (FILE_ACTIVITY, OTHER),
    "sftp": (FILE_ACTIVITY, OTHER),
    "session.network": (NETWORK_ACTIVITY, 1),
    "db.session.start": (DATASTORE_ACTIVITY, 3),
    "db.session.end": (DATASTORE_ACTIVITY, OTHER),
    "db.session.query": (DATASTORE_ACTIVITY, 4),
    "db.session.query.failed": (DATASTORE_ACTIVITY, 4),
    "db.session.postgres.statements.execute": (DATASTORE_ACTIVITY, 4),
    "db.session.malformed_packet": (DATASTORE_ACTIVITY, OTHER),
    "kube.request": (API_ACTIVITY, OTHER),
    "kube.join": (API_ACTIVITY, OTHER),
    "app.session.request": (API_ACTIVITY, OTHER),
    "app.session.dynamodb.request": (API_ACTIVITY, OTHER),
}
_CHANGES: Final = frozenset({1, 3, 4, 8, 9, 10, 11, 12, 13})


@lru_cache(maxsize=1024)
def meaning_of(event: str) -> tuple[int, int]:
    """Return class and activity of an event type, cut to a bounded length by the caller."""
    if event in _LISTED:
        return _LISTED[event]
    if event.startswith("db.session."):
        return DATASTORE_ACTIVITY, 4 if event.endswith(("query", "execute", "rpc", "sql_batch")) else OTHER
    verb = verb_of(event)
    return (ENTITY_MANAGEMENT, verb) if verb in _CHANGES else (API_ACTIVITY, verb if verb == 2 else OTHER)  # noqa: PLR2004  # Read
