"""Suricata's EVE records: what each event type becomes, and that nothing hostile gets through."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from models.ocsf_schema import validate
from models.records import Context, ParseError
from streams.detect.record import Record
from streams.sources.suricata.eve import SOURCE
from tests.sources import fuzz
from tests.sources.parsing import kind, names, one, raw

FLOW = {
    "timestamp": "2024-06-15T06:00:00.250000-0600",
    "flow_id": 1127398650588751,
    "in_iface": "eth1",
    "src_ip": "10.20.1.42",
    "src_port": 50096,
    "dest_ip": "203.0.113.9",
    "dest_port": 443,
    "proto": "TCP",
    "host": "sensor-1",
    "community_id": "1:abc=",
    "ether": {"src_mac": "AA-BB-CC-00-11-22", "dest_mac": "aa:bb:cc:00:11:33"},
}


def eve(word: str, told: Any, **more: Any) -> dict[str, Any]:
    return {**FLOW, "event_type": word, word: told, **more}


RULE = {
    "action": "allowed",
    "gid": 1,
    "signature_id": 2018358,
    "rev": 10,
    "signature": "EXAMPLE Suspicious POST",
    "category": "Potentially Bad Traffic",
    "severity": 1,
    "metadata": {"mitre_technique_id": ["T1071"], "mitre_tactic_id": ["TA0011"], "confidence": ["High"]},
}
HTTP = {
    "hostname": "www.example.com:8080",
    "url": "/a/b.exe?q=1",
    "http_user_agent": "curl/8",
    "http_refer": "http://example.org/",
    "http_method": "POST",
    "protocol": "HTTP/1.1",
    "status": 404,
    "length": 51,
    "http_content_type": "text/html",
    "xff": "198.51.100.7",
}
QUESTION = {"rrname": "c2.example.net", "rrtype": "TXT"}
ANSWER = {"rrname": "c2.example.net", "rrtype": "TXT", "ttl": 60, "rdata": "hello"}
TLS = {
    "subject": "CN=example.com",
    "issuerdn": "CN=example.com",
    "serial": "00:AB",
    "fingerprint": ":".join(["ab"] * 20),
    "sni": "example.com",
    "version": "TLS 1.2",
    "notbefore": "2024-01-01T00:00:00",
    "notafter": "2025-01-01T00:00:00",
    "ja3": {"hash": "e7eca2baf4458d095b7f45da28c16c34", "string": "771,1,2"},
    "ja4": "t13d1516h2_8daaf6152771_b186095e22b6",
}
COUNTED = {
    "pkts_toserver": 5,
    "pkts_toclient": 4,
    "bytes_toserver": 500,
    "bytes_toclient": 400,
    "start": "2024-06-15T05:59:58.000000-0600",
    "end": "2024-06-15T05:59:59.500000-0600",
    "state": "closed",
    "reason": "shutdown",
}
SMB = {
    "command": "SMB2_COMMAND_CREATE",
    "disposition": "FILE_CREATE",
    "status": "STATUS_ACCESS_DENIED",
    "filename": "temp\\tool.exe",
    "share": "\\\\fs01\\c$",
    "ntlmssp": {"domain": "CORP", "user": "alice", "host": "WS-1"},
}
DHCP = {
    "type": "reply",
    "dhcp_type": "ack",
    "id": 77,
    "client_mac": "aa:bb:cc:00:11:22",
    "assigned_ip": "10.20.1.50",
    "hostname": "ws-50",
    "lease_time": 3600,
    "relay_ip": "0.0.0.0",  # noqa: S104  # what DHCP writes for none
}
KERBEROS = {
    "msg_type": "KRB_ERROR",
    "failed_request": "KRB_AS_REQ",
    "cname": "bob",
    "realm": "CORP",
    "error_code": "KDC_ERR_PREAUTH_FAILED",
    "sname": "krbtgt/CORP",
}
FILE = {"filename": "/tmp/x.bin", "size": 9, "md5": "a" * 32, "sha256": "b" * 64, "state": "CLOSED"}  # noqa: S108  # a path in a record
MAIL = {"from": "Alice <alice@example.com>", "to": ["<bob@example.org>"], "subject": "hi", "attachment": ["a.zip"]}
RECORDS = {
    "alert": eve("alert", RULE, http=HTTP, app_proto="http"),
    "flow": eve("flow", COUNTED, tcp={"tcp_flags": "1b"}),
    "netflow": eve("netflow", {"pkts": 3, "bytes": 300, "start": COUNTED["start"], "end": COUNTED["end"]}),
    "dns_v1": eve("dns", {"type": "answer", "id": 7, "rcode": "NOERROR", **ANSWER}),
    "dns_v2": eve(
        "dns", {"version": 2, "type": "answer", "id": 7, "rcode": "NXDOMAIN", **QUESTION, "answers": [ANSWER]}
    ),
    "dns_grouped": eve(
        "dns", {"version": 2, "type": "answer", **QUESTION, "rcode": "NOERROR", "grouped": {"TXT": ["a"]}}
    ),
    "dns_v3": eve(
        "dns", {"version": 3, "type": "response", "rcode": "NOERROR", "queries": [QUESTION], "answers": [ANSWER]}
    ),
    "dns_query": eve("dns", {"version": 2, "type": "query", "id": 7, **QUESTION}),
    "http": eve("http", HTTP, app_proto="http"),
    "tls": eve("tls", TLS),
    "ssh": eve("ssh", {"client": {"proto_version": "2.0", "hassh": {"hash": "c" * 32, "string": "x"}}, "server": {}}),
    "smb": eve("smb", SMB),
    "rdp": eve("rdp", {"event_type": "initial_request", "cookie": "alice", "client": {"client_name": "ws-9"}}),
    "dhcp": eve("dhcp", DHCP),
    "ftp": eve("ftp", {"command": "RETR", "command_data": "a.txt", "completion_code": ["226"], "reply": ["done"]}),
    "smtp": eve("smtp", {"helo": "mx", "mail_from": "<alice@example.com>"}, email=MAIL),
    "krb5": eve("krb5", KERBEROS),
    "fileinfo": eve("fileinfo", FILE, http=HTTP, app_proto="http"),
    "anomaly": eve("anomaly", {"type": "stream", "event": "stream.pkt_invalid_ack"}),
    "drop": eve("drop", {"len": 40, "reason": "rules"}),
    "stats": {"timestamp": FLOW["timestamp"], "event_type": "stats", "stats": {"uptime": 8}},
    "mqtt": eve("mqtt", {"publish": {"topic": "a"}}),
}
KINDS = {
    "alert": (2004, 1),
    "flow": (4001, 2),
    "netflow": (4001, 6),
    "dns_v1": (4003, 2),
    "dns_v2": (4003, 2),
    "dns_grouped": (4003, 2),
    "dns_v3": (4003, 2),
    "dns_query": (4003, 1),
    "http": (4002, 6),
    "tls": (4001, 1),
    "ssh": (4007, 1),
    "smb": (4006, 3),
    "rdp": (4005, 1),
    "dhcp": (4004, 5),
    "ftp": (4008, 2),
    "smtp": (4009, 1),
    "krb5": (3002, 3),
    "fileinfo": (4002, 6),
    "anomaly": (4001, 99),
    "drop": (4001, 6),
    "stats": (4001, 99),
    "mqtt": (4001, 99),
}


@pytest.mark.parametrize("name", RECORDS)
def test_what_each_event_type_becomes(name: str) -> None:
    event = one(SOURCE, RECORDS[name])
    assert kind(event) == KINDS[name]
    assert event.time == 1_718_452_800_250
    assert event.ocsf["metadata"]["event_code"] == RECORDS[name]["event_type"]


def test_an_alert_keeps_its_signature_and_what_was_seen() -> None:
    event = one(SOURCE, RECORDS["alert"])
    body = event.ocsf
    assert event.domain == "network"
    assert body["severity_id"] == 4
    assert body["finding_info"]["analytic"]["uid"] == "1:2018358"
    assert body["finding_info"]["title"] == "EXAMPLE Suspicious POST"
    assert body["finding_info"]["attacks"] == [{"technique": {"uid": "T1071"}}]
    assert body["confidence"] == "High"
    (seen,) = body["evidences"]
    assert (seen["src_endpoint"]["ip"], seen["dst_endpoint"]["port"]) == ("10.20.1.42", 443)
    assert seen["url"]["hostname"] == "www.example.com"
    assert body["device"]["ip"] == "10.20.1.42"  # the private end is one's own
    assert body["disposition"] == "Alert"
    assert "ip:10.20.1.42" in names(event)


def test_a_blocked_alert_and_its_named_target() -> None:
    rule = {**RULE, "action": "blocked", "target": {"ip": "203.0.113.9"}}
    body = one(SOURCE, eve("alert", rule)).ocsf
    assert (body["disposition"], body["device"]["ip"]) == ("Blocked", "203.0.113.9")


def test_a_flow_has_its_traffic_and_its_span() -> None:
    body = one(SOURCE, RECORDS["flow"]).ocsf
    assert body["traffic"] == {
        "bytes_out": 500,
        "bytes_in": 400,
        "bytes": 900,
        "packets_out": 5,
        "packets_in": 4,
        "packets": 9,
    }
    assert (body["duration"], body["connection_info"]["tcp_flags"]) == (1500, 0x1B)
    assert body["src_endpoint"]["mac"] == "aa:bb:cc:00:11:22"
    assert body["metadata"]["correlation_uid"] == "1127398650588751"


@pytest.mark.parametrize("name", ["dns_v1", "dns_v2", "dns_v3"])
def test_dns_of_every_version_reads_alike(name: str) -> None:
    event = one(SOURCE, RECORDS[name])
    assert event.ocsf["query"]["hostname"] == "c2.example.net"
    assert event.ocsf["answers"] == [{"rdata": "hello", "type": "TXT", "ttl": 60}]
    assert event.logsource.categories == ("dns",)
    native = Record(event.native)
    assert native.texts("query") == ("c2.example.net",)
    assert native.texts("record_type") == ("TXT",)
    assert native.texts("answer") == ("hello",)


def test_the_answer_of_version_3_comes_from_the_server() -> None:
    body = one(SOURCE, RECORDS["dns_v3"]).ocsf
    assert (body["src_endpoint"]["ip"], body["dst_endpoint"]["ip"]) == ("203.0.113.9", "10.20.1.42")
    assert one(SOURCE, RECORDS["dns_v2"]).ocsf["src_endpoint"]["ip"] == "10.20.1.42"


def test_grouped_answers_and_response_codes() -> None:
    assert one(SOURCE, RECORDS["dns_grouped"]).ocsf["answers"] == [{"rdata": "a", "type": "TXT"}]
    body = one(SOURCE, RECORDS["dns_v2"]).ocsf
    assert (body["rcode_id"], body["rcode"], body["status"]) == (3, "NXDomain", "Failure")


def test_http_under_sigma_names() -> None:
    event = one(SOURCE, RECORDS["http"])
    native = Record(event.native)
    assert native.texts("c-uri") == ("/a/b.exe?q=1",)
    assert native.texts("c-uri-extension") == ("exe",)
    assert native.texts("cs-host") == ("www.example.com",)
    assert native.texts("cs-method") == ("POST",)
    assert native.texts("http.status") == ("404",)
    assert event.ocsf["http_request"]["url"]["url_string"] == "http://www.example.com:8080/a/b.exe?q=1"
    assert event.ocsf["status"] == "Failure"


def test_tls_has_names_certificate_and_fingerprints() -> None:
    tls = one(SOURCE, RECORDS["tls"]).ocsf["tls"]
    assert (tls["sni"], tls["version"]) == ("example.com", "TLS 1.2")
    assert tls["certificate"]["is_self_signed"] is True
    assert tls["ja3_hash"]["algorithm"] == "MD5"


def test_users_and_hosts_are_entities() -> None:
    assert "user:corp\\alice" in names(one(SOURCE, RECORDS["smb"]))
    assert any("bob" in name for name in names(one(SOURCE, RECORDS["krb5"])))
    assert {"host:ws-50", "ip:10.20.1.50"} <= names(one(SOURCE, RECORDS["dhcp"]))
    assert one(SOURCE, RECORDS["krb5"]).ocsf["status"] == "Failure"


def test_mail_and_files() -> None:
    mail = one(SOURCE, RECORDS["smtp"]).ocsf["email"]
    assert (mail["from"], mail["to"]) == ("alice@example.com", ["bob@example.org"])
    assert one(SOURCE, RECORDS["fileinfo"]).ocsf["file"]["hashes"][0]["algorithm"] == "SHA-256"


def test_a_time_without_zone_is_of_the_zone_that_is_set() -> None:
    record = {**RECORDS["http"], "timestamp": "2024-06-15T14:00:00.250000"}
    assert one(SOURCE, record, Context(zone="Europe/Berlin")).time == 1_718_452_800_250
    assert one(SOURCE, record).time == 1_718_460_000_250


def test_what_has_no_attribute_is_unmapped() -> None:
    body = one(SOURCE, RECORDS["mqtt"]).ocsf
    assert body["unmapped"]["mqtt"] == {"publish": {"topic": "a"}}
    assert body["activity_name"] == "mqtt"


@pytest.mark.parametrize("value", [{}, {"event_type": "x"}, {"timestamp": "x", "event_type": "login", "flow_id": 1}])
def test_others_are_not_taken(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"{}", value)


def test_a_record_without_event_type_is_refused() -> None:
    found = SOURCE.parse(raw(SOURCE, {"timestamp": FLOW["timestamp"]}))
    assert isinstance(found, ParseError)
    assert found.field == "event_type"


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, list(RECORDS.values()), runs=1500)
    fuzz.anything(SOURCE, examples=60)
    fuzz.too_much(SOURCE, RECORDS["alert"], ["event_type", "alert", "http", "src_ip"])


def test_recorded_alerts(shared: Path) -> None:
    paths = sorted((shared / "data" / "suricata").glob("*.ndjson.gz"))
    if not paths:
        pytest.skip("left out: the recorded Suricata alerts are not there")
    for path in paths:
        with gzip.open(path) as lines:
            for line in lines:
                event = one(SOURCE, line.rstrip(b"\n"))
                assert validate(event.ocsf) == []
                assert event.ocsf["finding_info"]["analytic"]["uid"].startswith("1:")
                assert event.ocsf["evidences"][0]["src_endpoint"]["ip"]
