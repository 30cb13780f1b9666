"""What rules cover of ATT&CK, and what the telemetry at hand would let them cover."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from models.event import Event, LogSource
from streams.detect.logsource import RuleLogSource
from streams.detect.rule import DetectionRule
from streams.rulecheck.attack import Attack, Technique
from streams.sources.producers import producers
from streams.sources.registry import SOURCES

Shows = Callable[[RuleLogSource], bool]  # tells whether telemetry holds events that a log source names


@dataclass(frozen=True, slots=True)
class Covered:
    """A technique that rules are tagged with.

    Attributes:
        uid: Its id, the present one where a rule has one that was replaced.
        name: Its name, empty for one that the table does not know.
        tactics: Its tactics.
        rules: The rules.
        seeing: How many of them have telemetry.
    """

    uid: str
    name: str
    tactics: tuple[str, ...]
    rules: tuple[DetectionRule, ...]
    seeing: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What rules cover.

    Attributes:
        attack: The table it was measured by.
        rules: How many rules there are.
        untagged: How many of them name no technique.
        covered: Techniques with a rule, by id.
        gaps: Techniques without a rule that the telemetry can show.
        blind: Techniques with rules of which none has telemetry.
        unjudged: Techniques without a rule of which nobody knows what shows them.
        unknown: Ids that rules are tagged with and the table does not know.
    """

    attack: Attack
    rules: int
    untagged: int
    covered: Mapping[str, Covered]
    gaps: tuple[Technique, ...]
    blind: tuple[Covered, ...]
    unjudged: tuple[Technique, ...]
    unknown: tuple[str, ...]


def of_all_sources() -> Shows:
    """Return telemetry in which every source of Braid takes part."""
    classes = {uid for source in SOURCES.values() for uid in source.classes}

    def shows(logsource: RuleLogSource) -> bool:
        if logsource.product or logsource.category or logsource.service:
            return bool(producers(logsource))
        return logsource.class_uid in {0, *classes}

    return shows


def observed(seen: Iterable[tuple[LogSource, int]]) -> Shows:
    """Return telemetry of these log sources and OCSF classes."""
    known = frozenset(seen)
    return cache(lambda logsource: any(logsource.concerns(found, class_uid) for found, class_uid in known))


def seen_in(events: Iterable[Event]) -> set[tuple[LogSource, int]]:
    """Return the log sources and OCSF classes of events."""
    return {(event.logsource, event.class_uid) for event in events}


def measure(rules: Iterable[DetectionRule], shows: Shows, attack: Attack) -> Coverage:
    """Compare rules with telemetry and with ATT&CK. A rule on a sub-technique covers its technique too."""
    every = tuple(rules)
    tagged: dict[str, list[DetectionRule]] = defaultdict(list)
    for rule in every:
        for uid in dict.fromkeys(attack.current(one.technique) for one in rule.analytic.attacks if one.technique):
            tagged[uid].append(rule)
    covered = {uid: _covered(uid, found, shows, attack) for uid, found in sorted(tagged.items())}
    touched = {*covered, *(uid.partition(".")[0] for uid in covered)}
    missing = [one for uid, one in attack.techniques.items() if uid not in touched]
    return Coverage(
        attack,
        len(every),
        sum(not any(one.technique for one in rule.analytic.attacks) for rule in every),
        covered,
        tuple(one for one in missing if any(map(shows, one.logsources))),
        tuple(one for one in covered.values() if not one.seeing),
        tuple(one for one in missing if not one.logsources),
        tuple(uid for uid in covered if uid not in attack.techniques),
    )


def _covered(uid: str, rules: list[DetectionRule], shows: Shows, attack: Attack) -> Covered:
    known = attack.techniques.get(uid)
    tactics = (one.tactic for rule in rules for one in rule.analytic.attacks if one.tactic)
    return Covered(
        uid,
        known.name if known else "",
        attack.tactics_of(uid, tactics),
        tuple(sorted(rules, key=lambda rule: (rule.title, rule.uid))),
        sum(shows(rule.logsource) for rule in rules),
    )


def by_tactic(found: Coverage) -> list[tuple[str, int, int, int, int, int]]:
    """Return for each tactic: techniques (and sub-techniques), those with a rule, rules, gaps, blind ones."""
    return [
        (
            tactic,
            sum(tactic in one.tactics for one in found.attack.techniques.values()),
            sum(tactic in one.tactics for one in found.covered.values()),
            len({rule.uid for one in found.covered.values() if tactic in one.tactics for rule in one.rules}),
            sum(tactic in one.tactics for one in found.gaps),
            sum(tactic in one.tactics for one in found.blind),
        )
        for tactic in found.attack.tactics
    ]
