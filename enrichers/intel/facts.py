"""What is said of indicators beside their values, each saying once, and compact: there are millions of them."""

from __future__ import annotations

from array import array
from typing import Any, Final

import numpy as np
import pyarrow as pa

from enrichers.intel.indicator import Indicator

RECENT: Final = 65_536
CHUNK: Final = 65_536
LABEL_JOINT: Final = "\x1f"
_NUMBERS: Final = {
    "valid_from": ("q", np.int64),
    "valid_until": ("q", np.int64),
    "modified": ("q", np.int64),
    "confidence": ("B", np.uint8),
    "source": ("H", np.uint16),
}
_TEXTS: Final = ("id", "name", "labels")


class Facts:
    """Collect sayings, and give each a number."""

    def __init__(self) -> None:
        self._numbers = {name: array(code) for name, (code, _) in _NUMBERS.items()}
        self._texts: list[tuple[str, str, str]] = []
        self._packed: list[list[pa.Array]] = [[pa.array([], pa.large_string()) for _ in _TEXTS]]
        self._recent: dict[tuple[Any, ...], int] = {}
        self._count = 0

    def number(self, said: Indicator, source: int) -> int:
        """Return the number of a saying; the same has two when too many others came between."""
        key = (
            *(said.valid_from, said.valid_until, said.modified, said.confidence, source),
            *(said.id, said.name, said.labels),
        )
        known = self._recent.get(key)
        return self._new(key) if known is None else known

    def _new(self, key: tuple[Any, ...]) -> int:
        if len(self._recent) >= RECENT:
            self._recent.clear()
        self._recent[key] = self._count
        for column, value in zip(self._numbers.values(), key, strict=False):
            column.append(value)
        self._texts.append((key[-3], key[-2], LABEL_JOINT.join(key[-1])))
        if len(self._texts) >= CHUNK:
            self._pack()
        self._count += 1
        return self._count - 1

    def _pack(self) -> None:
        columns = zip(*self._texts, strict=True)
        self._packed.append([pa.array(column, pa.large_string()) for column in columns])
        self._texts.clear()

    def numbers_of(self, name: str) -> Any:
        """Return one of the columns of numbers, as a numpy array over the very memory."""
        kind = _NUMBERS[name][1]
        return np.frombuffer(self._numbers[name], kind) if self._count else np.empty(0, kind)

    def columns(self) -> dict[str, pa.Array]:
        """Return all columns for the file."""
        if self._texts:
            self._pack()
        texts = [pa.concat_arrays(parts) for parts in zip(*self._packed, strict=True)]
        return {name: pa.array(self.numbers_of(name)) for name in _NUMBERS} | dict(zip(_TEXTS, texts, strict=True))
