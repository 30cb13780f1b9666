"""`braid approvals`: what people decide on actions that wait."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.keys import make_keys
from streams.cli.output import print_json


@click.group()
def approvals() -> None:
    """Decisions of people on actions."""


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
