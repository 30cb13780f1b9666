"""The catalog and what reads events agree on what there is."""

from __future__ import annotations

import pytest

from models.ocsf import DOMAINS
from streams.features.catalog import CATALOG, Feature
from tests.features.build import folded
from tests.features.everything import everything


def test_every_feature_of_the_catalog_is_read_from_some_event() -> None:
    found: dict[str, str] = {}
    for delta in folded(everything()):
        found |= dict.fromkeys(delta.counts, "count") | dict.fromkeys(delta.values, "value")
        found |= dict.fromkeys(delta.distinct, "distinct") | dict.fromkeys(delta.peaks, "peak")
        found |= {"place": "point"} if delta.points else {}
    assert found == {name: feature.kind for name, feature in CATALOG.items()}


@pytest.mark.parametrize("feature", CATALOG.values(), ids=CATALOG)
def test_every_feature_has_words_for_people(feature: Feature) -> None:
    assert feature.words
    assert feature.words.strip() == feature.words
    assert feature.domain in DOMAINS
    assert bool(feature.unit) <= (feature.kind in {"count", "peak"})
    assert (feature.kind == "peak") <= bool(feature.unit)


def test_no_two_features_have_the_same_words() -> None:
    assert len({feature.words for feature in CATALOG.values()}) == len(CATALOG)
