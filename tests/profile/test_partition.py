"""However input is ordered, cut, repeated and killed over, the same anomalies are told, and the same is learned."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from models.feature import Delta
from streams.profile.outputs import Late
from streams.profile.settings import ProfileSettings
from streams.profile.stored import decode_entity
from tests.profile.lives import DELAYS, arrival, chance_of, life
from tests.profile.made import DAY, MINUTE, Cluster, of_type, tick

EAGER = ProfileSettings(rate=0.3, budget=1000, warmup_days=1, partitions=2)


def played(deltas: list[Delta], chance: Random, *, batch: int = 50, most: int = 10**9, crashes: int = 0) -> Cluster:
    """Bring deltas in batches, the ticks that they allow after each, with so many kills on the way."""
    cluster, coming, front = Cluster(EAGER), arrival(deltas, chance), dict.fromkeys(DELAYS, 0)
    cluster.ticks(*(tick(source, 0) for source in DELAYS))
    while coming:
        some, coming = coming[:batch], coming[batch:]
        cluster.deltas(some)
        for one in some:
            front[one.source] = max(front[one.source], one.minute - MINUTE - DELAYS[one.source])
        now = max(front.values()) + max(DELAYS.values())
        cluster.ticks(*(tick(source, at, now) for source, at in front.items()))
        if crashes and chance.random() < 0.3:
            crashes -= 1
            cluster.crash(chance.randrange(2), chance.randint(1, 5), chance.randrange(6))
        cluster.run(most, chance)
    cluster.ticks(*(tick(source, 4 * DAY) for source in DELAYS))
    return cluster.run(most, chance)


def learned(cluster: Cluster) -> dict[bytes, object]:
    """Return what was learned, without the offsets of the messages that it came in."""
    found: dict[bytes, object] = {}
    for stored in cluster.stored:
        for key, data in stored.items():
            if key.startswith((b"user:", b"host:")):
                entity = decode_entity(data)
                found[key] = entity.learned, entity.travel, entity.open, entity.waiting
            elif not key.startswith((b"\x00progress", b"\x00watermarks")):
                found[key] = data
    return found


@settings(max_examples=12)
@given(st.integers(0, 2**32), st.integers(1, 120), st.integers(1, 6))
def test_neither_order_nor_cut_shows(seed: int, batch: int, most: int) -> None:
    deltas = life(5)
    plain = played(deltas, chance_of(0))
    other = played(deltas, chance_of(seed), batch=batch, most=most)
    assert len(plain.signals) > 5
    assert other.signals == plain.signals
    assert learned(other) == learned(plain)
    assert not list(of_type(other.log, Late))


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_whoever_is_killed_loses_nothing_and_learns_nothing_twice(seed: int) -> None:
    deltas, chance = life(6), chance_of(seed)
    plain = played(deltas, chance_of(1), batch=60)
    killed = played(deltas, chance, batch=chance.randint(20, 150), most=chance.randint(1, 6), crashes=8)
    assert killed.signals == plain.signals
    assert learned(killed) == learned(plain)


def test_an_event_counted_twice_would_show() -> None:
    """What the tests above rest on: the states tell one delta more."""
    deltas = life(5)
    assert learned(played([*deltas, deltas[0]], chance_of(0))) != learned(played(deltas, chance_of(0)))
