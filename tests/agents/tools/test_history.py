from __future__ import annotations

from dataclasses import replace

from agents.evidence.store import StoredSignal
from agents.tools.answers import Note, ToolAnswer
from agents.tools.library import library
from models.entity import EntityKey
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import ALICE, DAY, MINUTE, SPRAY, T0, WEB01
from tests.agents.tools.made import CASE, KNOWLEDGE, TRAVEL, Made, ask, desk, everything


def notes(answer: ToolAnswer, kind: str) -> list[Note]:
    return [row for row in answer.rows if isinstance(row, Note) and row.kind == kind]


def signals(answer: ToolAnswer) -> list[StoredSignal]:
    return [row for row in answer.rows if isinstance(row, StoredSignal)]


def test_an_entitys_anomalies_come_with_how_many_others_show_the_same() -> None:
    answer = ask("peers_behaviour", '{"entity": "user-1"}')
    (signal,) = signals(answer)
    assert signal.signal.analytic == TRAVEL
    (peers,) = notes(answer, "peers")
    assert peers.data == {
        "rule": TRAVEL.uid,
        "title": TRAVEL.name,
        "signals": 1,
        "others": 1,
        "others_are_at_least": False,
    }


def test_who_else_is_of_another_type_is_no_peer() -> None:
    made = everything()
    row = made.told("okta", 3002, T0 + MINUTE, (WEB01,))
    made.scenario.signal(row, TRAVEL, {}, member=False)
    (peers,) = notes(ask("peers_behaviour", '{"entity": "user-1"}', made), "peers")
    assert peers.data["others"] == 1


def test_without_anomalies_that_is_said() -> None:
    answer = ask("peers_behaviour", '{"entity": "host-2"}')
    assert (answer.rows, answer.notes) == ((), ("no anomaly of this entity was found in the window",))


def with_history() -> Made:
    made = everything()
    for day, entity in ((1, WEB01), (2, WEB01), (40, WEB01), (3, EntityKey("host", "web03"))):
        row = made.told("okta", 3002, T0 - day * DAY, (entity,))
        made.scenario.signal(row, SPRAY, {"user": "x"}, member=False)
    return made


def test_earlier_signals_of_a_rule_are_shown_for_the_month_before_without_the_sequences_own() -> None:
    answer = ask("same_rule_before", '{"rule": "rule-spray"}', with_history())
    assert [row.time - T0 for row in signals(answer)] == [-3 * DAY, -2 * DAY, -DAY]
    assert [note.data["entity"] for note in notes(answer, "entity")] == ["host:web03", "host:web01"]
    assert answer.notes == ("3 earlier signals shown; 0 earlier cases of this rule",)


def test_with_an_entity_its_own_signals_are_shown_and_still_on_whom_else_the_rule_fired() -> None:
    answer = ask("same_rule_before", '{"rule": "rule-spray", "entity": "host-1", "limit": 1}', with_history())
    assert [row.time - T0 for row in signals(answer)] == [-DAY]
    assert answer.more
    assert len(notes(answer, "entity")) == 2


def test_a_uid_that_is_only_part_of_another_is_another_rule() -> None:
    assert signals(ask("same_rule_before", '{"rule": "rule-spra"}', with_history())) == []


def test_what_came_of_earlier_cases_of_a_rule_is_told_and_what_came_later_is_not() -> None:
    made = everything()
    sequence = made.scenario.sequence()
    later = replace(CASE, sequence_uid="d" * 32, time=sequence.end_time + 1)
    own = replace(CASE, sequence_uid=sequence.uid)
    known = library(replace(KNOWLEDGE, cases=(later, own, CASE)))
    answer = desk(MemoryStore(made.scenario.rows), sequence, known=known).call(
        "same_rule_before", '{"rule": "corr-push"}'
    )
    (case,) = notes(answer, "case")
    assert (case.data["verdict"], case.data["by_an_analyst"]) == ("True Positive", True)
    assert case.data["case"] == CASE.sequence_uid


def test_links_of_an_entity_are_told_with_the_events_that_show_them() -> None:
    made = everything()
    made.told(
        "okta",
        3002,
        T0 + 30_000,
        (ALICE, EntityKey("ip", "203.0.113.9")),
        activity_id=1,
        status_id=1,
        user={"name": "alice"},
        src_endpoint={"ip": "203.0.113.9"},
    )
    answer = ask("linked_entities", '{"entity": "user-1"}', made)
    links = {note.data["entity"]: note.data for note in notes(answer, "link")}
    assert "ip:203.0.113.9" in links
    assert "session:akiaexample1" in links
    uids = {row.uid for row in answer.rows if not isinstance(row, Note)}
    assert {link["event"] for link in links.values()} <= uids
    assert links["ip:203.0.113.9"]["valid_from"] == "2025-06-15T14:00:00.000Z"
    other = ask("linked_entities", '{"entity": "203.0.113.9"}', made)
    assert {note.data["entity"] for note in notes(other, "link")} >= {"user:alice"}
    assert "ip:203.0.113.9" not in {note.data["entity"] for note in notes(other, "link")}


def test_an_entity_that_no_event_links_to_anything_has_no_links() -> None:
    assert ask("linked_entities", '{"entity": "host-2"}').rows == ()
