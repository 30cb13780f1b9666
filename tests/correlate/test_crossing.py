"""For whom a signal counts over a link: who is a role, who a visitor, and who what the machine runs as."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.entity import EntityKey
from models.flood import better_way
from streams.correlate.crossing import is_account_of, is_of_others, is_role_session, leads
from streams.correlate.engine import Correlator
from streams.correlate.risk import Breadth
from tests.correlate.build import HOUR, link, signal, spec
from tests.correlate.drive import Driver
from tests.correlate.test_properties import standing

ALICE, BOB = EntityKey("user", "alice@example.com"), EntityKey("user", "bob@example.com")
DEV = EntityKey("user", "arn:aws:sts::111122223333:assumed-role/dev/alice@example.com")
USER_ARN = EntityKey("user", "arn:aws:iam::111122223333:user/alice")
INSTANCE, POD = EntityKey("workload", "i-0123456789abcdef0"), EntityKey("workload", "shop/web")
ITS_ROLE = EntityKey("user", f"arn:aws:sts::111122223333:assumed-role/app/{INSTANCE.value}")
ADDRESS, SESSION = EntityKey("ip", "10.0.0.5"), EntityKey("session", "asiaexample")
NARROW = replace(
    spec("risk", "ab", count=60, group_by=("entity.user",), uid="risk", timespan=HOUR), breadth=Breadth(domains=2)
)
WIDE = spec("temporal", "ab", group_by=("entity.user",), uid="wide", timespan=HOUR)


def test_only_a_session_of_a_role_is_one() -> None:
    assert is_role_session(DEV)
    assert not is_role_session(USER_ARN)
    assert not is_role_session(EntityKey("session", DEV.value))


@pytest.mark.parametrize(
    ("here", "other", "expected"),
    [
        (ALICE, DEV, False),
        (USER_ARN, DEV, False),
        (DEV, ALICE, True),
        (DEV, ITS_ROLE, True),
        (ALICE, BOB, True),
        (INSTANCE, DEV, True),
        (SESSION, DEV, True),
    ],
)
def test_what_a_person_does_is_not_told_of_her_role(here: EntityKey, other: EntityKey, *, expected: bool) -> None:
    assert leads(here, other) is expected


@pytest.mark.parametrize(
    ("user", "workload", "expected"),
    [
        (ITS_ROLE, INSTANCE, True),
        (ITS_ROLE, POD, False),
        (DEV, INSTANCE, False),
        (BOB, INSTANCE, False),
        (EntityKey("user", "web01\\root"), INSTANCE, True),
        (EntityKey("user", "system:serviceaccount:shop:web"), POD, True),
    ],
)
def test_what_a_machine_runs_as_is_no_visitor(user: EntityKey, workload: EntityKey, *, expected: bool) -> None:
    assert is_account_of(user, workload) is expected


def test_a_signal_of_a_visitor_is_of_others_for_the_next_one() -> None:
    assert is_of_others(signal("a", 0, str(BOB), str(INSTANCE)), ALICE, INSTANCE)
    assert not is_of_others(signal("a", 0, str(ITS_ROLE), str(INSTANCE)), ALICE, INSTANCE)
    assert not is_of_others(signal("a", 0, str(INSTANCE)), ALICE, INSTANCE)
    assert is_of_others(signal("a", 0, "user:web01\\root", str(ADDRESS)), ALICE, ADDRESS)
    assert not is_of_others(signal("a", 0, str(BOB), str(SESSION)), ALICE, SESSION)
    assert not is_of_others(signal("a", 0, str(BOB), str(INSTANCE)), POD, INSTANCE)


@pytest.mark.parametrize("users", [(BOB,), (BOB, ITS_ROLE)])
def test_what_another_visitor_did_does_not_add_up_with_hers(users: tuple[EntityKey, ...]) -> None:
    hers = signal("a", 0, str(ALICE))
    his = signal("b", 1, *sorted([*map(str, users), str(INSTANCE)]))
    there = link(str(ALICE), str(INSTANCE), -HOUR, HOUR)
    found = standing(Driver(Correlator([NARROW, WIDE])).feed([hers, his, there]))
    assert {(rule, group) for rule, group, _ in found} == {("wide", str(ALICE))}


def test_what_the_machine_did_does() -> None:
    items = [signal("a", 0, str(ALICE)), signal("b", 1, str(ITS_ROLE), str(INSTANCE))]
    there = link(str(ALICE), str(INSTANCE), -HOUR, HOUR)
    found = standing(Driver(Correlator([NARROW])).feed([*items, there]))
    assert {group for _, group, _ in found} == {str(ALICE)}


def test_the_way_by_her_session_is_better_than_the_way_by_the_machine() -> None:
    by_session, by_machine, by_address = ((ALICE, here) for here in (SESSION, INSTANCE, ADDRESS))
    assert better_way(by_session, by_machine) == better_way(by_machine, by_session) == by_session
    assert better_way(by_address, by_machine) == by_machine
    assert better_way((ALICE, DEV), by_machine) == (ALICE, DEV)
    assert better_way(by_session, ()) == ()


@pytest.mark.parametrize("reverse", [False, True])
def test_her_own_call_that_names_the_machine_too_is_hers(*, reverse: bool) -> None:
    call = signal("b", 1, str(DEV), str(INSTANCE))
    links = [link(*sorted((str(ALICE), str(end))), -HOUR, HOUR) for end in (INSTANCE, DEV)]
    items = [signal("a", 0, str(ALICE)), call, *links]
    found = standing(Driver(Correlator([NARROW])).feed(reversed(items) if reverse else items))
    assert {group for _, group, _ in found} == {str(ALICE)}
