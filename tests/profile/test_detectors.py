"""The table of detectors holds together, and correlations can refer to it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ConfigError, InvalidRecord
from models.ocsf import DOMAINS
from streams.config import load_settings
from streams.correlate.engine import Correlator
from streams.features.catalog import CATALOG
from streams.profile import messages
from streams.profile.detectors import ANALYTICS, DETECTORS
from streams.rulebook import load_rulebook
from tests.correlate.build import HOUR, signal, spec
from tests.correlate.drive import Driver

RULE = """\
title: Two of them
id: 00000000-0000-4000-8000-0000000000aa
correlation:
  type: temporal
  rules: [anomaly_impossible_travel, NAME]
  group-by: [entity.user]
  timespan: 1h
"""


def test_every_detector_looks_at_features_there_are() -> None:
    assert all(CATALOG.keys() >= set(one.features) for one in DETECTORS.values())
    assert len({one.uid for one in ANALYTICS.values()}) == len(DETECTORS)
    assert {one.domain for one in DETECTORS.values()} == set(DOMAINS)


def test_no_feature_has_two_detectors_of_a_kind() -> None:
    seen = [(one.model, name) for one in DETECTORS.values() for name in one.features if one.model != "ratio"]
    assert len(set(seen)) == len(seen)


def test_a_correlation_refers_to_detectors_by_name(tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(RULE.replace("NAME", "anomaly_new_country"))
    book = load_rulebook([tmp_path]).sound()
    assert set(book.correlations[0].rules) == {
        ANALYTICS[name].uid for name in ("anomaly_impossible_travel", "anomaly_new_country")
    }


def test_one_that_there_is_not_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(RULE.replace("NAME", "anomaly_of_no_kind"))
    assert "anomaly_of_no_kind" in str(load_rulebook([tmp_path]).problems)


def test_a_setting_names_detectors_there_are() -> None:
    assert load_settings(anomaly_without="anomaly_beacon").anomaly_without == ("anomaly_beacon",)
    with pytest.raises(ConfigError, match="no such detector"):
        load_settings(anomaly_without="anomaly_of_no_kind")


@given(
    st.binary(max_size=60),
    st.sampled_from(["braid.features", "braid.peer-reports", "braid.profile-closed", "braid.tick", "x"]),
)
def test_any_record_is_one_of_features_or_refused(value: bytes, kind: str) -> None:
    with suppress(InvalidRecord):
        messages.read(value, [("ce_type", kind.encode())])


@pytest.mark.parametrize(("type_id", "late"), [(1, 1), (3, 0)])
def test_what_a_model_finds_behind_the_watermark_is_not_late(type_id: int, late: int) -> None:
    """It finds nothing before its minute is over."""
    found = signal("a", 0, "host:h1")
    found = replace(found, analytic=replace(found.analytic, type_id=type_id))
    driver = Driver(Correlator([spec("temporal", "ab")])).feed([found], found.time + HOUR)
    assert len(driver.late) == late
