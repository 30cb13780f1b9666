"""Which host is contained, and which is not, when names are alike and answers are not to be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agents.executors.cases import CASES, CONTAIN, action, opened
from tests.agents.executors.server import FakeDefender, FakeFalcon
from tests.enrichers.server import json_reply

EDRS = ["edr", "falcon", "defender"]


@pytest.mark.parametrize("name", EDRS)
@pytest.mark.parametrize("host", ["web01'", "web01' or 1 eq 1", "..", "web/01", "*", "web01.example.com", "wéb"])
async def test_what_is_no_name_of_a_host_reaches_no_filter_and_no_path(name: str, host: str, tmp_path: Path) -> None:
    async with opened(CASES[name], tmp_path) as (executor, service, _):
        outcome = await executor.execute(action("isolate_host", f"host:{host}"), "k")
        assert (outcome.ok, service.asked) == (False, [])


@pytest.mark.parametrize("name", EDRS)
async def test_a_host_that_is_not_there_is_said_to_be_missing(name: str, tmp_path: Path) -> None:
    async with opened(CASES[name], tmp_path) as (executor, service, _):
        outcome = await executor.execute(action("isolate_host", "host:web0"), "k")
        assert (outcome.ok, outcome.detail, service.changes) == (False, "no device is called that", [])


async def test_of_two_devices_with_one_name_none_is_contained(tmp_path: Path) -> None:
    for name in ("falcon", "defender"):
        async with opened(CASES[name], tmp_path) as (executor, service, _):
            if isinstance(service, FakeFalcon):
                service.devices["c" * 32] = ["WEB01.example.com".lower(), "normal"]
            if isinstance(service, FakeDefender):
                service.machines["m3"] = "web01.lab.example.com"
            outcome = await executor.execute(CONTAIN, "k")
            assert (outcome.ok, service.changes) == (False, [])
            assert "several devices" in outcome.detail


async def test_more_devices_than_one_page_are_not_guessed_among(tmp_path: Path) -> None:
    for name in ("falcon", "defender"):
        async with opened(CASES[name], tmp_path) as (executor, service, _):
            if isinstance(service, FakeFalcon):
                service.devices |= {f"{n:032x}": [f"web01{n}", "normal"] for n in range(100)}
            if isinstance(service, FakeDefender):
                service.machines |= {f"n{n}": f"web01{n}" for n in range(100)}
            outcome = await executor.execute(CONTAIN, "k")
            assert (outcome.ok, service.changes) == (False, [])
            assert "too many devices" in outcome.detail


@pytest.mark.parametrize(
    ("status", "ok", "changes", "verified"),
    [
        ("containment_pending", True, 0, False),
        ("contained", True, 0, True),
        ("lift_containment_pending", False, 0, False),
        ("normal", True, 1, False),
        ("unheard_of", False, 0, False),
    ],
)
async def test_falcon_is_asked_only_for_what_is_not_under_way(
    status: str, ok: bool, changes: int, verified: bool, tmp_path: Path
) -> None:
    async with opened(CASES["falcon"], tmp_path) as (executor, service, _):
        shown: dict[str, Any] = {"device_id": "a" * 32, "hostname": "web01", "status": status}
        service.before = lambda asked: (
            json_reply({"resources": [shown]}) if asked.path.startswith("/devices/entities/devices/") else None
        )
        outcome = await executor.execute(CONTAIN, "k")
        assert (outcome.ok, len(service.changes)) == (ok, changes)
        told = await executor.verify(CONTAIN, {"thing": "a" * 32, "before": "off"})
        assert told.ok is verified
        assert (told.retry_after_s > 0) is (status == "containment_pending")


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([], "never isolated"),
        ([("Isolate", "Failed")], "never isolated"),
        ([("Isolate", "Succeeded")], "Isolate: Succeeded"),
        ([("Unisolate", "Failed"), ("Isolate", "Succeeded")], "Isolate: Succeeded"),
        ([("Unisolate", "Succeeded"), ("Isolate", "Succeeded")], "Unisolate: Succeeded"),
        ([("Isolate", "Pending"), ("Unisolate", "Succeeded")], "Isolate: Pending"),
        ([("Unisolate", "InProgress"), ("Isolate", "Succeeded")], "Unisolate: InProgress"),
    ],
)
async def test_the_last_step_that_counts_tells_whether_defender_isolates(
    steps: list[tuple[str, str]], state: str, tmp_path: Path
) -> None:
    async with opened(CASES["defender"], tmp_path) as (executor, service, _):
        assert isinstance(service, FakeDefender)
        service.actions = [{"type": kind, "status": status, "machineId": "m1"} for kind, status in steps]
        told = await executor.verify(CONTAIN, {"thing": "m1", "before": "off"})
        assert told.detail.endswith(state)
        assert told.ok is (state == "Isolate: Succeeded")


@pytest.mark.parametrize(
    "device",
    [
        {"id": "d-9", "hostname": "db01", "state": "normal"},
        {"id": "../d", "hostname": "web01", "state": "normal"},
        {"id": "d-1", "hostname": "web01", "state": "on fire"},
        {"id": "d-1", "state": "normal"},
    ],
)
async def test_another_device_than_was_asked_for_is_not_contained(device: dict[str, str], tmp_path: Path) -> None:
    async with opened(CASES["edr"], tmp_path) as (executor, service, _):
        service.before = lambda asked: json_reply(device) if asked.method == "GET" else None
        assert not (await executor.execute(CONTAIN, "k")).ok
        assert service.changes == []


async def test_falcon_that_takes_no_request_has_not_contained(tmp_path: Path) -> None:
    async with opened(CASES["falcon"], tmp_path) as (executor, service, _):
        told = {"resources": [], "errors": [{"code": 409, "message": "busy"}]}
        service.before = lambda asked: json_reply(told, 202) if "devices-actions" in asked.path else None
        outcome = await executor.execute(CONTAIN, "k")
        assert (outcome.ok, outcome.is_certain) == (False, False)


async def test_a_token_is_kept_until_it_ends_and_asked_for_anew_when_it_is_refused(tmp_path: Path) -> None:
    async with opened(CASES["falcon"], tmp_path) as (executor, service, waits):

        def tokens() -> int:
            return sum(asked.path == "/oauth2/token" for asked in service.asked)

        await executor.dry_run(CONTAIN)
        await executor.dry_run(CONTAIN)
        assert tokens() == 1
        waits.now += 1799 - 59
        await executor.dry_run(CONTAIN)
        assert tokens() == 2
        service.before = lambda asked: json_reply({}, 401) if "queries" in asked.path else None
        assert not (await executor.dry_run(CONTAIN)).ok
        service.before = lambda _: None
        assert (await executor.dry_run(CONTAIN)).ok
        assert tokens() == 3


@pytest.mark.parametrize("told", [{}, {"access_token": 5}, {"access_token": ""}, {"access_token": "a\nb"}, [], None])
async def test_what_is_no_token_is_not_sent_on(told: object, tmp_path: Path) -> None:
    async with opened(CASES["falcon"], tmp_path) as (executor, service, _):
        service.before = lambda asked: json_reply(told) if "token" in asked.path else None
        outcome = await executor.execute(CONTAIN, "k")
        assert (outcome.ok, outcome.detail, len(service.asked)) == (False, "no token: the answer holds none", 1)
