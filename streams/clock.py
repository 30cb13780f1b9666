"""Clocks that are wrong: a configured offset is added to the event time and written down on the event."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from models.errors import ConfigError
from models.event import Event

HOST_PREFIX: Final = "host:"
_UNIT_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_OFFSET: Final = re.compile(r"([+-]?\d{1,9})(ms|s|m|h|d)")


@dataclass(frozen=True, slots=True)
class ClockOffsets:
    """What to add to the time of events, ms, by source and by host. A host's offset wins over its source's."""

    by_source: Mapping[str, int] = field(default_factory=dict)
    by_host: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Self:
        """Read `windows=19h` and `host:NAME=-90s`; raise ConfigError naming the setting that is neither."""
        by_source: dict[str, int] = {}
        by_host: dict[str, int] = {}
        for setting in settings:
            name, _, amount = setting.rpartition("=")
            match = _OFFSET.fullmatch(amount.strip())
            if not name.strip() or match is None:
                raise ConfigError(f"clock offset {setting!r}: write SOURCE=19h or host:NAME=-90s (ms, s, m, h, d)")
            offset = int(match[1]) * _UNIT_MS[match[2]]
            if name.startswith(HOST_PREFIX):
                by_host[_short(name.removeprefix(HOST_PREFIX))] = offset
            else:
                by_source[name.strip()] = offset
        return cls(by_source, by_host)

    def apply(self, event: Event) -> Event:
        """Return the event at its corrected time, with the offset recorded; the same event when none applies."""
        offset = self._offset_of(event)
        if not offset:
            return event
        metadata = {**event.ocsf["metadata"]}
        metadata["labels"] = [*metadata.get("labels", ()), f"clock_offset_ms:{offset}"]
        moved: dict[str, Any] = {**event.ocsf, "time": event.time + offset, "metadata": metadata}
        for name in ("start_time", "end_time"):
            if name in moved:
                moved[name] += offset
        return replace(event, time=event.time + offset, ocsf=moved)

    def _offset_of(self, event: Event) -> int:
        if self.by_host:
            device = event.ocsf.get("device") or {}
            host = _short(str(device.get("hostname") or device.get("name") or ""))
            if host in self.by_host:
                return self.by_host[host]
        return self.by_source.get(event.source, 0)


def _short(host: str) -> str:
    return host.strip().lower().partition(".")[0]
