"""The names of one person as links: e-mail address, UPN, SID, account and employee id, from the identity table."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Final

from enrichers.names import ACCOUNT_SIDS, key, plain, user_name
from models.entity import EntityKey, EntityLink
from models.uids import link_uid

BY_TABLE: Final = 95
MAX_NAMES: Final = 8  # each of them is then linked to fewer than a shared thing is
TABLE: Final = "identities"


class Persons:
    """Which names are one person's. Immutable once made; a name that two persons have is nobody's."""

    __slots__ = ("_first",)

    def __init__(self, persons: Iterable[Iterable[str]]) -> None:
        """Prepare.

        Args:
            persons: The names of each, as a table has them; the first that can be compared stands for the person.
        """
        first: dict[str, EntityKey | None] = {}
        for names in persons:
            known = _names(names)
            for name in known:
                primary = key("user", known[0])
                first[name] = primary if first.get(name, primary) == primary else None
        self._first = {name: primary for name, primary in first.items() if primary and first[primary.value] == primary}

    def first_name(self, entity: EntityKey) -> EntityKey | None:
        """Return the name that stands for the person whose name this is; None where it is that, or nobody's."""
        if entity.type != "user":
            return None
        first = self._first.get(entity.value)
        return None if first == entity else first


NOBODY: Final = Persons(())


def person_links(
    names: Iterable[str], valid_from: int, valid_to: int, evidence: str, source: str = TABLE
) -> tuple[EntityLink, ...]:
    r"""Link every two names of one person, for a signal travels over one link only.

    Args:
        names: As the table has them: `alice@example.com`, `CORP\alice`, `S-1-5-21-...`, an ARN, a number. The first
            MAX_NAMES that can be compared are taken.
        valid_from: From when they are hers, ms. A link observed from an event begins at most two hours before it; this
            one may begin long before, and what then comes late is not joined any more.
        valid_to: Until when, ms.
        evidence: Uid of the record that says so.
        source: The table.

    Returns:
        The links, sorted by uid; none when there is one name only.
    """
    known = _names(names)
    links = []
    for one, other in combinations(known, 2):
        left, right = sorted((key("user", one), key("user", other)))
        uid = link_uid(str(left), str(right), valid_from, f"{source}/{valid_to}")
        links.append(EntityLink(uid, left, right, valid_from, valid_to, BY_TABLE, source, evidence))
    return tuple(sorted(links, key=lambda link: link.uid))


def _names(names: Iterable[str]) -> list[str]:
    return [key("user", name).value for name in dict.fromkeys(map(_comparable, names)) if name][:MAX_NAMES]


def _comparable(name: str) -> str | None:
    """Return a name as `enrichers.names.user_name` makes it of an event's user."""
    text = plain(name)
    if text is None or text.startswith(("arn:", *ACCOUNT_SIDS)):
        return user_name({"uid": text}, None)
    return user_name({"name": text}, None)
