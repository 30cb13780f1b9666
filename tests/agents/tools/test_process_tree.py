from __future__ import annotations

import pytest

from agents.evidence.store import StoredEvent
from agents.tools.answers import Note, ToolAnswer
from agents.tools.process_tree import MAX_GENERATIONS, MAX_PARENTS, MAX_PROCESSES
from models.errors import ToolRefused
from tests.agents.scenario import MINUTE, T0
from tests.agents.tools.made import WEB02, Made, ask, everything


def tree(answer: ToolAnswer) -> dict[object, tuple[object, object]]:
    """Return depth and parent by the name of the process."""
    rows = {row.uid: row for row in answer.rows if isinstance(row, StoredEvent)}
    names = {uid: row.ocsf["process"]["name"] for uid, row in rows.items()}
    notes = [row.data for row in answer.rows if isinstance(row, Note)]
    return {names[str(note["event"])]: (note["depth"], names.get(str(note["parent_event"]))) for note in notes}


@pytest.mark.parametrize("process", ["{b}", "200"])
def test_a_tree_has_parents_and_children_by_uid_or_by_number(process: str) -> None:
    answer = ask("process_tree", f'{{"host": "host-1", "process": "{process}"}}')
    assert tree(answer) == {
        "word.exe": (-1, None),
        "cmd.exe": (0, "word.exe"),
        "whoami.exe": (1, "cmd.exe"),
        "net.exe": (2, "whoami.exe"),
    }
    assert not answer.more


def test_a_process_that_was_not_launched_there_is_said_to_be_unknown() -> None:
    for host, process in (("host-2", "200"), ("host-1", "31337")):
        answer = ask("process_tree", f'{{"host": "{host}", "process": "{process}"}}')
        assert answer.rows == ()
        assert "no launch" in answer.notes[0]


def test_processes_are_looked_for_on_hosts() -> None:
    with pytest.raises(ToolRefused, match="no host"):
        ask("process_tree", '{"host": "user-1", "process": "200"}')


def test_a_number_that_is_used_again_has_its_own_children_only() -> None:
    made = Made()
    made.launch(T0, {"pid": 10, "name": "first"}, {"pid": 1})
    made.launch(T0 + 10_000, {"pid": 11, "name": "child of first"}, {"pid": 10})
    made.launch(T0 + 20_000, {"pid": 10, "name": "second"}, {"pid": 1})
    made.launch(T0 + 30_000, {"pid": 12, "name": "child of second"}, {"pid": 10})
    before = '{"host": "host-1", "process": "10", "until": "2025-06-15T15:06:55Z"}'
    assert set(tree(ask("process_tree", before, made))) == {"first", "child of first"}
    answer = ask("process_tree", '{"host": "host-1", "process": "10"}', made)
    assert set(tree(answer)) == {"second", "child of second"}
    assert answer.notes == ("2 processes had this number: the last is shown",)
    upwards = ask("process_tree", '{"host": "host-1", "process": "11"}', made)
    assert tree(upwards) == {"child of first": (0, "first"), "first": (-1, None)}


def test_a_later_launch_ends_a_number_that_a_child_refers_to() -> None:
    made = Made()
    made.launch(T0, {"pid": 5, "name": "root"}, {"pid": 1})
    made.launch(T0 + 1, {"pid": 10, "name": "mine"}, {"pid": 5})
    made.launch(T0 + 20_000, {"pid": 10, "name": "another"}, {"pid": 1})
    made.launch(T0 + 30_000, {"pid": 12, "name": "not mine"}, {"pid": 10})
    assert set(tree(ask("process_tree", '{"host": "host-1", "process": "5"}', made))) == {"root", "mine"}


@pytest.mark.parametrize("process", ["{a}", "100"])
@pytest.mark.parametrize("later", [7, -7])
def test_one_launch_that_two_sensors_tell_of_is_one_process_with_the_children_that_either_tells_of(
    process: str, later: int
) -> None:
    made = Made()
    made.launch(T0, {"pid": 100, "uid": "{a}", "name": "parent"}, {"pid": 1})
    made.launch(T0 + later, {"pid": 100, "name": "parent again"}, {"pid": 1})
    made.launch(T0 + 5000, {"pid": 300, "name": "by number"}, {"pid": 100})
    made.launch(T0 + 6000, {"pid": 400, "uid": "{d}", "name": "by uid"}, {"pid": 100, "uid": "{a}"})
    made.launch(T0 + 7000, {"pid": 500, "uid": "{e}", "name": "of another"}, {"pid": 100, "uid": "{x}"})
    answer = ask("process_tree", f'{{"host": "host-1", "process": "{process}"}}', made)
    assert tree(answer) == {"parent": (0, None), "by number": (1, "parent"), "by uid": (1, "parent")}
    assert answer.notes == ()


def test_processes_of_other_hosts_are_not_mixed_in() -> None:
    made = everything()
    made.launch(T0 + 5, {"pid": 500, "name": "elsewhere"}, {"pid": 200, "uid": "{b}"}, WEB02)
    assert "elsewhere" not in tree(ask("process_tree", '{"host": "host-1", "process": "{b}"}', made))


def test_cycles_end() -> None:
    made = Made()
    for pid, parent in ((10, 11), (11, 12), (12, 10), (13, 13)):
        made.launch(T0, {"pid": pid, "uid": f"u{pid}", "name": f"p{pid}"}, {"pid": parent, "uid": f"u{parent}"})
    answer = ask("process_tree", '{"host": "host-1", "process": "u10"}', made)
    assert len(tree(answer)) == 3
    assert len([row for row in answer.rows if isinstance(row, Note)]) == 3
    assert tree(ask("process_tree", '{"host": "host-1", "process": "13"}', made)) == {"p13": (0, None)}


def test_a_tree_is_bounded_in_depth() -> None:
    made = Made()
    for number in range(30):
        made.launch(T0 + number, {"pid": number + 10, "name": f"p{number}"}, {"pid": number + 9})
    answer = ask("process_tree", '{"host": "host-1", "process": "25"}', made)
    depths = [depth for depth, _ in tree(answer).values()]
    assert (min(map(int, map(str, depths))), max(map(int, map(str, depths)))) == (-MAX_PARENTS, MAX_GENERATIONS)
    assert answer.more


def test_a_tree_is_bounded_in_width() -> None:
    made = Made()
    made.launch(T0, {"pid": 10, "name": "root"}, {"pid": 1})
    for number in range(2 * MAX_PROCESSES):
        made.launch(T0 + 1 + number, {"pid": 100 + number, "name": f"p{number}"}, {"pid": 10})
    answer = ask("process_tree", '{"host": "host-1", "process": "10"}', made)
    assert len(tree(answer)) == MAX_PROCESSES
    assert answer.more


@pytest.mark.parametrize("process", [7, "text", [], {"pid": "text"}, {"pid": True, "uid": []}, {"parent_process": 7}])
def test_launches_of_any_shape_harm_nothing(process: object) -> None:
    made = everything()
    for time in (T0, T0 + MINUTE):
        made.told("windows", 1007, time, (WEB02,), activity_id=1, process=process, actor=process)
    assert ask("process_tree", '{"host": "host-2", "process": "True"}', made).rows == ()
    assert len(tree(ask("process_tree", '{"host": "host-1", "process": "200"}', made))) == 4
