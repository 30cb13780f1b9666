"""Times as operators know them: offsets of wrong clocks, zones and years of times that name none.

An offset is added to the event time and written down on the event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.errors import ConfigError
from models.event import Event
from models.records import TIME_FROM_BROKER, Context
from streams.sources.base import LATEST_MS, OLDEST_MS
from streams.sources.registry import SOURCES

HOST_PREFIX: Final = "host:"
_UNIT_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_OFFSET: Final = re.compile(r"([+-]?\d{1,9})(ms|s|m|h|d)")
_MAX_OFFSET_MS: Final = 100 * 366 * _UNIT_MS["d"]  # a clock without a battery starts in 1970, and none is further off
_TIMES: Final = ("time", "start_time", "end_time")


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
            kind, name, offset = _read(setting)
            (by_host if kind == HOST_PREFIX else by_source)[name] = offset
        return cls(by_source, by_host)

    def apply(self, event: Event) -> Event:
        """Return the event at its corrected time, with the offset recorded; the same event when none applies.

        None applies to a time that is the broker's, whose clock is another, or that would leave the calendar.
        """
        offset = self._offset_of(event)
        if not offset:
            return event
        times, metadata = _moved(event.ocsf, offset), event.ocsf["metadata"]
        labels = metadata.get("labels", ())
        if "time" not in times or TIME_FROM_BROKER in labels:
            return event
        labelled = {**metadata, "labels": [*labels, f"clock_offset_ms:{offset}"]}
        return replace(event, time=times["time"], ocsf={**event.ocsf, **times, "metadata": labelled})

    def _offset_of(self, event: Event) -> int:
        if self.by_host:
            device = event.ocsf.get("device") or {}
            host = _short(str(device.get("hostname") or device.get("name") or ""))
            if host in self.by_host:
                return self.by_host[host]
        return self.by_source.get(event.source, 0)


def _read(setting: str) -> tuple[str, str, int]:
    """Return what a setting names (HOST_PREFIX, or nothing for a source), its name and the offset in ms."""
    name, _, amount = setting.rpartition("=")
    name, match = name.strip(), _OFFSET.fullmatch(amount.strip())
    kind = HOST_PREFIX if name.startswith(HOST_PREFIX) else ""
    subject = _short(name.removeprefix(kind)) if kind else name
    offset = int(match[1]) * _UNIT_MS[match[2]] if match else None
    if not subject or offset is None or abs(offset) > _MAX_OFFSET_MS:
        raise ConfigError(f"clock offset {setting!r}: write SOURCE=19h or host:NAME=-90s (ms, s, m, h, d)")
    if not kind and subject not in SOURCES:
        raise ConfigError(f"clock offset {setting!r}: no such source; there are {', '.join(sorted(SOURCES))}")
    return kind, subject, offset


def _moved(event: Mapping[str, Any], offset: int) -> dict[str, int]:
    """Return those times of an event that are still in the calendar when they are moved."""
    times = {name: event[name] + offset for name in _TIMES if name in event}
    return {name: time for name, time in times.items() if OLDEST_MS <= time <= LATEST_MS}


def _short(host: str) -> str:
    return host.strip().lower().partition(".")[0]


def contexts(time_zones: Iterable[str], year: int) -> dict[str, Context]:
    """Return what is known of the times of each source, by its name; nothing where nothing was said.

    Args:
        time_zones: `SOURCE=Europe/Oslo`: the zone of the source's times that name none, UTC where it is not given.
        year: Year of times that name none; 0 for that of the broker's time.

    Raises:
        ConfigError: Naming the setting that is no source's or no zone's.
    """
    zones = dict(map(_zone, time_zones))
    named = SOURCES if year else zones
    return {source: Context(zone=zones.get(source, "UTC"), year=year) for source in named}


def _zone(setting: str) -> tuple[str, str]:
    source, _, zone = (part.strip() for part in setting.partition("="))
    if source not in SOURCES:
        raise ConfigError(f"time zone {setting!r}: write SOURCE=Europe/Oslo; sources are {', '.join(sorted(SOURCES))}")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"time zone {setting!r}: {zone!r} is no time zone that this machine knows") from error
    return source, zone
