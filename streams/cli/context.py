"""`braid context`: bring the tables of assets and identities to Kafka."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any, Final

import click
from confluent_kafka import KafkaError
from confluent_kafka import Message as KafkaMessage

from enrichers.context.enricher import ContextEnricher
from enrichers.context.fetching import Asking
from enrichers.context.fields import KINDS, Kind
from enrichers.context.known import Known
from enrichers.context.loading import Tables, load_tables
from models.errors import ConfigError, KafkaUnavailable
from streams.cli.output import print_json
from streams.config import Settings, load_settings
from streams.context_topics import record_message, tombstone
from streams.wire import Message
from streams.workers import clients
from streams.workers.context import ContextTopics
from streams.workers.reaching import reach

READ_SECONDS: Final = 120.0
MAX_SHARED_SHOWN: Final = 20
_TABLE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def context() -> None:
    """What is known of assets and identities."""


@context.command("load")
@click.option(
    "--assets", multiple=True, type=_TABLE, help="Table of assets (.csv .json .ndjson) or description (.toml)."
)
@click.option("--identities", multiple=True, type=_TABLE, help="The same of identities.")
@click.option("--replace", is_flag=True, help="Remove what is on the topics and not in these tables.")
@click.option("--dry-run", is_flag=True, help="Read and check the tables only; needs no broker.")
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def context_load(
    *, assets: tuple[Path, ...], identities: tuple[Path, ...], replace: bool, dry_run: bool, as_json: bool
) -> None:
    """Load tables of assets and identities onto their topics.

    Workers that run take them up within seconds. A description (TOML) says which column is which field, and may name
    an HTTP API to fetch from. Everything wrong with the tables is told at once, and then nothing is loaded.
    """
    if not (assets or identities):
        raise ConfigError("nothing to load: give --assets or --identities")
    with Asking(random.SystemRandom().random) as asking:
        tables = load_tables(assets, identities, asking)
    given: dict[Kind, bool] = {"assets": bool(assets), "identities": bool(identities)}
    kinds = tuple(kind for kind in KINDS if given[kind])
    removed = {} if dry_run else _load(load_settings(), tables, kinds, replace=replace)
    shared = ContextEnricher(tables.assets, tables.identities).shared
    found: dict[str, Any] = {
        "assets": len(tables.assets),
        "identities": len(tables.identities),
        "removed": removed,
        "shared_names": len(shared),
        "loaded": not dry_run,
    }
    if as_json:
        print_json(found | {"shared": list(shared)})
        return
    _tell(found, shared)


def _tell(found: dict[str, Any], shared: tuple[str, ...]) -> None:
    done = "loaded" if found["loaded"] else "read, and not loaded"
    click.echo(f"{found['assets']} assets and {found['identities']} identities {done}")
    for kind, count in found["removed"].items():
        click.echo(f"{count} {kind} removed")
    if shared:
        more = ", ..." if len(shared) > MAX_SHARED_SHOWN else ""
        names = ", ".join(shared[:MAX_SHARED_SHOWN]) + more
        click.echo(f"{len(shared)} names that several records have, and that find none of them: {names}", err=True)


def _load(settings: Settings, tables: Tables, kinds: tuple[Kind, ...], *, replace: bool) -> dict[str, int]:
    """Produce all records, and tombstones for those that are gone; return how many of these by kind."""
    reach(settings, clients.Stop())
    topics = ContextTopics(settings, kinds)
    try:
        if not topics.read_through(READ_SECONDS):
            raise KafkaUnavailable(topics.problem)
        uids = {kind: {record.uid.encode() for record in _records(tables, kind)} for kind in kinds}
        gone = {kind: sorted(topics.keys(kind) - uids[kind]) if replace else [] for kind in kinds}
    finally:
        topics.close()
    now_ms = time.time_ns() // 1_000_000
    records = (record for kind in kinds for record in _records(tables, kind))
    tombstones = (tombstone(kind, key, now_ms) for kind in kinds for key in gone[kind])
    _produce(settings, chain((record_message(record, now_ms) for record in records), tombstones))
    return {kind: len(keys) for kind, keys in gone.items() if keys}


def _records(tables: Tables, kind: Kind) -> Iterable[Known]:
    return tables.assets if kind == "assets" else tables.identities


def _produce(settings: Settings, messages: Iterable[Message]) -> None:
    """Produce and wait for every acknowledgement; raise KafkaUnavailable with the first refusal."""
    refused: list[str] = []

    def told(error: KafkaError | None, _: KafkaMessage) -> None:
        if error is not None and not refused:
            refused.append(error.str())

    producer = clients.producer(settings, "context")
    for message in messages:
        clients.produce(producer, settings.topic_prefix, message, told)
    clients.flush(producer)
    if refused:
        raise KafkaUnavailable(f"not everything was loaded: {refused[0]}")
