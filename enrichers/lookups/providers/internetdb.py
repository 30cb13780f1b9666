"""Shodan InternetDB (internetdb.shodan.io): what an address offers to the internet. Needs no key."""

from __future__ import annotations

from typing import Any, Final

from enrichers.lookups.limits import Rate
from enrichers.lookups.provider import DAY_S, Call, Provider
from enrichers.lookups.reputation import ADDRESS, Reputation, object_of, tags_of

BAD_TAGS: Final = frozenset({"c2", "compromised", "malware"})
HIDDEN_TAGS: Final = frozenset({"proxy", "tor", "vpn"})
SCORE_BAD: Final = 90
SCORE_HIDDEN: Final = 40


def read(name: str, kind: str, told: Any) -> Reputation:
    """Read what runs at an address: its tags judge, its vulnerabilities only tell."""
    del kind
    known = object_of(told)
    tags, vulns = tags_of(known.get("tags")), known.get("vulns")
    bad, hidden = BAD_TAGS.intersection(tags), HIDDEN_TAGS.intersection(tags)
    count = len(vulns) if isinstance(vulns, list) else 0
    return Reputation(
        provider=name,
        score=SCORE_BAD if bad else SCORE_HIDDEN if hidden else 0,
        malicious=bool(bad) if known else None,
        reports=len(bad),
        tags=tags_of(tags, f"{count} known vulnerabilities" if count else ""),
    )


INTERNETDB: Final = Provider(
    name="internetdb",
    base="https://internetdb.shodan.io",
    calls={ADDRESS: Call("/{value}")},
    read=read,
    rates=(Rate(60, 60),),
    ttl_s=DAY_S,
)
