"""Records of AWS CloudTrail."""

from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import Any, Final

from tests.simulation.days import DAY, iso_seconds
from tests.simulation.people import ACCOUNT
from tests.simulation.records.record import CLOUDTRAIL, Record, uuid

REGION: Final = "eu-north-1"
DENIED: Final = "AccessDenied"
SDK: Final = "aws-sdk-java/2.31.4 Linux/6.1.0 OpenJDK_64-Bit_Server_VM"
CONSOLE: Final = "AWS Internal"
CLI: Final = "aws-cli/2.27.1 md/awscrt#0.26.1 ua/2.1 os/windows#10 lang/python#3.13.3"
_ON: Final = {
    "bucket": "bucketName",
    "queue": "queueUrl",
    "table": "tableName",
    "secret": "secretId",
    "key": "keyId",
    "topic": "topicArn",
    "parameter": "name",
    "user": "userName",
    "role": "roleName",
    "repository": "repositoryName",
    "cluster": "clusterName",
    "snapshot": "snapshotId",
    "trail": "name",
    "function": "functionName",
}


def role_of(session: str) -> str:
    """Return the name of the role in the ARN of a session."""
    return session.split("/")[1]


def identity(session: str, time: int) -> dict[str, Any]:
    """Return who calls: a session of a role, with the credentials of its day."""
    role = role_of(session)
    day = time // DAY
    principal = "AROA" + sha256(role.encode()).hexdigest()[:17].upper()
    key = "ASIA" + sha256(f"{session}{day}".encode()).hexdigest()[:16].upper()
    issuer = {
        "type": "Role",
        "principalId": principal,
        "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
        "accountId": ACCOUNT,
        "userName": role,
    }
    created = {"creationDate": iso_seconds(day * DAY), "mfaAuthenticated": "false"}
    return {
        "type": "AssumedRole",
        "principalId": f"{principal}:{session.rpartition('/')[2]}",
        "arn": session,
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "sessionContext": {"sessionIssuer": issuer, "attributes": created},
    }


def call(
    rng: Random,
    time: int,
    session: str,
    what: tuple[str, str, bool, str],
    *,
    ip: str,
    agent: str = SDK,
    on: str = "",
    error: str = "",
) -> Record:
    """Write one call of the API.

    Args:
        rng: For what has a number of its own.
        time: When, ms; written in seconds, as CloudTrail does.
        session: ARN of the caller.
        what: Event source, event name, whether it only reads, and the kind of what it is called on.
        ip: Address of the caller.
        agent: User agent.
        on: Name of what it is called on.
        error: Error code, empty when it works.
    """
    source, name, is_read, kind = what
    fields: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": identity(session, time),
        "eventTime": iso_seconds(time),
        "eventSource": source,
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": ip,
        "userAgent": agent,
        "requestParameters": {_ON[kind]: on} if kind and on else None,
        "responseElements": None,
        "requestID": uuid(rng),
        "eventID": uuid(rng),
        "readOnly": is_read,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    if error:
        denied = f"User: {session} is not authorized to perform: {source.partition('.')[0]}:{name}"
        fields |= {"errorCode": error, "errorMessage": denied if error == DENIED else "The request was refused"}
    return Record.of(time - time % 1000, CLOUDTRAIL, fields)


def console_login(rng: Random, time: int, session: str, *, ip: str, agent: str) -> Record:
    """Write the sign-in at the console."""
    fields = {
        "eventVersion": "1.11",
        "userIdentity": identity(session, time),
        "eventTime": iso_seconds(time),
        "eventSource": "signin.amazonaws.com",
        "eventName": "ConsoleLogin",
        "awsRegion": "us-east-1",
        "sourceIPAddress": ip,
        "userAgent": agent,
        "requestParameters": None,
        "responseElements": {"ConsoleLogin": "Success"},
        "additionalEventData": {"MobileVersion": "No", "MFAUsed": "No"},
        "eventID": uuid(rng),
        "readOnly": False,
        "eventType": "AwsConsoleSignIn",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    return Record.of(time - time % 1000, CLOUDTRAIL, fields)
