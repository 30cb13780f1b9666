from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.grounding import calibration
from agents.grounding.calibration import (
    CAP,
    ENOUGH,
    NO_LABELS,
    Label,
    Labels,
    labels_from_json,
    labels_of,
    labels_to_json,
    lower_bound,
    with_label,
)
from models.errors import InvalidRecord
from models.verdict import BENIGN, FALSE_POSITIVE, SUSPICIOUS, TRUE_POSITIVE


def label(
    uid: int, *, right: bool, raw: int = 88, time: int = 0, rule: str = "r", verdict: int = TRUE_POSITIVE
) -> Label:
    return Label(f"v{uid}", time or uid, raw, verdict, verdict if right else FALSE_POSITIVE, rule, "host:web01")


def of(right: int, wrong: int, **other: Any) -> Labels:
    return labels_of(label(uid, right=uid >= wrong, **other) for uid in range(right + wrong))


def confidence(labels: Labels, raw: int, rule: str = "r", verdict: int = TRUE_POSITIVE) -> int:
    return labels.calibrated(raw, verdict, rule).confidence


@given(st.integers(0, 100))
def test_without_labels_the_raw_confidence_stands_up_to_the_cap(raw: int) -> None:
    assert abs(confidence(NO_LABELS, raw) - min(raw, CAP)) <= 1
    assert "no analyst" in NO_LABELS.calibrated(raw, TRUE_POSITIVE, "r").words


def test_above_ninety_needs_enough_labels_that_confirm() -> None:
    assert confidence(of(60, 1), 95) == 92
    assert of(60, 1).calibrated(95, TRUE_POSITIVE, "r").words.startswith("60 of 61 such verdicts")
    assert confidence(of(ENOUGH, 0), 95) == 90
    assert confidence(of(ENOUGH - 1, 0), 95) == CAP
    assert confidence(of(200, 0), 99) > 95


def test_labels_of_another_rule_or_kind_lift_no_cap() -> None:
    assert confidence(of(200, 0), 95, rule="other") == CAP
    assert confidence(of(200, 0), 95, verdict=SUSPICIOUS) == CAP
    assert "of other rules" in of(200, 0).calibrated(95, TRUE_POSITIVE, "other").words


def test_corrections_lower_confidence_of_the_rule_and_less_so_of_others() -> None:
    wrong = of(0, 60, raw=85)
    assert confidence(wrong, 85) < confidence(wrong, 85, rule="other") < 50
    assert confidence(wrong, 85, verdict=SUSPICIOUS) == CAP


@given(
    st.lists(
        st.tuples(st.integers(0, 100), st.booleans(), st.sampled_from(["r", "q"])),
        max_size=80,
    )
)
def test_confidence_never_falls_as_raw_confidence_rises(drawn: list[tuple[int, bool, str]]) -> None:
    labels = labels_of(label(uid, right=right, raw=raw, rule=rule) for uid, (raw, right, rule) in enumerate(drawn))
    for rule in ("r", "q", "none"):
        found = [confidence(labels, raw, rule) for raw in range(0, 101, 5)]
        assert found == sorted(found)
        assert all(0 <= one <= 100 for one in found)


@given(st.integers(0, 60), st.integers(0, 60))
def test_one_more_confirmation_never_lowers_and_one_more_correction_never_raises(right: int, wrong: int) -> None:
    labels = of(right, wrong)
    more = with_label(labels, label(9000, right=True, time=9000))
    less = with_label(labels, label(9000, right=False, time=9000))
    assert confidence(less, 88) <= confidence(labels, 88) <= confidence(more, 88)


def test_the_lower_bound_is_the_beta_quantile() -> None:
    assert lower_bound(0, 0) == pytest.approx(0.05, abs=1e-6)
    assert lower_bound(30, 30) == pytest.approx(0.05 ** (1 / 31), abs=1e-6)
    assert lower_bound(0, 10) == pytest.approx(1 - 0.95 ** (1 / 11), abs=1e-6)
    assert lower_bound(60, 61) < 60 / 61


def test_the_latest_label_of_a_verdict_counts_and_the_oldest_are_dropped() -> None:
    first, later = label(1, right=True, time=5), label(1, right=False, time=9)
    assert labels_of([later, first]).kept == (later,)
    many = labels_of(label(uid, right=True) for uid in range(calibration.MAX_LABELS + 3))
    assert (len(many.kept), many.dropped, many.kept[0].verdict_uid) == (calibration.MAX_LABELS, 3, "v3")


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(1, 9))))
def test_labels_are_the_same_in_any_order_and_after_a_round_trip(drawn: list[tuple[int, bool, int]]) -> None:
    made = [label(uid, right=right, time=time) for uid, right, time in drawn]
    assert labels_of(made) == labels_of(reversed(made))
    assert labels_from_json(labels_to_json(labels_of(made))) == labels_of(made)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"version": 2, "dropped": 0, "labels": []},
        {"version": 1, "dropped": 0, "labels": [7]},
        {"version": 1, "dropped": 0, "labels": [{}]},
        {"version": 1, "dropped": 0, "labels": [{**labels_to_json(of(1, 0))["labels"][0], "raw": 101}]},
        {"version": 1, "dropped": 0, "labels": [{**labels_to_json(of(1, 0))["labels"][0], "said_id": 77}]},
    ],
)
def test_what_are_no_labels_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecord):
        labels_from_json(broken)


def test_labels_on_one_group_are_found() -> None:
    labels = of(2, 0, verdict=BENIGN)
    assert len(labels.on("r", "host:web01")) == 2
    assert labels.on("r", "host:web02") == labels.on("q", "host:web01") == ()
