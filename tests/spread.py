"""The order of a run: files that wait for a Kafka stand among those that compute.

Run side by side, whole files at a time, a process that waits leaves its core to one that does not. In the order of
names all that waits would come together, at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import pytest

FIRST: Final = 0.8  # of a run: the part that files which wait are spread over, so that none is left over in the end
Item = TypeVar("Item")


def woven(many: Sequence[Item], few: Sequence[Item]) -> Iterator[Item]:
    """Yield many, with few evenly among the first of them, each in its order."""
    step = max(len(many) * FIRST / max(len(few), 1), 1.0)
    given = 0
    for place, one in enumerate(many):
        while given < len(few) and given * step <= place:
            yield few[given]
            given += 1
        yield one
    yield from few[given:]


@pytest.hookimpl(trylast=True)  # once it is known which tests there are, and which of them wait
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the tests into order, those of one file together."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waits = {path: any(item.get_closest_marker("broker") for item in some) for path, some in files.items()}
    order = woven([path for path in files if not waits[path]], [path for path in files if waits[path]])
    items[:] = [item for path in order for item in files[path]]
