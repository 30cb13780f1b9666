"""What is known before an investigation begins: techniques, rules, runbooks, past cases."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Technique:
    """An ATT&CK technique or sub-technique.

    Attributes:
        uid: `T1003` or `T1003.001`.
        name: Its name, of a sub-technique behind its technique's.
        tactics: Tactics it serves, as Sigma's tags spell them.
    """

    uid: str
    name: str
    tactics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A detection or correlation rule, or a model, as its author describes it.

    Attributes:
        uid: Its id.
        title: Its title.
        name: The name that other rules may know it by, or empty.
        description: What it finds.
        level: `informational` to `critical`, or empty.
        falsepositives: What else it may be.
        investigation: What its author wants checked.
        techniques: ATT&CK techniques it is tagged with.
    """

    uid: str
    title: str
    name: str = ""
    description: str = ""
    level: str = ""
    falsepositives: tuple[str, ...] = ()
    investigation: str = ""
    techniques: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Runbook:
    """What an analyst does about one kind of sequence.

    Attributes:
        name: The name of its file, without the ending.
        title: Its title.
        owner: Who keeps it.
        techniques: ATT&CK techniques that it is about.
        rules: Names or uids of the rules that it is about.
        text: Its steps, Markdown.
    """

    name: str
    title: str
    owner: str
    techniques: tuple[str, ...]
    rules: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """A closed investigation: its standing verdict, that of an analyst where there is one.

    Attributes:
        sequence_uid: The sequence it was about.
        group: Key of the sequence's group.
        time: End of the sequence, ms.
        title: Title of the verdict.
        verdict: What it was: `True Positive`, `Benign`, ...
        confidence: 0 to 100.
        summary: What was found; names people and machines.
        corrected_by: Who corrected it, empty when nobody did.
        rules: Uids of its correlation and its detections.
        rule_titles: Their titles.
        techniques: ATT&CK techniques.
    """

    sequence_uid: str
    group: str
    time: int
    title: str
    verdict: str
    confidence: int
    summary: str
    corrected_by: str = ""
    rules: tuple[str, ...] = ()
    rule_titles: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All of it.

    Attributes:
        techniques: By id.
        replaced: Ids of techniques that have gone, and what stands for them now.
        rules: By uid.
        runbooks: By name.
        cases: The latest first.
    """

    techniques: Mapping[str, Technique] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    runbooks: Mapping[str, Runbook] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()

    @property
    def words(self) -> frozenset[str]:
        """Return the words of ATT&CK's names, in lower case: they name a way of doing things, and nobody's property."""
        names = (f"{one.name} {' '.join(one.tactics)}" for one in self.techniques.values())
        return frozenset(word for name in names for word in re.split(r"[^\w&+#.-]+", name.lower()) if word)
