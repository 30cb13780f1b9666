"""Build the OCSF objects of DNS, HTTP and TLS from single values, and give them Sigma's names.

For whoever sees traffic: sensors, firewalls, proxies, resolvers. What names nothing is None or empty.

Source: OCSF 1.8.0; Sigma's taxonomy appendix for the categories dns, proxy, webserver and firewall.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources.base import drop_none, integer, ip, text
from streams.sources.objects import FAILURE, OTHER, SUCCESS

MAX_CACHED: Final = 512  # characters; only short values are cached, so that a cache stays small
ERROR_FROM: Final = 400  # the first HTTP status code that says no
METHODS: Final = {
    method: number
    for number, method in enumerate(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PATCH"), 1)
}
_RCODES: Final = {
    "NOERROR": (0, "NoError"),
    "FORMERR": (1, "FormError"),
    "SERVFAIL": (2, "ServError"),
    "NXDOMAIN": (3, "NXDomain"),
    "NOTIMP": (4, "NotImp"),
    "REFUSED": (5, "Refused"),
    "YXDOMAIN": (6, "YXDomain"),
    "YXRRSET": (7, "YXRRSet"),
    "NXRRSET": (8, "NXRRSet"),
    "NOTAUTH": (9, "NotAuth"),
    "NOTZONE": (10, "NotZone"),
}
_RCODE_NAMES: Final = tuple(_RCODES)
_MAC: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}", re.ASCII)
_LAST_OPCODE: Final = 6


def count(value: Any) -> int | None:
    """Return an integer of 64 bits that is not negative, None for anything else."""
    number = value if type(value) is int else integer(value)
    return number if number is not None and 0 <= number < 2**63 else None


def mac(value: Any) -> str | None:
    """Return a hardware address in lower case with colons, None for what is none."""
    if not isinstance(value, str) or len(value) > MAX_CACHED or not _MAC.fullmatch(value):
        return None
    return value.lower().replace("-", ":")


def traffic(
    bytes_out: Any = None, bytes_in: Any = None, packets_out: Any = None, packets_in: Any = None
) -> dict[str, int]:
    """Return `traffic` as the source of a connection sees it; totals where both directions are known."""
    sent, received, sent_packets, received_packets = (
        count(value) for value in (bytes_out, bytes_in, packets_out, packets_in)
    )
    return drop_none(
        bytes_out=sent,
        bytes_in=received,
        bytes=None if sent is None or received is None else _within(sent + received),
        packets_out=sent_packets,
        packets_in=received_packets,
        packets=None if sent_packets is None or received_packets is None else _within(sent_packets + received_packets),
    )


def _within(total: int) -> int | None:
    return total if total < 2**63 else None


def rcode(value: Any) -> dict[str, Any]:
    """Return the DNS response code and the status it means, for a name or a number; empty for none."""
    if isinstance(value, str) and len(value) <= MAX_CACHED:
        return _rcode(value).copy()
    number = count(value)
    if number is None:
        return {}
    return _rcode(_RCODE_NAMES[number]).copy() if number < len(_RCODE_NAMES) else _other_rcode(str(number))


@lru_cache(maxsize=256)
def _rcode(word: str) -> dict[str, Any]:
    if not word or word == "-":
        return {}
    known = _RCODES.get(word.upper())
    if known is None:
        return _other_rcode(word)
    number, name = known
    return {"rcode_id": number, "rcode": name, "status_code": str(number), **(FAILURE if number else SUCCESS)}


def _other_rcode(word: str) -> dict[str, Any]:
    return {"rcode_id": OTHER, "rcode": word, "status_code": word, **FAILURE}


def domain(value: Any) -> str | None:
    """Return a domain name without the dot at its end; the root is that dot."""
    name = text(value)
    return (name.rstrip(".") or ".") if name else None


def query(
    name: Any, kind: Any = None, packet_uid: Any = None, opcode: Any = None, **more: Any
) -> dict[str, Any] | None:
    """Return a DNS question; None when it names no domain."""
    hostname = domain(name)
    if hostname is None:
        return None
    code = count(opcode)
    return drop_none(
        hostname=hostname,
        type=text(kind),
        packet_uid=count(packet_uid),
        opcode_id=None if code is None else code if code <= _LAST_OPCODE else OTHER,
        **more,
    )


def answer(data: Any, kind: Any = None, ttl: Any = None, **more: Any) -> dict[str, Any] | None:
    """Return one answer of a DNS response; None when it has no data."""
    rdata = text(data)
    return drop_none(rdata=rdata, type=text(kind), ttl=count(ttl), **more) if rdata else None


def http_activity(method: str | None) -> tuple[int, str | None]:
    """Return the activity of HTTP Activity for a method, and its name where OCSF has no number for it."""
    number = METHODS.get(method.upper(), OTHER) if method and len(method) <= MAX_CACHED else OTHER if method else 0
    return number, method if number == OTHER else None


def url(
    full: str | None = None, host: str | None = None, scheme: str | None = None, **more: Any
) -> dict[str, Any] | None:
    """Return a URL from what was asked for and of whom.

    Args:
        full: The URL, or only its path with the query.
        host: Host that was asked, with or without a port; told from a whole URL when not given.
        scheme: Scheme where `full` has none.
        more: Further attributes (`port`, `categories` ...).
    """
    if not (full or host):
        return None
    start, mark, rest = (full or "").partition("://")
    whole = bool(mark) and "/" not in start
    if whole:
        authority, slash, path = rest.partition("/")
        scheme, path = start.lower(), slash + path
        authority = authority.partition("?")[0]
        host = host or authority.rpartition("@")[2]
    else:
        path = full or ""
    path, _, asked = path.partition("?")
    rooted = full or "/"
    rooted = rooted if rooted.startswith("/") else f"/{rooted}"
    named = f"{scheme or 'http'}://{host}{rooted}" if host else full
    return drop_none(
        url_string=full if whole else named,
        scheme=scheme,
        hostname=hostname_of(host),
        path=path or None,
        query_string=asked or None,
        **more,
    )


def hostname_of(authority: str | None) -> str | None:
    """Cut the port off a Host header; an IPv6 address stands in brackets."""
    if not authority:
        return None
    return (authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]) or None


def request(
    method: str | None = None,
    target: dict[str, Any] | None = None,
    agent: Any = None,
    referrer: Any = None,
    forwarded_for: Any = None,
    **more: Any,
) -> dict[str, Any]:
    """Return an HTTP request, empty when nothing is known of it.

    Args:
        method: Method in any case.
        target: From `url`.
        agent: User agent.
        referrer: Where it came from.
        forwarded_for: Addresses apart by commas.
        more: Further attributes (`version`, `body_length` ...).
    """
    verb = method.upper() if method and len(method) <= MAX_CACHED else None
    forwarded = forwarded_for.split(",", 32)[:32] if isinstance(forwarded_for, str) else ()
    return drop_none(
        http_method=verb if verb in METHODS else None,
        url=target,
        user_agent=text(agent),
        referrer=text(referrer),
        x_forwarded_for=[address for item in forwarded if (address := ip(item.strip()))],
        **more,
    )


def response(code: Any, length: Any = None, content_type: Any = None, **more: Any) -> dict[str, Any] | None:
    """Return an HTTP response; None without a status code."""
    number = count(code)
    if number is None:
        return None
    return drop_none(code=number, body_length=count(length), content_type=text(content_type), **more)


def http_status(answered: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the status attributes of a response, empty for none."""
    if not answered:
        return {}
    code: int = answered["code"]
    return {"http_status": code, "status_code": str(code), **(SUCCESS if code < ERROR_FROM else FAILURE)}


def certificate(serial: Any, issuer: Any, subject: Any = None, **more: Any) -> dict[str, Any] | None:
    """Return a certificate; None without serial number and issuer, which OCSF requires."""
    number, maker, owner = text(serial), text(issuer), text(subject)
    if not (number and maker):
        return None
    own = None if owner is None else owner == maker
    return drop_none(serial_number=number, issuer=maker, subject=owner, is_self_signed=own, **more)


def flow_names(source: Mapping[str, Any] | None, target: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the ends of a connection under the names of Sigma's generic network categories."""
    source, target = source or {}, target or {}
    return drop_none(
        src_ip=source.get("ip"), src_port=source.get("port"), dst_ip=target.get("ip"), dst_port=target.get("port")
    )


def dns_names(asked: Mapping[str, Any] | None, answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a DNS question and its answers under the names of Sigma's category dns."""
    asked = asked or {}
    return drop_none(
        query=asked.get("hostname"), record_type=asked.get("type"), answer=[item["rdata"] for item in answers]
    )


def web_names(asked: Mapping[str, Any], answered: Mapping[str, Any] | None, uri: str | None) -> dict[str, Any]:
    """Return an HTTP request under the names of Sigma's categories proxy and webserver.

    Args:
        asked: From `request`.
        answered: From `response`.
        uri: What was asked for, as the record has it: the path with its query, or the whole URL.
    """
    target = asked.get("url") or {}
    agent, referrer, host = asked.get("user_agent"), asked.get("referrer"), target.get("hostname")
    stem = target.get("path") or ""
    name = stem.rpartition("/")[2]
    code = answered["code"] if answered else None
    return drop_none(
        **{
            **dict.fromkeys(("c-uri", "cs-uri"), uri),
            **dict.fromkeys(("c-uri-query", "cs-uri-query"), uri),
            **dict.fromkeys(("c-uri-stem", "cs-uri-stem"), stem or None),
            "c-uri-extension": name.rpartition(".")[2] if "." in name else None,
            **dict.fromkeys(("c-useragent", "cs-user-agent"), agent),
            **dict.fromkeys(("cs-host", "r-dns"), host),
            **dict.fromkeys(("cs-referrer", "cs-referer"), referrer),
            "cs-method": asked.get("http_method"),
            "sc-status": code,
        }
    )
