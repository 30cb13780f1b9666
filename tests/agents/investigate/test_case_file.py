"""Every part of what a model is shown first can be rendered, whatever there is to show."""

from __future__ import annotations

from tests.agents.investigate.play import Table, answer, rows
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import DAY, DUMP, MINUTE, MOVE, T0, WEB01, intrusion
from tests.llm.server import ScriptedServer, answers


def test_signals_of_the_week_before_and_others_of_the_day_are_shown() -> None:
    scenario = intrusion()
    for time, analytic in ((T0 - 2 * DAY, DUMP), (T0 - DAY, DUMP), (T0 + MINUTE, MOVE)):
        event = scenario.event("windows", 1007, time, (WEB01,), {"host": "web01", "note": f"at {time}"})
        scenario.signal(event, analytic, {"note": "besides"}, member=False)
    with ScriptedServer(lambda _: answers(answer())) as server:
        found = Table(MemoryStore(scenario.rows)).play(scenario.sequence(), server)
    assert found.verdict.model_took_part
    before = [row for row in rows(server.requests[0]) if "on_days" in row]
    assert [(row["detection"], row["times"], row["on_days"]) for row in before] == [(DUMP.name, 2, 2)]
    assert "other signals on the same entities" in server.requests[0].turns[0].text
