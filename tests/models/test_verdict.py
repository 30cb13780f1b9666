from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ocsf
from models.errors import InvalidRecord
from models.fact import Fact
from models.finding import SequenceClosed
from models.ocsf_schema import validate
from models.records import Coordinates
from models.uids import verdict_uid
from models.verdict import Claim, Evidence, Verdict, VerdictClosed, close_verdict
from models.verdict_ocsf import verdict_closed_to_ocsf, verdict_from_ocsf, verdict_to_ocsf
from tests.models import strategies as given_


def over_the_wire(record):
    return ocsf.decode(ocsf.encode(record))


@given(given_.verdicts)
def test_a_verdict_is_valid_ocsf_and_comes_back_the_same(verdict: Verdict) -> None:
    record = over_the_wire(verdict_to_ocsf(verdict))
    assert validate(record) == []
    assert verdict_from_ocsf(record) == verdict


@given(given_.withdrawals)
def test_a_verdict_follows_its_withdrawn_sequence(sequence: SequenceClosed) -> None:
    closed = close_verdict(sequence)
    record = over_the_wire(verdict_closed_to_ocsf(closed))
    assert validate(record) == []
    assert verdict_from_ocsf(record) == closed
    assert closed.uid == verdict_uid(sequence.uid)
    assert closed.replaced_by == (verdict_uid(sequence.replaced_by) if sequence.replaced_by else "")
    assert record["activity_id"] == 3


@given(given_.damaged(given_.verdicts.map(verdict_to_ocsf)))
def test_a_damaged_verdict_is_refused_or_is_well_typed(record: dict[str, object]) -> None:
    try:
        verdict = verdict_from_ocsf(record)
    except InvalidRecord:
        return
    render = verdict_closed_to_ocsf if isinstance(verdict, VerdictClosed) else verdict_to_ocsf
    assert ocsf.encode(render(verdict))


@given(given_.json_values)
def test_no_json_value_raises_anything_but_invalid_record(value: object) -> None:
    with pytest.raises(InvalidRecord):
        verdict_from_ocsf(value)


@given(given_.verdicts)
def test_a_verdict_under_another_uid_is_refused(verdict: Verdict) -> None:
    record = verdict_to_ocsf(verdict)
    record["metadata"]["uid"] = "0" * 32
    with pytest.raises(InvalidRecord, match=r"metadata\.uid"):
        verdict_from_ocsf(record)


@given(given_.verdicts, given_.facts, st.sampled_from(["value", "provider", "created_time"]))
def test_a_fact_that_was_changed_on_the_way_is_refused(verdict: Verdict, fact: Fact, name: str) -> None:
    record = over_the_wire(verdict_to_ocsf(replace(verdict, facts=(fact,))))
    told = record["enrichments"][0][name]
    record["enrichments"][0][name] = told + 1 if isinstance(told, int) else f"{told}x"
    with pytest.raises(InvalidRecord, match="not the hash of this fact"):
        verdict_from_ocsf(record)


@pytest.mark.parametrize("score", [-1, 101])
def test_a_fact_off_its_scale_cannot_be_made(score: int) -> None:
    with pytest.raises(InvalidRecord, match="score"):
        Fact("abuseipdb", "address", "198.51.100.7", 0, score)


@given(given_.verdicts)
def test_the_assignee_group_is_configurable(verdict: Verdict) -> None:
    assert verdict_to_ocsf(verdict)["assignee_group"] == {"name": "soc"}
    assert verdict_to_ocsf(verdict, "tier-2")["assignee_group"] == {"name": "tier-2"}


def test_what_rests_on_nothing_cannot_be_made() -> None:
    with pytest.raises(InvalidRecord, match="cites no evidence"):
        Claim("the sky is falling", ())
    with pytest.raises(InvalidRecord, match="SHA-256"):
        Evidence("event", "e", 0, Coordinates("raw.zeek", 0, 1), "abc")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("verdict_id", 0),
        ("verdict_id", 11),
        ("confidence", 101),
        ("confidence", -1),
        ("severity_id", 6),
        ("priority_id", 0),
    ],
)
@given(verdict=given_.verdicts)
def test_a_verdict_off_its_scales_cannot_be_made(name: str, value: int, verdict: Verdict) -> None:
    with pytest.raises(InvalidRecord, match=name):
        replace(verdict, **{name: value})
