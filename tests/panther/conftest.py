"""What the tests of imports share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder for Panther files, with `out` in it once they are imported."""
    return tmp_path
