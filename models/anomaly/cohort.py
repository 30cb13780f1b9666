"""What one member of a group does in an hour, all features together, beside what all members do.

River's half-space trees (Tan, Ting and Liu, Fast anomaly detection for streaming data, IJCAI 2011) over the amounts of
an hour, each brought to the same scale by what the group's members have of it (`models.anomaly.levels`). Their state is
kept without pickle: trees are built anew from the seed and the names of the features, and their masses put back, one
byte each. What the trees look like is remembered by a checksum; a river that builds others is noticed, and the group
learns anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import atan, log10, pi
from operator import attrgetter
from typing import Annotated, Any, Final
from zlib import crc32

from msgspec import Meta, Struct

from models.anomaly.base import HOUR_MS, MAX_HOUR, Finding, Natural, Reason, amount_of, held_amount, held_hour, log_of
from models.anomaly.levels import UNIT, Level, scale_of, taught_all
from models.fields import LARGEST

NAME: Final = "cohort"
MAX_MASSES: Final = 64_000
MAX_FEATURES: Final = 64
MAX_WINDOW: Final = 255  # a mass is a byte
HALF_WAY: Final = 8.0  # scales above the centre that lie in the middle: what is ordinary stays in one corner
LEAST_SCALE: Final = 0.2
REASONS: Final = 3
_MASSES: Final = attrgetter("l_mass", "r_mass")
_Hour = Annotated[int, Meta(ge=0, le=MAX_HOUR)]


@dataclass(frozen=True, slots=True)
class CohortConfig:
    """What the trees are like.

    Attributes:
        features: Names of the features, at most MAX_FEATURES.
        trees: How many.
        height: Of each.
        window: Rows after which what was learned is what is judged by; at most MAX_WINDOW.
        most: Rows that the scales remember.
        seed: Of the trees.
    """

    features: tuple[str, ...]
    trees: int = 5
    height: int = 6
    window: int = 250
    most: int = 4000
    seed: int = 7

    def __post_init__(self) -> None:
        """Refuse what no tree can be built of.

        Raises:
            ValueError: When there is no feature or too many, one twice, or a window that a mass cannot count.
        """
        if not 0 < len(set(self.features)) == len(self.features) <= MAX_FEATURES:
            raise ValueError(f"a cohort takes 1 to {MAX_FEATURES} features, each once")
        if not 1 < self.window <= MAX_WINDOW:
            raise ValueError(f"a cohort's window is 2 to {MAX_WINDOW} rows")


class Cohort(Struct, frozen=True, array_like=True, tag=18):
    """What the members of a group do.

    Attributes:
        since: First hour learned.
        learned: How many rows.
        features: Names of the features, in order.
        levels: Of log(1 + amount), for each feature.
        made: Checksum of the trees without their masses.
        counter: Rows of the window that runs.
        masses: Of every node of every tree: rows of this window, and of the last.
    """

    since: _Hour = 0
    learned: Natural = 0
    features: Annotated[tuple[str, ...], Meta(max_length=MAX_FEATURES)] = ()
    levels: Annotated[tuple[Level, ...], Meta(max_length=MAX_FEATURES)] = ()
    made: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    counter: Annotated[int, Meta(ge=0, le=MAX_WINDOW)] = 0
    masses: Annotated[bytes, Meta(max_length=MAX_MASSES)] = b""


class Trees:
    """A cohort's trees, built from its state; for one thread. That costs milliseconds: work on many rows at a time."""

    __slots__ = ("_config", "_learned", "_levels", "_made", "_masses", "_model", "_nodes", "_since", "is_anew")

    def __init__(self, state: Cohort, config: CohortConfig) -> None:
        """Build the trees and put the masses back.

        Args:
            state: What was learned.
            config: What the trees are like. When they are not those of the state, `is_anew` says so, and they have
                learned nothing.
        """
        self._config = config
        self._model, self._made = _built(config)
        self._nodes = nodes = list(_nodes(self._model))
        fits = (state.features, state.made) == (config.features, self._made)
        fits = fits and len(state.masses) == 2 * len(nodes) and len(state.levels) == len(config.features)
        self.is_anew = bool(state.learned) and not fits
        kept = state if fits else Cohort(levels=(Level(),) * len(config.features), masses=bytes(2 * len(nodes)))
        self._since, self._learned, self._levels = kept.since, kept.learned, kept.levels
        if kept.learned >= config.window:
            _end_first_window(self._model, config)
        self._model.counter = min(kept.counter, config.window - 1)
        for place, node in enumerate(nodes):
            node.place = 2 * place
            node.l_mass, node.r_mass = kept.masses[node.place : node.place + 2]
        self._masses = bytearray(kept.masses)

    @property
    def state(self) -> Cohort:
        """Return what was learned."""
        names, counter = self._config.features, self._model.counter
        return Cohort(self._since, self._learned, names, self._levels, self._made, counter, bytes(self._masses))

    def score(self, amounts: Mapping[str, int]) -> float:
        """Score a member's hour: 0 where most rows are, more where few are; 0 while the first window runs.

        It is no probability: the decimal logarithm of how much denser the densest place could be.
        """
        return self._scored(self._row(amounts))

    def learn(self, members: Sequence[Mapping[str, int]], hour: int) -> None:
        """Learn the same closed hour of one or more members: amounts of each by feature, 0 for what is missing."""
        for row in [self._row(amounts) for amounts in members]:
            self._model.learn_one(row)
            if self._model.counter:
                self._note(row)
            else:  # a window has ended, and all masses have changed
                self._masses = bytearray(min(mass, MAX_WINDOW) for both in map(_MASSES, self._nodes) for mass in both)
        salt = hour * MAX_FEATURES + self._learned
        self._levels = tuple(
            taught_all(
                level, [log_of(one.get(name, 0)) for one in members], self._config.most, LEAST_SCALE, salt + place
            )
            for place, (name, level) in enumerate(self._named())
        )
        self._since = self._since if self._learned else held_hour(hour)
        self._learned = min(self._learned + len(members), LARGEST)

    def finding(self, amounts: Mapping[str, int]) -> Finding:
        """Put the score of a member's hour into words: what would be usual instead makes it less strange by so much."""
        reasons = self.because(amounts)[:REASONS]
        usual = {name: amount_of(level.mean / UNIT) for name, level in self._named()}
        return Finding(
            model=NAME,
            score=self.score(amounts),
            expected="the hours of peers: " + ", ".join(f"{one.name} about {usual[one.name]:,}" for one in reasons),
            seen=", ".join(f"{one.name} {held_amount(amounts.get(one.name, 0)):,}" for one in reasons)
            + " in the same hour",
            since=self._since * HOUR_MS,
            learned=self._learned,
            because=reasons,
            by_peers=True,
        )

    def because(self, amounts: Mapping[str, int]) -> tuple[Reason, ...]:
        """Return the share of each feature in the score, the largest first: what is left out when it is made usual."""
        row = self._row(amounts)
        whole = self._scored(row)
        drops = {name: max(0.0, whole - self._scored({**row, name: 0.0})) for name in row}
        total = sum(drops.values())
        reasons = [Reason(name, drop / total) for name, drop in drops.items() if drop > 0]
        return tuple(sorted(reasons, key=lambda reason: (-reason.share, reason.name)))

    def _note(self, row: Mapping[str, float]) -> None:
        """Write down the masses that a row has changed: those on its way through each tree."""
        masses, height = self._masses, self._config.height
        for node in self._model.trees:
            for _ in range(height):
                masses[node.place] = min(node.l_mass, MAX_WINDOW)
                node = node.children[row[node.feature] >= node.threshold]  # noqa: PLW2901  # it walks down
            masses[node.place] = min(node.l_mass, MAX_WINDOW)

    def _scored(self, row: dict[str, float]) -> float:
        config = self._config
        most = 2 ** (config.height + 1) - 1
        density = (1 - self._model.score_one(row)) * most
        return max(0.0, log10(most / max(density, 1e-3))) if density < most else 0.0

    def _row(self, amounts: Mapping[str, int]) -> dict[str, float]:
        """Return amounts from 0, which is what is usual and what is less, to 1: too much is what trees shall part."""
        return {name: _scaled(log_of(amounts.get(name, 0)), level) for name, level in self._named()}

    def _named(self) -> Iterator[tuple[str, Level]]:
        return zip(self._config.features, self._levels, strict=True)


def _scaled(number: float, level: Level) -> float:
    above = max(0.0, number - level.mean / UNIT) / scale_of(level, LEAST_SCALE)
    return 2 / pi * atan(above / HALF_WAY)


def _built(config: CohortConfig) -> tuple[Any, int]:
    """Build trees of a seed, and return the checksum of what they are like."""
    from river.anomaly import HalfSpaceTrees  # with scipy and pandas it takes a second, and few processes need it

    model: Any = HalfSpaceTrees(  # its methods have no types
        n_trees=config.trees, height=config.height, window_size=config.window, seed=config.seed
    )
    model.learn_one(dict.fromkeys(config.features, 0.5))
    made = crc32(repr(config).encode())
    for node in _nodes(model):
        made = crc32(f"{getattr(node, 'feature', '')}:{getattr(node, 'threshold', 0.0):.9f};".encode(), made)
    return model, made


def _end_first_window(model: Any, config: CohortConfig) -> None:
    """Bring a model behind its first window, in which it scores nothing."""
    model.counter = config.window - 1
    model.learn_one(dict.fromkeys(config.features, 0.5))


def _nodes(model: Any) -> Iterator[Any]:
    return (node for tree in model.trees for node in tree.iter_dfs())
