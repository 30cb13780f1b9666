"""`braid intel`: threat intelligence, from lists of many kinds to one table."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from enrichers.intel.builder import Builder, Built
from enrichers.intel.fetching import Fetched, Fetcher
from enrichers.intel.indicator import EMAIL, NETWORK, NEVER, Indicator, Rejected, Revoked
from enrichers.intel.reading import read
from enrichers.intel.sources import Source, read_sources
from enrichers.intel.table import IntelTable, Known
from enrichers.intel.times import time_ms
from enrichers.intel.values import guess
from enrichers.web import Limits, Web, new_client
from models.errors import ConfigError
from streams.cli.output import print_json
from streams.config import load_settings

SHOWN: Final = 20
KEPT: Final = 1000
EVERY: Final = 4096


@dataclass(slots=True)
class _Report:
    """What became of one list."""

    source: Source
    missing: str = ""
    as_of: int = 0
    indicators: int = 0
    revoked: int = 0
    rejected: int = 0
    first: list[Rejected] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Return what the table says of the list."""
        kept = f"; what it said until {_iso(self.as_of)} stands" if self.missing and self.as_of else ""
        about = {"format": self.source.format, "rejected": self.rejected}
        return {**about, "missing": self.missing + kept, "as_of": self.as_of}


@click.group()
def intel() -> None:
    """Threat intelligence: lists of indicators in one table."""


@intel.command("build")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The table to write.")
@click.option(
    "--copies", type=click.Path(file_okay=False, path_type=Path), help="Folder for fetched lists [OUT.lists]."
)
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def intel_build(sources: Sequence[str], out: Path, copies: Path | None, *, as_json: bool) -> int:
    """Build the indicator table of some lists; workers that use it take the new one up by themselves.

    SOURCE is a STIX bundle, a MISP feed, a CSV file, a plain list, the URL of one of these or of a TAXII server, with
    NAME= before it where the file's name is not what its indicators should say; or a .toml file that says more.

    A list that cannot be fetched keeps its last copy. The exit status is 1 when a list is not all there.
    """
    found = read_sources(sources)
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: no such folder")
    built_at = int(time.time() * 1000)
    with _progress() as bar:
        fetched = asyncio.run(_fetch(found, copies or out.with_name(f"{out.name}.lists"), built_at, bar))
        _refuse_loss(out, fetched)
        builder = Builder()
        reports = [_read(source, fetched[source.name], builder, built_at, bar) for source in found]
        task = bar.add_task("writing", total=None)
        built = builder.write(out, {report.source.name: report.told() for report in reports}, built_at)
        bar.remove_task(task)
    (_print_json if as_json else _print)(out, built, reports)
    return int(any(report.missing for report in reports))


@contextmanager
def _progress() -> Iterator[Progress]:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,}"))
    shown = Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal)
    with shown:
        yield shown


def _refuse_loss(out: Path, fetched: Mapping[str, Fetched]) -> None:
    """Raise ConfigError where a new table would lack a list that the old one has: one that failed, without a copy."""
    try:
        old = {source["name"] for source in IntelTable(out).about.sources if source.get("indicators")}
    except ConfigError:  # there is none, or none that is of use
        return
    lost = [f"{name}: {one.missing}" for name, one in fetched.items() if one.missing and not one.path and name in old]
    if lost:
        raise ConfigError(
            f"{out}: kept as it is, since a new one would lack what could not be fetched: {'; '.join(lost)}"
        )


async def _fetch(sources: Sequence[Source], folder: Path, now: int, bar: Progress) -> dict[str, Fetched]:
    limits = Limits()
    remote = [source for source in sources if source.is_remote]
    task = bar.add_task("fetching", total=len(remote), visible=bool(remote))
    async with new_client(limits) as client:
        fetcher = Fetcher(Web(client, limits, random.SystemRandom().random), folder, os.environ, now)

        async def fetch(source: Source) -> Fetched:
            found = await fetcher.fetch(source)
            bar.advance(task, int(source.is_remote))
            return found

        fetched = await asyncio.gather(*map(fetch, sources))
    bar.remove_task(task)
    return {source.name: one for source, one in zip(sources, fetched, strict=True)}


def _read(source: Source, fetched: Fetched, builder: Builder, read_at: int, bar: Progress) -> _Report:
    report = _Report(source, fetched.missing, fetched.as_of)
    if fetched.path is None:
        return report
    task = bar.add_task(f"reading {source.name}", total=None)
    for said in read(source, fetched.path, fetched.as_of or read_at):
        if isinstance(said, Indicator):
            builder.add(said)
            report.indicators += 1
            if not report.indicators % EVERY:
                bar.update(task, completed=report.indicators)
        elif isinstance(said, Revoked):
            builder.take_back(said)
            report.revoked += 1
        else:
            _note(report, said)
    bar.remove_task(task)
    return report


def _note(report: _Report, said: Rejected) -> None:
    report.rejected += 1
    if len(report.first) < KEPT:
        report.first.append(said)
    if said.ends:
        report.missing = report.missing or said.reason


def _print(out: Path, built: Built, reports: Sequence[_Report]) -> None:
    for report in reports:
        click.echo(f"{report.source.name}: {report.indicators:,} indicators, {report.rejected:,} left out")
        if report.missing:
            click.echo(f"  missing: {report.missing}", err=True)
        for said in report.first[:SHOWN]:
            click.echo(f"  {said}", err=True)
        if report.rejected > SHOWN:
            click.echo(f"  ... and {report.rejected - SHOWN:,} more (--json tells {KEPT:,})", err=True)
    size = f"{built.size_bytes / 1e6:,.1f} MB"
    click.echo(f"{out}: {built.indicators:,} indicators, {size}; {built.superseded:,} were said anew")


def _print_json(out: Path, built: Built, reports: Sequence[_Report]) -> None:
    sources = [
        {
            "name": report.source.name,
            "format": report.source.format,
            "indicators": report.indicators,
            "revoked": report.revoked,
            "rejected": report.rejected,
            "missing": report.missing,
            "as_of": report.as_of,
            "problems": [{"where": said.where, "id": said.id, "reason": said.reason} for said in report.first],
        }
        for report in reports
    ]
    print_json({"table": str(out), **built._asdict(), "sources": sources})


@intel.command("lookup")
@click.argument("value")
@click.option("--table", type=click.Path(dir_okay=False, path_type=Path), help="The table [BRAID_INTEL].")
@click.option("--at", metavar="TIME", help="Only what is valid at this time, ISO 8601.")
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def intel_lookup(value: str, table: Path | None, at: str | None, *, as_json: bool) -> int:
    """Tell what the lists say of an address, domain, URL, hash, e-mail address or JA3; exit status 1 for nothing."""
    path = table or load_settings().intel
    if path is None:
        raise ConfigError("no table: name one with --table or BRAID_INTEL")
    when = time_ms(at) if at else None
    if at and when is None:
        raise ConfigError(f"--at {at}: not a time in ISO 8601")
    kinds = _asked(value)
    opened = IntelTable(path)
    found = [known for kind, text in kinds for known in opened.find(kind, text)]
    standing = [known for known in found if when is None or known.holds_at(when)]
    if as_json:
        print_json([asdict(known) for known in standing])
    else:
        click.echo("\n".join(map(_line, standing)) or f"{value}: nothing")
    return int(not standing)


def _asked(value: str) -> list[tuple[str, str]]:
    try:
        kind, text = guess(value)
    except ValueError as error:
        raise ConfigError(f"{value}: {error}") from error
    if kind == NETWORK:
        raise ConfigError(f"{value}: ask for an address of the network")
    more = {"hash": [("ja3", text)], EMAIL: [("domain", text.rpartition("@")[2])]}
    return [(kind, text), *more.get(kind, [])]


def _line(known: Known) -> str:
    until = "" if known.valid_until == NEVER else f" until {_iso(known.valid_until)}"
    since = f" from {_iso(known.valid_from)}" if known.valid_from else ""
    about = ", ".join(filter(None, (known.name, *known.labels, known.id)))
    says = f"{known.source}, confidence {known.confidence}{since}{until}"
    return f"{known.kind} {known.value} ({known.how}): {says} {about}".rstrip()


def _iso(time_value: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time_value / 1000))
