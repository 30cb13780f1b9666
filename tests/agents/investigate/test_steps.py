"""A step is taken once: what the journal has is read, what it lacks is done and kept, what differs is refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.investigate.journal import ANSWERED, ASKED, FAILED, KINDS, REPLIED, Entry, MemoryJournal
from agents.investigate.steps import JournalDiffers, Steps

UID = "investigation"


class Killed(Exception):
    """The process is gone."""


async def walk(steps: Steps, length: int, done: list[int], killed_before: int = -1) -> list[Mapping[str, Any]]:
    """Take steps that give numbers; note which were really done."""
    found = []
    for number in range(length):
        await steps.note(ASKED, {"number": number})

        async def do(number: int = number) -> tuple[str, Mapping[str, Any]]:
            if number == killed_before:
                raise Killed
            done.append(number)
            return REPLIED, {"said": number * 7}

        found.append((await steps.take((REPLIED, FAILED), do))[1])
    return found


@given(st.integers(1, 8), st.data())
def test_after_any_kill_each_step_is_done_once_and_gives_the_same(length: int, data: st.DataObject) -> None:
    journal, done = MemoryJournal(), list[int]()
    for _ in range(data.draw(st.integers(0, 3))):
        left = data.draw(st.integers(0, length - 1))
        with contextlib.suppress(Killed):
            asyncio.run(walk(Steps(UID, journal), length, done, left))
    found = asyncio.run(walk(Steps(UID, journal), length, done))
    assert [step["said"] for step in found] == [number * 7 for number in range(length)]
    assert done == list(range(length))


async def test_a_journal_of_other_versions_is_refused() -> None:
    journal = MemoryJournal()
    await Steps(UID, journal).note(ASKED, {"sha256": "one"})
    with pytest.raises(JournalDiffers, match="step 0"):
        await Steps(UID, journal).note(ASKED, {"sha256": "other"})
    with pytest.raises(JournalDiffers, match="expected answered"):
        await Steps(UID, journal).take((ANSWERED,), never)


async def test_an_auditor_takes_no_step_of_his_own() -> None:
    journal = MemoryJournal()
    await Steps(UID, journal).note(ASKED, {"sha256": "one"})
    repeated = Steps(UID, journal, may_go_on=False)
    await repeated.note(ASKED, {"sha256": "one"})
    with pytest.raises(JournalDiffers, match="the journal ends before step 1"):
        await repeated.take((REPLIED,), never)
    assert journal.recorded(UID) == (Entry(0, ASKED, {"sha256": "one"}),)


async def never() -> tuple[str, Mapping[str, Any]]:
    raise AssertionError("was done again")


def test_the_kinds_of_entries_are_distinct() -> None:
    assert len(set(KINDS)) == len(KINDS)
