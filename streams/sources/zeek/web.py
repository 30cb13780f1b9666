"""Zeek's DNS, HTTP, TLS and certificate logs as OCSF."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, Final

from models.ocsf_classes import DNS_ACTIVITY, HTTP_ACTIVITY, NETWORK_ACTIVITY
from streams.sources import base
from streams.sources.base import drop_none
from streams.sources.zeek.fields import (
    OTHER,
    Fields,
    begin,
    hash_of,
    interval_ms,
    ips,
    moment_ms,
    success,
    take,
    take_bool,
    take_count,
    take_text,
    texts,
    user_actor,
)
from streams.sources.zeek.flow import FAIL, OPEN, TRAFFIC, other, settle_hosts

DNS_QUERY, DNS_RESPONSE = 1, 2
MAX_LISTED: Final = 256  # objects made of a list; a longer list stays unmapped too, whole
RCODES: Final = frozenset((*range(12), *range(16, 26)))  # those OCSF names
LAST_OPCODE: Final = 6  # the last OCSF names
FLAGS: Final = {"AA": 1, "TC": 2, "RD": 3, "RA": 4}
METHODS: Final = {
    method: number
    for number, method in enumerate(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PATCH"), 1)
}
ERROR_FROM: Final = 400  # the first HTTP status code that says no
_TLS_VERSION: Final = re.compile(r"(D?TLSv1)([0-3])", re.ASCII)
_HASH_BY_LENGTH: Final = {32: ("MD5", 1), 40: ("SHA-1", 2), 64: ("SHA-256", 3)}


def dns(fields: Fields, time: int) -> dict[str, Any]:
    """Map dns.log to DNS Activity: a response when there was one."""
    code = take_count(fields, "rcode")
    answers = _answers(fields)
    delay = take(fields, "rtt", interval_ms)
    return begin(
        fields,
        time,
        DNS_ACTIVITY,
        DNS_QUERY if code is None and not answers else DNS_RESPONSE,
        query=_query(fields),
        answers=answers,
        duration=delay,
        query_time=time,
        response_time=None if delay is None or time + delay > base.LATEST_MS else time + delay,
        rcode=take_text(fields, "rcode_name"),
        rcode_id=None if code is None else code if code in RCODES else OTHER,
        status_code=None if code is None else str(code),
        **success(None if code is None else code == 0),
    )


def _query(fields: Fields) -> dict[str, Any] | None:
    name = take_text(fields, "query")
    if name is None:
        return None
    opcode = take_count(fields, "opcode")
    return drop_none(
        hostname=name,
        type=take_text(fields, "qtype_name"),
        **{"class": take_text(fields, "qclass_name")},
        packet_uid=take_count(fields, "trans_id"),
        opcode_id=None if opcode is None else opcode if opcode <= LAST_OPCODE else OTHER,
        opcode=take_text(fields, "opcode_name"),
    )


def _answers(fields: Fields) -> list[dict[str, Any]]:
    values = texts(fields.get("answers")) or []
    if not values:
        return []
    lives = fields.get("TTLs")
    seconds = [base.integer(life) for life in lives] if isinstance(lives, list) and len(lives) == len(values) else []
    if len(values) <= MAX_LISTED:
        del fields["answers"]
        if seconds and None not in seconds:
            del fields["TTLs"]
    flags = [number for name, number in FLAGS.items() if take_bool(fields, name)]
    ttls = seconds or [None] * len(values)
    pairs = islice(zip(values, ttls, strict=True), MAX_LISTED)
    return [drop_none(rdata=value, ttl=ttl, flag_ids=flags) for value, ttl in pairs]


def http(fields: Fields, time: int) -> dict[str, Any]:
    """Map http.log to HTTP Activity, to Network Activity when neither request nor response was understood."""
    method = take_text(fields, "method")
    response = _response(fields)
    request = _request(fields, method)
    if not request and not response and method is None:
        return other(fields, time)
    activity = METHODS.get(method.upper(), OTHER) if method else 0
    code = response.get("code") if response else None
    return begin(
        fields,
        time,
        HTTP_ACTIVITY,
        activity,
        method if activity == OTHER else None,
        actor=user_actor(fields, "username"),
        app_protocol_name="http",
        http_status=code,
        http_response=response,
        status_code=None if code is None else str(code),
        **success(None if code is None else code < ERROR_FROM),
        file=_body_file(fields),
    ) | {"http_request": request}


def _request(fields: Fields, method: str | None) -> dict[str, Any]:
    standard = method.upper() if method else None
    return drop_none(
        http_method=standard if standard in METHODS else None,
        url=_url(fields),
        user_agent=take_text(fields, "user_agent"),
        referrer=take_text(fields, "referrer"),
        version=take_text(fields, "version"),
        body_length=take_count(fields, "request_body_len"),
        x_forwarded_for=_forwarded(fields),
    )


def _url(fields: Fields) -> dict[str, Any] | None:
    uri = take_text(fields, "uri")
    host = take_text(fields, "host")
    if uri is None and host is None:
        return None
    path, _, query = (uri or "").partition("?")
    absolute = "://" in path and not path.startswith("/")
    return drop_none(
        url_string=uri if absolute else f"http://{host}{uri or '/'}" if host else uri,
        scheme=path.partition("://")[0].lower() if absolute else "http",
        hostname=_hostname(host),
        path="/" + path.partition("://")[2].partition("/")[2] if absolute else path or None,
        query_string=query or None,
    )


def _hostname(host: str | None) -> str | None:
    """Cut the port off a Host header; an IPv6 address stands in brackets."""
    if host is None:
        return None
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0] or None


def _forwarded(fields: Fields) -> list[str] | None:
    """Addresses of `X-FORWARDED-FOR -> 192.0.2.7` among the headers that tell of a proxy."""
    headers = texts(fields.get("proxied")) or []
    values = [header.partition(" -> ")[2] for header in headers if header.startswith("X-FORWARDED-FOR -> ")]
    return [address for value in values for item in value.split(",") if (address := base.ip(item.strip()))] or None


def _response(fields: Fields) -> dict[str, Any] | None:
    code = take_count(fields, "status_code")
    if code is None:
        return None
    mime_types = texts(fields.get("resp_mime_types")) or []
    return drop_none(
        code=code,
        message=take_text(fields, "status_msg"),
        body_length=take_count(fields, "response_body_len"),
        content_type=mime_types[0] if mime_types else None,
    )


def _body_file(fields: Fields) -> dict[str, Any] | None:
    """The one file of request or response that has a name; with more the lists stay unmapped."""
    for side in ("resp", "orig"):
        names = texts(fields.get(f"{side}_filenames"))
        if names and len(names) == 1:
            del fields[f"{side}_filenames"]
            uids = texts(fields.get(f"{side}_fuids")) or []
            return drop_none(name=names[0], type_id=1, uid=uids[0] if len(uids) == 1 else None)
    return None


def ssl(fields: Fields, time: int) -> dict[str, Any]:
    """Map ssl.log to Network Activity with a `tls` object."""
    established = take_bool(fields, "established")
    activity = TRAFFIC if established is None else OPEN if established else FAIL
    return begin(
        fields,
        time,
        NETWORK_ACTIVITY,
        activity,
        app_protocol_name=take_text(fields, "next_protocol") or "ssl",
        tls=_tls(fields),
        ja4_fingerprint_list=_ja4(fields),
        status_detail=take_text(fields, "validation_status"),
        **success(established),
    )


def _tls(fields: Fields) -> dict[str, Any]:
    return drop_none(
        version=tls_version(take_text(fields, "version")),
        cipher=take_text(fields, "cipher"),
        sni=take_text(fields, "server_name"),
        ja3_hash=hash_of(take_text(fields, "ja3"), "MD5", 1),
        ja3s_hash=hash_of(take_text(fields, "ja3s"), "MD5", 1),
    )


def tls_version(version: str | None) -> str:
    """Return `TLSv1.2` for Zeek's `TLSv12`, `unknown` when the handshake did not get as far."""
    found = _TLS_VERSION.fullmatch(version) if version else None
    return f"{found[1]}.{found[2]}" if found else version or "unknown"


def _ja4(fields: Fields) -> list[dict[str, Any]]:
    found = ((kind, take_text(fields, name)) for name, kind in (("ja4", 1), ("ja4s", 2)))
    return [{"type_id": kind, "value": value} for kind, value in found if value]


def x509(fields: Fields, time: int) -> dict[str, Any]:
    """Map x509.log to Network Activity with the certificate in `tls`; Zeek's own log names no endpoint."""
    if fields.get("client_cert") is not True:
        settle_hosts(fields)
    tls = drop_none(
        version="unknown",  # required, and the certificate does not tell
        certificate=_certificate(fields),
        key_length=take_count(fields, "certificate.key_length"),
    )
    return begin(fields, time, NETWORK_ACTIVITY, OTHER, "x509", tls=tls)


def _certificate(fields: Fields) -> dict[str, Any] | None:
    serial, issuer = base.text(fields.get("certificate.serial")), base.text(fields.get("certificate.issuer"))
    if serial is None or issuer is None:
        return None  # OCSF requires both
    del fields["certificate.serial"], fields["certificate.issuer"]
    subject = take_text(fields, "certificate.subject")
    return drop_none(
        serial_number=serial,
        issuer=issuer,
        subject=subject,
        version=take_text(fields, "certificate.version"),
        created_time=take(fields, "certificate.not_valid_before", moment_ms),
        expiration_time=take(fields, "certificate.not_valid_after", moment_ms),
        is_self_signed=None if subject is None else subject == issuer,
        fingerprints=_fingerprints(fields),
        sans=_sans(fields),
        uid=take_text(fields, "id"),
    )


def _fingerprints(fields: Fields) -> list[dict[str, Any]]:
    value = take_text(fields, "fingerprint")
    algorithm, algorithm_id = _HASH_BY_LENGTH.get(len(value or ""), ("unknown", 0))
    found = hash_of(value, algorithm, algorithm_id)
    return [found] if found else []


def _sans(fields: Fields) -> list[dict[str, str]]:
    kinds = (("san.dns", "DNS", texts), ("san.ip", "IP", ips), ("san.email", "email", texts), ("san.uri", "URI", texts))
    found = ((kind, name) for field, kind, read in kinds for name in read(fields.get(field)) or ())
    sans = [{"type": kind, "name": name} for kind, name in islice(found, MAX_LISTED + 1)]
    if len(sans) <= MAX_LISTED:
        for field, _, read in kinds:
            take(fields, field, read)
    return sans[:MAX_LISTED]
