from __future__ import annotations

from typing import Any

from enrichers.context.memory import MAX_NAME, Memory, Strangers


def test_an_answer_is_looked_for_once() -> None:
    asked: list[tuple[Any, ...]] = []
    memory = Memory(lambda *names: asked.append(names))
    for _ in range(3):
        assert memory.of(("web01", None)) is None
    assert asked == [("web01", None)]


def test_what_is_no_name_is_answered_and_not_kept() -> None:
    asked: list[tuple[Any, ...]] = []
    memory = Memory(lambda *names: asked.append(names))
    for names in (("x" * (MAX_NAME + 1), "a"), (7, "a"), (["b"], "a"), (True, "a")):
        memory.of(names)
        memory.of(names)
    assert asked == [(None, "a")] * 8
    memory.of((None, "a"))
    memory.of((None, "a"))
    assert len(asked) == 9


def test_what_is_kept_is_bounded() -> None:
    asked: list[str] = []
    memory = Memory(asked.append, most=3)
    for name in ("a", "b", "c", "a", "d", "a"):
        memory.of((name,))
    assert asked == ["a", "b", "c", "d", "a"]


def test_strangers_are_known_until_there_are_too_many() -> None:
    asked: list[str] = []

    def listed(name: str) -> bool:
        asked.append(name)
        return name == "scan01"

    strangers = Strangers(listed, most=4)
    assert strangers.are_strange((None, None))
    assert not strangers.are_strange(("scan01", "a"))
    assert strangers.are_strange(("a", "b"))
    assert strangers.are_strange(("b", None, "a"))
    assert asked == ["scan01", "a", "a", "b"]
    assert strangers.are_strange(("c", "d"))
    assert strangers.are_strange(("a",))
    assert asked[4:] == ["c", "d", "a"]
    assert not strangers.are_strange((["scan01"], "a"))
    assert strangers.are_strange((7, "a"))
