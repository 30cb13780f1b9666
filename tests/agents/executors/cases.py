"""One case for each executor that speaks HTTP: its file, its service, and an action for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agents.executors.api import LIMITS
from agents.executors.base import Executor
from agents.executors.executors import Around, Executors, open_executors
from agents.executors.file import read_executors
from enrichers.lookups.client import Clocks
from enrichers.web import Limits
from models.action import Action
from models.entity import EntityKey
from tests.agents.executors import server as fakes
from tests.enrichers.server import Waits, serving

ENVIRONMENT = {
    "TOKEN": fakes.TOKEN,
    "CLIENT_ID": fakes.CLIENT_ID,
    "CLIENT_SECRET": fakes.CLIENT_SECRET,
    "HOOK_KEY": fakes.HOOK_KEY,
}


def action(kind: str, target: str, reason: str = "Two detections name it.", **more: object) -> Action:
    return Action("0" * 32, kind, EntityKey.parse(target), fakes.NOW_MS, 95, reason, ("e1", "e2"), **more)


@dataclass(frozen=True)
class Case:
    """An executor with its service.

    Attributes:
        type: In the file.
        fields: What else the file says, SERVICE is the URL of the service.
        make: The service.
        action: An action that is for it.
        is_undone: Whether a rollback restores the state.
        is_checked: Whether the service tells what it holds.
    """

    type: str
    fields: str
    make: Callable[[], fakes.Service]
    action: Action
    is_undone: bool = True
    is_checked: bool = True


CONTAIN = action("isolate_host", "host:web01")
TICKET = action("open_ticket", "host:web01")
NOTE = action("notify", "user:alice@example.com")
CREDENTIALS = "client_id: env:CLIENT_ID, client_secret: env:CLIENT_SECRET"
OKTA = "url: SERVICE, token: env:TOKEN"
CHAT = "url: env:HOOK_URL"
SUSPEND = action("disable_user", "user:alice@example.com")
SESSIONS = action("revoke_sessions", "user:alice@example.com")
FACTORS = action("reset_factors", "user:alice@example.com")
BLOCK = action("block_ip", "ip:198.51.100.7")
JIRA = "url: SERVICE, user: bot, token: env:TOKEN, project: SEC"
DEFENDER = f"url: SERVICE, login_url: SERVICE, tenant: t1, {CREDENTIALS}"
HOOK = "url: SERVICE/do, verify_url: SERVICE/see, rollback_url: SERVICE/undo, key: env:HOOK_KEY"
CASES = {
    "okta-suspend": Case("okta", OKTA, fakes.FakeOkta, SUSPEND),
    "okta-sessions": Case("okta", OKTA, fakes.FakeOkta, SESSIONS, is_undone=False, is_checked=False),
    "okta-factors": Case("okta", OKTA, fakes.FakeOkta, FACTORS, is_undone=False),
    "edr": Case("edr", "url: SERVICE, token: env:TOKEN", fakes.FakeEdr, CONTAIN),
    "falcon": Case("falcon", f"url: SERVICE, {CREDENTIALS}", fakes.FakeFalcon, CONTAIN),
    "defender": Case("defender", DEFENDER, fakes.FakeDefender, CONTAIN),
    "jira": Case("jira", JIRA, fakes.FakeJira, TICKET, is_undone=False),
    "servicenow": Case("servicenow", "url: SERVICE, token: env:TOKEN", fakes.FakeServiceNow, TICKET, is_undone=False),
    "webhook": Case("webhook", HOOK, fakes.FakeHook, BLOCK),
    "slack": Case("slack", CHAT, fakes.FakeChat, NOTE, is_undone=False, is_checked=False),
    "teams": Case("teams", CHAT, fakes.FakeChat, NOTE, is_undone=False, is_checked=False),
}


@asynccontextmanager
async def opened(
    case: Case, folder: Path, limits: Limits = LIMITS, fields: str = ""
) -> AsyncIterator[tuple[Executor, fakes.Service, Waits]]:
    """Open the executor of a case by its file, with its service behind it, and no guard before it."""
    service, waits = case.make(), Waits()
    with serving(service) as running:
        path = folder / "executors.yml"
        entry = f"name: one, type: {case.type}, kinds: [{case.action.kind}], {fields or case.fields}"
        path.write_text(f"executors: [{{{entry.replace('SERVICE', running.url)}}}]")
        executors = of_file(path, running.url, waits, limits)
        assert executors.for_action(case.action) is not None
        (_, executor), *none = executors.made
        assert none == []
        try:
            yield executor, service, waits
        finally:
            await executors.aclose()


def of_file(path: Path, url: str, waits: Waits, limits: Limits = LIMITS) -> Executors:
    clocks = Clocks(lambda: fakes.NOW_MS, waits.monotonic)
    environment = {**ENVIRONMENT, "HOOK_URL": url + fakes.HOOK_PATH}
    return open_executors(read_executors(path), Around(environment, clocks, lambda: 1.0, waits.sleep, limits))


def with_receipt(what: Action, receipt: object) -> Action:
    return replace(what, receipt=receipt)
