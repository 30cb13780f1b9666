"""Points in time and lengths of time as statements have them, to the precision in which they are stated.

A point without a zone is taken as UTC. A date without a year, a time of day without a date and a weekday come round
again: they fit every moment that they name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from agents.grounding.vocabulary import NUMBER_WORDS

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
WEEK: Final = 7 * DAY
MAX_DIGITS: Final = 12
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_ZONE: Final = r"(?:\s?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
_CLOCK: Final = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<part>\d{1,9}))?)?"
    r"(?:\s?(?P<half>[ap])\.?m\b\.?)?"
)
_JOINT: Final = r"(?:T|[, ]\s?(?:at )?)"
_MONTH: Final = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:[a-z]{1,6})?\.?"
_ISO: Final = rf"(?P<year>\d{{4}})-(?P<number>\d{{2}})-(?P<day>\d{{2}})(?:{_JOINT}{_CLOCK}{_ZONE})?"
_OF_YEAR: Final = rf"(?:,?[ /-](?P<year>\d{{4}})(?:(?:{_JOINT}|:){_CLOCK}{_ZONE})?)?"
_WORDS: Final = rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)?[ /-]{_MONTH}{_OF_YEAR}"
_AMERICAN: Final = rf"{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>\d{{4}}))?(?:{_JOINT}{_CLOCK}{_ZONE})?"
_OF_DAY: Final = rf"{_CLOCK}{_ZONE}"
_HALF: Final = r"(?P<hour>\d{1,2})\s?(?P<half>[ap])\.?m\b\.?"
_EDGES: Final = (r"(?<![\w.:-])(?:", r")(?![\w:]|[.-]\d)")
POINTS: Final = tuple(
    re.compile(_EDGES[0] + form + _EDGES[1], re.IGNORECASE) for form in (_ISO, _WORDS, _AMERICAN, _OF_DAY, _HALF)
)
WEEKDAY: Final = re.compile(rf"\b(?:{'|'.join(WEEKDAYS)})s?\b", re.IGNORECASE)
UNITS: Final = {
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), SECOND),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), MINUTE),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), HOUR),
    **dict.fromkeys(("d", "day", "days"), DAY),
    **dict.fromkeys(("week", "weeks"), WEEK),
}
_AMOUNT: Final = rf"(?:\d{{1,{MAX_DIGITS}}}(?:\.\d{{1,6}})?|\b(?:{'|'.join(NUMBER_WORDS)}|an)\b)"
_ONE: Final = rf"{_AMOUNT}[\s-]?(?:{'|'.join(sorted(UNITS, key=len, reverse=True))})(?![A-Za-z_$])"
LENGTH: Final = re.compile(rf"(?<![\w.:$-]){_ONE}(?:(?:,? and |, | )?{_ONE}){{0,3}}", re.IGNORECASE)
_PARTS: Final = re.compile(rf"(?P<amount>{_AMOUNT})[\s-]?(?P<unit>[a-z]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Point:
    """A stated point in time.

    Attributes:
        start: The first ms that it means, since 1970, or since the beginning of the period.
        width: How many ms it means: a stated minute is 60,000.
        period: DAY or WEEK for what comes round again; 0 for what does not.
        yearless: Month and day of a date without a year, whose `start` is then in its day; None for others.
    """

    start: int
    width: int
    period: int = 0
    yearless: tuple[int, int] | None = None

    def fits(self, moment: int) -> bool:
        """Tell whether a moment (ms) is the one that is stated."""
        if self.yearless:
            return _month_and_day(moment) == self.yearless and 0 <= moment % DAY - self.start < self.width
        since = moment % self.period if self.period else moment
        return self.start <= since < self.start + self.width


@dataclass(frozen=True, slots=True)
class Length:
    """A stated length of time in ms, and the smallest unit in which it is stated."""

    ms: float
    unit: int

    def is_about(self, ms: float) -> bool:
        """Tell whether a measured length is the stated one, rounded or cut off to its unit."""
        return abs(ms - self.ms) <= self.unit / 2 or self.ms <= ms < self.ms + self.unit


def point_of(found: re.Match[str]) -> Point | None:
    """Return what a match of one of POINTS states, None when there is no such time."""
    named = found.groupdict()
    try:
        return _point(named)
    except (ValueError, OverflowError):
        return None


def _point(named: dict[str, str | None]) -> Point:
    start, width = _of_day(named)
    offset = _offset(named.get("zone"))
    day = named.get("day")
    if day is None:
        return Point((start - offset) % DAY, width, DAY)
    month = int(named["number"] or 0) if "number" in named else MONTHS.index((named["month"] or "").lower()) + 1
    if named["year"] is None:
        return Point(start, width, yearless=(month, int(day)))
    midnight: int = (datetime(int(named["year"]), month, int(day), tzinfo=UTC) - _EPOCH) // _MS
    return Point(midnight + start - offset, width)


def _of_day(named: dict[str, str | None]) -> tuple[int, int]:
    hour = named.get("hour")
    if hour is None:
        return 0, DAY
    minute, second, part, half = (named.get(name) for name in ("minute", "second", "part", "half"))
    hours = _hours(int(hour), half)
    if hours > 23 or int(minute or 0) > 59 or int(second or 0) > 60:  # noqa: PLR2004  # a clock; 60 is a leap second
        raise ValueError(hour)
    start = hours * HOUR + int(minute or 0) * MINUTE + int(second or 0) * SECOND
    if part:
        return start + int(part[:3].ljust(3, "0")), 10 ** max(0, 3 - len(part))
    return start, SECOND if second else MINUTE if minute else HOUR


def _hours(hour: int, half: str | None) -> int:
    if not half:
        return hour
    if not 1 <= hour <= 12:  # noqa: PLR2004  # a clock face
        raise ValueError(hour)
    return hour % 12 + (12 if half in "pP" else 0)


def _offset(zone: str | None) -> int:
    if not zone or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    return (1 if zone[0] == "+" else -1) * (int(digits[:2]) * HOUR + int(digits[2:]) * MINUTE)


def weekday_of(word: str) -> Point:
    """Return the day of the week that a match of WEEKDAY names: its place in a week that begins on a Thursday."""
    place = (WEEKDAYS.index(word.lower().removesuffix("s")) - 3) % 7  # 1970 began on a Thursday
    return Point(place * DAY, DAY, WEEK)


def length_of(text: str) -> Length:
    """Return the length that a match of LENGTH states."""
    total, unit = 0.0, WEEK
    for found in _PARTS.finditer(text):
        size = UNITS[found["unit"].lower()]
        amount = found["amount"].lower()
        total += size * (1 if amount == "an" else NUMBER_WORDS[amount] if amount in NUMBER_WORDS else float(amount))
        unit = min(unit, _precision(amount, size))
    return Length(total, unit)


def _precision(amount: str, size: int) -> int:
    decimals = len(amount.partition(".")[2]) if amount[0].isdigit() else 0
    return max(1, size // int(10**decimals))


def points_in(text: str) -> Iterator[int]:
    """Yield every moment (ms) that a text of evidence tells with its date."""
    for form in POINTS[:3]:
        for found in form.finditer(text):
            point = point_of(found)
            if point and not point.yearless:
                yield point.start


def _month_and_day(moment: int) -> tuple[int, int] | None:
    try:
        day: date = _EPOCH + timedelta(milliseconds=moment)
    except OverflowError:
        return None
    return day.month, day.day
