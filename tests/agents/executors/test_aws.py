"""Against the IAM and STS of moto's server: real requests, and the state that IAM itself tells."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from agents.executors.aws import Account
from agents.executors.aws_iam import EVERYTHING, OLDER_SESSIONS, aws
from agents.executors.base import ByKind, Outcome
from enrichers.secrets import Secret
from models.action import Action
from tests.agents.executors.cases import action, with_receipt
from tests.agents.executors.server import NOW_MS
from tests.enrichers.server import Reply, serving

ACCOUNT = "123456789012"  # moto's
SECRET = "aws-secret-key-0f9e"  # noqa: S105  # moto takes any
TRUST = '{"Version": "2012-10-17", "Statement": []}'
THEIRS = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}'
USER = f"user:arn:aws:iam::{ACCOUNT}:user/staff/alice"
ROLE = f"user:arn:aws:iam::{ACCOUNT}:role/deployer"
SESSION = f"user:arn:aws:sts::{ACCOUNT}:assumed-role/deployer/ci-7"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def admin(url: str) -> Any:
    keys = {"aws_access_key_id": "AKIAADMINADMINADMIN0", "aws_secret_access_key": SECRET}
    return boto3.session.Session(region_name="us-east-1", **keys).client("iam", endpoint_url=url)


@pytest.fixture
def iam(url: str, admin: Any) -> Any:
    """Return a client of an IAM with a user Alice and a role Deployer, and nothing else."""
    httpx.post(f"{url}/moto-api/reset")
    admin.create_user(UserName="Alice", Path="/staff/")
    admin.create_role(RoleName="Deployer", AssumeRolePolicyDocument=TRUST)
    return admin


def account(url: str, **more: Any) -> Account:
    return Account(
        access_key=lambda: Secret("AKIABRAIDBRAIDBRAID0"), secret_key=lambda: Secret(SECRET), endpoint=url, **more
    )


def executor(url: str, restrict: str = OLDER_SESSIONS, **more: Any) -> ByKind:
    return aws("aws", account(url, **more), lambda: NOW_MS, restrict)


async def executed(one: ByKind, what: Action) -> tuple[Action, Outcome]:
    dry = await one.dry_run(what)
    assert dry.ok, dry
    ready = with_receipt(what, dry.receipt)
    outcome = await one.execute(ready, ready.uid)
    assert outcome.ok, outcome
    return ready, outcome


def key_of(iam: Any, status: str = "Active") -> str:
    uid = iam.create_access_key(UserName="Alice")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="Alice", AccessKeyId=uid, Status=status)
    return str(uid)


def status_of(iam: Any, uid: str) -> str:
    keys = iam.list_access_keys(UserName="Alice")["AccessKeyMetadata"]
    return next(key["Status"] for key in keys if key["AccessKeyId"] == uid)


def policies(iam: Any) -> list[str]:
    return [
        *iam.list_user_policies(UserName="Alice")["PolicyNames"],
        *iam.list_role_policies(RoleName="Deployer")["PolicyNames"],
    ]


def statement(iam: Any, what: Action) -> dict[str, Any]:
    name = f"Braid-{what.uid}"
    if name in iam.list_user_policies(UserName="Alice")["PolicyNames"]:
        return iam.get_user_policy(UserName="Alice", PolicyName=name)["PolicyDocument"]["Statement"][0]
    return iam.get_role_policy(RoleName="Deployer", PolicyName=name)["PolicyDocument"]["Statement"][0]


async def test_an_access_key_is_made_inactive_and_active_again(url: str, iam: Any) -> None:
    uid = key_of(iam)
    one, what = executor(url), action("deactivate_access_key", f"session:{uid.lower()}")
    dry = await one.dry_run(what)
    assert (dry.ok, status_of(iam, uid)) == (True, "Active")
    ready, outcome = await executed(one, what)
    assert status_of(iam, uid) == "Inactive"
    again = await one.execute(ready, ready.uid)
    assert (again.ok, dict(again.receipt)) == (True, dict(outcome.receipt))
    assert (await one.verify(ready, outcome.receipt)).ok
    for _ in range(2):
        assert (await one.rollback(ready, outcome.receipt)).ok
        assert status_of(iam, uid) == "Active"
    assert not (await one.verify(ready, outcome.receipt)).ok


async def test_a_key_that_was_inactive_before_stays_so(url: str, iam: Any) -> None:
    uid = key_of(iam, "Inactive")
    one = executor(url)
    ready, outcome = await executed(one, action("deactivate_access_key", f"session:{uid.lower()}"))
    assert (await one.rollback(ready, outcome.receipt)).ok
    assert status_of(iam, uid) == "Inactive"


async def test_a_key_that_somebody_activated_again_or_deleted_is_found_out(url: str, iam: Any) -> None:
    uid = key_of(iam)
    one = executor(url)
    ready, outcome = await executed(one, action("deactivate_access_key", f"session:{uid.lower()}"))
    iam.update_access_key(UserName="Alice", AccessKeyId=uid, Status="Active")
    assert not (await one.verify(ready, outcome.receipt)).ok
    iam.delete_access_key(UserName="Alice", AccessKeyId=uid)
    for told in (await one.verify(ready, outcome.receipt), await one.rollback(ready, outcome.receipt)):
        assert (told.ok, told.detail) == (False, "the account has no such access key")


@pytest.mark.parametrize(
    "target", ["session:asiatemporarykey0000", "session:akiaunknownunknown00", "session:web01/0x3e8"]
)
async def test_what_is_no_key_of_a_user_is_refused(url: str, iam: Any, target: str) -> None:
    del iam
    assert not (await executor(url).dry_run(action("deactivate_access_key", f"session:{target}"))).ok


@pytest.mark.parametrize(
    ("kind", "target", "restrict"),
    [
        ("disable_user", USER, OLDER_SESSIONS),
        ("revoke_sessions", USER, OLDER_SESSIONS),
        ("revoke_sessions", ROLE, OLDER_SESSIONS),
        ("restrict_role", SESSION, OLDER_SESSIONS),
        ("restrict_role", ROLE, EVERYTHING),
    ],
)
async def test_a_denial_is_put_verified_and_taken_away(
    url: str, iam: Any, kind: str, target: str, restrict: str
) -> None:
    one, what = executor(url, restrict), action(kind, target)
    assert (await one.dry_run(what)).ok
    assert policies(iam) == []
    ready, outcome = await executed(one, what)
    assert policies(iam) == [f"Braid-{what.uid}"]
    denied = statement(iam, what)
    assert (denied["Effect"], denied["Action"], denied["Resource"]) == ("Deny", "*", "*")
    is_older = kind == "revoke_sessions" or (kind == "restrict_role" and restrict == OLDER_SESSIONS)
    older = {"DateLessThan": {"aws:TokenIssueTime": "2026-09-21T14:13:20.000Z"}}
    assert denied.get("Condition") == (older if is_older else None)
    again = await one.execute(ready, ready.uid)
    assert (again.ok, dict(again.receipt), statement(iam, what)) == (True, dict(outcome.receipt), denied)
    assert (await one.verify(ready, outcome.receipt)).ok
    for _ in range(2):
        assert (await one.rollback(ready, outcome.receipt)).ok
        assert policies(iam) == []


async def test_sessions_that_began_after_the_first_execution_are_not_denied_by_a_second(url: str, iam: Any) -> None:
    what = action("revoke_sessions", ROLE)
    ready, _ = await executed(executor(url), what)
    before = statement(iam, what)
    later = aws("aws", account(url), lambda: NOW_MS + 3_600_000)
    assert (await later.execute(ready, ready.uid)).ok
    assert statement(iam, what) == before


def since(time: str) -> str:
    return f'"Condition": {{"DateLessThan": {{"aws:TokenIssueTime": "{time}"}}}}'


CHANGES = [
    '"Effect": "Allow"',
    '"Effect": "Deny"',
    f'"Effect": "Allow", {since("2026-09-21T14:13:20.000Z")}',
    f'"Effect": "Deny", {since("1999-01-01T00:00:00.000Z")}',
]


@pytest.mark.parametrize("statement", CHANGES)
async def test_a_policy_that_somebody_changed_is_not_verified_and_is_still_taken_away(
    url: str, iam: Any, statement: str
) -> None:
    one, what = executor(url), action("restrict_role", ROLE)
    ready, outcome = await executed(one, what)
    document = f'{{"Version": "2012-10-17", "Statement": [{{{statement}, "Action": "*", "Resource": "*"}}]}}'
    iam.put_role_policy(RoleName="Deployer", PolicyName=f"Braid-{what.uid}", PolicyDocument=document)
    verified = await one.verify(ready, outcome.receipt)
    assert (verified.ok, "changed" in verified.detail) == (False, True)
    assert (await one.rollback(ready, outcome.receipt)).ok
    assert policies(iam) == []


async def test_what_others_attached_is_left_alone(url: str, iam: Any) -> None:
    iam.put_user_policy(UserName="Alice", PolicyName="theirs", PolicyDocument=THEIRS)
    one, what = executor(url), action("disable_user", USER)
    ready, outcome = await executed(one, what)
    assert (await one.rollback(ready, outcome.receipt)).ok
    assert policies(iam) == ["theirs"]


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("disable_user", ROLE),
        ("disable_user", "user:alice@example.com"),
        ("disable_user", f"user:arn:aws:iam::{ACCOUNT}:user/nobody"),
        ("disable_user", "user:arn:aws:iam::210987654321:user/staff/alice"),
        ("restrict_role", USER),
        ("restrict_role", "user:arn:aws:sts::210987654321:assumed-role/deployer/ci-7"),
        ("restrict_role", f"user:arn:aws:sts::{ACCOUNT}:assumed-role/deploy/ci-7"),
        ("isolate_host", "host:web01"),
    ],
)
async def test_another_target_than_there_is_touches_nobody(url: str, iam: Any, kind: str, target: str) -> None:
    one, what = executor(url), action(kind, target)
    assert not (await one.execute(what, what.uid)).ok
    assert policies(iam) == []


@pytest.mark.parametrize("thing", ["", "group/admins", "role/../x", "user/Alice"])
async def test_a_receipt_of_something_else_undoes_nothing(url: str, iam: Any, thing: str) -> None:
    one, what = executor(url), action("restrict_role", ROLE)
    await executed(one, what)
    told = await one.rollback(what, {"thing": thing, "before": "off" if thing else ""})
    assert not told.ok
    assert policies(iam) == [f"Braid-{what.uid}"]


async def test_a_role_is_assumed_and_never_restricts_itself(url: str, iam: Any) -> None:
    arn = iam.create_role(RoleName="Respond", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    one = executor(url, role=arn, external_id="org-1")
    await executed(one, action("restrict_role", ROLE))
    for target in (f"user:{arn.lower()}", f"user:arn:aws:sts::{ACCOUNT}:assumed-role/respond/braid-respond"):
        told = await one.dry_run(action("restrict_role", target))
        assert (told.ok, "itself works under" in told.detail) == (False, True)


FAULTS = {
    "busy": Reply(b"<ErrorResponse><Error><Code>Throttling</Code><Message>m</Message></Error></ErrorResponse>", 400),
    "broken": Reply(b"boom", 500),
    "refuses": Reply(b"<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>", 403),
    "hostile code": Reply(b"<ErrorResponse><Error><Code>a\nb c</Code></Error></ErrorResponse>", 400),
    "garbage": Reply(b"{not xml"),
    "something else": Reply(b"<a><b/></a>"),
    "empty": Reply(b""),
    "stalls": Reply(b"<a>", stall=True),
    "redirects": Reply(status=307, headers={"location": "http://127.0.0.1:1/elsewhere"}),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", ["deactivate_access_key", "restrict_role"])
async def test_a_faulty_aws_gives_failures_that_tell_no_secret(
    fault: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    target, receipt = ROLE, {"thing": "role/Deployer", "before": "off"}
    if kind == "deactivate_access_key":
        target, receipt = "session:akiaalicealicealice0", {"thing": "AKIAALICEALICEALICE0", "before": "off"}
    with serving(lambda _: FAULTS[fault]) as server:
        one, what = executor(server.url, tries=1, read_s=0.2), action(kind, target)
        for told in (
            await one.dry_run(what),
            await one.execute(with_receipt(what, receipt), what.uid),
            await one.verify(what, receipt),
            await one.rollback(what, receipt),
        ):
            assert not told.ok, told
            assert told.detail.isprintable()
            assert SECRET not in f"{told!r}{told.detail}"
            assert bool(told.retry_after_s) or fault not in {"busy", "broken", "stalls"}
        assert not any("elsewhere" in path for path in server.paths)
    assert SECRET not in caplog.text


async def test_a_busy_aws_is_asked_again() -> None:
    body = FAULTS["busy"].body.replace(b"Throttling", b"ServiceUnavailable")
    with serving(lambda _: Reply(body, 503)) as server:
        await executor(server.url, tries=2).dry_run(action("restrict_role", ROLE))
        assert len(server.asked) == 2


async def test_secrets_of_an_assumed_role_are_not_logged(url: str, iam: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    arn = iam.create_role(RoleName="Respond", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    caplog.clear()
    await executed(executor(url, role=arn), action("restrict_role", ROLE))
    assert "SecretAccessKey" not in caplog.text
    assert SECRET not in caplog.text


async def test_a_failure_that_may_have_taken_effect_is_not_certain(url: str, iam: Any) -> None:
    del iam
    unheard = replace(account(url), endpoint="http://127.0.0.1:1", tries=1)
    told = await aws("aws", unheard, lambda: NOW_MS).execute(action("restrict_role", ROLE), "k")
    assert (told.ok, told.is_certain) == (False, False)
