from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.entities import MAX_ENTITIES, entities_of
from models.entity import MAX_ENTITY_VALUE, EntityKey

ACCOUNT = "123456789012"
DEVICE = {"hostname": "MKT01.corp.example.com", "type_id": 0}
ROLE_SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Web/i-0ABCDEF0123456789"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def keys(event: dict[str, Any]) -> list[str]:
    return [str(key) for key in entities_of(event)]


def of_type(kind: str, event: dict[str, Any]) -> list[str]:
    return [key.value for key in entities_of(event) if key.type == kind]


def test_an_event_of_a_host() -> None:
    event = {
        "device": DEVICE | {"ip": "10.0.0.5"},
        "actor": {
            "user": {"name": "Alice", "domain": "CORP", "uid": "S-1-5-21-1-2-3-1104"},
            "session": {"uid": "0x7F3A2"},
            "process": {"pid": 1, "user": {"name": "bob", "domain": "corp.example.com"}},
        },
        "dst_endpoint": {"ip": "203.0.113.9", "port": 443},
    }
    assert keys(event) == [
        "host:mkt01",
        "ip:10.0.0.5",
        "ip:203.0.113.9",
        "session:mkt01/0x7f3a2",
        "user:corp\\alice",
        "user:corp\\bob",
    ]


def test_an_alert_names_the_other_side_in_its_evidence() -> None:
    evidence = {
        "src_endpoint": {"ip": "203.0.113.9"},
        "dst_endpoint": {"ip": "10.0.0.5", "instance_uid": "i-1"},
        "actor": {"user": {"name": "alice@example.com"}, "session": {"uid": "asia2"}},
        "process": {"pid": 1, "user": {"name": "bob@example.com"}},
    }
    event = {"class_uid": 2004, "evidences": [evidence, None, 5], "device": DEVICE}
    assert keys(event) == [
        "host:mkt01",
        "ip:10.0.0.5",
        "ip:203.0.113.9",
        "session:asia2",
        "user:alice@example.com",
        "user:bob@example.com",
        "workload:i-1",
    ]
    assert keys({"evidences": "none"}) == []


def test_a_mail_names_its_recipients() -> None:
    mail = {"from": "eve@example.net", "to": ["alice@example.com", "bob@example.com", 5]}
    assert keys({"email": mail}) == ["user:alice@example.com", "user:bob@example.com"]


def test_an_event_of_a_cloud() -> None:
    event = {
        "actor": {
            "user": {"name": "alice", "uid_alt": f"arn:aws:iam::{ACCOUNT}:user/dev/Alice", "credential_uid": "AKIA1"},
            "session": {"uid": "ASIA2", "issuer": f"arn:aws:iam::{ACCOUNT}:role/deploy"},
        },
        "cloud": {"provider": "AWS", "account": {"uid": ACCOUNT}},
        "src_endpoint": {"ip": "203.0.113.7"},
    }
    assert keys(event) == [
        f"account:{ACCOUNT}",
        "ip:203.0.113.7",
        "session:akia1",
        "session:asia2",
        f"user:arn:aws:iam::{ACCOUNT}:user/alice",
    ]


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({"name": "Alice"}, ["alice"]),
        ({"name": "alice", "domain": "CORP"}, ["corp\\alice"]),
        ({"name": "alice", "domain": "corp.example.com"}, ["corp\\alice"]),
        ({"name": "CORP\\alice"}, ["corp\\alice"]),
        ({"name": "alice", "domain": "MKT01"}, ["alice"]),
        ({"name": "alice", "domain": "."}, ["alice"]),
        ({"name": "alice", "domain": "WORKGROUP"}, ["alice"]),
        ({"name": "Administrator", "domain": "MKT01"}, ["mkt01\\administrator"]),
        ({"name": "root"}, ["mkt01\\root"]),
        ({"name": "Administrator", "domain": "CORP"}, ["corp\\administrator"]),
        ({"name": "Alice@Example.com", "domain": "CORP"}, ["alice@example.com"]),
        ({"name": "Alice A", "email_addr": "Alice@example.com"}, ["alice@example.com"]),
        ({"uid": "00u1ABC"}, ["00u1abc"]),
        ({"uid": "S-1-5-21-1-2-3-1104"}, ["s-1-5-21-1-2-3-1104"]),
        ({"name": "x", "uid_alt": ROLE_SESSION}, [ROLE_SESSION.lower()]),
        ({"name": "x", "uid": f"arn:aws:iam::{ACCOUNT}:root"}, [f"arn:aws:iam::{ACCOUNT}:root"]),
        ({"name": "MKT01$", "domain": "CORP"}, []),
        ({"name": "mkt01$@corp.example.com"}, []),
        ({"name": "SYSTEM", "domain": "NT AUTHORITY"}, []),
        ({"name": "Système", "domain": "AUTORITE NT", "uid": "S-1-5-18"}, []),
        ({"name": "LOCAL SERVICE"}, []),
        ({"name": "NETWORK SERVICE", "domain": "NT AUTHORITY"}, []),
        ({"name": "ANONYMOUS LOGON"}, []),
        ({"name": "DWM-1", "domain": "Window Manager"}, []),
        ({"name": "UMFD-0"}, []),
        ({"name": "MSSQLSERVER", "domain": "NT SERVICE"}, []),
        ({"name": "MSSQLSERVER", "uid": "S-1-5-80-1-2-3-4-5"}, []),
        ({"name": "svc", "type_id": 3}, []),
        ({"name": "-"}, []),
        ({"name": "unknown"}, []),
        ({"name": ""}, []),
        ({"name": "HIDDEN_DUE_TO_SECURITY_REASONS"}, []),
        ({"name": "Administrateur", "domain": "MKT01"}, ["mkt01\\administrateur"]),
        ({"name": "ec2-user"}, ["mkt01\\ec2-user"]),
        ({"name": "azureuser"}, ["mkt01\\azureuser"]),
        ({"name": "admin"}, ["mkt01\\admin"]),
        ({"name": "admin", "domain": "CORP"}, ["corp\\admin"]),
        ({"name": "admin@example.com"}, ["admin@example.com"]),
        ({"name": "www-data"}, ["mkt01\\www-data"]),
        ({"name": "nobody"}, ["mkt01\\nobody"]),
        ({"name": "daemon"}, ["mkt01\\daemon"]),
        ({"name": "_www"}, ["mkt01\\_www"]),
        ({"name": "ssm-user"}, ["mkt01\\ssm-user"]),
        ({"name": "root@localhost"}, ["mkt01\\root"]),
        ({"name": "alice@localhost"}, ["alice"]),
        ({"name": "@localhost"}, []),
        ({"name": "svc-backup"}, ["svc-backup"]),
        ({"name": "S-1-5-21-1-2-3-1104", "domain": "CORP"}, ["s-1-5-21-1-2-3-1104"]),
        ({"name": "S-1-12-1-1-2-3-4"}, ["s-1-12-1-1-2-3-4"]),
        ({"name": "S-1-5-18"}, []),
        ({"name": "S-1-5-32-544", "domain": "BUILTIN"}, []),
        ({"name": "S-1-15-2-1"}, []),
        ({"name": "HealthMailbox1a2b3c4"}, []),
        ({"name": "SM_0f1e2d3c4b5a69788"}, []),
        ({"name": "sm_alice"}, ["sm_alice"]),
        ({"name": "system:kube-scheduler"}, []),
        ({"name": "system:anonymous"}, []),
        ({"name": "eks:node-manager"}, []),
        ({"name": "system:serviceaccount:shop:web"}, ["system:serviceaccount:shop:web"]),
        ({"name": "system:node:node-a"}, ["system:node:node-a"]),
        ({"uid": "1000"}, []),
        ({"name": 7, "uid": ["a"]}, []),
    ],
)
def test_users(user: dict[str, Any], expected: list[str]) -> None:
    assert of_type("user", {"device": DEVICE, "user": user}) == expected


@pytest.mark.parametrize("name", ["root", "admin", "ec2-user", "www-data", "_apt", "root@localhost"])
def test_an_account_that_every_machine_has_needs_a_machine(name: str) -> None:
    assert keys({"user": {"name": name}}) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MKT01", ["mkt01"]),
        ("mkt01.corp.example.com.", ["mkt01"]),
        ("ip-10-0-0-1.eu-north-1.compute.internal", ["ip-10-0-0-1"]),
        ("büro-pc", ["büro-pc"]),
        ("10.0.0.5", []),
        ("2001:db8::1", []),
        ("225.01.00.16", []),
        ("localhost", []),
        ("Alice's laptop", []),
        ("", []),
        ("a" * 300, []),
        (None, []),
    ],
)
def test_hosts(name: str | None, expected: list[str]) -> None:
    assert of_type("host", {"device": {"hostname": name}}) == expected
    assert of_type("host", {"device": {"name": name}}) == expected


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ({"hostname": "DC01"}, ["dc01"]),
        ({"hostname": "dc01.corp.example.com"}, ["dc01"]),
        ({"hostname": "dc01.lab.local"}, ["dc01"]),
        ({"hostname": "dc01.elsewhere.example.org", "ip": "10.1.2.3"}, ["dc01"]),
        ({"hostname": "www.example.org", "ip": "203.0.113.9"}, []),
        ({"hostname": "www.example.org"}, []),
        ({"hostname": "203.0.113.9"}, []),
    ],
)
def test_only_hosts_of_one_s_own_are_taken_from_endpoints(endpoint: dict[str, Any], expected: list[str]) -> None:
    assert of_type("host", {"device": DEVICE, "dst_endpoint": endpoint}) == [*expected, "mkt01"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("203.0.113.9", ["203.0.113.9"]),
        ("2001:DB8:0::1", ["2001:db8::1"]),
        ("::ffff:192.0.2.1", ["192.0.2.1"]),
        ("fd00::1%eth0", ["fd00::1"]),
        ("0.0.0.0", []),  # noqa: S104  # an address in a log, nothing is bound
        ("127.0.0.1", []),
        ("::ffff:127.0.0.1", []),
        ("::1", []),
        ("224.0.0.251", []),
        ("ff02::1", []),
        ("169.254.3.4", []),
        ("fe80::1", []),
        ("255.255.255.255", []),
        ("-", []),
        (7, []),
    ],
)
def test_addresses(value: Any, expected: list[str]) -> None:
    assert of_type("ip", {"src_endpoint": {"ip": value}}) == expected


def test_proxies_are_addresses_too() -> None:
    event = {
        "proxy_endpoint": {"ip": "192.0.2.1"},
        "src_endpoint": {"ip": "192.0.2.2", "proxy_endpoint": {"ip": "192.0.2.3"}},
    }
    assert of_type("ip", event) == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


@pytest.mark.parametrize(
    ("uid", "expected"),
    [
        ("0x7F3A2", ["mkt01/0x7f3a2"]),
        ("1700", ["mkt01/1700"]),
        ("idxAbc123", ["idxabc123"]),
        ("0x3e7", []),
        ("0x3e4", []),
        ("0x3e5", []),
        ("0x0", []),
        ("4294967295", []),
        ("00000000-0000-0000-0000-000000000000", []),
        ("unknown", []),
        (None, []),
    ],
)
def test_sessions(uid: str | None, expected: list[str]) -> None:
    assert of_type("session", {"device": DEVICE, "actor": {"session": {"uid": uid}}}) == expected
    unqualified = [name for name in expected if "/" not in name]
    assert of_type("session", {"session": {"uid": uid}}) == unqualified


def test_workloads() -> None:
    pod = "0b6c1f1e-2b1e-11ef-9d0a-000000000001"
    event = {
        "device": {"instance_uid": "I-0123456789ABCDEF0"},
        "process": {"container": {"uid": "AB" * 32, "pod_uuid": pod}},
        "actor": {"user": {"uid_alt": ROLE_SESSION.replace("ABCDEF", "abcdef")}},
        "resources": [{"uid": "i-0aaaaaaaaaaaaaaa1"}, {"uid": "arn:aws:s3:::example-logs"}, 7],
    }
    assert of_type("workload", event) == [
        pod,
        "abababababab",
        "i-0123456789abcdef0",
        "i-0aaaaaaaaaaaaaaa1",
        "i-0abcdef0123456789",
    ]


def test_the_most_telling_are_kept_when_there_are_too_many() -> None:
    def holder(name: str) -> dict[str, Any]:
        session = {"uid": f"s-{name}", "credential_uid": f"c-{name}"}
        return {"user": {"name": name, "credential_uid": f"k-{name}"}, "session": session}

    event = holder("alice") | {
        "actor": holder("bob") | {"process": holder("carol")},
        "process": holder("dave"),
        "device": DEVICE | {"ip": "192.0.2.1", "instance_uid": "x1"},
        "src_endpoint": {"hostname": "dc01", "ip": "192.0.2.3"},
        "dst_endpoint": {"hostname": "dc02", "ip": "192.0.2.4"},
        "resources": [{"uid": f"i-0000000{n}"} for n in range(8)],
    }
    found = entities_of(event)
    assert len(found) == MAX_ENTITIES
    assert list(found) == sorted(found)
    assert [str(key) for key in found if key.type in {"user", "host", "workload"}] == [
        *("host:dc01", "host:dc02", "host:mkt01"),
        *("user:alice", "user:bob", "user:carol", "user:dave"),
    ]


def test_a_long_value_is_shortened_and_stays_itself() -> None:
    first, second = (entities_of({"user": {"name": "x" * 5000 + end}}) for end in "ab")
    assert first != second
    for key in (*first, *second):
        assert len(key.value) == MAX_ENTITY_VALUE
        assert EntityKey.parse(str(key)) == key


def test_an_event_of_nobody_names_nobody() -> None:
    assert entities_of({}) == ()


PLACES = ["device", "actor", "user", "process", "session", "src_endpoint", "dst_endpoint", "proxy_endpoint", "cloud"]
INNER = ["hostname", "name", "ip", "uid", "uid_alt", "user", "process", "session", "container", "account", "domain"]


@given(st.dictionaries(st.sampled_from([*PLACES, "resources"]), JSON | st.dictionaries(st.sampled_from(INNER), JSON)))
def test_any_event_gives_distinct_sorted_keys_that_can_be_read_back(event: dict[str, Any]) -> None:
    found = entities_of(event)
    assert list(found) == sorted(set(found))
    for key in found:
        assert EntityKey.parse(str(key)) == key


def test_keys_do_not_depend_on_the_order_of_attributes() -> None:
    event = {"user": {"name": "a"}, "actor": {"user": {"name": "b"}}, "src_endpoint": {"ip": "192.0.2.1"}}
    assert entities_of(event) == entities_of(json.loads(json.dumps(dict(reversed(event.items())))))
