from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from agents.evidence.outside import Observable
from agents.evidence.store import StoredEvent
from agents.tools.answers import Note, ToolAnswer
from enrichers.lookups.gate import Question
from enrichers.lookups.reputation import NoReputation, Reputation
from enrichers.lookups.told import Told, Word
from models.errors import ToolRefused
from models.fact import Fact
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import OUTSIDE
from tests.agents.tools.made import HASH, ask, desk, everything

ADDRESS = f'{{"kind": "address", "value": "{OUTSIDE.value}"}}'


def only(answer: ToolAnswer) -> Note:
    (note,) = answer.rows
    assert isinstance(note, Note)
    return note


@dataclass
class Service:
    """Knows every observable that it is asked about, and remembers which these were."""

    asked: list[Observable] = field(default_factory=list)
    answers: bool = True

    def ask(self, observables: Iterable[Observable], most: int, seconds: float) -> Told:
        """Return what it knows."""
        assert most > 0 < seconds
        self.asked += list(observables)
        said = Reputation("known", 90, malicious=True) if self.answers else NoReputation("known", "it is down")
        return Told(tuple(Word(Question(*one), said) for one in self.asked))


def test_a_technique_is_told_with_the_rules_that_look_for_it() -> None:
    data = only(ask("technique", '{"technique": "T1621"}')).data
    assert data["name"] == "Multi-Factor Authentication Request Generation"
    assert data["tactics"] == "credential-access"
    assert data["rules"] == "Push denied, then an unusual sign-in"


def test_a_technique_that_was_replaced_is_told_under_its_id_now() -> None:
    answer = ask("technique", '{"technique": "T1562.001"}')
    assert only(answer).data["technique"] == "T1685"
    assert answer.notes == ("T1562.001 is T1685 now",)


def test_a_technique_that_does_not_exist_is_said_not_to() -> None:
    answer = ask("technique", '{"technique": "T9999"}')
    assert answer.rows == ()
    assert "no technique T9999" in answer.notes[0]
    with pytest.raises(ToolRefused, match="technique"):
        ask("technique", '{"technique": "T1621; drop"}')


@pytest.mark.parametrize("named", ["rule-spray", "spray"])
def test_a_rule_is_told_by_uid_or_name(named: str) -> None:
    data = only(ask("rule", f'{{"rule": "{named}"}}')).data
    assert (data["title"], data["description"], data["level"]) == (
        "Password spray succeeded",
        "Many fail, one succeeds",
        "high",
    )


def test_of_an_unknown_rule_nothing_is_known() -> None:
    assert ask("rule", '{"rule": "x"}').notes == ("nothing is known of a rule of this uid",)


def test_a_runbook_is_whole_and_an_unknown_one_is_refused_with_those_there_are() -> None:
    assert only(ask("runbook", '{"runbook": "push"}')).data["text"] == "1. Count the push requests."
    with pytest.raises(ToolRefused, match="there are push, movement"):
        ask("runbook", '{"runbook": "../../etc/passwd"}')


def test_similar_cases_come_before_runbooks_and_by_what_is_described() -> None:
    notes = ask("similar_cases", '{"words": "user accepted a push request at night"}').rows
    assert [(note.kind, note.data["title"]) for note in notes if isinstance(note, Note)] == [
        ("case", "Push requests until one was accepted"),
        ("runbook", "Push requests"),
    ]


def test_without_words_what_fired_in_the_sequence_itself_is_looked_for() -> None:
    notes = ask("similar_cases").rows
    assert [note.data["title"] for note in notes if isinstance(note, Note)] == ["Movement over SMB"]


def test_pseudonyms_are_put_back_to_be_looked_for() -> None:
    assert [note.kind for note in ask("similar_cases", '{"words": "user-2"}').rows if isinstance(note, Note)] == [
        "case"
    ]
    assert ask("similar_cases", '{"words": "user-1"}').rows == ()


def test_every_question_counts_as_a_call() -> None:
    made = everything()
    asked = desk(MemoryStore(made.scenario.rows), made.scenario.sequence())
    for name, arguments in (
        ("technique", '{"technique": "T1621"}'),
        ("rule", '{"rule": "x"}'),
        ("runbook", '{"runbook": "push"}'),
        ("similar_cases", "{}"),
    ):
        before = len(asked.tools.steps)
        asked.call(name, arguments)
        assert len(asked.tools.steps) == before + 1
        assert asked.tools.steps[-1].tool == name


def test_a_service_is_asked_about_what_an_event_shown_has_and_its_word_is_a_fact() -> None:
    made, service = everything(), Service()
    asked = desk(MemoryStore(made.scenario.rows), made.scenario.sequence(), outside=service)
    asked.call("timeline", '{"entity": "session-1"}')
    (fact,) = asked.call("lookup_indicator", ADDRESS).rows
    assert isinstance(fact, Fact)
    assert (fact.provider, fact.value, fact.malicious) == ("known", OUTSIDE.value, True)
    assert service.asked == [("address", OUTSIDE.value)]


@pytest.mark.parametrize(
    "arguments",
    [
        ADDRESS,
        f'{{"kind": "hash", "value": "{HASH}"}}',
        '{"kind": "domain", "value": "secret-of-alice.attacker.example.com"}',
        '{"kind": "domain", "value": "user-1.attacker.example.com"}',
    ],
)
def test_nobody_is_asked_about_what_was_in_no_event_shown(arguments: str) -> None:
    made, service = everything(), Service()
    asked = desk(MemoryStore(made.scenario.rows), made.scenario.sequence(), outside=service)
    with pytest.raises(ToolRefused, match="in no event"):
        asked.call("lookup_indicator", arguments)
    assert service.asked == []


def test_what_was_shown_before_may_be_asked_about_too() -> None:
    made, service = everything(), Service()
    store = MemoryStore(made.scenario.rows)
    sequence = made.scenario.sequence()
    shown = [row for row in ask("search_events", '{"limit": 50}', made).rows if isinstance(row, StoredEvent)]
    for asked in (desk(store, sequence, outside=service, shown=shown), desk(store, sequence, outside=service)):
        asked.show(shown)
        assert asked.call("lookup_indicator", f'{{"kind": "hash", "value": "{HASH.upper()}"}}').rows
    assert service.asked[0] == ("hash", HASH)


def test_a_service_that_fails_is_named() -> None:
    made = everything()
    store = MemoryStore(made.scenario.rows)
    asked = desk(store, made.scenario.sequence(), outside=Service(answers=False))
    asked.call("timeline", '{"entity": "session-1"}')
    answer = asked.call("lookup_indicator", ADDRESS)
    assert (answer.rows, answer.notes) == ((), ("intelligence of known missing: it is down (1 of 1 asked)",))


def test_where_there_is_no_service_that_is_said_and_what_is_no_indicator_is_refused() -> None:
    made = everything()
    asked = desk(MemoryStore(made.scenario.rows), made.scenario.sequence())
    asked.call("timeline", '{"entity": "session-1"}')
    assert asked.call("lookup_indicator", ADDRESS).notes == ("no service outside is there to be asked",)
    with pytest.raises(ToolRefused, match="is no hash"):
        asked.call("lookup_indicator", '{"kind": "hash", "value": "not hexadecimal"}')
