"""Render a backtest: for machines, and as tables for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any, Final

from agents.text import Count, moment, plain, quoted
from streams.rulecheck.backtest import HOURS_A_DAY, Backtest, Change, Example, Tally
from streams.rulecheck.telemetry import Counts

TOP: Final = 3
MAX_RULES: Final = 40  # that a person is shown; --json has all
MAX_MATCHED: Final = 4
CHANGES: Final = ("new", "gone", "changed")
Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


def to_json(found: Backtest, counts: Counts) -> dict[str, Any]:
    """Render everything; rules without hits and without changes are counted, not listed."""
    told = ranked(found)
    return {
        "records": counts.records,
        "events": counts.events,
        "unread": counts.unread,
        "without_native": dict(sorted(counts.without_native.items())),
        "hours": found.hours,
        "rules": len(found.tallies),
        "hits": sum(tally.hits for tally in told),
        "signals_per_day": round(found.per_day(sum(tally.hits for tally in told)), 2),
        "failures": dict(sorted(found.failures.items())),
        "silent": len(found.tallies) - len(told),
        "fired": [_tally(tally, found) for tally in told],
    }


def ranked(found: Backtest) -> list[Tally]:
    """Return the rules that did anything, those with the most hits first."""
    told = (tally for tally in found.tallies.values() if tally.hits or changes_of(tally.change))
    return sorted(told, key=lambda tally: (-tally.hits, tally.rule.title, tally.rule.uid))


def changes_of(change: Change) -> int:
    """Return on how many events two versions differ."""
    return change.new + change.gone + change.changed


def _tally(tally: Tally, found: Backtest) -> dict[str, Any]:
    rule = tally.rule
    told: dict[str, Any] = {
        "id": rule.uid,
        "title": rule.title,
        "level": rule.level,
        "path": rule.path,
        "hits": tally.hits,
        "per_day": round(found.per_day(tally.hits), 2),
        "days": dict(sorted(tally.days.items())),
        "entities": dict(top(tally)),
        "first": _example(tally.first),
        "last": _example(tally.last),
        "examples": [_example(example) for example in tally.examples],
    }
    if found.compared:
        change = tally.change
        told["against"] = {
            "status": tally.status,
            **{kind: getattr(change, kind) for kind in CHANGES},
            "examples": {kind: [_example(one) for one in change.examples.get(kind, ())] for kind in CHANGES},
        }
    return told


def top(tally: Tally, most: int = 10) -> list[tuple[str, int]]:
    """Return the entities that a rule fired on most often."""
    return sorted(tally.entities.items(), key=lambda item: (-item[1], item[0]))[:most]


def _example(example: Example | None) -> dict[str, Any] | None:
    if example is None:
        return None
    return {
        "time": example.time,
        **asdict(example.at),
        "uid": example.uid,
        "matched": [{"field": name, "value": value} for name, value in example.matched],
    }


def by_rule(found: Backtest) -> Table:
    """Return the table of rules and hits; with the other version, what changed."""
    header = ("hits", "a day", "rule", "first", "last", "most on")
    rows = [(*_row(tally, found), *_entities(tally)) for tally in ranked(found)[:MAX_RULES]]
    if not found.compared:
        return header, rows
    extra = (*header, *CHANGES, "rule is")
    told = ranked(found)[:MAX_RULES]
    return extra, [(*row, *_changes(tally)) for row, tally in zip(rows, told, strict=True)]


def _row(tally: Tally, found: Backtest) -> tuple[str, ...]:
    first, last = (moment(one.time)[:16].replace("T", " ") if one else "" for one in (tally.first, tally.last))
    return f"{tally.hits:,}", f"{found.per_day(tally.hits):,.1f}", plain(tally.rule.title, 60), first, last


def _entities(tally: Tally) -> tuple[str]:
    return (", ".join(f"{plain(name, 40)} ({count:,})" for name, count in top(tally, TOP)),)


def _changes(tally: Tally) -> tuple[str, ...]:
    numbers = (getattr(tally.change, kind) for kind in CHANGES)
    return (*(f"{number:,}" if number else "" for number in numbers), tally.status)


def by_day(found: Backtest) -> Table:
    """Return the table of days: hits of all rules together and of the loudest ones."""
    loudest = [tally for tally in ranked(found) if tally.hits][:TOP]
    days = sorted({day for tally in found.tallies.values() for day in tally.days})
    header = ("day", "hits", *(plain(tally.rule.title, 30) for tally in loudest))
    return header, [(day, *_on_day(found, loudest, day)) for day in days]


def _on_day(found: Backtest, loudest: Iterable[Tally], day: str) -> Iterator[str]:
    yield f"{sum(tally.days[day] for tally in found.tallies.values()):,}"
    for tally in loudest:
        yield f"{tally.days[day]:,}"


def examples(found: Backtest) -> Iterator[str]:
    """Yield the example events: of what changed where versions are compared, else of every rule."""
    for tally in ranked(found)[:MAX_RULES]:
        kinds = tally.change.examples.items() if found.compared else [("", tally.examples)]
        lines = [(kind, one) for kind, kept in sorted(kinds) for one in kept]
        if lines:
            yield plain(tally.rule.title)
        yield from (f"  {kind + ': ' if kind else ''}{_told(one)}" for kind, one in lines)


def _told(example: Example) -> str:
    where = f"{plain(example.at.topic)}:{example.at.offset}"
    matched = ", ".join(f"{plain(name)} {quoted(value)}" for name, value in example.matched[:MAX_MATCHED])
    return f"{moment(example.time)}  {where}  {matched}"


def closing(found: Backtest, counts: Counts) -> Iterator[str]:
    """Yield what it comes to, and what the numbers leave out."""
    hits = sum(tally.hits for tally in found.tallies.values())
    hours = Count(found.hours, "hour")
    yield f"{Count(hits, 'hit')} of {Count(len(found.tallies), 'rule')} on {Count(counts.events, 'event')}"
    estimate = f"about {found.per_day(hits):,.1f} signals a day, from {hours} with telemetry"
    yield estimate + (": less than a day, so a rough guess" if found.hours < HOURS_A_DAY else "")
    if counts.unread:
        yield f"{Count(counts.unread, 'record')} could not be read"
    for source, number in sorted(counts.without_native.items()):
        which = f"the native view of {Count(number, 'event')} cannot be rebuilt from the lake"
        yield f"{source}: {which}; only OCSF rules ran"
    for title, number in sorted(found.failures.items()):
        yield f"{plain(title)}: raised on {Count(number, 'event')}"
