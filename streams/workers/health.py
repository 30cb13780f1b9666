"""The health endpoint: `GET /health` says what a worker is doing, 503 while it cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

import orjson

PATHS: Final = frozenset({"/health", "/healthz"})


class Health:
    """What a worker says of itself. Written by the worker's loop, read by the endpoint's thread."""

    def __init__(self, worker: str) -> None:
        self._lock = threading.Lock()
        self._facts: dict[str, Any] = {"worker": worker, "status": "starting"}
        self._watched: dict[str, Callable[[], Any]] = {}

    def set(self, **facts: Any) -> None:
        """Set facts (`status="running"`, `lag=...`)."""
        with self._lock:
            self._facts.update(facts)

    def add(self, **counts: int) -> None:
        """Add to counters."""
        with self._lock:
            for name, count in counts.items():
                self._facts[name] = self._facts.get(name, 0) + count

    def watch(self, name: str, look: Callable[[], Any]) -> None:
        """Show what a look finds whenever somebody asks."""
        with self._lock:
            self._watched[name] = look

    def snapshot(self) -> dict[str, Any]:
        """Return all facts as they are now."""
        with self._lock:
            return {**self._facts, **{name: look() for name, look in self._watched.items()}}


class HealthServer:
    """Serve one Health on a port of its own thread; a context manager."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        self._server = ThreadingHTTPServer((host, port), _handler_of(health))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _handler_of(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is the library's
            if self.path not in PATHS:
                self.send_error(404, "try /health")
                return
            facts = health.snapshot()
            body = orjson.dumps(facts)
            self.send_response(200 if facts["status"] == "running" else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep probes out of the log."""

    return Handler
