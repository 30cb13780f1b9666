"""What the `braid rules` commands print, as the documents show it: on the rules and the demo that come with Braid."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.command import WAIT_S, environment
from tests.conftest import REPO

WRONG: Final = """\
title: Encoded command
id: 0b8d1a0c-55f5-4d8e-9a3c-2f6d1f0f7a11
status: test
level: medium
logsource: {product: windows, category: process_creation}
detection:
  encoded: {ComandLine|contains: ' -enc '}
  condition: encoded
---
title: Sign-in from a gateway
id: 0b8d1a0c-55f5-4d8e-9a3c-2f6d1f0f7a12
status: test
level: low
logsource: {product: okta, service: system}
detection:
  sign_in: {eventType: user.session.start}
  condition: sign_in
"""
BARE: Final = "streams/rules/network/http_to_bare_address.yml"


def _told(folder: Path, *arguments: str) -> str:
    """Return a command and what it prints, as a console block; how it ends is for other tests."""
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", "streams.cli", "rules", *arguments],
        cwd=folder,
        env=environment(PYTHONPATH=str(REPO)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return f"$ braid rules {' '.join(arguments)}\n{done.stdout}{done.stderr}".rstrip()


def _block(*parts: str) -> str:
    return "\n".join(("```text", *parts, "```"))


def check() -> str:
    """Return what `rules check` says of a folder with two doubtful rules."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "my-rules").mkdir()
        (Path(folder) / "my-rules" / "new.yml").write_text(WRONG, "utf-8")
        return _block(_told(Path(folder), "check", "my-rules"))


def explain() -> str:
    """Return why a rule of the pack does not fire on a record of the demo."""
    return _block(_told(REPO, "explain", BARE, "streams/demo/zeek.ndjson", "--line", "31"))


def backtest() -> str:
    """Return what some rules of the pack find in the demo."""
    return _block(_told(REPO, "backtest", "streams/rules/network", "--on", "streams/demo"))


def coverage() -> str:
    """Return the table of what the pack covers."""
    whole = _told(REPO, "coverage", "streams/rules").splitlines()
    return _block(*whole[: whole.index("")], "...", whole[-1])
