"""AbuseIPDB, API v2 (docs.abuseipdb.com): what others report of an address."""

from __future__ import annotations

from typing import Any, Final

from enrichers.intel.indicator import percent
from enrichers.intel.times import time_ms
from enrichers.lookups.limits import Rate
from enrichers.lookups.provider import DAY_S, Call, Provider
from enrichers.lookups.reputation import ADDRESS, Reputation, count_of, object_of, tags_of

BAD_SCORE: Final = 50


def read(name: str, kind: str, told: Any) -> Reputation:
    """Read a check of the last 90 days."""
    del kind
    known = object_of(told, "data")
    score = percent(known.get("abuseConfidenceScore"), 0)
    return Reputation(
        provider=name,
        score=score,
        malicious=score >= BAD_SCORE if known else None,
        reports=count_of(known, "totalReports"),
        tags=tags_of(known.get("usageType"), "tor" if known.get("isTor") is True else ""),
        last_seen=time_ms(known.get("lastReportedAt")),
    )


ABUSEIPDB: Final = Provider(
    name="abuseipdb",
    base="https://api.abuseipdb.com",
    calls={ADDRESS: Call("/api/v2/check?ipAddress={value}&maxAgeInDays=90")},
    read=read,
    key_header="key",
    rates=(Rate(1000, DAY_S),),
)
