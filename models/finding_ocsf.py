"""Signals and sequences as OCSF Detection Findings (2004), and back.

What OCSF has no attribute for stands under `unmapped.braid`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

from models import ocsf
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.fields import is_too_large
from models.finding import (
    Analytic,
    Attack,
    EventRef,
    Part,
    Sequence,
    SequenceClosed,
    SequenceMember,
    Signal,
    group_entities,
)
from models.flood import flood_from_json, flood_to_json
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
    if signal.flood:
        record["start_time"], record["end_time"] = signal.flood.start, signal.flood.end
    record["unmapped"] = {
        "braid": {
            "domain": signal.domain,
            "fields": dict(signal.fields),
            "via": [str(key) for key in signal.via],
            "selections": list(signal.selections),
            "event": {
                "source": ref.source,
                "topic": ref.at.topic,
                "partition": ref.at.partition,
                "offset": ref.at.offset,
                "sha256": ref.sha256,
            },
            **({"flood": flood_to_json(signal.flood)} if signal.flood else {}),
            **({"parts": parts_to_json(signal.parts)} if signal.parts else {}),
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
            flood=flood_from_json(braid["flood"], record["time"]) if "flood" in braid else None,
            selections=tuple(_list(braid["selections"])),
            parts=parts_from_json(braid.get("parts", [])),
        )
        _check_signal(signal)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise InvalidRecord(f"not a signal: {type(error).__name__} at {error}") from error
    return signal


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise TypeError(f"a {type(value).__name__} where a list of ours belongs")
    return value


def parts_to_json(parts: tuple[Part, ...]) -> list[list[Any]]:
    """Render the detections that a sequence is made of, a row each."""
    return [[part.rule, part.domain, part.risk, list(part.tactics)] for part in parts]


def parts_from_json(rows: Any) -> tuple[Part, ...]:
    """Read what `parts_to_json` wrote; raise TypeError or ValueError when it is not that."""
    parts = []
    for rule, domain, risk, tactics in map(_list, _list(rows)):
        _all_of(str, rule, domain, *_list(tactics))
        _all_of(int, risk)
        parts.append(Part(rule, domain, risk, tuple(tactics)))
    return tuple(parts)


def _check_signal(signal: Signal) -> None:
    ref, at = signal.event, signal.event.at
    _all_of(str, signal.uid, signal.domain, ref.uid, ref.source, ref.sha256, at.topic)
    _all_of(str, *chain(*signal.fields.items(), *signal.matched), *(entity.value for entity in signal.entities))
    _all_of(str, *signal.selections)
    _all_of(int, signal.time, signal.confidence, signal.risk, signal.count, ref.class_uid, at.partition, at.offset)
    if ref.class_uid not in ocsf.CLASSES or not all(entity.type in OBSERVABLE_TYPE for entity in signal.entities):
        raise TypeError("the event's class is unknown, or an observable is no entity")
    if signal.flood and signal.flood.count != signal.count:
        raise TypeError(f"a count of {signal.count}, and {signal.flood.count} matches")


def _all_of(kind: type, *values: object) -> None:
    """Raise TypeError when a value is not exactly of the kind: JSON holds anything, and a bool is no int."""
    for value in values:
        if type(value) is not kind or is_too_large(value):
            raise TypeError(f"a {type(value).__name__} where a {kind.__name__} of ours belongs")


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
                *([{"name": "first", "value": member.first}] if member.first else []),
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
        first=tags.get("first", ""),
    )
