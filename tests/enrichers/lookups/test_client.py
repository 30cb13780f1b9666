"""Lookups against a real server: what is one's own never reaches it, and what it does is bounded and told."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, unquote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enrichers.lookups.cache import ReputationCache
from enrichers.lookups.client import LIMITS, NO_KEY, RESTING, SLOTS, Clocks, Lookups
from enrichers.lookups.gate import Gate, Question
from enrichers.lookups.limits import Rate
from enrichers.lookups.provider import Provider
from enrichers.lookups.providers import PROVIDERS
from enrichers.lookups.reputation import NoReputation, Reputation
from enrichers.secrets import Secret
from enrichers.web import Web, new_client
from tests.enrichers.server import Asked, Reply, Server, Waits, json_reply, serving

KEY = Secret("hunter2")
INTERNAL = ("ours.example.net", "Corp-Name.com.")
NOW = 1_000_000  # where the clock of `Waits` begins, ms
FOUND = {"data": {"abuseConfidenceScore": 90, "totalReports": 1}}


@dataclass
class Desk:
    """All it takes to ask."""

    lookups: Lookups
    server: Server
    waits: Waits


@asynccontextmanager
async def desk(
    answer: Callable[[Asked], Reply], cache: Path, providers: Iterable[Provider] | None = None, key: Secret = KEY
) -> AsyncIterator[Desk]:
    waits = Waits()
    with serving(answer) as server, ReputationCache(cache) as kept:
        async with new_client(LIMITS) as client:
            web = Web(client, LIMITS, lambda: 0.0, waits.sleep)
            asked = [replace(each, base=server.url) for each in providers or [PROVIDERS["abuseipdb"]]]
            clocks = Clocks(lambda: int(waits.now * 1000), waits.monotonic)
            yield Desk(
                Lookups([(each, key) for each in asked], Gate(INTERNAL), kept, web, clocks, waits.sleep), server, waits
            )


def answering(_: Asked) -> Reply:
    return json_reply(FOUND)


async def test_an_address_is_asked_for_and_remembered(tmp_path: Path) -> None:
    async with desk(answering, tmp_path / "c") as here:
        first = await here.lookups.ask("address", "8.8.8.8")
        second = await here.lookups.ask("address", "::ffff:8.8.8.8")
        here.waits.now += PROVIDERS["abuseipdb"].ttl_s
        await here.lookups.ask("address", "8.8.8.8")
        assert first == second == (Reputation("abuseipdb", 90, malicious=True, reports=1, asked=NOW),)
        assert here.server.paths == ["/api/v2/check?ipAddress=8.8.8.8&maxAgeInDays=90"] * 2
        assert here.server.asked[0].headers["key"] == "hunter2"


async def test_every_service_is_asked_about_what_it_knows(tmp_path: Path) -> None:
    async with desk(lambda _: json_reply({}), tmp_path / "c", PROVIDERS.values()) as here:
        found = [
            await here.lookups.ask(*each)
            for each in (("address", "8.8.8.8"), ("domain", "evil.org"), ("hash", "a" * 64))
        ]
        assert [len(each) for each in found] == [5, 2, 2]
        assert all(isinstance(one, Reputation) and one.malicious is None for each in found for one in each)


_KINDS = st.sampled_from(["address", "domain", "hash"])
_PARTS = [
    "corp",
    "local",
    "internal",
    "web01",
    "ours",
    "example",
    "net",
    "corp-name",
    "com",
    "org",
    "lan",
    "10",
    "arpa",
    "evil",
]
_NAMES = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=4).map(".".join)
_BLOCKS = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
]
_BLOCKS6 = ["fc00::/7", "fe80::/10", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "ff00::/8", "2001:db8::/32"]
_INNER = st.sampled_from(_BLOCKS).flatmap(lambda block: st.ip_addresses(network=block)) | st.sampled_from(
    _BLOCKS6
).flatmap(lambda block: st.ip_addresses(network=block))
_FORMS = st.sampled_from(
    ["{}", " {} ", "{}.", "[{}]", "{}:80", "http://{}/", "{}%eth0", "::ffff:{}", "{}\n8.8.8.8", "8.8.8.8/{}"]
)
_VALUES = st.builds(str.format, _FORMS, st.ip_addresses().map(str) | _INNER.map(str) | _NAMES) | st.text(max_size=20)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.tuples(_KINDS, _VALUES), min_size=5, max_size=40))
async def test_nothing_of_ones_own_ever_reaches_a_server(asked: list[tuple[str, str]], tmp_path: Path) -> None:
    unlimited = [replace(each, rates=()) for each in PROVIDERS.values()]
    (tmp_path / "c").unlink(missing_ok=True)
    async with desk(lambda _: json_reply({}), tmp_path / "c", unlimited) as here:
        for kind, value in [*asked, ("address", "8.8.8.8"), ("domain", "evil.org")]:
            await here.lookups.ask(kind, value)
        told = [_told(each) for each in here.server.asked]
    assert {"8.8.8.8", "evil.org"} <= set(told)
    for value in told:
        assert _is_public(value), value


def _told(asked: Asked) -> str:
    """Return the observable in a request, wherever it is."""
    path, _, query = asked.path.partition("?")
    form = {name: values[0] for name, values in parse_qs(query or asked.body).items()}
    named = form.get("ipAddress") or next((form[name] for name in form if name == "host" or name.endswith("_hash")), "")
    return named or unquote(path.rpartition("/")[2])


def _is_public(value: str) -> bool:
    """Judge by other means than the gate does."""
    try:
        found = ipaddress.ip_address(value)
    except ValueError:
        if "." not in value:
            return len(value) in {32, 40, 64, 128} and all(char in "0123456789abcdef" for char in value)
        mine = value in {"ours.example.net", "corp-name.com"} or value.endswith((".ours.example.net", ".corp-name.com"))
        return not mine and value.rpartition(".")[2] not in {
            "corp",
            "local",
            "internal",
            "lan",
            "arpa",
            "example",
            "10",
        }
    inner4 = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return found.is_global and not found.is_multicast and (inner4 is None or inner4.is_global)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(
            ("address", each)
            for each in ("10.0.0.1", "127.0.0.1", "169.254.169.254", "100.64.3.4", "fd00::1", "::ffff:10.0.0.1")
        ),
        *(
            ("domain", each)
            for each in ("web01", "web01.local", "a.ours.example.net", "CORP-NAME.com", "10.0.0.1", "x.corp")
        ),
        *(("hash", each) for each in ("web01", "")),
        ("user", "alice"),
    ],
)
async def test_what_is_refused_says_so(tmp_path: Path, kind: str, value: str) -> None:
    async with desk(answering, tmp_path / "c") as here:
        (found,) = await here.lookups.ask(kind, value)
        assert isinstance(found, NoReputation)
        assert found.was_refused
        assert here.server.asked == []


def test_only_the_gate_makes_questions() -> None:
    gate = Gate(INTERNAL)
    assert gate.admit("domain", "Evil.ORG.") == Question("domain", "evil.org")
    assert gate.admit("hash", "A" * 32) == Question("hash", "a" * 32)


def test_no_name_is_sent_before_it_is_said_which_are_ones_own() -> None:
    refused = Gate(()).admit("domain", "laptop7.acme.com")
    assert isinstance(refused, NoReputation)
    assert refused.was_refused
    assert isinstance(Gate(()).admit("address", "8.8.8.8"), Question)


@pytest.mark.parametrize("value", ["8.8.4.1", "::ffff:8.8.4.1", "2002:808:401::1", "64:ff9b::8.8.4.1", "2a01:4f8::7"])
def test_no_address_of_ones_own_public_networks_is_sent(value: str) -> None:
    gate = Gate((), (ipaddress.ip_network("8.8.4.0/24"), ipaddress.ip_network("2a01:4f8::/32")))
    assert isinstance(gate.admit("address", value), NoReputation)
    assert isinstance(gate.admit("address", "8.8.8.8"), Question)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(b"not json"), "its answer is not JSON"),
        (Reply(status=403), "it answered 403"),
        (Reply(status=500), "127.0.0.1 answered 500"),
        (Reply(status=302, headers={"location": "http://10.0.0.1/"}), "it redirects to another server, 10.0.0.1"),
        (Reply(b"x" * 5_000_000), "an answer of more than 1,048,576 bytes"),
    ],
)
async def test_a_service_that_fails_is_missing_by_name(tmp_path: Path, reply: Reply, reason: str) -> None:
    async with desk(lambda _: reply, tmp_path / "c") as here:
        assert await here.lookups.ask("address", "8.8.8.8") == (NoReputation("abuseipdb", reason),)


async def test_a_service_that_does_not_know_says_nothing_bad(tmp_path: Path) -> None:
    async with desk(lambda _: Reply(status=404), tmp_path / "c") as here:
        for _ in range(2):
            assert await here.lookups.ask("address", "8.8.8.8") == (Reputation("abuseipdb", asked=NOW),)
        assert len(here.server.asked) == 1


async def test_a_service_that_keeps_failing_is_left_alone(tmp_path: Path) -> None:
    async with desk(lambda _: Reply(status=401), tmp_path / "c") as here:
        found = [(await here.lookups.ask("address", f"8.8.8.{number}"))[0] for number in range(7)]
        assert [one.reason for one in found if isinstance(one, NoReputation)] == [
            *["it answered 401"] * 5,
            *[RESTING] * 2,
        ]
        assert len(here.server.asked) == 5
        here.waits.now += 60
        await here.lookups.ask("address", "8.8.8.9")
        assert len(here.server.asked) == 6


async def test_questions_wait_for_their_turn_and_not_for_ever(tmp_path: Path) -> None:
    slow = replace(PROVIDERS["abuseipdb"], rates=(Rate(1, 1),))
    never = replace(PROVIDERS["abuseipdb"], name="never", rates=(Rate(1, 1000),))
    async with desk(answering, tmp_path / "c", [slow, never]) as here:
        await here.lookups.ask("address", "8.8.8.8")
        found = await here.lookups.ask("address", "8.8.4.4")
        assert found == (
            Reputation("abuseipdb", 90, malicious=True, reports=1, asked=NOW + 1000),
            NoReputation("never", "its rate is used up"),
        )
        assert here.waits.seconds == [1]


async def test_without_its_key_a_service_is_not_asked(tmp_path: Path) -> None:
    providers = [PROVIDERS["abuseipdb"], PROVIDERS["internetdb"]]
    async with desk(lambda _: json_reply({"tags": []}), tmp_path / "c", providers, NO_KEY) as here:
        found = await here.lookups.ask("address", "8.8.8.8")
        assert found == (
            NoReputation("abuseipdb", "no key is configured"),
            Reputation("internetdb", malicious=False, asked=NOW),
        )
        assert here.server.paths == ["/8.8.8.8"]


async def test_the_key_is_in_no_log_no_answer_and_no_cache(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    replies = iter([Reply(status=500)] * 3 + [json_reply(FOUND), Reply(b"x")])
    async with desk(lambda _: next(replies), tmp_path / "c") as here:
        found = [await here.lookups.ask("address", f"8.8.8.{number}") for number in range(3)]
        assert all(one.headers["key"] == "hunter2" for one in here.server.asked)
        shown = repr(found) + repr(here.lookups.__dict__) + caplog.text
    assert caplog.records
    assert "hunter2" not in shown
    assert b"hunter2" not in (tmp_path / "c").read_bytes()


async def test_a_service_that_asks_for_rest_gets_it(tmp_path: Path) -> None:
    tired = iter([Reply(status=429, headers={"retry-after": "30"})])
    async with desk(lambda _: next(tired, json_reply(FOUND)), tmp_path / "c") as here:
        assert await _word(here) == NoReputation("abuseipdb", "127.0.0.1 answered 429")
        here.waits.now += 29
        assert await _word(here) == NoReputation("abuseipdb", RESTING)
        here.waits.now += 1
        assert isinstance(await _word(here), Reputation)
        assert len(here.server.asked) == 2


async def test_a_service_is_asked_few_questions_at_a_time(tmp_path: Path) -> None:
    now, most = 0, 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        for _ in range(20):  # lets every other question come as far as it gets
            await asyncio.sleep(0)
        now -= 1
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    waits = Waits()
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with ReputationCache(tmp_path / "c") as kept:
            web = Web(client, LIMITS, lambda: 0.0, waits.sleep)
            lookups = Lookups([(PROVIDERS["internetdb"], NO_KEY)], Gate(()), kept, web, Clocks(int, waits.monotonic))
            found = await asyncio.gather(*(lookups.ask("address", f"8.8.8.{number}") for number in range(20)))
    assert [type(one) for (one,) in found] == [Reputation] * 20
    assert most == SLOTS


async def _word(here: Desk) -> Reputation | NoReputation:
    (found,) = await here.lookups.ask("address", "8.8.8.8")
    return found
