"""The domain that somebody has registered, of a host name.

Names are only grouped by it, to tell a domain never seen before from one more name of a known one. So a short rule is
worth more than the Public Suffix List: it is the same in every release (a list that grows would make known domains new
ones), and where it is wrong, domains under one suffix count as one, or the parts of one as several.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

MAX_NAME: Final = 253
REMEMBERED: Final = 65_536
# What countries put between themselves and what is registered: example.co.uk, example.com.au.
_SECOND_LEVEL: Final = frozenset({"ac", "co", "com", "edu", "gob", "gov", "gouv", "ne", "net", "nom", "or", "org"})
_COUNTRY: Final = 2  # letters
# Suffixes that stand for many that know nothing of each other: each name below them is somebody's own.
_SHARED: Final = frozenset(
    {
        *("github.io", "gitlab.io", "pages.dev", "workers.dev", "web.app", "firebaseapp.com", "vercel.app"),
        *("netlify.app", "herokuapp.com", "onrender.com", "azurewebsites.net", "cloudapp.net", "azureedge.net"),
        *("cloudfront.net", "blogspot.com", "wordpress.com", "trycloudflare.com", "ngrok.io", "ngrok.app"),
        *("duckdns.org", "no-ip.org", "ddns.net", "sharepoint.com", "myshopify.com"),
    }
)


def registered(name: str) -> str:
    """Return the registered domain of a host name in lower case; empty for an address, a single label, and no name."""
    return _registered(name) if 0 < len(name) <= MAX_NAME else ""


@lru_cache(REMEMBERED)
def _registered(name: str) -> str:
    labels = name.strip().rstrip(".").lower().split(".")
    if len(labels) == 1 or "" in labels or ":" in name or labels[-1].isdigit():
        return ""
    return ".".join(labels[-_size(labels) :])


def _size(labels: list[str]) -> int:
    """Return how many labels the registered domain has."""
    if ".".join(labels[-2:]) in _SHARED:
        return 3
    return 3 if len(labels[-1]) == _COUNTRY and labels[-2] in _SECOND_LEVEL else 2
