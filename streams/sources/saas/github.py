"""GitHub: the audit log of organizations and enterprises (API, export, streaming, Enterprise Server), and webhooks.

Source: GitHub documentation, "Audit log events" and "Streaming the audit log for your enterprise".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DETECTION_FINDING,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    USER_ACCESS,
)
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, text
from streams.sources.fields import object_at
from streams.sources.objects import finding, severity_id, status, user
from streams.sources.saas.deeds import Deed, body_of, entity, resource
from streams.sources.saas.github_actions import ALERTS, FAILED, meaning_of
from streams.sources.saas.github_webhooks import as_audit, is_webhook
from streams.sources.saas.words import MAX_WORD, OTHER, client, first, leftovers, place, request
from streams.sources.times import from_any

DELAY_MS: Final = 600_000  # streamed in batches
PRODUCT: Final = {"name": "GitHub Audit Log", "vendor_name": "GitHub"}
WEBHOOK_PRODUCT: Final = {"name": "GitHub Webhooks", "vendor_name": "GitHub"}
AUDIT: Final = LogSource("github", "audit")
WEBHOOK: Final = LogSource("github", "webhook")
_TIMES: Final = ("@timestamp", "at_sign_timestamp", "created_at", "timestamp", "p_event_time")
_BESIDE: Final = frozenset(
    {
        *("org", "repo", "business", "_document_id", "actor_ip", "actor_location", "actor_id", "repository"),
        *("org_id", "operation_type", "programmatic_access_type", "business_id", "actor_is_bot", "external_identity"),
    }
)
_STAMPS: Final = frozenset({"@timestamp", "_document_id"})  # entries that nobody caused have no actor
_MAPPED: Final = frozenset(
    {
        *("@timestamp", "action", "actor", "actor_id", "actor_ip", "actor_session", "_document_id", "request_id"),
        *("user_agent", "user", "user_id", "repo", "repo_id", "repository_id", "org", "org_id", "url", "method"),
        *("referrer", "actor_location", "hashed_token", "team", "external_identity_nameid"),
    }
)
_CONCLUSIONS: Final = {"success": True, "failure": False, "timed_out": False, "startup_failure": False}


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the entry; raise Unparseable when the record is neither of the audit log nor a webhook's."""
    value = decode_json(record)
    if not _is_audit(value) and not is_webhook(value):
        raise Unparseable("no GitHub audit log entry: it has no action of an actor", field="action")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an entry by its dotted action and what stands beside it, a webhook by its objects."""
    if value is None:
        return False
    return _looks_audit(value) or ("actor" not in value and is_webhook(value))


def _is_audit(value: Mapping[str, Any]) -> bool:
    action = text(value.get("action"))
    return action is not None and ("." in action or "actor" in value) and not isinstance(value.get("repository"), dict)


def _looks_audit(value: Mapping[str, Any]) -> bool:
    action, actor = value.get("action"), value.get("actor")
    if not isinstance(action, str) or "." not in action or isinstance(actor, dict):
        return False
    beside = not _BESIDE.isdisjoint(value) and not (actor is None and _STAMPS.isdisjoint(value))
    return beside or value.get("p_log_type") == "GitHub.Audit"


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an entry into an OCSF event of the class that its action asks for."""
    hook = not _is_audit(fields)
    said = as_audit(fields) if hook else fields
    original = first(said, *_TIMES)
    time, labels = event_time(from_any(original), record)
    action = str(said["action"])[:MAX_WORD]
    alert = action in ALERTS
    if alert:
        body = _alert(said, action, time)
    else:
        body = body_of(_deed(said, action), time)
        body.update(_common(said, action))
    return build_event(
        record,
        body,
        native=fields,
        logsource=WEBHOOK if hook else AUDIT,
        product=WEBHOOK_PRODUCT if hook else PRODUCT,
        original_time=text(original),
        labels=labels,
        metadata=drop_none(
            event_code=action,
            original_event_uid=text(said.get("_document_id")),
            correlation_uid=text(said.get("request_id")),
            tenant_uid=text(said.get("business_id")),
        ),
        profiles=("host",) if alert else (),
        unmapped=leftovers(fields, _MAPPED),
    )


def _common(said: Mapping[str, Any], action: str) -> dict[str, Any]:
    conclusion = text(said.get("conclusion"))
    ok = _CONCLUSIONS.get(conclusion) if conclusion else action not in FAILED
    return drop_none(
        http_request=request(
            said.get("user_agent"),
            said.get("request_id"),
            said.get("method"),
            said.get("url"),
            referrer=text(said.get("referrer")),
        ),
        **status(ok=ok, code=conclusion, word=conclusion, detail=text(said.get("message"))),
    )


def _deed(said: Mapping[str, Any], action: str) -> Deed:
    class_uid, activity_id = meaning_of(action)
    category = action.partition(".")[0]
    repo, repo_uid = text(first(said, "repo", "repository")), text(first(said, "repo_id", "repository_id"))
    permission = text(first(said, "permission", "role"))
    return Deed(
        class_uid,
        activity_id,
        action,
        "GitHub",
        actor=_actor(said),
        user=user(text(said.get("user")), uid=_id(said.get("user_id"))),
        session=drop_none(uid=_id(said.get("actor_session"))),
        source=_source(said),
        group=_group(said, category),
        entity=_entity(said, category, repo, repo_uid),
        privileges=(permission,) if permission else (),
        resources=resource("repository", repo, repo_uid),
        details={"account_switch_type_id": 2} if action == "staff.fake_login" else {},
    )


def _id(value: Any) -> str | None:
    """Return an id; GitHub writes 0 where there is none."""
    uid = text(value)
    return None if uid == "0" else uid


def _actor(said: Mapping[str, Any]) -> dict[str, Any] | None:
    organization = drop_none(name=text(said.get("org")), uid=text(said.get("org_id")))
    bot = (
        said.get("actor_is_bot") in {True, "true", "True"}
        if isinstance(said.get("actor_is_bot"), bool | str)
        else False
    )
    return user(
        text(said.get("actor")),
        uid=_id(said.get("actor_id")),
        mail=text(said.get("external_identity_nameid")),
        type_id=4 if bot else 0,
        account={**organization, "type": "Other", "type_id": OTHER} if organization else None,
        credential_uid=text(said.get("hashed_token")) or _id(said.get("token_id")),
    )


def _alert(said: Mapping[str, Any], action: str, time: int) -> dict[str, Any]:
    """Build the alert of a secret, a vulnerable dependency or a weakness that GitHub found in a repository."""
    kind, repo = action.partition(".")[0], text(first(said, "repo", "repository"))
    number = text(first(said, "alert_number", "number", "alert_id"))
    uid = "/".join(part for part in (repo, kind, number) if part)
    body = head(DETECTION_FINDING, 1, time, severity_id(text(said.get("severity")) or "medium"))
    body["finding_info"] = finding(f"GitHub {kind.replace('_', ' ')}", uid, rule_uid=kind, created_time=time)
    actor = _actor(said)
    resources = resource("repository", repo, text(first(said, "repo_id", "repository_id")))
    return body | drop_none(actor={"user": actor} if actor else None, resources=list(resources))


def _source(said: Mapping[str, Any]) -> dict[str, Any] | None:
    spot = object_at(said, "actor_location")
    where = place(spot.get("city"), spot.get("region"), spot.get("country_code"), postal=spot.get("postal_code"))
    return client(first(said, "actor_ip", "ip_address"), location=where)


def _group(said: Mapping[str, Any], category: str) -> dict[str, Any] | None:
    """Return the team, which the audit log has at the top or within `data`; for what is no team's, the organization."""
    if category == "team":
        name = text(said.get("team")) or text(object_at(said, "data").get("team")) or text(said.get("name"))
        team = drop_none(name=name, uid=_id(said.get("team_id")))
        return {**team, "type": "team"} if team else None
    named = drop_none(name=text(said.get("org")), uid=text(said.get("org_id")))
    return {**named, "type": "organization"} if named else None


def _entity(said: Mapping[str, Any], category: str, repo: str | None, repo_uid: str | None) -> dict[str, Any] | None:
    if category in {"repo", "repository", "git"}:
        return entity("repository", repo, repo_uid)
    if category in {"org", "business"}:
        return entity("organization", text(said.get(category)), text(said.get(f"{category}_id")))
    name = text(first(said, "name", f"{category}_name", "ruleset_name", "title"))
    uid = text(first(said, f"{category}_id", "ruleset_id", "integration_id"))
    return entity(category, name, uid) or entity(category, repo or text(said.get("org")), repo_uid)


SOURCE: Final = Source(
    name="github",
    title="GitHub audit log and webhooks",
    shippers=("GitHub audit log streaming", "GitHub webhook", "Elastic Agent", "Vector", "Fluent Bit"),
    classes=(
        DETECTION_FINDING,
        ACCOUNT_CHANGE,
        AUTHENTICATION,
        ENTITY_MANAGEMENT,
        USER_ACCESS,
        GROUP_MANAGEMENT,
        API_ACTIVITY,
    ),
    entities=("user", "ip", "session"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
