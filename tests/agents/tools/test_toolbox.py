from __future__ import annotations

from collections.abc import Callable

import pytest

from agents.evidence.query import RULE, Query, forms_of
from agents.evidence.store import MAX_ROWS
from agents.evidence.toolbox import MAX_WINDOW_MS, Budget, Toolbox
from models.errors import BudgetExhausted
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import ALICE, DAY, T0
from tests.agents.tools.made import everything

GRANTED = Budget()
QUERY = Query(T0 - DAY, T0 + DAY, entity=ALICE)
ASKED: dict[str, Callable[[Toolbox, Query, int], object]] = {
    "search_events": lambda tools, query, limit: tools.search_events(query, limit),
    "search_signals": lambda tools, query, limit: tools.search_signals(query, limit),
    "entities_of_events": lambda tools, query, limit: tools.entities_of_events(query, limit),
    "entities_of_signals": lambda tools, query, limit: tools.entities_of_signals(query, limit),
    "sources_of": lambda tools, query, _: tools.sources_of(query),
}


def toolbox(budget: Budget = GRANTED) -> Toolbox:
    return Toolbox(MemoryStore(everything().scenario.rows), budget)


@pytest.mark.parametrize("name", list(ASKED))
def test_every_search_is_journaled_with_what_was_asked_and_a_hash_of_the_answer(name: str) -> None:
    tools = toolbox()
    for query in (QUERY, QUERY, Query(T0 + DAY, T0 + DAY, texts=(forms_of("x y"),), attributes=((RULE, ("r",)),))):
        ASKED[name](tools, query, 3)
    first, same, other = tools.steps
    assert first == same
    assert first.sha256 != other.sha256
    assert (first.tool, first.rows > 0, other.rows) == (name, True, 0)
    assert "alice" in dict(first.arguments)["query"]
    assert (first.size_bytes > 0) == name.startswith("search")


@pytest.mark.parametrize("name", list(ASKED))
def test_every_search_is_bounded_and_costs_a_call(name: str) -> None:
    tools = toolbox(Budget(calls=1))
    with pytest.raises(BudgetExhausted, match="at once"):
        ASKED[name](tools, Query(T0, T0 + MAX_WINDOW_MS + 1), 3)
    if name != "sources_of":
        with pytest.raises(BudgetExhausted, match="at once"):
            ASKED[name](tools, QUERY, MAX_ROWS + 1)
    ASKED[name](tools, QUERY, 3)
    with pytest.raises(BudgetExhausted, match="1 calls"):
        ASKED[name](tools, QUERY, 3)


def test_a_question_about_what_is_known_costs_a_call_too() -> None:
    tools = toolbox(Budget(calls=1))
    tools.read("rule", "x")
    (step,) = tools.steps
    assert (step.tool, step.arguments, step.rows) == ("rule", (("text", "x"),), 0)
    with pytest.raises(BudgetExhausted):
        tools.read("rule", "x")
