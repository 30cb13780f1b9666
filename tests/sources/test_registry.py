from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ocsf
from models.entity import ENTITY_TYPES
from models.errors import ConfigError
from models.records import Coordinates, RawRecord
from streams.sources.base import MAX_RECORD_BYTES, Source
from streams.sources.registry import SOURCES, recognize, recognize_last, source_named
from tests.sources.samples import samples

SAMPLES: dict[str, bytes] = {
    "ocsf": b'{"class_uid": 3002, "metadata": {"version": "1.8.0"}}',
    "aws_cloudtrail": b'{"eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "eventType": "AwsApiCall"}',
    "okta": b'{"eventType": "user.session.start", "actor": {"id": "1"}, "published": "2024-06-15T12:00:00Z"}',
    "windows": b'{"EventID": 4624, "Channel": "Security", "Computer": "mkt01.example.com"}',
    "zeek": b'{"ts": 1718452800.0, "uid": "C1", "id.orig_h": "192.0.2.1", "id.resp_h": "192.0.2.2", "proto": "tcp"}',
}


def record(raw: bytes) -> RawRecord:
    return RawRecord("", raw, Coordinates("file", 0, 1))


def name_of(raw: bytes) -> str | None:
    source = recognize(record(raw))
    return source.name if source else None


@pytest.mark.parametrize(("name", "raw"), SAMPLES.items())
def test_the_least_of_a_source_is_recognized(name: str, raw: bytes) -> None:
    assert name_of(raw) == name


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_every_source_is_recognized_among_all(name: str) -> None:
    """Each takes its own records and none of another's; `json` would take all, and is never guessed."""
    assert samples(name)
    for sample in samples(name):
        known = recognize(replace(sample, source="")) or recognize_last(sample)
        assert known is (SOURCES[name] if name != "json" else None)


def test_ocsf_is_recognized_whatever_it_carries() -> None:
    carried: dict[str, Any] = {}
    for raw in SAMPLES.values():
        carried |= json.loads(raw)
    assert name_of(json.dumps(carried).encode()) == "ocsf"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"{}",
        b"[]",
        b"[" * 5000,
        b'{"a":' * 2000,
        b'{"hello": "world"}',
        b"plain text of nobody",
        b'{"class_uid": 3002, "metadata": {"version": "1.8.0"}, "x": "' + b"x" * MAX_RECORD_BYTES + b'"}',
    ],
)
def test_nobody_s_records_are_nobody_s(raw: bytes) -> None:
    assert recognize(record(raw)) is None


@given(st.binary(max_size=300))
def test_any_bytes_may_be_asked_about(raw: bytes) -> None:
    assert recognize(record(raw)) in (None, *SOURCES.values())


def test_sources_by_name() -> None:
    assert set(SAMPLES) < set(SOURCES)
    for name, source in SOURCES.items():
        assert source_named(name) is source
        assert source.topic == f"raw.{name}"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        source_named("syslog")
    for name in ("'syslog'", *SOURCES):
        assert name in str(caught.value)


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
def test_what_a_source_declares_exists(source: Source) -> None:
    assert set(source.classes) <= set(ocsf.CLASSES)
    assert set(source.entities) <= set(ENTITY_TYPES)
    assert source.delay_ms > 0
    assert source.title
    assert source.shippers
