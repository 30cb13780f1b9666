"""`braid entities`: what is known to be one actor, when and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import click

from models.entity import EntityKey, EntityLink
from models.errors import ConfigError, InvalidRecord
from streams.cli.output import print_json
from streams.config import Settings, load_settings
from streams.neighbours import Neighbour, neighbours
from streams.sources.times import from_any
from streams.topics import rfc3339
from streams.wire import link_from_json

LINKS: Final = "links.ndjson"


@click.group()
def entities() -> None:
    """Who is who: users, hosts, addresses, workloads, sessions."""


@entities.command("show")
@click.argument("key")
@click.option("--at", "moment", help="Only links that hold then: 2026-09-22T12:00:00Z, or milliseconds.")
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path, exists=True),
    help="Folder that `braid replay --out` wrote, or its links.ndjson; else the topic entity-links is read.",
)
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def entities_show(*, key: str, moment: str | None, folder: Path | None, as_json: bool) -> int:
    """Show what KEY (user:alice@example.com, ip:192.0.2.7) is linked to: when, why, how surely, and who said so.

    Exits with 1 when there is no link.
    """
    entity, at = _entity(key), _time(moment)
    settings = load_settings()
    found = neighbours(
        lambda: _links_in(folder) if folder else _links_on(settings), str(entity), at, settings.link_fanout
    )
    if as_json:
        print_json([_row(one) for one in found])
    else:
        click.echo("\n".join(_told(entity, at, found)))
    return 0 if found else 1


def _entity(key: str) -> EntityKey:
    """Read a key as it is typed: names are compared in lower case."""
    try:
        return EntityKey.parse(key.strip().lower())
    except InvalidRecord as error:
        raise ConfigError(f"KEY {key!r}: {error}; it is written like user:alice@example.com or ip:192.0.2.7") from error


def _time(text: str | None) -> int | None:
    if text is None:
        return None
    time = int(text) if text.isascii() and text.isdigit() and len(text) == 13 else from_any(text)  # noqa: PLR2004  # digits of milliseconds since 1970, from 2001 to 2286
    if time is None:
        raise ConfigError(f"--at {text!r}: no time; write 2026-09-22T12:00:00Z, or milliseconds since 1970")
    return time


def _links_in(path: Path) -> Iterator[EntityLink]:
    file = path / LINKS if path.is_dir() else path
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                yield _link(line, f"{file}:{number}")
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; `braid replay --out` writes it") from error


def _link(line: bytes, where: str) -> EntityLink:
    try:
        return link_from_json(line)
    except InvalidRecord as error:
        raise ConfigError(f"{where}: {error}") from error


def _links_on(settings: Settings) -> Iterator[EntityLink]:
    """Yield the links of the topic up to its end; what cannot be read there went to `dead-letter` already."""
    from streams.cli.kafka import standing_values

    for value in standing_values(settings, "entity-links"):
        try:
            yield link_from_json(value)
        except InvalidRecord:
            continue


def _row(one: Neighbour) -> dict[str, Any]:
    link = one.link
    return {
        "entity": one.entity,
        "valid_from": link.valid_from,
        "valid_to": link.valid_to,
        "confidence": link.confidence,
        "source": link.source,
        "evidence": link.evidence,
        "fans_out": not one.shared,
        "why_not": one.shared,
        "uid": link.uid,
    }


def _told(entity: EntityKey, at: int | None, found: Iterable[Neighbour]) -> Iterator[str]:
    listed = list(found)
    when = f" at {rfc3339(at)}" if at is not None else ""
    yield f"{entity}: {len(listed)} links{when}" if listed else f"{entity}: no link{when}"
    for one in listed:
        link = one.link
        span = f"{rfc3339(link.valid_from)[:19]} to {rfc3339(link.valid_to)[:19]}"
        shared = f"  shared: {one.shared}" if one.shared else ""
        said = f"confidence {link.confidence:3}  {link.source}, event {link.evidence}"
        yield f"  {span}  {one.entity}  {said}{shared}"
