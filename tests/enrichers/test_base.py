from __future__ import annotations

from typing import Any

import orjson
import pytest

from enrichers.base import EVERY_RULE, Additions, Enriched, Enricher, Unavailable
from enrichers.chain import Chain
from models.errors import EnrichmentFailed
from models.event import Event
from models.finding import Analytic, EventRef, Signal
from tests.enrichers.events import Adds, OfEvents, connection, enriched


class Raises(OfEvents):
    """Fail on every event."""

    def __init__(self, error: BaseException) -> None:
        super().__init__("raises")
        self._error = error

    def enrich(self, event: Event) -> Additions:
        del event
        raise self._error


class Silent(OfEvents):
    """Know nothing."""

    def enrich(self, event: Event) -> None:
        del event


def noted(found: Enriched) -> list[dict[str, str]]:
    failures: list[dict[str, str]] = found.event.ocsf["unmapped"]["braid"]["enrichment_failures"]
    return failures


def test_nothing_to_add_leaves_the_very_event() -> None:
    given = connection()
    assert enriched(given).event is given
    assert enriched(given, Silent("silent")).event is given


def test_attributes_are_added_whole_and_nothing_is_written_over() -> None:
    here = {"country": "NO"}
    first = Adds(attributes=((("dst_endpoint",), {"location": here, "port": 1}), ((), {"app_name": "first"})))
    second = Adds(
        attributes=(
            (("dst_endpoint",), {"isp": "Example", "location": {"country": "SE", "city": "Kiruna"}}),
            ((), {"app_name": "x"}),
        )
    )
    found = enriched(connection(), first, second).event.ocsf
    assert found["dst_endpoint"] == {
        "ip": "203.0.113.9",
        "port": 443,
        "location": {"country": "NO"},
        "isp": "Example",
    }
    assert found["app_name"] == "first"
    assert found["dst_endpoint"]["location"] is here  # it is shared, and never written to


def test_enrichments_come_after_those_of_the_source_in_the_order_of_the_enrichers() -> None:
    def told(name: str) -> dict[str, Any]:
        return {"name": name, "value": "v", "data": {}}

    given = connection(enrichments=[told("source")])
    found = enriched(given, Adds(enrichments=(told("a"), told("b"))), Adds(enrichments=(told("c"),)))
    assert [item["name"] for item in found.event.ocsf["enrichments"]] == ["source", "a", "b", "c"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EnrichmentFailed("the feed is stale"), "the feed is stale"),
        (KeyError("x"), "KeyError: 'x'"),
        (ValueError("half \ud800"), "ValueError: half ?"),
        (EnrichmentFailed("long " * 1000), ("long " * 1000)[:300]),
    ],
)
def test_an_enricher_that_fails_stops_no_other_and_stands_on_the_event(error: Exception, reason: str) -> None:
    found = enriched(connection(), Raises(error), Adds(attributes=(((), {"app_name": "y"}),)))
    assert found.failed == ("raises",)
    assert found.event.ocsf["app_name"] == "y"
    assert noted(found) == [{"enricher": "raises", "reason": reason}]
    assert orjson.dumps(found.event.ocsf)


def test_what_ends_the_process_is_no_failure_of_an_enricher() -> None:
    with pytest.raises(KeyboardInterrupt):
        Chain([Raises(KeyboardInterrupt())]).enrich(connection())


def test_what_is_missing_stands_beside_what_was_found() -> None:
    found = enriched(
        connection(), Adds("half", attributes=(((), {"app_name": "y"}),), missing=("one is lost", "two are"))
    )
    assert found.failed == ("half", "half")
    assert [failure["reason"] for failure in noted(found)] == ["one is lost", "two are"]
    assert found.event.ocsf["app_name"] == "y"


def test_an_enricher_that_could_not_be_made_says_so_on_every_event() -> None:
    found = enriched(connection(), Unavailable("geo", "no database"))
    assert noted(found) == [{"enricher": "geo", "reason": "no database"}]


@pytest.mark.parametrize("unmapped", [{"vendor": 1}, {"braid": "not ours"}, {"braid": {"kept": True}}])
def test_failures_are_noted_beside_what_else_is_unmapped(unmapped: dict[str, Any]) -> None:
    found = enriched(connection(unmapped=unmapped), Unavailable("geo", "lost"))
    left = found.event.ocsf["unmapped"]
    assert left["braid"].pop("enrichment_failures") == [{"enricher": "geo", "reason": "lost"}]
    expected = unmapped | {"braid": unmapped["braid"] if isinstance(unmapped.get("braid"), dict) else {}}
    assert left == expected


def test_hits_and_what_they_silence_come_out_in_order() -> None:
    given = connection()
    ref = EventRef(given.uid, given.class_uid, given.source, given.at, given.sha256)
    hits = [Signal(uid, given.time, Analytic(uid, uid), ref, "network", 90, 50, (), {}, ()) for uid in ("one", "two")]
    enrichers: list[Enricher] = [
        Adds(hits=(hits[0],), quiet=frozenset({"r1"})),
        Adds(hits=(hits[1],), quiet=frozenset({"r2"})),
    ]
    found = enriched(given, *enrichers)
    assert [hit.uid for hit in found.hits] == ["one", "two"]
    assert [found.silences(rule) for rule in ("r1", "r2", "r3")] == [True, True, False]
    assert enriched(given, Adds(quiet=frozenset({EVERY_RULE}))).silences("r3")
