"""Asking from outside of an event loop: many questions at once, a bounded wait, and every silence named."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from enrichers.lookups.client import NO_KEY, RESTING, Clocks
from enrichers.lookups.desk import Desk, open_desk
from enrichers.lookups.gate import Gate, Question
from enrichers.lookups.provider import Provider
from enrichers.lookups.providers import PROVIDERS
from enrichers.lookups.reputation import NoReputation, Reputation
from tests.enrichers.server import Asked, Reply, Server, json_reply, serving

ADDRESSES = [("address", f"8.8.8.{number}") for number in range(20)]
CALLED = NoReputation("internetdb", "whoever asked is ending")


def knowing(_: Asked) -> Reply:
    return json_reply({"tags": ["c2"]})


def stalling(_: Asked) -> Reply:
    return Reply(b"{", stall=True)


@contextmanager
def desk(
    answer: Callable[[Asked], Reply],
    cache: Path | None = None,
    providers: Iterable[Provider] = (PROVIDERS["internetdb"],),
    is_ending: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Desk, Server]]:
    clocks = Clocks(lambda: 7, time.monotonic)
    with serving(answer) as server:
        keyed = [(replace(each, base=server.url, key_header=""), NO_KEY) for each in providers]
        with open_desk(keyed, Gate(("ours.example.net",)), cache, clocks, lambda: 0.0, is_ending) as opened:
            yield opened, server


def test_all_questions_are_answered_in_their_order() -> None:
    with desk(knowing) as (here, server):
        told = here.ask(ADDRESSES[:5], 10, 60.0)
    said = Reputation("internetdb", 90, malicious=True, reports=1, tags=("c2",), asked=7)
    assert told.words == tuple((Question(*each), said) for each in ADDRESSES[:5])
    assert (told.unasked, sorted(server.paths)) == (0, [f"/8.8.8.{number}" for number in range(5)])
    assert told.spent_s > 0


def test_no_more_are_asked_than_allowed_and_the_rest_is_counted() -> None:
    with desk(knowing) as (here, server):
        told = here.ask([*ADDRESSES, *ADDRESSES], 3, 60.0)
    assert [word.question.value for word in told.words] == ["8.8.8.0", "8.8.8.1", "8.8.8.2"]
    assert (told.unasked, len(server.asked)) == (17, 3)


def test_what_is_ones_own_or_known_to_no_service_takes_nobodys_place() -> None:
    own = [("address", "10.0.0.1"), ("domain", "web01"), ("domain", "a.ours.example.net"), ("user", "alice")]
    with desk(knowing) as (here, server):
        told = here.ask([*own, ("hash", "a" * 64), ("domain", "evil.org"), ("address", "8.8.8.8")], 1, 60.0)
        assert here.ask(own, 10, 60.0).words == ()
    assert ([word.question.value for word in told.words], told.unasked) == (["8.8.8.8"], 0)
    assert server.paths == ["/8.8.8.8"]


def test_connections_and_answers_last_from_one_question_to_the_next(tmp_path: Path) -> None:
    with desk(knowing, tmp_path / "c") as (here, server):
        first, second = (here.ask(ADDRESSES[:2], 10, 60.0) for _ in range(2))
        assert here.tallies["internetdb"].remembered == 2
    assert first.words == second.words
    assert len(server.asked) == 2


def test_a_stalled_service_is_left_behind_and_named_and_the_others_are_heard() -> None:
    def answer(asked: Asked) -> Reply:
        return stalling(asked) if asked.path.startswith("/8.") else json_reply({"data": {}})

    here: Desk  # is asked when the others have been heard: no test waits for a stalled server
    with desk(
        answer,
        providers=[PROVIDERS["internetdb"], PROVIDERS["abuseipdb"]],
        is_ending=lambda: here.tallies["abuseipdb"].answered == 3,
    ) as (here, _):
        told = here.ask(ADDRESSES[:3], 10, 3600.0)
        tally = here.tallies["internetdb"]
    by_service = {said.provider: said for _, said in told.words}
    assert by_service == {"internetdb": CALLED, "abuseipdb": Reputation("abuseipdb", asked=7)}
    assert (tally.answered, tally.failed, tally.why) == (0, 3, CALLED.reason)


def test_a_stalled_service_is_waited_for_as_long_as_said_and_no_longer() -> None:
    with desk(stalling) as (here, _):
        told = here.ask(ADDRESSES[:1], 10, 0.3)
    assert [said for _, said in told.words] == [NoReputation("internetdb", "no answer within 0.3 s")]


def test_a_service_that_stalls_time_after_time_delays_nobody_any_more() -> None:
    rounds: list[set[NoReputation | Reputation]] = []
    server: Server
    with desk(stalling, is_ending=lambda: len(server.asked) >= 2 * len(rounds) + 2) as (here, server):
        while len(rounds) < 4:
            rounds = [*rounds, {said for _, said in here.ask(ADDRESSES[:2], 10, 3600.0).words}]
    assert rounds == [{CALLED}] * 3 + [{NoReputation("internetdb", RESTING)}]  # two at a time, five failures
    assert len(server.asked) == 6


def test_whoever_is_called_away_waits_no_longer() -> None:
    with desk(stalling, is_ending=lambda: True) as (here, _):
        told = here.ask(ADDRESSES[:1], 10, 3600.0)
    assert [said for _, said in told.words] == [CALLED]


@pytest.mark.parametrize("kept", [True, False])
def test_nothing_that_a_service_does_is_lost_on_the_next_one(tmp_path: Path, *, kept: bool) -> None:
    replies = iter([Reply(status=500), Reply(b"{", stall=False), Reply(b"\xff"), knowing(Asked("", "", {}, ""))])
    with desk(lambda _: next(replies), tmp_path / "c" if kept else None) as (here, _):
        found = [here.ask([each], 1, 60.0).words[0].said for each in ADDRESSES[:3]]
    assert [type(said) for said in found] == [NoReputation, NoReputation, Reputation]
