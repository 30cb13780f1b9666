"""`braid feedback`: an analyst's word on a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import click

from models.feedback import Feedback
from models.verdict import VERDICTS
from streams import wire
from streams.cli import board
from streams.cli.board import BY, JSON, REASON
from streams.cli.output import print_json

WORDS: Final = {name.lower().replace(" ", "_"): number for number, name in VERDICTS.items()}


@click.command()
@click.argument("verdict")
@click.option("--set", "word", type=click.Choice(list(WORDS)), required=True, help="What the verdict should say.")
@REASON
@BY
@click.option("--key", help="Your private key, file:PATH or env:NAME; left out where the policy asks for none.")
@JSON
def feedback(*, verdict: str, word: str, reason: str, by: str, key: str | None, as_json: bool) -> None:
    """Correct VERDICT as it stands now, or confirm it by setting what it says already.

    The correction becomes the next revision of the verdict, stops actions on it that have not run, and teaches the
    confidence of verdicts to come.
    """
    signer = board.signing_key(key) if key else None
    with board.standing() as (settings, kept):
        seen = board.known_verdict(kept, verdict)
        revisions = seen.sequence_revision, seen.revision
        correction = board.made(lambda: Feedback(verdict, *revisions, WORDS[word], by, reason, board.now_ms()))
        if signer:
            correction = replace(correction, signature=signer.sign(board.made(lambda: correction.content)))
        board.send(settings, wire.feedback_message(correction))
    if as_json:
        names = ("verdict_uid", "sequence_revision", "verdict_revision", "verdict_id", "by")
        print_json({name: getattr(correction, name) for name in names})
        return
    click.echo(f"sent: {VERDICTS[correction.verdict_id]} on verdict {verdict} by {by}; see: braid verdicts show")
