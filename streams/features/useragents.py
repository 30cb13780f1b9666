"""The program behind a user agent: its family and its system, without versions that change every few weeks."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from streams.features.texts import short

REMEMBERED: Final = 16_384
MAX_CACHED: Final = 1000  # characters that are looked at
# Every browser names those it descends from too, so the order decides.
_BROWSERS: Final = (
    *(("edg", "edge"), ("opr/", "opera"), ("samsungbrowser", "samsung internet"), ("firefox", "firefox")),
    *(("headlesschrome", "headless chrome"), ("electron", "electron"), ("chrome", "chrome"), ("crios", "chrome")),
    *(("fxios", "firefox"), ("safari", "safari"), ("trident", "internet explorer"), ("msie", "internet explorer")),
)
_SYSTEMS: Final = (
    *(("windows", "windows"), ("android", "android"), ("iphone", "ios"), ("ipad", "ios"), ("macintosh", "macos")),
    *(("cros ", "chromeos"), ("linux", "linux"), ("x11", "linux")),
)
_PRODUCT: Final = re.compile(r"[^\s/;(,\[]+")
_VERSION: Final = re.compile(r"[-_. ]v?\d[\w.]*$", re.ASCII)
_ID: Final = re.compile(r"[-_.]?[0-9a-f]{8}[-0-9a-f]{4,}$", re.ASCII)


def family(agent: str) -> str:
    """Return `chrome on windows`, `aws-cli`, `kubectl`: what a user agent is of, empty when there is none."""
    return _family(agent[:MAX_CACHED])


@lru_cache(REMEMBERED)
def _family(agent: str) -> str:
    told = agent.strip().lower()
    if not told.startswith(("mozilla/", "opera/")):
        return _product(told)
    browser = next((name for word, name in _BROWSERS if word in told), "another browser")
    system = next((name for word, name in _SYSTEMS if word in told), "")
    return f"{browser} on {system}" if system else browser


def _product(told: str) -> str:
    """Return the name of the first product: what it runs on and is made of comes after it."""
    found = _PRODUCT.search(told)
    name = found[0] if found else ""
    return short(_VERSION.sub("", _ID.sub("", name)) or name)
