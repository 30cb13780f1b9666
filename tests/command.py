"""Run the braid command as a person would: a process of its own, a terminal of fixed width, no settings but ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

COLUMNS: Final = 100  # what the README shows is this wide
WAIT_S: Final = 120
_COLOURS: Final = ("FORCE_COLOR", "NO_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE")


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment without what changes an output, with these settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("BRAID_") and name not in _COLOURS}
    return own | {"COLUMNS": str(COLUMNS), "PYTHONUTF8": "1", "BRAID_CACHE_DIR": ""} | settings


def braid(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `braid ARGUMENTS` to its end, in whatever way it ends."""
    return subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", "streams.cli", *map(str, arguments)],
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )


def output_of(*arguments: str | Path, **settings: str) -> str:
    """Return what `braid ARGUMENTS` prints; fail when it does not end well."""
    done = braid(*arguments, **settings)
    assert done.returncode == 0, f"braid {' '.join(map(str, arguments))}: {done.stderr}{done.stdout}"
    return done.stdout
