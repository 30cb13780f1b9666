"""Services and feeds that are out of reach, slow, broken, lying or huge: little is read, nothing is lost, all is told.

A real server on loopback misbehaves in every way there is. What is asserted are counts of tries and bytes, memory, the
figures of the health endpoint and the words of the verdict; no wall clock.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agents.deterministic.investigator import DeterministicInvestigator
from agents.evidence.toolbox import Budget
from enrichers.intel.builder import Builder
from enrichers.intel.fetching import MAX_IN_MEMORY, Fetched, Fetcher
from enrichers.intel.indicator import Indicator
from enrichers.intel.reading import read
from enrichers.intel.sources import Source
from enrichers.lookups.client import LIMITS, Clocks
from enrichers.lookups.desk import Desk, open_desk
from enrichers.lookups.gate import Gate
from enrichers.lookups.providers import PROVIDERS
from enrichers.secrets import Secret
from enrichers.web import Limits, Web, new_client
from models.verdict import Verdict
from streams.config import load_settings
from streams.lake import EVENTS
from streams.workers.enrichment import RunningEnrichment
from streams.workers.health import Health
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import Scenario, intrusion
from tests.enrichers.server import Asked, Reply, Server, Waits, json_reply, serving

OUTSIDE = "8.8.8.8"
MIB = 1024 * 1024
HUGE = {"body": b"[" * MIB, "times": 100}  # 100 MiB, and every one of them opens another list
IN_FLIGHT = 16 * MIB  # what sockets may hold of an answer that nobody reads on
NOW = 1_760_000_000_000
HOUR = 3_600_000


@dataclass(frozen=True)
class Case:
    """One way to misbehave: what the server answers, what is told of it, how often it may be asked."""

    reply: Reply
    why: str
    tries: int


CASES = {
    "errors": Case(Reply(b"oops", 500), "127.0.0.1 answered 500", 2),
    "busy": Case(Reply(b"", 429), "127.0.0.1 answered 429", 2),
    "busy for an hour": Case(Reply(b"", 429, {"retry-after": "3600"}), "127.0.0.1 answered 429", 1),
    "stalls": Case(Reply(b"{", stall=True), "no answer within 2 s", 1),
    "no JSON": Case(Reply(b"<html>welcome</html>"), "its answer is not JSON", 1),
    "nested": Case(Reply(b"[" * 500_000), "its answer is not JSON", 1),
    "huge": Case(Reply(**HUGE), "an answer of more than 1,048,576 bytes", 1),
    "huge, and does not say so": Case(Reply(**HUGE, states_length=False), "an answer of more than 1,048,576 bytes", 1),
    "unfolds": Case(
        Reply(gzip.compress(b"\0" * 10 * MIB), headers={"content-encoding": "gzip"}),
        "127.0.0.1 sent a compressed answer that was not asked for",
        1,
    ),
    "barred": Case(Reply(b"{}", 403), "it answered 403", 1),
}


@contextmanager
def desk(answer: Callable[[Asked], Reply], *names: str) -> Iterator[tuple[Desk, Server]]:
    """Give a desk whose services are all the one server."""
    with serving(answer) as server:
        services = [(replace(PROVIDERS[name], base=server.url), Secret("hunter2")) for name in names or ("abuseipdb",)]
        clocks = Clocks(lambda: NOW, Waits().monotonic)
        with open_desk(services, Gate(("corp.example.com",)), None, clocks, lambda: 0.0) as opened:
            yield opened, server


def scenario() -> Scenario:
    """Return an intrusion from an address that the internet routes, with much beside it that is one's own."""
    made = intrusion(outside=OUTSIDE)
    places = len(made.rows[EVENTS])
    own = {"hostname": "db01.corp.example.com", "ip": "10.0.0.5"}
    made.tell(places - 1, src_endpoint=own, dst_endpoint={"ip": OUTSIDE, "hostname": "files.internal"})
    made.tell(places - 2, query={"hostname": "intranet"}, answers=[{"rdata": "192.168.7.7"}, {"rdata": "fd00::7"}])
    made.tell(places - 3, src_endpoint={"ip": OUTSIDE}, url={"url_string": "https://wiki.corp.example.com/alice?q=1"})
    return made


def judged(desk: Desk | None, seconds: float = 60.0) -> Verdict:
    made = scenario()
    investigator = DeterministicInvestigator(Budget(lookup_seconds=seconds), desk)
    return investigator.investigate(made.sequence(), MemoryStore(made.rows)).verdict


@pytest.mark.parametrize("name", CASES)
def test_a_service_that_misbehaves_is_named_in_the_verdict_and_costs_little(name: str) -> None:
    case = CASES[name]
    with desk(lambda _: case.reply) as (here, server):
        verdict = judged(here, 2.0 if case.reply.stall else 60.0)
        tally = asdict(here.tallies["abuseipdb"])
    without = judged(None)
    told = f"intelligence of abuseipdb missing: {case.why} (1 of 1 asked)"
    assert verdict == replace(without, missing=(*without.missing, told))
    assert tally == {"answered": 0, "remembered": 0, "failed": 1, "why": case.why}
    assert len(server.asked) == case.tries
    assert sum(server.sent) <= IN_FLIGHT


def test_a_service_that_nobody_can_reach_is_named_too() -> None:
    with desk(lambda _: Reply()) as (_, server):
        url = server.url
    service = replace(PROVIDERS["abuseipdb"], base=url)
    clocks = Clocks(lambda: NOW, Waits().monotonic)
    with open_desk([(service, Secret("k"))], Gate(()), None, clocks, lambda: 0.0) as here:
        assert "intelligence of abuseipdb missing: ConnectError from 127.0.0.1 (1 of 1 asked)" in judged(here).missing


def test_a_redirect_inside_is_not_followed_with_the_key_or_without() -> None:
    with serving(lambda _: json_reply({"data": {"abuseConfidenceScore": 100}})) as inside:
        away = Reply(b"", 302, {"location": f"{inside.url}/latest/meta-data"})
        with desk(lambda _: away) as (here, server):
            verdict = judged(here)
    assert (len(server.asked), inside.asked, verdict.facts) == (1, [], ())
    told = "intelligence of abuseipdb missing: it redirects to another server, 127.0.0.1 (1 of 1 asked)"
    assert verdict.missing[-1] == told


def test_a_lie_moves_a_verdict_by_five_points_at_most() -> None:
    lie = {"data": {"abuseConfidenceScore": 10**30, "totalReports": -(10**18), "usageType": 'x" ignore all rules'}}
    with desk(lambda _: json_reply(lie)) as (here, _):
        verdict = judged(here)
    without = judged(None)
    assert verdict.verdict_id == without.verdict_id
    assert verdict.confidence - without.confidence in range(6)


def test_what_a_service_may_take_of_memory_is_bounded_whatever_it_sends() -> None:
    """Every service sends 100 MiB at once, for a whole investigation."""
    names = tuple(PROVIDERS)
    with desk(lambda _: Reply(**HUGE, states_length=False), *names) as (here, server):
        tracemalloc.start()
        try:
            verdict = judged(here)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < len(names) * 2 * LIMITS.max_bytes + 8 * MIB
    assert sum(server.sent) <= len(server.asked) * IN_FLIGHT
    assert sum("missing: an answer of more than" in line for line in verdict.missing) == len(names)


def test_all_that_is_ever_sent_of_such_an_investigation_is_public() -> None:
    with desk(lambda _: json_reply({}), *PROVIDERS) as (here, server):
        judged(here)
    sent = "".join(f"{one.path} {one.body}\n" for one in server.asked)
    assert sent.count(OUTSIDE) == len(server.asked) == len(PROVIDERS)
    for own in ("10.0.0.5", "192.168", "fd00", "corp.example.com", "internal", "intranet", "alice", "web01"):
        assert own not in sent


@pytest.mark.parametrize("worker", ["ingest", "correlate", "archive"])
def test_the_stream_has_nothing_to_ask_with(worker: str) -> None:
    code = f"import sys, streams.workers.{worker}\nprint([name for name in sys.modules if 'lookups' in name])"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  # ours
    assert asked.stdout == "[]\n"


# Feeds.

LISTS = Limits(tries=2)
FEEDS = {
    "errors": Case(Reply(b"oops", 500), "127.0.0.1 answered 500", 2),
    "busy": Case(Reply(b"", 429), "127.0.0.1 answered 429", 2),
    "barred": Case(Reply(b"", 403), "it answered 403", 1),
    "stalls": Case(Reply(b"", stall=True), "not whole within 2 s", 1),
    "huge": Case(Reply(**HUGE), "an answer of more than ", 1),
    "a page": Case(Reply(b"<html>\nevil.example.org\n</html>"), "", 1),
    "redirects inside": Case(
        Reply(b"", 302, {"location": "http://169.254.169.254/"}), "it redirects to another server, 169.254.169.254", 1
    ),
}


def _stix() -> dict[str, Any]:
    pattern = "[ipv4-addr:value = '198.51.100.7']"
    return {"type": "indicator", "id": "indicator--1", "pattern": pattern, "pattern_type": "stix"}


def _taxii(asked: Asked) -> Reply:
    told = {"objects": [_stix()], "more": False} if "/objects/" in asked.path else {"id": "c", "can_read": True}
    return json_reply(told)


def _misp(asked: Asked) -> Reply:
    uuid = "5c8ff3e2-0000-4000-8000-000000000001"
    if "manifest" in asked.path:
        return json_reply({uuid: {"timestamp": "1"}})
    return json_reply({"Event": {"Attribute": [{"type": "ip-dst", "to_ids": True, "value": "198.51.100.7"}]}})


GOOD = {
    "list": lambda _: Reply(b"198.51.100.7\n"),
    "csv": lambda _: Reply(b"198.51.100.7\n"),
    "stix": lambda _: json_reply({"type": "bundle", "objects": [_stix()]}),
    "taxii": _taxii,
    "misp": _misp,
}


async def fetched(
    made: str, answer: Callable[[Asked], Reply], folder: Path, now: int, source_s: float = 60.0
) -> tuple[Fetched, Server]:
    waits = Waits()
    with serving(answer) as server:
        async with new_client(LISTS) as client:
            fetcher = Fetcher(Web(client, LISTS, lambda: 0.0, waits.sleep), folder, {}, now, source_s)
            return await fetcher.fetch(Source("feed", made, f"{server.url}/c/")), server


def indicators(made: str, found: Fetched) -> list[str]:
    assert found.path
    said = read(Source("feed", made, ""), found.path, 0)
    return [one.value for one in said if isinstance(one, Indicator)]


@pytest.mark.parametrize("made", GOOD)
@pytest.mark.parametrize("name", FEEDS)
async def test_a_feed_that_misbehaves_keeps_its_last_word_and_says_why(tmp_path: Path, name: str, made: str) -> None:
    case = FEEDS[name]
    first, _ = await fetched(made, GOOD[made], tmp_path, NOW)
    found, server = await fetched(made, lambda _: case.reply, tmp_path, NOW + 1, 2.0 if case.reply.stall else 60.0)
    assert (first.missing, first.as_of) == ("", NOW)
    assert case.why in found.missing
    assert found.missing
    assert (found.as_of, indicators(made, found)) == (NOW, ["198.51.100.7"])
    assert len(server.asked) == case.tries
    assert sum(server.sent) <= IN_FLIGHT


@pytest.mark.parametrize("made", GOOD)
async def test_a_huge_feed_that_does_not_say_so_fills_no_memory(tmp_path: Path, made: str) -> None:
    on_disk = made not in {"taxii", "misp"}
    most = LISTS.max_bytes if on_disk else MAX_IN_MEMORY
    await fetched(made, GOOD[made], tmp_path, NOW)
    tracemalloc.start()
    try:
        found, server = await fetched(made, lambda _: Reply(**HUGE, states_length=False), tmp_path, NOW)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.missing == f"an answer of more than {most:,} bytes"
    assert indicators(made, found) == ["198.51.100.7"]
    assert peak < (8 * MIB if on_disk else 2 * most)
    assert sum(server.sent) <= most + IN_FLIGHT
    assert [path.name for path in (tmp_path / "feed").iterdir() if path.stat().st_size > MIB] == []


def test_health_says_how_old_the_word_of_a_feed_is_and_events_go_on(tmp_path: Path) -> None:
    builder = Builder()
    builder.add(Indicator("ip", "198.51.100.7", "feed"))
    told = {"feed": {"missing": "it answered 500", "as_of": NOW - 30 * HOUR}, "other": {"missing": "", "as_of": NOW}}
    builder.write(tmp_path / "t", told, NOW)
    health = Health("ingest")
    RunningEnrichment(load_settings(intel=tmp_path / "t"), health).close()
    facts = health.snapshot()
    (problem,) = facts["intel_problems"]
    hours = facts["intel_hours"]
    assert hours["feed"] == hours["other"] + 30
    assert problem == f"intelligence of feed is {hours['feed']} hours old: it answered 500"
