"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ("tests.broker",)

REPO = Path(__file__).resolve().parent.parent
SHARED = REPO.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of recorded telemetry; skip, and say so, where it is not there."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"left out: needs the recorded telemetry in {SHARED.name}/ beside the checkout")
    return SHARED
