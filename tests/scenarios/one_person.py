"""Raw records of people who sign in, take a role, get a shell on a machine, and of what the machine then does.

Okta System Log, Duo authentication log, CloudTrail, GuardDuty and VPC flow logs, as their makers write them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from tests.replay.play import write

ACCOUNT = "111122223333"
REGION = "eu-central-1"
MORNING = int(datetime(2026, 9, 22, 9, 0, tzinfo=UTC).timestamp())
EXFILTRATION = "198.51.100.200"
LARGE = 367_001_600


@dataclass(frozen=True, slots=True)
class Told:
    """One record of a source."""

    source: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance with one interface."""

    instance: str
    address: str

    @property
    def interface(self) -> str:
        return f"eni-{self.instance[2:]}"

    def at(self, address: str) -> Machine:
        """Return it with another address."""
        return replace(self, address=address)

    @property
    def host(self) -> str:
        return f"ip-{self.address.replace('.', '-')}.{REGION}.compute.internal"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account at the identity provider, and what is hers for this morning.

    Attributes:
        name: The account.
        outside: The address she comes from.
        key: The temporary key that her role session is given.
        session: How that session is named.
    """

    name: str
    outside: str
    key: str
    session: str

    @property
    def user(self) -> str:
        return f"user:{self.name}"

    @property
    def role_session(self) -> str:
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/Developer/{self.session}"


ALICE = Person("alice@example.com", "203.0.113.61", "ASIAEXAMPLEALICE0001", "alice@example.com")
BOB = Person("bob@example.com", "203.0.113.77", "ASIAEXAMPLEBOB000001", "bob@example.com")
WORKBENCH = Machine("i-0a1b2c3d4e5f60718", "10.0.1.5")
OTHER = Machine("i-0f1e2d3c4b5a69788", "10.0.1.9")


def at(minute: float) -> str:
    """Return a time of that morning, so many minutes after nine."""
    return datetime.fromtimestamp(MORNING + minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _told(source: str, record: dict[str, Any]) -> Told:
    return Told(source, orjson.dumps(record))


def sign_in(person: Person, minute: float) -> Told:
    """Okta lets her in, from a country it has not seen her in."""
    behaviors = "{New Geo-Location=POSITIVE, New Device=NEGATIVE, New Country=POSITIVE, Velocity=NEGATIVE}"
    record = {
        "uuid": f"{person.name}-{minute}",
        "published": at(minute).replace("Z", ".215Z"),
        "eventType": "user.session.start",
        "version": "0",
        "severity": "INFO",
        "displayMessage": "User login to Okta",
        "actor": {"id": f"00u{person.key[-8:]}", "type": "User", "alternateId": person.name, "displayName": "A user"},
        "client": {"ipAddress": person.outside, "userAgent": {"os": "Windows 10", "browser": "CHROME"}},
        "outcome": {"result": "SUCCESS"},
        "securityContext": {"asNumber": 64510, "asOrg": "example hosting", "isProxy": False},
        "authenticationContext": {"externalSessionId": f"idx{person.key[-8:]}"},
        "debugContext": {"debugData": {"behaviors": behaviors, "risk": "{level=MEDIUM}"}},
    }
    return _told("okta", record)


def push_refused(person: Person, minute: float) -> Told:
    """Duo asks her, and she says no."""
    record = {
        "access_device": {"ip": person.outside},
        "application": {"key": "DIEXAMPLE00000000001", "name": "Okta"},
        "auth_device": {"name": "phone"},
        "email": person.name,
        "event_type": "authentication",
        "factor": "duo_push",
        "isotimestamp": at(minute).replace("Z", ".000000+00:00"),
        "reason": "user_mistake",
        "result": "denied",
        "timestamp": MORNING + int(minute * 60),
        "txid": f"{person.key}-{minute}",
        "user": {"groups": [], "key": f"DU{person.key[-8:]}", "name": person.name},
    }
    return _told("duo", record)


def _call(person: Person, minute: float, service: str, name: str, **fields: Any) -> Told:
    record = {
        "eventVersion": "1.09",
        "eventTime": at(minute),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": person.outside,
        "userAgent": "aws-cli/2.15.40",
        "requestID": f"r-{person.key}-{name}-{minute}",
        "eventID": f"e-{person.key}-{name}-{minute}",
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
    }
    return _told("aws_cloudtrail", record | fields)


def role_assumed(person: Person, minute: float) -> Told:
    """She takes the role with the assertion of the identity provider."""
    return _call(
        *(person, minute, "sts", "AssumeRoleWithSAML"),
        userIdentity={
            "type": "SAMLUser",
            "principalId": f"exampleProviderHash=:{person.name}",
            "userName": person.name,
            "identityProvider": "exampleProviderHash=",
        },
        requestParameters={
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/Developer",
            "principalArn": f"arn:aws:iam::{ACCOUNT}:saml-provider/Okta",
            "durationSeconds": 28_800,
        },
        responseElements={
            "credentials": {"accessKeyId": person.key, "expiration": at(minute + 480), "sessionToken": "redacted"},
            "assumedRoleUser": {"assumedRoleId": f"AROAEXAMPLE:{person.session}", "arn": person.role_session},
            "subject": person.name,
            "subjectType": "persistent",
            "issuer": "http://www.okta.com/exk1example",
            "audience": "https://signin.aws.amazon.com/saml",
        },
    )


def shell(person: Person, machine: Machine, minute: float) -> Told:
    """Her role session opens a shell on a machine."""
    return _call(
        *(person, minute, "ssm", "StartSession"),
        userIdentity={
            "type": "AssumedRole",
            "principalId": f"AROAEXAMPLE:{person.session}",
            "arn": person.role_session,
            "accountId": ACCOUNT,
            "accessKeyId": person.key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLE",
                    "arn": f"arn:aws:iam::{ACCOUNT}:role/Developer",
                    "accountId": ACCOUNT,
                    "userName": "Developer",
                },
                "attributes": {"creationDate": at(0), "mfaAuthenticated": "false"},
            },
        },
        requestParameters={"target": machine.instance},
        responseElements={"sessionId": f"{person.session}-0a1b2c3d4e5f60718", "tokenValue": "redacted"},
    )


def finding(machine: Machine, minute: float) -> Told:
    """GuardDuty sees a command on the machine that it does not like."""
    record = {
        "schemaVersion": "2.0",
        "accountId": ACCOUNT,
        "region": REGION,
        "partition": "aws",
        "id": f"f{machine.instance}",
        "arn": f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/d0/finding/f{machine.instance}",
        "type": "Discovery:Runtime/SuspiciousCommand",
        "resource": {
            "resourceType": "Instance",
            "instanceDetails": {
                "instanceId": machine.instance,
                "availabilityZone": f"{REGION}a",
                "networkInterfaces": [
                    {
                        "networkInterfaceId": machine.interface,
                        "privateDnsName": machine.host,
                        "privateIpAddress": machine.address,
                        "subnetId": "subnet-0abc",
                        "vpcId": "vpc-0abc",
                    }
                ],
            },
        },
        "service": {
            "serviceName": "guardduty",
            "detectorId": "d0",
            "resourceRole": "TARGET",
            "eventFirstSeen": at(minute - 2),
            "eventLastSeen": at(minute - 1),
            "archived": False,
            "count": 1,
        },
        "severity": 2,
        "createdAt": at(minute),
        "updatedAt": at(minute),
        "title": "A suspicious command was run.",
        "description": "A command that looks for credentials was run on the instance.",
    }
    return _told("guardduty", record)


def flow(machine: Machine, minute: float, to: str = "203.0.113.200", size: int = 8400) -> Told:
    """Return a flow record of version 3, which names the machine."""
    start = MORNING + int(minute * 60)
    ends = f"{machine.address} {to} 44321 443 6 {size // 1400} {size} {start} {start + 60} ACCEPT OK"
    place = f"vpc-0abc subnet-0abc {machine.instance} 19 IPv4 {machine.address} {to}"
    return Told("aws_vpc_flow", f"3 {ACCOUNT} {machine.interface} {ends} {place}".encode())


def behind(machine: Machine, interface: str, gateway: str, minute: float) -> Told:
    """Return a record of a gateway's interface, with the address of the machine that the packets came from."""
    start = MORNING + int(minute * 60)
    ends = f"{gateway} 203.0.113.200 51044 443 6 6 8400 {start} {start + 60} ACCEPT OK"
    place = f"vpc-0abc subnet-0abc - 19 IPv4 {machine.address} 203.0.113.200"
    return Told("aws_vpc_flow", f"3 {ACCOUNT} {interface} {ends} {place}".encode())


def bare_flow(interface: str, source: str, minute: float, to: str = EXFILTRATION, size: int = LARGE) -> Told:
    """Return a flow record of the default format, which names addresses and an interface."""
    start = MORNING + int(minute * 60)
    ends = f"{source} {to} 44321 443 6 {size // 1400} {size} {start} {start + 60} ACCEPT OK"
    return Told("aws_vpc_flow", f"2 {ACCOUNT} {interface} {ends}".encode())


def described(machine: Machine, second: str, minute: float) -> Told:
    """Autoscaling looks at a machine that has a second address."""
    addresses = {"items": [{"privateIpAddress": machine.address}, {"privateIpAddress": second}]}
    items = [{"instanceId": machine.instance, "privateIpAddress": machine.address, "privateIpAddressesSet": addresses}]
    record = {
        "eventVersion": "1.09",
        "eventTime": at(minute),
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": REGION,
        "sourceIPAddress": "autoscaling.amazonaws.com",
        "eventID": f"d-{machine.instance}-{minute}",
        "eventType": "AwsServiceEvent",
        "recipientAccountId": ACCOUNT,
        "userIdentity": {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"},
        "responseElements": {"reservationSet": {"items": [{"instancesSet": {"items": items}}]}},
    }
    return _told("aws_cloudtrail", record)


def story(person: Person, machine: Machine, egress: Iterable[Told]) -> list[Told]:
    """Return what happens around one person, but for how the data leaves."""
    return [
        push_refused(person, 1),
        sign_in(person, 2),
        role_assumed(person, 5),
        shell(person, machine, 12),
        finding(machine, 40),
        flow(machine, 50),
        *egress,
    ]


def files(told: Iterable[Told], folder: Path) -> list[Path]:
    """Write records, a file for each source, in the order given."""
    by_source: dict[str, list[bytes]] = {}
    for one in told:
        by_source.setdefault(one.source, []).append(one.raw)
    return [write(folder / f"{source}.log", records) for source, records in by_source.items()]
