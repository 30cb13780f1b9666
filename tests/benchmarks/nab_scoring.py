"""The score of the Numenta Anomaly Benchmark, as published (Lavin and Ahmad, ICMLA 2015; Ahmad et al. 2017).

Every anomaly is a window of rows. What a detector finds in one is worth the more the earlier it comes, by a sigmoid
over the window; a window without a detection costs, and so does every detection outside, least just behind a window.
Rows at the beginning of a file do not count: there a detector may learn. One threshold for all files is chosen, the
best one for each profile, and the total is put on a scale where 0 is a detector that never speaks and 100 one that
finds every window at its very beginning and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import exp, floor
from operator import attrgetter
from typing import Final, NamedTuple

PROBATION_SHARE: Final = 0.15  # of the rows of a file
PROBATION_MOST: Final = 750  # rows
FAR_BEHIND: Final = 3.0  # windows
NEVER: Final = 1.1  # a threshold that no score reaches

Span = tuple[int, int]  # first and last row of a window


@dataclass(frozen=True, slots=True)
class Profile:
    """What counts for how much.

    Attributes:
        found: Weight of a window that is found.
        false_alarm: Weight of a detection outside of windows.
        missed: Weight of a window that is not found.
    """

    found: float
    false_alarm: float
    missed: float


PROFILES: Final = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP_rate": Profile(1.0, 0.22, 1.0),
    "reward_low_FN_rate": Profile(1.0, 0.11, 2.0),
}


@dataclass(frozen=True, slots=True)
class ScoredFile:
    """What a detector said of one file.

    Attributes:
        name: `category/file.csv`.
        scores: Anomaly scores, 0 to 1, row by row.
        windows: The windows of the file, in order.
    """

    name: str
    scores: Sequence[float]
    windows: Sequence[Span]


class Row(NamedTuple):
    """A row that counts.

    Attributes:
        score: What the detector said.
        worth: What a detection here is worth before weights: above 0 in a window, not above 0 outside.
        window: Which window it is in, by file and number, None outside of windows.
    """

    score: float
    worth: float
    window: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a threshold fares over all files.

    Attributes:
        threshold: Rows with at least this score are detections.
        total: The weighted sum over all files.
        found: Windows with a detection.
        false_alarms: Detections outside of windows.
    """

    threshold: float
    total: float
    found: int
    false_alarms: int


def sigmoid(position: float) -> float:
    """Return what a detection is worth: 0 at the end of a window (0), nearly 1 at its beginning (-1), -1 far behind."""
    return -1.0 if position >= FAR_BEHIND else 2 / (1 + exp(5 * position)) - 1


def probation(rows: int) -> int:
    """Return how many rows at the beginning of a file do not count."""
    return min(floor(PROBATION_SHARE * rows), PROBATION_MOST)


def rows_of(file: ScoredFile) -> Iterator[Row]:
    """Tell what each row of a file is worth."""
    first = probation(len(file.scores))
    windows = list(enumerate(file.windows))
    behind: Span | None = None
    for at, score in enumerate(file.scores):
        while windows and at > windows[0][1][1]:
            behind = windows.pop(0)[1]
        if at < first:
            continue
        if windows and at >= windows[0][1][0]:
            number, (begin, end) = windows[0]
            yield Row(score, sigmoid((at - end - 1) / (end - begin + 1)) / sigmoid(-1), (file.name, number))
        else:
            yield Row(score, sigmoid(_windows_behind(at, behind)), None)


def best(files: Iterable[ScoredFile], profile: Profile) -> Outcome:
    """Return the outcome of the threshold that fares best; the highest of them when several do."""
    return max(_outcomes(files, profile, 0.0), key=attrgetter("total"))


def at_threshold(files: Iterable[ScoredFile], profile: Profile, threshold: float) -> Outcome:
    """Return how a given threshold fares."""
    *_, last = _outcomes(files, profile, threshold)
    return last


def normalized(total: float, windows: int, profile: Profile) -> float:
    """Return a total on the scale where silence is 0 and perfection 100."""
    silence, perfection = -profile.missed * windows, profile.found * windows
    return 100 * (total - silence) / (perfection - silence)


def _windows_behind(at: int, window: Span | None) -> float:
    """Return how far a row is behind the last window, in lengths of it; far when there is none or it is one row."""
    if window is None or window[0] == window[1]:
        return FAR_BEHIND
    return (at - window[1]) / (window[1] - window[0])


def _outcomes(files: Iterable[ScoredFile], profile: Profile, least: float) -> Iterator[Outcome]:
    """Tell how silence fares, then each score of a row as the threshold, from the highest down to `least`."""
    rows = sorted((row for file in files for row in rows_of(file)), key=attrgetter("score"), reverse=True)
    worths = {row.window: -profile.missed for row in rows if row.window is not None}
    total, found, alarms = -profile.missed * len(worths), 0, 0
    yield Outcome(NEVER, total, 0, 0)
    for threshold, same in groupby(rows, key=attrgetter("score")):
        if threshold < least:
            return
        for row in same:
            if row.window is None:
                total, alarms = total + row.worth * profile.false_alarm, alarms + 1
                continue
            known, worth = worths[row.window], max(worths[row.window], row.worth * profile.found)
            worths[row.window], total, found = worth, total + worth - known, found + (known == -profile.missed)
        yield Outcome(threshold, total, found, alarms)
