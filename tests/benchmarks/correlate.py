"""How fast signals are correlated: `make bench-correlate`, or `python -m tests.benchmarks.correlate`.

The pure core in this process, no Kafka: what it is given is made (`tests.benchmarks.correlating`) and always the same.
A step is one copy of a signal at one group key, which is one message of the topic `signals`. All times are CPU time of
this process; what is put in relation is measured in the same run. Aims stand beside what was measured, missed or not.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from models.finding import Signal
from streams.cli.output import print_json
from streams.correlate.engine import Correlator
from streams.correlate.state import KeyState, decode_state, encode_state
from tests.benchmarks import correlating
from tests.benchmarks.correlating import DELAY_MS

RULES: Final = 200
SIGNALS: Final = 8_000
OTHERS: Final = (10, 50, 200, 1000)
ENTITIES: Final = 50_000
MILLION: Final = 1_000_000
CROWD: Final = 2_000
EDGE: Final = 100  # steps at the beginning and at the end of a crowd
CACHED: Final = 10_000  # states that a worker keeps unpacked
STATES: Final = (1, 3, 32, 256)
AIMS: Final = {"signals/s": 50_000.0, "p99 ms": 5.0, "bytes of a quiet entity": 1024.0, "GB of 1,000,000 entities": 2.0}
Copy = tuple[str, Signal, int]


@dataclass(slots=True)
class Measured:
    """What was measured; times are CPU microseconds of this process.

    Attributes:
        signals: How many signals there were.
        steps: How many copies of them, a step each.
        mean_us: Mean of a step.
        step_us: Microseconds of each step, sorted.
        deadline_us: Mean of working out when a key needs its next step.
        encode_us: Mean of encoding the states that came of it.
        by_others: Mean of a step beside so many rules that do not mention the signal.
        state_bytes: Bytes of a state with so many signals, and microseconds to encode and to decode it.
        held_bytes: Memory of one entity that a worker holds.
        cache_mb: Memory of the states that it keeps unpacked.
        crowd_us: Mean of the first and of the last steps of a window with thousands of signals.
    """

    signals: int = 0
    steps: int = 0
    mean_us: float = 0.0
    step_us: list[float] = field(default_factory=list)
    deadline_us: float = 0.0
    encode_us: float = 0.0
    by_others: dict[int, float] = field(default_factory=dict)
    state_bytes: dict[int, tuple[int, float, float]] = field(default_factory=dict)
    held_bytes: float = 0.0
    cache_mb: float = 0.0
    crowd_us: tuple[float, float] = 0.0, 0.0

    def part(self, ratio: float) -> float:
        """Return the time (us) that a part of all steps stays below."""
        return self.step_us[min(len(self.step_us) - 1, int(len(self.step_us) * ratio))]

    def against(self) -> dict[str, float]:
        """Return what there is an aim for."""
        return {
            "signals/s": 1e6 / self.mean_us,
            "p99 ms": self.part(0.99) / 1e3,
            "bytes of a quiet entity": max(self.state_bytes[held][0] for held in (1, 3) if held in self.state_bytes),
            "GB of 1,000,000 entities": (self.held_bytes * MILLION + self.cache_mb * 1e6) / 1e9,
        }


class Keys:
    """All keys in memory, stepped one after the other, and the time that takes."""

    def __init__(self, correlator: Correlator) -> None:
        self.correlator = correlator
        self.states: dict[str, KeyState] = {}
        self.spent: list[float] = []

    def take(self, copies: Iterable[Copy]) -> list[float]:
        """Take the copies; return the microseconds of each step."""
        spent, step, states, clock = [], self.correlator.step, self.states, time.process_time_ns
        idle = sorted(-(clock() - clock()) for _ in range(1_000))[500]  # to ask takes longer than some steps do
        for key, signal, watermark in copies:
            state = states.get(key, EMPTY)
            began = clock()
            after, _ = step(key, state, signal, watermark)
            spent.append(max(0, clock() - began - idle) / 1e3)
            states[key] = after
        return spent

    def take_all(self, copies: Sequence[Copy]) -> float:
        """Take the copies; return the mean microseconds of a step, which asks for the time but once."""
        step, states = self.correlator.step, self.states
        began = time.process_time()
        for key, signal, watermark in copies:
            states[key] = step(key, states.get(key, EMPTY), signal, watermark)[0]
        return (time.process_time() - began) / len(copies) * 1e6


EMPTY: Final = KeyState()


def copies_of(correlator: Correlator, signals: Iterable[Signal]) -> Iterator[Copy]:
    """Yield the copies of the signals, with their keys and the watermark (ms) of the time."""
    watermark = 0
    for signal in signals:
        watermark = max(watermark, signal.time - DELAY_MS)
        yield from ((key, signal, watermark) for key in correlator.router.routes(signal).keys)


def measure(signals: int, entities: int, crowd: int, others: Sequence[int] = OTHERS) -> Measured:
    """Measure all of it."""
    found = Measured(signals)
    _memory(found, entities)  # first: what others have freed would be used again and not be seen
    _steps(found, signals)
    _beside_others(found, signals // 8, others)
    _states(found)
    keys = Keys(Correlator(correlating.about(correlating.correlations(8), 3)))
    spent = keys.take((key, signal, 0) for signal in correlating.crowd(crowd) for key in ("host:ws1.example.com",))
    found.crowd_us = mean(spent[:EDGE]), mean(spent[-EDGE:])
    return found


def mean(times: Sequence[float]) -> float:
    """Return the mean of some times."""
    return sum(times) / max(1, len(times))


def _steps(found: Measured, signals: int) -> None:
    keys = Keys(Correlator(correlating.correlations(RULES)))
    copies = list(copies_of(keys.correlator, correlating.signals(signals)))
    gc.collect()
    gc.freeze()
    found.mean_us = keys.take_all(copies)
    found.step_us = sorted(Keys(keys.correlator).take(copies))
    found.steps = len(copies)
    gc.unfreeze()
    after = [(key, keys.states[key]) for key, _, _ in copies[:: max(1, len(copies) // 5_000)]]
    found.deadline_us = each_us(lambda: [keys.correlator.deadline(key, state) for key, state in after], len(after))
    found.encode_us = each_us(lambda: [encode_state(state) for _, state in after], len(after))


def each_us(work: Callable[[], object], count: int) -> float:
    """Return the microseconds of each of so many that some work is made of."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / count * 1e6


def _beside_others(found: Measured, signals: int, others: Sequence[int]) -> None:
    """Measure beside rules over detections that never fire; the fastest of three rounds, taken in turn."""
    mine = correlating.correlations(20)
    beyond = correlating.DETECTIONS
    made = {n: Correlator([*mine, *correlating.correlations(n, beyond, beyond * 2)]) for n in others}
    copies = list(copies_of(made[others[0]], correlating.signals(signals)))
    for _ in range(3):
        for count, correlator in made.items():
            spent = Keys(correlator).take_all(copies)
            found.by_others[count] = min(spent, found.by_others.get(count, spent))


def _states(found: Measured) -> None:
    correlator = Correlator(correlating.correlations(RULES))
    for held in STATES:
        keys = Keys(correlator)
        key, signals = correlating.quiet(7, held)
        keys.take_all([(key, signal, 0) for signal in signals])
        state, rounds = keys.states[key], max(3, 1_000 // held)
        data = encode_state(state)
        encode_us = each_us(lambda state=state, rounds=rounds: [encode_state(state) for _ in range(rounds)], rounds)
        decode_us = each_us(lambda data=data, rounds=rounds: [decode_state(data) for _ in range(rounds)], rounds)
        found.state_bytes[held] = len(data), encode_us, decode_us


def _memory(found: Measured, entities: int) -> None:
    """Hold entities as a worker does: encoded under their keys, their deadlines, the latest ones unpacked as well."""
    correlator = Correlator(correlating.correlations(RULES))
    gc.collect()
    before = _resident_bytes()
    table: dict[bytes, bytes] = {}
    deadlines: dict[bytes, int] = {}
    for key, state in _quiet(correlator, 0, entities):
        name = key.encode()
        table[name] = encode_state(state)
        deadlines[name] = correlator.deadline(key, state)
    gc.collect()
    between = _resident_bytes()
    found.held_bytes = (between - before) / entities
    cache = [(table.get(key.encode()), state) for key, state in _quiet(correlator, entities, min(CACHED, entities))]
    found.cache_mb = (_resident_bytes() - between) / len(cache) * CACHED / 1e6


def _quiet(correlator: Correlator, first: int, count: int) -> Iterator[tuple[str, KeyState]]:
    """Yield entities with one signal, and every fourth with three."""
    for number in range(first, first + count):
        key, signals = correlating.quiet(number, 1 if number % 4 else 3)
        keys = Keys(correlator)
        keys.take_all([(key, signal, 0) for signal in signals])
        yield key, keys.states[key]


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@click.command()
@click.option("--signals", default=SIGNALS, show_default=True, help="Signals; each goes to several keys.")
@click.option("--entities", default=ENTITIES, show_default=True, help="Quiet entities to hold.")
@click.option("--crowd", default=CROWD, show_default=True, help="Signals of one group and window.")
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def main(*, signals: int, entities: int, crowd: int, as_json: bool) -> None:
    """Measure the correlation core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    found = measure(signals, entities, crowd)
    if as_json:
        parts = {"mean": found.mean_us, **{f"p{at}": found.part(at / 100) for at in (50, 99)}, "max": found.step_us[-1]}
        print_json({**asdict(found), "step_us": parts, "aims": AIMS, "against": found.against()})
        return
    console = Console(width=110)
    console.print(f"{found.signals:,} signals, {found.steps:,} steps, {RULES} rules; {entities:,} entities held")
    for table in (_against(found), _times(found), _growth(found), _forms(found)):
        console.print(table)


def _against(found: Measured) -> Table:
    table = Table("what", "measured", "aim", "", title="Aims")
    for name, value in found.against().items():
        is_met = value >= AIMS[name] if name == "signals/s" else value <= AIMS[name]
        table.add_row(name, f"{value:,.2f}", f"{AIMS[name]:,.0f}", "met" if is_met else "missed")
    return table


def _times(found: Measured) -> Table:
    table = Table("us a step", "p50", "p99", "max", "deadline us", "encode us", title="One step, 200 rules loaded")
    parts = found.mean_us, found.part(0.5), found.part(0.99), found.step_us[-1], found.deadline_us, found.encode_us
    table.add_row(*(f"{us:,.1f}" for us in parts))
    return table


def _growth(found: Measured) -> Table:
    names = [f"beside {count} others" for count in found.by_others]
    table = Table(*names, "first of a crowd", "last of it", "ratio", title="Microseconds a step")
    first, last = found.crowd_us
    table.add_row(*(f"{us:.1f}" for us in (*found.by_others.values(), first, last, last / max(first, 1e-9))))
    return table


def _forms(found: Measured) -> Table:
    table = Table("signals held", "bytes", "encode us", "decode us", title="The state of one key")
    for held, (size, encode_us, decode_us) in found.state_bytes.items():
        table.add_row(str(held), f"{size:,}", f"{encode_us:.1f}", f"{decode_us:.1f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
