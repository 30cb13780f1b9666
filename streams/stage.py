"""The compiled stages of one set of settings: what the shells (workers and replay) share."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from enrichers.chain import NO_ENRICHMENT, Chain
from streams.clock import ClockOffsets, contexts
from streams.correlate.engine import Correlator
from streams.correlate.fanout import LINK_FANOUT
from streams.detect.engine import Detector
from streams.detect.matching.meter import Meter
from streams.flood import FLOOD_LIMIT
from streams.ingest import Ingest
from streams.profile.engine import Profiler
from streams.profile.settings import DEFAULTS, ProfileSettings
from streams.rulebook import Rulebook

DEFAULT_PROFILER: Final = Profiler(DEFAULTS)


@dataclass(frozen=True, slots=True)
class Stages:
    """The pure stages, made from one rulebook.

    Attributes:
        rulebook: The rules.
        detector: What matches them, inside of `ingest`.
        ingest: From raw record to event, signals and links.
        correlator: From signals to sequences.
        meter: Counts what each rule costs, where somebody wants to know.
        profiler: From what entities do by the minute to anomalies.
    """

    rulebook: Rulebook
    detector: Detector
    ingest: Ingest
    correlator: Correlator
    meter: Meter | None = None
    profiler: Profiler = DEFAULT_PROFILER


def build_stages(
    rulebook: Rulebook,
    clock_offsets: Iterable[str] = (),
    time_zones: Iterable[str] = (),
    log_year: int = 0,
    flood_limit: int = FLOOD_LIMIT,
    meter: Meter | None = None,
    enrichment: Chain = NO_ENRICHMENT,
    link_fanout: int = LINK_FANOUT,
    profile: ProfileSettings = DEFAULTS,
) -> Stages:
    """Make the stages of one rulebook and of the settings of these names; raise ConfigError when one makes no sense."""
    correlator = Correlator(rulebook.correlations, flood_limit, link_fanout)
    detector = Detector(rulebook.detections, meter=meter)
    offsets = ClockOffsets.parse(clock_offsets)
    ingest = Ingest(detector, correlator.router, offsets, contexts(time_zones, log_year), enrichment)
    freeze_heap()
    return Stages(rulebook, detector, ingest, correlator, meter, Profiler(profile))


def freeze_heap() -> None:
    """Spare the collector what is there now: rules live long, and need not be walked again and again.

    What was frozen before, with rules that have been replaced, is looked at once more.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
