from __future__ import annotations

import pytest

from enrichers.context.known import Identity
from enrichers.links import HOUR_MS
from enrichers.links.persons import NOBODY
from enrichers.persons import linked_names, persons_of
from models.entity import EntityKey
from tests.enrichers.events import NOON

ALICE = Identity(
    "e-1001",
    names=(r"EXAMPLE\alice",),
    emails=("alice@example.com", "a.old@example.com"),
    sids=("S-1-5-21-1-2-3-1104",),
    principals=("arn:aws:iam::111122223333:user/x/alice",),
    employee_id="E1001",
)
BOB = Identity("b", names=("bob",), emails=("bob@example.com", "team@example.com"), employee_id="1001")
CAROL = Identity("c", emails=("carol@example.com", "team@example.com"))
PERSONS = persons_of([ALICE, BOB, CAROL])


def users(*names: str) -> tuple[EntityKey, ...]:
    return tuple(EntityKey("user", name) for name in names)


@pytest.mark.parametrize(
    "name",
    [
        *(r"example\alice", "a.old@example.com", "s-1-5-21-1-2-3-1104", "e1001"),
        "arn:aws:iam::111122223333:user/alice",
    ],
)
def test_every_name_is_linked_to_the_first_one_around_the_signal(name: str) -> None:
    (link,) = linked_names((EntityKey("host", "ws1"), *users(name)), PERSONS, NOON + 5, "e1")
    assert {link.left, link.right} == set(users("alice@example.com", name))
    assert (link.valid_from, link.valid_to) == (NOON - HOUR_MS, NOON + 2 * HOUR_MS - 1)
    assert (link.confidence, link.source, link.evidence) == (95, "identities", "e1")


def test_the_first_name_and_names_of_nobody_are_linked_to_nothing() -> None:
    for name in ("alice@example.com", "mallory", "team@example.com", "1001"):
        assert linked_names(users(name), PERSONS, NOON, "e1") == ()
    assert linked_names((EntityKey("host", "bob"),), PERSONS, NOON, "e1") == ()


def test_the_same_hour_has_the_same_link_whatever_event_shows_it() -> None:
    known = users(r"example\alice", "bob")
    one, same, later = (linked_names(known, PERSONS, time, "e") for time in (NOON, NOON + HOUR_MS - 1, NOON + HOUR_MS))
    assert one == same
    assert len(one) == 2
    assert not {link.uid for link in one} & {link.uid for link in later}
    assert [link.uid for link in one] == sorted(link.uid for link in one)


def test_no_table_knows_nobody() -> None:
    assert persons_of(()) is NOBODY
