"""Whatever stands in an event, nothing raises, and what is counted can be written, read and bounded."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given

from models.event import Event
from models.feature import MAX_TEXT, decode
from streams.features.folding import Counting, envelopes
from tests.features.build import event
from tests.features.everything import everything
from tests.features.test_texts import ANY
from tests.sources.fuzz import WRONG, spoil

HOSTILE: tuple[Any, ...] = (
    *(*WRONG, float("nan"), float("inf"), 10**400, -(10**400)),
    *("\ud800", "a\udfff.example.com", "\x00", "\u202e", "é" * 5000, "a." * 50_000, "/" * 50_000, "\\" * 50_000),
    *([["\ud800"]], [{"value": []}], {"\ud800": 1}, {"user": {"name": []}}),
)
ENDS = {"src_endpoint": {"ip": "10.0.0.1"}, "dst_endpoint": {"ip": "198.51.100.9"}}


def check(*events: Event) -> None:
    """Count events; fail where anything raises, cannot be written, or is larger than it may be."""
    counting = Counting()
    for one in events:
        counting.add(one)
    deltas = counting.deltas()
    back = [delta for _, value in envelopes(deltas, 3) for delta in decode(value)]
    assert sorted(back, key=lambda delta: delta.key) == list(deltas)
    for delta in deltas:
        assert all(len(text) <= MAX_TEXT for tallies in delta.values.values() for text in tallies)
        assert all(len(peak.text) <= MAX_TEXT for peak in delta.peaks.values())
        assert len(delta.peers) <= MAX_TEXT
        assert len(delta.entity) < 300


def parts(value: Any) -> list[tuple[Any, Any]]:
    """Return every part of a JSON value: what holds it, and under which name."""
    names = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [found for name in names for found in ((value, name), *parts(value[name]))]


@pytest.mark.parametrize("good", everything(), ids=lambda one: f"{one.class_uid}-{one.ocsf['activity_id']}")
def test_every_part_of_an_event_may_be_anything(good: Event) -> None:
    for number in range(len(parts(good.ocsf))):
        for wrong in HOSTILE:
            body = copy.deepcopy(good.ocsf)
            holder, name = parts(body)[number]
            if name != "class_uid":
                holder[name] = wrong
            check(_with(good, body))


def test_several_parts_of_an_event_may_be_anything() -> None:
    dice = random.Random(7)  # noqa: S311  # the same mutations each time, nothing secret
    good = everything()
    for run in range(3_000):
        one = good[run % len(good)]
        check(_with(one, spoil(one.ocsf, dice) | {"class_uid": one.class_uid}))


def _with(one: Event, body: dict[str, Any]) -> Event:
    return Event(one.uid, one.time, one.source, one.logsource, {}, body, one.at, one.sha256)


@given(ANY, ANY)
def test_any_text_can_be_a_name_and_a_value(name: str, value: str) -> None:
    check(
        event(3002, 1, user={"name": name}, service={"name": value}, device={"hostname": name}),
        event(4003, 1, query={"hostname": name, "type": value}, src_endpoint={"ip": "10.0.0.1"}),
        event(1007, 1, device={"hostname": "ws-1"}, process={"name": name, "cmd_line": value}),
        event(6003, 1, actor={"user": {"name": name}}, api={"operation": value, "service": {"name": name}}),
        event(4002, 1, http_request={"user_agent": value, "url": {"hostname": name}}, **ENDS),
    )


def test_names_of_entities_that_differ_far_behind_are_told_apart() -> None:
    counting = Counting()
    for end in "ab":
        counting.add(event(3002, 1, user={"name": "x" * 5000 + end}))
    assert len(counting) == 2


def test_sums_that_no_number_holds_are_bounded() -> None:
    most = {"bytes_out": 2**63 - 1, "bytes_in": 2**63, "packets_out": 2**64}
    check(*(event(4001, 6, at=at, traffic=most, **ENDS) for at in range(5)))


def test_very_many_parts_are_looked_at_in_part() -> None:
    many = [{"type_id": 1, "value": str(number)} for number in range(5_000)]
    check(
        event(4001, 6, ja4_fingerprint_list=many, **ENDS),
        event(6003, 1, actor={"user": {"name": "alice"}}, api={"operation": "x"}, resources=[{"uid": "x"}] * 5_000),
        event(3003, 1, user={"name": "alice"}, privileges=[str(number) for number in range(5_000)]),
        event(3002, 1, user={"name": "alice"}, enrichments=[{"data": {"user": {"peer_group": []}}}] * 5_000),
    )
