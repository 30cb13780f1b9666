"""One invented record for each of Zeek's logs, what shippers make of a record, and what Braid makes of it."""

from __future__ import annotations

from typing import Any

import orjson

from models.event import Event
from models.ocsf_schema import validate
from models.records import Coordinates, ParseError, RawRecord
from streams.sources.zeek.layouts import LAYOUTS, Layout
from streams.sources.zeek.source import SOURCE

AT = Coordinates("raw.zeek", 3, 42)
BROKER_TIME = 1_718_452_900_000

TS = 1718452800.25  # 2024-06-15T12:00:00.250Z
TS_MS = 1_718_452_800_250
CLIENT, SERVER, OUTSIDE = "192.0.2.10", "192.0.2.20", "198.51.100.7"
UID, FUID = "CHhAvVGS1DHFjwGM9", "FKPuH630Tmj6UQUMP7"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
ID = {"id.orig_h": CLIENT, "id.orig_p": 49152, "id.resp_h": SERVER, "id.resp_p": 443}
CONNECTED = {"ts": TS, "uid": UID, **ID}


def to_port(port: int, dotted_fields: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Return a record of a connection to this port."""
    return {**CONNECTED, "id.resp_p": port, **(dotted_fields or {}), **fields}


RECORDS: dict[str, dict[str, Any]] = {
    "conn": to_port(
        443,
        {
            "proto": "tcp",
            "service": "ssl",
            "duration": 1.5,
            "orig_bytes": 1200,
            "resp_bytes": 34000,
            "conn_state": "SF",
            "local_orig": True,
            "local_resp": False,
            "missed_bytes": 0,
            "history": "ShADadFf",
            "orig_pkts": 20,
            "orig_ip_bytes": 2240,
            "resp_pkts": 30,
            "resp_ip_bytes": 35560,
        },
    ),
    "dns": to_port(
        53,
        {
            "proto": "udp",
            "trans_id": 4711,
            "rtt": 0.0125,
            "query": "www.example.com",
            "qclass": 1,
            "qclass_name": "C_INTERNET",
            "qtype": 1,
            "qtype_name": "A",
            "rcode": 0,
            "rcode_name": "NOERROR",
            "AA": False,
            "TC": False,
            "RD": True,
            "RA": True,
            "Z": 0,
            "answers": ["203.0.113.5", "TXT 11 hello, world"],
            "TTLs": [300.0, 60.0],
            "rejected": False,
        },
    ),
    "http": to_port(
        80,
        {
            "trans_depth": 1,
            "method": "GET",
            "host": "www.example.com",
            "uri": "/files/report.exe?id=7",
            "referrer": "http://www.example.com/",
            "version": "1.1",
            "user_agent": "curl/8.5.0",
            "request_body_len": 0,
            "response_body_len": 5120,
            "status_code": 200,
            "status_msg": "OK",
            "tags": [],
            "username": "alice",
            "proxied": ["X-FORWARDED-FOR -> 203.0.113.80"],
            "resp_fuids": [FUID],
            "resp_filenames": ["report.exe"],
            "resp_mime_types": ["application/x-dosexec"],
        },
    ),
    "ssl": to_port(
        443,
        {
            "version": "TLSv12",
            "cipher": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "curve": "x25519",
            "server_name": "www.example.com",
            "resumed": False,
            "next_protocol": "h2",
            "established": True,
            "ssl_history": "CsxknGIi",
            "cert_chain_fps": [SHA256],
            "client_cert_chain_fps": [],
            "sni_matches_cert": True,
            "validation_status": "ok",
            "ja3": "e0fe397a5edfba9a6facc7c7b341f4eb",
            "ja3s": "e35df3e00ca4ef31d42b34bebaa2f86e",
        },
    ),
    "x509": {
        "ts": TS,
        "fingerprint": SHA256,
        "certificate.version": 3,
        "certificate.serial": "0A1B2C3D4E",
        "certificate.subject": "CN=www.example.com,O=Example",
        "certificate.issuer": "CN=Example CA,O=Example",
        "certificate.not_valid_before": 1704067200.0,
        "certificate.not_valid_after": 1735689600.0,
        "certificate.key_alg": "rsaEncryption",
        "certificate.sig_alg": "sha256WithRSAEncryption",
        "certificate.key_type": "rsa",
        "certificate.key_length": 2048,
        "certificate.exponent": "65537",
        "san.dns": ["www.example.com", "example.com"],
        "san.ip": ["192.0.2.20"],
        "basic_constraints.ca": False,
        "host_cert": True,
        "client_cert": False,
    },
    "files": {
        "ts": TS,
        "fuid": FUID,
        "uid": UID,
        **ID,
        "source": "HTTP",
        "depth": 0,
        "analyzers": ["MD5", "PE"],
        "mime_type": "application/x-dosexec",
        "filename": "report.exe",
        "duration": 0.25,
        "local_orig": True,
        "is_orig": False,
        "seen_bytes": 5120,
        "total_bytes": 5120,
        "missing_bytes": 0,
        "overflow_bytes": 0,
        "timedout": False,
        "md5": "098f6bcd4621d373cade4e832627b4f6",
        "sha256": SHA256,
    },
    "smb_mapping": to_port(445, path="\\\\FS01.example.com\\Projects", share_type="DISK"),
    "smb_files": to_port(
        445,
        {
            "action": "SMB::FILE_OPEN",
            "path": "\\\\FS01.example.com\\Projects",
            "name": "plans\\2024\\budget.xlsx",
            "size": 8192,
            "times.modified": 1718000000.5,
            "times.accessed": 1718000001.0,
            "times.created": 1717000000.0,
            "times.changed": 1718000000.5,
        },
    ),
    "dce_rpc": to_port(445, rtt=0.001, named_pipe="\\pipe\\lsass", endpoint="samr", operation="SamrConnect5"),
    "kerberos": to_port(
        88,
        {
            "request_type": "TGS",
            "client": "alice/EXAMPLE.COM",
            "service": "cifs/fs01.example.com",
            "success": True,
            "till": 1718488800.0,
            "cipher": "aes256-cts-hmac-sha1-96",
            "forwardable": True,
            "renewable": True,
        },
    ),
    "ntlm": to_port(
        445,
        username="bob",
        hostname="WS07",
        domainname="EXAMPLE",
        server_nb_computer_name="FS01",
        server_dns_computer_name="fs01.example.com",
        success=False,
    ),
    "ssh": to_port(
        22,
        version=2,
        auth_success=True,
        auth_attempts=1,
        direction="INBOUND",
        client="SSH-2.0-OpenSSH_9.6",
        server="SSH-2.0-OpenSSH_9.2",
        cipher_alg="chacha20-poly1305@openssh.com",
        mac_alg="hmac-sha2-256",
        compression_alg="none",
        kex_alg="curve25519-sha256",
        host_key_alg="ssh-ed25519",
        host_key="aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99",
    ),
    "rdp": to_port(
        3389,
        cookie="alice",
        result="Success",
        security_protocol="RDP",
        client_channels=["rdpdr", "cliprdr"],
        keyboard_layout="English - United States",
        client_build="RDP 10.7",
        client_name="WS07",
        desktop_width=1920,
        desktop_height=1080,
        requested_color_depth="32bit",
        cert_type="X.509",
        cert_count=1,
        cert_permanent=False,
        encryption_level="High",
        encryption_method="128bit",
    ),
    "rfb": to_port(
        5901,
        client_major_version="003",
        client_minor_version="008",
        server_major_version="003",
        server_minor_version="008",
        authentication_method="VNC",
        auth=True,
        share_flag=True,
        desktop_name="svc-backup's desktop",
        width=1024,
        height=768,
    ),
    "ftp": to_port(
        21,
        {
            "user": "svc-backup",
            "password": "<hidden>",
            "command": "RETR",
            "arg": "ftp://192.0.2.20/pub/dump.tar",
            "mime_type": "application/x-tar",
            "file_size": 10240,
            "reply_code": 226,
            "reply_msg": "Transfer complete",
            "data_channel.passive": True,
            "data_channel.orig_h": CLIENT,
            "data_channel.resp_h": SERVER,
            "data_channel.resp_p": 50123,
            "fuid": FUID,
        },
    ),
    "smtp": to_port(
        25,
        {
            "trans_depth": 1,
            "helo": "mail.example.com",
            "mailfrom": "alice@example.com",
            "rcptto": ["bob@example.org"],
            "date": "Sat, 15 Jun 2024 12:00:00 +0000",
            "from": '"Alice A" <alice@example.com>',
            "to": ["bob@example.org", "Carol <carol@example.org>"],
            "msg_id": "<1@example.com>",
            "subject": "Hello, again",
            "x_originating_ip": "192.0.2.77",
            "last_reply": "250 2.0.0 Ok: queued",
            "path": [SERVER, CLIENT],
            "user_agent": "mutt",
            "tls": False,
            "fuids": [FUID],
            "is_webmail": False,
        },
    ),
    "dhcp": {
        "ts": TS,
        "uids": [UID],
        "client_addr": CLIENT,
        "server_addr": SERVER,
        "mac": "00:53:00:aa:bb:01",
        "host_name": "ws07",
        "domain": "example.com",
        "requested_addr": CLIENT,
        "assigned_addr": CLIENT,
        "lease_time": 3600.0,
        "msg_types": ["REQUEST", "ACK"],
        "duration": 0.5,
    },
    "notice": to_port(
        443,
        {
            "proto": "tcp",
            "note": "SSL::Invalid_Server_Cert",
            "msg": "SSL certificate validation failed with (self signed certificate)",
            "sub": "CN=www.example.com",
            "src": CLIENT,
            "dst": SERVER,
            "p": 443,
            "actions": ["Notice::ACTION_LOG"],
            "email_dest": [],
            "suppress_for": 3600.0,
        },
    ),
    "weird": to_port(80, name="bad_HTTP_request", addl="GETT", notice=False, peer="zeek-01", source="HTTP"),
    "pe": {
        "ts": TS,
        "id": FUID,
        "machine": "AMD64",
        "compile_ts": 1700000000.0,
        "os": "Windows XP",
        "subsystem": "WINDOWS_GUI",
        "is_exe": True,
        "is_64bit": True,
        "uses_aslr": True,
        "uses_dep": True,
        "uses_code_integrity": False,
        "uses_seh": True,
        "has_import_table": True,
        "has_export_table": False,
        "has_cert_table": False,
        "has_debug_data": False,
        "section_names": [".text", ".data"],
    },
    "ntp": to_port(
        123,
        version=4,
        mode=4,
        stratum=2,
        poll=64.0,
        precision=0.000001,
        root_delay=0.015,
        root_disp=0.002,
        ref_id="203.0.113.1",
        ref_time=1718452000.0,
        org_time=1718452799.5,
        rec_time=1718452799.75,
        xmt_time=1718452799.75,
        num_exts=0,
    ),
    "snmp": to_port(
        161,
        duration=0.5,
        version="2c",
        community="public",
        get_requests=1,
        get_bulk_requests=0,
        get_responses=1,
        set_requests=0,
        up_since=1717000000.0,
    ),
    "syslog": to_port(514, proto="udp", facility="DAEMON", severity="WARNING", message="disk\tnearly full\n"),
    "tunnel": to_port(0, tunnel_type="Tunnel::GRE", action="Tunnel::DISCOVER"),
    "software": {
        "ts": TS,
        "host": CLIENT,
        "software_type": "HTTP::BROWSER",
        "name": "curl",
        "version.major": 8,
        "version.minor": 5,
        "unparsed_version": "curl/8.5.0",
    },
    "known_hosts": {"ts": TS, "host": CLIENT},
    "known_services": {"ts": TS, "host": SERVER, "port_num": 22, "port_proto": "tcp", "service": ["SSH"]},
    "known_certs": {
        "ts": TS,
        "host": SERVER,
        "port_num": 443,
        "subject": "CN=a",
        "issuer_subject": "CN=b",
        "serial": "0A",
    },
    "analyzer": {
        "ts": TS,
        "cause": "violation",
        "analyzer_kind": "protocol",
        "analyzer_name": "HTTP",
        "uid": UID,
        **ID,
        "failure_reason": "not a http reply line",
    },
    "dpd": to_port(445, proto="tcp", analyzer="SMB", failure_reason="invalid index"),
    "socks": to_port(
        1080,
        {
            "version": 5,
            "user": "alice",
            "status": "succeeded",
            "request.host": OUTSIDE,
            "request_p": 22,
            "bound.host": SERVER,
            "bound_p": 40000,
        },
    ),
    "sip": to_port(
        5060,
        trans_depth=0,
        method="REGISTER",
        uri="sip:example.com",
        request_from="sip:alice@example.com",
        request_to="sip:alice@example.com",
        call_id="a1b2",
        seq="1 REGISTER",
        request_path=["SIP/2.0/UDP 192.0.2.10"],
        response_path=[],
        user_agent="softphone",
        status_code=200,
        status_msg="OK",
    ),
    "mysql": to_port(3306, cmd="query", arg="select 1", success=True, rows=1),
    "irc": to_port(6667, nick="alice", user="alice", command="JOIN", value="#example", addl=""),
    "modbus": to_port(502, tid=7, unit=1, func="READ_COILS", pdu_type="REQ"),
    "dnp3": to_port(20000, fc_request="READ", fc_reply="RESPONSE", iin=0),
    "mqtt_connect": to_port(
        1883, proto_name="MQTT", proto_version="3.1.1", client_id="sensor-7", connect_status="Connection Accepted"
    ),
    "mqtt_publish": to_port(
        1883,
        from_client=True,
        retain=False,
        qos="at most once",
        status="ok",
        topic="plant/7",
        payload="23.5",
        payload_len=4,
    ),
    "mqtt_subscribe": to_port(
        1883, action="MQTT::SUBSCRIBE", topics=["plant/7"], qos_levels=[0], granted_qos_level=0, ack=True
    ),
    "radius": to_port(1812, username="alice", mac="00-53-00-AA-BB-01", framed_addr=CLIENT, result="success", ttl=0.5),
    "ldap": to_port(
        389, message_id=1, version=3, opcode="bind simple", result="success", object="cn=alice,dc=example,dc=com"
    ),
    "ldap_search": to_port(
        389,
        message_id=2,
        scope="tree",
        deref_aliases="never",
        base_object="dc=example,dc=com",
        result_count=3,
        result="success",
        filter="(servicePrincipalName=*)",
    ),
    "quic": to_port(
        443,
        version="1",
        client_initial_dcid="c5a5015ae8f479784a",
        client_scid="05cb96",
        server_scid="01275b138ec6aca8",
        server_name="www.example.com",
        client_protocol="h3",
        history="ISishIHhH",
    ),
    "intel": to_port(
        53,
        {
            "seen.indicator": "bad.example.net",
            "seen.indicator_type": "Intel::DOMAIN",
            "seen.where": "DNS::IN_REQUEST",
            "seen.node": "worker-1",
            "matched": ["Intel::DOMAIN"],
            "sources": ["list, of own"],
        },
    ),
    "signatures": {
        "ts": TS,
        "uid": UID,
        "src_addr": CLIENT,
        "src_port": 49152,
        "dst_addr": SERVER,
        "dst_port": 80,
        "note": "Signatures::Sensitive_Signature",
        "sig_id": "http-probe",
        "event_msg": "192.0.2.10: a probe",
    },
    "ocsp": {
        "ts": TS,
        "id": FUID,
        "hashAlgorithm": "sha1",
        "issuerNameHash": "0A1B",
        "issuerKeyHash": "2C3D",
        "serialNumber": "4E5F",
        "certStatus": "good",
        "thisUpdate": 1718400000.0,
        "nextUpdate": 1718900000.0,
    },
    "traceroute": {"ts": TS, "src": CLIENT, "dst": OUTSIDE, "proto": "icmp"},
    "capture_loss": {"ts": TS, "ts_delta": 900.0, "peer": "worker-1", "gaps": 2, "acks": 900, "percent_lost": 0.222},
    "reporter": {"ts": TS, "level": "Reporter::WARNING", "message": "no such file", "location": ""},
    "packet_filter": {"ts": TS, "node": "worker-1", "filter": "ip or not ip", "init": True, "success": True},
    "stats": {
        "ts": TS,
        "peer": "worker-1",
        "mem": 120,
        "pkts_proc": 1000,
        "bytes_recv": 500000,
        "pkts_dropped": 0,
        "pkt_lag": 0.001,
        "events_proc": 5000,
        "events_queued": 5000,
        "active_tcp_conns": 3,
        "timers": 40,
        "files": 2,
        "dns_requests": 9,
    },
}


def dotted(log: str, record: dict[str, Any]) -> bytes:
    """Write the record as Zeek's own JSON writer does, with the log's name."""
    return orjson.dumps({"_path": log, **record})


def underscored(log: str, record: dict[str, Any]) -> bytes:
    """Write it for a store that takes no dots in names."""
    return orjson.dumps({"@stream": log, **{name.replace(".", "_"): value for name, value in record.items()}})


def nested(log: str, record: dict[str, Any]) -> bytes:
    """Write it for a store that makes objects of dotted names."""
    tree: dict[str, Any] = {"log_type": log}
    for name, value in record.items():
        *parents, leaf = name.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = value
    return orjson.dumps(tree)


def tagged(log: str, record: dict[str, Any]) -> bytes:
    """Write it as Zeek's Kafka writer does when told to tag."""
    return orjson.dumps({log: record})


def layout_of(log: str, record: dict[str, Any]) -> Layout:
    """Return the first layout of a log that has all columns of the record."""
    return next(found for found in LAYOUTS if found.log == log and record.keys() <= set(found.names))


def tsv(log: str, record: dict[str, Any]) -> bytes:
    """Write it as a data line of Zeek's ASCII writer."""
    return "\t".join(ascii_value(record.get(name)) for name in layout_of(log, record).names).encode()


def header(log: str, record: dict[str, Any]) -> bytes:
    """Write the header that Zeek puts before such lines."""
    layout = layout_of(log, record)
    own_kinds = {"bool", "count", "int", "port", "addr", "enum", "time", "interval", "double", "string"}
    types = [kind if kind in own_kinds or "[" in kind else "string" for kind in layout.kinds]
    types = ["set[string]" if kind.startswith("set[") else kind for kind in types]
    lines = (
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        f"#path\t{log}",
        "#open\t2024-06-15-12-00-00",
        "#fields\t" + "\t".join(layout.names),
        "#types\t" + "\t".join(types),
    )
    return "\n".join(lines).encode()


def ascii_value(value: Any, *, within: bool = False) -> str:
    """Write one value as Zeek's ASCII writer does."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, list):
        return ",".join(ascii_value(item, within=True) for item in value) or "(empty)"
    return escaped(value, within=within) if isinstance(value, str) else str(value)


def escaped(text: str, *, within: bool = False) -> str:
    """Escape a string so that it is one field, or one element, of a line."""
    if text in {"", "-"}:
        return "(empty)" if not text else "\\x2d"
    doubled = text.replace("\\", "\\\\").replace(",", "\\x2c" if within else ",")
    return "".join(char if ord(char) >= 32 and ord(char) != 127 else f"\\x{ord(char):02x}" for char in doubled)


def parse(raw: bytes, columns: tuple[str, ...] = (), broker_time: int = BROKER_TIME) -> Event | ParseError:
    """Parse one raw record."""
    return SOURCE.parse(RawRecord("zeek", raw, AT, broker_time, columns))


def event(log: str, record: dict[str, Any]) -> Event:
    """Return the event of a record, checked against the schema."""
    parsed = parse(dotted(log, record))
    assert isinstance(parsed, Event), parsed
    assert validate(parsed.ocsf) == []
    orjson.dumps(parsed.ocsf)
    return parsed


def ocsf(log: str, **changes: Any) -> dict[str, Any]:
    """Return the OCSF event of a log's example with some fields changed; None takes a field away."""
    return event(log, RECORDS[log] | changes).ocsf
