"""What must hold of signals and links whatever the order, the time and the workers: the oracle's answer."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from models.entity import EntityLink
from models.finding import Signal
from streams.correlate.engine import Correlator
from tests.correlate.build import HOUR, MINUTE, START
from tests.correlate.cluster import Cluster
from tests.correlate.drive import Driver, late_by
from tests.correlate.oracle import sequences
from tests.correlate.test_properties import standing

Held = Sequence[Signal]
Linked = Sequence[EntityLink]


def expected_of(correlator: Correlator, held: Held, linked: Linked) -> set[tuple[str, str, str]]:
    return sequences(list(correlator.specs), list(held), list(linked), correlator.link_fanout)


def check_any_order(correlator: Correlator, held: Held, linked: Linked, chance: Random) -> None:
    """Everything twice, in two orders."""
    items = [*held, *linked] * 2
    expected = expected_of(correlator, held, linked)
    outcomes = []
    for _ in range(2):
        chance.shuffle(items)
        driver = Driver(correlator).feed(items).pass_time(START + 100 * HOUR)
        assert standing(driver) == expected
        outcomes.append(driver.standing)
    assert outcomes[0] == outcomes[1]


def check_on_time(correlator: Correlator, held: Held, linked: Linked, delay: int, chance: Random) -> None:
    """Each up to `delay` minutes behind, with watermarks, and crashes between."""
    driver = Driver(correlator)
    for item, watermark in late_by([*held, *linked], delay * MINUTE, chance):
        driver.feed([item], watermark)
        if chance.random() < 0.3:
            driver.tick(watermark).crash()
    assert not driver.late
    driver.pass_time(START + 100 * HOUR)
    assert standing(driver) == expected_of(correlator, held, linked)
    assert all(state.empty for state in driver.states.values())


def check_workers(correlator: Correlator, held: Held, linked: Linked, kills: int, seed: int) -> None:
    """Several partitions and workers, some of which are killed."""
    chance = Random(seed)  # noqa: S311  # a test has to be repeatable, not secret
    cluster = Cluster(correlator, chance, kills=kills)
    items = [*held, *linked]
    chance.shuffle(items)
    for item in items:
        cluster.send(item)
    cluster.pass_time(START + 100 * HOUR)
    assert standing(cluster) == expected_of(correlator, held, linked)
    assert cluster.is_empty
