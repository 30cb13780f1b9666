"""Sign-ins, sessions, accounts and groups in ECS, as drafts."""

from __future__ import annotations

from typing import Any, Final

from models.ocsf_classes import ACCOUNT_CHANGE, AUTHENTICATION, GROUP_MANAGEMENT
from streams.sources.base import drop_none
from streams.sources.ecs import objects
from streams.sources.ecs.document import Doc, ends_of, meaning
from streams.sources.ecs.fields import first, part
from streams.sources.edr.drafts import Draft
from streams.sources.edr.shapes import OTHER

LOGON, LOGOFF = 1, 2
_HOST: Final = ("host",)
_ACCOUNTS: Final = (
    (("creation",), 1),
    (("deletion",), 6),
    (("password-change", "changed-password"), 3),
    (("password-reset", "reset-password"), 4),
    (("enabled-user-account", "unlocked-user-account"), 2),
    (("disabled-user-account",), 5),
    (("locked-out", "locked-out-user-account"), 9),
)
_GROUPS: Final = (
    (("added-member-to-group", "added-user-account-to-group", "added-to-group"), 3),
    (("removed-member-from-group", "removed-from-group"), 4),
    (("deletion",), 5),
    (("creation",), 6),
)


def authentication(doc: Doc) -> Draft:
    """Draft a sign-in or a sign-out."""
    ended = "end" in doc.types or doc.action in {"logged-out", "logoff", "user_logout"}
    source, target = ends_of(doc)
    service = first(doc.fields, "service", "name") or first(doc.fields, "event", "provider")
    at_host = part(doc.fields, "host")
    named = drop_none(**{name: doc.device.get(name) for name in ("ip", "hostname")})
    attributes = drop_none(
        user=doc.user or {"name": "unknown"},
        src_endpoint=source,
        dst_endpoint=(named if at_host else None) or target,
        service={"name": service or first(doc.fields, "event", "module") or "unknown"},
        actor={"process": doc.process} if doc.process else None,
        session=_session(doc),
    )
    kind = LOGOFF if ended else LOGON if doc.categories else OTHER
    return Draft(AUTHENTICATION, kind, attributes, drop_none(User=first(doc.fields, "user", "name")), (), _HOST)


def _session(doc: Doc) -> dict[str, Any] | None:
    uid = first(doc.fields, "session", "id") or first(doc.fields, "process", "Ext", "session")
    return {"uid": uid} if uid else None


def iam(doc: Doc) -> Draft | None:
    """Draft a change of an account or of a group; None when neither is named."""
    group = part(doc.fields, "group")
    name, uid = first(group, "name"), first(group, "id")
    target = objects.user_of(part(doc.fields, "user", "target") or part(doc.fields, "user", "effective"))
    actor = {"user": doc.user} if doc.user else None
    source = objects.end(doc.fields, "source", "client")
    if (name or uid) and ("group" in doc.types or "group" in doc.action):
        attributes = drop_none(group=drop_none(name=name, uid=uid), user=target, actor=actor, src_endpoint=source)
        return Draft(GROUP_MANAGEMENT, meaning(doc, _GROUPS), attributes, {}, (), _HOST)
    if target is None and doc.user is None:
        return None
    attributes = drop_none(user=target or doc.user, actor=actor, src_endpoint=source)
    return Draft(ACCOUNT_CHANGE, meaning(doc, _ACCOUNTS), attributes, {}, (), _HOST)
