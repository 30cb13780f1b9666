"""URLhaus of abuse.ch, API v1 (urlhaus-api.abuse.ch): hosts and files that spread malware."""

from __future__ import annotations

from typing import Any, Final

from enrichers.intel.times import time_ms
from enrichers.lookups.provider import HOUR_S, Call, Provider
from enrichers.lookups.reputation import ADDRESS, DOMAIN, HASH, Reputation, object_of, tags_of

SCORE_ONLINE: Final = 100
SCORE_OFFLINE: Final = 70
MAX_URLS: Final = 100
MAX_DIGITS: Final = 9


def read(name: str, kind: str, told: Any) -> Reputation:
    """Read what is known of a host or a file: anything that is known there is bad."""
    known = object_of(told)
    if known.get("query_status") != "ok":
        return Reputation(name)
    listed = known.get("urls")
    urls = [url for url in listed if isinstance(url, dict)][:MAX_URLS] if isinstance(listed, list) else []
    online = any(url.get("url_status") == "online" for url in urls)
    times = [time_ms(url.get("date_added") or url.get("lastseen")) for url in urls] + [time_ms(known.get("lastseen"))]
    count = str(known.get("url_count"))  # a text there
    return Reputation(
        provider=name,
        score=SCORE_ONLINE if online or kind == HASH else SCORE_OFFLINE,
        malicious=True,
        reports=int(count) if count.isdecimal() and len(count) <= MAX_DIGITS else len(urls),
        tags=tags_of(known.get("signature"), *(url.get("tags") for url in urls), *(url.get("threat") for url in urls)),
        last_seen=max((time for time in times if time is not None), default=None),
    )


URLHAUS: Final = Provider(
    name="urlhaus",
    base="https://urlhaus-api.abuse.ch",
    calls={
        ADDRESS: Call("/v1/host/", {"host": "{value}"}),
        DOMAIN: Call("/v1/host/", {"host": "{value}"}),
        HASH: Call("/v1/payload/", {"{algorithm}_hash": "{value}"}),
    },
    read=read,
    key_header="auth-key",
    ttl_s=6 * HOUR_S,
)
