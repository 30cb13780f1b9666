"""Firewall lines in CEF, LEEF and FortiGate's form: escapes, labels, kinds of events."""

from __future__ import annotations

import pytest

from models.records import Context, ParseError
from streams.detect.record import Record
from streams.sources.firewall.lines import read
from streams.sources.firewall.source import SOURCE
from tests.sources import fuzz
from tests.sources.parsing import kind, names, one, raw

NOON = 1_718_452_800_000
PALO_ALTO = (
    rb"<134>Jun 15 12:00:00 fw01 CEF:0|Palo Alto Networks|PAN-OS|10.2.3|end|TRAFFIC|1|rt=Jun 15 2024 12:00:00 GMT "
    rb"src=10.20.1.42 dst=203.0.113.9 spt=50512 dpt=443 proto=tcp app=ssl act=allow suser=corp\\alice cs1Label=Rule "
    rb"cs1=Allow Web cs4Label=Source Zone cs4=trust in=8000 out=1200 externalId=7788"
)
PALO_ALTO_THREAT = (
    rb"<14>1 2024-06-15T12:00:00Z fw01 - - - - CEF:0|Palo Alto Networks|PAN-OS|10.2.3|vulnerability|THREAT|8|"
    rb"src=198.51.100.7 dst=10.20.1.9 spt=4444 dpt=80 proto=tcp act=reset-both cat=Apache Log4j T1190(91991)"
)
IMPERVA = (
    rb"CEF:0|Imperva Inc.|SecureSphere \| WAF|13.0|Firewall|SQL injection|High|act=Block dst=10.20.1.9 dpt=443 "
    rb"src=203.0.113.77 spt=33333 proto=TCP rt=1718452800000 cs1=a \| b cs1Label=Policy msg=a\=b c\\d line\nnext x"
)
FORTINET_CEF = (
    rb"CEF:0|Fortinet|Fortigate|v7.2.5|32002|event:system login failed|7|rt=1718452800000 src=198.51.100.7 "
    rb"suser=alice outcome=failed msg=Administrator alice login failed"
)
WEB = (
    rb"CEF:0|Forcepoint|Security|8.5|9|Transaction permitted|1|act=permitted rt=1718452800000 src=10.20.1.42 "
    rb"dst=203.0.113.9 dpt=443 requestMethod=GET request=https://www.example.com/a/b.exe?q=1&r=2 "
    rb"requestClientApplication=curl/8 (x; y\=z) suser=alice"
)
CHECK_POINT = (
    rb"LEEF:2.0|Check Point|VPN-1 & FireWall-1|1.0|Drop|^|src=10.20.1.42^dst=192.0.2.9^srcPort=5353^dstPort=53^"
    rb"proto=17^devTime=1718452800000^act=Drop^sev=5"
)
TREND_MICRO = (
    rb"LEEF:2.0|Trend Micro|Deep Security Agent|20.0|4000000|0x09|cat=Anti-Malware" + b"\t"
    rb"name=Eicar_test_file" + b"\tsev=6\tdvchost=ws-0042\tact=Delete\tfilePath=C:\\temp\\eicar.com\tusrName=alice"
    b"\tdevTime=Jun 15 2024 12:00:00"
)
LEEF_1 = b"Jun 15 12:00:00 fw02 LEEF:1.0|Example|Gate|1|login|src=10.20.1.42\tusrName=bob\tresult=success"
FORTIGATE = (
    b'<189>date=2024-06-15 time=14:00:00 devname="FGT-1" devid="FG100" eventtime=1718452800000000000 tz="+0200" '
    b'logid="0000000013" type="traffic" subtype="forward" level="notice" srcip=10.20.1.42 srcport=50000 '
    b'dstip=203.0.113.9 dstport=23 proto=6 action="deny" policyid=7 service="TELNET" sentbyte=40 rcvdbyte=0'
)
FORTIGATE_EVENT = (
    b'date=2024-06-15 time=14:00:00 devname="FGT-1" devid="FG100" tz="+0200" logid="0100044547" type="event" '
    b'subtype="system" level="information" user="admin" action="Add" cfgpath="user.local" cfgobj="b\\"ob"'
)
LINES = [
    PALO_ALTO,
    PALO_ALTO_THREAT,
    IMPERVA,
    FORTINET_CEF,
    WEB,
    CHECK_POINT,
    TREND_MICRO,
    LEEF_1,
    FORTIGATE,
    FORTIGATE_EVENT,
]
KINDS = [(4001, 6), (2004, 1), (2004, 1), (3002, 1), (4002, 3), (4001, 5), (2004, 1), (3002, 1), (4001, 5), (4001, 6)]


@pytest.mark.parametrize(("line", "wanted"), list(zip(LINES, KINDS, strict=True)))
def test_what_each_line_becomes(line: bytes, wanted: tuple[int, int]) -> None:
    event = one(SOURCE, line, Context(year=2024))
    assert kind(event) == wanted
    assert event.time == NOON


def test_escapes_of_header_and_extension() -> None:
    line = read(IMPERVA.decode())
    assert line.product == "SecureSphere | WAF"
    assert line.fields["msg"] == "a=b c\\d line\nnext x"
    assert line.labelled == {"Policy": "a | b"}
    assert read(WEB.decode()).fields["request"] == "https://www.example.com/a/b.exe?q=1&r=2"
    assert read(FORTIGATE_EVENT.decode()).fields["cfgobj"] == 'b"ob'


def test_a_header_escaped_to_its_end_is_refused() -> None:
    found = SOURCE.parse(raw(SOURCE, b"CEF:0|a|b|c|d|e" + b"\\|" * 9))
    assert isinstance(found, ParseError)
    assert found.field == "header"


def test_delimiters_of_leef() -> None:
    assert read("LEEF:2.0|V|P|1|E|x5E|a=1^b=2").fields == {"a": "1", "b": "2"}
    assert read("LEEF:2.0|V|P|1|E||a=1\tb=2 3").fields == {"a": "1", "b": "2 3"}
    assert read("LEEF:2.0|V|P|1|E|a=1\tb=2").fields == {"a": "1", "b": "2"}
    assert read("LEEF:1.0|V|P|1|E|a=1 b=2 3 c=4").fields == {"a": "1", "b": "2 3", "c": "4"}


def test_a_connection_with_its_rule_and_user() -> None:
    event = one(SOURCE, PALO_ALTO)
    body = event.ocsf
    assert body["src_endpoint"] == {"ip": "10.20.1.42", "port": 50512}
    assert body["dst_endpoint"] == {"ip": "203.0.113.9", "port": 443}
    assert body["traffic"] == {"bytes_out": 1200, "bytes_in": 8000, "bytes": 9200}
    assert (body["disposition"], body["firewall_rule"]["name"]) == ("Allowed", "Allow Web")
    assert body["metadata"]["original_event_uid"] == "7788"
    assert body["metadata"]["log_source"] == "fw01"
    assert names(event) == {"ip:10.20.1.42", "ip:203.0.113.9", "user:corp\\alice"}
    native = Record(event.native)
    assert native.texts("dst_port") == ("443",)
    assert native.texts("blocked") == ("false",)
    assert native.texts("Rule") == ("Allow Web",)
    assert event.logsource.categories == ("firewall",)
    assert body["unmapped"]["cs4"] == "trust"


def test_alerts_are_findings_about_the_network() -> None:
    event = one(SOURCE, PALO_ALTO_THREAT)
    body = event.ocsf
    assert event.domain == "network"
    assert body["severity_id"] == 4
    assert body["disposition"] == "Reset"
    assert body["finding_info"]["attacks"] == [{"technique": {"uid": "T1190"}}]
    assert body["evidences"][0]["src_endpoint"]["ip"] == "198.51.100.7"
    assert body["device"]["ip"] == "10.20.1.9"


def test_a_product_on_the_host_names_its_host() -> None:
    event = one(SOURCE, TREND_MICRO)
    assert "host:ws-0042" in names(event)
    assert event.ocsf["evidences"][0]["file"]["name"] == "eicar.com"
    assert Record(event.native).texts("Filename") == ("C:\\temp\\eicar.com",)
    assert not [name for name in names(one(SOURCE, PALO_ALTO)) if name.startswith("host:")]


def test_sign_ins() -> None:
    failed = one(SOURCE, FORTINET_CEF)
    assert (failed.ocsf["status"], failed.ocsf["user"]["name"]) == ("Failure", "alice")
    assert one(SOURCE, LEEF_1, Context(year=2024)).ocsf["status"] == "Success"


def test_web_requests() -> None:
    event = one(SOURCE, WEB)
    assert event.ocsf["http_request"]["url"]["hostname"] == "www.example.com"
    assert event.ocsf["http_request"]["user_agent"] == "curl/8 (x; y=z)"
    assert Record(event.native).texts("c-uri-extension") == ("exe",)
    assert "proxy" in event.logsource.categories


def test_fortigate_under_the_names_of_its_rules() -> None:
    event = one(SOURCE, FORTIGATE_EVENT)
    assert (event.logsource.product, event.logsource.service) == ("fortigate", "event")
    native = Record(event.native)
    assert (native.texts("action"), native.texts("cfgpath")) == (("Add",), ("user.local",))
    denied = one(SOURCE, FORTIGATE).ocsf
    assert (denied["disposition"], denied["connection_info"]["protocol_name"]) == ("Blocked", "tcp")


def test_two_hosts_may_write_the_same_line() -> None:
    line = CHECK_POINT
    first, second = (one(SOURCE, line, Context(host=host)).uid for host in ("fw01", "fw02"))
    assert first != second


@pytest.mark.parametrize("line", [b"hello", b"Jun 15 12:00:00 host sshd[1]: CEF is fine", b"a=1 b=2", b"CEF:0"])
def test_others_are_not_taken(line: bytes) -> None:
    assert not SOURCE.recognize(line, None)
    assert isinstance(SOURCE.parse(raw(SOURCE, line, broker_time=NOON)), ParseError)


def test_hostile_lines() -> None:
    fuzz.text_records(SOURCE, LINES, runs=1500)
    fuzz.anything(SOURCE, examples=60)
    for filler in (b"a=" * 200_000, b"\\" * 400_000, b" a\\=b" * 100_000, b"|" * 300_000, b'x="' * 150_000):
        for start in (b"CEF:0|a|b|c|d|e|f|", b"LEEF:1.0|a|b|c|d|", b'date=2024-06-15 devid="F" logid="1" type="x" '):
            fuzz.check(SOURCE, start + filler)
