"""`braid replay` and `braid demo`: the path without a broker."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from agents.deterministic.investigator import DeterministicInvestigator
from agents.evidence.outside import Outside
from agents.evidence.toolbox import Budget
from models.errors import ConfigError
from models.records import DeadLetter, RawRecord
from streams.cli.loading import load_rules
from streams.cli.output import print_json
from streams.cli.progress import reading
from streams.cli.story import tell_story
from streams.config import Settings, load_settings
from streams.enrichment import make_chain
from streams.profile.configured import profile_settings
from streams.replay.inputs import Sourced, find_inputs, read_all
from streams.replay.run import Replay
from streams.sources.registry import source_named
from streams.stage import build_stages
from streams.topics import KEYED_PARTITIONS

DEMO: Final = "demo"


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--source", default="auto", show_default=True, help="Source of all records; auto tells by their shape.")
@click.option("--rules", multiple=True, type=click.Path(exists=True, path_type=Path), help="A further rule directory.")
@click.option("--no-default-rules", is_flag=True, help="Leave out the rule pack that comes with Braid.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Directory for the output files.")
@click.option(
    "--clock-offset",
    multiple=True,
    metavar="SOURCE=19h|host:NAME=19h",
    help="Add this to the event times of a source or a host whose clock is wrong.",
)
@click.option("--time-zone", multiple=True, metavar="SOURCE=ZONE", help="Zone of a source's times that name none.")
@click.option("--year", type=click.IntRange(1970, 2100), help="Year of times that name none (syslog).")
@click.option("--lookups", "asks_outside", is_flag=True, help="Ask the services of BRAID_LOOKUPS; else it is offline.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def replay(
    *,
    paths: tuple[Path, ...],
    source: str,
    rules: tuple[Path, ...],
    no_default_rules: bool,
    out: Path | None,
    clock_offset: tuple[str, ...],
    time_zone: tuple[str, ...],
    year: int | None,
    asks_outside: bool,
    as_json: bool,
) -> None:
    """Play recorded telemetry through the whole path.

    Needs no broker. PATHS are files and directories; .gz is read too. Writes events, signals, sequences, verdicts,
    actions, dead-letter, late and links as .ndjson, and summary.json, to --out.
    """
    settings = load_settings(
        rules=rules or None,
        default_rules=False if no_default_rules else None,
        clock_offsets=clock_offset or None,
        time_zones=time_zone or None,
        log_year=year,
    )
    forced = None if source == "auto" else source_named(source)
    inputs = find_inputs(paths)
    rulebook = load_rules(settings).sound()
    clocks = settings.clock_offsets, settings.time_zones, settings.log_year
    stages = build_stages(
        rulebook,
        *clocks,
        settings.flood_limit,
        enrichment=make_chain(settings),
        link_fanout=settings.link_fanout,
        profile=profile_settings(settings, KEYED_PARTITIONS),
    )
    with _outside(settings) if asks_outside else nullcontext() as outside, reading() as tell:
        records = read_all(inputs.files, forced, lambda path: tell(path.name))
        investigator = DeterministicInvestigator(Budget(lookup_seconds=settings.lookup_seconds), outside)
        replayed = Replay(stages, investigator, out)
        found = replayed.run(records, inputs.left_out, lambda number: tell(records=number))
    summary = found.summary(inputs.left_out)
    if as_json:
        print_json(summary)
        return
    for path, reason in inputs.left_out:
        click.echo(f"left out: {path}: {reason}", err=True)
    tell_story(Console(), found)
    if out:
        click.echo(f"written to {out}")


def _outside(settings: Settings) -> AbstractContextManager[Outside | None]:
    """Open the services outside; raise ConfigError when the settings name none."""
    from enrichers.lookups.client import Clocks
    from streams.lookups import open_lookups

    if not settings.lookups:
        raise ConfigError("--lookups: BRAID_LOOKUPS names no service to ask")
    clocks = Clocks(lambda: time.time_ns() // 1_000_000, time.monotonic)
    return open_lookups(settings, os.environ, clocks, lambda problem: click.echo(problem, err=True))


def _anywhere(item: Sourced | DeadLetter, folder: Path) -> Sourced | DeadLetter:
    """Name a bundled file without the folder it is installed in, which would show in the coordinates of evidence."""
    if isinstance(item, DeadLetter):
        return replace(item, record=_under_demo(item.record, folder))
    source, record = item
    return source, _under_demo(record, folder)


def _under_demo(record: RawRecord, folder: Path) -> RawRecord:
    topic = Path(DEMO, Path(record.at.topic).relative_to(folder)).as_posix()
    return replace(record, at=replace(record.at, topic=topic))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Keep the output files there.")
def demo(*, as_json: bool, out: Path | None) -> None:
    """Play a bundled attack through the real path.

    Needs no broker, no key and no network.
    """
    began = time.perf_counter()
    stages = build_stages(load_rules(load_settings()).sound())
    with as_file(files("streams") / DEMO) as folder:
        inputs = find_inputs([folder])
        records = (_anywhere(item, folder) for item in read_all(inputs.files, None, lambda _: None))
        found = Replay(stages, DeterministicInvestigator(), out).run(records, (), lambda _: None)
    if as_json:
        print_json(found.summary(()))
        return
    tell_story(Console(), found)
    click.echo(f"{time.perf_counter() - began:.1f} s. Play your own: braid replay PATH...   On Kafka: make up")
