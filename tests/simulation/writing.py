"""Write an organization's weeks: one file a source, in order of time, a day at a time in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.simulation.behaviours import Injection
from tests.simulation.days import start_of
from tests.simulation.ordinary import ordinary_day
from tests.simulation.organization import Organization
from tests.simulation.records.record import SOURCES, Record


def in_order(organization: Organization, injections: Iterable[Injection]) -> Iterator[list[Record]]:
    """Yield the records of each day in order; what lies beyond the last day is left out.

    A person's day far in the east begins on the UTC day before, so a day is whole when the next one has been made.
    """
    waiting = sorted((record for injection in injections for record in injection.records), reverse=True)
    made: list[Record] = []
    for day in range(organization.days + 1):
        begin = start_of(day)
        if day < organization.days:
            made += ordinary_day(organization, day)
        ready = [record for record in made if record.time < begin]
        made = [record for record in made if record.time >= begin]
        while waiting and waiting[-1].time < begin:
            ready.append(waiting.pop())
        yield sorted(ready)


def write(
    organization: Organization, injections: Iterable[Injection], out: Path, tell: Callable[[int], None]
) -> dict[str, int]:
    """Write `<source>.ndjson` for every source, and return how many records each has.

    Args:
        organization: The organization.
        injections: What is played into it.
        out: An existing folder.
        tell: Called with the number of records of each day, once they are written.
    """
    counts = dict.fromkeys(SOURCES, 0)
    with ExitStack() as stack:
        files = {name: stack.enter_context((out / f"{name}.ndjson").open("wb")) for name in SOURCES}
        for day in in_order(organization, injections):
            for record in day:
                files[record.source].write(record.data)
                counts[record.source] += 1
            tell(len(day))
    return counts
