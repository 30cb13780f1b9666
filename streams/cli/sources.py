"""`braid sources`: the telemetry Braid reads."""

from __future__ import annotations

import click

from models import ocsf
from streams.cli.output import print_json
from streams.sources.base import Source
from streams.sources.registry import SOURCES


@click.group()
def sources() -> None:
    """The telemetry Braid reads."""


@sources.command("list")
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def sources_list(*, as_json: bool) -> None:
    """List every source: topic, shippers, OCSF classes, entities."""
    rows = [
        {
            "name": source.name,
            "title": source.title,
            "topic": source.topic,
            "shippers": list(source.shippers),
            "classes": list(source.classes),
            "entities": list(source.entities),
            "delay_ms": source.delay_ms,
        }
        for source in SOURCES.values()
    ]
    if as_json:
        print_json(rows)
        return
    click.echo("\n\n".join(_told(source) for source in SOURCES.values()))


def _told(source: Source) -> str:
    classes = "any" if set(source.classes) == ocsf.CLASSES.keys() else ", ".join(map(str, source.classes))
    facts = {
        "topic": source.topic,
        "shippers": ", ".join(source.shippers),
        "OCSF classes": classes,
        "entities": ", ".join(source.entities),
        "usual delay": f"{source.delay_ms // 60_000} min",
    }
    return "\n".join((f"{source.name}: {source.title}", *(f"  {name:13} {fact}" for name, fact in facts.items())))
