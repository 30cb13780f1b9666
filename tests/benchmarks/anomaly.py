"""What every anomaly model costs: microseconds to score, to learn and to put away, and bytes for each entity.

`make bench-models`. All models run side by side on the same made entities, in turns, and the best
round of each counts: machines have moods. A quiet entity is a person who does little: its models together are weighed.
"""

from __future__ import annotations

import gc
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import click
from msgspec import Struct
from rich import box
from rich.console import Console
from rich.table import Table

from models.anomaly import baseline, beacon, budget, calibration, hours, peers, rarity, ratios, travel
from models.anomaly.base import HOUR_MS, decode, encode
from models.anomaly.baseline import Baseline
from models.anomaly.beacon import Beacons
from models.anomaly.budget import Budget, BudgetConfig
from models.anomaly.calibration import Calibration
from models.anomaly.cohort import Cohort, CohortConfig, Trees
from models.anomaly.hours import Hours
from models.anomaly.peers import PeerValues, Watched
from models.anomaly.rarity import Values
from models.anomaly.ratios import Ratio
from models.anomaly.travel import Place, Travel
from tests.models.anomaly import ordinary

DAYS = 60
ROUNDS = 5
REPEATED = 100
PRINTED = 120  # characters a line
START_MS = ordinary.START * HOUR_MS
FEATURES = ("logins", "failures", "applications", "bytes out", "bytes in", "destinations", "processes", "names")
COHORT = CohortConfig(FEATURES)
Step = tuple[str, Callable[[], Any], Struct]  # what to do, doing it, and the state that it is done to


def baselines(seed: int) -> Iterator[Step]:
    state = Baseline()
    for hour, amount in ordinary.hours(ordinary.person, DAYS, seed):
        before = state
        yield "score", lambda s=before, h=hour, a=amount: baseline.score(s, h, a), before
        yield "learn", lambda s=before, h=hour, a=amount: baseline.learn(s, h, a), before
        state, _ = baseline.learn(state, hour, amount)


def odd_hours(seed: int) -> Iterator[Step]:
    state = Hours()
    for hour, _ in ordinary.hours(ordinary.person, DAYS, seed):
        before = state
        yield "score", lambda s=before, h=hour: hours.score(s, h), before
        yield "learn", lambda s=before, h=hour: hours.learn(s, h), before
        state = hours.learn(state, hour)


def values(seed: int) -> Iterator[Step]:
    lot, state = random.Random(seed), Values()  # noqa: S311  # a benchmark has to be repeatable, not secret
    for day in range(20_000, 20_000 + DAYS):
        for number in range(8):
            name = rarity.name_of(f"{number if lot.random() < 0.95 else lot.random()}")
            before = state
            yield "score", lambda s=before, n=name, d=day: rarity.score(s, n, d), before
            yield "learn", lambda s=before, n=name, d=day: rarity.learn(s, n, d), before
            state, _ = rarity.learn(state, name, day)


def values_of_peers(seed: int) -> Iterator[Step]:
    lot, state, group = random.Random(seed), PeerValues(), Watched()  # noqa: S311  # as above
    for day in range(20_000, 20_000 + DAYS):
        for _ in range(8):
            name, member = rarity.name_of(str(round(lot.paretovariate(0.7)))), lot.getrandbits(64)
            before = state
            yield "score", lambda s=before, n=name, d=day, g=group: peers.score(s, n, d, g), before
            yield "learn", lambda s=before, n=name, m=member, d=day: peers.learn(s, n, m, d), before
            state, group = peers.learn(state, name, member, day), peers.watch(group, member, day)


def journeys(seed: int) -> Iterator[Step]:
    lot, state = random.Random(seed), Travel()  # noqa: S311  # as above
    for number in range(DAYS * 8):
        place = Place(START_MS + number * 3 * HOUR_MS, lot.choice((525_200, 515_074, 407_128)), 134_050, "DE")
        before = state
        yield "score and learn", lambda s=before, p=place: travel.step(s, p), before
        state, _ = travel.step(state, place)


def rhythms(seed: int) -> Iterator[Step]:
    lot, state = random.Random(seed), Beacons()  # noqa: S311  # as above
    for number in range(DAYS * 8):
        moment = START_MS + number * 60_000 + lot.randrange(5000)
        before = state
        yield "score and learn", lambda s=before, n=number % 3, t=moment: beacon.step(s, n, t), before
        state, _ = beacon.step(state, number % 3, moment)


def shares(seed: int) -> Iterator[Step]:
    lot, state = random.Random(seed), Ratio()  # noqa: S311  # as above
    for hour in range(ordinary.START, ordinary.START + DAYS * 10):
        part = lot.randrange(10)
        before = state
        yield "score", lambda s=before, h=hour, p=part: ratios.score(s, h, p, 300), before
        yield "learn", lambda s=before, h=hour, p=part: ratios.learn(s, h, p, 300), before
        state = ratios.learn(state, hour, part, 300)


def cohorts(seed: int) -> Iterator[Step]:
    lot, trees = random.Random(seed), Trees(Cohort(), COHORT)  # noqa: S311  # as above
    for number in range(600):
        row = {name: round(lot.lognormvariate(2, 1)) for name in FEATURES}
        state = trees.state
        if number % 20 == 0:
            yield "open and put away", lambda s=state: Trees(s, COHORT).state, state
        yield "score", lambda t=trees, r=row: t.score(r), state
        yield "learn", lambda t=trees, r=row, h=number: t.learn([r], h), state


def calibrations(seed: int) -> Iterator[Step]:
    lot, state = random.Random(seed), Calibration()  # noqa: S311  # as above
    for _ in range(100):
        batch = [lot.expovariate(2.3) for _ in range(100)]
        before, tail = state, calibration.fitted(state)
        yield "score", lambda t=tail, s=batch[0]: t.probability(s), before
        yield "learn 100", lambda s=before, b=batch: calibration.learn(s, b), before
        yield "fit", lambda s=before: calibration.fitted(s), before
        state = calibration.learn(state, batch)


def budgets(seed: int) -> Iterator[Step]:
    lot, state, config = random.Random(seed), Budget(), BudgetConfig()  # noqa: S311  # as above
    for number in range(DAYS * 8):
        strength = 6 + lot.expovariate(2.3)
        before = state
        yield "ask", lambda s=before, t=number * HOUR_MS, v=strength: budget.step(s, t, v, config), before
        state, _ = budget.step(state, number * HOUR_MS, strength, config)


MODELS: dict[str, Callable[[int], Iterable[Step]]] = {
    "baseline": baselines,
    "hours": odd_hours,
    "rarity": values,
    "peers": values_of_peers,
    "travel": journeys,
    "beacon": rhythms,
    "ratios": shares,
    "cohort": cohorts,
    "calibration": calibrations,
    "budget": budgets,
}


def measure(seeds: int, rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Return for every model microseconds by what is done, and the median of bytes at the end."""
    steps = {name: [list(made(seed)) for seed in range(seeds)] for name, made in MODELS.items()}
    best: dict[tuple[str, str], float] = {}
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for name, entities in steps.items():
            for kind, us in _timed(step for entity in entities for step in entity).items():
                best[name, kind] = min(best.get((name, kind), us), us)
    gc.unfreeze()
    found: dict[str, dict[str, float]] = {name: {} for name in MODELS}
    for (name, kind), us in best.items():
        found[name][f"{kind}_us".replace(" ", "_")] = round(us, 2)
    for name, entities in steps.items():
        states = [entity[-1][2] for entity in entities]
        found[name]["encode_us"] = round(_once(states * REPEATED, encode), 2)
        data, kind = [encode(state) for state in states], type(states[0])
        found[name]["decode_us"] = round(_once(data * REPEATED, partial(decode, kind)), 2)
        found[name]["bytes"] = statistics.median(len(one) for one in data)
    return found


def _timed(steps: Iterable[Step]) -> dict[str, float]:
    """Return microseconds of each kind of step, less what calling nothing takes."""
    kinds: dict[str, list[Callable[[], Any]]] = {}
    for kind, act, _ in steps:
        kinds.setdefault(kind, []).append(act)
    return {kind: _once(acts, lambda act: act()) - _once(acts, lambda act: act) for kind, acts in kinds.items()}


def _once(items: list[Any], act: Callable[[Any], Any]) -> float:
    start = time.process_time()
    for item in items:
        act(item)
    return (time.process_time() - start) / len(items) * 1e6


def quiet_entity(seed: int) -> dict[str, int]:
    """Return bytes by model of a person who does little: three counts, five features of values, a place, no rhythm."""
    lot = random.Random(seed)  # noqa: S311  # a benchmark has to be repeatable, not secret
    week, places, share = Hours(), Travel(), Ratio()
    counts: list[Baseline] = []
    names: list[Values] = []
    active = [row for row in ordinary.hours(ordinary.person, DAYS, seed) if lot.random() < 0.25]
    for often in (1.0, 0.3, 0.05):
        state = Baseline()
        for hour, amount in active:
            state, _ = baseline.learn(state, hour, amount // 4) if lot.random() < often else (state, None)
        counts.append(state)
    for number in (2, 1, 3, 1, 5):
        seen = Values()
        for hour, _ in active:
            seen, _ = rarity.learn(seen, rarity.name_of(f"{seed} {lot.randrange(number)}"), hour // 24)
        names.append(seen)
    for hour, amount in active:
        week = hours.learn(week, hour)
        share = ratios.learn(share, hour, 0, amount)
        places, _ = travel.step(places, Place(hour * HOUR_MS, 525_200, 134_050, "DE"))
    held = {"baseline": counts, "hours": [week], "rarity": names, "travel": [places], "ratios": [share]}
    return {name: sum(len(encode(state)) for state in states) for name, states in held.items()}


def run(seeds: int, rounds: int = ROUNDS) -> dict[str, Any]:
    """Run everything; figures by name."""
    quiet = [quiet_entity(seed) for seed in range(max(seeds, 9))]
    return {
        "models": measure(seeds, rounds),
        "quiet_entity_bytes": statistics.median(sum(one.values()) for one in quiet),
        "quiet_entity_by_model": {name: statistics.median(one[name] for one in quiet) for name in quiet[0]},
    }


def tables(figures: Mapping[str, Any]) -> Iterator[Table]:
    """Yield the figures as Markdown has them."""
    models = Table("model", "us", "encode us", "decode us", "bytes", box=box.MARKDOWN)
    for name, found in figures["models"].items():
        put_away = [f"{found[key]:,.1f}" for key in ("encode_us", "decode_us")]
        done = {
            key.removesuffix("_us"): us for key, us in found.items() if key not in ("encode_us", "decode_us", "bytes")
        }
        words = ", ".join(f"{key.replace('_', ' ')} {us:,.1f}" for key, us in done.items())
        models.add_row(name, words, *put_away, f"{found['bytes']:,.0f}")
    yield models
    quiet = Table("of a quiet entity", "bytes", box=box.MARKDOWN)
    for name, number in figures["quiet_entity_by_model"].items():
        quiet.add_row(name, f"{number:,.0f}")
    quiet.add_row("all", f"{figures['quiet_entity_bytes']:,.0f}")
    yield quiet


@click.command()
@click.option("--entities", default=20, show_default=True, help="How many entities of each kind.")
@click.option("--json", "is_json", is_flag=True, help="Print the figures as JSON.")
def main(*, entities: int, is_json: bool) -> None:
    """Print what each model costs."""
    figures = run(entities)
    if is_json:
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
        return
    console = Console(width=None if sys.stdout.isatty() else PRINTED)
    for table in tables(figures):
        console.print(table)


if __name__ == "__main__":
    main()
