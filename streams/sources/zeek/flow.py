"""Zeek's connections, tunnels and alerts as OCSF, and what every log without a class of its own becomes."""

from __future__ import annotations

from typing import Any, Final

from models.ocsf_classes import NETWORK_ACTIVITY, TUNNEL_ACTIVITY
from streams.sources import base
from streams.sources.base import drop_none
from streams.sources.zeek.fields import (
    OTHER,
    Fields,
    begin,
    boolean,
    endpoint,
    interval_ms,
    success,
    take,
    take_count,
    take_text,
    user_actor,
)
from streams.sources.zeek.names import LOG

OPEN, CLOSE, RESET, FAIL, REFUSE, TRAFFIC, LISTEN = range(1, 8)

# What a state of conn.log says: the activity, and whether the connection came about (None: cannot be told).
STATES: Final[dict[str | None, tuple[int, bool | None]]] = {
    "S0": (FAIL, False),  # attempt without an answer
    "S1": (OPEN, True),  # established, not terminated
    "SF": (CLOSE, True),  # established and terminated
    "REJ": (REFUSE, False),
    "S2": (CLOSE, True),  # established, the originator closed
    "S3": (CLOSE, True),  # established, the responder closed
    "RSTO": (RESET, True),  # established, the originator aborted
    "RSTR": (RESET, True),  # the responder aborted
    "RSTOS0": (FAIL, False),  # SYN and RST of the originator, no answer seen
    "RSTRH": (RESET, None),  # SYN-ACK and RST of the responder, no SYN seen
    "SH": (FAIL, False),  # SYN and FIN of the originator, no answer seen
    "SHR": (TRAFFIC, None),  # SYN-ACK and FIN of the responder, no SYN seen
    "OTH": (TRAFFIC, None),  # seen from the middle on
}
STATELESS: Final = ("udp", "icmp", "unknown_transport")
CONN_LOGS: Final = ("conn", "conn_long", "conn_red", "open_conn")
TUNNEL_ACTIONS: Final = {"DISCOVER": 1, "CLOSE": 2, "EXPIRE": 2}


def conn(fields: Fields, time: int) -> dict[str, Any]:
    """Map conn.log, and the logs of connections that are still open, to Network Activity."""
    state = take_text(fields, "conn_state")
    activity, came_about = STATES.get(state, (TRAFFIC, None))
    if fields.get("proto") in STATELESS:  # Zeek writes the states of TCP for all protocols; one-way UDP is no failure
        activity, came_about = TRAFFIC, came_about or None
    if fields[LOG] in {"conn_long", "open_conn"}:
        activity = TRAFFIC
    body = begin(
        fields,
        time,
        NETWORK_ACTIVITY,
        activity,
        app_protocol_name=take_text(fields, "service"),
        duration=take(fields, "duration", interval_ms),
        status_code=state,
        traffic=_traffic(fields),
        **success(came_about),
    )
    body["connection_info"].update(drop_none(flag_history=take_text(fields, "history")))
    return body


def _traffic(fields: Fields) -> dict[str, int]:
    """Payload bytes and packets; those of the IP packets stay unmapped, since OCSF has one place for bytes."""
    bytes_out, bytes_in = take_count(fields, "orig_bytes"), take_count(fields, "resp_bytes")
    packets_out, packets_in = take_count(fields, "orig_pkts"), take_count(fields, "resp_pkts")
    return drop_none(
        bytes_out=bytes_out,
        bytes_in=bytes_in,
        bytes=_sum(bytes_out, bytes_in),
        packets_out=packets_out,
        packets_in=packets_in,
        packets=_sum(packets_out, packets_in),
        bytes_missed=take_count(fields, "missed_bytes"),
    )


def _sum(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right


def tunnel(fields: Fields, time: int) -> dict[str, Any]:
    """Map tunnel.log to Tunnel Activity."""
    action = _last_word(base.text(fields.get("action"))) or "unknown"
    activity = TUNNEL_ACTIONS.get(action, OTHER)
    kind = _last_word(take_text(fields, "tunnel_type"))
    name = action if activity == OTHER else None
    about = {"tunnel_type_id": OTHER, "tunnel_type": kind, "protocol_name": kind.lower()} if kind else {}
    return begin(fields, time, TUNNEL_ACTIVITY, activity, name, **about)


def _last_word(value: str | None) -> str | None:
    """Return `GRE` of `Tunnel::GRE`: Zeek's enums carry their module."""
    return value.rpartition("::")[2] if value else None


def socks(fields: Fields, time: int) -> dict[str, Any]:
    """Map socks.log to the connection that the client asked the proxy for."""
    status = take_text(fields, "status")
    activity = TRAFFIC if status == "succeeded" else FAIL
    body = begin(fields, time, NETWORK_ACTIVITY, activity, app_protocol_name="socks", actor=user_actor(fields, "user"))
    wanted = endpoint(take(fields, "request.host", base.ip), hostname=take_text(fields, "request.name"))
    proxy = body.get("dst_endpoint")
    if wanted and proxy:
        port = take(fields, "request_p", base.port)
        body["dst_endpoint"] = wanted | drop_none(port=port, proxy_endpoint=proxy)
    body.update(drop_none(status_detail=status), **success(status == "succeeded" if status else None))
    return body


# Logs that name their hosts otherwise than by a connection: field to the field of a connection it stands for.
_HOSTS: Final = {
    "host": "id.orig_h",
    "host_p": "id.orig_p",
    "port_num": "id.orig_p",
    "src": "id.orig_h",
    "dst": "id.resp_h",
    "p": "id.resp_p",
    "src_addr": "id.orig_h",
    "src_port": "id.orig_p",
    "dst_addr": "id.resp_h",
    "dst_port": "id.resp_p",
    "rx": "id.orig_h",  # Corelight's x509: who got the certificate, and whose it is
    "tx": "id.resp_h",
}
_NAMED_HOSTS: Final = {
    **dict.fromkeys(("known_hosts", "known_certs", "known_services", "software"), ("host", "host_p", "port_num")),
    **dict.fromkeys(("notice", "traceroute"), ("src", "dst", "p")),
    "signatures": ("src_addr", "src_port", "dst_addr", "dst_port"),
    "x509": ("rx", "tx"),
}


def settle_hosts(fields: Fields) -> None:
    """Give a record that names its hosts otherwise the fields of a connection, where they hold what is meant."""
    for name in _NAMED_HOSTS.get(fields[LOG], ()):
        wanted = _HOSTS[name]
        read = base.ip if wanted.endswith("_h") else base.port
        if wanted not in fields and read(fields.get(name)) is not None:
            fields[wanted] = fields.pop(name)


def alert(fields: Fields, time: int) -> dict[str, Any]:
    """Map notice.log, intel.log and signatures.log, the sensor's own findings, to Network Activity that is an alert.

    A Detection Finding would hide the endpoints in its evidence and lose the domain of the event.
    """
    settle_hosts(fields)
    word = next((text for key in ("note", "seen.where") if (text := take_text(fields, key))), fields[LOG])
    message = next((text for key in ("msg", "event_msg", "seen.indicator") if (text := take_text(fields, key))), None)
    return begin(
        fields,
        time,
        NETWORK_ACTIVITY,
        OTHER,
        word,
        message=message,
        status_detail=take_text(fields, "sub") or take_text(fields, "sub_msg"),
        is_alert=True,
        action_id=3,
        action="Observed",
        disposition_id=19,
        disposition="Alert",
    )


# The word for what happened, by log; every other log is named for itself.
_WORDS: Final = {
    "analyzer": "cause",
    "dnp3": "fc_request",
    "irc": "command",
    "ldap": "opcode",
    "modbus": "func",
    "mqtt_connect": "connect_status",
    "mqtt_subscribe": "action",
    "mysql": "cmd",
    "sip": "method",
    "smb_cmd": "command",
    "software": "software_type",
    "weird": "name",
}
_MESSAGES: Final = ("failure_reason", "addl", "message", "unparsed_version")
_OUTCOMES: Final = ("success", "auth")
_SUCCESS: Final = "success"  # what LDAP calls its result code 0
_DETAILS: Final = ("result", "exception", "status", "status_msg")
# Logs of what a protocol carried; the others are about hosts, files or the sensor.
_PROTOCOLS: Final = {
    **{name: name for name in ("dce_rpc", "dhcp", "dnp3", "dns", "finger", "ftp", "http", "irc", "kerberos", "ldap")},
    **{name: name for name in ("modbus", "mysql", "ntlm", "ntp", "postgresql", "quic", "radius", "rdp", "redis")},
    **{name: name for name in ("rfb", "sip", "smtp", "snmp", "socks", "ssh", "ssl", "syslog", "websocket")},
    **dict.fromkeys(("mqtt_connect", "mqtt_publish", "mqtt_subscribe"), "mqtt"),
    "ldap_search": "ldap",
    "smb_cmd": "smb",
}


def other(fields: Fields, time: int) -> dict[str, Any]:
    """Map any log to Network Activity: its hosts, the vendor's word for what happened, message and outcome."""
    log = fields[LOG]
    settle_hosts(fields)
    word = take_text(fields, _WORDS[log]) if log in _WORDS else None
    outcome = next((found for key in _OUTCOMES if (found := take(fields, key, boolean)) is not None), None)
    if _PROTOCOLS.get(log) == "ldap" and "result" in fields:
        outcome = fields["result"] == _SUCCESS
    return begin(
        fields,
        time,
        NETWORK_ACTIVITY,
        OTHER,
        word or log or "unknown",
        app_protocol_name=_PROTOCOLS.get(log),
        duration=take(fields, "duration", interval_ms) if log in _PROTOCOLS else None,
        message=next((text for key in _MESSAGES if (text := take_text(fields, key))), None),
        status_detail=next((text for key in _DETAILS if (text := take_text(fields, key))), None),
        **success(outcome),
    )


def listening(fields: Fields, time: int) -> dict[str, Any]:
    """Map known_services.log: a host was found to offer a service."""
    protocol = fields.pop("port_proto", None)
    if protocol is not None:
        fields["proto"] = protocol
    settle_hosts(fields)
    return begin(fields, time, NETWORK_ACTIVITY, LISTEN)
