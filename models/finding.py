"""Findings: the signal on one event, the sequence of signals on one group, and how both look in OCSF.

Both are OCSF Detection Findings (2004). What OCSF has no attribute for stands under `unmapped.braid`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from models import ocsf
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.ocsf_classes import DETECTION_FINDING
from models.records import Coordinates

CREATE, UPDATE, CLOSE = 1, 2, 3  # OCSF activities of a finding
NEW, RESOLVED = 1, 4  # OCSF status of a finding
SEVERITY: Final = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
ANALYTIC_TYPE: Final = {1: "Rule", 2: "Behavioral", 3: "Statistical", 4: "Learning (ML/DL)"}
OBSERVABLE_TYPE: Final = {  # OCSF observable type_id for each entity type; 99 is Other
    "host": (1, "Hostname"),
    "ip": (2, "IP Address"),
    "user": (4, "User Name"),
    "workload": (99, "Other"),
    "session": (99, "Other"),
    "account": (99, "Other"),
}
_PLAIN: Final = {"%7C": "|", "%25": "%"}  # in a group's key
_ESCAPED: Final = re.compile("%7C|%25")
_ESCAPE: Final = re.compile("%(?=7C|25)")  # any other percent sign stands as it is


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
class Signal:
    """One analytic fired on one event.

    Attributes:
        uid: Content hash of analytic and event.
        time: Event time in ms.
        analytic: What fired.
        event: The event it fired on.
        domain: `identity`, `network` or `workload`.
        confidence: 0 to 100.
        risk: 0 to 100, what this signal adds to an entity's risk.
        entities: Entities the event names.
        fields: Values that correlations group by or count, by the event's field name.
        matched: Field and value pairs that made the rule fire, for the investigator.
        count: How many matches it stands for (folded floods).
        via: Entities reached over an entity link at the signal's time, on copies routed to them.
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


@dataclass(frozen=True, slots=True)
class SequenceMember:
    """One signal as a sequence remembers it."""

    uid: str
    time: int
    analytic: Analytic
    event_uid: str
    domain: str
    risk: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Sequence:
    """Signals on one group that belong together, as one correlation rule says.

    Attributes:
        uid: Content hash of correlation rule, group and earliest signal.
        revision: Number of signals it stands for; grows as signals join.
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


def attacks_to_ocsf(attacks: tuple[Attack, ...]) -> list[dict[str, Any]]:
    """Render ATT&CK references as OCSF attack objects; tactics stand as their Sigma name."""
    rendered = []
    for attack in attacks:
        item: dict[str, Any] = {}
        if attack.tactic:
            item["tactic"] = {"name": attack.tactic}
        technique, _, sub = attack.technique.partition(".")
        if technique:
            item["technique"] = {"uid": technique}
        if sub:
            item["sub_technique"] = {"uid": attack.technique}
        rendered.append(item)
    return rendered


def attacks_from_ocsf(items: list[dict[str, Any]]) -> tuple[Attack, ...]:
    """Read ATT&CK references back from OCSF attack objects."""

    def one(item: dict[str, Any]) -> Attack:
        technique = item.get("sub_technique") or item.get("technique") or {}
        return Attack(item.get("tactic", {}).get("name", ""), technique.get("uid", ""))

    return tuple(one(item) for item in items)


def analytic_to_ocsf(analytic: Analytic) -> dict[str, Any]:
    """Render an analytic as the OCSF object."""
    type_id = analytic.type_id
    return {"uid": analytic.uid, "name": analytic.name, "type_id": type_id, "type": ANALYTIC_TYPE[type_id]}


def _finding(
    analytic: Analytic, uid: str, time: int, activity_id: int, status_id: int, related: list[dict[str, Any]]
) -> dict[str, Any]:
    record = ocsf.head(DETECTION_FINDING, activity_id, time, analytic.severity_id)
    record["severity"] = SEVERITY[analytic.severity_id]
    record["status_id"] = status_id
    info: dict[str, Any] = {"uid": uid, "title": analytic.name, "analytic": analytic_to_ocsf(analytic)}
    if analytic.attacks:
        info["attacks"] = attacks_to_ocsf(analytic.attacks)
    if related:
        info["related_events"] = related
    if analytic.author:
        info["tags"] = [{"name": "author", "value": analytic.author}]
    record["finding_info"] = info
    record["metadata"] = {"version": ocsf.VERSION, "product": ocsf.PRODUCT, "uid": uid}
    return record


def observables(entities: tuple[EntityKey, ...]) -> list[dict[str, Any]]:
    """Render entities as OCSF observables, named `entity.<type>`."""
    return [
        {
            "name": f"entity.{key.type}",
            "type_id": OBSERVABLE_TYPE[key.type][0],
            "type": OBSERVABLE_TYPE[key.type][1],
            "value": key.value,
        }
        for key in entities
    ]


def signal_to_ocsf(signal: Signal) -> dict[str, Any]:
    """Render a signal as a Detection Finding."""
    ref = signal.event
    related = {"uid": ref.uid, "type_uid": ref.class_uid * 100, "type_name": ocsf.CLASSES[ref.class_uid].name}
    record = _finding(signal.analytic, signal.uid, signal.time, CREATE, NEW, [related])
    record["confidence_score"] = signal.confidence
    record["risk_score"] = signal.risk
    record["count"] = signal.count
    if signal.entities:
        record["observables"] = observables(signal.entities)
    if signal.matched:
        record["evidences"] = [{"data": dict(signal.matched)}]
    record["unmapped"] = {
        "braid": {
            "domain": signal.domain,
            "fields": dict(signal.fields),
            "via": [str(key) for key in signal.via],
            "event": {
                "source": ref.source,
                "topic": ref.at.topic,
                "partition": ref.at.partition,
                "offset": ref.at.offset,
                "sha256": ref.sha256,
            },
        }
    }
    return record


def signal_from_ocsf(record: Mapping[str, Any]) -> Signal:
    """Read a signal back; raise InvalidRecord naming what is missing or of the wrong shape."""
    try:
        info, braid = record["finding_info"], record["unmapped"]["braid"]
        related, event = info["related_events"][0], braid["event"]
        signal = Signal(
            uid=info["uid"],
            time=record["time"],
            analytic=_analytic_from_ocsf(record),
            event=EventRef(
                uid=related["uid"],
                class_uid=related["type_uid"] // 100,
                source=event["source"],
                at=Coordinates(event["topic"], event["partition"], event["offset"]),
                sha256=event["sha256"],
            ),
            domain=braid["domain"],
            confidence=record["confidence_score"],
            risk=record["risk_score"],
            entities=tuple(
                EntityKey(item["name"].removeprefix("entity."), item["value"]) for item in record.get("observables", ())
            ),
            fields=braid["fields"],
            matched=tuple((record.get("evidences") or [{"data": {}}])[0]["data"].items()),
            count=record["count"],
            via=tuple(EntityKey.parse(key) for key in braid["via"]),
        )
        _check_signal(signal)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise InvalidRecord(f"not a signal: {type(error).__name__} at {error}") from error
    return signal


def _check_signal(signal: Signal) -> None:
    ref, at = signal.event, signal.event.at
    _all_of(str, signal.uid, signal.domain, ref.uid, ref.source, ref.sha256, at.topic)
    _all_of(str, *chain(*signal.fields.items(), *signal.matched), *(entity.value for entity in signal.entities))
    _all_of(int, signal.time, signal.confidence, signal.risk, signal.count, ref.class_uid, at.partition, at.offset)
    if ref.class_uid not in ocsf.CLASSES or not all(entity.type in OBSERVABLE_TYPE for entity in signal.entities):
        raise TypeError("the event's class is unknown, or an observable is no entity")


def _all_of(kind: type, *values: object) -> None:
    """Raise TypeError when a value is not exactly of the kind: JSON holds anything, and a bool is no int."""
    for value in values:
        if type(value) is not kind:
            raise TypeError(f"a {type(value).__name__} where a {kind.__name__} belongs")


def _analytic_from_ocsf(record: Mapping[str, Any]) -> Analytic:
    info = record["finding_info"]
    analytic = info["analytic"]
    tags = {tag["name"]: tag["value"] for tag in info.get("tags", ())}
    return _checked(
        Analytic(
            uid=analytic["uid"],
            name=analytic["name"],
            type_id=analytic["type_id"],
            author=tags.get("author", ""),
            severity_id=record["severity_id"],
            attacks=attacks_from_ocsf(info.get("attacks", [])),
        )
    )


def _checked(analytic: Analytic) -> Analytic:
    _all_of(str, analytic.uid, analytic.name, analytic.author)
    _all_of(str, *(part for attack in analytic.attacks for part in (attack.tactic, attack.technique)))
    if analytic.type_id not in ANALYTIC_TYPE or analytic.severity_id not in SEVERITY:
        raise TypeError("type_id or severity_id is not on its scale")
    return analytic


def sequence_to_ocsf(sequence: Sequence) -> dict[str, Any]:
    """Render a sequence as a Detection Finding whose related events are its signals."""
    related = [
        {
            "uid": member.uid,
            "type_uid": DETECTION_FINDING * 100 + CREATE,
            "title": member.analytic.name,
            "severity_id": member.analytic.severity_id,
            "first_seen_time": member.time,
            "count": member.count,
            **({"attacks": attacks_to_ocsf(member.analytic.attacks)} if member.analytic.attacks else {}),
            "tags": [
                {"name": "analytic", "value": member.analytic.uid},
                {"name": "author", "value": member.analytic.author},
                {"name": "domain", "value": member.domain},
                {"name": "event", "value": member.event_uid},
                {"name": "risk", "value": str(member.risk)},
                {"name": "type_id", "value": str(member.analytic.type_id)},
            ],
        }
        for member in sequence.members
    ]
    record = _finding(sequence.analytic, sequence.uid, sequence.end_time, CREATE, NEW, related)
    record["is_alert"] = sequence.is_alert
    record["risk_score"] = sequence.risk
    record["count"] = sequence.revision
    record["start_time"], record["end_time"] = sequence.start_time, sequence.end_time
    record["message"] = f"{sequence.analytic.name}: {len(sequence.members)} signals on {sequence.group}"
    record["status_detail"] = "; ".join(sequence.reasons)
    entities = group_entities(sequence.group)
    if entities:
        record["observables"] = observables(entities)
    record["unmapped"] = {
        "braid": {
            "revision": sequence.revision,
            "group": sequence.group,
            "reasons": list(sequence.reasons),
            "investigation": sequence.investigation,
        }
    }
    return record


def group_part(text: str) -> str:
    """Write one part of a group's key so that no text can pass for two: `|`, the joint, becomes `%7C`."""
    return _ESCAPE.sub("%25", text).replace("|", "%7C")


def group_entities(group: str) -> tuple[EntityKey, ...]:
    """Return the entities that a group's key names; its parts are joined by `|`, and some are plain values."""
    entities = []
    for part in group.split("|"):
        try:
            entities.append(EntityKey.parse(_ESCAPED.sub(lambda found: _PLAIN[found[0]], part)))
        except InvalidRecord:
            continue
    return tuple(entities)


def sequence_closed_to_ocsf(closed: SequenceClosed) -> dict[str, Any]:
    """Render the withdrawal of a sequence: activity Close, and the uid that replaces it."""
    record = _finding(closed.analytic, closed.uid, closed.time, CLOSE, RESOLVED, [])
    record["is_alert"] = False
    record["status_detail"] = f"replaced by {closed.replaced_by}" if closed.replaced_by else "retracted"
    record["unmapped"] = {
        "braid": {"group": closed.group, "replaced_by": closed.replaced_by, "was_alert": closed.was_alert}
    }
    return record


def sequence_from_ocsf(record: Mapping[str, Any]) -> Sequence | SequenceClosed:
    """Read a sequence, or its withdrawal, back; raise InvalidRecord when it is neither."""
    try:
        analytic, braid, info = _analytic_from_ocsf(record), record["unmapped"]["braid"], record["finding_info"]
        _all_of(str, info["uid"], braid["group"])
        _all_of(int, record["time"])
        if record["activity_id"] == CLOSE:
            _all_of(str, braid["replaced_by"])
            _all_of(bool, braid["was_alert"])
            return SequenceClosed(
                info["uid"], analytic, braid["group"], record["time"], braid["replaced_by"], braid["was_alert"]
            )
        _all_of(int, braid["revision"], record["start_time"], record["end_time"], record["risk_score"])
        _all_of(str, braid["investigation"], *braid["reasons"])
        _all_of(bool, record["is_alert"])
        return Sequence(
            uid=info["uid"],
            revision=braid["revision"],
            analytic=analytic,
            group=braid["group"],
            members=tuple(_member_from_ocsf(item) for item in info["related_events"]),
            start_time=record["start_time"],
            end_time=record["end_time"],
            risk=record["risk_score"],
            is_alert=record["is_alert"],
            reasons=tuple(braid["reasons"]),
            investigation=braid["investigation"],
        )
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise InvalidRecord(f"not a sequence: {type(error).__name__} at {error}") from error


def _member_from_ocsf(item: Mapping[str, Any]) -> SequenceMember:
    tags = {tag["name"]: tag["value"] for tag in item["tags"]}
    _all_of(str, item["uid"], *tags.values())
    _all_of(int, item["first_seen_time"], item["count"])
    analytic = Analytic(
        uid=tags["analytic"],
        name=item["title"],
        type_id=int(tags["type_id"]),
        author=tags["author"],
        severity_id=item["severity_id"],
        attacks=attacks_from_ocsf(item.get("attacks", [])),
    )
    return SequenceMember(
        uid=item["uid"],
        time=item["first_seen_time"],
        analytic=_checked(analytic),
        event_uid=tags["event"],
        domain=tags["domain"],
        risk=int(tags["risk"]),
        count=item["count"],
    )
