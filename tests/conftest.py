"""What all tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ("tests.broker", "tests.spread")

REPO = Path(__file__).resolve().parent.parent
SHARED = REPO.parent / "shared"
LOOPBACK = ("127.", "::1", "::ffff:127.", "0.0.0.0", "localhost")  # noqa: S104  # nothing listens there, it is looked at


def stay_at_home(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse, for the whole process, to connect to anything but this machine: no test reaches a model, or anybody."""
    address = arguments[1] if event == "socket.connect" else None
    if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
        raise RuntimeError(f"a test would connect to {address[0]}")


sys.addaudithook(stay_at_home)

settings.register_profile("braid", deadline=None)  # a busy machine is no failure: no test asserts a time
settings.load_profile("braid")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of recorded telemetry; skip, and say so, where it is not there."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"left out: needs the recorded telemetry in {SHARED.name}/ beside the checkout")
    return SHARED
