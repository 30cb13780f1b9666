"""`braid demo`: the first thing anybody runs. It has to tell the whole story, twice the same, from anywhere."""

from __future__ import annotations

import ipaddress
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.command import WAIT_S, environment, output_of
from tests.conftest import REPO

# Nobody's addresses: RFC 5737, RFC 3849, RFC 1918, and the machine itself.
NOBODYS = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"),
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128"),
    )
)
# What has a dot in it and may: names kept for examples (RFC 2606), the vendors' own services as their records name
# them, files, and the event types of Okta.
EXAMPLE = re.compile(r"(?:[\w-]+\.)*example\.(?:com|net|org)|(?:[\w-]+\.)+example")
VENDORS = re.compile(r"(?:[\w-]+\.)+amazonaws\.com|signin\.aws\.amazon\.com|www\.okta\.com|www\.terraform\.io")
FILES = re.compile(r"[\w-]+\.(?:exe|dll|crl|xlsx|docx|pdf|msc|tf)")
OKTA_TYPES = re.compile(r"(?:app|core|user)\.[\w.]+")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("played")
    output_of("demo", "--out", out, PYTHONHASHSEED="1")
    return out


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def _tags(member: dict[str, Any]) -> dict[str, str]:
    return {tag["name"]: tag["value"] for tag in member["tags"]}


def test_all_seven_stages_have_something_to_show() -> None:
    counts = json.loads(output_of("demo", "--json"))["counts"]
    stages = ("records", "events", "signals", "sequences", "escalated", "verdicts", "actions")
    assert {name: counts[name] for name in stages if counts[name] < 1} == {}
    assert counts["dead-letter"] >= 1
    assert counts["duplicates"] >= 1
    assert counts["records"] == counts["events"] + counts["dead-letter"] + counts["duplicates"]


def test_a_verdict_cites_an_escalated_sequence_over_two_domains(played: Path) -> None:
    verdicts = {verdict["finding_info_list"][0]["uid"]: verdict for verdict in _lines(played / "verdicts.ndjson")}
    told = []
    for sequence in _lines(played / "sequences.ndjson"):
        members = sequence["finding_info"]["related_events"]
        domains = {_tags(member)["domain"] for member in members}
        if sequence["is_alert"] and len(domains) > 1:
            told.append(sequence)
            braid = verdicts[sequence["finding_info"]["uid"]]["unmapped"]["braid"]
            listed = {item["uid"] for item in braid["evidence"]}
            cited = {uid for claim in braid["claims"] for uid in claim["evidence"]}
            assert {member["uid"] for member in members} <= listed & cited
            assert {_tags(member)["event"] for member in members} <= listed & cited
    assert told


def test_evidence_is_where_the_verdict_says(played: Path) -> None:
    for verdict in _lines(played / "verdicts.ndjson"):
        for item in verdict["unmapped"]["braid"]["evidence"]:
            if item["kind"] == "event":
                file = files("streams") / item["topic"]
                assert item["topic"].startswith("demo/")
                assert len(file.read_bytes().splitlines()) >= item["offset"]


def test_two_runs_are_the_same_byte_for_byte(played: Path, tmp_path: Path) -> None:
    output_of("demo", "--out", tmp_path / "again", PYTHONHASHSEED="2")
    first = {file.name: file.read_bytes() for file in played.iterdir()}
    second = {file.name: file.read_bytes() for file in (tmp_path / "again").iterdir()}
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_names_are_printed_as_they_are() -> None:
    assert "disable_user example\\bob" in output_of("demo").replace("\n", " ")


def test_it_plays_from_an_installed_package(played: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=REPO, check=True, capture_output=True, timeout=WAIT_S)  # noqa: S603  # our own build
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    out = tmp_path / "out"
    program = "import streams.cli, sys; print(streams.cli.__file__); streams.cli.main(sys.argv[1:])"
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", program, "demo", "--out", str(out)],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(site)),
        check=True,
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
    )
    assert done.stdout.startswith(str(site))
    assert (out / "verdicts.ndjson").read_bytes() == (played / "verdicts.ndjson").read_bytes()


def _telemetry() -> str:
    """Return the bundled records, their versions of browsers left out, which look like addresses."""
    text = "\n".join(file.read_text("utf-8") for file in (files("streams") / "demo").iterdir())
    return re.sub(r"(?:Chrome|Edg|Safari|Firefox)/[\d.]+", "", text)


def _addresses(text: str) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    for word in re.findall(r"(?<![\w.:])[0-9A-Fa-f:.]+(?![\w:])", text):
        try:
            address = ipaddress.ip_address(word.strip("."))
        except ValueError:
            continue
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        yield mapped or address


def test_the_telemetry_names_only_addresses_that_are_nobodys() -> None:
    found = set(_addresses(_telemetry()))
    assert len(found) > 10
    assert [str(address) for address in found if not any(address in network for network in NOBODYS)] == []


def test_the_telemetry_names_only_example_domains() -> None:
    words = set(re.findall(r"(?<![\w.-])[A-Za-z][\w-]*(?:\.[\w-]+)*\.[A-Za-z]{2,}(?![\w-])", _telemetry()))
    assert any(EXAMPLE.fullmatch(word.lower()) for word in words)
    known = (EXAMPLE, VENDORS, FILES, OKTA_TYPES)
    assert [word for word in sorted(words) if not any(kind.fullmatch(word.lower()) for kind in known)] == []
