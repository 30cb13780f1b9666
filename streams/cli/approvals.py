"""`braid approvals`: what people decide on actions that wait."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from agents.policy.signing import SigningKey
from agents.text import moment, plain
from models.action import WAITING
from models.approval import APPROVE, DENY, Approval
from models.errors import ConfigError
from models.verdict import VERDICTS, Evidence, Verdict
from streams import wire
from streams.board import Known
from streams.cli import board
from streams.cli.board import BY, JSON, KEY, REASON
from streams.cli.keys import make_keys
from streams.cli.output import print_json
from streams.workers.board import KeptBoard

NONCE_BYTES: Final = 16


@click.group()
def approvals() -> None:
    """Decisions of people on actions."""


@approvals.command("list")
@JSON
def approvals_list(*, as_json: bool) -> None:
    """List the actions that wait for people, the next to expire first."""
    with board.standing() as (_, kept):
        waiting = sorted(_waiting(kept), key=lambda known: (known.action.terms.get("expires", ""), known.action.uid))
    if as_json:
        print_json([board.action_json(known) for known in waiting])
        return
    for known in waiting:
        terms = known.action.terms
        until = board.moment_of(terms.get("expires", ""))
        click.echo(f"{board.action_line(known.action)}  takes {plain(terms.get('approvals', '?'))}, until {until}")
    click.echo(f"{len(waiting)} waiting", err=True)


def _waiting(kept: KeptBoard) -> Iterator[Known]:
    return (known for known in kept.board.actions.values() if known.action.status == WAITING)


@approvals.command("show")
@click.argument("action")
@JSON
def approvals_show(*, action: str, as_json: bool) -> None:
    """Show an action: what would be done to whom, on what evidence, and what happens if nothing is done."""
    with board.standing() as (_, kept):
        known = board.known_action(kept, action)
        found = kept.verdict(known.action.verdict_uid)
        verdict = found if isinstance(found, Verdict) else None
        decisions = [approval for approval, _ in kept.approvals() if approval.action_uid == action]
    cited = [item for item in verdict.evidence if item.uid in known.action.evidence] if verdict else []
    if as_json:
        print_json(_shown(known, verdict, cited, decisions))
        return
    for line in _lines(known, verdict, cited, decisions):
        click.echo(line)


def _shown(known: Known, verdict: Verdict | None, cited: list[Evidence], decisions: list[Approval]) -> dict[str, Any]:
    names = ("decision", "by", "reason", "time", "action_revision")
    return {
        **board.action_json(known),
        "verdict": VERDICTS[verdict.verdict_id] if verdict else "",
        "evidence": [board.evidence_json(item) for item in cited],
        "decisions": [{name: getattr(one, name) for name in names} for one in decisions],
    }


def _lines(known: Known, verdict: Verdict | None, cited: list[Evidence], decisions: list[Approval]) -> Iterator[str]:
    action, terms = known.action, known.action.terms
    yield f"action:         {action.uid}, {action.status}" + (f" ({plain(action.why)})" if action.why else "")
    yield f"tool:           {action.kind}"
    yield f"parameters:     target {plain(str(action.target))}"
    yield f"why:            {plain(action.reason)}"
    if verdict is not None:
        yield f"verdict:        {VERDICTS[verdict.verdict_id]}, {verdict.confidence} of 100: {plain(verdict.title)}"
    if terms:
        yield f"blast radius:   {plain(terms.get('blast_radius', ''))}"
        yield f"taken back:     {plain(terms.get('rollback', ''))}"
        yield f"if nothing:     {plain(terms.get('if_nothing', ''))}"
        yield f"takes:          {plain(terms.get('approvals', ''))} of the roles {plain(terms.get('roles', ''))}"
        yield f"until:          {board.moment_of(terms.get('expires', ''))}; then nothing is done"
    for item in cited:
        where = f"{item.at.topic}/{item.at.partition}@{item.at.offset}"
        yield f"evidence:       {item.kind} of {moment(item.time)}, {plain(where)}, sha256 {item.sha256}"
    for one in decisions:
        yield f"said so far:    {one.decision} by {plain(one.by)}: {plain(one.reason)}"
    if action.detail:
        yield f"came out:       {plain(action.detail)}"


@approvals.command("approve")
@click.argument("action")
@BY
@REASON
@KEY
@JSON
def approvals_approve(*, action: str, by: str, reason: str, key: str, as_json: bool) -> None:
    """Agree to an action that waits, as it is shown now."""
    _decide(APPROVE, action, by, reason, key, as_json=as_json)


@approvals.command("deny")
@click.argument("action")
@BY
@REASON
@KEY
@JSON
def approvals_deny(*, action: str, by: str, reason: str, key: str, as_json: bool) -> None:
    """Refuse an action that waits; that outweighs all who agree."""
    _decide(DENY, action, by, reason, key, as_json=as_json)


def _decide(decision: str, action: str, by: str, reason: str, key: str, *, as_json: bool) -> None:
    signer = board.signing_key(key)
    with board.standing() as (settings, kept):
        known = board.known_action(kept, action)
        if known.action.status != WAITING:
            raise ConfigError(f"ACTION: {action} is {known.action.status}, and waits for nobody")
        approval = signed(known, decision, by, reason, signer)
        board.send(settings, wire.approval_message(approval))
    tell(approval, as_json=as_json)


def signed(known: Known, decision: str, by: str, reason: str, signer: SigningKey) -> Approval:
    """Return a person's decision on an action as it stands, signed; raise ConfigError when it cannot be."""
    nonce = secrets.token_hex(NONCE_BYTES)
    uid, revision = known.action.uid, known.action.revision
    unsigned = board.made(lambda: Approval(uid, revision, decision, by, reason, board.now_ms(), nonce))
    return replace(unsigned, signature=signer.sign(board.made(lambda: unsigned.content)))


def tell(approval: Approval, *, as_json: bool) -> None:
    """Say what was sent."""
    if as_json:
        names = ("action_uid", "action_revision", "decision", "by", "nonce")
        print_json({name: getattr(approval, name) for name in names})
        return
    click.echo(f"sent: {approval.decision} action {approval.action_uid} by {approval.by}; see: braid approvals show")


@approvals.command("keygen")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def approvals_keygen(*, file: Path, as_json: bool) -> None:
    """Make the keys that one person signs decisions with: the private one in FILE, the public one in FILE.pub.

    The private key stays with the person. The public one goes into the policy, under `keys` of that person.
    """
    public = make_keys(file)
    if as_json:
        print_json({"public_key": public.text, "fingerprint": public.fingerprint, "private_key": str(file)})
        return
    click.echo(f"public key: {public.text}")
    click.echo(f"private key: {file}; keep it to yourself", err=True)
