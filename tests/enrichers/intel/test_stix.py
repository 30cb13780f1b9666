"""STIX: what a pattern comes to, and what is told of the rest."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.intel.indicator import Indicator, Rejected, Revoked, Said
from enrichers.intel.stix import read_bundle
from enrichers.intel.stix_pattern import read_pattern

MD5, SHA256 = "d41d8cd98f00b204e9800998ecf8427e", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
PATTERNS: list[tuple[str, list[tuple[str, str]]]] = [
    ("[ipv4-addr:value = '198.51.100.7']", [("ip", "198.51.100.7")]),
    ("[ipv4-addr:value = '198.51.100.0/24']", [("network", "198.51.100.0/24")]),
    ("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", [("network", "198.51.100.0/24")]),
    ("[ipv6-addr:value IN ('2001:db8::1', '2001:db8::2')]", [("ip", "2001:db8::1"), ("ip", "2001:db8::2")]),
    (
        "[domain-name:value = 'a.example.org' OR url:value = 'http://b.example.org/x']",
        [("domain", "a.example.org"), ("url", "b.example.org/x")],
    ),
    ("[email-addr:value = 'a@b.example']", [("email", "a@b.example")]),
    ("[email-message:from_ref.value = 'a@b.example']", [("email", "a@b.example")]),
    (f"[file:hashes.MD5 = '{MD5}'] OR [file:hashes.'SHA-256' = '{SHA256}']", [("hash", MD5), ("hash", SHA256)]),
    (f'[file:hashes."SHA-256" = \'{SHA256}\' AND file:name = "x"]'.replace('"x"', "'x'"), [("hash", SHA256)]),
    (f"[file:hashes.MD5 = '{MD5}' AND (file:size = 5 OR file:name = 'x')]", [("hash", MD5)]),
    (f"[network-traffic:extensions.'tls-ext'.ja3_hash = '{MD5}']", [("ja3", MD5)]),
    (
        "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '198.51.100.7']",
        [("ip", "198.51.100.7")],
    ),
    ("([domain-name:value = 'it''s'])".replace("it''s", "c.example.org"), [("domain", "c.example.org")]),
    ("[domain-name:value = 'd.example.org'] WITHIN 5 SECONDS", [("domain", "d.example.org")]),
]
REFUSED = {
    "[ipv4-addr:value = '198.51.100.7' AND network-traffic:dst_port = 443]": "several things at once",
    "[domain-name:value = 'a.example.org'] AND [ipv4-addr:value = '198.51.100.7']": "several things at once",
    "[domain-name:value = 'a.example.org'] FOLLOWEDBY [ipv4-addr:value = '198.51.100.7']": "several things at once",
    "[ipv4-addr:value = '198.51.100.7'] REPEATS 5 TIMES": "REPEATS 5",
    "[domain-name:value NOT = 'a.example.org']": "no single observable",
    "[domain-name:value LIKE '%.example.org']": "no single observable",
    "[process:name = 'x']": "no single observable",
    "[ipv4-addr:value = 'no']": "no domain|not",
    "[ipv4-addr:value = '198.51.100.7'": "not a STIX pattern",
    "": "not a STIX pattern",
    "(" * 100: "nested deeper",
    "[a:b = 'x" + "y" * 70_000: "more than",
}


@pytest.mark.parametrize(("pattern", "values"), PATTERNS)
def test_a_pattern_comes_to_its_observables(pattern: str, values: list[tuple[str, str]]) -> None:
    found = read_pattern(pattern)
    assert list(found.values) == values
    assert found.reasons == ()


@pytest.mark.parametrize(("pattern", "why"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_a_table_cannot_hold_is_told(pattern: str, why: str) -> None:
    found = read_pattern(pattern)
    assert found.values == ()
    assert len(found.reasons) == 1
    with pytest.raises(ValueError, match=why):
        raise ValueError(found.reasons[0])


def test_a_part_that_can_be_held_is() -> None:
    found = read_pattern("[ipv4-addr:value = '198.51.100.7'] OR [process:name = 'x']")
    assert found.values == (("ip", "198.51.100.7"),)
    assert found.reasons == ("process:name =: no single observable",)


@given(st.text(max_size=200) | st.text("[]()'\\ ORANDINx:=y,.1*", max_size=200))
def test_any_text_is_read(text: str) -> None:
    found = read_pattern(text)
    assert found.values or found.reasons


def bundle(*objects: Any) -> list[Said]:
    data = orjson.dumps({"type": "bundle", "id": "bundle--1", "objects": list(objects)})
    return list(read_bundle(data, "list", "f.json", 40))


def stix(**more: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "id": "indicator--1",
        "pattern_type": "stix",
        "pattern": "[ipv4-addr:value = '198.51.100.7']",
        "valid_from": "2026-01-01T00:00:00Z",
        "modified": "2026-01-02T00:00:00.5Z",
    } | more


def test_an_indicator_has_its_times_confidence_and_names() -> None:
    told = stix(
        valid_until="2026-02-01T00:00:00Z",
        confidence=85,
        name="C2",
        labels=["b"],
        indicator_types=["a"],
        kill_chain_phases=[{"kill_chain_name": "mitre-attack", "phase_name": "command-and-control"}],
    )
    assert bundle(told, {"type": "malware"}) == [
        Indicator(
            *("ip", "198.51.100.7", "list"),
            valid_from=1_767_225_600_000,
            valid_until=1_769_904_000_000,
            confidence=85,
            id="indicator--1",
            name="C2",
            labels=("a", "b", "command-and-control"),
            modified=1_767_312_000_500,
        )
    ]


def test_revoked_and_unreadable_ones_are_told_apart() -> None:
    assert bundle(stix(revoked=True)) == [Revoked("list", "indicator--1", 1_767_312_000_500)]
    (refused,) = bundle(stix(pattern_type="yara"))
    assert refused == Rejected("list", "f.json", "indicator--1", "its pattern is of type yara, not STIX")


def test_a_version_that_says_nothing_takes_the_one_before_back() -> None:
    found = bundle(stix(pattern="[process:name = 'x']"))
    assert [type(each) for each in found] == [Rejected, Revoked]


@pytest.mark.parametrize("data", [b"", b"[]", b"5", b'{"objects": 5}', b'{"objects": [5]}', b"\xff", b'{"a": NaN}'])
def test_what_is_no_bundle_says_so(data: bytes) -> None:
    (said,) = read_bundle(data, "list", "f.json", 40)
    assert isinstance(said, Rejected)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


_NAMES = [*stix(), "revoked", "labels", "confidence", "name", "kill_chain_phases"]


@given(st.dictionaries(st.sampled_from(_NAMES), _JSON))
def test_an_object_of_any_content_is_read(told: dict[str, Any]) -> None:
    data = json.dumps({"objects": [{**told, "type": "indicator"}]}).encode()
    for said in read_bundle(data, "list", "f.json", 40):
        assert isinstance(said, Indicator | Rejected | Revoked)
