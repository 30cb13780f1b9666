from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from enrichers.context.fetching import Asking
from enrichers.context.loading import TableErrors, load_tables
from models.errors import ConfigError, EnrichmentFailed
from tests.enrichers.server import Waits

URL = "https://cmdb.example.com/api/assets?limit=2"
PLACE = "https://cmdb.example.com/api/assets"
KEY = "k-0f1e2d3c"


class Api:
    """Answers for the API, and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, content=orjson.dumps(answer))


class Wire(httpx.AsyncBaseTransport):
    """Send answers piece by piece, as a server does."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._answer(request)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=Pieces(answer.stream))


class Pieces(httpx.AsyncByteStream):
    """The pieces of an answer."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._stream:
            yield piece


def described(folder: Path, http: str = "", url: str = URL) -> Path:
    path = folder / "cmdb.toml"
    path.write_text(f'url = "{url}"\n[columns]\nnames = "host.name"\nowner = "owner"\n[http]\n{http}\n')
    return path


def fetched(path: Path, answer: Callable[[httpx.Request], httpx.Response]) -> list[str]:
    with Asking(lambda: 0.0, Waits().sleep, lambda _: httpx.AsyncClient(transport=Wire(answer))) as asking:
        return [asset.uid for asset in load_tables([path], (), asking).assets]


def host(name: str) -> dict[str, Any]:
    return {"host": {"name": name}, "owner": "bob"}


@contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


def test_one_page_that_is_the_list(tmp_path: Path) -> None:
    api = Api([host("web01"), host("db01")])
    assert fetched(described(tmp_path), api) == ["web01", "db01"]
    assert [str(request.url) for request in api.asked] == [URL]
    assert "authorization" not in api.asked[0].headers


def test_pages_by_an_address_in_the_answer(tmp_path: Path) -> None:
    api = Api(
        {"data": {"items": [host("a")]}, "paging": {"next": "/api/assets?page=2"}},
        {"data": {"items": [host("b")]}, "paging": {"next": "https://cmdb.example.com/api/assets?page=3"}},
        {"data": {"items": []}, "paging": {"next": None}},
    )
    path = described(tmp_path, 'records = "data.items"\nnext = "paging.next"')
    assert fetched(path, api) == ["a", "b"]
    assert [request.url.params.get("page") for request in api.asked] == [None, "2", "3"]


def test_pages_by_a_link_header(tmp_path: Path) -> None:
    first = httpx.Response(200, json=[host("a")], headers={"link": '<?page=2>; rel="next", <?page=9>; rel="last"'})
    assert fetched(described(tmp_path), Api(first, [host("b")])) == ["a", "b"]


def test_pages_by_a_token(tmp_path: Path) -> None:
    api = Api({"items": [host("a")], "token": "t/1"}, {"items": [host("b")], "token": ""})
    path = described(tmp_path, 'records = "items"\nnext_token = "token"\ntoken_parameter = "pageToken"')
    assert fetched(path, api) == ["a", "b"]
    assert dict(api.asked[1].url.params) == {"limit": "2", "pageToken": "t/1"}


def test_a_key_from_the_environment_or_a_file(tmp_path: Path) -> None:
    with environment("BRAID_TEST_CMDB_KEY", KEY):
        api = Api([])
        fetched(described(tmp_path, 'key = "env:BRAID_TEST_CMDB_KEY"'), api)
    assert api.asked[0].headers["authorization"] == f"Bearer {KEY}"
    (tmp_path / "key").write_text(f"{KEY}\n")
    api = Api([])
    fetched(described(tmp_path, f'key = "file:{tmp_path / "key"}"\nheader = "x-api-key"\nprefix = ""'), api)
    assert api.asked[0].headers["x-api-key"] == KEY


@pytest.mark.parametrize("key", ["env:BRAID_TEST_NO_KEY", "file:/nonexistent/key", KEY])
def test_a_key_that_is_not_there(tmp_path: Path, key: str) -> None:
    api = Api([])
    with pytest.raises(ConfigError, match=r"http\.key: ") as caught:
        fetched(described(tmp_path, f'key = "{key}"'), api)
    assert KEY not in str(caught.value)
    assert api.asked == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(500), "answered 500"),
        (httpx.Response(429), "answered 429"),
        (httpx.Response(302, headers={"location": "https://10.0.0.1/"}), "redirects to another server"),
        (httpx.Response(404), "answered 404"),
        (httpx.ConnectTimeout("no"), "ConnectTimeout"),
        (httpx.Response(200, content=b"<html>"), "not JSON"),
        (httpx.Response(200, json={"items": []}), "no list of records"),
    ],
)
def test_answers_that_are_none_and_never_tell_the_key(tmp_path: Path, answer: Any, told: str) -> None:
    (tmp_path / "key").write_text(KEY)
    path = described(tmp_path, f'key = "file:{tmp_path / "key"}"', URL + f"&token={KEY}")
    with pytest.raises(EnrichmentFailed, match=told) as caught:
        fetched(path, Api(answer))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "link",
    ["https://evil.example.net/", "http://cmdb.example.com/api", "https://cmdb.example.com:8443/", "//10.0.0.1/x"],
)
def test_a_next_page_at_another_place_is_not_asked(tmp_path: Path, link: str) -> None:
    api = Api({"items": [], "next": link})
    with pytest.raises(EnrichmentFailed, match="another place"):
        fetched(described(tmp_path, 'records = "items"\nnext = "next"'), api)
    assert len(api.asked) == 1


def test_pages_that_never_end(tmp_path: Path) -> None:
    def again(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"items": [], "next": "?page=2"})

    with pytest.raises(EnrichmentFailed, match="does not end after 2 pages"):
        fetched(described(tmp_path, 'records = "items"\nnext = "next"'), again)

    def further(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params.get("page", "1"))
        return httpx.Response(200, json={"items": [], "next": f"?page={page + 1}"})

    with pytest.raises(EnrichmentFailed, match="does not end after 5 pages"):
        fetched(described(tmp_path, 'records = "items"\nnext = "next"\npages = 5'), further)


def test_an_answer_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    read = 0

    def huge() -> Iterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b" " * (1 << 20)

    with pytest.raises(EnrichmentFailed, match="more than"):
        fetched(described(tmp_path), Api(httpx.Response(200, content=huge())))
    assert read == 65


def test_what_is_wrong_with_a_record_names_its_number(tmp_path: Path) -> None:
    with pytest.raises(TableErrors) as caught:
        fetched(described(tmp_path), Api([host("web01"), 7, host("no host")]))
    assert [problem.partition(": ")[0] for problem in caught.value.problems] == [f"{PLACE}:2", f"{PLACE}:3"]


def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    api = Api(httpx.Response(503, headers={"retry-after": "2"}), httpx.ConnectTimeout("no"), [host("a")])
    assert fetched(described(tmp_path), api) == ["a"]
    assert len(api.asked) == 3


def test_a_redirect_at_the_same_server_is_followed_with_the_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    api = Api(httpx.Response(307, headers={"location": "/api/v2/assets"}), [host("a")])
    assert fetched(described(tmp_path, f'key = "file:{tmp_path / "key"}"'), api) == ["a"]
    assert [request.url.path for request in api.asked] == ["/api/assets", "/api/v2/assets"]
    assert api.asked[1].headers["authorization"] == f"Bearer {KEY}"
