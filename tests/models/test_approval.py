"""Decisions and corrections, as they stand on their topics."""

from __future__ import annotations

from dataclasses import asdict, replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.approval import APPROVE, Approval, approval_from_json, approval_to_json
from models.canonical import canonical
from models.errors import InvalidRecord
from models.feedback import Feedback, feedback_from_json, feedback_to_json

APPROVAL = Approval("a" * 32, 1, APPROVE, "bob", "Seen.", 1_750_000_000_000, "0" * 32, "sig")
FEEDBACK = Feedback("a" * 32, 3, 0, 1, "bob", "A test.", 1_750_000_000_000)


def test_both_come_back_as_they_went() -> None:
    assert approval_from_json(approval_to_json(APPROVAL)) == APPROVAL
    assert feedback_from_json(feedback_to_json(FEEDBACK)) == FEEDBACK


@pytest.mark.parametrize(
    "change",
    [
        {"action_uid": "A" * 32},
        {"action_uid": "a" * 31},
        {"action_uid": "a" * 32 + "\n"},
        {"action_revision": -1},
        {"decision": "Approve"},
        {"by": ""},
        {"by": "b" * 129},
        {"reason": " "},
        {"reason": "x" * 1001},
        {"time": -1},
        {"time": 2**54},
        {"nonce": "0" * 31},
        {"signature": "x" * 129},
    ],
)
def test_what_cannot_be_an_approval_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidRecord, match=next(iter(change))):
        replace(APPROVAL, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"verdict_uid": "x"},
        {"sequence_revision": -1},
        {"verdict_revision": -1},
        {"verdict_id": 11},
        {"by": ""},
        {"reason": ""},
        {"time": -1},
        {"signature": "x" * 129},
    ],
)
def test_what_cannot_be_a_correction_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidRecord, match=next(iter(change))):
        replace(FEEDBACK, **change)


@given(st.sampled_from(sorted(asdict(APPROVAL))), st.none() | st.booleans() | st.integers() | st.text(max_size=5))
def test_a_field_of_another_kind_is_refused_or_the_same_record(name: str, value: object) -> None:
    try:
        found = approval_from_json(orjson.dumps(asdict(APPROVAL) | {name: value}, option=orjson.OPT_SORT_KEYS))
    except (InvalidRecord, TypeError):
        return
    assert getattr(found, name) == value


def test_more_than_there_is_or_less_is_refused() -> None:
    for record in (asdict(APPROVAL) | {"role": "lead"}, {"by": "bob"}):
        with pytest.raises(InvalidRecord):
            approval_from_json(canonical(record))


@given(st.binary(max_size=100))
def test_any_bytes_are_refused(data: bytes) -> None:
    for read in (approval_from_json, feedback_from_json):
        with pytest.raises(InvalidRecord):
            read(data)


@pytest.mark.parametrize("name", sorted(set(asdict(APPROVAL)) - {"signature"}))
def test_all_of_a_decision_is_signed(name: str) -> None:
    others = {"action_uid": "b" * 32, "decision": "deny", "nonce": "1" * 32, "by": "carol", "reason": "No."}
    other = replace(APPROVAL, **{name: others.get(name, 7)})
    assert other.content != APPROVAL.content
    assert replace(APPROVAL, signature="").content == APPROVAL.content


@pytest.mark.parametrize("name", sorted(set(asdict(FEEDBACK)) - {"signature"}))
def test_all_of_a_correction_is_signed(name: str) -> None:
    others = {"verdict_uid": "b" * 32, "by": "carol", "reason": "No."}
    assert replace(FEEDBACK, **{name: others.get(name, 7)}).content != FEEDBACK.content
