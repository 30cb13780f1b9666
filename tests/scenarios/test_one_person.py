"""One person over three domains: a sign-in from a new country, a role, a machine, and data that leaves its address.

Played through the whole path with the rules as they are shipped. Nothing but entity links joins what happens: the
sign-in names the person, the shell her role and the machine, the finding the machine, the flow an address.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from models.finding import Sequence
from streams import wire
from streams.replay.run import Replayed
from tests.correlate.drive import Driver
from tests.replay.play import STREAMS, lines, play, stages
from tests.scenarios.one_person import (
    ALICE,
    BOB,
    OTHER,
    WORKBENCH,
    Machine,
    Person,
    Told,
    bare_flow,
    behind,
    described,
    files,
    finding,
    flow,
    push_refused,
    role_assumed,
    shell,
    sign_in,
    story,
)
from tests.workers.processes import Braid, body, standing

UID = yaml.safe_load((STREAMS / "rules" / "correlations" / "low_and_slow.yml").read_bytes())["id"]
SHELL, UPLOAD = "AWS control plane used to get onto an instance", "Large upload to the internet"
COMMAND = "Discovery:Runtime/SuspiciousCommand"
SIGN_IN = ("Sign-in failed", "Okta sign-in that Okta finds unlike this user", "Sign-in from a public address")
WITHOUT, WITH_UPLOAD = sorted([*SIGN_IN, SHELL, COMMAND]), sorted([*SIGN_IN, SHELL, COMMAND, UPLOAD])
EGRESS = bare_flow(WORKBENCH.interface, WORKBENCH.address, 65)
TOLD = story(ALICE, WORKBENCH, [EGRESS])
NAT = "10.0.0.9"
NAT_INTERFACE = "eni-0aaaabbbbccccdddd"
MANY = 8  # more than `BRAID_LINK_FANOUT`


def replayed(told: Iterable[Told], folder: Path) -> Replayed:
    found = play(files(told, folder / "in"), folder / "out")
    assert found.counts["dead-letter"] == 0
    return found


def bytes_of(folder: Path) -> bytes:
    return (folder / "out" / "sequences.ndjson").read_bytes()


def titles(sequence: Sequence) -> list[str]:
    return sorted(member.analytic.name for member in sequence.members)


def alerts(found: Replayed) -> list[Sequence]:
    return [sequence for sequence in found.sequences if sequence.is_alert]


def of(person: Person, found: Replayed) -> Sequence:
    """Return the one escalated sequence of a person."""
    (mine,) = (sequence for sequence in alerts(found) if sequence.group == person.user)
    assert mine.analytic.uid == UID
    return mine


def shuffled(told: Iterable[Any], seed: int) -> list[Any]:
    mixed = list(told)
    random.Random(seed).shuffle(mixed)  # noqa: S311  # an order, no secret
    return mixed


@pytest.fixture(scope="module")
def in_order(tmp_path_factory: pytest.TempPathFactory) -> tuple[Replayed, Path]:
    folder = tmp_path_factory.mktemp("in_order")
    return replayed(TOLD, folder), folder


def test_it_is_one_sequence_of_one_person_with_signals_of_three_domains(in_order: tuple[Replayed, Path]) -> None:
    found, _ = in_order
    (sequence,) = found.sequences
    assert (sequence.group, sequence.is_alert, sequence.analytic.uid) == (ALICE.user, True, UID)
    assert titles(sequence) == WITH_UPLOAD
    assert {member.domain for member in sequence.members} == {"identity", "workload", "network"}
    assert {member.uid for member in sequence.members} == {signal.uid for signal in found.signals}
    assert [one.verdict.sequence_uid for one in found.investigations] == [sequence.uid]


def test_no_signal_of_the_machine_names_the_person(in_order: tuple[Replayed, Path]) -> None:
    found, _ = in_order
    names = {signal.analytic.name: {str(entity) for entity in signal.entities} for signal in found.signals}
    assert all(ALICE.user not in names[title] for title in (SHELL, COMMAND, UPLOAD))
    assert names[UPLOAD] == {"ip:10.0.1.5", "ip:198.51.100.200", "account:111122223333"}


def test_the_links_that_follow_are_told(in_order: tuple[Replayed, Path]) -> None:
    found, folder = in_order
    derived = [row for row in lines(folder / "out" / "links.ndjson") if row["source"] == "derived"]
    ends = {(row["left"], row["right"]) for row in derived}
    assert ends >= {(ALICE.user, f"workload:{WORKBENCH.instance}"), (f"ip:{WORKBENCH.address}", ALICE.user)}
    assert found.counts["derived_links"] == len(derived)


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_records_and_files_does_not_show(
    in_order: tuple[Replayed, Path], tmp_path: Path, seed: int
) -> None:
    replayed(shuffled(TOLD, seed), tmp_path)
    assert bytes_of(tmp_path) == bytes_of(in_order[1])


@pytest.mark.parametrize("seed", range(12))
def test_signals_and_links_that_arrive_in_any_order_and_twice_leave_the_same(
    in_order: tuple[Replayed, Path], seed: int
) -> None:
    found, folder = in_order
    rows = [orjson.dumps(row) for row in lines(folder / "out" / "links.ndjson") if row["source"] != "derived"]
    items = [*found.signals, *map(wire.link_from_json, rows)] * 2
    driver = Driver(stages().correlator).feed(shuffled(items, seed))
    (expected,) = found.sequences
    (uid,) = driver.standing
    told = orjson.loads(driver.standing[uid])
    assert (uid, told["unmapped"]["braid"]["group"]) == (expected.uid, ALICE.user)
    assert [one["uid"] for one in told["finding_info"]["related_events"]] == [one.uid for one in expected.members]


def test_a_flow_that_names_the_machine_is_hers_too(tmp_path: Path) -> None:
    named = flow(WORKBENCH, 65, to="198.51.100.200", size=367_001_600)
    found = replayed(story(ALICE, WORKBENCH, [named]), tmp_path)
    assert titles(of(ALICE, found)) == WITH_UPLOAD


def test_the_interface_that_the_finding_names_tells_whose_address_it_is(tmp_path: Path) -> None:
    found = replayed([one for one in TOLD if one.raw != flow(WORKBENCH, 50).raw], tmp_path)
    assert titles(of(ALICE, found)) == WITH_UPLOAD


@pytest.mark.parametrize("missing", [role_assumed(ALICE, 5), shell(ALICE, WORKBENCH, 12)], ids=["role", "shell"])
def test_without_what_ties_her_to_the_machine_its_signals_are_not_hers(tmp_path: Path, missing: Told) -> None:
    found = replayed([one for one in TOLD if one != missing], tmp_path)
    assert found.sequences == []


def test_an_address_that_another_machine_has_by_then_is_not_hers(tmp_path: Path) -> None:
    later = [flow(OTHER.at(WORKBENCH.address), 265), bare_flow(OTHER.interface, WORKBENCH.address, 270)]
    found = replayed(story(ALICE, WORKBENCH, later), tmp_path)
    assert titles(of(ALICE, found)) == WITHOUT
    assert UPLOAD in {signal.analytic.name for signal in found.signals}
    assert [sequence.group for sequence in found.sequences] == [ALICE.user]


def test_it_is_his_who_is_on_the_machine_that_has_it_by_then(tmp_path: Path) -> None:
    moved = OTHER.at(WORKBENCH.address)
    his = [push_refused(BOB, 241), sign_in(BOB, 242), role_assumed(BOB, 245), shell(BOB, moved, 252)]
    his += [finding(moved, 260), flow(moved, 265), bare_flow(moved.interface, moved.address, 270)]
    found = replayed([*story(ALICE, WORKBENCH, []), *his], tmp_path)
    assert titles(of(ALICE, found)) == WITHOUT
    assert titles(of(BOB, found)) == WITH_UPLOAD
    assert {one.uid for one in of(ALICE, found).members}.isdisjoint(one.uid for one in of(BOB, found).members)


def people(number: int) -> list[tuple[Person, Machine]]:
    """Return people who work on machines of their own."""
    return [
        (
            Person(f"user{n}@example.com", f"203.0.113.{100 + n}", f"ASIAEXAMPLEUSER0000{n}", f"user{n}@example.com"),
            Machine(f"i-0a1b2c3d4e5f6071{n}", f"10.0.2.{n + 1}"),
        )
        for n in range(number)
    ]


def behind_gateway(machine: Machine) -> Told:
    return behind(machine, NAT_INTERFACE, NAT, 45)


def floating(machine: Machine) -> Told:
    """Return what the control plane says: the machine has the address of the gateway as its second one."""
    return described(machine, NAT, 44)


@pytest.mark.parametrize("way", [behind_gateway, floating])
def test_what_leaves_through_a_gateway_that_many_share_is_nobody_s(
    tmp_path: Path, way: Callable[[Machine], Told]
) -> None:
    both = people(MANY)
    told = [record for person, machine in both for record in (*story(person, machine, []), way(machine))]
    found = replayed([*told, bare_flow(NAT_INTERFACE, NAT, 65)], tmp_path)
    assert UPLOAD in {signal.analytic.name for signal in found.signals}
    assert len(found.sequences) == MANY
    assert all(titles(of(person, found)) == WITHOUT for person, _ in both)
    members = [member.uid for sequence in found.sequences for member in sequence.members]
    assert len(members) == len({*members})


def test_an_address_that_only_her_machine_shares_with_a_gateway_is_hers(tmp_path: Path) -> None:
    found = replayed([*story(ALICE, WORKBENCH, [bare_flow(NAT_INTERFACE, NAT, 65)]), floating(WORKBENCH)], tmp_path)
    assert titles(of(ALICE, found)) == WITH_UPLOAD


@pytest.mark.parametrize("number", [3, MANY])
def test_people_who_come_from_one_address_and_use_one_role_are_each_for_themselves(tmp_path: Path, number: int) -> None:
    office = [(replace(person, outside="203.0.113.9"), machine) for person, machine in people(number)]
    told = [
        record
        for person, machine in office
        for record in story(person, machine, [bare_flow(machine.interface, machine.address, 65)])
    ]
    found = replayed(told, tmp_path)
    assert len(alerts(found)) == number
    assert all(titles(of(person, found)) == WITH_UPLOAD for person, _ in office)
    members = [member.uid for sequence in alerts(found) for member in sequence.members]
    assert len(members) == len({*members})


def test_two_people_who_use_the_same_role_are_two(tmp_path: Path) -> None:
    his = story(BOB, OTHER, [bare_flow(OTHER.interface, OTHER.address, 66)])
    found = replayed([*TOLD, *his], tmp_path)
    assert sorted(sequence.group for sequence in found.sequences) == [ALICE.user, BOB.user]
    for person in (ALICE, BOB):
        assert titles(of(person, found)) == WITH_UPLOAD
    assert {one.uid for one in of(ALICE, found).members}.isdisjoint(one.uid for one in of(BOB, found).members)


def test_two_people_on_one_machine_are_two_though_what_it_does_may_be_either_s(tmp_path: Path) -> None:
    his = [push_refused(BOB, 21), sign_in(BOB, 22), role_assumed(BOB, 25), shell(BOB, WORKBENCH, 32)]
    found = replayed([*TOLD, *his], tmp_path)
    assert sorted(sequence.group for sequence in found.sequences) == [ALICE.user, BOB.user]
    hers, theirs = ({one.uid for one in of(person, found).members} for person in (ALICE, BOB))
    both = {one.uid: one.analytic.name for one in found.signals if one.uid in hers & theirs}
    assert sorted(both.values()) == sorted([COMMAND, UPLOAD])
    assert titles(of(ALICE, found)) == titles(of(BOB, found)) == WITH_UPLOAD


def test_on_kafka_it_is_the_same_sequence(
    in_order: tuple[Replayed, Path], bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    (expected,) = in_order[0].sequences
    braid = Braid(bootstrap, topic_prefix, STREAMS / "rules", tmp_path)
    with braid.running("topics", "create") as made:
        assert made.wait(30) == 0
    with braid.running("worker", "ingest"), braid.running("worker", "correlate"):
        for one in reversed(TOLD):
            braid.send(f"raw.{one.source}", [one.raw])
        found = braid.read_until("sequences", lambda held: _is_whole(standing(held), expected))
    (uid,) = standing(found)
    assert uid == expected.uid
    derived = [body(message) for message in braid.read_until("entity-links", bool)]
    assert {ALICE.user} <= {row["right"] for row in derived if row["source"] == "derived"}


def _is_whole(found: dict[str, dict[str, Any]], expected: Sequence) -> bool:
    related = found.get(expected.uid, {}).get("finding_info", {}).get("related_events", [])
    return {one["uid"] for one in related} == {member.uid for member in expected.members}
