"""The budget goes to the highest risk first, nothing is dropped, no offset is committed too early."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agents.waiting import HOUR_MS, WaitingList
from models.finding import Analytic, Sequence


def sequence(name: str, risk: int, revision: int = 1) -> Sequence:
    return Sequence(name, revision, Analytic("rule", "Rule"), "host:a", (), 0, 1, risk, is_alert=True)


def ready(_: object) -> bool:
    return True


def test_the_highest_risk_is_next_and_the_budget_ends_it():
    waiting = WaitingList(per_hour=2)
    for position, (name, risk) in enumerate((("low", 10), ("high", 90), ("middle", 50))):
        waiting.add(sequence(name, risk), now=0, position=(0, position))
    assert [found.sequence.uid for _ in range(3) if (found := waiting.next(5, ready))] == ["high", "middle"]
    assert waiting.left(5) == 0
    assert len(waiting) == 1
    late = waiting.next(5 + HOUR_MS, ready)
    assert late is not None
    assert late.sequence.uid == "low"


def test_without_a_limit_all_go():
    waiting = WaitingList(per_hour=0)
    for number in range(20):
        waiting.add(sequence(str(number), number), 0, (0, number))
    assert all(waiting.next(0, ready) for _ in range(20))
    assert waiting.left(0) is None


def test_one_that_is_not_ready_lets_others_pass_and_is_not_charged():
    waiting = WaitingList(per_hour=1)
    waiting.add(sequence("unready", 90), 0, (0, 0))
    waiting.add(sequence("ready", 10), 0, (0, 1))
    found = waiting.next(0, lambda held: held.sequence.uid == "ready")
    assert found is not None
    assert found.sequence.uid == "ready"
    assert waiting.left(0) == 0


def test_a_later_revision_takes_the_place_and_keeps_the_time():
    waiting = WaitingList(per_hour=0)
    waiting.add(sequence("a", 10), now=100, position=(0, 3))
    waiting.add(replace(sequence("a", 80), revision=2), now=900, position=(0, 7))
    seen = []
    found = waiting.next(1000, lambda held: not seen.append(held.since))
    assert found is not None
    assert (found.sequence.revision, seen, len(waiting)) == (2, [100], 0)


def test_withdrawn_and_revoked_sequences_are_not_judged():
    waiting = WaitingList(per_hour=0)
    for partition, name in enumerate(("a", "b", "c")):
        waiting.read((partition, 0))
        waiting.add(sequence(name, 10), 0, (partition, 0))
    waiting.withdraw("a")
    waiting.forget([1])
    found = waiting.next(0, ready)
    assert found is not None
    assert (found.sequence.uid, len(waiting)) == ("c", 0)
    assert waiting.committable() == {0: 1, 2: 0}
    waiting.done("c")
    assert waiting.committable() == {0: 1, 2: 1}


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 100), st.booleans()), max_size=30), st.integers(0, 30))
def test_nothing_that_waits_is_committed(records, judged):
    waiting = WaitingList(per_hour=0)
    offsets = [0, 0, 0]
    held, begun = {}, []
    for partition, risk, escalated in records:
        position = partition, offsets[partition]
        offsets[partition] += 1
        waiting.read(position)
        if escalated:
            name = f"{position}"
            waiting.add(sequence(name, risk), 0, position)
            held[name] = position
    for _ in range(judged):
        found = waiting.next(0, ready)
        if found is not None:
            begun.append(found.sequence.uid)
    for name in begun[: len(begun) // 2]:  # the others are still being investigated
        waiting.done(name)
        del held[name]
    committable = waiting.committable()
    assert all(offset >= committable[partition] for partition, offset in held.values())
    for partition, offset in committable.items():
        left = [at for where, at in held.values() if where == partition]
        assert offset == min(left, default=offsets[partition])


def test_a_later_revision_waits_for_the_one_that_was_begun_on():
    waiting = WaitingList(per_hour=0)
    waiting.add(sequence("a", 10), 0, (0, 0))
    first = waiting.next(0, ready)
    assert first is not None
    waiting.add(sequence("a", 90, revision=2), 0, (0, 1))
    assert waiting.next(0, ready) is None
    assert waiting.committable() == {0: 0}
    waiting.done("a")
    second = waiting.next(0, ready)
    assert second is not None
    assert second.sequence.revision == 2


def test_what_was_begun_on_and_is_withdrawn_holds_no_offset_back() -> None:
    waiting = WaitingList(per_hour=0)
    for offset, name in enumerate(("a", "b")):
        waiting.read((0, offset))
        waiting.add(sequence(name, 10), 0, (0, offset))
    assert waiting.next(0, lambda held: held.sequence.uid == "a")
    assert waiting.withdraw("b") is False
    assert waiting.withdraw("a") is True
    assert waiting.committable() == {0: 2}
    assert waiting.next(0, ready) is None


def test_what_was_begun_on_is_named_when_its_partition_goes():
    waiting = WaitingList(per_hour=0)
    waiting.add(sequence("a", 10), 0, (0, 0))
    waiting.add(sequence("b", 10), 0, (1, 0))
    assert waiting.next(0, ready)
    assert waiting.next(0, ready)
    assert waiting.forget([1]) == ("b",)
    assert waiting.committable() == {0: 0}
