"""The settings of lookups: whom to ask, where the keys are, what is one's own; and a key that nothing shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from enrichers.lookups.client import Clocks
from enrichers.lookups.gate import Question
from enrichers.lookups.reputation import NoReputation
from models.errors import ConfigError
from streams.config import load_settings
from streams.lookups import open_lookups, read_gate, read_lookups
from tests.enrichers.server import json_reply, serving

CLOCKS = Clocks(int, float)
ENVIRONMENT = {"ABUSE": "hunter2"}


def test_services_come_with_their_keys_and_their_places(tmp_path: Path) -> None:
    (tmp_path / "vt").write_text("hunter3\n")
    entries = ["abuseipdb=env:ABUSE", "internetdb", f"virustotal@https://gw.example.com/vt/=file:{tmp_path / 'vt'}"]
    lines = read_lookups(entries, ENVIRONMENT)
    assert [(each.name, each.base, key.reveal()) for each, key in lines.providers] == [
        ("abuseipdb", "https://api.abuseipdb.com", "hunter2"),
        ("internetdb", "https://internetdb.shodan.io", ""),
        ("virustotal", "https://gw.example.com/vt", "hunter3"),
    ]
    assert lines.problems == ()


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("abuseipdb=env:NONE", "abuseipdb: no key: the variable NONE is not set"),
        ("abuseipdb=file:/none/key", "abuseipdb: no key: /none/key cannot be read: FileNotFoundError"),
        ("abuseipdb", "abuseipdb: no key: say where it is, abuseipdb=env:NAME or =file:PATH"),
    ],
)
def test_a_key_that_is_not_there_is_a_problem_and_no_end(entry: str, why: str) -> None:
    lines = read_lookups([entry, "internetdb"], {})
    assert (len(lines.providers), lines.problems) == (2, (why,))


@pytest.mark.parametrize(
    "entry",
    [
        *("nobody=env:ABUSE", "virustotal=s3cret", "", "=", "virustotal=", "VirusTotal s3cret"),
        *(
            f"virustotal@{base}=env:ABUSE"
            for base in ("http://s3cret.example.com", "https://u:s3cret@example.com", "x")
        ),
        *(
            f"virustotal@{base}=env:ABUSE"
            for base in ("https://example.com/?s3cret", "file:///s3cret", "http://127.0.0.1.s3cret")
        ),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_without_showing_it(entry: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_lookups(["internetdb", entry], ENVIRONMENT)
    assert "entry 2" in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_ones_own_domains_and_networks_stay_inside() -> None:
    gate = read_gate(("corp.example.org", "Ours.", "8.8.4.0/24", "9.9.9.9", "2a01:4f8::/32"))
    inside = [
        ("domain", "a.corp.example.org"),
        ("domain", "x.ours"),
        *(("address", each) for each in ("8.8.4.9", "9.9.9.9")),
    ]
    assert [type(gate.admit(*each)) for each in inside] == [NoReputation] * 4
    assert [type(gate.admit(*each)) for each in (("domain", "evil.org"), ("address", "8.8.8.8"))] == [Question] * 2


@pytest.mark.parametrize("entry", ["8.8.4.9/24", "not a domain", "300.1.1.1", "https://example.com", "1.2.3"])
def test_what_is_neither_domain_nor_network_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError, match="neither a domain nor a network"):
        read_gate([entry])


def test_a_key_in_the_place_of_the_services_is_not_shown() -> None:
    with pytest.raises(ConfigError, match="setting lookups") as raised:
        load_settings(lookups={"virustotal": "s3cret"})
    assert "s3cret" not in str(raised.value)


def test_settings_that_name_nobody_open_nothing() -> None:
    with open_lookups(load_settings(), {}, CLOCKS, pytest.fail) as desk:
        assert desk is None


def test_a_cache_that_cannot_be_used_costs_no_answers(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"no database, and longer than the header of one" * 10)
    told: list[str] = []
    with serving(lambda _: json_reply({"tags": []})) as server:
        settings = load_settings(
            lookups=(f"internetdb@{server.url}",), lookup_cache=tmp_path / "cache", lookup_private=("example.com",)
        )
        with open_lookups(settings, {}, CLOCKS, told.append) as desk:
            assert desk is not None
            for _ in range(2):
                (word,) = desk.ask([("address", "8.8.8.8")], 10, 60.0).words
                assert not isinstance(word.said, NoReputation)
    assert len(server.asked) == 1
    assert [problem.endswith("kept in memory only") for problem in told] == [True]
