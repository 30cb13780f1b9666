"""Rules that no event can satisfy, for reasons that are plain without looking at any.

Where a Windows event's id decides its category, a rule that asks for one category and for ids of others never fires.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streams.detect.logsource import RuleLogSource
from streams.detect.patterns import Patterns
from streams.detect.predicates import Every, FoldedText, Leaf, Predicate, Selection
from streams.detect.rule import DetectionRule
from streams.sources.windows.logsource import CATEGORIES, REGISTRY_CHANGE, SYSMON

EVENT_ID: Final = "EventID"
MAX_DIGITS: Final = 9  # event ids have five at most
_REGISTRY: Final = "registry_event"


def required(condition: Predicate) -> Iterator[Leaf]:
    """Yield the tests that all have to hold for the condition to hold."""
    stack = [condition]
    while stack:
        node = stack.pop()
        if isinstance(node, Every):
            stack.extend(node.predicates)
        elif isinstance(node, Selection):
            stack.append(node.predicate)
        elif isinstance(node, FoldedText):
            yield node


def impossible_ids(rule: DetectionRule) -> str:
    """Say which event ids a rule asks for that its log source does not have, empty when it may have them."""
    known = _ids_of(rule.logsource)
    for leaf in required(rule.condition) if known else ():
        asked = _asked(leaf)
        if asked and not asked & known:
            listed, there = (", ".join(map(str, sorted(ids))) for ids in (asked, known))
            return f"can never fire: it asks for {EVENT_ID} {listed}, and its log source has {there} only"
    return ""


def _ids_of(logsource: RuleLogSource) -> frozenset[int]:
    """Return all event ids of a log source, empty where these cannot be listed."""
    if logsource.product != "windows" or not (logsource.category or logsource.service == SYSMON):
        return frozenset()
    wanted = _REGISTRY if logsource.category in REGISTRY_CHANGE.values() else logsource.category
    return frozenset(
        event_id
        for (service, event_id), categories in CATEGORIES.items()
        if wanted in {"", *categories} and logsource.service in {"", service}
    )


def _asked(leaf: Leaf) -> frozenset[int]:
    """Return the event ids of which a test wants one, empty when it is about something else or not as simple."""
    if not (isinstance(leaf, FoldedText) and leaf.field == EVENT_ID and isinstance(leaf.test, Patterns)):
        return frozenset()
    test = leaf.test
    if test.prefixes or test.suffixes or test.parts or test.globs:
        return frozenset()
    return frozenset(int(text) for text in test.exact if text.isdecimal() and len(text) <= MAX_DIGITS)
