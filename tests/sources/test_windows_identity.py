"""What the OCSF events made of identity records of the Security channel say."""

from __future__ import annotations

from typing import Any

import pytest

from models.ocsf_schema import validate
from tests.sources.windows_cases import GROUP, LOGON, TICKET
from tests.sources.windows_records import (
    ALICE,
    BOB,
    FAILURE,
    RDP,
    SUBJECT,
    TARGET,
    TARGET_ACCOUNT,
    Record,
    flat,
    parse,
    security,
    winlogbeat,
    xmltodict,
)

SUBJECT_USER = {"name": "alice", "domain": "EXAMPLE", "uid": ALICE, "type_id": 1}
TARGET_USER = {"name": "bob", "domain": "EXAMPLE", "uid": BOB, "type_id": 1}


def ocsf(event_id: int, *parts: dict[str, Any], keywords: str = "0x8020000000000000", **data: Any) -> dict[str, Any]:
    made = parse(flat(security(event_id, *parts, keywords=keywords, **data))).ocsf
    assert validate(made) == []
    return made


def test_logon() -> None:
    made = ocsf(4624, LOGON)
    assert made["user"] == TARGET_USER
    assert made["session"] == {"uid": "0x4d5e6", "uid_alt": "0a1b2c3d-1111-2222-3333-444455556666"}
    assert made["actor"]["user"] == SUBJECT_USER
    assert made["actor"]["session"] == {"uid": "0x1a2b3"}
    assert (made["actor"]["process"]["pid"], made["actor"]["process"]["name"]) == (612, "services.exe")
    assert made["src_endpoint"] == {"ip": "192.0.2.20", "port": 51000, "hostname": "WS02"}
    assert made["dst_endpoint"] == {"hostname": "ws01.example.com"}
    assert (made["logon_type_id"], made["logon_type"], made["is_remote"]) == (3, "Network", True)
    assert (made["auth_protocol_id"], made["status_id"]) == (1, 1)


@pytest.mark.parametrize(
    ("number", "address", "type_id", "remote"),
    [
        ("2", "127.0.0.1", 2, False),
        ("3", "::1", 3, False),
        ("3", "-", 3, False),
        (10, "192.0.2.9", 10, True),
        ("0", "-", 1, False),
        ("11", "-", 11, False),
        ("77", "-", 99, False),
    ],
)
def test_logon_types(number: object, address: str, type_id: int, remote: bool) -> None:
    made = ocsf(4624, LOGON, LogonType=number, IpAddress=address)
    assert (made["logon_type_id"], made["is_remote"]) == (type_id, remote)


@pytest.mark.parametrize(
    ("package", "detail", "protocol_id"),
    [("Kerberos", "-", 2), ("Negotiate", "NTLM V2", 1), ("Negotiate", "-", 99), ("-", "-", None)],
)
def test_authentication_protocols(package: str, detail: str, protocol_id: int | None) -> None:
    made = ocsf(4624, LOGON, AuthenticationPackageName=package, LmPackageName=detail)
    assert made.get("auth_protocol_id") == protocol_id


def test_a_logon_without_a_connection_has_no_port() -> None:
    assert ocsf(4624, LOGON, IpPort="0")["src_endpoint"] == {"ip": "192.0.2.20", "hostname": "WS02"}
    assert "src_endpoint" not in ocsf(4624, LOGON, IpAddress="-", IpPort="0", WorkstationName="-")


@pytest.mark.parametrize(
    ("status", "substatus", "code", "detail"),
    [
        ("0xc000006d", "0xc000006a", "0xc000006a", "Wrong password"),
        ("0xC0000234", "0x0", "0xC0000234", "Account locked out"),
        ("0xc0000999", "0x0", "0xc0000999", None),
        ("-", "-", None, None),
    ],
)
def test_failed_logon(status: str, substatus: str, code: str | None, detail: str | None) -> None:
    made = ocsf(4625, LOGON, TargetUserSid="S-1-0-0", Status=status, SubStatus=substatus, keywords=FAILURE)
    assert made["status"] == "Failure"
    assert (made.get("status_code"), made.get("status_detail")) == (code, detail)
    assert made["user"] == {"name": "bob", "domain": "EXAMPLE", "type_id": 1}


def test_explicit_credentials_point_at_the_server_named() -> None:
    assert ocsf(4648, LOGON, TargetServerName="file01.example.com")["dst_endpoint"] == {
        "hostname": "file01.example.com"
    }
    assert ocsf(4648, LOGON, TargetServerName="localhost")["dst_endpoint"] == {"hostname": "ws01.example.com"}


def test_service_ticket() -> None:
    made = ocsf(4769, TICKET)
    assert made["user"] == {"name": "bob", "domain": "EXAMPLE.COM", "type_id": 1}
    assert made["service"]["name"] == "FILE01$"
    assert made["src_endpoint"] == {"ip": "192.0.2.20", "port": 49999}
    assert made["authentication_token"]["type_id"] == 2
    assert made["authentication_token"]["encryption_details"] == {"type": "0x17"}
    assert (made["auth_protocol_id"], made["status"], made["status_code"]) == (2, "Success", "0x0")


@pytest.mark.parametrize(("event_id", "code", "status"), [(4768, "0x6", "Failure"), (4768, "0x0", "Success")])
def test_kerberos_outcomes(event_id: int, code: str, status: str) -> None:
    assert ocsf(event_id, TICKET, Status=code)["status"] == status


def test_failed_preauthentication() -> None:
    made = ocsf(4771, TICKET, Status="0x18")
    assert (made["activity_id"], made["status"], made["status_detail"]) == (6, "Failure", "Wrong password")


@pytest.mark.parametrize(("code", "status"), [("0x0", "Success"), ("0xC000006A", "Failure")])
def test_ntlm_validation(code: str, status: str) -> None:
    made = ocsf(4776, PackageName="MICROSOFT_AUTHENTICATION_PACKAGE_V1_0", TargetUserName="bob", Workstation="\\\\WS09",
                Status=code)  # fmt: skip
    assert (made["user"]["name"], made["auth_protocol_id"], made["status"]) == ("bob", 1, status)
    assert made["src_endpoint"] == {"hostname": "WS09"}


def test_privileges() -> None:
    made = ocsf(4672, SUBJECT, PrivilegeList="SeDebugPrivilege\r\n\t\t\tSeTcbPrivilege")
    assert made["privileges"] == ["SeDebugPrivilege", "SeTcbPrivilege"]
    assert (made["user"], made["session"]) == (SUBJECT_USER, {"uid": "0x1a2b3"})
    right = ocsf(4704, SUBJECT, TargetSid=BOB, PrivilegeList="SeDebugPrivilege")
    assert (right["user"]["uid"], right["actor"]["user"]) == (BOB, SUBJECT_USER)


def test_group_membership() -> None:
    made = ocsf(4627, SUBJECT, TARGET, GroupMembership="\r\n\t\t%{S-1-1-0}\r\n\t\t%{S-1-5-32-545}")
    assert made["user"]["groups"] == [{"uid": "S-1-1-0"}, {"uid": "S-1-5-32-545"}]


def test_account_changes() -> None:
    made = ocsf(4724, SUBJECT, TARGET_ACCOUNT)
    assert (made["user"], made["actor"]["user"]) == (TARGET_USER, SUBJECT_USER)
    renamed = ocsf(4781, SUBJECT, TARGET_ACCOUNT, OldTargetUserName="bob", NewTargetUserName="bob2")
    assert (renamed["user"]["name"], renamed["user_result"]["name"], renamed["user_result"]["uid"]) == (
        "bob",
        "bob2",
        BOB,
    )
    locked = ocsf(4740, SUBJECT, TARGET_ACCOUNT, TargetDomainName="WS07")
    assert (locked["src_endpoint"], locked["user"]) == ({"hostname": "WS07"}, {"name": "bob", "uid": BOB, "type_id": 1})


def test_group_changes() -> None:
    made = ocsf(4728, SUBJECT, GROUP, MemberSid=BOB, MemberName="CN=Bob,OU=x,DC=example,DC=com")
    assert made["group"] == {"name": "Operators", "domain": "EXAMPLE", "uid": GROUP["TargetSid"]}
    assert made["user"]["uid"] == BOB
    assert made["user"]["full_name"] == "Bob"
    assert made["user"]["ldap_person"] == {"ldap_dn": "CN=Bob,OU=x,DC=example,DC=com"}
    assert "name" not in made["user"]
    assert ocsf(4732, SUBJECT, GROUP, MemberSid=BOB, MemberName="-")["user"] == {"uid": BOB, "type_id": 1}
    assert ocsf(4732, SUBJECT, GROUP, MemberSid="S-1-0-0", MemberName="CN=Bob,DC=x")["user"]["name"] == "Bob"
    assert "user" not in ocsf(4727, SUBJECT, GROUP)


def test_directory_objects() -> None:
    made = ocsf(5136, SUBJECT, ObjectDN="CN=P,DC=x", ObjectClass="groupPolicyContainer", ObjectGUID="{0A-1}")
    assert made["entity"] == {"name": "CN=P,DC=x", "uid": "0a-1", "type_id": 5, "type": "Policy"}
    moved = ocsf(5139, SUBJECT, OldObjectDN="CN=A", NewObjectDN="CN=B", ObjectClass="printer")
    assert (moved["entity"]["name"], moved["entity_result"]["name"], moved["entity"]["type_id"]) == ("CN=A", "CN=B", 99)


@pytest.mark.parametrize(
    ("name", "sid", "type_id"),
    [
        ("WS01$", BOB, 3),
        ("SYSTEM", "S-1-5-18", 3),
        ("LOCAL SERVICE", "S-1-5-19", 4),
        ("Administrator", f"{BOB[:-4]}500", 2),
        ("bob", BOB, 1),
    ],
)
def test_kinds_of_users(name: str, sid: str, type_id: int) -> None:
    assert ocsf(4624, LOGON, TargetUserName=name, TargetUserSid=sid)["user"]["type_id"] == type_id


@pytest.mark.parametrize("keywords", ["0x8010000000000000", -9218868437227405312, ["Audit Failure"]])
def test_the_outcome_of_an_audited_action_is_in_its_keywords(keywords: object) -> None:
    value = {**flat(security(4723, SUBJECT, TARGET_ACCOUNT)), "Keywords": keywords}
    assert parse(value).ocsf["status"] == "Failure"
    assert parse({**value, "Keywords": "0x8020000000000000"}).ocsf["status"] == "Success"
    assert parse({**value, "Keywords": 0, "EventType": "AUDIT_FAILURE"}).ocsf["status"] == "Failure"
    assert "status" not in parse({**value, "Keywords": "0xnothing"}).ocsf


def test_remote_desktop_sessions() -> None:
    record = Record(RDP, 25, {"User": "EXAMPLE\\bob", "SessionID": "3", "Address": "192.0.2.9"}, "r", "0x0", "EventXML")
    for form in (xmltodict, winlogbeat):
        made = parse(form(record)).ocsf
        assert validate(made) == []
        assert (made["user"]["name"], made["session"]["uid"]) == ("bob", "3")
        assert (made["src_endpoint"], made["activity_name"]) == ({"ip": "192.0.2.9"}, "Session Reconnected")
    local = parse(flat(record.with_data(Address="LOCAL"))).ocsf
    assert local["unmapped"]["Address"] == "LOCAL"


def test_locks_and_reconnections() -> None:
    assert ocsf(4800, TARGET)["session"] == {"uid": "0x4d5e6"}
    again = ocsf(4778, AccountName="bob", AccountDomain="EXAMPLE", LogonID="0x4D5E6", ClientAddress="192.0.2.9")
    assert (again["user"]["name"], again["session"]["uid"], again["src_endpoint"]["ip"]) == (
        "bob",
        "0x4d5e6",
        "192.0.2.9",
    )
