"""The benchmark of the anomaly models runs, leaves none out, and a quiet entity is as small as was promised."""

from __future__ import annotations

from tests.benchmarks.anomaly import MODELS, run, tables


def test_every_model_is_measured_and_a_quiet_entity_is_small() -> None:
    figures = run(1, rounds=1)
    assert figures["models"].keys() == MODELS.keys()
    assert all(measured["bytes"] > 0 and "encode_us" in measured for measured in figures["models"].values())
    assert figures["quiet_entity_bytes"] < 600
    assert sum(figures["quiet_entity_by_model"].values()) < 650
    told, quiet = tables(figures)
    assert told.row_count == len(MODELS)
    assert quiet.row_count == len(figures["quiet_entity_by_model"]) + 1
