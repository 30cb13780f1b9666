"""Servers that are busy, slow, huge or lying cost a bounded time and memory, and are told by name."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace

import pytest

from enrichers.secrets import Secret
from enrichers.web import Answer, Limits, Request, Unanswered, Web, new_client
from tests.enrichers.server import Asked, Reply, Waits, json_reply, serving

LIMITS = Limits(total_s=20.0, max_bytes=1000)


async def asked(
    answer: Callable[[Asked], Reply], limits: Limits = LIMITS, path: str = "/a", **more: dict[str, str]
) -> tuple[Answer | Unanswered, list[Asked], list[float]]:
    waits = Waits()
    with serving(answer) as server:
        async with new_client(limits) as client:
            web = Web(client, limits, jitter=lambda: 1.0, sleep=waits.sleep)
            return await web.get(Request(server.url + path, **more)), server.asked, waits.seconds


async def test_an_answer_comes_whole() -> None:
    found, requests, _ = await asked(lambda _: Reply(b"hello"), headers={"accept": "x/y"})
    assert isinstance(found, Answer)
    assert (found.status, found.body) == (200, b"hello")
    assert (requests[0].headers["accept"], requests[0].headers["accept-encoding"]) == ("x/y", "identity")


async def test_a_form_is_posted() -> None:
    found, requests, _ = await asked(lambda _: Reply(b"ok"), form={"host": "evil.example.org"})
    assert isinstance(found, Answer)
    assert (requests[0].method, requests[0].body) == ("POST", "host=evil.example.org")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
async def test_a_busy_server_is_asked_again_a_few_times(status: int) -> None:
    found, requests, waits = await asked(lambda _: Reply(b"", status))
    assert found == Unanswered(f"127.0.0.1 answered {status}", status)
    assert (len(requests), waits) == (3, [0.5, 1.0])


async def test_a_server_that_recovers_answers() -> None:
    replies = iter([Reply(status=503), Reply(b"ok")])
    found, requests, _ = await asked(lambda _: next(replies))
    assert isinstance(found, Answer)
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"retry-after": "7"}, [7.0, 7.0]),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:09 GMT", "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}, None),
        ({"retry-after": "3600"}, []),
        ({"retry-after": "soon"}, [0.5, 1.0]),
    ],
)
async def test_a_server_that_asks_for_patience_gets_it_within_reason(
    headers: dict[str, str], waits: list[float] | None
) -> None:
    found, _, waited = await asked(lambda _: Reply(b"", 429, headers))
    assert isinstance(found, Unanswered)
    assert waited == waits if waits is not None else len(waited) in {0, 2}


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 410])
async def test_other_statuses_are_answers(status: int) -> None:
    headers = {"location": "/b"} if status == 301 else {}
    found, _, _ = await asked(lambda one: Reply(b"", status, headers) if one.path == "/a" else Reply(b"moved"))
    assert isinstance(found, Answer)
    assert found.status == (200 if status == 301 else status)


async def test_an_answer_that_is_too_large_is_let_go() -> None:
    found, requests, _ = await asked(lambda _: Reply(b"x" * 200_000))
    assert found == Unanswered("an answer of more than 1,000 bytes", is_final=True)
    assert len(requests) == 1


async def test_a_compressed_answer_is_not_unfolded() -> None:
    bomb = gzip.compress(b"\0" * 1_000_000)
    found, _, _ = await asked(
        lambda _: Reply(bomb, headers={"content-encoding": "gzip"}), replace(LIMITS, max_bytes=10**9)
    )
    assert found == Unanswered("127.0.0.1 sent a compressed answer that was not asked for", is_final=True)


@pytest.mark.parametrize("stall", ["headers", "body"])
async def test_a_slow_answer_is_let_go(stall: str) -> None:
    limits = replace(LIMITS, total_s=0.2, tries=1) if stall == "body" else replace(LIMITS, read_s=0.2, tries=1)
    found, _, _ = await asked(lambda _: Reply(b"a", stall=True), limits)
    assert isinstance(found, Unanswered)
    assert found.reason in {"no whole answer within 0.2 s", "ReadTimeout from 127.0.0.1"}


async def test_nobody_there_is_told() -> None:
    with serving(lambda _: Reply()) as server:
        url = server.url
    waits = Waits()
    async with new_client(LIMITS) as client:
        found = await Web(client, LIMITS, lambda: 0.0, waits.sleep).get(Request(url))
    assert found == Unanswered("ConnectError from 127.0.0.1", is_sent=False)
    assert waits.seconds == [0.25, 0.5]


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data", "http://127.0.0.1:1/x", "//10.0.0.1/", "file:///etc/passwd"]
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_elsewhere_is_not_followed(target: str, status: int) -> None:
    found, requests, _ = await asked(lambda _: Reply(b"", status, {"location": target}))
    assert isinstance(found, Unanswered)
    assert found.is_final
    assert found.reason.startswith("it redirects to another server")
    assert len(requests) == 1


async def test_a_redirect_in_circles_ends() -> None:
    found, requests, _ = await asked(lambda _: Reply(b"", 302, {"location": "/a"}))
    assert found == Unanswered("it redirects more than 3 times", is_final=True)
    assert len(requests) == 4


async def test_what_is_posted_is_not_sent_on() -> None:
    found, requests, _ = await asked(lambda _: Reply(b"", 307, {"location": "/b"}), form={"a": "b"})
    assert found == Unanswered("it redirects what was posted", 307, is_final=True)
    assert len(requests) == 1


@pytest.mark.parametrize("path", [":bad", "/\ud800", " "])
async def test_what_is_no_url_is_told(path: str) -> None:
    async with new_client(LIMITS) as client:
        found = await Web(client, LIMITS, lambda: 0.0, Waits().sleep).get(Request(f"http://127.0.0.1:1{path}"))
    assert isinstance(found, Unanswered)


async def test_a_secret_reaches_the_server_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    from hpack import Encoder

    caplog.set_level("DEBUG")
    found, requests, _ = await asked(lambda _: json_reply({}), secrets={"x-key": Secret("hunter2")})
    assert isinstance(found, Answer)
    assert requests[0].headers["x-key"] == "hunter2"
    Encoder().encode([("x-key", "hunter2")])  # what HTTP/2 does with every header
    assert caplog.records
    assert "hunter2" not in caplog.text + repr(found)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_body_is_sent_by_any_method(method: str) -> None:
    headers = {"content-type": "application/json"}
    found, requests, _ = await asked(lambda _: Reply(b"ok"), method=method, body=b"{}", headers=headers)
    assert isinstance(found, Answer)
    assert [(each.method, each.body, each.headers["content-type"]) for each in requests] == [
        (method, "{}", "application/json")
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_what_has_a_method_is_sent_nowhere_else(method: str) -> None:
    found, requests, _ = await asked(lambda _: Reply(status=307, headers={"location": "/b"}), method=method)
    assert found == Unanswered("it redirects what was posted", 307, is_final=True)
    assert len(requests) == 1


@pytest.mark.parametrize(("status", "tries"), [(429, 3), (500, 1), (503, 1)])
async def test_what_must_not_come_twice_is_tried_again_only_when_it_was_turned_away(status: int, tries: int) -> None:
    found, requests, _ = await asked(lambda _: Reply(status=status), method="POST", body=b"{}", is_repeatable=False)
    assert isinstance(found, Unanswered)
    assert (found.status, len(requests)) == (status, tries)


async def test_the_path_of_a_url_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await asked(lambda _: Reply(b"ok"), path="/hook/t0ken")
    assert "t0ken" not in caplog.text
