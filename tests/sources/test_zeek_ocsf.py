from __future__ import annotations

from typing import Any

import pytest

from tests.sources.zeek_records import CLIENT, FUID, OUTSIDE, RECORDS, SERVER, SHA256, TS_MS, UID, event, ocsf, to_port


@pytest.mark.parametrize(
    ("state", "activity", "status"),
    [
        ("S0", 4, 2),
        ("S1", 1, 1),
        ("SF", 2, 1),
        ("REJ", 5, 2),
        ("S2", 2, 1),
        ("S3", 2, 1),
        ("RSTO", 3, 1),
        ("RSTR", 3, 1),
        ("RSTOS0", 4, 2),
        ("RSTRH", 3, None),
        ("SH", 4, 2),
        ("SHR", 6, None),
        ("OTH", 6, None),
        ("new", 6, None),
    ],
)
def test_states_of_tcp_connections(state: str, activity: int, status: int | None) -> None:
    found = ocsf("conn", conn_state=state)
    assert (found["activity_id"], found.get("status_id")) == (activity, status)
    assert found["status_code"] == state


def test_one_way_udp_is_traffic_and_no_failure() -> None:
    found = ocsf("conn", proto="udp", conn_state="S0")
    assert (found["activity_id"], found.get("status_id")) == (6, None)


def test_a_connection_that_is_still_open_is_traffic() -> None:
    assert event("conn_long", RECORDS["conn"]).ocsf["activity_id"] == 6


def test_conn() -> None:
    found = ocsf("conn", community_id="1:abc=", orig_l2_addr="00-53-00-AA-BB-01")
    assert found["src_endpoint"] == {"ip": CLIENT, "port": 49152, "mac": "00:53:00:aa:bb:01"}
    assert found["dst_endpoint"] == {"ip": SERVER, "port": 443}
    assert found["connection_info"] == {
        "uid": UID,
        "protocol_name": "tcp",
        "protocol_num": 6,
        "protocol_ver_id": 4,
        "community_uid": "1:abc=",
        "direction_id": 2,
        "direction": "Outbound",
        "flag_history": "ShADadFf",
    }
    assert found["traffic"] == {
        "bytes_out": 1200,
        "bytes_in": 34000,
        "bytes": 35200,
        "packets_out": 20,
        "packets_in": 30,
        "packets": 50,
        "bytes_missed": 0,
    }
    assert found["duration"] == 1500
    assert found["metadata"]["original_event_uid"] == UID
    assert found["metadata"]["log_name"] == "conn"
    assert found["unmapped"] == {"orig_ip_bytes": 2240, "resp_ip_bytes": 35560}


@pytest.mark.parametrize(
    ("ends", "direction", "boundary"),
    [
        ((True, True), 3, 2),
        ((True, False), 2, None),
        ((False, True), 1, None),
        ((False, False), 0, 3),
        ((True, None), 0, None),
        ((None, None), 0, None),
    ],
)
def test_direction_and_boundary(ends: tuple[bool | None, ...], direction: int, boundary: int | None) -> None:
    found = ocsf("conn", local_orig=ends[0], local_resp=ends[1])["connection_info"]
    assert (found["direction_id"], found.get("boundary_id")) == (direction, boundary)


def test_icmp_has_no_ports() -> None:
    found = ocsf("conn", **{"proto": "icmp", "id.orig_h": "2001:db8::1", "id.orig_p": 128, "id.resp_p": 0})
    assert found["src_endpoint"] == {"ip": "2001:db8::1"}
    assert found["connection_info"]["protocol_num"] == 58
    assert found["unmapped"]["id.orig_p"] == 128


def test_dns() -> None:
    found = ocsf("dns")
    assert found["activity_id"] == 2
    assert found["query"] == {"hostname": "www.example.com", "type": "A", "class": "C_INTERNET", "packet_uid": 4711}
    assert found["answers"][0] == {"rdata": "203.0.113.5", "ttl": 300, "flag_ids": [3, 4]}
    assert (found["rcode_id"], found["rcode"], found["status_id"]) == (0, "NOERROR", 1)
    assert found["response_time"] == TS_MS + 12


def test_long_lists_are_cut_and_stay_unmapped() -> None:
    found = ocsf("dns", answers=["192.0.2.1"] * 300, TTLs=[1.0] * 300)
    assert (len(found["answers"]), len(found["unmapped"]["answers"]), found["answers"][0]["ttl"]) == (256, 300, 1)
    certificate = ocsf("x509", **{"san.dns": ["a.example.com"] * 300})
    assert len(certificate["tls"]["certificate"]["sans"]) == 256
    assert len(certificate["unmapped"]["san.dns"]) == 300


def test_dns_without_an_answer_is_a_query() -> None:
    found = ocsf("dns", rcode=None, rcode_name=None, answers=None, TTLs=None, rtt=None)
    assert found["activity_id"] == 1
    assert "status_id" not in found


@pytest.mark.parametrize(("code", "number", "status"), [(3, 3, 2), (5, 5, 2), (12, 99, 2), (4095, 99, 2)])
def test_dns_response_codes(code: int, number: int, status: int) -> None:
    found = ocsf("dns", rcode=code)
    assert (found["rcode_id"], found["status_id"], found["status_code"]) == (number, status, str(code))


def test_http() -> None:
    found = ocsf("http")
    assert found["activity_id"] == 3
    assert found["http_request"] == {
        "http_method": "GET",
        "url": {
            "url_string": "http://www.example.com/files/report.exe?id=7",
            "scheme": "http",
            "hostname": "www.example.com",
            "path": "/files/report.exe",
            "query_string": "id=7",
        },
        "user_agent": "curl/8.5.0",
        "referrer": "http://www.example.com/",
        "version": "1.1",
        "body_length": 0,
        "x_forwarded_for": ["203.0.113.80"],
    }
    assert found["http_response"] == {
        "code": 200,
        "message": "OK",
        "body_length": 5120,
        "content_type": "application/x-dosexec",
    }
    assert found["actor"] == {"user": {"name": "alice"}}
    assert found["metadata"]["profiles"] == ["host"]
    assert found["file"]["name"] == "report.exe"


@pytest.mark.parametrize(
    ("uri", "host", "url", "hostname", "path"),
    [
        ("/a?b=c", "example.com:8080", "http://example.com:8080/a?b=c", "example.com", "/a"),
        ("http://example.com/a", "proxy.example.net", "http://example.com/a", "proxy.example.net", "/a"),
        ("/to?http://example.com/", None, "/to?http://example.com/", None, "/to"),
        ("/", "[2001:db8::1]:80", "http://[2001:db8::1]:80/", "2001:db8::1", "/"),
        ("example.com:443", None, "example.com:443", None, "example.com:443"),
    ],
)
def test_urls(uri: str, host: str | None, url: str, hostname: str | None, path: str) -> None:
    found = ocsf("http", uri=uri, host=host)["http_request"]["url"]
    assert (found["url_string"], found.get("hostname"), found["path"]) == (url, hostname, path)


def test_a_method_that_ocsf_does_not_know() -> None:
    found = ocsf("http", method="PROPFIND", status_code=None)
    assert (found["activity_id"], found["activity_name"]) == (99, "PROPFIND")
    assert "http_method" not in found["http_request"]
    assert "http_response" not in found
    assert found["unmapped"]["status_msg"] == "OK"


def test_ssl() -> None:
    found = ocsf("ssl", ja4="t13d1516h2_8daaf6152771_02713d6af862")
    assert found["activity_id"] == 1
    assert found["tls"]["version"] == "TLSv1.2"
    assert found["tls"]["sni"] == "www.example.com"
    assert found["tls"]["ja3_hash"]["value"] == "e0fe397a5edfba9a6facc7c7b341f4eb"
    assert found["ja4_fingerprint_list"] == [{"type_id": 1, "value": "t13d1516h2_8daaf6152771_02713d6af862"}]


def test_a_handshake_that_failed() -> None:
    found = ocsf("ssl", established=False, version=None)
    assert (found["activity_id"], found["status_id"], found["tls"]["version"]) == (4, 2, "unknown")


def test_x509_names_no_endpoint_but_the_sensor() -> None:
    found = ocsf("x509")
    assert found["src_endpoint"] == {"svc_name": "zeek", "type_id": 13}
    assert found["is_src_dst_assignment_known"] is False
    certificate = found["tls"]["certificate"]
    assert certificate["serial_number"] == "0A1B2C3D4E"
    assert certificate["fingerprints"] == [{"algorithm": "SHA-256", "algorithm_id": 3, "value": SHA256}]
    assert (certificate["created_time"], certificate["is_self_signed"]) == (1_704_067_200_000, False)
    assert {"type": "IP", "name": "192.0.2.20"} in certificate["sans"]


def test_x509_of_a_sensor_that_names_the_hosts() -> None:
    found = ocsf("x509", rx=CLIENT, tx=SERVER)
    assert (found["src_endpoint"], found["dst_endpoint"]) == ({"ip": CLIENT}, {"ip": SERVER})
    of_client = ocsf("x509", rx=CLIENT, tx=SERVER, client_cert=True, host_cert=False)
    assert (of_client["unmapped"]["rx"], "dst_endpoint" in of_client) == (CLIENT, False)


def test_a_certificate_without_a_serial_stays_unmapped() -> None:
    found = ocsf("x509", **{"certificate.serial": None})
    assert "certificate" not in found["tls"]
    assert found["unmapped"]["certificate.subject"] == "CN=www.example.com,O=Example"


def test_files_of_a_download() -> None:
    found = ocsf("files")
    assert (found["class_uid"], found["activity_id"]) == (4010, 2)
    assert (found["src_endpoint"]["ip"], found["dst_endpoint"]["ip"]) == (CLIENT, SERVER)
    assert found["actor"] == {"app_name": "HTTP"}
    assert "profiles" not in found["metadata"]
    assert (found["file"]["name"], found["file"]["size"], found["file"]["uid"]) == ("report.exe", 5120, FUID)
    assert [each["algorithm"] for each in found["file"]["hashes"]] == ["MD5", "SHA-256"]
    assert found["metadata"]["original_event_uid"] == FUID


@pytest.mark.parametrize(("is_orig", "activity", "source"), [(True, 1, SERVER), (False, 2, CLIENT), (None, 99, SERVER)])
def test_files_of_zeek_5_and_before(is_orig: bool | None, activity: int, source: str) -> None:
    old = {name: value for name, value in RECORDS["files"].items() if not name.startswith("id.") and name != "uid"}
    old |= {"tx_hosts": [SERVER], "rx_hosts": [CLIENT], "conn_uids": [UID], "is_orig": is_orig}
    found = event("files", old).ocsf
    assert (found["activity_id"], found["src_endpoint"]["ip"]) == (activity, source)
    assert found["connection_info"]["uid"] == UID


def test_files_without_a_source_or_hosts_are_network_activity() -> None:
    assert ocsf("files", source=None)["class_uid"] == 4001
    assert ocsf("files", **{"id.orig_h": None})["class_uid"] == 4001


def test_smb() -> None:
    found = ocsf("smb_files")
    assert (found["class_uid"], found["activity_id"], found["command"]) == (4006, 2, "FILE_OPEN")
    assert found["share"] == "\\\\FS01.example.com\\Projects"
    assert (found["file"]["name"], found["file"]["path"]) == ("budget.xlsx", "plans\\2024\\budget.xlsx")
    deleted = ocsf("smb_files", action="SMB::FILE_DELETE", **{"times.created": -11644473600.0})
    assert (deleted["activity_id"], deleted["activity_name"]) == (99, "FILE_DELETE")
    assert deleted["unmapped"]["times.created"] == -11644473600.0
    mapped = ocsf("smb_mapping", share_type="PIPE")
    assert (mapped["share_type_id"], mapped["activity_name"]) == (2, "TREE_CONNECT")


def test_dce_rpc_over_a_pipe_is_smb_and_over_tcp_is_not() -> None:
    piped = ocsf("dce_rpc")
    assert (piped["class_uid"], piped["command"], piped["file"]["name"]) == (4006, "SamrConnect5", "lsass")
    over_tcp = ocsf("dce_rpc", named_pipe="135")
    assert (over_tcp["class_uid"], over_tcp["activity_name"]) == (4001, "SamrConnect5")


def test_kerberos() -> None:
    found = ocsf("kerberos")
    assert (found["class_uid"], found["activity_id"], found["status_id"]) == (3002, 4, 1)
    assert found["user"] == {"name": "alice", "domain": "EXAMPLE.COM", "type_id": 1}
    assert found["service"] == {"name": "cifs/fs01.example.com"}
    assert found["authentication_token"]["type_id"] == 2


@pytest.mark.parametrize(
    ("changes", "activity"),
    [
        ({"request_type": "AS"}, 3),
        ({"request_type": None, "service": "krbtgt/EXAMPLE.COM"}, 3),
        ({"request_type": None}, 4),
        ({"request_type": None, "service": None}, 0),
        ({"request_type": "AS", "success": False, "error_msg": "KDC_ERR_PREAUTH_FAILED"}, 6),
    ],
)
def test_kinds_of_kerberos_requests(changes: dict[str, Any], activity: int) -> None:
    assert ocsf("kerberos", **changes)["activity_id"] == activity


@pytest.mark.parametrize(
    ("client", "user"),
    [
        ("WS07$/EXAMPLE.COM", {"name": "WS07$", "domain": "EXAMPLE.COM", "type_id": 3}),
        ("host/ws07.example.com/EXAMPLE.COM", {"name": "host/ws07.example.com", "domain": "EXAMPLE.COM", "type_id": 1}),
        ("alice", {"name": "alice", "type_id": 1}),
    ],
)
def test_kerberos_principals(client: str, user: dict[str, Any]) -> None:
    assert ocsf("kerberos", client=client)["user"] == user


@pytest.mark.parametrize(
    ("log", "field"), [("kerberos", "client"), ("ntlm", "username"), ("radius", "username")], ids=str
)
def test_nobody_is_made_up_for_a_login_without_a_user(log: str, field: str) -> None:
    found = ocsf(log, **{field: None}, success=False, error_msg="KDC_ERR_PREAUTH_REQUIRED")
    assert (found["class_uid"], found["status_id"]) == (4001, 2)
    assert "user" not in found


def test_ntlm() -> None:
    found = ocsf("ntlm")
    assert (found["auth_protocol_id"], found["logon_type_id"], found["status_id"]) == (1, 3, 2)
    assert found["user"] == {"name": "bob", "domain": "EXAMPLE", "type_id": 1}
    assert (found["src_endpoint"]["hostname"], found["dst_endpoint"]["hostname"]) == ("WS07", "fs01.example.com")


@pytest.mark.parametrize(("worked", "activity"), [(True, 1), (False, 4), (None, 6)])
def test_ssh(worked: bool | None, activity: int) -> None:
    found = ocsf("ssh", auth_success=worked)
    assert (found["activity_id"], found["connection_info"]["direction_id"]) == (activity, 1)


def test_rdp() -> None:
    found = ocsf("rdp")
    assert (found["identifier_cookie"], found["src_endpoint"]["hostname"]) == ("alice", "WS07")
    assert found["remote_display"] == {"physical_width": 1920, "physical_height": 1080, "color_depth": 32}
    assert found["status_id"] == 1
    assert ocsf("rdp", result="encrypted", auth_success=False)["status_id"] == 2
    assert "status_id" not in ocsf("rdp", result="encrypted")


@pytest.mark.parametrize(("command", "activity"), [("STOR", 1), ("RETR", 2), ("DELE", 4), ("LIST", 6), ("EPSV", 99)])
def test_ftp(command: str, activity: int) -> None:
    found = ocsf("ftp", command=command)
    assert (found["activity_id"], found["command"], found["status_id"]) == (activity, command, 1)
    assert found["actor"] == {"user": {"name": "svc-backup"}}
    assert ("file" in found) is (activity != 99)


def test_an_ftp_user_that_zeek_did_not_see_is_nobody() -> None:
    assert "actor" not in ocsf("ftp", user="<unknown>")


def test_smtp() -> None:
    found = ocsf("smtp")
    assert found["email"]["from"] == "alice@example.com"
    assert found["email"]["to"] == ["bob@example.org", "carol@example.org"]
    assert found["email"]["smtp_to"] == ["bob@example.org"]
    assert found["status_id"] == 1


def test_smtp_that_names_nobody_is_network_activity() -> None:
    found = ocsf("smtp", mailfrom="not an address", rcptto=None, to=[], **{"from": "<>"})
    assert found["class_uid"] == 4001
    assert found["unmapped"]["mailfrom"] == "not an address"


def test_dhcp_grants_an_address() -> None:
    found = ocsf("dhcp")
    assert (found["activity_id"], found["lease_dur"]) == (5, 3600)
    assert found["src_endpoint"] == {
        "ip": CLIENT,
        "mac": "00:53:00:aa:bb:01",
        "hostname": "ws07",
        "domain": "example.com",
    }
    assert found["dst_endpoint"] == {"ip": SERVER}


def test_a_client_without_an_address_is_known_by_its_hardware() -> None:
    found = ocsf("dhcp", msg_types=["DISCOVER"], client_addr=None, assigned_addr=None, host_name=None, domain=None)
    assert found["activity_id"] == 1
    assert found["src_endpoint"] == {"mac": "00:53:00:aa:bb:01", "uid": "00:53:00:aa:bb:01"}
    assert "lease_dur" not in found


@pytest.mark.parametrize(("action", "activity"), [("DISCOVER", 1), ("CLOSE", 2), ("EXPIRE", 2), ("HOP", 99)])
def test_tunnel(action: str, activity: int) -> None:
    found = ocsf("tunnel", action=f"Tunnel::{action}")
    assert (found["activity_id"], found["tunnel_type"], found["protocol_name"]) == (activity, "GRE", "gre")


@pytest.mark.parametrize(("log", "word"), [("notice", "SSL::Invalid_Server_Cert"), ("intel", "DNS::IN_REQUEST")])
def test_findings_of_the_sensor_are_alerts(log: str, word: str) -> None:
    found = ocsf(log)
    assert (found["is_alert"], found["activity_name"], found["disposition_id"]) == (True, word, 19)
    assert found["metadata"]["profiles"] == ["security_control"]
    assert found["src_endpoint"]["ip"] == CLIENT


def test_a_notice_without_a_connection_has_its_hosts() -> None:
    bare = {name: value for name, value in RECORDS["notice"].items() if not name.startswith("id.")}
    found = event("notice", bare).ocsf
    assert (found["src_endpoint"]["ip"], found["dst_endpoint"]) == (CLIENT, {"ip": SERVER, "port": 443})


def test_socks_goes_to_whom_the_client_asked_for() -> None:
    found = ocsf("socks")
    assert found["dst_endpoint"] == {"ip": OUTSIDE, "port": 22, "proxy_endpoint": {"ip": SERVER, "port": 1080}}
    assert found["actor"] == {"user": {"name": "alice"}}


def test_a_service_that_was_found_listens() -> None:
    found = ocsf("known_services")
    assert (found["activity_id"], found["src_endpoint"]) == (7, {"ip": SERVER, "port": 22})


def test_the_sensor_is_where_it_was_seen() -> None:
    assert ocsf("weird")["network_observation_point"] == {"name": "zeek-01", "type_id": 13}


@pytest.mark.parametrize(
    ("log", "word"), [("weird", "bad_HTTP_request"), ("modbus", "READ_COILS"), ("mysql", "query"), ("pe", "pe")]
)
def test_every_other_log_is_named_for_what_happened(log: str, word: str) -> None:
    found = ocsf(log)
    assert (found["class_uid"], found["activity_id"], found["activity_name"]) == (4001, 99, word)


def test_when_the_sensor_wrote_the_record() -> None:
    found = ocsf("conn", _write_ts="2024-06-15T12:00:05.000000Z")
    assert found["metadata"]["logged_time"] == TS_MS - 250 + 5000
    assert "_write_ts" not in found["unmapped"]


def test_a_log_of_ones_own_is_an_event() -> None:
    found = event("factory_floor", {"ts": TS_MS / 1000, "belt": 7, "detail": {"speed": 1.5}}).ocsf
    assert found["activity_name"] == "factory_floor"
    assert found["unmapped"] == {"belt": 7, "detail.speed": 1.5}


def test_an_address_that_is_none_stays_unmapped() -> None:
    found = event("conn", to_port(80, {"id.orig_h": "host.example.com", "id.resp_h": "300.1.1.1"})).ocsf
    assert found["src_endpoint"] == {"svc_name": "zeek", "type_id": 13}
    assert found["unmapped"]["id.orig_h"] == "host.example.com"
