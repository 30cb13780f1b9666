"""Zeek: network telemetry of every kind, as JSON in any of its spellings or as TSV lines with or without their header.

Each log becomes the OCSF class nearest to it (`_MAPPERS`); every other log becomes Network Activity. What is left over
is in `unmapped`, so that nothing a sensor saw is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import NETWORK_FILE_ACTIVITY
from models.records import RawRecord
from streams.sources import base, times
from streams.sources.base import Source, build_event, decode_json, decode_text, event_time
from streams.sources.zeek.fields import Fields, moment_ms, take
from streams.sources.zeek.flow import CONN_LOGS, alert, conn, listening, other, socks, tunnel
from streams.sources.zeek.layouts import DOTTED, KINDS
from streams.sources.zeek.login import kerberos, ntlm, radius, rdp, ssh
from streams.sources.zeek.names import LOG, LOG_KEYS, SHARED_KEYS, clean_log, log_by_columns, plain_fields
from streams.sources.zeek.services import dhcp, ntp
from streams.sources.zeek.share import dce_rpc, files, ftp, smb_files, smb_mapping, smtp
from streams.sources.zeek.tsv import decode_line
from streams.sources.zeek.web import dns, http, ssl, x509

PRODUCT: Final = {"name": "Zeek", "vendor_name": "Zeek"}
DELAY_MS: Final = 300_000
CATEGORIES: Final = {"dns": ("dns",), "http": ("proxy", "webserver")}  # as SigmaHQ's own Zeek mapping has them
_UIDS: Final = ("uid", "fuid", "id", "fingerprint")
_FILE_UIDS: Final = ("fuid", *_UIDS)
_SAYING: Final = (*LOG_KEYS, *SHARED_KEYS)
_COMMONPLACE: Final = ("", "known_hosts", "reporter", "traceroute")  # their few fields are anybody's
_TSV: Final = re.compile(rb"\d{9,10}\.\d{1,9}\t|#(?:separator|fields|path)\b")

_MAPPERS: Final[dict[str, Callable[[Fields, int], dict[str, Any]]]] = {
    **dict.fromkeys(CONN_LOGS, conn),
    **dict.fromkeys(("dns", "dns_red"), dns),
    **dict.fromkeys(("http", "http_red"), http),
    **dict.fromkeys(("ssl", "ssl_red"), ssl),
    **dict.fromkeys(("x509", "x509_red"), x509),
    **dict.fromkeys(("files", "files_red"), files),
    **dict.fromkeys(("notice", "intel", "signatures"), alert),
    "dce_rpc": dce_rpc,
    "dhcp": dhcp,
    "ftp": ftp,
    "kerberos": kerberos,
    "known_services": listening,
    "ntlm": ntlm,
    "ntp": ntp,
    "radius": radius,
    "rdp": rdp,
    "smb_files": smb_files,
    "smb_mapping": smb_mapping,
    "smtp": smtp,
    "socks": socks,
    "ssh": ssh,
    "tunnel": tunnel,
}


def decode(record: RawRecord) -> dict[str, Any]:
    """Return the record under Zeek's field names, its log under `_path`, unset fields left out."""
    first = record.raw.lstrip()[:1]
    if first == b"{":
        fields = plain_fields(decode_json(record))
        if not fields[LOG] and "id.orig_h" not in fields:
            raise Unparseable("a JSON object that is of no Zeek log, and names no connection", field=LOG)
        return fields
    text = decode_text(record).rstrip("\r\n")
    if first == b"#":
        raise Unparseable("a header line of a Zeek log, not a record", offset=0)
    if "\t" not in text and not record.columns:
        raise Unparseable("neither a JSON object nor a TSV line", offset=0)
    return decode_line(text, record.columns)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn the fields of one Zeek record into an event."""
    log = fields[LOG]
    stamp = fields.get("ts")
    time, labels = event_time(times.from_any(stamp), record)
    rest = dict(fields)
    if not labels:
        rest.pop("ts", None)
    body = _MAPPERS.get(log, other)(rest, time)
    del rest[LOG]
    if not labels:
        _span(body, time)
    return build_event(
        record,
        body,
        native=_native(log, fields),
        logsource=LogSource("zeek", log, CATEGORIES.get(log, ())),
        product=PRODUCT,
        original_time=base.text(stamp),
        labels=labels,
        metadata=_metadata(log, fields, rest),
        profiles=_profiles(body),
        unmapped=rest,
    )


def _profiles(body: Mapping[str, Any]) -> tuple[str, ...]:
    if "is_alert" in body:
        return ("security_control",)
    return ("host",) if "actor" in body and body["class_uid"] != NETWORK_FILE_ACTIVITY else ()


def _span(body: dict[str, Any], time: int) -> None:
    """Zeek stamps a record with the start of what it describes."""
    end = time + body.get("duration", 0)
    if "duration" in body and end <= base.LATEST_MS:
        body["start_time"], body["end_time"] = time, end


def _metadata(log: str, fields: Mapping[str, Any], rest: Fields) -> dict[str, Any]:
    """Name the record as Zeek does, by the first of its uids; that one is not unmapped then."""
    names = _FILE_UIDS if log == "files" else _UIDS
    name, uid = next(((name, uid) for name in names if (uid := base.text(fields.get(name)))), ("", None))
    rest.pop(name, None)
    written = take(rest, "_write_ts", moment_ms) if "_write_ts" in rest else None
    return base.drop_none(log_name=log or None, log_provider="Zeek", original_event_uid=uid, logged_time=written)


def _native(log: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the names that Sigma's generic categories use to Zeek's own."""
    if log == "dns":
        return {**fields, **_renamed(fields, _DNS_NAMES)}
    if log == "http":
        return {**fields, **_renamed(fields, _HTTP_NAMES), **_uri_parts(fields)}
    return fields


_DNS_NAMES: Final = {"record_type": "qtype_name", "answer": "answers", "src_ip": "id.orig_h", "dst_ip": "id.resp_h"}
# Source: Sigma's taxonomy appendix (proxy, webserver), with the correspondences of SigmaHQ's Zeek mapping.
_HTTP_NAMES: Final = {
    "c-uri": "uri",
    "c-uri-query": "uri",
    "cs-uri": "uri",
    "cs-uri-query": "uri",
    "c-useragent": "user_agent",
    "cs-user-agent": "user_agent",
    "cs-host": "host",
    "r-dns": "host",
    "cs-method": "method",
    "cs-referrer": "referrer",
    "cs-referer": "referrer",
    "cs-version": "version",
    "cs-username": "username",
    "cs-cookie": "cookie",
    "cs-bytes": "request_body_len",
    "sc-bytes": "response_body_len",
    "sc-status": "status_code",
    "c-ip": "id.orig_h",
    "src_ip": "id.orig_h",
    "dst_ip": "id.resp_h",
    "s-ip": "id.resp_h",
    "s-port": "id.resp_p",
}


def _renamed(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: fields[field] for name, field in names.items() if field in fields}


def _uri_parts(fields: Mapping[str, Any]) -> dict[str, str]:
    uri = base.text(fields.get("uri"))
    if uri is None:
        return {}
    stem = uri.partition("?")[0]
    extension = stem.rpartition("/")[2].rpartition(".")[2] if "." in stem.rpartition("/")[2] else ""
    return base.drop_none(**{"c-uri-stem": stem, "cs-uri-stem": stem, "c-uri-extension": extension or None})


def recognize(raw: bytes, record: Mapping[str, Any] | None) -> bool:
    """Tell a Zeek record by its shape: a TSV line that starts with a time stamp, or an object that is of a log."""
    if record is None:
        return _TSV.match(raw) is not None
    if len(record) == 1:
        ((tag, inner),) = record.items()
        return tag in KINDS and isinstance(inner, dict) and "ts" in inner
    if "ts" not in record:
        return False
    nested = record.get("id")
    connection = "id.orig_h" in record or "id_orig_h" in record or (isinstance(nested, dict) and "orig_h" in nested)
    return connection or any(clean_log(record.get(key)) in KINDS for key in _SAYING) or _is_log(record)


def _is_log(record: Mapping[str, Any]) -> bool:
    return log_by_columns({DOTTED.get(name, name) for name in record}) not in _COMMONPLACE


SOURCE: Final = Source(
    name="zeek",
    title="Zeek network security monitor",
    shippers=("zeek-kafka", "Filebeat", "Fluent Bit", "Vector", "Corelight"),
    classes=(3002, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4010, 4013, 4014),
    entities=("ip", "host", "user"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
