from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enrichers.entities import entities_of
from models.event import Event, LogSource
from models.ocsf_schema import validate
from models.records import Context, Coordinates, ParseError, RawRecord
from streams.sources.cisco.asa import SOURCE
from streams.sources.cisco.asa_messages import MEANINGS
from tests.sources import fuzz

NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z
AUTH, FLOW, FINDING, ACCOUNT, TUNNEL, API = 3002, 4001, 2004, 3001, 4014, 6003
VPN = "Group <staff> User <alice> IP <203.0.113.9>"
# message, class, activity, status, what else the event has by dotted name
CASES: list[tuple[str, int, int, int | None, dict[str, Any]]] = [
    (
        (
            "%ASA-6-302013: Built inbound TCP connection 7 for outside:203.0.113.9/51000 (203.0.113.9/51000)"
            "(LOCAL\\alice) to inside:192.0.2.5/443 (198.51.100.5/443)"
        ),
        *(FLOW, 1, 1),
        {"src_endpoint.ip": "203.0.113.9", "dst_endpoint.port": 443, "actor.user.name": "alice"},
    ),
    (
        (
            "%ASA-6-302015: Built outbound UDP connection 8 for outside:203.0.113.53/53 (203.0.113.53/53)"
            " to inside:192.0.2.5/50000 (198.51.100.1/50000)"
        ),
        *(FLOW, 1, 1),
        {"src_endpoint.ip": "192.0.2.5", "dst_endpoint.ip": "203.0.113.53", "connection_info.direction_id": 2},
    ),
    (
        (
            "%ASA-6-302014: Teardown TCP connection 7 for outside:203.0.113.9/51000 to inside:192.0.2.5/443"
            " duration 0:01:07 bytes 38110 TCP Reset-O"
        ),
        *(FLOW, 3, 2),
        {"duration": 67_000, "traffic.bytes": 38_110, "status_detail": "TCP Reset-O", "connection_info.uid": "7"},
    ),
    (
        (
            "%FTD-6-302014: Teardown TCP connection 9 for outside:2001:db8::1/80 to inside:2001:db8::5/1758"
            " duration 0:00:30 bytes 0 SYN Timeout"
        ),
        *(FLOW, 4, 2),
        {"src_endpoint.ip": "2001:db8::1", "src_endpoint.port": 80, "src_endpoint.interface_name": "outside"},
    ),
    (
        "%ASA-6-302021: Teardown ICMP connection for faddr 203.0.113.9/0 gaddr 198.51.100.1/1 laddr 192.0.2.5/1",
        *(FLOW, 2, 1),
        {"dst_endpoint": {"ip": "192.0.2.5"}},
    ),
    (
        "%ASA-6-305011: Built dynamic TCP translation from inside:192.0.2.5/1772 to outside:198.51.100.1/8256",
        *(FLOW, 1, 1),
        {"src_endpoint.port": 1772, "dst_endpoint.port": 8256},
    ),
    (
        '%ASA-4-106023: Deny icmp src outside:203.0.113.9 dst inside:192.0.2.5 (type 8, code 0) by access-group "in"',
        *(FLOW, 5, 2),
        {"firewall_rule.name": "in", "action_id": 2, "actor": None},
    ),
    (
        "%ASA-2-106001: Inbound TCP connection denied from 203.0.113.9/5 to 192.0.2.5/22 flags SYN  on interface x",
        *(FLOW, 5, 2),
        {"severity_id": 4, "dst_endpoint.port": 22, "unmapped.flags": "SYN"},
    ),
    ("%ASA-2-106006: Deny inbound UDP from 203.0.113.9/5 to 192.0.2.5/22 on interface x", FLOW, 5, 2, {}),
    ("%ASA-6-106015: Deny TCP (no connection) from 203.0.113.9/5 to 192.0.2.5/22 flags RST ACK", FLOW, 5, 2, {}),
    (
        "%ASA-4-106100: access-list in denied tcp outside/203.0.113.9(51000)(LOCAL\\bob) -> inside/192.0.2.5(22)",
        *(FLOW, 5, 2),
        {"firewall_rule.name": "in", "src_endpoint.port": 51_000, "actor.user.name": "bob"},
    ),
    (
        "%ASA-4-106100: access-list in permitted tcp outside/203.0.113.9(51000) -> inside/192.0.2.5(22) hit-cnt 1",
        *(FLOW, 6, 1),
        {"action_id": 1},
    ),
    (
        "%ASA-6-113004: AAA user authentication Successful : server =  192.0.2.10 : user = alice",
        *(AUTH, 1, 1),
        {"user.name": "alice", "unmapped.server": "192.0.2.10"},
    ),
    (
        (
            "%ASA-6-113005: AAA user authentication Rejected : reason = AAA failure : server = 192.0.2.10 : user = bob"
            " : user IP = 203.0.113.9"
        ),
        *(AUTH, 1, 2),
        {"user.name": "bob", "src_endpoint.ip": "203.0.113.9", "status_detail": "AAA failure"},
    ),
    (
        (
            "%ASA-6-113015: AAA user authentication Rejected : reason = Invalid password : local database : user ="
            " *****: user IP = 203.0.113.9"
        ),
        *(FLOW, 99, 2),
        {"src_endpoint.ip": "203.0.113.9"},
    ),
    (
        (
            "%ASA-4-113019: Group = staff, Username = alice, IP = 203.0.113.9, Session disconnected. Session Type: SSL,"
            " Duration: 0h:01m:02s, Bytes xmt: 100, Bytes rcv: 20, Reason: User Requested"
        ),
        *(AUTH, 2, 1),
        {"user.name": "alice", "status_detail": "User Requested"},
    ),
    (f"%ASA-6-716001: {VPN} WebVPN session started.", AUTH, 1, 1, {"src_endpoint.ip": "203.0.113.9"}),
    (f"%ASA-6-716039: {VPN} Authentication: rejected, Session Type: WebVPN.", AUTH, 1, 2, {"user.name": "alice"}),
    (f"%ASA-5-722033: {VPN} First TCP SVC connection established for SVC session.", TUNNEL, 1, 1, {}),
    (
        f"%ASA-4-722051: {VPN} IPv4 Address <10.9.0.7> IPv6 address <::> assigned to session",
        *(TUNNEL, 1, 1),
        {"tunnel_interface.ip": "10.9.0.7", "user.name": "alice"},
    ),
    (
        '%ASA-6-605004: Login denied from 203.0.113.9/2345 to inside:192.0.2.1/ssh for user "root"',
        *(AUTH, 1, 2),
        {"dst_endpoint.port": 22, "user.name": "root"},
    ),
    ('%ASA-6-605005: Login permitted from 203.0.113.9/2345 to inside:192.0.2.1/https for user "a"', AUTH, 1, 1, {}),
    (
        "%ASA-5-111010: User 'alice', running 'CLI' from IP 192.0.2.7, executed 'clear logging buffer'",
        *(API, 99, 1),
        {"api.operation": "clear logging buffer", "actor.user.name": "alice", "src_endpoint.ip": "192.0.2.7"},
    ),
    ("%ASA-5-111008: User 'alice' executed the 'no logging enable' command.", API, 99, 1, {}),
    (
        "%ASA-5-502101: New user added to local dbase: Uname: eve Priv: 1 Encpass: x",
        ACCOUNT,
        1,
        1,
        {"user.name": "eve"},
    ),
    ("%ASA-4-733100: [ Scanning] drop rate-1 exceeded. Current burst rate is 10 per second", FINDING, 1, 1, {}),
    (
        "%ASA-4-400011: IDS:2001 ICMP host unreachable from 203.0.113.9 to 192.0.2.5 on interface outside",
        *(FINDING, 1, 1),
        {"finding_info.analytic.name": "ICMP host unreachable", "finding_info.analytic.uid": "2001"},
    ),
    (
        "%ASA-3-199018: something went from 203.0.113.9 to 192.0.2.5.",
        *(FLOW, 99, None),
        {"activity_name": "ASA-199018", "src_endpoint.ip": "203.0.113.9", "dst_endpoint.ip": "192.0.2.5"},
    ),
    ("%ASA-3-199018: nothing known", FLOW, 99, None, {"message": "nothing known", "severity_id": 3}),
]
LINES = [case[0].encode() for case in CASES]
BUILT = CASES[0][0]


def parse(line: str, *, broker_time: int = NOON, context: Context | None = None) -> Event:
    record = RawRecord("cisco_asa", line.encode(), Coordinates("raw.cisco_asa", 0, 1), broker_time)
    event = SOURCE.parse(replace(record, context=context) if context else record)
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == []
    return event


def at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


@pytest.mark.parametrize(("line", "class_uid", "activity", "status", "more"), CASES)
def test_messages(line: str, class_uid: int, activity: int, status: int | None, more: dict[str, Any]) -> None:
    event = parse(line)
    body = event.ocsf
    assert SOURCE.recognize(line.encode(), None)
    assert (body["class_uid"], body["activity_id"], body.get("status_id")) == (class_uid, activity, status)
    assert {path: at(body, path) for path in more} == more
    assert body["metadata"]["event_code"] == line[7:13]
    assert body["raw_data"] == line


@pytest.mark.parametrize(
    ("header", "time", "host"),
    [
        ("", NOON + 1, None),
        ("<166>", NOON + 1, None),
        ("<166>Jun 15 2024 10:00:00: ", NOON - 7_200_000, None),
        ("<166>Jun 15 2024 10:00:00 fw1 : ", NOON - 7_200_000, "fw1"),
        ("Jun 15 2024 10:00:00 fw1 CiscoASA[999]: ", NOON - 7_200_000, "fw1"),
        ("Jun 15 10:00:00 fw1 ", NOON - 7_200_000, "fw1"),
        ("<166>2024-06-15T10:00:00Z fw1 : ", NOON - 7_200_000, "fw1"),
        ("<166>1 2024-06-15T12:00:00+02:00 fw1 - - - - ", NOON - 7_200_000, "fw1"),
        ("Jun 15 12:00:01 relay Jun 15 2024 10:00:00 fw1 : ", NOON - 7_200_000, "fw1"),
        ("Jun 15 2024 12:00:01 fw1 Jun 15 2024 10:00:00: ", NOON - 7_200_000, "fw1"),
        (":Jun 15 10:00:00 UTC: ", NOON - 7_200_000, None),
        ("Jun 15 2024 10:00:00 192.0.2.1 : ", NOON - 7_200_000, "192.0.2.1"),
    ],
)
def test_headers(header: str, time: int, host: str | None) -> None:
    event = parse(header + BUILT, broker_time=NOON + 1)
    device = event.ocsf["device"]
    assert event.time == time
    assert (device.get("hostname") or device.get("ip")) == host
    assert event.ocsf["src_endpoint"]["ip"] == "203.0.113.9"
    assert SOURCE.recognize((header + BUILT).encode(), None)


def test_local_times_are_of_the_record_s_zone() -> None:
    context = Context(zone="Europe/Oslo", host="fw9")
    event = parse("Jun 15 2024 14:00:00: " + BUILT, context=context)
    assert (event.time, event.ocsf["device"]["hostname"]) == (NOON, "fw9")
    assert parse("Jun 15 2024 12:00:00 UTC: " + BUILT, context=context).time == NOON
    assert parse(BUILT, context=context).uid != parse(BUILT).uid


def test_marks() -> None:
    for mark in ("%ASA-session-6-302013", "%FTD-6-302013", "%PIX-6-302013", "%FWSM-6-302013", "%ASA--6-302013"):
        assert parse(BUILT.replace("%ASA-6-302013", mark)).ocsf["src_endpoint"]["ip"] == "203.0.113.9"
    for other in ("%ASA-8-302013: x", "%IOS-6-302013: x", "ASA-6-302013: x", "%SYS-5-CONFIG_I: x", "x" * 600 + BUILT):
        assert not SOURCE.recognize(other.encode(), None)
        assert isinstance(SOURCE.parse(RawRecord("", other.encode(), Coordinates("t", 0, 1), NOON)), ParseError)


def test_entities_and_the_names_of_rules() -> None:
    event = parse(f"Jun 15 2024 12:00:00 fw1 : {BUILT}")
    assert {"host:fw1", "ip:203.0.113.9", "ip:192.0.2.5"} <= {str(key) for key in entities_of(event.ocsf)}
    assert event.logsource == LogSource("cisco", "asa", ("firewall",))
    assert (event.native["src_ip"], event.native["dst_port"]) == ("203.0.113.9", 443)
    command = parse("%ASA-5-111008: User 'alice' executed the 'clear logging' command.")
    assert command.logsource == LogSource("cisco", "aaa")
    assert "clear logging" in command.native["message"]


def test_alerts_are_about_the_network() -> None:
    assert parse("%ASA-4-733100: [ Scanning] drop rate-1 exceeded.").domain == "network"


def test_no_message_takes_longer_than_its_length() -> None:
    for message_id in MEANINGS:
        for filling in ("(", "( ", " User ", "a:", "outside:192.0.2.1/1 (", " : ", "' "):
            fuzz.check(SOURCE, f"%ASA-6-{message_id}: {filling * 2000}".encode())
    fuzz.check(SOURCE, ("Jun 15 2024 12:00:00 " * 20_000).encode() + LINES[0])


def test_hostile_lines() -> None:
    fuzz.text_records(SOURCE, LINES, runs=800)
    fuzz.anything(SOURCE, 50)
