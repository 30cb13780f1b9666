"""The harness for NAB, on small made series in the same layout."""

from __future__ import annotations

import csv
import json
import math
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.benchmarks import nab
from tests.benchmarks.nab_scoring import PROFILES, best, normalized

ROWS = 1500
BEGIN = datetime(2026, 3, 2)  # noqa: DTZ001  # the benchmark's timestamps have no zone
Made = tuple[Callable[[random.Random, int], float], dict[int, float], list[tuple[int, int]]]


def noisy(lot: random.Random, _: int) -> float:
    return lot.gauss(40, 2)


def daily(lot: random.Random, row: int) -> float:
    return 100 + 80 * math.sin(row / 96 * 2 * math.pi) + lot.gauss(0, 4)


def counts(lot: random.Random, _: int) -> float:
    return float(int(lot.paretovariate(2.5) * 3))


def flat(_: random.Random, __: int) -> float:
    return 0.0


# What a series is made of, what is added from a row on, and its windows.
SERIES: dict[str, Made] = {
    "cpu/spike.csv": (noisy, {900: 45.0, 901: 0.0}, [(860, 940)]),
    "cpu/level.csv": (noisy, {1000: 25.0}, [(970, 1049)]),
    "requests/drop.csv": (daily, {1100: -300.0, 1130: 0.0}, [(1060, 1160)]),
    "requests/burst.csv": (counts, {800: 400.0, 806: 0.0}, [(770, 850)]),
    "quiet/flat.csv": (flat, {}, []),
    "quiet/noise.csv": (noisy, {}, []),
}


def stamp(row: int) -> str:
    return str(BEGIN + timedelta(minutes=15 * row))


def values(name: str) -> list[float]:
    base, added, _ = SERIES[name]
    lot, more, found = random.Random(name), 0.0, []  # noqa: S311  # made series, not secrets
    for row in range(ROWS):
        more = added.get(row, more)
        found.append(base(lot, row) + more)
    return found


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    windows = {}
    for name, (_, _, spans) in SERIES.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{stamp(row)},{value!r}\n" for row, value in enumerate(values(name))]
        path.write_text("timestamp,value\n" + "".join(lines))
        windows[name] = [[f"{stamp(first)}.000000", f"{stamp(last)}.000000"] for first, last in spans]
    (tmp_path / "labels").mkdir()
    (tmp_path / nab.LABELS).write_text(json.dumps(windows))
    return tmp_path


def test_every_window_is_found_and_quiet_series_stay_quiet(benchmark: Path) -> None:
    found = nab.run(benchmark, benchmark / "results")
    assert (len(found.files), found.values, found.windows) == (6, 6 * ROWS, 4)
    outcome = best(found.files, PROFILES["standard"])
    assert outcome.found == 4
    assert outcome.false_alarms <= 2
    assert normalized(outcome.total, 4, PROFILES["standard"]) > 85
    assert 0 < found.bytes < 36_000


def test_results_are_written_in_the_form_of_the_benchmark(benchmark: Path) -> None:
    found = nab.run(benchmark, benchmark / "elsewhere")
    path = benchmark / "elsewhere" / "braid" / "cpu" / "braid_spike.csv"
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == ["timestamp", "value", "anomaly_score", "label"]
    assert [row["timestamp"] for row in rows] == [stamp(row) for row in range(ROWS)]
    assert [float(row["value"]) for row in rows] == values("cpu/spike.csv")
    assert [row for row, each in enumerate(rows) if each["label"] == "1"] == list(range(860, 941))
    told = next(file.scores for file in found.files if file.name == "cpu/spike.csv")
    assert [float(row["anomaly_score"]) for row in rows] == told
    assert all(0 <= score <= 1 for score in told)


def test_it_runs_as_a_file_and_prints_three_scores(benchmark: Path) -> None:
    told = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, str(Path(nab.__file__)), str(benchmark)], capture_output=True, text=True, check=True
    )
    scores = {line.split()[0]: float(line.split()[1]) for line in told.stdout.splitlines() if "reward" in line}
    assert scores.keys() == {"reward_low_FP_rate", "reward_low_FN_rate"}
    assert "standard" in told.stdout
    assert "6 files, 9000 values, 4 windows" in told.stdout
    assert (benchmark / "results" / "braid" / "quiet" / "braid_flat.csv").exists()


def test_weights_are_those_of_the_benchmark_when_it_has_some(benchmark: Path) -> None:
    assert nab.profiles(benchmark) == PROFILES
    (benchmark / "config").mkdir()
    matrix = {"tpWeight": 1.0, "fpWeight": 0.5, "fnWeight": 3.0, "tnWeight": 1.0}
    (benchmark / "config" / "profiles.json").write_text(json.dumps({"strict": {"CostMatrix": matrix}}))
    (strict,) = nab.profiles(benchmark).values()
    assert (strict.found, strict.false_alarm, strict.missed) == (1.0, 0.5, 3.0)


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("data/cpu/spike.csv", "timestamp,value\n2026-03-02 00:00:00,four\n", "cpu/spike.csv:2: 'four' is no number"),
        ("data/cpu/spike.csv", "when,what\n1,2\n", "no rows of timestamp and value"),
        ("data/cpu/more.csv", "timestamp,value\n2026-03-02 00:00:00,4\n", "says nothing of cpu/more.csv"),
        ("labels/combined_windows.json", "{", "Expecting"),
    ],
)
def test_what_is_wrong_is_said(
    benchmark: Path, capsys: pytest.CaptureFixture[str], path: str, text: str, message: str
) -> None:
    (benchmark / path).write_text(text)
    assert nab.main([str(benchmark)]) == 2
    assert message in capsys.readouterr().err


def test_a_window_without_rows_is_wrong() -> None:
    with pytest.raises(ValueError, match="no row from"):
        nab.spans([stamp(0), stamp(1)], [(stamp(5), stamp(9))])


def test_where_a_time_comes_twice_the_first_counts() -> None:
    times = [stamp(row) for row in (0, 1, 2, 3, 2, 3, 4)]
    assert nab.spans(times, [(stamp(2), stamp(3))]) == [(2, 3)]
