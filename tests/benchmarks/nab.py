"""The detector of series on the Numenta Anomaly Benchmark: `tests/benchmarks/nab.py DIR [RESULTS]`.

DIR is a checkout of NAB: `data/<category>/<file>.csv`, `labels/combined_windows.json`, and `config/profiles.json` when
its weights are not the published ones. Each file is read value by value, by one and the same config but for the length
of the warm-up: that is the probationary period, which NAB tells every detector, the same share of rows for all files.
Nothing else but the value column is looked at; the least and the largest value of a file, which NAB tells as well, are
not, since nobody knows them who watches a series as it comes. RESULTS, `DIR/results` when it is not given, gets
`braid/<category>/braid_<file>.csv` in the form that NAB's own scorer reads (`run.py -d braid --optimize --score
--normalize`); its score is computed here, too.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

if not __package__:
    sys.path.insert(0, str(Path(__file__).parents[2]))  # run as a file, not as a module

from models.anomaly.base import encode
from models.anomaly.series import LEAST_WARMUP, SeriesConfig, SeriesDetector
from tests.benchmarks.nab_scoring import PROFILES, Profile, ScoredFile, Span, at_threshold, best, normalized, probation

DETECTOR: Final = "braid"
LABELS: Final = Path("labels") / "combined_windows.json"
COLUMNS: Final = "timestamp", "value"
Windows = Mapping[str, Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Series:
    """One file of the benchmark.

    Attributes:
        name: `category/file.csv`.
        times: Its timestamps, as they stand there.
        values: Its values, as they stand there.
    """

    name: str
    times: Sequence[str]
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run over all files gave.

    Attributes:
        files: What the detector said.
        seconds: Processor time of the detector alone.
        bytes: Of the largest state at the end of a file.
    """

    files: Sequence[ScoredFile]
    seconds: float
    bytes: int

    @property
    def values(self) -> int:
        """The number of values in all files."""
        return sum(len(file.scores) for file in self.files)

    @property
    def windows(self) -> int:
        """The number of windows in all files."""
        return sum(len(file.windows) for file in self.files)


def run(folder: Path, results: Path) -> Run:
    """Score all files of a benchmark and write the results.

    Raises:
        ValueError: When a file is not as it should be; the message says which and where.
    """
    labels: Windows = json.loads((folder / LABELS).read_text())
    files, seconds, largest = [], 0.0, 0
    for series in read(folder / "data"):
        if series.name not in labels:
            raise ValueError(f"{folder / LABELS}: says nothing of {series.name}")
        began = time.process_time()
        scores, state_bytes = scored(series)
        seconds, largest = seconds + time.process_time() - began, max(largest, state_bytes)
        files.append(ScoredFile(series.name, scores, spans(series.times, labels[series.name])))
        write(results, series, files[-1])
    if not files:
        raise ValueError(f"{folder / 'data'}: no <category>/<file>.csv there")
    return Run(files, seconds, largest)


def read(data: Path) -> Iterator[Series]:
    """Read all files of a benchmark, in the order of their names; raise ValueError when one has other columns."""
    for path in sorted(data.glob("*/*.csv")):
        with path.open(newline="") as lines:
            rows = list(csv.DictReader(lines, restval=""))
        if not rows or None in (rows[0].get("timestamp"), rows[0].get("value")):
            raise ValueError(f"{path}: no rows of timestamp and value")
        yield Series(path.relative_to(data).as_posix(), *([row[column] for row in rows] for column in COLUMNS))


def scored(series: Series) -> tuple[list[float], int]:
    """Return the score of each value, and the bytes of the state after the last."""
    detector = SeriesDetector(SeriesConfig(warmup=max(LEAST_WARMUP, probation(len(series.values)))))
    state, scores = detector.start(), []
    for line, value in enumerate(series.values, 2):
        try:
            state, said = detector.step(state, float(value))
        except ValueError as error:
            raise ValueError(f"{series.name}:{line}: {value!r} is no number") from error
        scores.append(said.score)
    return scores, len(encode(state))


def spans(times: Sequence[str], windows: Sequence[tuple[str, str]]) -> list[Span]:
    """Return the rows that windows span: from the first one at their beginning to the first one at their end.

    Raises:
        ValueError: When a window has no rows.
    """
    moments = [datetime.fromisoformat(at) for at in times]
    return sorted(_span(moments, *map(datetime.fromisoformat, limits)) for limits in windows)


def write(results: Path, series: Series, file: ScoredFile) -> None:
    """Write what the detector said of a file in the form of NAB."""
    category, name = series.name.split("/")
    path = results / DETECTOR / category / f"{DETECTOR}_{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    inside = {row for first, last in file.windows for row in range(first, last + 1)}
    with path.open("w", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(("timestamp", "value", "anomaly_score", "label"))
        for row, (at, value, score) in enumerate(zip(series.times, series.values, file.scores, strict=True)):
            writer.writerow((at, value, repr(score), int(row in inside)))


def profiles(folder: Path) -> dict[str, Profile]:
    """Return the weights that a benchmark comes with, the published ones when it has none."""
    path = folder / "config" / "profiles.json"
    if not path.exists():
        return dict(PROFILES)
    matrices = {name: each["CostMatrix"] for name, each in json.loads(path.read_text()).items()}
    return {name: Profile(each["tpWeight"], each["fpWeight"], each["fnWeight"]) for name, each in matrices.items()}


def report(found: Run, weights: Mapping[str, Profile]) -> Iterator[str]:
    """Say how a run fared: by profile, and by category at the threshold of the first profile."""
    cost = found.seconds / found.values * 1e6
    yield f"{len(found.files)} files, {found.values} values, {found.windows} windows; "
    yield f"{cost:.0f} us a value, at most {found.bytes} bytes of state\n\n"
    yield f"{'profile':24}{'score':>8}{'threshold':>11}{'found':>7}{'false alarms':>14}\n"
    outcomes = {name: best(found.files, weight) for name, weight in weights.items()}
    for name, each in outcomes.items():
        score = normalized(each.total, found.windows, weights[name])
        yield f"{name:24}{score:8.2f}{each.threshold:11.4f}{each.found:7}{each.false_alarms:14}\n"
    first = next(iter(weights))
    yield f"\n{'category, by ' + first:24}{'score':>8}{'windows':>11}{'found':>7}{'false alarms':>14}\n"
    for category in sorted({file.name.split("/")[0] for file in found.files}):
        files = [file for file in found.files if file.name.startswith(category + "/")]
        windows = sum(len(file.windows) for file in files)
        each = at_threshold(files, weights[first], outcomes[first].threshold)
        shown = f"{normalized(each.total, windows, weights[first]):8.2f}" if windows else f"{'-':>8}"
        yield f"{category:24}{shown}{windows:11}{each.found:7}{each.false_alarms:14}\n"


def _span(moments: Sequence[datetime], first: datetime, last: datetime) -> Span:
    inside = [row for row, at in enumerate(moments) if first <= at <= last]
    if not inside:
        raise ValueError(f"no row from {first} to {last}, which is a window")
    # Where clocks were set back a time comes twice: the first counts, as it does for NAB.
    begin = moments.index(first) if first in moments else inside[0]
    return begin, moments.index(last) if last in moments else inside[-1]


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark and print its scores."""
    if len(arguments) not in {1, 2}:
        sys.stderr.write("usage: nab.py DIR [RESULTS]\n")
        return 2
    folder = Path(arguments[0])
    try:
        found = run(folder, Path(arguments[1]) if len(arguments) > 1 else folder / "results")
        sys.stdout.writelines(report(found, profiles(folder)))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error!s}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
