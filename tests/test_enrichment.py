"""Enrichment inside the ingest stage, and the enrichers of the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from enrichers.base import Enricher, Unavailable
from enrichers.chain import Chain
from models.errors import ConfigError
from models.finding import Analytic, EventRef, Signal
from models.finding_ocsf import signal_to_ocsf
from models.ocsf import encode
from models.ocsf_schema import validate
from models.records import RawRecord
from models.uids import signal_uid
from streams.clock import ClockOffsets
from streams.config import Settings, load_settings
from streams.correlate.engine import Correlator
from streams.detect.engine import Detector
from streams.enrichment import PARTS, make_chain, make_open
from streams.ingest import Ingest, Ingested
from streams.rulebook import load_rulebook
from streams.sources.base import MAX_RECORD_BYTES
from streams.sources.registry import SOURCES
from tests.enrichers.events import NOON, Adds
from tests.enrichers.mmdb_file import write_mmdb
from tests.raw_records import logon, process_start, raw

RULES = """
title: Administrator on leave
id: 0a4c7c52-7f3a-4a51-9d53-100000000091
status: test
level: high
taxonomy: ocsf
logsource: {category: authentication}
detection:
  selection: {enrichments.data.user.is_privileged: true, enrichments.data.user.is_on_leave: true}
  place: {src_endpoint.location.country: 'NO'}
  condition: selection and place
---
title: Something started
id: 0a4c7c52-7f3a-4a51-9d53-100000000092
status: test
level: low
logsource: {product: windows, category: process_creation}
detection:
  selection: {Image|exists: true}
  condition: selection
"""
STARTED = "0a4c7c52-7f3a-4a51-9d53-100000000092"


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "rules.yml").write_text(RULES, "utf-8")
    book = load_rulebook([folder]).sound()
    return Ingest(Detector(book.detections), Correlator(book.correlations).router, ClockOffsets.parse(()))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_mmdb(tmp_path / "geo.mmdb", {"203.0.113.0/24": {"country": {"iso_code": "NO"}}})
    (tmp_path / "people.csv").write_text("names,privileged,leave\nalice,yes,2026-09-20/2026-09-22\n")
    (tmp_path / "assets.ndjson").write_text('{"names": "ws1", "criticality": "high"}')
    (tmp_path / "allow.yml").write_text(
        f"- {{title: Ours, owner: bob, expires: 2027-01-01, hosts: [ws1], rules: [{STARTED}]}}"
    )
    return load_settings(
        geo_databases=(tmp_path / "geo.mmdb",),
        identities=(tmp_path / "people.csv",),
        assets=(tmp_path / "assets.ndjson",),
        allow_lists=(tmp_path / "allow.yml",),
    )


def process(ingest: Ingest, record: RawRecord, *enrichers: Enricher) -> Ingested:
    stage = ingest.with_enrichment(Chain(enrichers)) if enrichers else ingest
    (result,) = stage.process(SOURCES[record.source], record)
    return result


def body(result: Ingested) -> dict[str, Any]:
    assert result.event is not None
    assert validate(result.event.ocsf) == []
    return result.event.ocsf


def test_rules_see_what_enrichers_add(ingest: Ingest, settings: Settings) -> None:
    record = raw("ocsf", logon(src_endpoint={"ip": "203.0.113.9"}))
    assert process(ingest, record).signals == ()
    stage = ingest.with_enrichment(make_chain(settings))
    (routed,) = process(stage, record).signals
    assert routed.signal.analytic.name == "Administrator on leave"
    a_day_later = raw("ocsf", logon(src_endpoint={"ip": "203.0.113.9"}, time=NOON + 86_400_000))
    assert process(stage, a_day_later).signals == ()
    assert body(process(stage, a_day_later))["user"]["type"] == "Admin"


def test_the_event_is_the_same_one_with_and_without(ingest: Ingest, settings: Settings) -> None:
    record = raw("ocsf", logon(src_endpoint={"ip": "203.0.113.9"}))
    plain, rich = process(ingest, record), process(ingest.with_enrichment(make_chain(settings)), record)
    assert plain.event is not None
    assert rich.event is not None
    assert (plain.event.uid, plain.event.sha256, plain.event.at) == (rich.event.uid, rich.event.sha256, rich.event.at)
    assert plain.links == rich.links


def test_what_is_allowed_fires_no_rule_and_is_counted(ingest: Ingest, settings: Settings) -> None:
    record = raw("windows", process_start())
    assert len(process(ingest, record).signals) == 1
    result = process(ingest.with_enrichment(make_chain(settings)), record)
    assert (result.signals, result.excepted) == ((), 1)
    of_the_device = [told["type"] for told in body(result)["enrichments"] if told["name"].startswith("device.")]
    assert of_the_device == ["asset", "allowed"]


def test_hits_are_signals_before_those_of_the_rules(ingest: Ingest) -> None:
    record = raw("windows", process_start())
    event = process(ingest, record).event
    assert event is not None
    ref = EventRef(event.uid, event.class_uid, event.source, event.at, event.sha256)
    uid = signal_uid("intel", event.uid)
    hit = Signal(uid, event.time, Analytic("intel", "Known bad"), ref, event.domain, 90, 70, (), {}, ())
    result = process(ingest, record, Adds(hits=(hit,)))
    assert [routed.signal.analytic.name for routed in result.signals] == ["Known bad", "Something started"]
    quiet = process(ingest, raw("ocsf", logon()), Adds(hits=(hit,)))
    assert [routed.signal.uid for routed in quiet.signals] == [uid]


def test_failures_are_on_the_event_and_stop_no_rule(ingest: Ingest) -> None:
    result = process(ingest, raw("windows", process_start()), Unavailable("geo", "no database"))
    assert result.failed == ("geo",)
    assert len(result.signals) == 1
    noted = body(result)["unmapped"]["braid"]["enrichment_failures"]
    assert noted == [{"enricher": "geo", "reason": "no database"}]


def test_an_event_that_would_grow_too_large_goes_on_as_it_was(ingest: Ingest) -> None:
    record = raw("windows", process_start(CommandLine="x" * (MAX_RECORD_BYTES // 2)))
    large = {"name": "a", "value": "b", "data": {"text": "y" * (8 << 20)}}
    result = process(ingest, record, Adds(enrichments=(large,), quiet=frozenset({"*"})))
    assert "enrichments" not in body(result)
    assert result.excepted == 1


def test_no_settings_no_enrichers() -> None:
    assert make_chain(load_settings()).enrichers == ()


def test_enrichers_stand_in_the_order_of_the_parts(settings: Settings) -> None:
    names = [enricher.name for enricher in make_chain(settings).enrichers]
    assert names == [part.name for part in PARTS if part.paths(settings)]
    assert names == ["geo", "context", "allow"]


def test_everything_that_cannot_be_loaded_is_told_at_once(settings: Settings, tmp_path: Path) -> None:
    for name in ("geo.mmdb", "allow.yml"):
        (tmp_path / name).write_text("x: [")
    (tmp_path / "people.csv").write_text("names,privileged\nalice,perhaps\nbob,maybe\n")
    with pytest.raises(ConfigError) as caught:
        make_chain(settings)
    told = str(caught.value)
    assert "geo.mmdb: no MMDB file" in told
    assert "people.csv:2: privileged: must be true or false" in told
    assert "people.csv:3: privileged" in told
    assert "allow.yml:2: file: not YAML" in told


def test_a_part_that_cannot_be_made_is_stood_in_for(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "people.csv").unlink()
    part = next(part for part in PARTS if part.name == "context")
    made = make_open(part, settings)
    assert isinstance(made.enricher, Unavailable)
    assert [problem.partition(": ")[2] for problem in made.problems] == ["No such file or directory"]


def test_a_signal_carries_the_context_of_its_event_and_its_risk(ingest: Ingest, settings: Settings) -> None:
    record = raw("windows", process_start("ws2.example.com"))
    (settings.assets[0]).write_text('{"names": "ws2", "criticality": "critical", "owner": "bob@example.com"}')
    (plain,) = process(ingest, record).signals
    (routed,) = process(ingest.with_enrichment(make_chain(settings)), record).signals
    assert (routed.signal.uid, routed.routes) == (plain.signal.uid, plain.routes)
    assert (plain.signal.risk, routed.signal.risk) == (20, 20 + 10 + 5)
    known = dict(routed.signal.matched[len(plain.signal.matched) :])
    assert known == {
        "braid.context.device.criticality": "critical",
        "braid.context.device.owner": "bob@example.com",
        "braid.context.actor.user.is_privileged": "true",
        "braid.context.actor.user.is_on_leave": "true",
    }
    told = signal_to_ocsf(routed.signal)
    assert validate(told) == []
    assert known.items() <= told["evidences"][0]["data"].items()
    assert len(encode(told)) < 4096
