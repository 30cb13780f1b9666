"""Which sources produce the events that a rule speaks of: what Braid can read, and whom an absence depends on."""

from __future__ import annotations

from functools import cache

from models.event import LogSource
from streams.detect.logsource import RuleLogSource
from streams.sources.inventory import Produced, inventory
from streams.sources.registry import SOURCES


@cache
def producers(logsource: RuleLogSource) -> tuple[Produced, ...]:
    """Return what Braid produces that concerns a rule of this log source; empty when nothing does.

    Services that nobody can list count for those rules alone that name none of the listed ones.
    """
    found = [one for one in inventory() if _concerns(logsource, one)]
    listed = [one for one in found if not one.any_service]
    return tuple(listed or found)


def _concerns(logsource: RuleLogSource, one: Produced) -> bool:
    found = one.logsource
    if one.any_service:
        if logsource.product not in {found.product, ""} or (logsource.service and not logsource.product):
            return False
        found = LogSource(found.product, logsource.service or found.service, found.categories)
    return logsource.concerns(found, logsource.class_uid)


@cache
def sources_of(logsource: RuleLogSource) -> frozenset[str]:
    """Return the names of the sources whose events a rule of this log source looks at.

    It is empty when that may be any source: the rule names nothing, or what nobody lists. A rule on one OCSF class
    looks at the sources whose events may be of that class.
    """
    if logsource.product or logsource.category or logsource.service:
        return frozenset(one.source for one in producers(logsource))
    if not logsource.class_uid:
        return frozenset()
    return frozenset(name for name, source in SOURCES.items() if logsource.class_uid in source.classes)
