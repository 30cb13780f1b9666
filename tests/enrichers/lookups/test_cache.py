"""The cache keeps what holds, forgets what does not, and stays small."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from enrichers.lookups.cache import ReputationCache
from enrichers.lookups.gate import Question
from enrichers.lookups.reputation import Reputation
from models.errors import ConfigError

ASKED = Question("address", "8.8.8.8")
KNOWN = Reputation("abuseipdb", 90, malicious=True, reports=3, tags=("tor", "x"), last_seen=5)


def test_an_answer_survives_a_restart_until_it_expires(tmp_path: Path) -> None:
    with ReputationCache(tmp_path / "sub" / "c.db") as cache:
        cache.put(KNOWN, ASKED, expires=100)
    with ReputationCache(tmp_path / "sub" / "c.db") as cache:
        assert cache.get("abuseipdb", ASKED, now=99) == KNOWN
        assert cache.get("abuseipdb", ASKED, now=100) is None
        assert cache.get("other", ASKED, now=99) is None
        assert cache.get("abuseipdb", Question("domain", "8.8.8.8"), now=99) is None


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    with ReputationCache(tmp_path / "c.db"):
        assert (tmp_path / "c.db").stat().st_mode & 0o077 == 0


def test_what_expires_first_goes_when_there_is_too_much(tmp_path: Path) -> None:
    with ReputationCache(tmp_path / "c.db", max_rows=10) as cache:
        for number in range(11):
            cache.put(KNOWN, Question("domain", f"h{number}.org"), expires=1000 + number)
        found = [cache.get("abuseipdb", Question("domain", f"h{number}.org"), now=0) for number in range(11)]
    assert [each is not None for each in found] == [False] * 2 + [True] * 9


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[1]", b"not json", b'{"tags": 5}', b'{"provider": "x", "tags": [], "y": 1}']
)
def test_what_was_spoilt_is_not_known(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "c.db"
    with ReputationCache(path) as cache:
        cache.put(KNOWN, ASKED, expires=100)
        with sqlite3.connect(path) as base:
            base.execute("update reputation set body = ?", (body,))
        base.close()
        assert cache.get("abuseipdb", ASKED, now=1) is None


def test_a_file_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(ConfigError, match="no cache of lookups"):
        ReputationCache(tmp_path / "c.db")
    other = sqlite3.connect(tmp_path / "d.db")
    other.execute("pragma user_version = 7")
    other.close()
    with pytest.raises(ConfigError, match="version 7"):
        ReputationCache(tmp_path / "d.db")
