"""A small intrusion to investigate: invented records, the signals on them, and the sequence they make."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import orjson

from models import ocsf
from models.entity import EntityKey
from models.finding import Analytic, Attack, EventRef, Sequence, SequenceMember, Signal
from models.finding_ocsf import signal_to_ocsf
from models.records import Coordinates
from models.uids import event_uid, sequence_uid, sha256_hex, signal_uid
from streams.lake import EVENTS, SIGNALS, LakeRow, row_of

T0 = 1_750_000_000_000
MINUTE = 60_000
DAY = 86_400_000
WEB01 = EntityKey("host", "web01")
ALICE = EntityKey("user", "alice")
OUTSIDE = EntityKey("ip", "203.0.113.9")

SPRAY = Analytic("rule-spray", "Password spray succeeded", severity_id=3, attacks=(Attack("initial-access", "T1078"),))
DUMP = Analytic("rule-dump", "Memory of LSASS read", severity_id=4, attacks=(Attack("credential-access", "T1003.001"),))
MOVE = Analytic(
    "rule-move", "Service created over SMB", severity_id=4, attacks=(Attack("lateral-movement", "T1021.002"),)
)
CORRELATION = Analytic("corr-1", "Logon, theft and movement on one host", type_id=2, severity_id=4)


@dataclass
class Scenario:
    """Collect lake rows, with the signals and members they make."""

    rows: dict[str, list[LakeRow]] = field(default_factory=lambda: {EVENTS: [], SIGNALS: []})
    members: list[SequenceMember] = field(default_factory=list)

    def event(
        self, source: str, class_uid: int, time: int, entities: tuple[EntityKey, ...], raw: dict[str, object]
    ) -> LakeRow:
        """Store one event of a source that ships JSON, and return its row."""
        data = orjson.dumps({"ts": time, **raw})
        record = ocsf.head(class_uid, 1, time)
        record["metadata"] = {
            "version": ocsf.VERSION,
            "product": {"name": source},
            "uid": event_uid(source, sha256_hex(data)),
        }
        record["raw_data"] = data.decode()
        record["raw_data_hash"] = {"algorithm": "SHA-256", "algorithm_id": 3, "value": sha256_hex(data)}
        at = Coordinates(f"raw.{source}", 0, len(self.rows[EVENTS]))
        row = replace(row_of(EVENTS, ocsf.encode(record), at, source), entities=tuple(map(str, entities)))
        self.rows[EVENTS].append(row)
        return row

    def tell(self, index: int, **attributes: object) -> None:
        """Give a stored event further OCSF attributes; what its hash covers stays as it is."""
        row = self.rows[EVENTS][index]
        self.rows[EVENTS][index] = replace(row, record=ocsf.encode({**ocsf.decode(row.record), **attributes}))

    def signal(
        self, event: LakeRow, analytic: Analytic, matched: dict[str, str], *, member: bool = True, risk: int = 40
    ) -> Signal:
        """Store one signal on a stored event, and count it to the sequence unless told otherwise."""
        at = Coordinates(event.topic, event.partition, event.offset)
        signal = Signal(
            uid=signal_uid(analytic.uid, event.uid),
            time=event.time,
            analytic=analytic,
            event=EventRef(event.uid, event.class_uid, event.source, at, event.sha256),
            domain=event.domain,
            confidence=70,
            risk=risk,
            entities=tuple(EntityKey.parse(key) for key in event.entities),
            matched=tuple(matched.items()),
        )
        here = Coordinates("signals", 0, len(self.rows[SIGNALS]))
        self.rows[SIGNALS].append(row_of(SIGNALS, ocsf.encode(signal_to_ocsf(signal)), here))
        if member:
            held = SequenceMember(signal.uid, signal.time, analytic, event.uid, signal.domain, risk)
            self.members.append(held)
        return signal

    def sequence(self, group: str = "host:web01") -> Sequence:
        """Return the sequence of all members so far."""
        members = tuple(sorted(self.members, key=lambda member: (member.time, member.uid)))
        return Sequence(
            uid=sequence_uid(CORRELATION.uid, group, members[0].uid),
            revision=len(members),
            analytic=CORRELATION,
            group=group,
            members=members,
            start_time=members[0].time,
            end_time=members[-1].time,
            risk=78,
            is_alert=True,
            reasons=("3 distinct detections",),
            investigation="Was the logon expected? Is the service known?",
        )


def intrusion(
    user: str = "alice",
    command: str = "procdump -ma lsass.exe C:\\temp\\out.dmp",
    outside: str = OUTSIDE.value,
) -> Scenario:
    """Return a logon, a credential theft and a movement on one host, seen by three sources; quiet days before."""
    scenario = Scenario()
    actor, peer = EntityKey("user", user), EntityKey("ip", outside)
    for source, class_uid in (("okta", 3002), ("windows", 1007), ("zeek", 4006)):
        for time in (T0 - 5 * 60 * MINUTE, T0 - 10 * MINUTE):
            scenario.event(source, class_uid, time, (WEB01,), {"host": "web01", "note": "quiet"})
    logon = scenario.event("okta", 3002, T0, (WEB01, actor, peer), {"user": user, "ip": outside})
    theft = scenario.event("windows", 1007, T0 + 3 * MINUTE, (WEB01, actor), {"User": user, "CommandLine": command})
    moved = scenario.event("zeek", 4006, T0 + 9 * MINUTE, (WEB01, peer), {"id.resp_h": outside, "svc": "x1"})
    scenario.signal(logon, SPRAY, {"user": user})
    scenario.signal(theft, DUMP, {"CommandLine": command})
    scenario.signal(moved, MOVE, {"svc": "x1"})
    return scenario
