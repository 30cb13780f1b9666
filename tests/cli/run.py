"""Run the `braid` command in this process, as a shell would see it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner

from streams.cli import main


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def braid(*arguments: object, **settings: str) -> Ran:
    """Run one command; settings are BRAID_ variables, and no others are set. Compiled rules are not kept."""
    ambient: dict[str, str | None] = {name: None for name in os.environ if name.startswith("BRAID_")}
    ambient["BRAID_CACHE_DIR"] = ""
    env = {**ambient, **{f"BRAID_{name.upper()}": value for name, value in settings.items()}}
    with CliRunner().isolation(env=env) as (out, err, _):
        code = _code([str(argument) for argument in arguments])
        return Ran(code, out.getvalue().decode(), err.getvalue().decode())


def _code(arguments: list[str]) -> int:
    try:
        main(arguments)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else -1
    raise AssertionError("the command did not exit")
