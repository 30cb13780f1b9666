"""`braid actions`: what was proposed and what became of it, and taking back what was done."""

from __future__ import annotations

import click

from models.action import ROLLING_BACK, TRANSITIONS
from models.approval import ROLLBACK
from models.errors import ConfigError
from streams import wire
from streams.cli import board
from streams.cli.approvals import signed, tell
from streams.cli.board import BY, JSON, KEY, REASON
from streams.cli.output import print_json


@click.group()
def actions() -> None:
    """Proposed actions, and what became of them."""


@actions.command("list")
@click.option("--status", type=click.Choice(list(TRANSITIONS)), help="Only those that stand so.")
@click.option("--verdict", help="Only those of this verdict.")
@JSON
def actions_list(*, status: str | None, verdict: str | None, as_json: bool) -> None:
    """List actions as they stand, the latest last."""
    with board.standing() as (_, kept):
        found = [
            known
            for known in kept.board.actions.values()
            if status in (None, known.action.status) and verdict in (None, known.action.verdict_uid)
        ]
    found.sort(key=lambda known: (max(known.since_ms, known.action.at), known.action.uid))
    if as_json:
        print_json([board.action_json(known) for known in found])
        return
    for known in found:
        click.echo(board.action_line(known.action))


@actions.command("rollback")
@click.argument("action")
@BY
@REASON
@KEY
@JSON
def actions_rollback(*, action: str, by: str, reason: str, key: str, as_json: bool) -> None:
    """Ask to take back an action that was carried out; respond checks who asks, and does it."""
    signer = board.signing_key(key)
    with board.standing() as (settings, kept):
        known = board.known_action(kept, action)
        if ROLLING_BACK not in TRANSITIONS[known.action.status]:
            raise ConfigError(f"ACTION: {action} is {known.action.status}, and there is nothing to take back")
        request = signed(known, ROLLBACK, by, reason, signer)
        board.send(settings, wire.approval_message(request))
    tell(request, as_json=as_json)
