"""The names of one person, from the identity table, as links where they are needed: around the signals about her.

A table may hold hundreds of thousands of persons, of whom few ever have a signal. So no link is sent because a table
was loaded, and none holds for good: whoever finds a signal links the name it is about to the first name of that person,
for the hour of the signal and one on either side. Every other name of hers is linked to the same one when it comes, so
all that she does meets there. Which link it is depends on names and hour alone: a process that starts anew sends the
same ones. What a table no longer says holds no longer than those hours.
"""

from __future__ import annotations

from collections.abc import Iterable

from enrichers.context.index import UNIX_UID_CHARS
from enrichers.context.known import Identity
from enrichers.links import HOUR_MS
from enrichers.links.persons import NOBODY, Persons, person_links
from models.entity import EntityKey, EntityLink


def persons_of(identities: Iterable[Identity]) -> Persons:
    """Return whose names are known by a table of identities."""
    known = tuple(identities)
    return Persons(map(_names, known)) if known else NOBODY


def _names(identity: Identity) -> tuple[str, ...]:
    """Return the names of an identity; the first is the one that all others are linked to.

    A short number is left out: it is the name of an account somewhere else.
    """
    employee = identity.employee_id
    known = () if employee.isdigit() and len(employee) <= UNIX_UID_CHARS else (employee,)
    return (*identity.emails, *identity.names, *identity.sids, *identity.principals, *known)


def linked_names(
    entities: Iterable[EntityKey], persons: Persons, time_ms: int, evidence: str
) -> tuple[EntityLink, ...]:
    """Return the links of those among the entities of a signal that are further names of somebody, sorted by uid.

    Args:
        entities: Those of the event that a signal was found on.
        persons: Whose names are known.
        time_ms: Time of the event.
        evidence: Uid of the event.
    """
    hour = time_ms - time_ms % HOUR_MS
    found: list[EntityLink] = []
    for entity in entities:
        first = persons.first_name(entity)
        if first is not None:
            found += person_links((first.value, entity.value), hour - HOUR_MS, hour + 2 * HOUR_MS - 1, evidence)
    return tuple(sorted(found, key=lambda link: link.uid))
