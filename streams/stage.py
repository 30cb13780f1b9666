"""The compiled stages of one set of settings: what the shells (workers and replay) share."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass

from streams.clock import ClockOffsets, contexts
from streams.correlate.engine import Correlator
from streams.detect.engine import Detector
from streams.ingest import Ingest
from streams.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Stages:
    """The pure stages, made from one rulebook."""

    rulebook: Rulebook
    ingest: Ingest
    correlator: Correlator


def build_stages(
    rulebook: Rulebook, clock_offsets: Iterable[str] = (), time_zones: Iterable[str] = (), log_year: int = 0
) -> Stages:
    """Make the stages of one rulebook and of the settings of these names; raise ConfigError when one makes no sense."""
    correlator = Correlator(rulebook.correlations)
    ingest = Ingest(
        Detector(rulebook.detections),
        correlator.router,
        ClockOffsets.parse(clock_offsets),
        contexts(time_zones, log_year),
    )
    gc.collect()
    gc.freeze()  # rules live as long as the process: the collector need not walk them again and again
    return Stages(rulebook, ingest, correlator)
