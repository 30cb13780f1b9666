"""What a match is as a detection: one analytic for each kind of observable, under a name that correlations refer to.

One for a kind, not for a list: many lists copy one another, and the same address on five of them is one detection. A
correlation can refer to it before anybody knows which lists there will be; which did match stands on the signal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from enrichers.intel.indicator import DOMAIN, EMAIL, HASH, IP, JA3, NETWORK, URL
from models.finding import Analytic
from models.uids import content_uid

RULE: Final = 1  # OCSF analytic type
MEDIUM, HIGH = 3, 4  # OCSF severity
_SEVERITY: Final = {IP: MEDIUM, DOMAIN: MEDIUM, URL: HIGH, HASH: HIGH, EMAIL: MEDIUM, JA3: MEDIUM}
_TITLES: Final = {
    IP: "IP address",
    DOMAIN: "domain",
    URL: "URL",
    HASH: "file hash",
    EMAIL: "e-mail address",
    JA3: "JA3 fingerprint",
}


def _analytic(kind: str) -> Analytic:
    title = f"Threat intelligence: {_TITLES[kind]}"
    return Analytic(content_uid("intel", kind), title, RULE, severity_id=_SEVERITY[kind])


_OF_KIND: Final[Mapping[str, Analytic]] = {kind: _analytic(kind) for kind in _TITLES}
# By the name under which a correlation's `rules` refer to it.
ANALYTICS: Final[Mapping[str, Analytic]] = {f"intel_{kind}_match": analytic for kind, analytic in _OF_KIND.items()}


def analytic_of(kind: str) -> Analytic:
    """Return the analytic of matches of a kind of indicator; a network is one of addresses."""
    return _OF_KIND[IP if kind == NETWORK else kind]
