"""VirusTotal, API v3 (docs.virustotal.com): how many engines call an address, domain or file bad."""

from __future__ import annotations

from typing import Any, Final

from enrichers.intel.times import time_ms
from enrichers.lookups.limits import Rate
from enrichers.lookups.provider import DAY_S, Call, Provider
from enrichers.lookups.reputation import ADDRESS, DOMAIN, HASH, Reputation, count_of, object_of, tags_of

ENGINES: Final = 2  # one engine alone is often wrong


def read(name: str, kind: str, told: Any) -> Reputation:
    """Read an object: a suspicion counts half."""
    del kind
    known = object_of(told, "data", "attributes")
    stats = object_of(known, "last_analysis_stats")
    bad, doubtful = count_of(stats, "malicious"), count_of(stats, "suspicious")
    engines = bad + doubtful + count_of(stats, "harmless") + count_of(stats, "undetected")
    return Reputation(
        provider=name,
        score=round(100 * (bad + doubtful / 2) / engines) if engines else 0,
        malicious=bad >= ENGINES if engines else None,
        reports=bad,
        tags=tags_of(
            known.get("tags"), object_of(known, "popular_threat_classification").get("suggested_threat_label")
        ),
        last_seen=time_ms(known.get("last_analysis_date")),
    )


VIRUSTOTAL: Final = Provider(
    name="virustotal",
    base="https://www.virustotal.com",
    calls={
        ADDRESS: Call("/api/v3/ip_addresses/{value}"),
        DOMAIN: Call("/api/v3/domains/{value}"),
        HASH: Call("/api/v3/files/{value}"),
    },
    read=read,
    key_header="x-apikey",
    rates=(Rate(4, 60), Rate(500, DAY_S)),
)
