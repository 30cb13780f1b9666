"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ("tests.broker",)

REPO = Path(__file__).resolve().parent.parent
SHARED = REPO.parent / "shared"

settings.register_profile("braid", deadline=None)  # a busy machine is no failure: no test asserts a time
settings.load_profile("braid")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of recorded telemetry; skip, and say so, where it is not there."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"left out: needs the recorded telemetry in {SHARED.name}/ beside the checkout")
    return SHARED
