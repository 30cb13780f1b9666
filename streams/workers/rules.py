"""The rules that the ingest worker runs: the newest set, without those that raise too often."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from models.records import DeadLetter
from streams.config import Settings
from streams.detect.engine import Detector
from streams.detect.matching.meter import Meter
from streams.ingest import Ingest
from streams.rulebook import Rulebook
from streams.rulebook.quarantine import Quarantine
from streams.stage import Stages, build_stages
from streams.workers.clients import LOG
from streams.workers.health import Health
from streams.workers.reload import Reloader

DETECT: Final = "detect"  # the stage of the dead letters that rules leave
COST_SECONDS: Final = 60.0  # between two looks at what rules cost


class RunningRules:
    """Change the rules only between two batches."""

    def __init__(self, settings: Settings, health: Health) -> None:
        """Load the rules; raise ConfigError when a pipeline or another setting is wrong."""
        self._settings = settings
        self._health = health
        self._detector: Detector | None = None
        self._reloader: Reloader[Stages] = Reloader(settings, health, self._stages)
        loaded = self._reloader.load()
        self._rulebook: Rulebook = loaded.rulebook
        self._quarantine = Quarantine(settings.rule_failures)
        self._raised: list[str] = []
        self._made = loaded.made
        self._detector = loaded.made.detector
        self._looked = time.monotonic()
        self._told: set[str] = set()
        self._tell()

    @property
    def ingest(self) -> Ingest:
        """Return the stage that runs."""
        return self._made.ingest

    def start(self) -> None:
        """Begin to watch the rule files. For the main thread."""
        self._reloader.start()

    def close(self) -> None:
        """End watching."""
        self._reloader.close()

    def check(self) -> None:
        """Look for changed rules now, in this thread."""
        self._reloader.check(asked=True)

    def begin(self) -> None:
        """Begin a batch, with the new rules where there are some. What a batch that was given back left is dropped."""
        self._raised.clear()
        loaded = self._reloader.take()
        if loaded is not None:
            self._rulebook, self._made = loaded.rulebook, loaded.made
            self._detector = loaded.made.detector
            self._quarantine = self._quarantine.reloaded(loaded.rulebook)
            if self._quarantine.out:
                self._leave_out()
            self._tell()

    def observe(self, letters: Iterable[DeadLetter]) -> None:
        """Note the rules that raised."""
        self._raised.extend(letter.details.get("rule", "") for letter in letters if letter.stage == DETECT)

    def end(self) -> None:
        """End a batch that was committed: a rule that has now raised too often is left out from the next one on."""
        self._tell_of_costs()
        if not self._raised:
            return
        before = self._quarantine.out
        self._quarantine = self._quarantine.after(self._raised, self._rulebook)
        fresh = {edition.uid for edition in self._quarantine.out - before}
        for rule in self._rulebook.detections:
            if rule.uid in fresh:
                LOG.error(
                    "rule quarantined until its file changes: %s: %s (%s) raised on more than %d events",
                    *(rule.path, rule.title, rule.uid, self._quarantine.limit),
                )
        if fresh:
            self._leave_out()
            self._tell()

    def _leave_out(self) -> None:
        self._made = self._stages(self._quarantine.without(self._rulebook))

    def _tell(self) -> None:
        self._health.set(rules_quarantined=sorted(edition.uid for edition in self._quarantine.out))

    def _tell_of_costs(self) -> None:
        """Name the rules that cost more than they may, in the health endpoint and, once each, in the log."""
        meter, budget = self._made.meter, self._settings.rule_budget_us
        if meter is None or time.monotonic() - self._looked < COST_SECONDS:
            return
        self._looked = time.monotonic()
        over = list(meter.over(budget))
        for cost in over:
            if cost.rule.uid not in self._told:
                self._told.add(cost.rule.uid)
                about = cost.rule.path, cost.rule.title, cost.rule.uid, cost.us_per_event, budget
                LOG.warning("rule over its budget: %s: %s (%s) takes %.1f us per event, not %g", *about)
        self._health.set(rules_over_budget=sorted(cost.rule.uid for cost in over))

    def _stages(self, rulebook: Rulebook) -> Stages:
        """Make the stages of a rulebook, ready for the log sources that those at work have met."""
        settings = self._settings
        offsets, zones, meter = settings.clock_offsets, settings.time_zones, Meter(time.perf_counter_ns)
        made = build_stages(rulebook, offsets, zones, settings.log_year, settings.flood_limit, meter)
        if self._detector is not None:
            made.detector.prepare_like(self._detector)
        return made
