"""A local HTTP server that plays a language model from a script, in both protocols.

    with ScriptedServer([calls(("search", {"entity": "user:alice"})), answers({...})]) as server:
        ...  # server.url, server.requests

A script is a list of answers, one a request, or a callable from the Conversation to an answer. A script that is at its
end, that raises, or a request that a vendor would refuse, fails the test when the server is closed.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.llm.requests import read
from tests.llm.responses import Rendered, render
from tests.llm.script import (
    Conversation,
    Protocol,
    Says,
    Script,
    Tokens,
    answers,
    busy,
    calls,
    cut_off,
    cuts,
    fails,
    filtered,
    malformed,
    refuses,
    says,
    slow,
)

__all__ = [
    "Conversation",
    "Says",
    "Script",
    "ScriptedServer",
    "Tokens",
    "answers",
    "busy",
    "calls",
    "cut_off",
    "cuts",
    "fails",
    "filtered",
    "malformed",
    "refuses",
    "says",
    "slow",
]
PATIENCE_S = 30.0  # of a test that waits for a request which never comes
PIECE_BYTES = 512


class ScriptedServer:
    """Serves while the context lasts; see the module.

    `protocol` decides only what `url` is: both are served. With `key`, requests without it are answered 401; it may be
    set anew at any time. `is_lenient` leaves wrong requests to the test (they are answered 400 and kept).
    """

    def __init__(
        self,
        script: Script,
        protocol: Protocol = "openai",
        *,
        key: str | None = None,
        is_lenient: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.protocol = protocol
        self.key = key
        self.requests: list[Conversation] = []
        self.failures: list[str] = []
        self._say = script if callable(script) else _one_by_one(script)
        self._is_lenient = is_lenient
        self._arrived = threading.Condition()
        self._waits: list[threading.Event] = []
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.scripted = self
        self._scheme = "https" if tls else "http"
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for event in self._waits:
            event.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        if kind is None:
            assert not self.failures, "; ".join(self.failures)

    @property
    def url(self) -> str:
        """The base URL, as the vendors' own clients want it."""
        return self.url_of(self.protocol)

    def url_of(self, protocol: Protocol) -> str:
        port = self._http.server_address[1]
        return f"{self._scheme}://127.0.0.1:{port}" + ("/v1" if protocol == "openai" else "")

    def wait_for(self, count: int) -> None:
        """Wait until so many requests have come; from a coroutine with `asyncio.to_thread`."""
        with self._arrived:
            came = self._arrived.wait_for(lambda: len(self.requests) >= count, PATIENCE_S)
        assert came, f"only {len(self.requests)} of {count} requests came"

    def answer(self, path: str, headers: dict[str, str], raw: bytes) -> tuple[Says, Conversation]:
        """Keep a request and return what the script says to it."""
        with self._arrived:
            asked = read(len(self.requests), path, headers, raw)
            self.requests.append(asked)
            self._arrived.notify_all()
        if self.key is not None and self.key not in _keys(headers):
            return Says(status=401, error="invalid api key"), asked
        if asked.problem:
            if not self._is_lenient:
                self.failures.append(f"request {asked.number} is wrong: {asked.problem}")
            return Says(status=400, error=asked.problem), asked
        try:
            said = self._say(asked)
        except Exception as error:  # noqa: BLE001  # whatever a script raises belongs to the test, not to this thread
            self.failures.append(f"the script raised {error!r} at request {asked.number}")
            said = Says(status=500, error="the script raised")
        if said.until:
            self._waits.append(said.until)
        return said, asked


def _one_by_one(script: Any) -> Callable[[Conversation], Says]:
    left = list(script)
    return lambda _: left.pop(0)


def _keys(headers: dict[str, str]) -> set[str]:
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    return {bearer, headers.get("api-key", ""), headers.get("x-api-key", "")}


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    scripted: ScriptedServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms between its head and its body
    server: _Http

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        said, asked = self.server.scripted.answer(self.path, headers, raw)
        if said.until and not said.wait_after:
            said.until.wait()
        try:
            self._send(said, render(said, asked))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _send(self, said: Says, made: Rendered) -> None:
        self.send_response_only(made.status)  # without a date: the script may state one
        self.send_header("content-type", made.media)
        for name, value in said.headers.items():
            self.send_header(name, value)
        if made.is_stream:
            self.send_header("transfer-encoding", "chunked")
        else:
            self.send_header("content-length", str(len(made.body)))
        self.end_headers()
        self._send_body(made.body, said, is_stream=made.is_stream)

    def _send_body(self, body: bytes, said: Says, *, is_stream: bool) -> None:
        first = min(said.wait_after if said.until else 0, len(body))
        self._pieces(body[:first], is_stream=is_stream)
        if first and said.until:
            self.wfile.flush()
            said.until.wait()
        self._pieces(body[first : said.cut_after], is_stream=is_stream)
        if said.cut_after is not None:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif is_stream:
            self.wfile.write(b"0\r\n\r\n")

    def _pieces(self, body: bytes, *, is_stream: bool) -> None:
        if not is_stream:
            self.wfile.write(body)
            return
        for start in range(0, len(body), PIECE_BYTES):
            piece = body[start : start + PIECE_BYTES]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the library's
        del format, args
