"""Findings: the signal on one event, the sequence of signals on one group. Their OCSF form: `models.finding_ocsf`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from models.entity import EntityKey
from models.errors import InvalidRecord
from models.flood import Flood
from models.records import Coordinates

_PLAIN: Final = {"%7C": "|", "%25": "%"}  # in a group's key
_ESCAPE: Final = re.compile("%(?=7C|25)")  # any other percent sign stands as it is
_ESCAPED: Final = re.compile("%7C|%25")
STATISTICAL, LEARNING = 3, 4  # OCSF analytic types


@dataclass(frozen=True, slots=True)
class Attack:
    """One ATT&CK reference of a rule.

    Attributes:
        tactic: Tactic in Sigma's spelling (`credential-access`), or empty.
        technique: `T1003` or `T1003.001`, or empty.
    """

    tactic: str = ""
    technique: str = ""


@dataclass(frozen=True, slots=True)
class Analytic:
    """What found something: a Sigma rule, a correlation, an anomaly model.

    Attributes:
        uid: Id of the rule or model.
        name: Its title.
        type_id: OCSF analytic type: 1 rule, 2 behavioral, 3 statistical, 4 learning.
        author: Its author, carried along since the rules' licence asks for that.
        severity_id: OCSF severity 1 to 5.
        attacks: ATT&CK references.
    """

    uid: str
    name: str
    type_id: int = 1
    author: str = ""
    severity_id: int = 3
    attacks: tuple[Attack, ...] = ()

    @property
    def is_model(self) -> bool:
        """Tell whether it is a model that was learned: it finds something only once a minute or an hour is over."""
        return self.type_id in (STATISTICAL, LEARNING)

    @property
    def tactics(self) -> frozenset[str]:
        """Return the distinct ATT&CK tactics."""
        return frozenset(attack.tactic for attack in self.attacks if attack.tactic)


@dataclass(frozen=True, slots=True)
class EventRef:
    """Point at the event behind a signal, so that anyone can fetch the evidence again."""

    uid: str
    class_uid: int
    source: str
    at: Coordinates
    sha256: str


@dataclass(frozen=True, slots=True)
class Part:
    """One detection that a sequence is made of, where that sequence is a signal itself.

    Attributes:
        rule: Uid of the detection.
        domain: `identity`, `network` or `workload`.
        risk: 0 to 100, the highest of its signals.
        tactics: Its ATT&CK tactics, sorted.
    """

    rule: str
    domain: str
    risk: int
    tactics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A signal that no longer stands: the sequence that it was made of was withdrawn, or is another one now.

    Attributes:
        uid: The signal's uid.
        time: Event time (ms) at which the sequence began.
    """

    uid: str
    time: int


@dataclass(frozen=True, slots=True)
class Signal:
    """One analytic fired on one event, or, in a flood, on many of one group and second.

    Attributes:
        uid: Content hash of analytic and event; of rule, group and second when it is folded.
        time: Event time in ms; a folded one's is that of its earliest match, as is all that one match has.
        analytic: What fired.
        event: The event it fired on.
        domain: `identity`, `network` or `workload`.
        confidence: 0 to 100.
        risk: 0 to 100, what this signal adds to an entity's risk.
        entities: Entities the event names.
        fields: Values that correlations group by or count, by the event's field name.
        matched: Field and value pairs that made the rule fire, for the investigator.
        selections: Names of the rule's detections that these stand in.
        count: How many matches it stands for (folded floods).
        via: On a copy that was routed over an entity link at the signal's time, its two ends: that reached, that named.
        flood: The matches of a folded one, by time and values; None on any other.
        parts: Of a sequence that is a signal for other correlations, the detections it is made of; else none.
    """

    uid: str
    time: int
    analytic: Analytic
    event: EventRef
    domain: str
    confidence: int
    risk: int
    entities: tuple[EntityKey, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    matched: tuple[tuple[str, str], ...] = ()
    count: int = 1
    via: tuple[EntityKey, ...] = ()
    flood: Flood | None = None
    selections: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def made_of(self) -> tuple[Part, ...]:
        """Return the detections it stands for: its own, or those of the sequence that it is."""
        return self.parts or (Part(self.analytic.uid, self.domain, self.risk, tuple(sorted(self.analytic.tactics))),)


@dataclass(frozen=True, slots=True)
class SequenceMember:
    """One signal as a sequence remembers it.

    Attributes:
        uid: The signal's uid.
        time: Event time of its earliest match in the sequence, ms.
        analytic: What fired.
        event_uid: The event it fired on; of a folded one, that of its earliest match.
        domain: `identity`, `network` or `workload`.
        risk: 0 to 100.
        count: How many matches of it are in the sequence.
        first: Of a folded one, the uid that its earliest match has as a signal of its own; else empty.
    """

    uid: str
    time: int
    analytic: Analytic
    event_uid: str
    domain: str
    risk: int
    count: int = 1
    first: str = ""


@dataclass(frozen=True, slots=True)
class Sequence:
    """Signals on one group that belong together, as one correlation rule says.

    Attributes:
        uid: Content hash of correlation rule, group and earliest signal.
        revision: Number of matches it stands for; grows as signals join.
        analytic: The correlation rule.
        group: The group's key (`host:mkt01`).
        members: Its signals, earliest first; the best examples when there are more than are kept.
        start_time: Event time of the earliest signal, ms.
        end_time: Event time of the latest signal, ms.
        risk: 0 to 100.
        is_alert: Whether it goes to investigation.
        reasons: Why it is escalated, or what it lacks.
        investigation: What the rule's author wants checked.
    """

    uid: str
    revision: int
    analytic: Analytic
    group: str
    members: tuple[SequenceMember, ...]
    start_time: int
    end_time: int
    risk: int
    is_alert: bool
    reasons: tuple[str, ...] = ()
    investigation: str = ""


@dataclass(frozen=True, slots=True)
class SequenceClosed:
    """A sequence that no longer stands: an earlier signal moved its start, or its condition came undone.

    Attributes:
        uid: The sequence that is withdrawn.
        analytic: Its correlation rule.
        group: Its group key.
        time: Its start time, ms.
        replaced_by: The uid that stands in its place, empty when nothing does.
        was_alert: Whether it had been escalated: then there is a verdict to withdraw too.
    """

    uid: str
    analytic: Analytic
    group: str
    time: int
    replaced_by: str = ""
    was_alert: bool = False


def group_part(text: str) -> str:
    """Write one part of a group's key so that no text can pass for two: `|`, the joint, becomes `%7C`."""
    return _ESCAPE.sub("%25", text).replace("|", "%7C")


def group_value(part: str) -> str:
    """Return one part of a group's key as it was before `group_part`."""
    return _ESCAPED.sub(lambda found: _PLAIN[found[0]], part)


def group_entities(group: str) -> tuple[EntityKey, ...]:
    """Return the entities that a group's key names; its parts are joined by `|`, and some are plain values."""
    entities = []
    for part in group.split("|"):
        try:
            entities.append(EntityKey.parse(group_value(part)))
        except InvalidRecord:
            continue
    return tuple(entities)
