"""What an ECS document tells, as a draft of the OCSF class that its categorization fields mean.

Source: "ECS Categorization Fields" in the Elastic Common Schema reference; the data streams of Elastic Defend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from models.ocsf_classes import (
    DNS_ACTIVITY,
    HTTP_ACTIVITY,
    NETWORK_ACTIVITY,
)
from streams.sources.base import drop_none
from streams.sources.ecs import identity, objects
from streams.sources.ecs.document import Doc, ends_of, meaning
from streams.sources.ecs.fields import first, part
from streams.sources.edr import drafts, drafts_system, native
from streams.sources.edr.drafts import Draft
from streams.sources.edr.shapes import OTHER
from streams.sources.objects import connection
from streams.sources.protocols import dns_names, flow_names, http_activity, http_status, rcode, traffic, web_names

OPEN, CLOSE, FAIL, REFUSE, TRAFFIC = 1, 2, 4, 5, 6
_HOST: Final = ("host",)
_DIRECTIONS: Final = {"ingress": 1, "inbound": 1, "egress": 2, "outbound": 2, "internal": 3}
_FILES: Final = (  # words of an action or a type, and what they mean
    (("creation", "created", "create", "overwrite"), drafts.CREATE),
    (("deletion", "deleted", "delete"), drafts.DELETE),
    (("rename", "renamed", "moved"), drafts.RENAME),
    (("attributes_modified", "attributes"), drafts.SET_ATTRIBUTES),
    (("modification", "updated", "change", "changed"), drafts.UPDATE),
    (("access", "open", "opened"), drafts.OPEN_FILE),
)
_ALLOWED: Final = {"action_id": 1, "action": "Allowed", "disposition_id": 1, "disposition": "Allowed"}
_DENIED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked"}


def draft_of(doc: Doc) -> Draft:
    """Return the draft of a document; one without what its class requires is merely noted."""
    for category, build in _BUILDERS:
        if category in doc.categories and (made := build(doc)):
            return made
    if doc.fields.get("dns") and (made := _dns(doc)):
        return made
    ends = objects.end(doc.fields, "source", "client") and objects.end(doc.fields, "destination", "server")
    made = _network(doc) if ends else None
    return made or _noted(doc)


def _noted(doc: Doc) -> Draft:
    log = first(doc.fields, "event", "dataset") or first(doc.fields, "event", "module") or "ecs"
    made = drafts.noted(log, doc.process)
    if doc.user and "actor" not in made.attributes:
        made.attributes["actor"] = {"user": doc.user}
    return made


def _process(doc: Doc) -> Draft | None:
    if "end" in doc.types:
        return drafts.ended(doc.process)
    started = "start" in doc.types or doc.action in {"start", "exec", "fork", "process_started", "executed"}
    return drafts.launched(doc.process, drafts.LAUNCH if started else OTHER)


def _file(doc: Doc) -> Draft | None:
    told = part(doc.fields, "file")
    activity = meaning(doc, _FILES)
    return drafts.touched(
        first(told, "path") or first(told, "name"),
        activity,
        doc.process,
        digests=objects.digests(told),
        type_id=drafts.FOLDER if first(told, "type") == "dir" else 1,
        renamed_from=first(told, "Ext", "original", "path"),
    )


def _registry(doc: Doc) -> Draft | None:
    told = part(doc.fields, "registry")
    hive, key = first(told, "hive"), first(told, "key")
    path, value = first(told, "path"), first(told, "value")
    whole = f"{hive}\\{key}" if hive and key else path
    data = first(told, "data", "strings")
    deleted = "deletion" in doc.types or doc.action == "deletion"
    if value:
        activity = drafts_system.VALUE_DELETE if deleted else drafts_system.VALUE_SET
        return drafts_system.value_changed(whole, value, data, activity, doc.process)
    kinds = {"creation": drafts_system.KEY_CREATE, "deletion": drafts_system.KEY_DELETE}
    activity = next((kinds[word] for word in doc.told if word in kinds), drafts_system.KEY_MODIFY)
    return drafts_system.key_changed(whole, activity, doc.process)


def _library(doc: Doc) -> Draft | None:
    told = part(doc.fields, "dll") or part(doc.fields, "file")
    return drafts.loaded(first(told, "path") or first(told, "name"), doc.process, objects.digests(told))


def _driver(doc: Doc) -> Draft | None:
    told = part(doc.fields, "dll") or part(doc.fields, "file")
    return drafts.driver_loaded(first(told, "path") or first(told, "name"), objects.digests(told), doc.process)


def _actor(doc: Doc) -> dict[str, Any] | None:
    made: dict[str, Any] = drop_none(process=doc.process, user=doc.user)
    return made or None


def _link(doc: Doc) -> dict[str, Any]:
    told = part(doc.fields, "network")
    direction = _DIRECTIONS.get((first(told, "direction") or "").lower(), 0)
    protocol = first(told, "transport") or first(told, "iana_number")
    return connection(protocol, direction, **drop_none(community_uid=first(told, "community_id")))


def _verdict(doc: Doc) -> dict[str, Any]:
    if "denied" in doc.types:
        return dict(_DENIED)
    return dict(_ALLOWED) if "allowed" in doc.types else {}


def _network(doc: Doc) -> Draft | None:
    source, target = ends_of(doc)
    if source is None and target is None:
        return None
    sides = part(doc.fields, "source"), part(doc.fields, "destination")
    sent, received = (side.get("bytes") for side in sides)
    packets_out, packets_in = (side.get("packets") for side in sides)
    attributes = drop_none(
        src_endpoint=source,
        dst_endpoint=target,
        connection_info=_link(doc),
        app_protocol_name=first(doc.fields, "network", "protocol"),
        traffic=traffic(sent, received, packets_out, packets_in),
        tls=objects.tls_of(doc.fields),
        actor=_actor(doc),
        **_verdict(doc),
    )
    names, categories = flow_names(source, target), ("firewall",) if "action_id" in attributes else ()
    if doc.process:
        link = attributes["connection_info"]
        names |= native.connection_names(source, target, link.get("protocol_name"), link["direction_id"])
        names |= native.actor_names(doc.process)
        categories = ("network_connection",)
    names |= {"action": doc.action, "blocked": "denied" in doc.types} if "action_id" in attributes else {}
    return Draft(NETWORK_ACTIVITY, _network_activity(doc), attributes, names, categories, _network_profiles(attributes))


def _network_profiles(attributes: dict[str, Any]) -> tuple[str, ...]:
    return (*_HOST, "security_control") if "action_id" in attributes else _HOST


def _network_activity(doc: Doc) -> int:
    if "denied" in doc.types:
        return REFUSE
    if "start" in doc.types:
        return OPEN if "end" not in doc.types else TRAFFIC
    return CLOSE if "end" in doc.types else TRAFFIC


def _dns(doc: Doc) -> Draft | None:
    asked, answers = objects.question_of(doc.fields), objects.answers_of(doc.fields)
    if asked is None:
        return None
    source, target = ends_of(doc)
    named = drop_none(**{name: doc.device.get(name) for name in ("ip", "hostname")})
    told = part(doc.fields, "dns")
    answered = bool(answers) or "response_code" in told
    attributes = drop_none(
        query=asked,
        answers=answers,
        src_endpoint=source or named or {"name": "unknown"},
        dst_endpoint=target,
        connection_info=_link(doc),
        actor=_actor(doc),
        **(rcode(told.get("response_code")) if answered else {}),
    )
    names = dns_names(asked, answers) | flow_names(source, target)
    if doc.process:
        results = ";".join(item["rdata"] for item in answers)
        names |= drop_none(QueryName=asked["hostname"], QueryResults=results or None)
        names |= native.actor_names(doc.process)
    categories = ("dns_query", "dns") if doc.process else ("dns",)
    return Draft(DNS_ACTIVITY, 2 if answered else 1, attributes, names, categories, _HOST)


def _web(doc: Doc) -> Draft | None:
    asked, answered = objects.request_of(doc.fields), objects.response_of(doc.fields)
    if not (asked or answered):
        return None
    source, target = ends_of(doc)
    activity, _ = http_activity(first(doc.fields, "http", "request", "method"))
    attributes = drop_none(
        http_request=asked,
        http_response=answered,
        src_endpoint=source,
        dst_endpoint=target,
        tls=objects.tls_of(doc.fields),
        actor=_actor(doc),
        **http_status(answered),
        **_verdict(doc),
    )
    target_url = asked.get("url", {})
    uri = first(doc.fields, "url", "original") or target_url.get("url_string")
    names = web_names(asked, answered, uri) | flow_names(source, target)
    return Draft(HTTP_ACTIVITY, activity, attributes, names, ("proxy", "webserver"), _network_profiles(attributes))


_BUILDERS: Final[tuple[tuple[str, Callable[[Doc], Draft | None]], ...]] = (
    ("registry", _registry),
    ("library", _library),
    ("driver", _driver),
    ("iam", identity.iam),
    ("authentication", identity.authentication),
    ("session", identity.authentication),
    ("file", _file),
    ("process", _process),
    ("web", _web),
    ("network", lambda doc: _dns(doc) or (_web(doc) if part(doc.fields, "http") else None) or _network(doc)),
    ("intrusion_detection", _network),
)
