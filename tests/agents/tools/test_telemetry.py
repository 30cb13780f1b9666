from __future__ import annotations

from dataclasses import replace

import pytest

from agents.evidence.store import StoredEvent, StoredSignal
from agents.tools.answers import Note, ToolAnswer
from models.errors import ToolRefused
from models.finding import Signal
from streams.lake import EVENTS
from tests.agents.scenario import T0
from tests.agents.tools.made import HASH, ask, everything


def notes(answer: ToolAnswer, kind: str) -> list[Note]:
    return [row for row in answer.rows if isinstance(row, Note) and row.kind == kind]


def events(answer: ToolAnswer) -> list[StoredEvent]:
    return [row for row in answer.rows if isinstance(row, StoredEvent)]


def entities(answer: ToolAnswer) -> dict[object, object]:
    return {note.data["entity"]: note.data["is_investigated"] for note in notes(answer, "entity")}


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ('{"entity": "host-2"}', 1),
        ('{"entity": "user-1", "class_uid": 6003}', 1),
        ('{"source": "aws"}', 1),
        ('{"domain": "network"}', 2),
        ('{"text": "PROCDUMP -ma"}', 1),
        ('{"text": "c:\\\\TEMP\\\\out.dmp"}', 1),
        ('{"text": "no such text"}', 0),
        ('{"text": "createaccesskey", "entity": "session-1"}', 1),
        ('{"class_uid": 1007, "limit": 3}', 3),
        ('{"since": "2025-06-15T15:15:40Z"}', 1),
    ],
)
def test_events_are_found_by_what_they_are(arguments: str, count: int) -> None:
    assert len(events(ask("search_events", arguments))) == count


def test_the_last_rows_come_in_the_order_of_time() -> None:
    rows = ask("search_events", '{"order": "last", "limit": 2}')
    assert [row.time - T0 for row in events(rows)] == [6 * 60_000, 9 * 60_000]
    assert rows.more


def test_a_text_is_looked_for_everywhere_in_seven_days_only_and_on_an_entity_in_a_month() -> None:
    month = '"since": "2025-05-20T00:00:00Z", "text": "procdump"'
    with pytest.raises(ToolRefused, match="longer than 7 days"):
        ask("search_events", f"{{{month}}}")
    assert len(events(ask("search_events", f'{{{month}, "entity": "host-1"}}'))) == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ('{"since": "2025-06-31T00:00:00Z"}', "no time"),
        ('{"since": "2025-06-16T00:00:00Z", "until": "2025-06-15T00:00:00Z"}', "after it ends"),
        ('{"since": "2025-01-01T00:00:00Z"}', "longer than 31 days"),
        ('{"text": "ab"}', "at least 3"),
        ('{"entity": "host-9"}', "not shown"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(arguments: str, why: str) -> None:
    with pytest.raises(ToolRefused, match=why):
        ask("search_events", arguments)


def test_a_timeline_has_events_and_signals_in_the_order_of_time() -> None:
    answer = ask("timeline", '{"entity": "user-1", "limit": 4}')
    assert [type(row) for row in answer.rows] == [StoredEvent, StoredSignal, StoredEvent, StoredSignal]
    times = [row.time for row in answer.rows if isinstance(row, StoredEvent | StoredSignal)]
    assert times == sorted(times)
    assert answer.more
    last = ask("timeline", '{"entity": "user-1", "limit": 1, "order": "last"}')
    assert events(last)[0].class_uid == 6003


def test_first_and_last_seen_of_a_value_is_told_by_source() -> None:
    answer = ask("first_and_last_seen", f'{{"value": "{HASH}"}}')
    assert [row.time - T0 for row in events(answer)] == [2 * 60_000, 5 * 60_000]
    (note,) = notes(answer, "coverage")
    assert (note.data["source"], note.data["minutes"]) == ("windows", 2)
    assert note.data["first"] == "2025-06-15T15:08:40.000Z"


def test_what_was_seen_once_is_shown_once_and_what_never_was_is_said() -> None:
    assert len(events(ask("first_and_last_seen", '{"entity": "host-2"}'))) == 1
    nothing = ask("first_and_last_seen", '{"value": "never.example.com"}')
    assert nothing.rows == ()
    assert "nothing from 2025-06-08T" in nothing.notes[0]


@pytest.mark.parametrize("arguments", ["{}", '{"entity": "host-1", "value": "whoami"}'])
def test_either_an_entity_or_a_value_is_asked_for(arguments: str) -> None:
    with pytest.raises(ToolRefused, match="not both"):
        ask("first_and_last_seen", arguments)


def test_who_else_touched_a_hash_names_every_entity_and_says_which_is_investigated() -> None:
    answer = ask("who_else_touched", f'{{"value": "{HASH}"}}')
    assert entities(answer) == {"host:web01": True, "user:alice": False, "host:web02": False, "user:bob": False}
    assert len(events(answer)) == 2


def test_a_text_is_put_back_to_what_it_stands_for_before_it_is_looked_for() -> None:
    (found,) = events(ask("search_events", '{"text": "user-2"}'))
    assert found.ocsf["user"] == {"name": "bob"}


@pytest.mark.parametrize("tool", ["who_else_touched", "first_and_last_seen"])
def test_a_value_that_is_an_entity_of_several_spellings_is_looked_for_as_that(tool: str) -> None:
    found = events(ask(tool, '{"value": "session-1"}'))
    assert [row.class_uid for row in found] == [6003]
    assert len(events(ask(tool, '{"value": "user-2"}'))) == 2


def test_an_address_is_looked_for_in_whatever_text_it_stands() -> None:
    made = everything()
    made.told("zeek", 4002, T0, (), http_request={"url": {"url_string": "http://203.0.113.9/x"}})
    found = events(ask("who_else_touched", '{"value": "203.0.113.9"}', made))
    assert 4002 in {row.class_uid for row in found}


def test_a_session_trail_tells_what_it_did_and_whose_it_is() -> None:
    answer = ask("session_trail", '{"session": "session-1"}')
    assert [row.class_uid for row in events(answer)] == [6003]
    assert set(entities(answer)) == {"user:alice", "ip:203.0.113.9"}
    with pytest.raises(ToolRefused, match="no session"):
        ask("session_trail", '{"session": "user-1"}')


def test_coverage_tells_who_was_heard_who_fell_silent_and_which_domain_is_missing() -> None:
    answer = ask("coverage", '{"since": "2025-06-15T15:15:30Z"}')
    assert [note.data["source"] for note in notes(answer, "coverage")] == ["zeek"]
    assert answer.notes == (
        "no identity and no workload telemetry at all in the window",
        "heard the day before and not in the window: aws, okta, windows",
    )


def test_a_record_that_was_altered_is_left_out_and_that_is_said() -> None:
    made = everything()
    row = made.scenario.rows[EVENTS][-1]
    made.scenario.rows[EVENTS][-1] = replace(row, record=row.record.replace(b'\\"n\\"', b'\\"m\\"'))
    answer = ask("search_events", '{"order": "last", "limit": 3}', made)
    assert len(events(answer)) == 2
    assert answer.notes == ("1 record left out: not what was stored",)


def test_a_signal_in_an_answer_is_whole() -> None:
    (signal,) = (row.signal for row in ask("timeline", '{"entity": "user-2"}').rows if isinstance(row, StoredSignal))
    assert isinstance(signal, Signal)
    assert ("seen", "Oslo and Lima") in signal.matched
