from __future__ import annotations

import pytest

from agents.evidence.store import MAX_ROWS
from agents.evidence.toolbox import MAX_WINDOW_MS, Budget, Toolbox
from models.errors import BudgetExhausted
from streams.lake import EVENTS
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import DAY, T0, WEB01, intrusion


def toolbox(**budget: int) -> Toolbox:
    return Toolbox(MemoryStore(intrusion().rows), Budget(**budget))


def test_a_question_larger_than_any_answer_is_refused_and_not_asked() -> None:
    tools = toolbox()
    for ask in (
        lambda: tools.timeline(WEB01, T0, T0 + MAX_WINDOW_MS + 1, 10),
        lambda: tools.timeline(WEB01, T0, T0 + DAY, MAX_ROWS + 1),
        lambda: tools.events(["e"] * (MAX_ROWS + 1), T0, T0 + DAY),
        lambda: tools.coverage(T0, T0 + MAX_WINDOW_MS + 1),
    ):
        with pytest.raises(BudgetExhausted, match="at once"):
            ask()
    assert tools.steps == []


@pytest.mark.parametrize(("budget", "spent"), [({"calls": 2}, "2 calls"), ({"rows": 4}, "4 rows")])
def test_the_call_that_overspends_is_answered_and_the_next_is_refused(budget: dict[str, int], spent: str) -> None:
    tools = toolbox(**budget)
    for _ in range(2):
        assert len(tools.timeline(WEB01, T0, T0 + DAY, 3).rows) == 3
    with pytest.raises(BudgetExhausted, match=spent):
        tools.coverage(T0, T0 + DAY)
    assert len(tools.steps) == 2


def test_the_journal_tells_rows_bytes_and_what_was_left_behind() -> None:
    tools = toolbox()
    rows = tools.timeline(WEB01, T0, T0 + DAY, 2).rows
    (step,) = tools.steps
    assert (step.tool, step.rows, step.more) == ("timeline", 2, True)
    assert step.size_bytes == sum(len(row.record) for row in rows)
    assert dict(step.arguments) == {"entity": "host:web01", "start": str(T0), "end": str(T0 + DAY), "limit": "2"}


def test_the_same_answer_has_the_same_hash_and_another_has_another() -> None:
    tools = toolbox()
    events = [row.uid for row in intrusion().rows[EVENTS]]
    for uids in (events, list(reversed(events)), events[:-1]):
        tools.events(uids, T0 - DAY, T0 + DAY)
    first, same, other = tools.steps
    assert first.sha256 == same.sha256 != other.sha256
