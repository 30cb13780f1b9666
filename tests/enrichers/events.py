"""Whole OCSF events for tests of enrichers, and the two judges of what becomes of them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from enrichers.base import Additions, Enriched, Enricher, Told
from enrichers.chain import Chain
from enrichers.subjects import EVENT, Subject
from models.event import Event, LogSource
from models.ocsf import CLASSES, head
from models.ocsf_proof import is_valid
from models.ocsf_schema import validate
from models.records import Coordinates

NOON = 1_790_078_400_000  # 2026-09-22T12:00:00Z
METADATA = {"version": "1.8.0", "product": {"name": "Example", "vendor_name": "Example"}, "profiles": ["host"]}


class OfEvents:
    """Ask for every event; what becomes of it is for those who inherit."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kinds = frozenset({EVENT})

    def about(self, subject: Subject, time_ms: int) -> Told:
        del subject, time_ms
        return Told(ask=True)


class Adds(OfEvents):
    """Answer every event alike."""

    def __init__(self, name: str = "adds", /, **additions: Any) -> None:
        super().__init__(name)
        self._additions = Additions(**additions)

    def enrich(self, event: Event) -> Additions:
        del event
        return self._additions


def event(class_uid: int = 4001, time: int = NOON, **attributes: Any) -> Event:
    """Return an event with these attributes beside those that every one has."""
    body = {**head(class_uid, 1, time), "metadata": METADATA, **attributes}
    domain = CLASSES[class_uid].domain
    assert domain
    return Event("e1", time, "test", LogSource("test"), {}, body, Coordinates("raw.test", 0, 1), "")


def enriched(given: Event, *enrichers: Enricher) -> Enriched:
    """Run enrichers; the event that came in must be as it was, and the one that comes out valid."""
    before = deepcopy(given.ocsf)
    found = Chain(enrichers).enrich(given)
    assert given.ocsf == before
    assert validate(given.ocsf) == []
    assert validate(found.event.ocsf) == []
    assert is_valid(found.event.ocsf)
    return found


def connection(**attributes: Any) -> Event:
    """Return a connection from an inner address to one outside."""
    ends = {"src_endpoint": {"ip": "10.0.0.5", "port": 50_123}, "dst_endpoint": {"ip": "203.0.113.9", "port": 443}}
    return event(4001, **{**ends, **attributes})


def sign_in(**attributes: Any) -> Event:
    """Return a sign-in of alice from outside."""
    about = {"user": {"name": "alice@example.com"}, "src_endpoint": {"ip": "198.51.100.7"}, "service": {"name": "vpn"}}
    return event(3002, **{**about, **attributes})
