"""How good the anomaly models are: behaviours found, time to find them, and false anomalies; and with each left out.

`python -m tests.benchmarks.anomalies`. A simulated organization (`tests.simulation`) has ordinary weeks and, in the
last one, twenty behaviours of attackers, each in three strengths. Its raw records go through sources, enrichment and
profile stage as in a replay, at default settings. No rule takes part.

A behaviour is found when an anomaly is told of an entity that it is about, or shows at, while it goes on or within two
hours after; "as meant" when the anomaly is of a feature that is meant to show it. An anomaly of such an entity up to a
day later is an echo, neither found nor false. All others are false; they are counted after the days of the warm-up, per
entity and day on which there was anything of it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Final

import click
from rich import box
from rich.console import Console
from rich.table import Table

from streams.config import load_settings
from streams.profile.configured import profile_settings
from streams.profile.settings import ProfileSettings
from streams.topics import KEYED_PARTITIONS
from tests.benchmarks.anomalies_judge import (
    Found,
    Verdict,
    by,
    false_by_detector,
    judge,
    median_minutes,
    pooled,
    read_truth,
)
from tests.benchmarks.anomalies_play import MODELS, WHOLE, counted, play
from tests.simulation.__main__ import main as simulate
from tests.simulation.behaviours.scene import STRENGTHS

SCALE: Final = 0.2
WEEKS: Final = 3
MOST_NAMED: Final = 3  # detectors of one behaviour
PRINTED: Final = 240  # characters a line
Verdicts = dict[str, Verdict]  # by what was left out, or the name of a rate


def measure(folder: Path, settings: ProfileSettings, left_out: Iterable[str], rates: Iterable[float] = ()) -> Verdicts:
    """Play one simulated organization and judge it: all, each of these kinds of models left out, and at other rates."""
    truth = read_truth(folder / "truth.json")
    with closing(counted(folder)) as deltas:
        run = play(deltas, settings, left_out, rates)
    return {
        name: judge(truth, heard.said, run.active, settings.warmup_days, heard.withheld)
        for name, heard in run.heard.items()
    }


def figures(verdict: Verdict) -> dict[str, Any]:
    """Return the figures of a verdict by name, for JSON."""
    behaviours = by(verdict.found, lambda one: one.played.name)
    strengths = by(verdict.found, lambda one: one.played.strength)
    return {
        **_rates(verdict.found),
        "false_per_entity_and_day": verdict.false_of_entity_day,
        "false_per_day": verdict.false_of_day,
        "false": len(verdict.false),
        "false_by_detector": false_by_detector(verdict),
        "false_of_the_first_day": verdict.fresh,
        "false_of_the_last_week": verdict.recent,
        "echoes": len(verdict.late),
        "false_in_warm_up": verdict.early,
        "withheld": verdict.withheld,
        "entity_days": verdict.entity_days,
        "by_strength": {name: _rates(found) for name, found in strengths.items()},
        "by_behaviour": {name: _behaviour(found) for name, found in behaviours.items()},
    }


def _rates(found: Sequence[Found]) -> dict[str, Any]:
    return {
        "played": len(found),
        "found": sum(bool(one.hits) for one in found),
        "found_as_meant": sum(one.is_meant for one in found),
        "minutes_to_the_event": median_minutes(found, lambda one: one.shown_after_ms),
        "minutes_to_tell": median_minutes(found, lambda one: one.told_after_ms),
    }


def _behaviour(found: Sequence[Found]) -> dict[str, Any]:
    strengths = by(found, lambda one: one.played.strength)
    return {
        **_rates(found),
        "found_by_strength": {name: sum(bool(one.hits) for one in some) for name, some in strengths.items()},
        "played_by_strength": {name: len(some) for name, some in strengths.items()},
        "withheld": sum(one.is_withheld for one in found),
        "by_detector": dict(Counter(name for one in found for name in {hit.detector for hit in one.hits})),
    }


def tables(verdicts: Mapping[str, Verdict]) -> Iterator[Table]:
    """Yield tables for people, as Markdown has them."""
    whole = verdicts[WHOLE]
    yield _of_behaviours(whole)
    yield _of_strengths(whole)
    yield _of_false(whole)
    left_out = {name or "nothing": verdict for name, verdict in verdicts.items() if name in (WHOLE, *MODELS)}
    if len(left_out) > 1:
        yield _compared("left out", left_out)
    rates = {name or "as set": verdict for name, verdict in verdicts.items() if name not in MODELS}
    if len(rates) > 1:
        yield _compared("rate", rates)


def _table(what: str) -> Table:
    return Table(what, box=box.MARKDOWN)


def _of_behaviours(verdict: Verdict) -> Table:
    table = _table("behaviour")
    for name in (*STRENGTHS, "as meant", "withheld", "min to event", "min to tell"):
        table.add_column(name, justify="right")
    table.add_column("mostly by")
    for name, told in figures(verdict)["by_behaviour"].items():
        played, found = told["played_by_strength"], told["found_by_strength"]
        counts = (f"{found[one]}/{played[one]}" if one in played else "" for one in STRENGTHS)
        table.add_row(name, *counts, f"{told['found_as_meant']}/{told['played']}", *_more(told), _named(told))
    return table


def _more(told: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(told["withheld"] or ""), _minutes(told["minutes_to_the_event"]), _minutes(told["minutes_to_tell"])


def _named(told: Mapping[str, Any]) -> str:
    most = sorted(told["by_detector"].items(), key=lambda item: (-item[1], item[0]))[:MOST_NAMED]
    return ", ".join(name.removeprefix("anomaly_") for name, _ in most)


def _minutes(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _of_strengths(verdict: Verdict) -> Table:
    table = _table("strength")
    for name in ("found", "as meant", "min to event", "min to tell"):
        table.add_column(name, justify="right")
    groups = {**by(verdict.found, lambda one: one.played.strength), "all": verdict.found}
    for name, some in groups.items():
        told = _rates(some)
        rates = (f"{told[key]}/{told['played']}" for key in ("found", "found_as_meant"))
        table.add_row(name, *rates, _minutes(told["minutes_to_the_event"]), _minutes(told["minutes_to_tell"]))
    return table


def _of_false(verdict: Verdict) -> Table:
    table = _table(f"false, of {verdict.entity_days:,} days of entities")
    for name in ("number", "per entity and day", "a day"):
        table.add_column(name, justify="right")
    rows = {"all": len(verdict.false), **false_by_detector(verdict)}
    for name, count in rows.items():
        rate, daily = (count / of if of else 0.0 for of in (verdict.entity_days, verdict.days))
        table.add_row(name, str(count), f"{rate:.2g}", f"{daily:.1f}")
    beside = {
        "of the first day after the warm-up": verdict.fresh,
        "of the last week": verdict.recent,
        "echoes": len(verdict.late),
        "in the warm-up": verdict.early,
        "withheld by the budget": verdict.withheld,
    }
    for name, count in beside.items():
        table.add_row(name, str(count), "", "")
    return table


def _compared(what: str, verdicts: Mapping[str, Verdict]) -> Table:
    """Compare others with the first."""
    table = _table(what)
    for name in ("found", "as meant", "false per entity and day", "false a day"):
        table.add_column(name, justify="right")
    table.add_column("no longer found as meant")
    first = _missed(next(iter(verdicts.values())))
    for name, verdict in verdicts.items():
        lost = ", ".join(f"{behaviour} {count}" for behaviour, count in (_missed(verdict) - first).items())
        rates = f"{verdict.detected}/{len(verdict.found)}", f"{verdict.meant}/{len(verdict.found)}"
        table.add_row(name, *rates, f"{verdict.false_of_entity_day:.2g}", f"{verdict.false_of_day:.1f}", lost)
    return table


def _missed(verdict: Verdict) -> Counter[str]:
    return Counter(one.played.name for one in verdict.found if not one.is_meant)


@contextmanager
def organization(given: Path | None, *, seed: int, scale: float, weeks: int) -> Iterator[Path]:
    """Give a folder that was simulated before, or simulate one for as long as it is needed."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="braid-anomalies-") as folder:
        options = {"--seed": seed, "--scale": scale, "--weeks": weeks, "--out": folder}
        arguments = [str(part) for option in options.items() for part in option]
        Console(stderr=True).print(f"seed {seed}", highlight=False)
        with redirect_stdout(sys.stderr):
            simulate(arguments, standalone_mode=False)
        yield Path(folder)


@click.command()
@click.option("--seed", "seeds", multiple=True, default=(1,), show_default=True, help="Of an organization; several.")
@click.option("--scale", default=SCALE, show_default=True, help="Of 500 people, 800 hosts and 60 services.")
@click.option("--weeks", default=WEEKS, show_default=True, help="The last has the attackers.")
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="What tests.simulation has written before.")
@click.option("--rate", type=float, help="Instead of BRAID_ANOMALY_RATE.")
@click.option("--beside", "rates", multiple=True, type=float, help="A rate to compare with, also several.")
@click.option("--budget", type=int, help="Instead of BRAID_ANOMALY_BUDGET.")
@click.option("--ablate/--no-ablate", default=True, show_default=True, help="Whether to leave each kind of model out.")
@click.option("--json", "is_json", is_flag=True, help="Print the figures as JSON.")
def main(
    *,
    seeds: tuple[int, ...],
    scale: float,
    weeks: int,
    data: Path | None,
    rate: float | None,
    rates: tuple[float, ...],
    budget: int | None,
    ablate: bool,
    is_json: bool,
) -> None:
    """Print how good the anomaly models are."""
    settings = profile_settings(load_settings(anomaly_rate=rate, anomaly_budget=budget), KEYED_PARTITIONS)
    runs = list[Verdicts]()
    for seed in seeds if data is None else seeds[:1]:
        with organization(data, seed=seed, scale=scale, weeks=weeks) as folder:
            runs.append(measure(folder, settings, MODELS if ablate else (), rates))
    verdicts = {name: pooled(run[name] for run in runs) for name in runs[0]}
    if is_json:
        told = {name or "whole": figures(verdict) for name, verdict in verdicts.items()}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    console = Console(width=None if sys.stdout.isatty() else PRINTED)
    for table in tables(verdicts):
        console.print(table)


if __name__ == "__main__":
    main()
