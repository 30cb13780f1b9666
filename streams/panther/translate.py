"""Turn a Panther correlation rule into the document of a Sigma correlation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from streams.panther.keys import Key, NoKey, key_of
from streams.panther.model import Entry, PantherRule, Pattern
from streams.panther.names import RESERVED, correlation_uid, fresh, slug
from streams.panther.sequence import Gap, Ordered

ENTITY_PREFIX: Final = "entity."  # a group-by name that begins so is no field to Braid
Document = dict[str, Any]


class Untranslatable(Exception):
    """A rule says what cannot be carried over exactly.

    Attributes:
        faults: Lines and what it is.
    """

    def __init__(self, *faults: tuple[int, str]) -> None:
        super().__init__("; ".join(message for _, message in faults))
        self.faults = faults


def correlation_of(rule: PantherRule, name: str, names: Mapping[str, str]) -> Document:
    """Return the correlation that a rule becomes.

    Args:
        rule: The rule.
        name: What the correlation is called.
        names: Names of the detections by Panther rule id.

    Raises:
        Untranslatable: With everything that cannot be carried over.
    """
    about = rule.about
    correlation, own = _Translation(rule.pattern, names).parts()
    document = {
        "title": about.title,
        "id": correlation_uid(rule.uid),
        "name": name,
        "status": "stable" if about.enabled else "test",
        "description": about.description,
        "references": list(about.references),
        "tags": list(about.attack),
        "level": about.level,
        "correlation": correlation,
        "braid": own,
        "investigation": about.runbook,
        "panther": _provenance(rule),
    }
    return {key: value for key, value in document.items() if value not in ("", [], {})}


def _provenance(rule: PantherRule) -> Document:
    """Return what only Panther knows of a rule; nothing in Braid looks at it."""
    reports = {name: list(values) for name, values in rule.about.reports.items() if values}
    own = {"rule_id": rule.uid, "tags": list(rule.about.tags), "reports": reports}
    return {key: value for key, value in own.items() if value}


def span(minutes: int) -> str:
    """Return minutes in the largest unit that says them exactly."""
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


class _Translation:
    """The translation of one pattern."""

    def __init__(self, pattern: Pattern, names: Mapping[str, str]) -> None:
        self._pattern = pattern
        self._names = names
        self._steps = [entry for entry in pattern.entries if not entry.absent]
        self._entries = {entry.uid: entry for entry in pattern.entries}
        self._often = {rule for rule, count in Counter(entry.rule for entry in self._steps).items() if count > 1}
        try:
            self._key = key_of(pattern)
        except NoKey as error:
            raise Untranslatable((error.line, str(error))) from error
        self._ordered = Ordered(pattern) if pattern.ordered else None
        self._usual = _usual(pattern, self._key)
        self._parts = _part_names(self._key)
        self._check()
        self._step_names = self._named_steps()

    def parts(self) -> tuple[Document, Document]:
        """Return what goes under `correlation` and what goes under `braid`."""
        correlation: Document = {
            "type": "temporal_ordered" if self._pattern.ordered else "temporal",
            "rules": [self._names[entry.rule] for entry in self._steps],
            "group-by": self._group_by(),
            "aliases": self._aliases(),
            "timespan": span(self._pattern.lookback),
        }
        steps = [step for entry in self._steps if len(step := self._step(entry)) > 1]
        own = {"steps": steps, "absent": self._absent()}
        return {k: v for k, v in correlation.items() if v}, {k: v for k, v in own.items() if v}

    def _check(self) -> None:
        faults = list(self._ordered.faults) if self._ordered else list(self._twice())
        inner = {gap.entry for gap in self._gaps() if gap.after and gap.before}
        rules = {entry.rule for entry in self._steps}
        for entry in self._pattern.entries:
            if entry.uid in inner and entry.rule in rules:
                faults.append((entry.line, f"{entry.rule!r:.80} cannot be a step and absent between steps"))
            own = self._own_fields(entry)
            if any(field.startswith(ENTITY_PREFIX) for field in own):
                faults.append((entry.line, f"a field called {ENTITY_PREFIX}... means an entity here: {', '.join(own)}"))
        if faults:
            raise Untranslatable(*faults)

    def _twice(self) -> list[tuple[int, str]]:
        """Report entries of a group that are about the same matches."""
        seen: set[tuple[str, tuple[str, ...]]] = set()
        faults = []
        for entry in self._pattern.entries:
            same = entry.rule, self._key.fields[entry.uid]
            if same in seen:
                faults.append((entry.line, f"{entry.rule!r:.80} stands in this Group twice, by the same fields"))
            seen.add(same)
        return faults

    def _gaps(self) -> tuple[Gap, ...]:
        return self._ordered.gaps if self._ordered else ()

    def _own_fields(self, entry: Entry) -> tuple[str, ...]:
        """Return the fields that an entry has to name itself: those of a rule that stands in others with other ones."""
        fields = {self._key.fields[other.uid] for other in self._pattern.entries if other.rule == entry.rule}
        return self._key.fields[entry.uid] if len(fields) > 1 else ()

    def _group_by(self) -> list[str]:
        return [self._field(place) or name for place, name in enumerate(self._parts)]

    def _field(self, place: int) -> str:
        """Return the field that all rules have in one part of the key, empty where they differ or it must be named."""
        fields = {fields[place] for fields in self._usual.values()}
        one = next(iter(fields))
        return one if len(fields) == 1 and not one.startswith(ENTITY_PREFIX) else ""

    def _aliases(self) -> Document:
        return {
            name: {self._names[rule]: fields[place] for rule, fields in self._usual.items()}
            for place, name in enumerate(self._parts)
            if not self._field(place)
        }

    def _named_steps(self) -> dict[str, str]:
        """Name the steps: by their rule, and those of a rule that is several of them by their IDs."""
        names: dict[str, str] = {}
        taken = {*self._names.values(), *RESERVED}
        for entry in self._steps:
            name = self._names[entry.rule]
            if entry.rule in self._often:
                name = fresh(slug(entry.uid), taken)
                taken.add(name)
            names[entry.uid] = name
        return names

    def _step(self, entry: Entry) -> Document:
        within = self._ordered.within.get(entry.uid) if self._ordered else None
        step: Document = {"rule": self._names[entry.rule]}
        if entry.rule in self._often:
            step["name"] = self._step_names[entry.uid]
        if entry.count > 1:
            step["count"] = entry.count
        if within:
            step["within"] = span(within)
        return step | self._grouped(entry)

    def _grouped(self, entry: Entry) -> Document:
        own = self._own_fields(entry)
        return {"group-by": list(own)} if own else {}

    def _absent(self) -> list[Document]:
        if self._ordered:
            return [self._about(gap) | self._grouped(self._entries[gap.entry]) for gap in self._ordered.gaps]
        absent = [entry for entry in self._pattern.entries if entry.absent]
        return [{"rule": self._names[entry.rule]} | self._grouped(entry) for entry in absent]

    def _about(self, gap: Gap) -> Document:
        rule = {"rule": self._names[self._entries[gap.entry].rule]}
        after, before = self._step_names.get(gap.after), self._step_names.get(gap.before)
        if after and before:
            return rule | {"between": [after, before]}
        return rule | ({"after": after} if after else {"before": before}) | {"within": span(gap.within)}


def _usual(pattern: Pattern, key: Key) -> dict[str, tuple[str, ...]]:
    """Return by rule the fields of its first entry."""
    usual: dict[str, tuple[str, ...]] = {}
    for entry in pattern.entries:
        usual.setdefault(entry.rule, key.fields[entry.uid])
    return usual


def _part_names(key: Key) -> list[str]:
    """Return a name for each part of a key, distinct from one another and from fields that are a part themselves."""
    parts = map(set, zip(*key.fields.values(), strict=True))
    taken = {field for fields in parts if len(fields) == 1 for field in fields}
    names: list[str] = []
    for name in key.names:
        names.append(fresh(slug(name), taken))
        taken.add(names[-1])
    return names
