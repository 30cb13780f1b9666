"""An organization's ordinary weeks, and attackers in the last: `python -m tests.simulation --out DIR`.

Writes one file of raw records a source, the tables that Braid enriches from, and what was injected. The same seed
writes the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.simulation.behaviours import BEHAVIOURS, Injection, inject
from tests.simulation.behaviours.scene import STRENGTHS, Strength
from tests.simulation.organization import Organization, make_organization
from tests.simulation.tables import write_tables
from tests.simulation.writing import write

ALL, NONE = "all", "none"
NAMES = tuple(behaviour.name for behaviour in BEHAVIOURS)
ENOUGH_PEOPLE = 100  # for three attackers of each kind


def wanted(inject_names: str) -> tuple[str, ...]:
    """Return the names of behaviours; raise BadParameter naming those there are when one is unknown."""
    if inject_names in (ALL, NONE):
        return NAMES if inject_names == ALL else ()
    names = tuple(name.strip() for name in inject_names.split(","))
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: unknown; there are {', '.join(NAMES)}", param_hint="--inject")
    return names


@click.command()
@click.option("--seed", default=1, show_default=True, help="The same seed writes the same bytes.")
@click.option("--weeks", default=3, show_default=True, type=click.IntRange(1, 12), help="The last has the attackers.")
@click.option("--users", default=500, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--hosts", default=800, show_default=True, type=click.IntRange(1, 20_000), help="Laptops and servers.")
@click.option("--services", default=60, show_default=True, type=click.IntRange(1, 1_000))
@click.option("--scale", default=1.0, show_default=True, type=click.FloatRange(0.01, 4), help="Of all three of these.")
@click.option("--inject", "inject_names", default=ALL, show_default=True, help="all, none, or names with commas.")
@click.option("--strength", multiple=True, type=click.Choice(STRENGTHS), help="All, where there are people enough.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
def main(
    *,
    seed: int,
    weeks: int,
    users: int,
    hosts: int,
    services: int,
    scale: float,
    inject_names: str,
    strength: tuple[str, ...],
    out: Path,
) -> None:
    """Make an organization and write what its sources log."""
    sizes = (round(number * scale) for number in (users, hosts, services))
    organization = make_organization(seed, weeks, *sizes)
    few: tuple[str, ...] = STRENGTHS if len(organization.people) >= ENOUGH_PEOPLE else ("plain",)
    strengths = cast("tuple[Strength, ...]", strength or few)
    injections = inject(organization, wanted(inject_names), strengths)
    out.mkdir(parents=True, exist_ok=True)
    counts = _write(organization, injections, out)
    write_tables(organization, injections, out)
    for name, count in counts.items():
        click.echo(f"{count:>10,} {name}")
    click.echo(f"{sum(counts.values()):>10,} records of {weeks} weeks, {len(injections)} behaviours: {out}")


def _write(organization: Organization, injections: tuple[Injection, ...], out: Path) -> dict[str, int]:
    console, written = Console(stderr=True), 0
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("writing", total=organization.days + 1)

        def tell(count: int) -> None:
            nonlocal written
            written += count
            bar.update(task, advance=1, description=f"{written:,} records")

        return write(organization, injections, out, tell)


if __name__ == "__main__":
    main()
