"""GitHub webhooks under the names of the audit log: who, what, on which repository, when.

Source: GitHub documentation, "Webhook events and payloads". The name of the event is in an HTTP header that shippers
lose; the payload is told by the object it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from streams.sources.base import drop_none, text
from streams.sources.fields import object_at
from streams.sources.saas.words import MAX_WORD, first

_KINDS: Final = (
    *("workflow_job", "workflow_run", "pull_request", "check_run", "check_suite", "issue", "release", "deployment"),
    *("deployment_status", "alert", "hook", "ruleset", "rule", "installation", "key", "member", "membership", "team"),
    *("forkee", "package", "discussion", "secret_scanning_alert", "personal_access_token_request"),
)
_MARKERS: Final = frozenset({*_KINDS, "sender", "pusher", "commits", "ref", "head_commit", "pages"})
_TIMES: Final = ("updated_at", "completed_at", "timestamp", "created_at", "started_at")


def is_webhook(value: Mapping[str, Any]) -> bool:
    """Tell a webhook: a repository or an organization as an object, and what happened to it."""
    about = isinstance(value.get("repository"), dict) or isinstance(value.get("organization"), dict)
    return about and not (_MARKERS.isdisjoint(value) and not isinstance(value.get("action"), str))


def as_audit(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the audit log would say of the payload: `action`, `actor`, `repo`, `org`, `user`, `created_at`."""
    kind = next((name for name in _KINDS if isinstance(value.get(name), dict)), "")
    repository, organization = object_at(value, "repository"), object_at(value, "organization")
    sender, owner = object_at(value, "sender"), object_at(repository, "owner")
    member = object_at(value, "member")
    return drop_none(
        action=_action(value, kind),
        actor=text(sender.get("login")) or text(object_at(value, "pusher").get("name")) or _author(value, kind),
        actor_id=text(sender.get("id")),
        repo=text(repository.get("full_name")) or text(repository.get("name")),
        repo_id=text(repository.get("id")),
        org=text(organization.get("login")) or text(owner.get("login")),
        org_id=text(organization.get("id")) or text(owner.get("id")),
        user=text(member.get("login")),
        user_id=text(member.get("id")),
        team=text(object_at(value, "team").get("name")),
        name=text(object_at(value, kind).get("name")) if kind else None,
        created_at=_time(value, kind),
        conclusion=text(object_at(value, kind).get("conclusion")) if kind else None,
    )


def _author(value: Mapping[str, Any], kind: str) -> str | None:
    return text(object_at(object_at(value, kind), "user").get("login")) if kind else None


def _action(value: Mapping[str, Any], kind: str) -> str:
    word = (text(value.get("action")) or "")[:MAX_WORD]
    if not kind:
        kind = "git" if "commits" in value or "pusher" in value or (word in {"", "push"} and "ref" in value) else "repo"
    return f"{kind}.{word or 'push'}" if kind != "git" else "git.push"


def _time(value: Mapping[str, Any], kind: str) -> Any:
    """Return when it happened, as far as the payload says; what a repository was created by is no such time."""
    for holder in (object_at(value, kind) if kind else {}, object_at(value, "head_commit")):
        found = first(holder, *_TIMES)
        if found is not None:
            return found
    repository = object_at(value, "repository")
    return first(value, "p_event_time") or first(repository, "pushed_at", "updated_at", "created_at")
