"""Each service's answers are read as they are, and any other JSON is no harm."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.lookups.gate import Question
from enrichers.lookups.providers import PROVIDERS
from enrichers.lookups.reputation import Reputation
from enrichers.secrets import Secret

ANSWERS: list[tuple[str, str, dict[str, Any], Reputation]] = [
    (
        "virustotal",
        "address",
        {
            "data": {
                "attributes": {
                    "last_analysis_stats": {"malicious": 9, "suspicious": 2, "harmless": 60, "undetected": 29},
                    "tags": ["tor"],
                    "last_analysis_date": 1_767_225_600,
                    "popular_threat_classification": {"suggested_threat_label": "trojan.x"},
                }
            }
        },
        Reputation("virustotal", 10, malicious=True, reports=9, tags=("tor", "trojan.x"), last_seen=1_767_225_600_000),
    ),
    (
        "abuseipdb",
        "address",
        {
            "data": {
                "abuseConfidenceScore": 87,
                "totalReports": 12,
                "usageType": "Data Center",
                "isTor": True,
                "lastReportedAt": "2026-01-01T00:00:00+00:00",
            }
        },
        Reputation(
            "abuseipdb", 87, malicious=True, reports=12, tags=("Data Center", "tor"), last_seen=1_767_225_600_000
        ),
    ),
    (
        "greynoise",
        "address",
        {"noise": True, "riot": False, "classification": "malicious", "name": "unknown", "last_seen": "2026-01-01"},
        Reputation(
            "greynoise",
            90,
            malicious=True,
            reports=1,
            tags=("malicious", "noise", "unknown"),
            last_seen=1_767_225_600_000,
        ),
    ),
    (
        "greynoise",
        "address",
        {"noise": False, "riot": True, "classification": "benign", "name": "A DNS service"},
        Reputation("greynoise", 0, malicious=False, tags=("A DNS service", "benign", "riot")),
    ),
    (
        "urlhaus",
        "domain",
        {
            "query_status": "ok",
            "url_count": "3",
            "urls": [
                {
                    "url_status": "online",
                    "date_added": "2026-01-01 00:00:00 UTC",
                    "threat": "malware_download",
                    "tags": ["elf"],
                }
            ],
        },
        Reputation(
            "urlhaus", 100, malicious=True, reports=3, tags=("elf", "malware_download"), last_seen=1_767_225_600_000
        ),
    ),
    ("urlhaus", "domain", {"query_status": "no_results"}, Reputation("urlhaus")),
    (
        "internetdb",
        "address",
        {"ip": "8.8.8.8", "tags": ["c2", "cloud"], "vulns": ["CVE-2021-0001"], "ports": [443]},
        Reputation("internetdb", 90, malicious=True, reports=1, tags=("1 known vulnerabilities", "c2", "cloud")),
    ),
]


@pytest.mark.parametrize(("name", "kind", "told", "read"), ANSWERS)
def test_an_answer_is_read(name: str, kind: str, told: dict[str, Any], read: Reputation) -> None:
    assert PROVIDERS[name].read(name, kind, told) == read


_NAMES = [
    *("data", "attributes", "last_analysis_stats", "malicious", "tags", "urls", "url_count", "classification", "vulns"),
    *("query_status", "last_seen", "abuseConfidenceScore", "usageType", "name", "date_added", "threat", "url_status"),
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("ok"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(PROVIDERS)), st.sampled_from(["address", "domain", "hash"]), _JSON)
def test_any_answer_is_read(name: str, kind: str, told: Any) -> None:
    read = PROVIDERS[name].read(name, kind, told)
    assert 0 <= read.score <= 100
    assert read.reports >= 0
    assert len(read.tags) <= 16


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_request_has_the_value_and_the_key_in_their_places(name: str) -> None:
    provider = PROVIDERS[name]
    for kind, value in {"address": "2606:4700::1111", "domain": "evil.org", "hash": "a" * 64}.items():
        if kind in provider.calls:
            request = provider.request(Question(kind, value), Secret("hunter2"))
            assert value in request.url + "".join(request.form.values())
            assert request.url.startswith("https://")
            assert "{" not in request.url + "".join([*request.form, *request.form.values()])
            assert "hunter2" not in repr(request)
            assert [secret.reveal() for secret in request.secrets.values()] == (
                ["hunter2"] if provider.key_header else []
            )


@pytest.mark.parametrize(("digits", "field"), [(32, "md5_hash"), (40, "sha1_hash"), (64, "sha256_hash")])
def test_a_hash_is_asked_for_by_its_algorithm(digits: int, field: str) -> None:
    request = PROVIDERS["urlhaus"].request(Question("hash", "a" * digits), Secret("k"))
    assert request.form == {field: "a" * digits}
