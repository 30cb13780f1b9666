"""Ask an endpoint that speaks the OpenAI embeddings protocol for the vectors of texts.

Whoever uses this sends only texts that name nobody (`agents.tools.cases`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, Protocol

import httpx
import msgspec

from enrichers.secrets import Secret
from models.errors import ModelUnavailable

MAX_BATCH: Final = 64
MAX_CHARS: Final = 8000  # of one text
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
MAX_DIMENSIONS: Final = 8192
MAX_REMEMBERED: Final = 20_000
OK: Final = 200

Vector = tuple[float, ...]


class Embedder(Protocol):
    """Turn texts into vectors, of which the likest point the same way."""

    def embed(self, texts: Sequence[str]) -> tuple[Vector, ...]:
        """Return a vector for each text; raise ModelUnavailable when there are none to be had."""
        ...


class _Embedding(msgspec.Struct, frozen=True):
    index: int
    embedding: tuple[float, ...]


class _Embeddings(msgspec.Struct, frozen=True):
    data: tuple[_Embedding, ...]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An embedding endpoint.

    Attributes:
        url: Where the protocol begins, such as `https://models.example.com/v1`.
        model: The model's name.
        key: Its key, an empty one where it asks for none.
        total_s: Seconds that one request may take, whatever trickles in.
    """

    url: str
    model: str
    key: Secret = field(default_factory=lambda: Secret(""))
    total_s: float = 10.0


@dataclass(slots=True)
class HttpEmbedder:
    """Ask an endpoint, and remember what it answered.

    Attributes:
        endpoint: Whom to ask.
        client: Connections, with their trust and proxy.
        monotonic: Returns seconds that never jump.
        most: How many vectors are remembered.
    """

    endpoint: Endpoint
    client: httpx.Client
    monotonic: Callable[[], float]
    most: int = MAX_REMEMBERED
    _known: dict[str, Vector] = field(default_factory=dict, repr=False)

    def embed(self, texts: Sequence[str]) -> tuple[Vector, ...]:
        """Return a vector for each text; raise ModelUnavailable when the endpoint does not give them."""
        wanted = [text[:MAX_CHARS] for text in texts]
        unknown = [text for text in dict.fromkeys(wanted) if text not in self._known]
        if len(self._known) + len(unknown) > self.most:
            self._known.clear()
            unknown = list(dict.fromkeys(wanted))
        for start in range(0, len(unknown), MAX_BATCH):
            batch = unknown[start : start + MAX_BATCH]
            self._known.update(zip(batch, self._ask(batch), strict=True))
        vectors = tuple(self._known[text] for text in wanted)
        if len({len(vector) for vector in vectors}) > 1:
            self._known.clear()  # the model behind the endpoint is another one now
            raise ModelUnavailable("the embedding endpoint answers with vectors of different lengths")
        return vectors

    def _ask(self, texts: Sequence[str]) -> tuple[Vector, ...]:
        try:
            found = msgspec.json.decode(self._body(texts), type=_Embeddings).data
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ModelUnavailable(f"the embedding endpoint does not answer: {type(error).__name__}") from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise ModelUnavailable("the embedding endpoint answers with something else than embeddings") from error
        vectors = {one.index: one.embedding for one in found}
        if sorted(vectors) != list(range(len(texts))) or not all(map(_is_sound, vectors.values())):
            raise ModelUnavailable("the embedding endpoint answers with other embeddings than asked for")
        return tuple(vectors[number] for number in range(len(texts)))

    def _body(self, texts: Sequence[str]) -> bytes:
        asked = {"model": self.endpoint.model, "input": list(texts), "encoding_format": "float"}
        headers = {"Authorization": f"Bearer {self.endpoint.key.reveal()}"} if self.endpoint.key else {}
        url = f"{self.endpoint.url.rstrip('/')}/embeddings"
        until = self.monotonic() + self.endpoint.total_s
        timeout = httpx.Timeout(self.endpoint.total_s)
        with self.client.stream("POST", url, json=asked, headers=headers, timeout=timeout) as answer:
            if answer.status_code != OK:
                raise ModelUnavailable(f"the embedding endpoint answers with status {answer.status_code}")
            return self._read(answer.iter_bytes(), until)

    def _read(self, pieces: Iterable[bytes], until: float) -> bytes:
        body = bytearray()
        for piece in pieces:
            body += piece
            if len(body) > MAX_ANSWER_BYTES or self.monotonic() > until:
                raise ModelUnavailable("the embedding endpoint answers with too much, or too slowly")
        return bytes(body)


def _is_sound(vector: Vector) -> bool:
    return 0 < len(vector) <= MAX_DIMENSIONS and all(map(isfinite, vector)) and any(vector)


def likeness(left: Vector, right: Vector) -> float:
    """Return the cosine of the angle between two vectors of one length, neither of them zero."""
    product = sum(a * b for a, b in zip(left, right, strict=True))
    return product / (_length(left) * _length(right))


def _length(vector: Vector) -> float:
    return sum(part * part for part in vector) ** 0.5 or 1.0
