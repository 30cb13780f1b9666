"""What a request to a Kubernetes API server is about: objects, pods, containers, images, subjects of roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qs

from streams.sources import objects
from streams.sources.base import drop_none, text
from streams.sources.fields import MAX_LISTED, object_at, objects_at
from streams.sources.kubernetes.meanings import Meaning, meaning_of
from streams.sources.kubernetes.principals import ORCHESTRATOR, UUID, pod_place, service_account, type_of

MAX_PART: Final = 256
MAX_QUERY: Final = 16_384
_CONTAINER_LISTS: Final = ("containers", "initContainers", "ephemeralContainers")
_NO_QUERY: Final[Mapping[str, list[str]]] = {}


@dataclass(frozen=True, slots=True)
class Call:
    """A request taken apart once, for all who build from it; what it does not name is empty.

    Attributes:
        verb: Kubernetes' verb.
        resource: Plural, lower case: `pods`.
        subresource: `exec`, `token`, ...
        namespace: Namespace of the object.
        name: Name of the object.
        uid: Its uid.
        uri: Path and query of the request.
        request: The object sent.
        response: The object returned.
        caller: OCSF user who called.
        ok: Whether it succeeded, None when that is not known (yet).
        turned_away: Whether it failed for want of a valid credential.
        issued: Id of the credential that was issued.
        code: HTTP's status, None where there is none.
    """

    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    uid: str
    uri: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]
    caller: dict[str, Any] | None
    ok: bool | None
    turned_away: bool = False
    issued: str = ""
    code: int | None = None

    @property
    def meaning(self) -> Meaning:
        """Return what verb and resource say."""
        return meaning_of(self.verb, self.resource, self.subresource)

    @property
    def named(self) -> str:
        """Return the name of the object, from what was sent or returned where the path has none."""
        return self.name or (
            text(object_at(self.request, "metadata").get("name"))
            or text(object_at(self.response, "metadata").get("name"))
            or ""
        )


def word(value: Any) -> str:
    """Return a scalar as text of bounded length, empty for everything else."""
    return (text(value) or "")[:MAX_PART]


def resources_of(call: Call) -> list[dict[str, Any]]:
    """Return the object of a request as a resource, none for a request of no object."""
    if not call.resource:
        return []
    kind = f"{call.resource}/{call.subresource}" if call.subresource else call.resource
    uid = call.uid or text(object_at(call.response, "metadata").get("uid"))
    resource = {"name": call.named or call.resource, "type": kind}
    if call.namespace:
        resource["namespace"] = call.namespace
    if uid:
        resource["uid"] = uid
    return [resource]


def destination_of(call: Call) -> dict[str, Any] | None:
    """Return the pod or the node that a request is about, None for all other objects."""
    name = call.named
    if not name or call.resource not in {"pods", "nodes"}:
        return None
    if call.resource == "nodes":
        return {"hostname": name}
    uid = call.uid or text(object_at(call.response, "metadata").get("uid"))
    return pod_place(call.namespace, name, uid, next(iter(query_of(call).get("container", ())), None))


def command_of(call: Call) -> str | None:
    """Return the command that is to run in a pod, from the address or the object of the request."""
    sent = call.request.get("command")
    listed = sent if isinstance(sent, list) else query_of(call).get("command") or []
    return " ".join(part for part in listed[:MAX_LISTED] if isinstance(part, str)) or None


def query_of(call: Call) -> Mapping[str, list[str]]:
    """Return the query of a request into a pod; those of other requests nobody asks for."""
    query = call.uri.partition("?")[2] if call.subresource else ""
    if not query or len(query) > MAX_QUERY:
        return _NO_QUERY
    try:
        return parse_qs(query, max_num_fields=MAX_LISTED * 4)
    except ValueError:  # more fields than that
        return _NO_QUERY


def containers_of(call: Call) -> list[dict[str, Any]]:
    """Return the containers, with their images, of the pod or the template of pods in a request."""
    return list(islice(_containers(pod_spec_of(call.request)), MAX_LISTED))


def pod_spec_of(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the pod's specification within a pod, a cron job, or anything with a template of pods."""
    spec = object_at(request, "spec")
    if "jobTemplate" in spec:
        spec = object_at(object_at(spec, "jobTemplate"), "spec")
    return object_at(object_at(spec, "template"), "spec") if "template" in spec else spec


def _containers(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in _CONTAINER_LISTS:
        for item in objects_at(spec, name) if name in spec else ():
            found = drop_none(name=text(item.get("name")), image=image_of(text(item.get("image"))))
            if "name" in found:
                yield found | {"orchestrator": ORCHESTRATOR}


def image_of(reference: str | None) -> dict[str, Any] | None:
    """Return a container image by its reference: `registry.example.com/app:1.2`, `app@sha256:...`."""
    if not reference:
        return None
    name, _, digest = reference.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return drop_none(uid=digest or reference, name=head + slash + last, tag=tag or None)


def subjects_of(call: Call) -> list[dict[str, Any]]:
    """Return the subjects of a role binding, from what was sent or, where it was deleted, returned."""
    return objects_at(call.request, "subjects") or objects_at(call.response, "subjects")


def subject_user(subject: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a subject as an OCSF user, None for groups and for what has no name."""
    name, kind = text(subject.get("name")), subject.get("kind")
    if name is None or kind == "Group":
        return None
    if kind == "ServiceAccount":
        return service_account(text(subject.get("namespace")) or "default", name)
    return objects.user(name, type_id=type_of(name))


def role_of(call: Call) -> str | None:
    """Return the role that a binding grants as `ClusterRole/name`."""
    role = object_at(call.request, "roleRef") or object_at(call.response, "roleRef")
    name = text(role.get("name"))
    return f"{text(role.get('kind')) or 'Role'}/{name}" if name else None


def account_of(call: Call) -> dict[str, Any] | None:
    """Return the service account that a request is about, None when it is not named."""
    uid = call.uid or text(object_at(call.response, "metadata").get("uid"))
    uid = uid if uid and UUID.fullmatch(uid) else None
    return service_account(call.namespace or "default", call.named, uid) if call.named else None
