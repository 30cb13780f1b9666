"""`braid rules coverage`: what the rules cover of ATT&CK."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click
import orjson

from agents.text import plain
from models.errors import ConfigError
from streams.cli.output import print_json
from streams.cli.progress import reading
from streams.cli.rulebooks import AUTO, JSON, PATHS, SOURCE, print_table, sound_detections
from streams.config import load_settings
from streams.rulecheck.attack import Technique, attack
from streams.rulecheck.coverage import Coverage, Covered, Shows, by_tactic, measure, observed, of_all_sources, seen_in
from streams.rulecheck.layer import layer
from streams.rulecheck.logsources import spelled
from streams.rulecheck.telemetry import Counts, events_of_files, events_of_lake
from streams.sources.registry import source_named

HEADER: Final = ("tactic", "techniques", "with a rule", "rules", "telemetry, no rule", "rules, no telemetry")
LAYER_NAME: Final = "Braid rules"


@click.command("coverage")
@PATHS
@click.option("--layer", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write a Navigator layer there.")
@click.option(
    "--from", "from_", multiple=True, type=click.Path(exists=True, path_type=Path), help="Files with your telemetry."
)
@click.option("--lake", type=click.Path(file_okay=False, path_type=Path), help="The lake with your telemetry.")
@SOURCE
@JSON
def rules_coverage(
    *,
    paths: tuple[Path, ...],
    out: Path | None,
    from_: tuple[Path, ...],
    lake: Path | None,
    source: str,
    as_json: bool,
) -> None:
    """Measure what rules cover of MITRE ATT&CK.

    PATHS are rule files and directories; without them, the configured ones are measured. Lists techniques that the
    telemetry can show and no rule looks for, and techniques whose rules have no telemetry. Telemetry is what --from or
    --lake holds; without them, what all sources of Braid can produce.
    """
    if from_ and lake:
        raise click.UsageError("say either --from or --lake, not both")
    found = measure(sound_detections(paths), _shows(from_, lake, source), attack())
    if out:
        _write(out, layer(found, LAYER_NAME))
    if as_json:
        print_json(_json(found, "observed" if from_ or lake else "all sources"))
        return
    _tell(found)
    if out:
        click.echo(f"layer written to {out}")


def _shows(from_: tuple[Path, ...], lake: Path | None, source: str) -> Shows:
    if not (from_ or lake):
        return of_all_sources()
    with reading() as tell:
        if lake:
            return observed(seen_in(events_of_lake(lake, Counts(), tell)))
        forced = None if source == AUTO else source_named(source)
        return observed(seen_in(events_of_files(from_, forced, load_settings(), Counts(), tell)))


def _write(path: Path, value: dict[str, Any]) -> None:
    try:
        path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error


def _json(found: Coverage, telemetry: str) -> dict[str, Any]:
    return {
        "attack_version": found.attack.version,
        "attack_source": found.attack.source,
        "telemetry": telemetry,
        "rules": found.rules,
        "rules_without_technique": found.untagged,
        "tactics": [dict(zip(HEADER, row, strict=True)) for row in by_tactic(found)],
        "covered": [_covered(one) for one in found.covered.values()],
        "telemetry_without_rule": [_gap(one) for one in found.gaps],
        "rules_without_telemetry": [one.uid for one in found.blind],
        "not_judged": [one.uid for one in found.unjudged],
        "unknown": list(found.unknown),
    }


def _covered(one: Covered) -> dict[str, Any]:
    return {
        "technique": one.uid,
        "name": one.name,
        "tactics": list(one.tactics),
        "rules": [{"id": rule.uid, "title": rule.title} for rule in one.rules],
        "rules_with_telemetry": one.seeing,
    }


def _gap(one: Technique) -> dict[str, Any]:
    return {
        "technique": one.uid,
        "name": one.name,
        "tactics": list(one.tactics),
        "seen_in": [spelled(logsource) for logsource in one.logsources],
    }


def _tell(found: Coverage) -> None:
    print_table(HEADER, ((row[0], *map(str, row[1:])) for row in by_tactic(found)), HEADER[1:])
    _list("telemetry, but no rule", ((one.uid, one.name) for one in found.gaps))
    _list("rules, but no telemetry", ((one.uid, f"{one.name} ({_logsources(one)})") for one in found.blind))
    if found.unknown:
        click.echo(f"\nnot in ATT&CK {found.attack.version}: {', '.join(found.unknown)}")
    click.echo(
        f"\n{found.rules} rules, {found.untagged} without a technique; {len(found.covered)} techniques covered, "
        f"{len(found.gaps)} with telemetry and no rule, {len(found.blind)} with rules and no telemetry, "
        f"{len(found.unjudged)} without a rule and not judged"
    )


def _logsources(one: Covered) -> str:
    return "; ".join(dict.fromkeys(spelled(rule.logsource) for rule in one.rules))


def _list(title: str, lines: Iterable[tuple[str, str]]) -> None:
    told = [f"  {uid:10} {plain(what)}" for uid, what in lines]
    if told:
        click.echo("\n".join(("", f"{title}:", *told)))
