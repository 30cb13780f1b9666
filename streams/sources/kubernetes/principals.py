"""Who calls a Kubernetes API server: users, service accounts with their pods, nodes, and the credentials they hold.

Source: the Kubernetes documentation, "Authenticating" (users, groups, anonymous requests) and "Managing service
accounts" (the claims of bound tokens); EKS adds the IAM principal to `user.extra`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources import objects
from streams.sources.base import drop_none, text
from streams.sources.fields import MAX_LISTED, object_at

ORCHESTRATOR: Final = "Kubernetes"
ANONYMOUS: Final = frozenset({"system:anonymous", "system:unauthenticated", "anonymous"})
SERVICE_ACCOUNT: Final = "system:serviceaccount:"
NODE: Final = "system:node:"
USER, ADMIN, SYSTEM, SERVICE = 1, 2, 3, 4
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CLAIM: Final = "authentication.kubernetes.io/"
_CLAIM_ESCAPED: Final = "authentication_kubernetes_io_slash_"  # as data lakes spell it that allow no dots and slashes
_PARTS_OF_SYSTEM: Final = ("system:", "eks:", "aks")
_MAX_NAME: Final = 512


def user_of(user: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the OCSF user for the `user` of an audit event, None when it names nobody."""
    if not user:
        return None
    name = text(user.get("username"))
    extra = object_at(user, "extra")
    groups = _texts(user.get("groups"))
    return objects.user(
        name,
        uid=text(user.get("uid")),
        type_id=ADMIN if "system:masters" in groups else type_of(name),
        groups=[{"name": group} for group in groups],
        **(_credentials(extra) if extra else {}),
    )


def _credentials(extra: Mapping[str, Any]) -> dict[str, Any]:
    key = first(extra, "accessKeyId") or claim(extra, "credential-id")
    return drop_none(uid_alt=first(extra, "arn", "canonicalArn"), credential_uid=key)


def service_account(namespace: str, name: str, uid: str | None = None) -> dict[str, Any]:
    """Return the OCSF user for a service account, under the name that its own requests have."""
    return drop_none(name=f"{SERVICE_ACCOUNT}{namespace}:{name}", uid=uid, type_id=SERVICE)


def type_of(name: str | None) -> int:
    """Return the OCSF user type for a Kubernetes user name: components of the control plane are the system's."""
    return _type_of(name) if name and len(name) <= _MAX_NAME else USER


@lru_cache(maxsize=8192)
def _type_of(name: str) -> int:
    if name.startswith((SERVICE_ACCOUNT, NODE)):
        return SERVICE
    if name in ANONYMOUS or (name.startswith(_PARTS_OF_SYSTEM) and "@" not in name):
        return SYSTEM
    return USER


def is_anonymous(user: Mapping[str, Any] | None) -> bool:
    """Tell whether an OCSF user stands for whoever did not say who they are."""
    return user is not None and user.get("name") in ANONYMOUS


def session_of(user: Mapping[str, Any]) -> dict[str, Any]:
    """Return the session that the caller's credential stands for, empty where the event does not tell."""
    extra = object_at(user, "extra")
    if not extra:
        return {}
    return drop_none(
        uid=claim(extra, "credential-id") or first(extra, "accessKeyId"),
        issuer=first(extra, "canonicalArn"),
    )


def place_of(user: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of where the caller runs: its pod for a service account, its name for a node."""
    name, extra = text(user.get("username")) or "", object_at(user, "extra")
    if name.startswith(NODE):
        return {"hostname": name.removeprefix(NODE)[:_MAX_NAME]} if len(name) > len(NODE) else {}
    pod = claim(extra, "pod-name")
    namespace = name.removeprefix(SERVICE_ACCOUNT).partition(":")[0] if name.startswith(SERVICE_ACCOUNT) else ""
    return pod_place(namespace, pod, claim(extra, "pod-uid")) if pod else {}


def pod_place(namespace: str, pod: str, uid: str | None, container: str | None = None) -> dict[str, Any]:
    """Return a pod as an endpoint; `namespace/pod` is the name by which other events of the cluster call it."""
    return {
        "name": pod,
        "instance_uid": f"{namespace or 'default'}/{pod}",
        "container": drop_none(
            name=container or pod,
            orchestrator=ORCHESTRATOR,
            pod_uuid=uid if uid and UUID.fullmatch(uid) else None,
        ),
    }


def claim(extra: Mapping[str, Any], name: str) -> str | None:
    """Return a claim of a service account's token from `user.extra`."""
    return first(extra, _CLAIM + name, _CLAIM_ESCAPED + name) if extra else None


def first(extra: Mapping[str, Any], *names: str) -> str | None:
    """Return the first value under the first of the names that `user.extra` has."""
    for name in names:
        value = extra.get(name)
        if isinstance(value, list):
            value = value[0] if value else None
        if found := text(value):
            return found
    return None


def _texts(value: Any) -> list[str]:
    return [item for item in value[:MAX_LISTED] if isinstance(item, str) and item] if isinstance(value, list) else []
