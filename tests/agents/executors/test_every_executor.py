"""What holds of every executor: it looks before it acts, acts once, tells the truth, and gives nothing away."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agents.executors.api import LIMITS
from agents.executors.base import MAX_DETAIL, Executor, Outcome
from models.action import Action
from tests.agents.executors.cases import CASES, Case, opened, with_receipt
from tests.agents.executors.server import SECRETS, Service
from tests.enrichers.server import Asked, Reply

SWITCHES = [name for name, case in CASES.items() if case.is_undone]
every = pytest.mark.parametrize("name", CASES)
every_switch = pytest.mark.parametrize("name", SWITCHES)
# What was there before, of a webhook only its receiver knows.
every_that_looks = pytest.mark.parametrize("name", [name for name in SWITCHES if name != "webhook"])
ONCE = replace(LIMITS, max_bytes=5000, tries=1)

FAULTS: dict[str, Callable[[Asked], Reply]] = {
    "busy": lambda _: Reply(status=429, headers={"retry-after": "7"}),
    "broken": lambda _: Reply(b"boom", 500),
    "refuses": lambda asked: Reply(asked.headers.get("authorization", "").encode(), 401),
    "forbids": lambda _: Reply(b"{}", 403),
    "garbage": lambda _: Reply(b"<html>\xff"),
    "deep": lambda _: Reply(b"[" * 4000),
    "something else": lambda _: Reply(b'{"id": 7, "resources": 5, "value": {}, "issues": 1, "result": 0, "ok": 1}'),
    "null": lambda _: Reply(b"null"),
    "list": lambda _: Reply(b"[[], 1]"),
    "huge": lambda _: Reply(b"[" + b" " * 5000),
    "redirects": lambda _: Reply(status=307, headers={"location": "/elsewhere"}),
    "compressed": lambda _: Reply(b"{}", headers={"content-encoding": "gzip"}),
}


def operations(executor: Executor, action: Action, receipt: dict[str, str]) -> list[Callable[[], Awaitable[Outcome]]]:
    return [
        lambda: executor.dry_run(action),
        lambda: executor.execute(action, action.uid),
        lambda: executor.verify(action, receipt),
        lambda: executor.rollback(action, receipt),
    ]


def is_harmless(outcome: Outcome) -> bool:
    told = f"{outcome.detail} {dict(outcome.receipt)} {outcome!r}"
    return (
        len(outcome.detail) <= MAX_DETAIL + 1 and outcome.detail.isprintable() and not any(s in told for s in SECRETS)
    )


async def executed(executor: Executor, case: Case) -> tuple[Action, Outcome]:
    """Do it as `respond` does: dry run first, its receipt with the action."""
    dry = await executor.dry_run(case.action)
    assert dry.ok, dry
    action = with_receipt(case.action, dry.receipt)
    outcome = await executor.execute(action, action.uid)
    assert outcome.ok, outcome
    return action, outcome


@every
async def test_a_dry_run_changes_nothing(name: str, tmp_path: Path) -> None:
    async with opened(CASES[name], tmp_path) as (executor, service, _):
        before = service.state
        outcome = await executor.dry_run(CASES[name].action)
        assert outcome.ok, outcome
        assert outcome.detail.startswith("would ")
        assert (service.state, service.changes) == (before, [])


@every
async def test_what_is_executed_is_done_and_done_twice_changes_nothing_more(name: str, tmp_path: Path) -> None:
    async with opened(CASES[name], tmp_path) as (executor, service, _):
        before = service.state
        action, outcome = await executed(executor, CASES[name])
        done = service.state
        assert done != before
        again = await executor.execute(action, action.uid)
        assert again.ok
        assert dict(again.receipt) == dict(outcome.receipt)
        if name not in {"okta-sessions", "okta-factors"}:  # ended twice is ended
            assert (service.state, len(service.changes)) == (done, 1)


@every
async def test_it_is_verified_where_the_service_can_tell(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    async with opened(case, tmp_path) as (executor, _, _):
        action, outcome = await executed(executor, case)
        verified = await executor.verify(action, outcome.receipt)
        assert verified.ok is case.is_checked, verified


@every_switch
async def test_a_rollback_restores_what_was_there_and_twice_is_once(name: str, tmp_path: Path) -> None:
    async with opened(CASES[name], tmp_path) as (executor, service, _):
        before = service.state
        action, outcome = await executed(executor, CASES[name])
        first = await executor.rollback(action, outcome.receipt)
        assert first.ok, first
        assert not (await executor.verify(action, outcome.receipt)).ok
        assert service.state == before
        assert (await executor.rollback(action, outcome.receipt)).ok
        assert (service.state, len(service.changes)) == (before, 2)


@pytest.mark.parametrize("name", [*SWITCHES, "jira", "servicenow"])
async def test_an_answer_that_never_came_is_not_certain_and_another_try_finds_what_was_done(
    name: str, tmp_path: Path
) -> None:
    case = CASES[name]
    async with opened(case, tmp_path, replace(LIMITS, tries=1)) as (executor, service, _):
        dry = await executor.dry_run(case.action)
        action = with_receipt(case.action, dry.receipt)
        service.after = lambda _, reply: Reply(b"", 502) if service.changes else reply
        outcome = await executor.execute(action, action.uid)
        assert (outcome.ok, outcome.is_certain, len(service.changes)) == (False, False, 1)
        service.after = lambda _, reply: reply
        assert (await executor.execute(action, action.uid)).ok
        assert len(service.changes) == 1
        again = await executor.execute(action, action.uid)
        assert (await executor.rollback(action, again.receipt)).ok
        assert len(service.changes) == 2


@every
async def test_a_faulty_service_gives_failures_that_are_bounded_and_tell_no_secret(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    case = CASES[name]
    async with opened(case, tmp_path, ONCE) as (executor, service, _):
        action, outcome = await executed(executor, case)
        state = service.state
        for fault, answer in FAULTS.items():
            service.before = answer
            for number, operate in enumerate(operations(executor, action, dict(outcome.receipt))):
                asked = len(service.asked)
                told = await operate()
                assert is_harmless(told)
                if len(service.asked) > asked and not is_taken(case, fault, number):
                    assert not told.ok, (fault, number, told)
        assert service.state == state
    assert not any(secret in caplog.text for secret in SECRETS)


def is_taken(case: Case, fault: str, number: int) -> bool:
    """Tell where an answer without words will do: chats are not read, and a webhook may say nothing to what it does."""
    return case.type in {"slack", "teams"} or (case.type == "webhook" and fault == "null" and number != 2)


@every
async def test_every_operation_fails_on_its_own_with_a_service_that_is_down(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    async with opened(case, tmp_path, ONCE) as (executor, service, _):
        action, outcome = await executed(executor, case)
        service.before = FAULTS["broken"]
        fresh = replace(action, verdict_uid="1" * 32)  # another action, which no memory of the executor knows
        for number, operate in enumerate(operations(executor, fresh, dict(outcome.receipt))):
            if number or case.type not in {"webhook", "slack", "teams"}:  # these send nothing in a dry run
                assert not (await operate()).ok, number


@every
async def test_a_service_that_never_ends_its_answer_is_given_up(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    async with opened(case, tmp_path, replace(ONCE, total_s=0.05)) as (executor, service, _):
        service.before = lambda _: Reply(b"{", stall=True)
        outcome = await executor.execute(case.action, case.action.uid)
        assert (outcome.ok, service.changes) == (False, [])
        assert outcome.detail.endswith("no whole answer within 0.05 s")


@every
async def test_what_is_busy_is_asked_again_and_then_says_when(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    async with opened(case, tmp_path) as (executor, service, waits):
        service.before = FAULTS["busy"]
        outcome = await executor.execute(case.action, case.action.uid)
        assert (outcome.ok, outcome.retry_after_s, waits.seconds) == (False, 7.0, [7.0, 7.0])
        assert outcome.is_certain


@every
async def test_a_redirect_is_not_followed(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    async with opened(case, tmp_path) as (executor, service, _):
        service.before = FAULTS["redirects"]
        assert not (await executor.execute(case.action, case.action.uid)).ok
        assert not any("elsewhere" in one.path for one in service.asked)


@every
async def test_a_missing_secret_is_a_failure_and_not_an_exception(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    key = tmp_path / "key"
    key.write_text("anything")
    fields = case.fields
    for place in ("env:TOKEN", "env:CLIENT_SECRET", "env:HOOK_KEY", "env:HOOK_URL"):
        fields = fields.replace(place, f"file:{key}")
    async with opened(case, tmp_path, fields=fields) as (executor, service, _):
        key.unlink()
        outcome = await executor.execute(case.action, case.action.uid)
        assert (outcome.ok, service.asked, service.changes) == (False, [], [])
        assert "key" in outcome.detail


@every_that_looks
async def test_what_somebody_else_had_done_is_not_undone(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    async with opened(case, tmp_path) as (executor, service, _):
        await executed(executor, case)
        other = replace(case.action, verdict_uid="1" * 32)
        dry = await executor.dry_run(other)
        assert dry.detail.startswith("would change nothing")
        outcome = await executor.execute(with_receipt(other, dry.receipt), other.uid)
        assert outcome.ok
        done = service.state
        left = await executor.rollback(other, outcome.receipt)
        assert (left.ok, service.state) == (True, done)
        assert "left as it is" in left.detail


@every_that_looks
async def test_without_a_receipt_nothing_is_undone(name: str, tmp_path: Path) -> None:
    async with opened(CASES[name], tmp_path) as (executor, service, _):
        action, _ = await executed(executor, CASES[name])
        done = service.state
        assert not (await executor.rollback(action, {})).ok
        assert not (await executor.rollback(action, {"before": "off", "thing": "../../x"})).ok
        assert service.state == done


def test_services_stand_for_themselves() -> None:
    assert all(isinstance(case.make(), Service) for case in CASES.values())
