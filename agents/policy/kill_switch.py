"""The kill switch as a file: while it is there, nothing is done. Anybody on call can make one, without a tool."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agents.policy.policy import Policy


def is_thrown(path: Path | None) -> bool:
    """Tell whether the file is there; it counts as there when that cannot be told."""
    if path is None:
        return False
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def with_switch(policy: Policy, path: Path | None) -> Policy:
    """Return the policy as it is, stopped when the file is there: looked at before each decision."""
    return replace(policy, kill_switch=True) if is_thrown(path) else policy
