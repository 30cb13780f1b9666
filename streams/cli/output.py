"""Machine output of the commands."""

from __future__ import annotations

import click
import orjson


def print_json(value: object) -> None:
    """Print one JSON document, indented."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
