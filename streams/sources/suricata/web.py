"""Suricata's HTTP and TLS records, and the parts of them that alerts carry."""

from __future__ import annotations

from typing import Any, Final

from models.ocsf_classes import HTTP_ACTIVITY
from streams.sources.base import drop_none, text
from streams.sources.fields import timestamp
from streams.sources.objects import fingerprint
from streams.sources.protocols import certificate, http_activity, http_status, request, response, url
from streams.sources.suricata.common import OPEN, TRAFFIC, Fields, begin, part

DAY_1980: Final = 315_532_800_000  # an earlier date of a certificate is a default


def http(fields: Fields, time: int) -> dict[str, Any]:
    """Map an HTTP record to HTTP Activity; to Network Activity when neither request nor response is in it."""
    told = part(fields, "http")
    asked, answered = request_of(fields), response_of(told)
    if not asked and not answered:
        return begin(fields, time, app_protocol_name="http")
    activity, word = http_activity(text(told.get("http_method")))
    return begin(
        fields,
        time,
        HTTP_ACTIVITY,
        activity,
        word,
        app_protocol_name="http",
        http_request=asked,
        http_response=answered,
        **http_status(answered),
    )


def request_of(fields: Fields) -> dict[str, Any]:
    """Return the request of a record's `http` part, empty when it tells of none."""
    told = part(fields, "http")
    target = url(text(told.get("url")), text(told.get("hostname")))
    return request(
        text(told.get("http_method")),
        target,
        told.get("http_user_agent"),
        told.get("http_refer"),
        told.get("xff"),
        version=text(told.get("protocol")),
    )


def response_of(told: Fields) -> dict[str, Any] | None:
    """Return the response of a record's `http` part."""
    return response(told.get("status"), told.get("length"), told.get("http_content_type"))


def tls(fields: Fields, time: int) -> dict[str, Any]:
    """Map a TLS record to Network Activity with a `tls` object."""
    told = part(fields, "tls")
    made = tls_of(told)
    finished = made["version"] not in {"unknown", "UNDETERMINED"}
    return begin(
        fields,
        time,
        activity_id=OPEN if finished else TRAFFIC,
        app_protocol_name=text(fields.get("app_proto")) or "tls",
        tls=made,
        ja4_fingerprint_list=ja4(told),
    )


def tls_of(told: Fields) -> dict[str, Any]:
    """Return the `tls` object; its version is required, and unknown where only the first hello was seen."""
    return drop_none(
        version=text(told.get("version")) or "unknown",
        sni=text(told.get("sni")),
        cipher=text(told.get("cipher_suite")) or text(told.get("cipher_security")),
        certificate=_certificate(told),
        ja3_hash=_hash(told.get("ja3")),
        ja3s_hash=_hash(told.get("ja3s")),
    )


def _certificate(told: Fields) -> dict[str, Any] | None:
    digest = text(told.get("fingerprint"))
    made = fingerprint(digest.replace(":", "")) if digest else None
    return certificate(
        told.get("serial"),
        told.get("issuerdn"),
        told.get("subject"),
        created_time=_date(told.get("notbefore")),
        expiration_time=_date(told.get("notafter")),
        fingerprints=[made] if made else None,
    )


def _date(value: Any) -> int | None:
    time = timestamp(value)
    return time if time is not None and time >= DAY_1980 else None


def _hash(value: Any) -> dict[str, Any] | None:
    """Read JA3 as an object or as its hash."""
    return fingerprint(text(value.get("hash") if isinstance(value, dict) else value), "MD5")


def ja4(told: Fields) -> list[dict[str, Any]]:
    """Return the JA4 fingerprint of the client."""
    value = text(told.get("ja4"))
    return [{"type_id": 1, "value": value}] if value else []
