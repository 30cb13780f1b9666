"""GreyNoise, community API v3 (docs.greynoise.io): whether an address scans all of the internet, or serves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from enrichers.intel.times import time_ms
from enrichers.lookups.limits import Rate
from enrichers.lookups.provider import DAY_S, Call, Provider
from enrichers.lookups.reputation import ADDRESS, Reputation, object_of, tags_of

SCORES: Final[Mapping[str, int]] = {"malicious": 90, "suspicious": 60, "unknown": 20, "benign": 0}


def read(name: str, kind: str, told: Any) -> Reputation:
    """Read the word for an address."""
    del kind
    known = object_of(told)
    word = known.get("classification")
    word = word if isinstance(word, str) and word in SCORES else ""
    flags = [flag for flag in ("noise", "riot") if known.get(flag) is True]
    return Reputation(
        provider=name,
        score=SCORES.get(word, 0),
        malicious=word == "malicious" if word else None,
        reports=int("noise" in flags),
        tags=tags_of(word, flags, known.get("name")),
        last_seen=time_ms(known.get("last_seen")),
    )


GREYNOISE: Final = Provider(
    name="greynoise",
    base="https://api.greynoise.io",
    calls={ADDRESS: Call("/v3/community/{value}")},
    read=read,
    key_header="key",
    rates=(Rate(50, 7 * DAY_S),),
)
