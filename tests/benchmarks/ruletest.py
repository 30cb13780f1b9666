"""How long `braid rules test` takes: `make bench-rules`, or `python -m tests.benchmarks.ruletest`.

Writes a folder of made rules with tests beside them (`tests.benchmarks.made_rules`) and runs the command over it as a
person does: a process for each run, its start included. What the start takes by itself stands beside it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from tests.benchmarks.made_rules import write_rules

DETECTIONS: Final = 400
CORRELATIONS: Final = 100
ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """What the runs took.

    Attributes:
        rules: How many there were.
        tests: How many tests passed.
        whole_s: Seconds of each run.
        start_s: Seconds of the command with nothing to do.
    """

    rules: int
    tests: int
    whole_s: tuple[float, ...]
    start_s: float

    @property
    def test_us(self) -> float:
        """Return what one test takes in the best run, its part of loading the rules included, without the start."""
        return (min(self.whole_s) - self.start_s) / self.tests * 1e6


def measure(detections: int, correlations: int, rounds: int) -> Measured:
    """Write so many rules with tests and run the command on them; raise RuntimeError when a test does not pass."""
    with tempfile.TemporaryDirectory() as folder:
        rules, nothing = Path(folder, "rules"), Path(folder, "nothing")
        nothing.mkdir()
        tests = write_rules(rules, detections, correlations)
        whole = tuple(_seconds(rules, tests) for _ in range(rounds))
        start = min(_seconds(nothing, 0) for _ in range(rounds))
    return Measured(detections + correlations, tests, whole, start)


def _seconds(folder: Path, tests: int) -> float:
    began = time.perf_counter()
    command = [sys.executable, "-m", "streams.cli", "rules", "test", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603  # our own program
    seconds = time.perf_counter() - began
    if done.returncode or done.stdout != f"{tests} passed, 0 failed\n".encode():
        raise RuntimeError(f"{tests} tests were to pass: {done.stdout.decode()}{done.stderr.decode()}")
    return seconds


@click.command()
@click.option("--detections", default=DETECTIONS, show_default=True)
@click.option("--correlations", default=CORRELATIONS, show_default=True)
@click.option("--rounds", default=ROUNDS, show_default=True)
def main(detections: int, correlations: int, rounds: int) -> None:
    """Measure and print."""
    found = measure(detections, correlations, rounds)
    runs = ", ".join(f"{seconds:.2f}" for seconds in found.whole_s)
    click.echo(f"{found.rules} rules, {found.tests} tests: {runs} s; {found.test_us:,.0f} us a test")
    click.echo(f"the start by itself: {found.start_s:.2f} s")


if __name__ == "__main__":
    sys.exit(main())
