"""Play a simulated organization through sources, enrichment and the profile stage, with all of it or parts left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, get_args

from msgspec import structs

from models.errors import ConfigError, InvalidRecord
from models.feature import MINUTE_MS, Delta
from models.records import DeadLetter
from streams.config import Settings, load_settings
from streams.enrichment import make_chain
from streams.profile import ledger
from streams.profile.detector import Detector, Model
from streams.profile.detectors import DETECTORS
from streams.profile.engine import Profiler
from streams.profile.ledger import Ledger
from streams.profile.outputs import Observation, Output, Raised, Withheld
from streams.profile.progress import GROUPS, PLACES
from streams.profile.reports import source_of
from streams.profile.settings import ProfileSettings
from streams.profile.states import is_group
from streams.replay.anomalies import Anomalies
from streams.replay.deltas import Deltas
from streams.replay.inputs import read_file
from streams.rulebook import Rulebook
from streams.sources.registry import SOURCES
from streams.stage import build_stages
from streams.topics import partition_for
from tests.benchmarks.anomalies_judge import DAY_MS, Said

PEERS: Final = "peers"  # left out: every entity has itself as its only peer
MODELS: Final[tuple[str, ...]] = (*get_args(Model), PEERS)
WHOLE: Final = ""  # nothing is left out
DAY_MINUTES: Final = DAY_MS // MINUTE_MS
Minute = tuple[int, list[Delta]]


@dataclass(frozen=True, slots=True)
class Lane:
    """What is judged together, as partitions of the profile stage do."""

    partition: int
    name: str


@dataclass(slots=True)
class Heard:
    """What was told with one selection of detectors.

    Attributes:
        settings: With what is left out.
        said: What was told.
        withheld: What the budget had no room for.
        ledgers: Its own, by lane.
    """

    settings: ProfileSettings
    said: list[Said] = field(default_factory=list)
    withheld: list[Said] = field(default_factory=list)
    ledgers: dict[Lane, Ledger] = field(default_factory=dict)

    def judge(self, lane: Lane, end: int, key: str, observations: list[Observation]) -> list[Output]:
        """Judge what was observed when a key closed, as the stage would with these settings."""
        before = self.ledgers.get(lane, Ledger())
        self.ledgers[lane], outputs = ledger.judged(before, end, key, observations, self.settings)
        for out in outputs:
            if isinstance(out, Raised):
                self.said.append(_said(out, end))
            elif isinstance(out, Withheld):
                self.withheld.append(_said(out, end))
        return outputs


class ManyJudges(Profiler):
    """A profiler whose observations several selections of detectors judge, each with a budget of its own.

    No model learns from what is told, so that what they observe is the same whatever is left out, and one play does.
    """

    __slots__ = ("heard",)

    def __init__(self, heard: Mapping[str, Heard]) -> None:
        """Begin; `heard` has each selection by name, WHOLE among them: that is the one that others go on with."""
        super().__init__(heard[WHOLE].settings)
        self.heard = heard

    def judge(
        self, state: Ledger, end: int, key: str, observations: Iterable[Observation]
    ) -> tuple[Ledger, list[Output]]:
        """Let everybody judge; the state of the caller is not needed and stays."""
        seen = list(observations)
        lane = _lane(key, seen, self.heard[WHOLE].settings.partitions)
        outputs = {name: one.judge(lane, end, key, seen) for name, one in self.heard.items()}
        return state, outputs[WHOLE]


def _lane(key: str, observations: list[Observation], partitions: int) -> Lane:
    encoded = key.encode()
    if is_group(encoded):
        name = GROUPS + source_of(key)
    else:
        first = observations[0]
        name = PLACES if DETECTORS[first.detector].model == "travel" else first.source
    return Lane(partition_for(encoded, partitions), name)


def _said(out: Raised | Withheld, end: int) -> Said:
    signal = out.signal
    known, detector = end + SOURCES[signal.event.source].delay_ms, _BY_ANALYTIC[signal.analytic.uid].name
    return Said(signal.time, known, str(signal.entities[0]), detector, str(signal.fields["feature"]))


def named(rate: float) -> str:
    """Name a rate that is had beside that of the settings."""
    return f"rate {rate:g}"


def detectors_of(model: str) -> frozenset[str]:
    """Return the names of the detectors by one kind of model."""
    return frozenset(name for name, one in DETECTORS.items() if one.model == model)


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one organization.

    Attributes:
        heard: What was told, by what was left out or by the name of a rate; WHOLE for the settings themselves.
        active: Entities with the days (since 1970, UTC) on which there was anything of them.
    """

    heard: Mapping[str, Heard]
    active: frozenset[tuple[str, int]]


def play(deltas: Deltas, settings: ProfileSettings, left_out: Iterable[str], rates: Iterable[float] = ()) -> Run:
    """Play what was counted.

    Args:
        deltas: Of all events.
        settings: Of the profile stage.
        left_out: Kinds of models (of MODELS), to leave out one at a time.
        rates: To have beside that of the settings, with nothing left out.
    """
    names = tuple(left_out)
    without = {name: detectors_of(name) | settings.without for name in names if name != PEERS}
    heard = {WHOLE: Heard(settings)}
    heard |= {name: Heard(replace(settings, without=some)) for name, some in without.items()}
    heard |= {named(rate): Heard(replace(settings, rate=rate)) for rate in rates}
    active: set[tuple[str, int]] = set()
    Anomalies(ManyJudges(heard)).play(_noted(deltas.by_minute(), active))
    if PEERS in names:
        heard[PEERS] = Heard(settings)
        minutes = ((at, list(map(alone, some))) for at, some in deltas.by_minute())
        Anomalies(ManyJudges({WHOLE: heard[PEERS]})).play(minutes)
    return Run(heard, frozenset(active))


def _noted(minutes: Iterable[Minute], active: set[tuple[str, int]]) -> Iterator[Minute]:
    for at, some in minutes:
        active.update((delta.entity, at // DAY_MINUTES) for delta in some)
        yield at, some


def alone(delta: Delta) -> Delta:
    """Return a delta of an entity that is its own only peer."""
    return structs.replace(delta, peers=delta.entity)


def settings_for(folder: Path) -> Settings:
    """Return default settings with the tables of a simulated organization."""
    tables = {"identities": "identities.csv", "assets": "assets.csv", "geo_databases": "geo.mmdb"}
    return load_settings(**{setting: (folder / name,) for setting, name in tables.items()})


def counted(folder: Path) -> Deltas:
    """Read the records of a simulated organization and count what they say of behaviour. The caller closes it.

    Rules are left out: no anomaly comes from them.

    Raises:
        ConfigError: When a table or file cannot be read.
        InvalidRecord: When a record cannot be parsed: the figures would be of something else.
    """
    stages = build_stages(Rulebook((), (), ()), enrichment=make_chain(settings_for(folder)))
    deltas = Deltas()
    for path, source in _files(folder):
        for item in read_file(path, SOURCES[source]):
            if isinstance(item, DeadLetter):
                raise InvalidRecord(f"{path}: {item}")
            for result in stages.ingest.process(*item):
                if result.event is None:
                    raise InvalidRecord(f"{path}: {result.dead}")
                deltas.add(result.event)
    return deltas


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    found = [path for path in sorted(folder.glob("*.ndjson")) if path.stem in SOURCES]
    if not found:
        raise ConfigError(f"{folder}: no organization of tests.simulation")
    return ((path, path.stem) for path in found)


_BY_ANALYTIC: Final[Mapping[str, Detector]] = {one.analytic.uid: one for one in DETECTORS.values()}
