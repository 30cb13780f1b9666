"""The benchmark of links on a small company: it finds who is who, and notices when links are missing or carry all."""

from __future__ import annotations

import pytest

from tests.benchmarks.linked_people import Company
from tests.benchmarks.links import Score, held, memory_per_million, observe, score, without


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(400)


def test_links_tell_who_is_who(company: Company) -> None:
    found = score(company, held(link for link, _ in observe(company).values()))
    assert found.precision > 0.99
    assert found.recall > 0.95


def test_without_a_limit_shared_things_make_everybody_one(company: Company) -> None:
    found = score(company, held((link for link, _ in observe(company).values()), 10_000))
    assert found.precision < 0.9


@pytest.mark.parametrize("name", ["authentication", "endpoints", "kubernetes", "sessions"])
def test_every_observer_is_missed(company: Company, name: str) -> None:
    links = observe(company)
    whole = score(company, held(link for link, _ in links.values()))
    assert score(company, held(without(links, name))).recall < whole.recall


def test_figures_are_what_they_say() -> None:
    assert (Score(8, 2, 8).precision, Score(8, 2, 8).recall) == (0.8, 0.5)
    assert Score(8, 2, 8).f1 == pytest.approx(2 * 0.8 * 0.5 / 1.3)
    assert memory_per_million(500).keys() == {"values_mb", "states_mb", "states"}
