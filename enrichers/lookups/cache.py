"""Answers of services, kept on disk for a while: SQLite with JSON in it, bounded, read by nobody else."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import Final, Self

import orjson

from enrichers.lookups.gate import Question
from enrichers.lookups.reputation import Reputation
from models.errors import ConfigError

MAX_ROWS: Final = 100_000
MAX_PAGES: Final = 65_536  # of 4 KiB: the file takes no more
MAX_PAGES_IN_MEMORY: Final = 4096
PRUNED_RATIO: Final = 0.9
OWNER_ONLY: Final = 0o600
_VERSION: Final = 1
_TABLE: Final = """
create table if not exists reputation (
  provider text not null, kind text not null, value text not null, expires integer not null, body blob not null,
  primary key (provider, kind, value)
) without rowid
"""


class ReputationCache:
    """Remember reputations until they expire. A cache that cannot be read or written is one that knows nothing.

    For one thread at a time: whoever opens it may hand it to another.
    """

    def __init__(self, path: Path | None, max_rows: int = MAX_ROWS) -> None:
        """Open or make the file; raise ConfigError when it is not a cache of ours, or cannot be made.

        Args:
            path: The file; None keeps all in memory, for as long as the cache is open.
            max_rows: Reputations that are kept.
        """
        self._max_rows = max_rows
        try:
            place = _made(path) if path else ":memory:"
            self._base = sqlite3.connect(place, isolation_level=None, timeout=1.0, check_same_thread=False)
            self._prepare(path)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"{path}: no cache of lookups: {error}") from error

    def _prepare(self, path: Path | None) -> None:
        try:
            (version,) = self._base.execute("pragma user_version").fetchone()
        except sqlite3.Error:
            self._base.close()
            raise
        if version not in {0, _VERSION}:
            self._base.close()
            raise ConfigError(f"{path}: a cache of lookups of version {version}, not {_VERSION}: remove it")
        self._base.execute(f"pragma max_page_count = {MAX_PAGES if path else MAX_PAGES_IN_MEMORY}")
        self._base.execute(f"pragma user_version = {_VERSION}")
        self._base.execute(_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def get(self, provider: str, question: Question, now: int) -> Reputation | None:
        """Return what a service said, None when that is not known or no longer holds (`now` in ms)."""
        try:
            row = self._base.execute(
                "select body from reputation where provider = ? and kind = ? and value = ? and expires > ?",
                (provider, *question, now),
            ).fetchone()
            told = orjson.loads(row[0]) if row else None
            return Reputation(**{**told, "tags": tuple(told["tags"])}) if told else None
        except (sqlite3.Error, orjson.JSONDecodeError, TypeError, KeyError):
            return None

    def put(self, reputation: Reputation, question: Question, expires: int) -> None:
        """Remember a reputation until a time in ms; when there are too many, those that expire first go."""
        try:
            self._base.execute(
                "insert or replace into reputation values (?, ?, ?, ?, ?)",
                (reputation.provider, *question, expires, orjson.dumps(asdict(reputation))),
            )
            self._prune()
        except sqlite3.Error:
            return

    def _prune(self) -> None:
        (rows,) = self._base.execute("select count(*) from reputation").fetchone()
        if rows > self._max_rows:
            self._base.execute(
                "delete from reputation where (provider, kind, value) in "
                "(select provider, kind, value from reputation order by expires limit ?)",
                (rows - int(self._max_rows * PRUNED_RATIO),),
            )


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY))
    return path
