"""`braid audit replay`: repeat an investigation from its journal, and see whether it leads to the same verdict."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import click

from agents.investigate.again import Repeated, other_versions, repeat
from agents.investigate.journal import Entry
from agents.investigate.steps import JournalDiffers
from agents.investigation import name_of
from models import ocsf
from models.errors import ConfigError, InvalidRecord
from models.verdict import VERDICTS, Verdict
from models.verdict_ocsf import verdict_from_ocsf
from streams import lake
from streams.cli.audit import audit
from streams.cli.output import print_json
from streams.cli.progress import reading
from streams.config import Settings, load_settings
from streams.investigating import means_to_repeat
from streams.lake_store import LakeStore
from streams.topics import JOURNAL
from streams.wire import step_from_json

EVERY = 1000


@audit.command("replay")
@click.argument("verdict")
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def audit_replay(*, verdict: str, as_json: bool) -> int:
    """Repeat the investigation behind VERDICT (its uid) from the journal; no model is asked.

    Exits with 1 when it leads to another verdict, or cannot be repeated, and says why.
    """
    settings = load_settings()
    standing = _verdict(settings, verdict)
    found = name_of(standing.sequence_uid, standing.sequence_revision)
    entries, means, then = _entries(settings, found), means_to_repeat(settings), standing.reasoning.versions
    others = other_versions(then, means.versions((then.model,)))
    try:
        repeated = asyncio.run(repeat(entries, LakeStore(settings.lake), means))
    except (InvalidRecord, JournalDiffers) as error:
        why = "; ".join((str(error), *others))
        return _tell({"verdict": verdict, "same": False, "why": why}, f"{verdict} cannot be repeated: {why}", as_json)
    return _tell(_json(verdict, repeated), _words(verdict, repeated, others), as_json)


def _tell(value: dict[str, Any], words: str, as_json: bool) -> int:  # what the option says
    if as_json:
        print_json(value)
    else:
        click.echo(words)
    return 0 if value["same"] else 1


def _verdict(settings: Settings, uid: str) -> Verdict:
    """Return a verdict of the lake by its uid."""
    rows = LakeStore(settings.lake).standing(lake.VERDICTS, [uid]).rows
    standing = verdict_from_ocsf(ocsf.decode(rows[0])) if rows else None
    if not isinstance(standing, Verdict):
        raise ConfigError(f"{uid}: no verdict of this uid stands in the lake {settings.lake}")
    if not standing.reasoning.versions.prompt:
        raise ConfigError(f"{uid}: no model was to take part in this verdict, so there is no journal of it")
    return standing


def _entries(settings: Settings, investigation: str) -> dict[str, tuple[Entry, ...]]:
    """Return the steps of each attempt at an investigation, from the topic."""
    found: dict[str, dict[int, Entry]] = defaultdict(dict)
    with reading() as tell:
        for number, (name, value) in enumerate(_steps(settings), 1):
            if name.partition("-")[0] == investigation:
                entry = step_from_json(value)
                found[name].setdefault(entry.number, entry)
            if number % EVERY == 0:
                tell("the journal", number)
    return {name: tuple(steps[number] for number in sorted(steps)) for name, steps in found.items()}


def _steps(settings: Settings) -> Iterator[tuple[str, bytes]]:
    from streams.cli.kafka import standing_records

    for key, value in standing_records(settings, JOURNAL.name):
        yield key.decode("utf-8", "replace"), value


def _json(uid: str, repeated: Repeated) -> dict[str, Any]:
    same = {"same": repeated.is_same, "expected": repeated.expected, "found": repeated.found}
    return {"verdict": uid, **same, "verdict_id": repeated.verdict.verdict_id}


def _words(uid: str, repeated: Repeated, others: tuple[str, ...]) -> str:
    if repeated.is_same:
        said = VERDICTS[repeated.verdict.verdict_id]
        return f"{uid}: the journal leads to the same verdict, byte for byte: {said}, {repeated.verdict.confidence}"
    why = "; ".join(others) or "all that it was made with is the same"
    return f"{uid}: the journal leads to another verdict ({repeated.found}, then {repeated.expected}): {why}"
