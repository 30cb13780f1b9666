"""API calls and accesses to stored data: what a person, a role session or a service account does in a cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from enrichers.entities import ASSUMED_ROLE, child
from enrichers.names import container_id, plain
from models.ocsf_classes import AUTHENTICATION
from streams.features import catalog as has
from streams.features.look import ACTOR, Look, amount, entity_key
from streams.features.minute import Minute
from streams.features.texts import short, words

MAX_RESOURCES: Final = 8
REMEMBERED: Final = 16_384
SERVICE_SUFFIXES: Final = (".amazonaws.com", ".googleapis.com")
EXECS: Final = ("exec", "attach", "portforward")  # what is done in a container from outside
OBJECTS: Final = "arn:aws:s3:::"
SERVICE_ACCOUNT: Final = "system:serviceaccount:"


def peers_of(user: Mapping[str, Any], session: Mapping[str, Any]) -> str:
    """Return who does the same work, as the event itself tells: sessions of a role, service accounts of a namespace.

    A role's sessions are often new each time, so that what the role does is all there is to know of them.
    """
    told = user.get("uid_alt")
    if type(told) is str and ASSUMED_ROLE in told:
        return plain(session.get("issuer")) or words(told).rpartition("/")[0]
    name = user.get("name")
    if type(name) is str and name.startswith(SERVICE_ACCOUNT):
        return name.lower().rpartition(":")[0]
    return ""


def call(look: Look) -> None:
    """Read the API call that an event is, of whatever class; other events pass."""
    api = child(look.body, "api")
    operation = api.get("operation")
    if type(operation) is not str or not operation:
        return
    user = look.user(look.actor)
    if not user:
        return
    minute = look.minute(user, ACTOR, peers=peers_of(look.actor, child(child(look.body, "actor"), "session")))
    service = child(api, "service").get("name")
    _called(look, minute, operation_of(service if type(service) is str else "", operation))
    if look.event.class_uid != AUTHENTICATION or user != look.user(child(look.body, "user")):
        look.came_from(minute)
    if _is_exec(look):
        _executed(look, minute)


def _called(look: Look, minute: Minute, operation: str) -> None:
    minute.count(has.API_CALLS)
    if look.failed:
        minute.count(has.API_ERRORS)
    minute.kind(has.OPERATION, has.OPERATIONS, operation)
    minute.value(has.REGION, words(child(look.body, "cloud").get("region")))
    for kind, whole in _resources(look.body):
        minute.value(has.RESOURCE, kind)
        minute.distinct(has.RESOURCES, whole)


def operation_of(service: str, operation: str) -> str:
    """Return `s3:putbucketpolicy`: the service without its makers' domain, and what was asked of it."""
    return _operation(short(service), short(operation))


@lru_cache(REMEMBERED)
def _operation(service: str, operation: str) -> str:
    name, told = service.lower(), operation.lower()
    for suffix in SERVICE_SUFFIXES:
        name = name.removesuffix(suffix)
    return told if not name or told.startswith(name) else f"{name}:{told}"


def _resources(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each resource as it is known again, objects by their bucket and pods by their namespace, and in full."""
    resources = body.get("resources")
    for resource in resources[:MAX_RESOURCES] if isinstance(resources, list) else ():
        if isinstance(resource, dict):
            kind, name, namespace = (words(resource.get(key)) for key in ("type", "name", "namespace"))
            whole = words(resource.get("uid")) or "/".join(filter(None, (kind, namespace, name)))
            if namespace:
                yield f"{kind} in {namespace}", whole
            elif whole.startswith(OBJECTS):
                yield whole.partition("/")[0], whole
            else:
                yield whole, whole


def _is_exec(look: Look) -> bool:
    resources = look.body.get("resources")
    first = resources[0] if isinstance(resources, list) and resources else None
    kind = words(first.get("type")) if isinstance(first, dict) else ""
    return kind.startswith("pods/") and kind.removeprefix("pods/") in EXECS


def _executed(look: Look, minute: Minute) -> None:
    if look.failed:
        return
    minute.count(has.EXECS)
    place = child(look.body, "dst_endpoint")
    workload = plain(place.get("instance_uid")) or container_id(child(place, "container").get("uid"))
    if workload:
        look.minute(entity_key("workload", workload), ("dst_endpoint",)).count(has.EXECS)


def data(look: Look) -> None:
    """Read an access to a data store, or to a file in one."""
    user = look.user(look.actor)
    if not user or look.failed:
        return
    body = look.body
    minute = look.minute(user, ACTOR, peers=peers_of(look.actor, child(child(body, "actor"), "session")))
    store, file = child(body, "databucket"), child(body, "file") or child(child(body, "databucket"), "file")
    table, database = child(body, "table"), child(body, "database")
    name = next(filter(None, (words(part.get("name")) for part in (store, table, database))), "")
    minute.count(has.DATA_ACCESSES)
    minute.count(has.DATA_BYTES, _bytes(body))
    minute.value(has.DATA, name or words(body.get("share")) or words(file.get("name")))
    minute.distinct(has.DATA_OBJECTS, words(file.get("path")) or words(file.get("uid")) or name)
    if "api" not in body:
        look.came_from(minute)


def _bytes(body: Mapping[str, Any]) -> int:
    return amount(child(body, "http_response").get("body_length")) or amount(child(body, "query_info").get("bytes"))
