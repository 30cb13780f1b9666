"""Connections and what they carry: what a host, an own address or a workload does on the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from enrichers.entities import child
from enrichers.names import address, container_id, host_name, is_private, plain
from models.feature import MAX_AMOUNT
from streams.features import catalog as has
from streams.features.domains import registered
from streams.features.look import ACTOR, DEVICE, SOURCE, Look, Path, amount, entity_key
from streams.features.minute import Minute
from streams.features.texts import millibits, words
from streams.features.useragents import family

OPEN, CLOSE, RESET, FAIL, REFUSE, TRAFFIC, LISTEN = range(1, 8)  # activities of a connection
INBOUND, OUTBOUND = 1, 2  # directions
BLOCKED: Final = 2  # disposition
FIRST_UNRESERVED_PORT: Final = 1024
LAST_PORT: Final = 65_535
HTTP_ERROR: Final = 400
NO_SUCH_NAME: Final = 3  # rcode
MAX_FINGERPRINTS: Final = 4
CLIENT_JA4: Final = 1  # fingerprint type
TARGET: Final = "dst_endpoint"
_COUNTED: Final = (
    ("bytes_out", has.BYTES_OUT, has.BYTES_IN),
    ("bytes_in", has.BYTES_IN, has.BYTES_OUT),
    ("packets_out", has.PACKETS_OUT, has.PACKETS_IN),
    ("packets_in", has.PACKETS_IN, has.PACKETS_OUT),
)


class _End(NamedTuple):
    """The end of a connection that is counted: the one of one's own.

    Attributes:
        entity: Its key.
        path: Where it stands in the event.
        is_client: Whether it asked for the connection.
    """

    entity: str
    path: Path
    is_client: bool


_FROM: Final[Path] = (SOURCE,)
_TO: Final[Path] = (TARGET,)


def connection(look: Look) -> None:
    """Read a Network Activity."""
    if look.activity == LISTEN:
        return
    target, info = child(look.body, TARGET), child(look.body, "connection_info")
    end = _end(look, target, info)
    if end is None:
        return
    minute = look.minute(end.entity, end.path)
    if look.activity == TRAFFIC and _is_answer(look.source.get("port"), target.get("port")):
        _carried(look, minute, is_client=False)
        return
    _carried(look, minute, is_client=end.is_client)
    _handshake(look, minute)
    if not _is_new(look):
        return
    if look.activity in (FAIL, REFUSE) or look.body.get("disposition_id") == BLOCKED:
        minute.count(has.FAILED_CONNECTIONS)
    if end.is_client:
        _connected(minute, target, info)
    else:
        minute.count(has.CONNECTIONS_IN)
        minute.distinct(has.CLIENTS, address(look.source.get("ip")) or "")


def _end(look: Look, target: Mapping[str, Any], info: Mapping[str, Any]) -> _End | None:
    source, direction = look.source, info.get("direction_id")
    if look.host and _is_on_host(look, source, target):
        return _End(entity_key("host", look.host), DEVICE, direction != INBOUND)
    own = _own(source, is_own=direction == OUTBOUND)
    if own:
        return _End(own, _FROM, is_client=True)
    own = _own(target, is_own=direction == INBOUND)
    return _End(own, _TO, is_client=False) if own else None


def _is_on_host(look: Look, source: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """Tell whether the event's device is one of the ends, and not a firewall or a sensor between them."""
    if "process" in child(look.body, "actor") or "process" in look.body:
        return True
    ip = child(look.body, "device").get("ip")
    return type(ip) is str and ip in (source.get("ip"), target.get("ip"))


def _own(end: Mapping[str, Any], *, is_own: bool) -> str:
    """Return the key of an end that is of one's own, empty for another's: workload, host with a name, address."""
    if "container" in end or "instance_uid" in end:
        name = container_id(child(end, "container").get("uid")) or plain(end.get("instance_uid"))
        if name:
            return entity_key("workload", name)
    ip = address(end.get("ip"))
    if ip is None or not (is_own or is_private(ip)):
        return ""
    name = host_name(end.get("hostname"))
    return entity_key("host", name) if name else entity_key("ip", ip)


def _is_answer(first: Any, last: Any) -> bool:
    """Tell the way back of a flow whose two ways are two records: it comes from the port of a service."""
    if type(first) is not int or type(last) is not int:
        return False
    return first < FIRST_UNRESERVED_PORT <= last


def _is_new(look: Look) -> bool:
    """Tell whether a connection begins: one that is closed does where the record is of all of it."""
    return look.activity in (OPEN, RESET, FAIL, REFUSE, TRAFFIC) or (
        look.activity == CLOSE and "start_time" in look.body
    )


def _carried(look: Look, minute: Minute, *, is_client: bool) -> None:
    traffic = look.body.get("traffic")
    if type(traffic) is not dict:
        return
    for member, sent, received in _COUNTED:
        carried = traffic.get(member)
        if type(carried) is int and 0 < carried <= MAX_AMOUNT:
            minute.count(sent if is_client else received, carried)


def _connected(minute: Minute, target: Mapping[str, Any], info: Mapping[str, Any]) -> None:
    minute.count(has.CONNECTIONS)
    ip = address(target.get("ip"))
    name = words(target["hostname"]) if "hostname" in target else ""
    minute.kind(has.DESTINATION, has.DESTINATIONS, ip or name)  # names of an address come from reverse lookups too
    if name and (ip is None or not is_private(ip)):
        minute.value(has.DOMAIN, registered(name))
    port = target.get("port")
    if type(port) is int and 0 < port <= LAST_PORT:
        text = f"{port}/{words(info.get('protocol_name')) or 'ip'}"
        minute.kind(has.PORT, has.PORTS, text)


def _handshake(look: Look, minute: Minute) -> None:
    if "tls" in look.body:
        tls = child(look.body, "tls")
        minute.value(has.JA3, words(child(tls, "ja3_hash").get("value")))
        minute.value(has.DOMAIN, registered(words(tls.get("sni"))))
    prints = look.body.get("ja4_fingerprint_list")
    for told in prints[:MAX_FINGERPRINTS] if isinstance(prints, list) else ():
        if isinstance(told, dict) and told.get("type_id") == CLIENT_JA4:
            minute.value(has.JA4, words(told.get("value")))


def _asking(look: Look) -> Minute | None:
    """Return the minute of who asks: an end of one's own, or the person whom a proxy or a resolver names."""
    end = _end(look, child(look.body, TARGET), child(look.body, "connection_info"))
    if end is not None:
        return look.minute(end.entity, end.path) if end.is_client else None
    user = look.user(look.actor)
    return look.minute(user, ACTOR) if user else None


def web(look: Look) -> None:
    """Read an HTTP Activity."""
    minute = _asking(look)
    if minute is None:
        return
    request = child(look.body, "http_request")
    minute.count(has.HTTP_REQUESTS)
    status = child(look.body, "http_response").get("code")
    if look.failed or (type(status) is int and status >= HTTP_ERROR):
        minute.count(has.HTTP_ERRORS)
    minute.count(has.HTTP_BYTES_OUT, amount(request.get("body_length")))
    agent, name = request.get("user_agent"), words(child(request, "url").get("hostname"))
    if type(agent) is str:
        minute.value(has.HTTP_AGENT, family(agent))
    minute.value(has.DOMAIN, registered(name))
    minute.kind(has.DESTINATION, has.DESTINATIONS, name or address(child(look.body, TARGET).get("ip")) or "")
    _handshake(look, minute)


def lookup(look: Look) -> None:
    """Read a DNS Activity."""
    minute = _asking(look)
    if minute is None:
        return
    query = child(look.body, "query")
    name = words(query.get("hostname")).rstrip(".")
    minute.count(has.DNS_QUERIES)
    if look.body.get("rcode_id") == NO_SUCH_NAME:
        minute.count(has.DNS_UNKNOWN)
    minute.value(has.DNS_TYPE, words(query.get("type")))
    if name:
        minute.value(has.DOMAIN, registered(name))
        minute.distinct(has.DNS_NAMES, name)
        minute.peak(has.DNS_LENGTH, len(name), name)
        minute.peak(has.DNS_ENTROPY, millibits(max(name.split("."), key=len)), name)


def remote(look: Look) -> None:
    """Read an RDP, SSH or SMB Activity: the one host works on the other."""
    target = child(look.body, TARGET)
    end = _end(look, target, child(look.body, "connection_info"))
    if end is None or not end.is_client:
        return
    name = host_name(target.get("hostname")) or address(target.get("ip"))
    if name:
        kind = _REMOTE.get(look.event.class_uid, "")
        look.minute(end.entity, end.path).value(has.REMOTE, f"{kind} {name}")


_REMOTE: Final = {4005: "rdp", 4006: "smb", 4007: "ssh"}
