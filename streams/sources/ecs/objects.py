"""The field sets of ECS as OCSF objects.

Source: the Elastic Common Schema reference, versions 1 to 9.
"""

from __future__ import annotations

from typing import Any, Final

from streams.sources.base import drop_none, integer, ip, port, text
from streams.sources.ecs.fields import Fields, first, part
from streams.sources.edr.shapes import hashes, host, integrity, pid, platform_of, someone
from streams.sources.edr.shapes import process as made_process
from streams.sources.fields import MAX_LISTED, email, timestamp
from streams.sources.objects import cloud, endpoint
from streams.sources.protocols import answer, count, mac, query, request, response, url

MAX_PARENTS: Final = 2
WINDOWS: Final = "windows"
_CLOUDS: Final = {"aws": "AWS", "azure": "Azure", "gcp": "GCP"}
_SIDS: Final = "S-1-"


def platform(fields: Fields) -> str:
    """Return Sigma's product for the host's operating system, empty where it is not known."""
    system = part(fields, "host", "os")
    named = (first(system, name) for name in ("type", "family", "platform", "name"))
    return next((found for word in named if (found := platform_of(word))), "")


def device(fields: Fields) -> dict[str, Any]:
    """Return the host of an event; its container goes with it."""
    told = part(fields, "host")
    name = first(told, "hostname") or first(told, "name")
    return host(
        name,
        first(told, "id") or first(fields, "agent", "id"),
        platform(fields),
        ip=_own_address(told.get("ip")),
        mac=mac(first(told, "mac")),
        domain=first(told, "domain"),
        instance_uid=first(fields, "cloud", "instance", "id"),
        container=container(fields),
    )


def _own_address(value: Any) -> str | None:
    """Return the first address that is neither loopback nor of the link alone."""
    listed = value[:MAX_LISTED] if isinstance(value, list) else (value,)
    found = [address for item in listed if (address := ip(item))]
    return next((a for a in found if not a.startswith(("127.", "169.254.", "fe80:")) and a != "::1"), None)


def container(fields: Fields) -> dict[str, Any] | None:
    """Return the container, with the pod it is in."""
    told = part(fields, "container")
    if not told:
        return None
    uid, name = first(told, "id"), first(told, "name")
    if not (uid or name):
        return None
    image = first(told, "image", "name")
    return drop_none(
        uid=uid, name=name, image={"name": image, "uid": image} if image else None, runtime=first(told, "runtime")
    )


def cloud_of(fields: Fields) -> dict[str, Any] | None:
    """Return the cloud an event is from, None for none."""
    told = part(fields, "cloud")
    provider = first(told, "provider")
    if not provider:
        return None
    account = first(told, "account", "id") or first(told, "project", "id")
    return cloud(_CLOUDS.get(provider.lower(), provider), account, first(told, "region"))


def user_of(told: Fields, *, unix: bool = False) -> dict[str, Any] | None:
    """Return a user of a `user` field set."""
    if not told:
        return None
    name, uid = first(told, "name"), first(told, "id")
    address = email(first(told, "email"))
    if unix or (uid and not uid.startswith(_SIDS)):
        made = drop_none(name=name or address, uid=uid, domain=first(told, "domain")) or None
    else:
        made = someone(name or address, uid, first(told, "domain"))
    if made and address:
        made["email_addr"] = address
    if made and (full := first(told, "full_name")):
        made["full_name"] = full
    return made if made and (made.get("name") or made.get("uid")) else None


def process_of(told: Fields, owner: Fields, *, unix: bool, parents: int = MAX_PARENTS) -> dict[str, Any] | None:
    """Return a process of a `process` field set.

    Args:
        told: The field set.
        owner: The `user` it runs as, where it names none itself.
        unix: Whether it runs on Linux or macOS.
        parents: How many generations above it are taken.
    """
    if not told:
        return None
    parent = part(told, "parent")
    level = first(told, "Ext", "token", "integrity_level_name")
    working = first(told, "working_directory")
    args = told.get("args")
    line = first(told, "command_line") or _joined(args)
    return made_process(
        pid(told.get("pid")),
        first(told, "entity_id"),
        first(told, "executable") or first(told, "name"),
        digests=digests(told),
        name=first(told, "name"),
        cmd_line=line,
        user=user_of(part(told, "user") or owner, unix=unix),
        created_time=timestamp(told.get("start")),
        working_directory=working,
        session=_session(told),
        parent_process=process_of(parent, {}, unix=unix, parents=parents - 1) if parents else None,
        **integrity(level),
    )


def _session(told: Fields) -> dict[str, Any] | None:
    uid = first(told, "session_leader", "entity_id") or first(told, "Ext", "authentication_id")
    return {"uid": uid} if uid else None


def _joined(args: Any) -> str | None:
    return " ".join(item for item in args if isinstance(item, str)) or None if isinstance(args, list) else None


def digests(told: Fields) -> list[dict[str, Any]]:
    """Return the fingerprints of a `hash` field set."""
    known = part(told, "hash")
    return hashes(*(known.get(name) for name in ("sha256", "sha1", "md5")))


def end(fields: Fields, *names: str) -> dict[str, Any] | None:
    """Return an endpoint of the first of these field sets that names one (`source` or `client` ...)."""
    for name in names:
        told = part(fields, name)
        if not told:
            continue
        hostname = first(told, "domain")
        address = told.get("ip", told.get("address"))
        found = endpoint(
            address[0] if isinstance(address, list) and address else address,
            told.get("port"),
            hostname if not ip(hostname) else None,
            mac=mac(told.get("mac")),
            location=_place(part(told, "geo")) if "geo" in told else None,
            autonomous_system=_system(part(told, "as")) if "as" in told else None,
        )
        if found and found.keys() & {"ip", "hostname"}:
            return found
    return None


def _place(told: Fields) -> dict[str, Any]:
    return drop_none(city=first(told, "city_name"), country=first(told, "country_iso_code"))


def _system(told: Fields) -> dict[str, Any]:
    return drop_none(number=integer(told.get("number")), name=first(told, "organization", "name"))


def question_of(fields: Fields) -> dict[str, Any] | None:
    """Return the question of a `dns` field set."""
    told = part(fields, "dns")
    asked = part(told, "question")
    return query(first(asked, "name"), first(asked, "type"), told.get("id"))


def answers_of(fields: Fields) -> list[dict[str, Any]]:
    """Return the answers of a `dns` field set; its addresses where it lists no answers."""
    told = part(fields, "dns")
    listed, resolved = told.get("answers"), told.get("resolved_ip")
    items = listed[:MAX_LISTED] if isinstance(listed, list) else ()
    found = [answer(item.get("data"), item.get("type"), item.get("ttl")) for item in items if isinstance(item, dict)]
    addresses = resolved[:MAX_LISTED] if isinstance(resolved, list) and not items else ()
    return [item for item in (*found, *(answer(address) for address in addresses)) if item]


def request_of(fields: Fields) -> dict[str, Any]:
    """Return the request of the `http`, `url` and `user_agent` field sets, empty when they tell of none."""
    told, target = part(fields, "http", "request"), part(fields, "url")
    full = first(target, "full") or first(target, "original") or _path(target)
    wanted = url(full, first(target, "domain"), first(target, "scheme"), port=port(target.get("port")))
    return request(
        first(told, "method"),
        wanted,
        first(fields, "user_agent", "original"),
        first(told, "referrer"),
        version=first(fields, "http", "version"),
        body_length=count(part(told, "body").get("bytes")),
    )


def _path(target: Fields) -> str | None:
    path, asked = first(target, "path"), first(target, "query")
    return f"{path}?{asked}" if path and asked else path


def response_of(fields: Fields) -> dict[str, Any] | None:
    """Return the response of the `http` field set."""
    told = part(fields, "http", "response")
    return response(told.get("status_code"), part(told, "body").get("bytes"), first(told, "mime_type"))


def tls_of(fields: Fields) -> dict[str, Any] | None:
    """Return a `tls` object of the `tls` field set, None for none."""
    told = part(fields, "tls")
    if not told:
        return None
    version = text(told.get("version"))
    return drop_none(
        version=version or "unknown",
        cipher=first(told, "cipher"),
        sni=first(told, "client", "server_name"),
        ja3_hash=next(iter(hashes(first(told, "client", "ja3"))), None),
        ja3s_hash=next(iter(hashes(first(told, "server", "ja3s"))), None),
    )
