"""The client against the scripted server: both protocols, every way to fail, and what each costs."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from agents.llm.breaker import CLOSED, HALF_OPEN, OPEN, BreakerRule
from agents.llm.budget import Amounts, Budgets, Exhausted, Limits
from agents.llm.failures import BROKEN, BUSY, KEY, MALFORMED, NETWORK, RESTING, STATUS, TOO_LONG, UNSENDABLE, NoReply
from agents.llm.heard import MAX_BODY_BYTES
from agents.llm.talk import END, LENGTH, REFUSED, TOOLS, Ask, ToolCall, Turn
from models.errors import ConfigError, ModelUnavailable
from tests.llm.endpoint import ASK, asking, settings_of
from tests.llm.script import Protocol, Script
from tests.llm.server import (
    Conversation,
    Says,
    ScriptedServer,
    Tokens,
    answers,
    busy,
    calls,
    cut_off,
    cuts,
    fails,
    filtered,
    malformed,
    refuses,
    says,
    slow,
)

both = pytest.mark.parametrize("protocol", ["openai", "anthropic"])
streams = pytest.mark.parametrize("stream", [False, True])


async def failed(script: Script, protocol: Protocol = "openai", **more: Any) -> tuple[NoReply, ScriptedServer, Any]:
    with ScriptedServer(script, protocol) as server:
        async with asking(settings_of(server, **more)) as one:
            with pytest.raises(NoReply) as raised:
                await one.endpoint.ask(ASK)
    return raised.value, server, one


@both
@streams
async def test_an_investigation_goes_back_and_forth(protocol: Protocol, stream: bool) -> None:
    def script(asked: Conversation) -> Says:
        if not asked.step:
            return calls(("search", {"q": "alice"}), ("search", {"q": "web01"}), text="Two questions.")
        return answers({"verdict": "benign"}, model="m-2026", tokens=Tokens(1000, 10, 400))

    with ScriptedServer(script, protocol) as server:
        async with asking(settings_of(server, stream=stream)) as one:
            first = await one.endpoint.ask(ASK)
            told = [Turn("tool", f"found {call.arguments}", call_uid=call.uid) for call in first.calls]
            turns = (*ASK.turns, Turn("assistant", first.text, first.calls), *told)
            second = await one.endpoint.ask(Ask(ASK.system, turns, ASK.tools, ASK.answer, 100))
    assert (first.stopped, first.text) == (TOOLS, "Two questions.")
    assert [call.arguments for call in first.calls] == ['{"q":"alice"}', '{"q":"web01"}']
    assert (second.stopped, second.text, second.model) == (END, '{"verdict":"benign"}', "m-2026")
    assert (second.usage.input_tokens, second.usage.output_tokens, second.usage.tries) == (1000, 10, 1)
    assert second.usage.cost_micros == 600 * 3 + 400 * 0.3 + 10 * 15
    asked = server.requests[1]
    assert asked.last_results == ('found {"q":"alice"}', 'found {"q":"web01"}')
    assert (asked.system, asked.tools, asked.max_tokens) == ("Investigate.", ("search",), 100)
    assert asked.answer == ASK.answer


@both
@streams
async def test_refusals_and_cut_answers_are_told(protocol: Protocol, stream: bool) -> None:
    with ScriptedServer([refuses(), filtered(), cut_off("so f")], protocol) as server:
        async with asking(settings_of(server, stream=stream)) as one:
            replies = [await one.endpoint.ask(ASK) for _ in range(3)]
    assert [reply.stopped for reply in replies] == [REFUSED, REFUSED, LENGTH]
    assert replies[2].text == "so f"


async def test_a_filter_before_the_model_is_a_refusal() -> None:
    with ScriptedServer([Says(status=400, error="filtered", is_filtered=True)]) as server:
        async with asking(settings_of(server)) as one:
            reply = await one.endpoint.ask(ASK)
    assert reply.stopped == REFUSED
    assert reply.usage.input_tokens > 0  # the model host counts what it read


@both
async def test_arguments_may_be_anything(protocol: Protocol) -> None:
    wanted = calls(("search", "{not json"), ("no such tool!", ["a list"]), ("search", ""))
    with ScriptedServer([wanted, says("done")], protocol) as server:
        async with asking(settings_of(server, stream=True)) as one:
            reply = await one.endpoint.ask(ASK)
            told = [Turn("tool", "no", call_uid=call.uid) for call in reply.calls]
            turns = (*ASK.turns, Turn("assistant", reply.text, reply.calls), *told)
            await one.endpoint.ask(Ask(ASK.system, turns, ASK.tools, ASK.answer))
    assert [call.arguments for call in reply.calls][:2] == ["{not json", '["a list"]']
    assert reply.calls[1].name == "no such tool!"


@both
async def test_a_history_of_calls_can_be_ended_without_tools(protocol: Protocol) -> None:
    turns = (*ASK.turns, Turn("assistant", "", (ToolCall("a.b:1", "x y", "{}"),)), Turn("tool", "", call_uid="a.b:1"))
    with ScriptedServer([says("done")], protocol) as server:
        async with asking(settings_of(server)) as one:
            await one.endpoint.ask(Ask("", turns))
    assert (server.requests[0].tools, server.requests[0].answer) == ((), None)


async def test_azure_has_its_own_key_header_and_version() -> None:
    with ScriptedServer([says("x")], key="k") as server:
        more = {"protocol": "azure", "key": "env:KEY", "api_version": "2024-10-21"}
        async with asking(settings_of(server, **more), environment={"KEY": "k"}) as one:
            await one.endpoint.ask(ASK)
    assert server.requests[0].path == "/v1/chat/completions?api-version=2024-10-21"
    assert "authorization" not in server.requests[0].headers


@both
async def test_headers_and_options_go_along(protocol: Protocol) -> None:
    with ScriptedServer([says("x")], protocol, key="k") as server:
        more = {"headers": {"X-Team": "soc", "X-Gateway": "env:GATE"}, "options": {"temperature": 0}, "key": "env:KEY"}
        async with asking(settings_of(server, **more), environment={"KEY": "k", "GATE": "g"}) as one:
            await one.endpoint.ask(ASK)
    asked = server.requests[0]
    assert (asked.headers["x-team"], asked.headers["x-gateway"], asked.body["temperature"]) == ("soc", "g", 0)


async def test_an_older_server_gets_the_field_that_it_knows_and_no_schema_beside_tools() -> None:
    with ScriptedServer([says("x"), says("y")]) as server:
        async with asking(settings_of(server, limit_field="max_tokens", schema_with_tools=False)) as one:
            await one.endpoint.ask(ASK)
            await one.endpoint.ask(Ask(ASK.system, ASK.turns, (), ASK.answer))
    assert server.requests[0].body["max_tokens"] == 100
    assert server.requests[0].answer is None
    assert server.requests[1].answer is not None


@both
@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (busy("2"), BUSY),
        (fails(500), BROKEN),
        (fails(503, retry_after="2"), BROKEN),
        (fails(529), BROKEN),
        (cuts(), NETWORK),
    ],
)
async def test_what_may_pass_is_tried_again(protocol: Protocol, said: Says, kind: str) -> None:
    with ScriptedServer([said, said, says("at last")], protocol) as server:
        async with asking(settings_of(server)) as one:
            reply = await one.endpoint.ask(ASK)
    assert (reply.text, reply.usage.tries, len(server.requests)) == ("at last", 3, 3)
    asked_for = 2.0 if "retry-after" in said.headers else 0.0
    assert one.time.waits == [asked_for + 0.5, asked_for + 1.0]
    assert reply.usage.latency_ms == sum(one.time.waits) * 1000
    failure, server, _ = await failed([said] * 4, protocol)
    assert (failure.kind, failure.usage.tries, len(server.requests)) == (kind, 4, 4)


async def test_a_date_to_come_again_is_understood() -> None:
    date = {"date": "Sat, 21 Nov 2026 10:00:00 GMT"}
    said = Says(status=429, headers={"retry-after": "Sat, 21 Nov 2026 10:00:07 GMT", **date})
    with ScriptedServer([said, says("x")]) as server:
        async with asking(settings_of(server)) as one:
            await one.endpoint.ask(ASK)
    assert one.time.waits == [7.5]


async def test_too_much_patience_is_not_had() -> None:
    failure, server, one = await failed([busy("3600")])
    assert (failure.kind, failure.retry_after_s, len(server.requests)) == (BUSY, 3600.0, 1)
    assert one.time.waits == []


async def test_the_deadline_ends_the_tries() -> None:
    failure, server, one = await failed([busy("20")] * 3, deadline_s=50.0)
    assert (failure.kind, len(server.requests)) == (BUSY, 3)
    assert one.time.waits == [20.5, 21.0]


@both
@pytest.mark.parametrize("status", [400, 404, 408, 409, 413, 422])
async def test_what_is_declined_is_not_tried_again(protocol: Protocol, status: int) -> None:
    failure, server, _ = await failed([fails(status)], protocol)
    assert (failure.kind, failure.status, len(server.requests)) == (STATUS, status, 1)
    assert "something broke" not in str(failure)


@both
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"{}", b"[" * 100_000, b"\xff", b'{"choices": [], "content": 1}']
)
@streams
async def test_malformed_answers_are_told_and_not_tried_again(protocol: Protocol, body: bytes, stream: bool) -> None:
    framed = b"data: " + body + b"\n\n" if stream and body else body
    script = [malformed(framed)] * 4
    failure, server, _ = await failed(script, protocol, stream=stream)
    assert failure.kind in ({MALFORMED, NETWORK} if stream else {MALFORMED})
    assert failure.may_cost
    assert isinstance(failure, ModelUnavailable)
    assert len(server.requests) == (4 if failure.kind == NETWORK else 1)


@both
async def test_a_stream_that_breaks_is_tried_again(protocol: Protocol) -> None:
    said = says("a long answer, longer than what will come of it")
    with ScriptedServer([cuts(900, said), said], protocol) as server:
        async with asking(settings_of(server, stream=True)) as one:
            reply = await one.endpoint.ask(ASK)
    assert (reply.text, reply.usage.tries) == (said.text, 2)


@both
async def test_a_stream_that_ends_early_without_breaking_is_tried_again(protocol: Protocol) -> None:
    whole = {
        "openai": b'data: {"choices": [{"delta": {"content": "x"}}]}\n\n',
        "anthropic": b'data: {"type":"ping"}\n\n',
    }
    with ScriptedServer([malformed(whole[protocol]), says("x")], protocol) as server:
        async with asking(settings_of(server, stream=True)) as one:
            assert (await one.endpoint.ask(ASK)).usage.tries == 2


@both
async def test_errors_within_a_stream_are_told(protocol: Protocol) -> None:
    event = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"m"}}\n\n'
    with ScriptedServer([malformed(event), says("x")], protocol) as server:
        async with asking(settings_of(server, stream=True)) as one:
            assert (await one.endpoint.ask(ASK)).usage.tries == 2


async def test_a_huge_answer_is_not_read() -> None:
    failure, _, _ = await failed([says("x" * (MAX_BODY_BYTES + 1))])
    assert failure.kind == MALFORMED


async def test_a_redirect_is_not_followed() -> None:
    with ScriptedServer([]) as other:
        said = Says(status=307, headers={"location": f"{other.url}/chat/completions"})
        failure, _, _ = await failed([said])
    assert failure.kind == STATUS
    assert not other.requests


async def test_a_slow_answer_is_given_up_and_paid_for() -> None:
    go = threading.Event()
    with ScriptedServer([slow(says("late"), go)]) as server:
        async with asking(settings_of(server, timeout_s=0.2, tries=1)) as one:
            with pytest.raises(NoReply) as raised:
                await one.endpoint.ask(ASK)
    assert (raised.value.kind, raised.value.may_cost) == (NETWORK, True)
    spent, usage = one.ledger.spent_by("case"), raised.value.usage
    assert usage.input_tokens == spent.tokens > ASK.max_tokens
    assert usage.cost_micros == spent.micros > ASK.max_tokens * 15


async def test_our_own_impatience_says_nothing_about_the_endpoint() -> None:
    go = threading.Event()
    budgets = Budgets(sequence=Limits(ms=200))
    with ScriptedServer([slow(says("late"), go)]) as server:
        async with asking(settings_of(server, tries=1), budgets=budgets, rule=BreakerRule(in_a_row=1)) as one:
            with pytest.raises(NoReply):
                await one.endpoint.ask(ASK)
    assert (one.connection.health.state, one.connection.health.failed) == (CLOSED, 1)


async def test_what_was_lost_on_the_way_is_charged_too() -> None:
    with ScriptedServer([cuts(), fails(500), says("x", tokens=Tokens(10, 5))]) as server:
        async with asking(settings_of(server)) as one:
            reply = await one.endpoint.ask(ASK)
    spent = one.ledger.spent_by("case")
    assert (reply.usage.tries, spent.requests) == (3, 3)
    assert reply.usage.input_tokens + reply.usage.output_tokens == 15
    assert spent.tokens > 15 + ASK.max_tokens


async def test_requests_go_through_the_proxy() -> None:
    with ScriptedServer([says("x")]) as proxy:
        settings = settings_of(proxy, url="http://llm.example.com/v1", proxy=proxy.url_of("anthropic"))
        async with asking(settings) as one:
            assert (await one.endpoint.ask(ASK)).text == "x"
    assert proxy.requests[0].path == "http://llm.example.com/v1/chat/completions"


async def test_nobody_there_costs_nothing() -> None:
    with ScriptedServer([]) as server:
        settings = settings_of(server)
    async with asking(settings) as one:
        with pytest.raises(NoReply) as raised:
            await one.endpoint.ask(ASK)
    assert (raised.value.kind, raised.value.usage.tries) == (NETWORK, 4)
    spent = one.ledger.spent_by("case")
    assert (spent.requests, spent.tokens, spent.micros) == (4, 0, 0)


async def test_a_request_that_is_cancelled_is_charged_in_full_and_frees_the_trial() -> None:
    go = threading.Event()
    with ScriptedServer([fails(500), slow(says("never heard"), go), says("x")]) as server:
        async with asking(settings_of(server, tries=1), rule=BreakerRule(in_a_row=1, rest_s=10.0)) as one:
            with pytest.raises(NoReply):
                await one.endpoint.ask(ASK)
            one.time.seconds += 10.0
            before = one.ledger.spent_by("case")
            task = asyncio.create_task(one.endpoint.ask(ASK))
            await asyncio.to_thread(server.wait_for, 2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert one.ledger.spent_by("case").tokens > before.tokens + ASK.max_tokens
            assert one.connection.health.state == HALF_OPEN
            assert (await one.endpoint.ask(ASK)).text == "x"
            assert one.connection.health.state == CLOSED


async def test_the_circuit_opens_tries_and_closes() -> None:
    with ScriptedServer([fails(500), fails(500), fails(500), says("x"), says("y")]) as server:
        async with asking(settings_of(server, tries=1), rule=BreakerRule(in_a_row=2, rest_s=10.0)) as one:
            states = []

            async def ask() -> str:
                try:
                    reply = await one.endpoint.ask(ASK)
                except NoReply as failure:
                    return failure.kind
                finally:
                    states.append(one.connection.health.state)
                return reply.text

            assert [await ask(), await ask(), await ask()] == [BROKEN, BROKEN, RESTING]
            assert (one.connection.health.rests_s, len(server.requests)) == (10.0, 2)
            one.time.seconds += 10.0
            assert one.connection.health.state == HALF_OPEN
            assert [await ask(), await ask()] == [BROKEN, RESTING]
            assert one.connection.health.rests_s == 20.0
            one.time.seconds += 20.0
            assert [await ask(), await ask()] == ["x", "y"]
    assert states == [CLOSED, OPEN, OPEN, OPEN, OPEN, CLOSED, CLOSED]
    health = one.connection.health
    assert (health.answered, health.failed, health.why) == (2, 3, "")


async def test_while_it_rests_nothing_is_asked_or_charged() -> None:
    with ScriptedServer([fails(500)]) as server:
        async with asking(settings_of(server, tries=3), rule=BreakerRule(in_a_row=1)) as one:
            for expected in (1, 0):
                with pytest.raises(NoReply) as raised:
                    await one.endpoint.ask(ASK)
                assert (raised.value.kind, raised.value.usage.tries) == (RESTING, expected)
    assert one.ledger.spent_by("case").requests == 1


async def test_what_is_declined_says_nothing_about_the_endpoint() -> None:
    with ScriptedServer([fails(400)] * 3) as server:
        async with asking(settings_of(server), rule=BreakerRule(in_a_row=2)) as one:
            for _ in range(3):
                with pytest.raises(NoReply):
                    await one.endpoint.ask(ASK)
    assert one.connection.health.state == CLOSED


@both
async def test_a_key_that_is_rotated_is_read_again(protocol: Protocol, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old\n")
    with ScriptedServer([says("a"), says("b")], protocol, key="old") as server:
        async with asking(settings_of(server, key=f"file:{path}")) as one:
            await one.endpoint.ask(ASK)
            server.key = "new"
            path.write_text("new\n")
            assert (await one.endpoint.ask(ASK)).text == "b"
    assert len(server.requests) == 2


async def test_a_key_that_is_rotated_on_the_way_is_tried_once_more(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")

    def rotate(_: Conversation) -> Says:
        path.write_text("new")
        return fails(401)

    with ScriptedServer(lambda asked: says("b") if asked.number else rotate(asked)) as server:
        async with asking(settings_of(server, key=f"file:{path}")) as one:
            assert (await one.endpoint.ask(ASK)).text == "b"
    assert [asked.headers["authorization"] for asked in server.requests] == ["Bearer old", "Bearer new"]


async def test_a_wrong_key_is_told_after_one_request(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("wrong")
    with ScriptedServer([], key="right") as server:
        async with asking(settings_of(server, key=f"file:{path}")) as one:
            with pytest.raises(NoReply) as raised:
                await one.endpoint.ask(ASK)
            assert (raised.value.kind, len(server.requests)) == (KEY, 1)
            path.unlink()
            with pytest.raises(NoReply) as raised:
                await one.endpoint.ask(ASK)
            assert (raised.value.kind, len(server.requests)) == (KEY, 1)


async def test_without_a_key_nothing_opens() -> None:
    with ScriptedServer([]) as server, pytest.raises(ConfigError, match="the variable KEY is not set"):
        async with asking(settings_of(server, key="env:KEY")):
            pass


async def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("none")
    for field in ("ca", "client_certificate"):
        with ScriptedServer([]) as server, pytest.raises(ConfigError, match=r"ca\.pem"):
            async with asking(settings_of(server, **{field: str(path)})):
                pass


async def test_the_key_is_in_no_error_log_or_repr(caplog: pytest.LogCaptureFixture) -> None:
    key = "sk-verysecretindeed"
    caplog.set_level(logging.DEBUG)
    script = [fails(500, key), fails(400, key), malformed(key.encode()), cuts(), says("x")]
    with ScriptedServer(script) as server:
        async with asking(settings_of(server, key="env:KEY", tries=1), environment={"KEY": key}) as one:
            for _ in script[:-1]:
                with pytest.raises(NoReply) as raised:
                    await one.endpoint.ask(ASK)
                assert key not in repr(raised.value) + str(raised.value) + repr(one.connection.health)
            await one.endpoint.ask(ASK)
    assert server.requests[0].headers["authorization"] == f"Bearer {key}"
    assert key not in caplog.text + repr(one.endpoint) + repr(one.connection) + repr(one.connection.settings)


async def test_what_cannot_be_sent_or_is_too_long_is_told_before_it_is_asked() -> None:
    with ScriptedServer([]) as server:
        async with asking(settings_of(server, context_tokens=500)) as one:
            for text, kind in (("\ud800", UNSENDABLE), ("x" * 2000, TOO_LONG)):
                with pytest.raises(NoReply) as raised:
                    await one.endpoint.ask(Ask("", (Turn("user", text),)))
                assert raised.value.kind == kind
    assert one.ledger.spent_by("case") == Amounts()


@pytest.mark.parametrize(("name", "limit"), [("requests", 1), ("tokens", 450), ("micros", 3500), ("ms", 1)], ids=str)
@pytest.mark.parametrize("budget", ["sequence", "hour", "day"])
async def test_every_budget_is_asked_before_every_request(budget: str, name: str, limit: int) -> None:
    budgets = Budgets(**{budget: Limits(**{name: limit})})
    with ScriptedServer([fails(500), fails(500)] if name == "ms" else [says("x", tokens=Tokens(300, 50))]) as server:
        async with asking(settings_of(server, tries=1, deadline_s=9.0), budgets=budgets) as one:
            if name == "ms":
                one.ledger.reserve("case", Amounts(ms=1), one.time.now())
            else:
                await one.endpoint.ask(ASK)
            before = len(server.requests)
            with pytest.raises(Exhausted) as raised:
                await one.endpoint.ask(ASK)
            assert (raised.value.budget, raised.value.amount) == (budget, name)
            assert len(server.requests) == before
