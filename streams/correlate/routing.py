"""Which Kafka keys a signal is sent to, so that every correlation finds all it needs in one place.

A group key is made of parts, one per group-by field: an entity (`host:web01`) or a field and its value
(`TargetUserName=bob`), joined by `|` (`models.finding.group_part` keeps hostile text from making a part of its own).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product
from math import prod
from typing import Final

from models.entity import EntityKey
from models.finding import Signal, group_part
from streams.correlate.crossing import is_of_others, leads
from streams.correlate.spec import CorrelationSpec
from streams.correlate.steps import ENTITY_PREFIX

EVERYTHING = "*"  # the one group of a correlation without group-by
MAX_COPIES = 16  # a signal's copies are bounded; what is left out is counted by the caller


@dataclass(frozen=True, slots=True)
class Routes:
    """Where a signal goes.

    Attributes:
        keys: Distinct keys, sorted.
        dropped: How many further keys the bound on copies cut off.
    """

    keys: tuple[str, ...]
    dropped: int


class Router:
    """Know, for every rule, the correlations that want its signals. Immutable once made."""

    __slots__ = ("_by_rule", "_correlations", "_general", "_linkable")

    def __init__(self, specs: Iterable[CorrelationSpec]) -> None:
        known = tuple(specs)
        self._correlations = frozenset(spec.uid for spec in known)
        self._general = tuple(spec for spec in known if spec.is_general)
        by_rule: dict[str, list[CorrelationSpec]] = {}
        for spec in known:
            for rule in spec.watched:
                by_rule.setdefault(rule, []).append(spec)
        for rule, wanted in by_rule.items():
            if rule not in self._correlations:
                wanted.extend(spec for spec in self._general if rule not in spec.watched)
        self._by_rule: Mapping[str, tuple[CorrelationSpec, ...]] = {r: tuple(s) for r, s in by_rule.items()}
        self._linkable = {rule: _is_linkable(wanted) for rule, wanted in self._by_rule.items()}

    def wanted_by(self, rule_uid: str) -> tuple[CorrelationSpec, ...]:
        """Return the correlations that look at a rule."""
        known = self._by_rule.get(rule_uid)
        if known is not None:
            return known
        return self._general if rule_uid not in self._correlations else ()

    def fields_wanted(self, rule_uid: str) -> frozenset[str]:
        """Return the event fields that signals of a rule must carry along, for sequences made of them as well."""
        wanted: set[str] = set()
        for spec in self.wanted_by(rule_uid):
            further = self.fields_wanted(spec.uid) if spec.is_chained else ()
            wanted |= {*spec.fields_of(rule_uid), *(spec.field_name(name, rule_uid) for name in further)}
        return frozenset(wanted)

    def routes(self, signal: Signal) -> Routes:
        """Return the keys a fresh signal is sent to.

        These are its group keys, and, when a correlation groups by entities, each entity it names: there the links of
        that entity are known, and there it waits for links that arrive late. A signal that no correlation asks for goes
        out once, under the first entity it names. When there are too many, groups go before entities that only wait.
        """
        groups, cut = self._groups(signal)
        rule = signal.analytic.uid
        linkable = self._linkable[rule] if rule in self._linkable else _is_linkable(self.wanted_by(rule))
        waiting = {str(entity) for entity in signal.entities} - groups if linkable else set()
        if not groups and not waiting:
            waiting = {str(signal.entities[0]) if signal.entities else EVERYTHING}
        keys = [*sorted(groups), *sorted(waiting)]
        return Routes(tuple(sorted(keys[:MAX_COPIES])), max(0, len(keys) - MAX_COPIES) + cut)

    def group_keys(self, signal: Signal) -> set[str]:
        """Return every group key of every correlation that looks at this signal."""
        return self._groups(signal)[0]

    def _groups(self, signal: Signal) -> tuple[set[str], int]:
        """Return the group keys, and how many more combinations of values there are than a correlation is given."""
        wanted = {parts for spec in self.wanted_by(signal.analytic.uid) for parts in _all_parts(spec, signal)}
        cut = sum(max(0, prod(map(len, parts)) - MAX_COPIES) for parts in wanted if len(parts) > 1)
        return {key for parts in wanted for key in _combined(parts)}, cut

    def over_link(self, signal: Signal, other: EntityKey, here: EntityKey) -> tuple[Signal, tuple[str, ...]]:
        """Return the copy of a signal that reaches `other` over a link from `here`, and the further keys it goes to.

        A copy travels one link only, so that links cannot carry a signal round the whole company.
        """
        if signal.via or other in signal.entities or not leads(here, other):
            return signal, ()
        copy = replace(signal, via=(other, here))
        return copy, tuple(sorted(self.group_keys(copy) - self.group_keys(signal)))[:MAX_COPIES]


def _is_linkable(wanted: Iterable[CorrelationSpec]) -> bool:
    """Tell whether any groups by entities."""
    return any(name.startswith(ENTITY_PREFIX) for spec in wanted for name in spec.group_by)


def group_keys(spec: CorrelationSpec, signal: Signal) -> frozenset[str]:
    """Return the group keys of one signal for one correlation; none when a group-by field has no value."""
    return _NO_KEYS.union(*map(_combined, _all_parts(spec, signal)))


def group_prefixes(spec: CorrelationSpec) -> tuple[str, ...]:
    """Return how the parts of every group key of a correlation begin; none when it has but one group."""
    return tuple(
        f"{name.removeprefix(ENTITY_PREFIX)}:" if name.startswith(ENTITY_PREFIX) else group_part(f"{name}=")
        for name in spec.group_by
    )


def is_in_group(spec: CorrelationSpec, key: str, signal: Signal, fields: tuple[str, ...] = ()) -> bool:
    """Tell whether `key` is one of the group keys of a signal for one correlation, by these fields if there are any."""
    if fields:
        return key in _combined(_parts(spec, fields, signal))
    if len(spec.group_by) == 1 and spec.group_by[0].startswith(ENTITY_PREFIX) and "%" not in key and "|" not in key:
        kind, _, value = key.partition(":")  # no part of this key was escaped
        if kind != spec.group_by[0].removeprefix(ENTITY_PREFIX):
            return False
        return any(one.value == value and one.type == kind for one in entities_for(spec, signal))
    return key in group_keys(spec, signal)


def _combined(parts: tuple[tuple[str, ...], ...]) -> set[str]:
    """Join every combination; of several fields only so many, since they multiply."""
    combinations = islice(product(*parts), MAX_COPIES if len(parts) > 1 else None)
    return {"|".join(combination) or EVERYTHING for combination in combinations}


def _all_parts(spec: CorrelationSpec, signal: Signal) -> list[tuple[tuple[str, ...], ...]]:
    return [_parts(spec, fields, signal) for fields in spec.groupings(signal.analytic.uid)]


def _parts(spec: CorrelationSpec, fields: tuple[str, ...], signal: Signal) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(_values(spec, name, field, signal)) for name, field in zip(spec.group_by, fields, strict=True))


def entities_for(spec: CorrelationSpec, signal: Signal) -> tuple[EntityKey, ...]:
    """Return the entities by which a signal is in groups of a correlation: those it names, and that it was linked to.

    Two accounts at one address may be one attacker, so links join them; but what adds up over weeks is not added to
    another user's for an address or a host that both were at once.
    """
    if not signal.via:
        return signal.entities
    other, here = signal.via
    is_narrow = spec.breadth is not None
    return signal.entities if is_narrow and is_of_others(signal, other, here) else (*signal.entities, other)


def _values(spec: CorrelationSpec, name: str, field: str, signal: Signal) -> Iterable[str]:
    """Return what a signal has in a field, as parts of a key under the name that the correlation has for it."""
    if field.startswith(ENTITY_PREFIX):
        kind = field.removeprefix(ENTITY_PREFIX)
        return sorted({group_part(str(key)) for key in entities_for(spec, signal) if key.type == kind})
    value = signal.fields.get(field)
    return () if value is None else (group_part(f"{name}={value}"),)


_NO_KEYS: Final[frozenset[str]] = frozenset()
