"""Suricata: the EVE JSON of its alerts, flows and the protocols it understands.

Each event type becomes the OCSF class nearest to it (`_MAPPERS`), every other Network Activity that is named for it.
Records of the sensor itself (`stats`, `engine`) are Network Activity of the sensor too: OCSF has no class without a
domain.

Source: "Eve JSON Format" in the Suricata user guide, versions 4 to 8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import EMAIL_ACTIVITY, FTP_ACTIVITY, HTTP_ACTIVITY, SMB_ACTIVITY
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, text
from streams.sources.linux.syslog import stamp_ms
from streams.sources.protocols import dns_names, flow_names, web_names
from streams.sources.suricata import dns, flow, services, web
from streams.sources.suricata.alert import alert
from streams.sources.suricata.common import Fields, ends, part
from streams.sources.times import from_any

PRODUCT: Final = {"name": "Suricata", "vendor_name": "OISF"}
DELAY_MS: Final = 300_000
MAX_WORD: Final = 64
_CATEGORIES: Final = {"dns": ("dns",), "http": ("proxy", "webserver")}
_FILE_CLASSES: Final = frozenset({HTTP_ACTIVITY, SMB_ACTIVITY, FTP_ACTIVITY})
_SECURITY: Final = ("security_control",)
_HOSTS: Final = ("host",)  # profile whose attribute `actor` is
_COMMON: Final = frozenset(
    (
        *("timestamp", "flow_id", "event_type", "src_ip", "src_port", "dest_ip", "dest_port", "proto", "app_proto"),
        *("community_id", "ether", "host"),
    )
)


def _fileinfo(fields: Fields, time: int) -> dict[str, Any]:
    """Map a file that a protocol carried to that protocol's activity; Network Activity has no place for a file."""
    protocol = fields.get("app_proto")
    build = _CARRIERS.get(protocol, flow.other) if isinstance(protocol, str) else flow.other
    body = build(fields, time)
    made = services.file_of(fields)
    if made and body["class_uid"] in _FILE_CLASSES:
        body["file"] = made
    elif made and body["class_uid"] == EMAIL_ACTIVITY:
        body["email"]["files"] = [made]
    return body


_MAPPERS: Final[dict[str, Callable[[Fields, int], dict[str, Any]]]] = {
    "alert": alert,
    "anomaly": flow.anomaly,
    "dhcp": services.dhcp,
    "dns": dns.dns,
    "drop": flow.drop,
    "fileinfo": _fileinfo,
    "flow": flow.flow,
    "ftp": services.ftp,
    "ftp_data": services.ftp,
    "http": web.http,
    "krb5": services.kerberos,
    "mdns": dns.dns,
    "netflow": flow.netflow,
    "rdp": services.rdp,
    "smb": services.smb,
    "smtp": services.smtp,
    "ssh": services.ssh,
    "tls": web.tls,
}
_CARRIERS: Final = {
    "http": web.http,
    "http2": web.http,
    "smb": services.smb,
    "ftp": services.ftp,
    "ftp-data": services.ftp,
    "smtp": services.smtp,
}
_KNOWN: Final = frozenset(
    (
        *_MAPPERS,
        *("arp", "bittorrent_dht", "dcerpc", "dnp3", "engine", "enip", "frame", "http2", "ike", "ldap", "metadata"),
        *("modbus", "mqtt", "nfs", "packetinfo", "pgsql", "pop3", "quic", "rfb", "sip", "snmp", "stats", "telnet"),
        *("template", "tftp", "websocket"),
    )
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the record; raise Unparseable when it names no event type."""
    value = decode_json(record)
    if not _word(value):
        raise Unparseable("no EVE record: it has no event_type", field="event_type")
    return value


def _word(value: Fields) -> str:
    word = value.get("event_type")
    return word if isinstance(word, str) and len(word) <= MAX_WORD else ""


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an EVE record by its event type, with the part of that name or a flow."""
    if value is None or "timestamp" not in value:
        return False
    word = _word(value)
    return word in _KNOWN and (isinstance(value.get(word), dict) or "flow_id" in value or "pcap_cnt" in value)


def normalize(fields: Fields, record: RawRecord) -> Event:
    """Turn one EVE record into an event."""
    word = _word(fields)
    stamp = fields.get("timestamp")
    own = stamp_ms(stamp, record) if isinstance(stamp, str) and stamp[4:5] == "-" else from_any(stamp)
    time, labels = event_time(own, record)
    body = _MAPPERS.get(word, flow.other)(fields, time)
    return build_event(
        record,
        body,
        native=_native(word, fields, body),
        logsource=LogSource("suricata", word, _CATEGORIES.get(word, ())),
        product=PRODUCT,
        original_time=text(stamp),
        labels=labels,
        metadata=_metadata(word, fields),
        profiles=_profiles(body),
        unmapped=_unmapped(fields),
        about="network" if word == "alert" else "",
    )


def _profiles(body: Fields) -> tuple[str, ...]:
    secured = _SECURITY if "disposition_id" in body else ()
    return (*secured, *_HOSTS) if "actor" in body else secured


def _metadata(word: str, fields: Fields) -> dict[str, Any]:
    return drop_none(
        log_name=word,
        log_provider="Suricata",
        event_code=word,
        correlation_uid=text(fields.get("flow_id")),
        log_source=text(fields.get("host")),
    )


def _unmapped(fields: Fields) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in _COMMON and value not in _EMPTY}


_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


def _native(word: str, fields: Fields, body: dict[str, Any]) -> Mapping[str, Any]:
    """Return the record under its own names, and under those of Sigma's generic categories."""
    more = flow_names(*(_ends_of(body) if "src_endpoint" in body or "dst_endpoint" in body else ends(fields)))
    if word == "dns":
        more |= dns_names(body.get("query"), body.get("answers", []))
    elif word == "http":
        told = part(fields, "http")
        more |= web_names(body.get("http_request", {}), body.get("http_response"), text(told.get("url")))
        more |= drop_none(**{"c-ip": more.get("src_ip")})
    return {**fields, **more}


def _ends_of(body: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    return body.get("src_endpoint"), body.get("dst_endpoint")


SOURCE: Final = Source(
    name="suricata",
    title="Suricata",
    shippers=("Filebeat", "Fluent Bit", "Vector", "Logstash", "syslog"),
    classes=(2004, 3002, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4008, 4009),
    entities=("ip", "host", "user"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
