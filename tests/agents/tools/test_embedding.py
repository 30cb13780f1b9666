from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import orjson
import pytest
from openai.types import CreateEmbeddingResponse

from agents.tools.embedding import (
    MAX_BATCH,
    MAX_CHARS,
    MAX_DIMENSIONS,
    Endpoint,
    HttpEmbedder,
    likeness,
)
from enrichers.secrets import Secret
from models.errors import ModelUnavailable
from tests.enrichers.server import Asked, Reply, Server, Waits, json_reply, serving


def embeddings(asked: Asked, length: int = 3) -> dict[str, object]:
    """Answer as the protocol has it: one vector for each text, told apart by the text's length."""
    texts = orjson.loads(asked.body)["input"]
    data = [
        {"object": "embedding", "index": number, "embedding": [1.0, float(len(text)), 0.5][:length]}
        for number, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return {"object": "list", "data": data[::-1], "model": "small", "usage": usage}


@contextmanager
def embedder(answer: Callable[[Asked], Reply], key: str = "") -> Iterator[tuple[HttpEmbedder, Server]]:
    with serving(answer) as server, httpx.Client(trust_env=False) as client:
        endpoint = Endpoint(f"{server.url}/v1/", "small", Secret(key))
        yield HttpEmbedder(endpoint, client, Waits().monotonic), server


def good(asked: Asked) -> Reply:
    told = embeddings(asked)
    CreateEmbeddingResponse.model_validate(told)  # the vendor's own model of the answer
    return json_reply(told)


def test_a_vector_comes_for_each_text_in_their_order_whatever_the_order_of_the_answer() -> None:
    with embedder(good, "k-123") as (asked, server):
        assert asked.embed(["a", "bbb", "a"]) == ((1.0, 1.0, 0.5), (1.0, 3.0, 0.5), (1.0, 1.0, 0.5))
    (request,) = server.asked
    assert (request.method, request.path) == ("POST", "/v1/embeddings")
    assert request.headers["authorization"] == "Bearer k-123"
    assert orjson.loads(request.body) == {"model": "small", "input": ["a", "bbb"], "encoding_format": "float"}
    assert "k-123" not in repr(asked)


def test_what_was_asked_is_remembered_and_many_texts_go_in_several_requests() -> None:
    texts = [str(number) for number in range(MAX_BATCH + 1)]
    with embedder(good) as (asked, server):
        first = asked.embed(texts)
        assert asked.embed(texts) == first
        assert len(server.asked) == 2
        assert "authorization" not in server.asked[0].headers
        assert asked.embed([]) == ()


def test_memory_and_texts_are_bounded() -> None:
    with embedder(good) as (asked, server):
        asked.most = 100
        asked.embed([str(number) for number in range(100)])
        before = len(server.asked)
        asked.embed(["one more"])
        asked.embed(["0"])
        assert len(server.asked) == before + 2
        asked.embed(["x" * (2 * MAX_CHARS)])
    assert len(orjson.loads(server.asked[-1].body)["input"][0]) == MAX_CHARS


def of(data: object) -> Reply:
    return json_reply({"data": data})


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(b"no json"), "something else"),
        (Reply(b"[" * 100_000), "something else"),
        (json_reply({}), "something else"),
        (of([{"index": 0, "embedding": ["1"]}]), "something else"),
        (Reply(b'{"data": [{"index": 0, "embedding": [NaN]}]}'), "something else"),
        (Reply(b'{"data": [{"index": 0, "embedding": [1e999]}]}'), "else|other"),
        (of([]), "other embeddings"),
        (of([{"index": 1, "embedding": [1.0]}]), "other embeddings"),
        (of([{"index": 0, "embedding": []}]), "other embeddings"),
        (of([{"index": 0, "embedding": [0.0, 0.0]}]), "other embeddings"),
        (of([{"index": 0, "embedding": [1.0] * (MAX_DIMENSIONS + 1)}]), "other embeddings"),
        (json_reply({"error": "k-123"}, 401), "status 401"),
        (json_reply({}, 500), "status 500"),
        (Reply(status=302, headers={"location": "http://127.0.0.1:1/"}), "status 302"),
        (Reply(b"x" * 1_000_000, times=20), "too much"),
    ],
)
def test_any_other_answer_is_no_answer_and_is_not_shown(reply: Reply, why: str) -> None:
    with embedder(lambda _: reply, "k-123") as (asked, _), pytest.raises(ModelUnavailable, match=why) as error:
        asked.embed(["text"])
    assert "k-123" not in str(error.value)


def test_vectors_of_another_model_are_not_mixed_with_those_remembered() -> None:
    lengths = iter((3, 2, 2))
    with embedder(lambda asked: json_reply(embeddings(asked, next(lengths)))) as (asked, _):
        asked.embed(["a"])
        with pytest.raises(ModelUnavailable, match="different lengths"):
            asked.embed(["a", "b"])
        assert asked.embed(["a", "b"]) == ((1.0, 1.0), (1.0, 1.0))


def test_a_server_that_trickles_is_left_when_the_time_is_over() -> None:
    clock = Waits()

    def monotonic() -> float:
        clock.now += 6
        return clock.now

    with serving(good) as server, httpx.Client(trust_env=False) as client:
        asked = HttpEmbedder(Endpoint(server.url, "small", total_s=5.0), client, monotonic)
        with pytest.raises(ModelUnavailable, match="too slowly"):
            asked.embed(["a"])


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[", "not a url"])
def test_where_nobody_answers_that_is_said(url: str) -> None:
    with httpx.Client(trust_env=False) as client, pytest.raises(ModelUnavailable, match="does not answer"):
        HttpEmbedder(Endpoint(url, "small"), client, Waits().monotonic).embed(["a"])


def test_vectors_are_alike_by_their_angle() -> None:
    assert likeness((1.0, 0.0), (5.0, 0.0)) == pytest.approx(1)
    assert likeness((1.0, 0.0), (0.0, 2.0)) == 0
    assert likeness((1.0, 1.0), (-1.0, -1.0)) == pytest.approx(-1)
