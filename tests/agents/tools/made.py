"""A host, a session, a cloud and some anomalies to ask about: invented records, stored in memory or in a lake."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from agents.evidence.outside import Outside
from agents.evidence.store import EvidenceStore, StoredEvent
from agents.evidence.toolbox import Budget, Toolbox
from agents.tools.answers import ToolAnswer
from agents.tools.desk import Desk
from agents.tools.knowledge import Case, Knowledge, Rule, Runbook, Technique
from agents.tools.library import Library, library
from models import ocsf
from models.entity import EntityKey
from models.errors import ToolRefused
from models.finding import Analytic, Sequence
from streams.lake import EVENTS, LakeRow, LakeWriter
from streams.lake_store import LakeStore
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import ALICE, DAY, MINUTE, OUTSIDE, T0, WEB01, Scenario, intrusion

BOB = EntityKey("user", "bob")
WEB02 = EntityKey("host", "web02")
KEY = EntityKey("session", "akiaexample1")
HASH = "b" * 64
TRAVEL = Analytic("anomaly-travel", "Signed in from two places too far apart", type_id=3)
UNLIMITED = Budget(calls=10_000, rows=10**9, size_bytes=10**12)
SHOWN = {"user-1": ALICE, "user-2": BOB, "host-1": WEB01, "host-2": WEB02, "session-1": KEY, OUTSIDE.value: OUTSIDE}

CASE = Case(
    "c" * 32,
    "user:bob",
    T0 - 30 * DAY,
    "Push requests until one was accepted",
    "True Positive",
    90,
    "bob accepted a push request at night, from 198.51.100.7",
    "analyst",
    ("corr-push",),
    ("Push denied, then an unusual sign-in",),
    ("T1621",),
)
KNOWLEDGE = Knowledge(
    techniques={
        "T1621": Technique("T1621", "Multi-Factor Authentication Request Generation", ("credential-access",)),
        "T1685": Technique("T1685", "Disable or Modify Tools", ("defense-impairment",)),
    },
    replaced={"T1562.001": "T1685"},
    rules={
        "rule-spray": Rule("rule-spray", "Password spray succeeded", "spray", "Many fail, one succeeds", "high"),
        "corr-push": Rule("corr-push", "Push denied, then an unusual sign-in", techniques=("T1621",)),
    },
    runbooks={
        "push": Runbook("push", "Push requests", "soc", ("T1621",), ("corr-push",), "1. Count the push requests."),
        "movement": Runbook("movement", "Movement over SMB", "soc", (), (), "1. Look at services on the target."),
    },
    cases=(CASE,),
)


@dataclass
class Made:
    """A scenario with what the tools look for in it."""

    scenario: Scenario = field(default_factory=intrusion)

    def told(
        self, source: str, class_uid: int, time: int, entities: Iterable[EntityKey], **attributes: object
    ) -> LakeRow:
        """Store an event with OCSF attributes."""
        row = self.scenario.event(source, class_uid, time, tuple(entities), {"n": len(self.scenario.rows[EVENTS])})
        record = ocsf.encode({**ocsf.decode(row.record), **attributes})
        self.scenario.rows[EVENTS][-1] = row = replace(row, record=record, size_bytes=len(record))
        return row

    def launch(
        self, time: int, process: dict[str, object], parent: dict[str, object], host: EntityKey = WEB01
    ) -> LakeRow:
        """Store the launch of a process."""
        process = {**process, "parent_process": parent}
        return self.told("windows", 1007, time, (host,), activity_id=1, process=process, actor={"process": parent})


def everything() -> Made:
    """Return processes, a session, an access key, hashes on two hosts, and the same anomaly of two users."""
    made = Made()
    shell, tool = {"pid": 200, "uid": "{b}"}, {"pid": 300, "uid": "{c}"}
    made.launch(T0 + 1, {"pid": 200, "uid": "{b}", "name": "cmd.exe"}, {"pid": 100, "uid": "{a}", "name": "word.exe"})
    made.launch(T0, {"pid": 100, "uid": "{a}", "name": "word.exe"}, {"pid": 4})
    made.launch(T0 + 2, {"pid": 300, "uid": "{c}", "name": "whoami.exe"}, shell)
    made.launch(T0 + 3, {"pid": 400, "uid": "{d}", "name": "net.exe"}, tool)
    made.launch(T0 + 2, {"pid": 900, "uid": "{z}", "name": "other.exe"}, {"pid": 800, "uid": "{y}"})
    file = {"name": "x1.exe", "type_id": 1, "hashes": [{"algorithm_id": 3, "value": HASH}]}
    made.told("windows", 1001, T0 + 2 * MINUTE, (WEB01, ALICE), activity_id=1, file=file)
    made.told("windows", 1001, T0 + 5 * MINUTE, (WEB02, BOB), activity_id=1, file=file)
    made.told(
        "aws",
        6003,
        T0 + 4 * MINUTE,
        (ALICE, KEY, OUTSIDE),
        api={"operation": "CreateAccessKey"},
        actor={"user": {"name": "alice", "credential_uid": "AKIAEXAMPLE1"}},
        src_endpoint={"ip": OUTSIDE.value},
    )
    for minute, entity in ((1, ALICE), (6, BOB)):
        row = made.told("okta", 3002, T0 + minute * MINUTE, (entity,), user={"name": entity.value})
        made.scenario.signal(
            row, TRAVEL, {"seen": "Oslo and Lima", "peers": "shown by none of the peers"}, member=False
        )
    return made


def in_lake(root: Path, scenario: Scenario, batch: int = 7) -> LakeStore:
    """Write a scenario to a lake."""
    writer = LakeWriter(root)
    for kind, rows in scenario.rows.items():
        for start in range(0, len(rows), batch):
            writer.write(kind, rows[start : start + batch])
    return LakeStore(root)


def resolve(named: str) -> EntityKey:
    """Return the entity behind a pseudonym."""
    if named not in SHOWN:
        raise ToolRefused("you were not shown this")
    return SHOWN[named]


def restore(text: str) -> str:
    """Put pseudonyms back to what they stand for."""
    for pseudonym, entity in SHOWN.items():
        text = text.replace(pseudonym, entity.value)
    return text


def desk(
    store: EvidenceStore,
    sequence: Sequence,
    *,
    budget: Budget = UNLIMITED,
    known: Library | None = None,
    outside: Outside | None = None,
    shown: Iterable[StoredEvent] = (),
) -> Desk:
    """Return a desk to ask at."""
    tools = Toolbox(store, budget, outside=outside)
    return Desk(tools, known or library(KNOWLEDGE), sequence, resolve, restore, shown)


def ask(name: str, arguments: str = "", made: Made | None = None) -> ToolAnswer:
    """Ask one question at a desk over memory."""
    made = made or everything()
    return desk(MemoryStore(made.scenario.rows), made.scenario.sequence()).call(name, arguments)
