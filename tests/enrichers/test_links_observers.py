"""What each observer finds in events, as sources make them of records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from enrichers.links import GIVEN_JUST_NOW_MS, HOUR_MS, Persons, links_of, observed
from enrichers.links.persons import MAX_NAMES, person_links
from models.entity import EntityKey
from models.event import Event, LogSource
from models.records import Coordinates, RawRecord
from streams.sources.registry import SOURCES

NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z
AT = Coordinates("raw.test", 0, 1)
INSTANCE = "i-0123456789abcdef0"
ROLE = "arn:aws:sts::123456789012:assumed-role/admin/cli"
ALICE_ARN = "arn:aws:iam::123456789012:user/alice"
DEVICE = {"hostname": "ws1.corp.example.com", "type_id": 0}
CORP_ALICE = {"name": "alice", "domain": "CORP", "uid": "S-1-5-21-1-2-3-1104", "type_id": 1}
Ends = set[tuple[str, str]]


def event(class_uid: int, source: str = "test", time: int = NOON, **attributes: Any) -> Event:
    body = {"class_uid": class_uid, "time": time, "status_id": 1, **attributes}
    return Event("e1", time, source, LogSource(source), {}, body, AT, "")


def ends(of: Event, persons: Persons | None = None) -> Ends:
    found = links_of(of, persons) if persons else links_of(of)
    return {(str(link.left), str(link.right)) for link in found}


def shown(class_uid: int, **attributes: Any) -> Ends:
    return ends(event(class_uid, **attributes))


def parsed(source: str, record: dict[str, Any] | str) -> Event:
    raw = record.encode() if isinstance(record, str) else json.dumps(record).encode()
    found = SOURCES[source].parse(RawRecord(source, raw, AT, NOON))
    assert isinstance(found, Event), found
    return found


def cloudtrail(name: str, service: str = "ec2", **fields: Any) -> Event:
    record = {
        "eventVersion": "1.08",
        "eventTime": "2024-06-15T12:00:00Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-north-1",
        "sourceIPAddress": "198.51.100.7",
        "requestID": "r1",
        "eventID": "e1",
        "recipientAccountId": "123456789012",
        "userIdentity": {
            "type": "IAMUser",
            "arn": ALICE_ARN,
            "accountId": "123456789012",
            "accessKeyId": "AKIAEXAMPLE000000001",
            "userName": "alice",
        },
    }
    return parsed("aws_cloudtrail", record | fields)


def assume(**response: Any) -> Event:
    made = {
        "credentials": {"accessKeyId": "ASIAEXAMPLE000000009", "expiration": "Jun 15, 2024, 1:00:00 PM"},
        "assumedRoleUser": {"assumedRoleId": "AROAEXAMPLE:cli", "arn": ROLE},
    }
    asked = {"roleArn": "arn:aws:iam::123456789012:role/admin", "roleSessionName": "cli"}
    return cloudtrail("AssumeRole", "sts", requestParameters=asked, responseElements=made | response)


def test_an_assumed_role_is_its_caller_s_and_so_are_the_credentials() -> None:
    assert ends(assume()) >= {
        (f"user:{ALICE_ARN}", f"user:{ROLE}"),
        ("session:asiaexample000000009", f"user:{ROLE}"),
        ("session:asiaexample000000009", f"user:{ALICE_ARN}"),
        ("session:akiaexample000000001", "session:asiaexample000000009"),
    }


def lasting(of: Event) -> dict[tuple[str, str], int]:
    """Return until when links hold that begin when the event happened, ms after it."""
    found = [link for link in links_of(of) if link.valid_from == of.time - GIVEN_JUST_NOW_MS]
    return {(str(link.left), str(link.right)): link.valid_to - of.time for link in found}


@pytest.mark.parametrize("more", [{}, {"sourceIdentity": "alice@example.com"}])
def test_a_role_is_its_caller_s_for_as_long_as_the_credentials_hold(more: dict[str, str]) -> None:
    credentials = {"accessKeyId": "ASIAEXAMPLE000000009", "expiration": "Jun 15, 2024, 8:00:00 PM"}
    caller = f"user:{ALICE_ARN}"
    origin = {("session:asiaexample000000009", "user:alice@example.com"), ("user:alice@example.com", f"user:{ROLE}")}
    expected = {(caller, f"user:{ROLE}"), ("session:asiaexample000000009", caller)} | (origin if more else set())
    found = assume(credentials=credentials, **more)
    assert lasting(found) == dict.fromkeys(expected, 8 * HOUR_MS)
    assert expected <= {(str(one.left), str(one.right)) for one in links_of(found) if one.valid_from == NOON - HOUR_MS}


@pytest.mark.parametrize(
    "expiration", ["Jun 15, 2024, 1:00:00 PM", "Jun 14, 2024, 1:00:00 PM", "soon", None, 7, True, 10**30]
)
def test_credentials_that_expire_within_the_hour_or_nobody_knows_when_hold_as_all_else(expiration: object) -> None:
    assert lasting(assume(credentials={"accessKeyId": "ASIAEXAMPLE000000009", "expiration": expiration})) == {}


def test_credentials_hold_a_day_at_most() -> None:
    credentials = {"accessKeyId": "ASIAEXAMPLE000000009", "expiration": "Jun 25, 2024, 8:00:00 PM"}
    assert set(lasting(assume(credentials=credentials)).values()) == {24 * HOUR_MS}


def test_the_source_identity_is_known_however_long_the_chain() -> None:
    found = ends(assume(sourceIdentity="alice@example.com"))
    assert found >= {
        ("session:asiaexample000000009", "user:alice@example.com"),
        ("user:alice@example.com", f"user:{ROLE}"),
    }


def test_a_role_that_was_refused_is_nobody_s() -> None:
    refused = cloudtrail("AssumeRole", "sts", errorCode="AccessDenied", requestParameters={"roleArn": ROLE})
    assert ends(refused) == set()


def test_calls_tell_again_whose_key_and_whose_address_it_is() -> None:
    assert ends(cloudtrail("ListUsers", "iam")) == {
        ("session:akiaexample000000001", f"user:{ALICE_ARN}"),
        ("ip:198.51.100.7", f"user:{ALICE_ARN}"),
    }


def acting(arn: str) -> dict[str, Any]:
    name = arn.rpartition("/")[2]
    user = {"uid_alt": arn, "name": name, "email_addr": name, "credential_uid": "ASIA1"}
    return {"cloud": {"provider": "AWS"}, "actor": {"user": user, "session": {"uid": "ASIA1"}}}


def test_only_a_provider_s_word_makes_a_session_name_a_person() -> None:
    sso = "arn:aws:sts::123456789012:assumed-role/awsreservedsso_dev_1/bob@example.com"
    assert shown(6003, **acting(sso)) == {
        ("session:asia1", f"user:{sso}"),
        ("session:asia1", "user:bob@example.com"),
        (f"user:{sso}", "user:bob@example.com"),
    }
    claimed = "arn:aws:sts::123456789012:assumed-role/admin/bob@example.com"
    assert shown(6003, **acting(claimed)) == {("session:asia1", f"user:{claimed}")}


def test_the_role_of_an_instance_is_the_instance_s() -> None:
    role = f"arn:aws:sts::123456789012:assumed-role/app/{INSTANCE}"
    assert (f"user:{role}", f"workload:{INSTANCE}") in shown(6003, **acting(role))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        (
            "RunInstances",
            {
                "responseElements": {
                    "instancesSet": {"items": [{"instanceId": INSTANCE, "privateIpAddress": "10.0.1.5"}]}
                }
            },
        ),
        (
            "DescribeInstances",
            {
                "responseElements": {
                    "reservationSet": {
                        "items": [
                            {
                                "instancesSet": {
                                    "items": [
                                        {
                                            "instanceId": INSTANCE,
                                            "networkInterfaceSet": {"items": [{"privateIpAddress": "10.0.1.5"}]},
                                        }
                                    ]
                                }
                            }
                        ]
                    }
                }
            },
        ),
        (
            "CreateNetworkInterface",
            {
                "responseElements": {
                    "networkInterface": {"privateIpAddress": "10.0.1.5", "attachment": {"instanceId": INSTANCE}}
                }
            },
        ),
        ("AssociateAddress", {"requestParameters": {"instanceId": INSTANCE, "publicIp": "10.0.1.5"}}),
    ],
)
def test_the_control_plane_tells_the_addresses_of_instances(name: str, fields: dict[str, Any]) -> None:
    assert ("ip:10.0.1.5", f"workload:{INSTANCE}") in ends(cloudtrail(name, **fields))


def test_who_opens_a_shell_on_an_instance_is_there() -> None:
    wanted = (f"user:{ALICE_ARN}", f"workload:{INSTANCE}")
    assert wanted in ends(cloudtrail("StartSession", "ssm", requestParameters={"target": INSTANCE}))
    assert wanted in ends(cloudtrail("SendCommand", "ssm", requestParameters={"instanceIds": [INSTANCE]}))
    asked = {"instancesSet": {"items": [{"instanceId": INSTANCE}]}}
    assert wanted not in ends(cloudtrail("RebootInstances", requestParameters=asked))


def test_flow_logs_tell_whose_interface_has_the_address() -> None:
    end = {"ip": "10.0.1.5", "instance_uid": INSTANCE}
    assert shown(4001, src_endpoint=end, dst_endpoint={"ip": "203.0.113.9"}) == {
        ("ip:10.0.1.5", f"workload:{INSTANCE}")
    }
    google = {"ip": "10.128.0.5", "instance_uid": "3141592653", "hostname": "web-1"}
    assert ("host:web-1", "ip:10.128.0.5") in shown(4001, dst_endpoint=google)


def test_a_lease_holds_from_when_it_was_given_for_as_long_as_it_says() -> None:
    client = {"hostname": "LAPTOP-7", "ip": "10.0.0.77"}
    (link,) = links_of(event(4004, activity_id=5, src_endpoint=client, lease_dur=7200))
    assert (link.valid_from, link.valid_to) == (NOON - GIVEN_JUST_NOW_MS, NOON + 2 * HOUR_MS)
    assert not link.holds_at(NOON - HOUR_MS)
    (again,) = links_of(event(4004, activity_id=5, src_endpoint=client, lease_dur=3600))
    assert again.uid != link.uid


@pytest.mark.parametrize("stated", [None, 0, -5, "7200", True, 2**70])
def test_a_lease_of_no_known_length_holds_for_hours_and_none_for_longer_than_a_day(stated: Any) -> None:
    client = {"hostname": "laptop-7", "ip": "10.0.0.77"}
    (link,) = links_of(event(4004, activity_id=5, src_endpoint=client, lease_dur=stated))
    assert link.valid_to <= NOON + 24 * HOUR_MS


def test_a_tunnel_gives_its_user_an_inner_address() -> None:
    line = (
        "<166>Jun 15 2024 12:00:00 fw1 : %ASA-6-722051: Group <staff> User <alice> IP <198.51.100.7> "
        "IPv4 Address <10.8.0.5> IPv6 address <::> assigned to session"
    )
    assert ends(parsed("cisco_asa", line)) == {
        ("ip:198.51.100.7", "user:alice"),
        ("ip:10.8.0.5", "user:alice"),
        ("ip:10.8.0.5", "ip:198.51.100.7"),
    }


def test_a_gateway_tells_who_is_behind_it() -> None:
    source = {"ip": "10.0.0.9", "intermediate_ips": ["203.0.113.7", "10.0.0.9", "junk"]}
    assert shown(4002, src_endpoint=source, actor={"user": {"name": "alice"}}) == {
        ("ip:10.0.0.9", "user:alice"),
        ("ip:10.0.0.9", "ip:203.0.113.7"),
    }


@pytest.mark.parametrize(
    ("name", "rdata", "is_seen"),
    [
        ("db1.corp", "10.0.0.7", True),
        ("db1.eu.internal", "10.0.0.7", True),
        ("ws-alice.example.net", "10.0.0.7", False),  # whoever owns that zone may point it at anything
        ("db1.corp", "203.0.113.7", False),
        ("db1", "10.0.0.7", False),
    ],
)
def test_answers_about_hosts_of_one_s_own(name: str, rdata: str, *, is_seen: bool) -> None:
    answers = [{"type": "A", "rdata": rdata}, {"type": "CNAME", "rdata": "x.corp"}, "junk"]
    found = shown(4003, activity_id=2, query={"hostname": name}, answers=answers)
    assert found == ({("host:db1", "ip:10.0.0.7")} if is_seen else set())


def test_a_logon_at_the_host_shows_who_works_there_and_one_over_the_network_does_not() -> None:
    logon = {"device": DEVICE, "user": CORP_ALICE, "session": {"uid": "0x7f3a2"}}
    at_host = shown(3002, logon_type_id=2, **logon)
    assert at_host - shown(3002, logon_type_id=3, **logon) == {("host:ws1", "user:corp\\alice")}
    assert ("session:ws1/0x7f3a2", "user:corp\\alice") in at_host
    assert ("user:corp\\alice", "user:s-1-5-21-1-2-3-1104") in at_host


@pytest.mark.parametrize(("code", "is_switch"), [("4648", True), ("4624", False)])
def test_only_explicit_credentials_join_two_accounts_of_a_host(code: str, *, is_switch: bool) -> None:
    logon = {"device": DEVICE, "user": {"name": "svc-backup"}, "actor": {"user": CORP_ALICE}}
    found = shown(3002, metadata={"event_code": code}, **logon)
    assert (("user:corp\\alice", "user:svc-backup") in found) is is_switch


def test_processes_tell_again_whose_logon_it_is() -> None:
    process = {"user": CORP_ALICE, "session": {"uid": "0x7f3a2"}}
    assert shown(1007, device=DEVICE, process=process) == {
        ("session:ws1/0x7f3a2", "user:corp\\alice"),
        ("host:ws1", "user:corp\\alice"),
    }
    assert shown(1007, device=DEVICE, process=process | {"session": {"uid": "0x3e7"}}) == set()


def audit(**fields: Any) -> Event:
    record = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": "a1",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/shop/pods/web-1/status",
        "verb": "patch",
        "user": {"username": "system:node:node-3"},
        "sourceIPs": ["10.9.0.3"],
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "web-1", "subresource": "status"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "2024-06-15T12:00:00.000000Z",
        "stageTimestamp": "2024-06-15T12:00:00.000000Z",
    }
    return parsed("kubernetes_audit", record | fields)


POD_UID = "3f0c9a52-1f4e-4b9a-8d56-5b6f3f4f6b11"
POD = {
    "kind": "Pod",
    "metadata": {"namespace": "shop", "name": "web-1", "uid": POD_UID},
    "spec": {"nodeName": "node-3", "serviceAccountName": "web"},
    "status": {
        "podIP": "10.244.0.9",
        "hostIP": "10.9.0.3",
        "containerStatuses": [{"containerID": "containerd://" + "ab" * 32}],
    },
}


def test_a_pod_is_joined_with_its_address_node_account_and_containers() -> None:
    found = ends(audit(responseObject=POD))
    assert found >= {
        ("ip:10.244.0.9", "workload:shop/web-1"),
        ("host:node-3", "workload:shop/web-1"),
        ("user:system:serviceaccount:shop:web", "workload:shop/web-1"),
        (f"workload:{POD_UID}", "workload:shop/web-1"),
        ("workload:abababababab", "workload:shop/web-1"),
        ("host:node-3", "ip:10.9.0.3"),
    }


def test_a_pod_on_the_network_of_its_node_has_no_address_of_its_own() -> None:
    on_host = POD | {"status": {"podIP": "10.9.0.3", "hostIP": "10.9.0.3"}}
    assert ("ip:10.9.0.3", "workload:shop/web-1") not in ends(audit(responseObject=on_host))


def test_a_bound_token_tells_the_pod_of_its_service_account() -> None:
    claims = {"pod-name": ["web-1"], "pod-uid": [POD_UID], "credential-id": ["JTI=0a1b"]}
    extra = {f"authentication.kubernetes.io/{name}": value for name, value in claims.items()}
    user = {"username": "system:serviceaccount:shop:web", "extra": extra}
    found = ends(audit(verb="get", user=user, sourceIPs=["10.244.0.9"]))
    assert found >= {
        ("user:system:serviceaccount:shop:web", "workload:shop/web-1"),
        ("ip:10.244.0.9", "workload:shop/web-1"),
        ("session:jti=0a1b", "user:system:serviceaccount:shop:web"),
        (f"workload:{POD_UID}", "workload:shop/web-1"),
    }


def test_who_enters_a_pod_is_there() -> None:
    about = {"resource": "pods", "namespace": "shop", "name": "web-1", "subresource": "exec"}
    uri = "/api/v1/namespaces/shop/pods/web-1/exec?command=sh"
    entered = audit(verb="create", user={"username": "alice@example.com"}, objectRef=about, requestURI=uri)
    assert ("user:alice@example.com", "workload:shop/web-1") in ends(entered)


def test_a_runtime_tells_the_pod_and_the_host_of_a_container() -> None:
    device = {"hostname": "node-3", "container": {"uid": "ab" * 32, "pod_uuid": POD_UID}}
    assert shown(6002, device=device) == {
        (f"workload:{POD_UID}", "workload:abababababab"),
        ("host:node-3", "workload:abababababab"),
    }


def test_the_names_of_a_person_are_linked_each_with_each_for_as_long_as_the_table_says() -> None:
    names = ["Alice@example.com", "CORP\\alice", "S-1-5-21-1-2-3-1104", "100234", "", "alice@example.com"]
    found = person_links(names, 5, 9, "record-1")
    assert len(found) == 4 * 3 // 2
    assert {str(end) for link in found for end in (link.left, link.right)} == {
        "user:alice@example.com",
        "user:corp\\alice",
        "user:s-1-5-21-1-2-3-1104",
        "user:100234",
    }
    assert {(link.valid_from, link.valid_to, link.evidence) for link in found} == {(5, 9, "record-1")}
    assert person_links(["alice"], 5, 9, "r") == ()
    assert len(person_links([f"a{number}" for number in range(50)], 5, 9, "r")) == MAX_NAMES * (MAX_NAMES - 1) // 2


def test_what_is_linked_to_a_name_is_linked_to_the_person() -> None:
    persons = Persons([["alice@example.com", "CORP\\alice"], ["bob@example.com", "CORP\\bob"]])
    process = {"user": CORP_ALICE, "session": {"uid": "0x7f3a2"}}
    assert ends(event(1007, device=DEVICE, process=process), persons) == {
        ("session:ws1/0x7f3a2", "user:corp\\alice"),
        ("session:ws1/0x7f3a2", "user:alice@example.com"),
        ("host:ws1", "user:corp\\alice"),
        ("host:ws1", "user:alice@example.com"),
        ("user:alice@example.com", "user:corp\\alice"),
    }


def test_a_name_that_two_persons_have_is_nobody_s() -> None:
    persons = Persons([["alice@example.com", "admin"], ["bob@example.com", "admin"]])
    assert persons.first_name(EntityKey("user", "admin")) is None
    assert persons.first_name(EntityKey("user", "alice@example.com")) is None
    assert persons.first_name(EntityKey("host", "admin")) is None


def test_every_link_says_which_observer_found_it() -> None:
    assert {name for name, _ in observed(assume())} == {"authentication", "roles"}
