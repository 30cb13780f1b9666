"""Okta's own client, made of its published OpenAPI contract, and ours: the same requests, and answers both can read."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from okta.client import Client
from okta.http_client import HTTPClient
from okta.jwt import JWT
from okta.models.user_factor_push import UserFactorPush
from okta.models.user_status import UserStatus

from tests.agents.executors.cases import CASES, FACTORS, SESSIONS, SUSPEND, action, of_file, opened, with_receipt
from tests.agents.executors.server import BEARER, TOKEN, FakeOkta
from tests.enrichers.server import Asked, Reply, Server, Waits, json_reply, serving

UID = "00u1alice"


class PlainHttp(HTTPClient):
    """The client's own transport without TLS: our server is local.

    The client sets the authorization in two places, and in one of them it forgets the blank behind the scheme (3.4.6):
    only the other one is sent.
    """

    async def send_request(self, request: dict[str, Any]) -> Any:
        headers = {name: value for name, value in request["headers"].items() if name != "Authorization"}
        url = request["url"].replace("https://", "http://")
        return await super().send_request({**request, "url": url, "headers": headers})


def shape(asked: Asked) -> tuple[str, str, str, str]:
    """Return what of a request Okta acts on."""
    return asked.method, unquote(asked.path), asked.body, asked.headers["authorization"]


async def theirs(server: Server, call: Callable[[Client], Awaitable[Any]]) -> Any:
    """Return what Okta's client makes of an answer."""
    url = server.url.replace("http://", "https://")
    async with Client({"orgUrl": url, "token": TOKEN, "httpClient": PlainHttp}) as client:
        answer = await call(client)
    assert answer[-1] is None, answer[-1]
    return answer[0]


@pytest.fixture
def okta() -> Iterator[tuple[FakeOkta, Server]]:
    service = FakeOkta()
    with serving(service) as server:
        yield service, server


CALLS: dict[str, tuple[Callable[[Client], Awaitable[Any]], str]] = {
    "suspend": (lambda client: client.suspend_user(UID), "okta-suspend"),
    "sessions": (lambda client: client.revoke_user_sessions(UID, oauth_tokens=True), "okta-sessions"),
    "factors": (lambda client: client.reset_factors(UID), "okta-factors"),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_change_is_the_request_that_oktas_client_sends(
    name: str, okta: tuple[FakeOkta, Server], tmp_path: Path
) -> None:
    call, case = CALLS[name]
    await theirs(okta[1], call)
    async with opened(CASES[case], tmp_path) as (executor, service, _):
        assert (await executor.execute(CASES[case].action, "k")).ok
        assert shape(service.asked[-1]) == shape(okta[1].asked[-1])


async def test_looks_and_the_way_back_are_the_requests_that_oktas_client_sends(
    okta: tuple[FakeOkta, Server], tmp_path: Path
) -> None:
    _, server = okta
    await theirs(server, lambda client: client.get_user("alice@example.com"))
    await theirs(server, lambda client: client.suspend_user(UID))
    await theirs(server, lambda client: client.get_user(UID))
    await theirs(server, lambda client: client.unsuspend_user(UID))
    async with opened(CASES["okta-suspend"], tmp_path) as (executor, service, _):
        done = await executor.execute(SUSPEND, "k")
        await executor.rollback(SUSPEND, done.receipt)
        assert list(map(shape, service.asked)) == list(map(shape, server.asked))


async def test_factors_are_listed_as_oktas_client_lists_them(okta: tuple[FakeOkta, Server], tmp_path: Path) -> None:
    _, server = okta
    await theirs(server, lambda client: client.list_factors(UID))
    async with opened(CASES["okta-factors"], tmp_path) as (executor, service, _):
        assert not (await executor.verify(FACTORS, {"thing": UID})).ok
        assert shape(service.asked[-1]) == shape(server.asked[-1])


async def test_the_answers_that_we_read_are_answers_to_oktas_models(okta: tuple[FakeOkta, Server]) -> None:
    service, server = okta
    service.users[UID][1] = "SUSPENDED"
    user = await theirs(server, lambda client: client.get_user("alice@example.com"))
    assert (user.id, user.status, user.profile.login) == (UID, UserStatus.SUSPENDED, "alice@example.com")
    factors = await theirs(server, lambda client: client.list_factors(UID))
    assert [type(factor) for factor in factors] == [UserFactorPush, UserFactorPush]


@pytest.mark.parametrize("status", [status.value for status in UserStatus])
async def test_only_an_active_user_is_suspended(status: str, tmp_path: Path) -> None:
    async with opened(CASES["okta-suspend"], tmp_path) as (executor, service, _):
        service.users[UID][1] = status
        outcome = await executor.execute(SUSPEND, "k")
        assert outcome.ok is (status in {"ACTIVE", "SUSPENDED"})
        assert service.changes == (["lifecycle/suspend"] if status == "ACTIVE" else [])


async def test_a_user_who_was_suspended_before_stays_suspended(tmp_path: Path) -> None:
    case, bob = CASES["okta-suspend"], action("disable_user", "user:bob@example.com")
    async with opened(case, tmp_path) as (executor, service, _):
        dry = await executor.dry_run(bob)
        done = await executor.execute(with_receipt(bob, dry.receipt), "k")
        assert (await executor.rollback(bob, done.receipt)).ok
        assert (service.users["00u2bob"][1], service.changes) == ("SUSPENDED", [])


@pytest.mark.parametrize(
    "name",
    ["alice", "corp\\alice", "alice@", "@example.com", "..", "a@b/../../x", "a@b c", "arn:aws:iam::1:user/alice"],
)
async def test_what_is_no_login_is_not_asked_for(name: str, tmp_path: Path) -> None:
    async with opened(CASES["okta-suspend"], tmp_path) as (executor, service, _):
        assert not (await executor.execute(action("disable_user", f"user:{name}"), "k")).ok
        assert service.asked == []


async def test_a_bare_name_is_completed_where_the_file_says_how(tmp_path: Path) -> None:
    case = CASES["okta-suspend"]
    async with opened(case, tmp_path, fields=f"{case.fields}, domain: Example.COM") as (executor, service, _):
        assert (await executor.execute(action("disable_user", "user:alice"), "k")).ok
        assert service.users[UID][1] == "SUSPENDED"


@pytest.mark.parametrize(
    "user",
    [
        {"id": "00u9", "status": "ACTIVE", "profile": {"login": "mallory@example.com"}},
        {"id": "../../apps", "status": "ACTIVE", "profile": {"login": "alice@example.com"}},
        {"id": "00u9", "status": 1, "profile": {"login": "alice@example.com"}},
        {"id": "00u9", "status": "ACTIVE"},
    ],
)
async def test_another_user_than_was_asked_for_is_not_touched(user: dict[str, Any], tmp_path: Path) -> None:
    async with opened(CASES["okta-suspend"], tmp_path) as (executor, service, _):
        service.before = lambda asked: json_reply(user) if asked.method == "GET" else None
        assert not (await executor.execute(SUSPEND, "k")).ok
        assert {asked.method for asked in service.asked} == {"GET"}


async def test_ended_sessions_cannot_be_seen_or_brought_back_and_that_is_said(tmp_path: Path) -> None:
    async with opened(CASES["okta-sessions"], tmp_path) as (executor, _, _):
        done = await executor.execute(SESSIONS, "k")
        assert "cannot be checked" in (await executor.verify(SESSIONS, done.receipt)).detail
        assert "signs in again" in (await executor.rollback(SESSIONS, done.receipt)).detail


def pem_of(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def parts(token: str) -> list[bytes]:
    return [base64.urlsafe_b64decode(part + "==") for part in token.split(".")]


async def test_a_service_signs_in_with_its_key_as_oktas_client_does(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    path = tmp_path / "key.pem"
    path.write_bytes(pem_of(key))
    service, forms = FakeOkta(), []

    def answer(asked: Asked) -> Reply:
        if asked.path != "/oauth2/v1/token":
            told = dict(asked.headers)
            told["authorization"] = told["authorization"].replace(f"Bearer {BEARER}", f"SSWS {TOKEN}")
            return service(Asked(asked.method, asked.path, told, asked.body))
        forms.append({name: values[0] for name, values in parse_qs(asked.body).items()})
        return json_reply({"access_token": BEARER, "expires_in": 3600, "token_type": "Bearer"})

    with serving(answer) as server:
        file = tmp_path / "executors.yml"
        fields = f"type: okta, kinds: [disable_user], url: '{server.url}', client_id: 0oa1, private_key: {path}"
        file.write_text(f"executors: [{{name: okta, {fields}}}]")
        executors = of_file(file, server.url, Waits())
        (_, executor), *_ = executors.made
        assert (await executor.execute(SUSPEND, "k")).ok
        await executors.aclose()
    assert len(forms) == 1
    assertion = forms[0].pop("client_assertion")
    assert forms[0] == {
        "grant_type": "client_credentials",
        "scope": "okta.users.read okta.users.manage",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    theirs_ = JWT.create_token(server.url, "0oa1", pem_of(key).decode())
    head, claims, signature = parts(assertion)
    their_head, their_claims, _ = map(orjson.loads, [*parts(theirs_)[:2], b"0"])
    told = orjson.loads(claims)
    assert orjson.loads(head) == their_head
    assert {name: told[name] for name in ("iss", "sub", "aud")} == {
        name: their_claims[name] for name in ("iss", "sub", "aud")
    }
    assert told["exp"] - told["iat"] == 300
    key.public_key().verify(signature, assertion.rpartition(".")[0].encode(), PKCS1v15(), SHA256())
