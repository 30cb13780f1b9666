"""Facts: what services outside said of an observable, and how that looks in OCSF.

A fact is evidence that the verdict itself carries: a service may say something else tomorrow, so nobody can fetch again
what it said. Its uid is a hash over all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from models.errors import InvalidRecord
from models.fields import take, take_texts
from models.uids import content_uid

REPUTATION: Final = "reputation"
MAX_SCORE: Final = 100


@dataclass(frozen=True, slots=True)
class Fact:
    """What one service said of one observable.

    Attributes:
        provider: The service.
        kind: `address`, `domain` or `hash`.
        value: The observable.
        time: When the service said so, ms.
        score: 0 for nothing bad, to 100 for surely bad.
        malicious: Whether it calls the observable so; None when it does not know it.
        reports: How many reports or engines stand behind that.
        tags: Its words for it.
        last_seen: When it saw the observable do something, ms; None when it does not say.
    """

    provider: str
    kind: str
    value: str
    time: int
    score: int = 0
    malicious: bool | None = None
    reports: int = 0
    tags: tuple[str, ...] = ()
    last_seen: int | None = None

    def __post_init__(self) -> None:
        """Refuse a score off its scale, with InvalidRecord."""
        if not 0 <= self.score <= MAX_SCORE:
            raise InvalidRecord(f"score: {self.score} is not between 0 and {MAX_SCORE}")

    @property
    def content(self) -> bytes:
        """Return all of it as JSON: what its uid is a hash of."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)

    @property
    def uid(self) -> str:
        """Return the hash that claims cite it by."""
        return content_uid("fact", self.content)


def fact_to_ocsf(fact: Fact) -> dict[str, Any]:
    """Render a fact as an OCSF enrichment."""
    data = {"uid": fact.uid, "score": fact.score, "malicious": fact.malicious, "reports": fact.reports}
    return {
        "name": fact.kind,
        "value": fact.value,
        "type": REPUTATION,
        "provider": fact.provider,
        "created_time": fact.time,
        "data": {**data, "tags": list(fact.tags), "last_seen": fact.last_seen},
    }


def fact_from_ocsf(record: Mapping[str, Any]) -> Fact:
    """Read a fact back; raise InvalidRecord naming what is missing, of the wrong shape, or not as it was told."""
    data = take(record, "data", dict)
    fact = Fact(
        provider=take(record, "provider", str),
        kind=take(record, "name", str),
        value=take(record, "value", str),
        time=take(record, "created_time", int),
        score=take(data, "score", int),
        malicious=None if data.get("malicious") is None else take(data, "malicious", bool),
        reports=take(data, "reports", int),
        tags=take_texts(data, "tags"),
        last_seen=None if data.get("last_seen") is None else take(data, "last_seen", int),
    )
    if take(data, "uid", str) != fact.uid:
        raise InvalidRecord("data.uid: not the hash of this fact")
    return fact
