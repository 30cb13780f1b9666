"""How far event time has come, over all sources and of those that a correlation depends on."""

from __future__ import annotations

from typing import Final, NamedTuple

from streams.correlate.spec import CorrelationSpec
from streams.correlate.watermark import Watermarks

LINK_HORIZON_MS: Final = 2 * 3_600_000  # a link's validity reaches at most this far back from the event that shows it


class Now(NamedTuple):
    """How far event time has come.

    Attributes:
        watermark: Event time (ms) before which nothing more is expected.
        marks: The same of each source, if that is known.
    """

    watermark: int
    marks: Watermarks | None = None

    def of(self, spec: CorrelationSpec) -> int:
        """Return the event time (ms) before which nothing more is expected that would undo a condition."""
        return self.marks.of(spec.sources) if self.marks and spec.sources else self.watermark

    def unheard(self, spec: CorrelationSpec, time: int) -> tuple[str, ...]:
        """Return the sources that do not confirm what did not happen up to a time (ms)."""
        if self.marks is None or not spec.undecided:
            return ()
        known = self.marks.sources
        names = self.marks.unheard(spec.sources or known, time)
        heard = tuple(name for name in names if name in known)
        return heard if any(name in known for name in spec.sources or known) else names
