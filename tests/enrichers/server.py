"""A real HTTP server of one's own that answers as told and keeps what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Reply:
    """What to answer; `stall` waits for the server's end behind the body.

    The body is sent `times` over; `states_length` tells its length beforehand.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stall: bool = False
    times: int = 1
    states_length: bool = True


def json_reply(told: object, status: int = 200, **headers: str) -> Reply:
    return Reply(orjson.dumps(told), status, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class Server:
    """Where it listens, what it was asked, and how many bytes of bodies it got rid of."""

    url: str
    asked: list[Asked]
    sent: list[int]

    @property
    def paths(self) -> list[str]:
        return [each.path for each in self.asked]


@contextmanager
def serving(answer: Callable[[Asked], Reply]) -> Iterator[Server]:
    """Serve while the context lasts."""
    asked: list[Asked] = []
    sent: list[int] = []
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each answer waits 40 ms between its head and its body

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            one = Asked(self.command, self.path, headers, body)
            asked.append(one)
            reply = answer(one)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.states_length:
                self.send_header("content-length", str(len(reply.body) * reply.times + reply.stall))
            else:
                self.send_header("connection", "close")
            self.end_headers()
            try:
                for _ in range(reply.times):
                    self.wfile.write(reply.body)
                    sent.append(len(reply.body))
                self.wfile.flush()
                if reply.stall:
                    ended.wait()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = _answer  # noqa: N815  # the name is the library's
        do_POST = _answer  # noqa: N815  # same
        do_PUT = _answer  # noqa: N815  # same
        do_PATCH = _answer  # noqa: N815  # same
        do_DELETE = _answer  # noqa: N815  # same

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the library's
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_address[1]}", asked, sent)
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Waits:
    """Stands for `asyncio.sleep`: keeps how long it was to wait, and moves a clock on by it."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.now = 1000.0

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now
