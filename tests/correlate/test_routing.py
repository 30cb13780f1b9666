"""Group keys, copies and links: which keys a signal is sent to, and that no hostile text makes two groups one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.entity import EntityKey
from models.finding import Signal, group_entities
from streams.correlate.routing import EVERYTHING, MAX_COPIES, Router, group_keys
from tests.correlate.build import signal, spec

HOST = spec("temporal", "ab", group_by=("entity.host",))
HOST_AND_USER = spec("temporal", "ab", group_by=("entity.host", "entity.user"), uid="pair")
BY_FIELD = spec("event_count", "a", group_by=("user",), count=2, uid="field")
ALIASED = spec(
    "value_count",
    "ab",
    group_by=("who", "entity.ip"),
    fields=("port",),
    aliases={"who": {"a": "TargetUserName", "b": "user.name"}},
    uid="aliased",
)
EVERY = spec("event_count", "a", group_by=(), count=2, uid="every")


def hosts(number: int, kind: str = "host") -> list[str]:
    return [f"{kind}:n{index:02}" for index in range(number)]


IP = EntityKey("ip", "192.0.2.1")


def test_a_group_is_every_entity_of_the_type():
    assert group_keys(HOST, signal("a", 0, "host:h1", "user:u", "host:h2")) == {"host:h1", "host:h2"}


def test_several_group_by_fields_combine_every_entity_with_every_other():
    keys = group_keys(HOST_AND_USER, signal("a", 0, "host:h1", "host:h2", "user:u1", "user:u2"))
    assert keys == {f"host:{h}|user:{u}" for h in ("h1", "h2") for u in ("u1", "u2")}


def test_a_field_stands_with_its_name_and_value():
    assert group_keys(BY_FIELD, signal("a", 0, fields={"user": "bob"})) == {"user=bob"}
    assert group_keys(BY_FIELD, signal("a", 0, fields={"user": ""})) == {"user="}


def test_aliases_make_different_fields_one_group():
    a = signal("a", 0, "ip:192.0.2.1", fields={"TargetUserName": "bob", "user.name": "other"})
    b = signal("b", 0, "ip:192.0.2.1", fields={"user.name": "bob"})
    assert group_keys(ALIASED, a) == group_keys(ALIASED, b) == {"who=bob|ip:192.0.2.1"}


@pytest.mark.parametrize(
    ("rule", "bare"),
    [
        (HOST, signal("a", 0, "user:u")),
        (HOST_AND_USER, signal("a", 0, "host:h1")),
        (BY_FIELD, signal("a", 0, "host:h1", fields={"User": "bob"})),
        (ALIASED, signal("b", 0, "ip:192.0.2.1", fields={"TargetUserName": "bob"})),
    ],
)
def test_a_signal_without_a_group_by_value_is_in_no_group(rule, bare):
    assert group_keys(rule, bare) == set()


def test_no_group_by_is_one_group_for_everything():
    assert group_keys(EVERY, signal("a", 0)) == group_keys(EVERY, signal("a", 0, "host:h1")) == {EVERYTHING}


def test_a_signal_goes_once_to_each_distinct_key_of_all_correlations():
    router = Router([HOST, replace(HOST, analytic=BY_FIELD.analytic), BY_FIELD, EVERY])
    routes = router.routes(signal("a", 0, "host:h1", fields={"user": "bob"}))
    assert routes.keys == (EVERYTHING, "host:h1", "user=bob")
    assert routes.dropped == 0


def test_only_correlations_that_name_the_rule_ask_for_its_signals():
    router = Router([HOST, BY_FIELD])
    assert router.wanted_by("a") == (HOST, BY_FIELD)
    assert router.wanted_by("b") == (HOST,)
    assert router.wanted_by("z") == ()
    assert router.routes(signal("b", 0, "host:h1", fields={"user": "bob"})).keys == ("host:h1",)


def test_a_signal_waits_at_every_entity_it_names_when_a_correlation_groups_by_entities():
    assert Router([HOST]).routes(signal("a", 0, "ip:192.0.2.1", "user:u")).keys == ("ip:192.0.2.1", "user:u")
    assert Router([BY_FIELD]).routes(signal("a", 0, "ip:192.0.2.1", fields={"user": "u"})).keys == ("user=u",)


def test_a_signal_nobody_asks_for_goes_out_once():
    assert Router([HOST]).routes(signal("z", 0, "user:u", "host:h1")).keys == ("user:u",)
    assert Router([HOST]).routes(signal("z", 0)).keys == (EVERYTHING,)


def test_the_fields_a_signal_must_carry_are_those_of_all_correlations():
    router = Router([HOST, BY_FIELD, ALIASED])
    assert router.fields_wanted("a") == {"user", "TargetUserName", "port"}
    assert router.fields_wanted("b") == {"user.name", "port"}
    assert router.fields_wanted("z") == frozenset()


def test_copies_are_bounded_and_what_is_cut_is_counted():
    for number, cut in ((MAX_COPIES, 0), (MAX_COPIES + 1, 1), (100, 84)):
        routes = Router([BY_FIELD, HOST]).routes(signal("b", 0, *hosts(number)))
        assert (len(routes.keys), routes.dropped) == (MAX_COPIES, cut)


def test_combinations_beyond_the_bound_are_counted_too_and_never_listed():
    many = signal("b", 0, *hosts(300), *hosts(300, "user"))
    routes = Router([HOST_AND_USER]).routes(many)
    combinations, waiting = 300 * 300, 600
    assert (len(routes.keys), routes.dropped) == (MAX_COPIES, combinations + waiting - MAX_COPIES)


def test_two_correlations_of_one_group_cut_it_once():
    again = replace(HOST, analytic=BY_FIELD.analytic)
    assert Router([HOST, again]).routes(signal("b", 0, *hosts(20))).dropped == 4


def test_entities_in_plenty_do_not_push_a_group_out():
    crowded = signal("b", 0, *hosts(50, "account"), "host:victim")
    assert "host:victim" in Router([HOST]).routes(crowded).keys


def test_the_copy_over_a_link_reaches_the_groups_of_the_other_end_only():
    router = Router([HOST, HOST_AND_USER])
    here = signal("a", 0, "ip:192.0.2.1", "host:h1", "user:u1")
    copy, keys = router.over_link(here, EntityKey("host", "h2"), IP)
    assert keys == ("host:h2", "host:h2|user:u1")
    assert copy == replace(here, via=(EntityKey("host", "h2"), IP))


def test_a_copy_travels_one_link_only_and_never_to_what_the_signal_names():
    router = Router([HOST])
    here = signal("a", 0, "ip:192.0.2.1", "host:h1")
    copy, _ = router.over_link(here, EntityKey("host", "h2"), IP)
    assert router.over_link(copy, EntityKey("host", "h3"), IP) == (copy, ())
    assert router.over_link(here, EntityKey("host", "h1"), IP) == (here, ())


def test_a_link_to_an_entity_nobody_groups_by_sends_nothing():
    assert Router([HOST]).over_link(signal("a", 0, "ip:192.0.2.1"), EntityKey("user", "u"), IP)[1] == ()


def test_copies_over_a_link_are_bounded():
    here = signal("a", 0, *hosts(40, "user"))
    assert len(Router([HOST_AND_USER]).over_link(here, EntityKey("host", "h"), IP)[1]) == MAX_COPIES


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("host:a", "user:b|user:c"), ("host:a|user:b", "user:c")),
        (("host:a%7Cuser:b", "user:c"), ("host:a|user:b", "user:c")),
        (("host:a\\", "user:c"), ("host:a\\|user:c", "user:c")),
    ],
)
def test_entities_with_separators_do_not_collide(left, right):
    keys = [group_keys(HOST_AND_USER, signal("a", 0, *entities)) for entities in (left, right)]
    assert keys[0].isdisjoint(keys[1])


def test_a_value_cannot_pass_for_an_entity_of_the_group():
    (key,) = group_keys(BY_FIELD, signal("a", 0, fields={"user": "x|host:dc01|ip:192.0.2.1"}))
    assert group_entities(key) == ()


def test_a_sequence_names_the_entities_of_its_group_as_they_are():
    names = ("host:100%|a", "user:idp|alice%7C%25%")
    (key,) = group_keys(HOST_AND_USER, signal("a", 0, *names))
    assert tuple(str(entity) for entity in group_entities(key)) == names


hostile = st.text(st.sampled_from("ab|%7C25\\=:*") | st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
TWO_FIELDS = spec("event_count", "a", group_by=("x", "entity.user", "y"), count=2, uid="two")


def grouped(x: str, user: str, y: str) -> Signal:
    return signal("a", 0, f"user:{user}", fields={"x": x, "y": y})


@settings(max_examples=300)
@given(st.tuples(hostile, hostile, hostile), st.tuples(hostile, hostile, hostile))
def test_groups_are_the_same_only_when_all_their_values_are(one, other):
    assert (group_keys(TWO_FIELDS, grouped(*one)) == group_keys(TWO_FIELDS, grouped(*other))) is (one == other)


@given(hostile, hostile, hostile)
def test_the_entities_of_a_group_are_read_back_whatever_stands_in_it(x, user, y):
    (key,) = group_keys(TWO_FIELDS, grouped(x, user, y))
    assert group_entities(key) == (EntityKey("user", user),)
