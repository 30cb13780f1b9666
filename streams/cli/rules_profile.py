"""`braid rules profile`: what each rule costs on recorded telemetry."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import click

from streams.cli.output import print_json
from streams.cli.progress import reading
from streams.cli.rulebooks import AUTO, JSON, PATHS, SOURCE, print_table, sound_detections
from streams.config import load_settings
from streams.detect.engine import Detector
from streams.detect.matching.meter import Cost, Meter
from streams.rulecheck.telemetry import Counts, events_of_files
from streams.sources.registry import source_named

SHOWN: Final = 20
HEADER: Final = ("us/event", "ms in all", "tried", "fired", "events", "rule")


@click.command("profile")
@PATHS
@click.option("--on", multiple=True, required=True, type=click.Path(exists=True, path_type=Path), help="Telemetry.")
@click.option("--budget", type=float, help="Microseconds per event that a rule may take; BRAID_RULE_BUDGET_US.")
@SOURCE
@JSON
def rules_profile(
    *, paths: tuple[Path, ...], on: tuple[Path, ...], budget: float | None, source: str, as_json: bool
) -> int:
    """Measure what each rule costs on recorded telemetry.

    PATHS are rule files and directories; without them, the configured ones are measured. Say --on for each file or
    directory of telemetry. Shown are microseconds per event of the rule's log source, beyond what all rules share.
    Exits 1 when a rule is over its budget, and names it.
    """
    settings = load_settings()
    limit = settings.rule_budget_us if budget is None else budget
    meter, counts = Meter(time.perf_counter_ns), Counts()
    detector = Detector(sound_detections(paths), meter=meter)
    forced = None if source == AUTO else source_named(source)
    events = matches = spent_ns = 0
    with reading() as tell:
        for event in events_of_files(on, forced, settings, counts, tell):
            began = time.perf_counter_ns()
            matches += len(detector.match(event).matches)
            spent_ns += time.perf_counter_ns() - began
            events += 1
    costs = meter.costs()
    over = [cost.rule.uid for cost in meter.over(limit)]
    if as_json:
        shared = {"events": events, "matches": matches, "us_per_event": round(spent_ns / 1000 / max(1, events), 2)}
        print_json({**shared, "budget_us": limit, "over_budget": over, "rules": [_plain(cost) for cost in costs]})
    else:
        _tell(
            costs,
            over,
            limit,
            f"{events:,} events, {matches:,} matches, {spent_ns / 1000 / max(1, events):.1f} us each",
        )
    return 1 if over else 0


def _tell(costs: list[Cost], over: list[str], limit: float, summary: str) -> None:
    rows = [
        (
            f"{cost.us_per_event:.3f}",
            f"{cost.spent_ns / 1e6:.1f}",
            *map(str, (cost.tried, cost.fired, cost.events)),
            cost.rule.title,
        )
        for cost in costs[:SHOWN]
    ]
    print_table(HEADER, rows, HEADER[:-1])
    click.echo(f"\n{summary}; {len(costs)} rules had to be tried, the others were ruled out by the scan")
    for cost in costs:
        if cost.rule.uid in over:
            told = f"{cost.rule.title} ({cost.rule.path}): {cost.us_per_event:.3f}"
            click.echo(f"over the budget of {limit:g} us per event: {told}")


def _plain(cost: Cost) -> dict[str, object]:
    rule = cost.rule
    return {
        "id": rule.uid,
        "title": rule.title,
        "path": rule.path,
        "us_per_event": round(cost.us_per_event, 4),
        "spent_ms": round(cost.spent_ns / 1e6, 3),
        "tried": cost.tried,
        "fired": cost.fired,
        "events": cost.events,
    }
