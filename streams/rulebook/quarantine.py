"""Rules that raise too often, taken out of the running set until their file changes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from streams.detect.rule import DetectionRule
from streams.rulebook.book import Rulebook


class Edition(NamedTuple):
    """A rule as one content of its file has it.

    Attributes:
        uid: The rule's id.
        digest: SHA-256 of the file.
    """

    uid: str
    digest: str


@dataclass(frozen=True, slots=True)
class Quarantine:
    """How often rules raised, and which are out for it.

    Attributes:
        limit: On how many events a rule may raise; 0 for any number.
        failures: On how many each did.
        out: Those that raised on more.
    """

    limit: int
    failures: Mapping[Edition, int] = field(default_factory=dict)
    out: frozenset[Edition] = frozenset()

    def after(self, failed: Iterable[str], rulebook: Rulebook) -> Quarantine:
        """Return the state after these rules of a rulebook, by uid, raised: once for each event."""
        raised = Counter(failed)
        failures = Counter(self.failures)
        for rule in rulebook.detections:
            if rule.uid in raised:
                failures[_edition(rule, rulebook)] += raised[rule.uid]
        out = {edition for edition, count in failures.items() if self.limit and count > self.limit}
        return replace(self, failures=failures, out=self.out | out)

    def reloaded(self, rulebook: Rulebook) -> Quarantine:
        """Return the state with another rulebook: what its files no longer hold is forgotten."""
        held = {_edition(rule, rulebook) for rule in rulebook.detections}
        failures = {edition: count for edition, count in self.failures.items() if edition in held}
        return replace(self, failures=failures, out=self.out & held)

    def without(self, rulebook: Rulebook) -> Rulebook:
        """Return the rulebook without the rules that are out; correlations that refer to them stay."""
        if not self.out:
            return rulebook
        sound = tuple(rule for rule in rulebook.detections if _edition(rule, rulebook) not in self.out)
        return replace(rulebook, detections=sound)


def _edition(rule: DetectionRule, rulebook: Rulebook) -> Edition:
    return Edition(rule.uid, rulebook.digests.get(rule.path, ""))
