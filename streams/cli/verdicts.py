"""`braid verdicts`: what the investigation found."""

from __future__ import annotations

import click

from agents.privacy.clean import clean
from agents.report import report
from models import ocsf
from models.errors import InvalidRecord
from models.verdict import VERDICTS, Verdict
from models.verdict_ocsf import verdict_from_ocsf, verdict_to_ocsf
from streams.cli import board
from streams.cli.board import JSON
from streams.cli.kafka import coming_values
from streams.cli.output import print_json
from streams.config import load_settings
from streams.topics import rfc3339


@click.group()
def verdicts() -> None:
    """What the investigation found."""


@verdicts.command("tail")
@click.option("--from-beginning", is_flag=True, help="Start with the oldest verdict, not with the next one.")
@click.option("--max", "limit", type=click.IntRange(min=1), help="Stop after this many.")
@click.option("--idle", type=float, help="Stop when nothing came for this many seconds (default: never).")
@click.option("--json", "as_json", is_flag=True, help="Print each verdict as its OCSF record, a line each.")
def verdicts_tail(*, from_beginning: bool, limit: int | None, idle: float | None, as_json: bool) -> None:
    """Print verdicts as they come."""
    for number, value in enumerate(coming_values(load_settings(), "verdicts", idle, from_beginning=from_beginning), 1):
        click.echo(value.decode("utf-8", "replace") if as_json else _verdict_line(value))
        if number == limit:
            break


@verdicts.command("show")
@click.argument("verdict")
@click.option("--report", "as_report", is_flag=True, help="Print the whole report, as Markdown.")
@JSON
def verdicts_show(*, verdict: str, as_report: bool, as_json: bool) -> None:
    """Show a verdict as it stands, with its actions."""
    with board.standing() as (_, kept):
        found = board.known_verdict(kept, verdict)
        known = [one for one in kept.board.actions.values() if one.action.verdict_uid == verdict]
    proposed = [one.action for one in known if one.action.sequence_revision == found.sequence_revision]
    if as_json:
        print_json({"verdict": verdict_to_ocsf(found), "actions": [board.action_json(one) for one in known]})
    elif as_report:
        click.echo(report(found, proposed), nl=False)
    else:
        click.echo(_line(found))
        for line in found.summary.splitlines():
            click.echo(clean(line))
        for action in proposed:
            click.echo(board.action_line(action))


def _verdict_line(value: bytes) -> str:
    try:
        verdict = verdict_from_ocsf(ocsf.decode(value))
    except (InvalidRecord, ValueError) as error:
        return f"unreadable: {error}"
    if not isinstance(verdict, Verdict):
        return f"{rfc3339(verdict.time)}  {verdict.uid}  withdrawn on {verdict.group}"
    return _line(verdict)


def _line(verdict: Verdict) -> str:
    kind = f"{VERDICTS[verdict.verdict_id]} ({verdict.confidence})"
    return f"{rfc3339(verdict.time)}  {verdict.uid}  {kind}  {verdict.group}: {verdict.title}"
