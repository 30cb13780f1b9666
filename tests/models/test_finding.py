from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ocsf
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.finding import Sequence, SequenceClosed, Signal, group_entities
from models.finding_ocsf import (
    sequence_closed_to_ocsf,
    sequence_from_ocsf,
    sequence_to_ocsf,
    signal_from_ocsf,
    signal_to_ocsf,
)
from models.ocsf_schema import validate
from tests.models import strategies as given_


def over_the_wire(record):
    return ocsf.decode(ocsf.encode(record))


@given(given_.signals)
def test_a_signal_is_valid_ocsf_and_comes_back_the_same(signal: Signal) -> None:
    record = over_the_wire(signal_to_ocsf(signal))
    assert validate(record) == []
    assert signal_from_ocsf(record) == signal


@given(given_.sequences)
def test_a_sequence_is_valid_ocsf_and_comes_back_the_same(sequence: Sequence) -> None:
    record = over_the_wire(sequence_to_ocsf(sequence))
    assert validate(record) == []
    assert sequence_from_ocsf(record) == sequence


@given(given_.withdrawals)
def test_a_withdrawal_is_valid_ocsf_and_comes_back_the_same(closed: SequenceClosed) -> None:
    record = over_the_wire(sequence_closed_to_ocsf(closed))
    assert validate(record) == []
    assert sequence_from_ocsf(record) == closed


@given(given_.damaged(given_.signals.map(signal_to_ocsf)))
def test_a_damaged_signal_is_refused_or_is_well_typed(record: dict[str, object]) -> None:
    try:
        signal = signal_from_ocsf(record)
    except InvalidRecord:
        return
    assert ocsf.encode(signal_to_ocsf(signal))
    assert sorted([signal.time, 0]) + sorted([signal.uid, ""])
    assert all(isinstance(part, str) for pair in signal.matched for part in pair)


@given(given_.damaged(given_.sequences.map(sequence_to_ocsf)))
def test_a_damaged_sequence_is_refused_or_is_well_typed(record: dict[str, object]) -> None:
    try:
        sequence = sequence_from_ocsf(record)
    except InvalidRecord:
        return
    render = sequence_closed_to_ocsf if isinstance(sequence, SequenceClosed) else sequence_to_ocsf
    assert ocsf.encode(render(sequence))


@given(given_.json_values)
def test_no_json_value_raises_anything_but_invalid_record(value: object) -> None:
    for read in (signal_from_ocsf, sequence_from_ocsf):
        with pytest.raises(InvalidRecord):
            read(value)


def test_deep_nesting_where_a_string_belongs_is_refused() -> None:
    deep = orjson.loads(b"[" * 900 + b"]" * 900)
    with pytest.raises(InvalidRecord):
        sequence_from_ocsf({"activity_id": 1, "finding_info": deep, "unmapped": {"braid": deep}})


@pytest.mark.parametrize(
    ("group", "entities"),
    [
        ("host:web01", (EntityKey("host", "web01"),)),
        ("user:alice|host:web01", (EntityKey("user", "alice"), EntityKey("host", "web01"))),
        ("EventID=4625|ip:192.0.2.7", (EntityKey("ip", "192.0.2.7"),)),
        ("*", ()),
        ("host:", ()),
    ],
)
def test_the_entities_of_a_group_are_its_parts_that_name_one(group: str, entities: tuple[EntityKey, ...]) -> None:
    assert group_entities(group) == entities


@given(given_.signals, st.sampled_from(["selection", {"a": 1}, None, [1], 7]))
def test_selections_that_are_no_list_of_texts_are_refused(signal: Signal, selections: object) -> None:
    record = signal_to_ocsf(signal)
    record["unmapped"]["braid"]["selections"] = selections
    with pytest.raises(InvalidRecord):
        signal_from_ocsf(record)
