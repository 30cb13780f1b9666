"""ATT&CK techniques as facts: names, tactics, and the log sources that rules look at to see them.

The table and where its facts are from: `attack.json`. ATT&CK's own data components are not in it. That a log source can
show a technique is concluded from the public rules that look there for it, so a technique without any is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import orjson

from streams.detect.logsource import RuleLogSource

DOMAIN: Final = "enterprise-attack"
# What ATT&CK 19 made two of.
FORMER_TACTIC: Final = "defense-evasion"
_SUCCESSOR: Final = "stealth"


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique or sub-technique.

    Attributes:
        uid: `T1003` or `T1003.001`.
        name: Its name, of a sub-technique without its technique's.
        tactics: Tactics it serves, as Sigma's tags spell them.
        logsources: Log sources that can show it, empty when that is not known.
    """

    uid: str
    name: str
    tactics: tuple[str, ...]
    logsources: tuple[RuleLogSource, ...]

    @property
    def parent(self) -> str:
        """Return the technique of a sub-technique, its own id for a technique."""
        return self.uid.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Attack:
    """The table.

    Attributes:
        version: Version of ATT&CK.
        source: Where the facts are from.
        tactics: All tactics, in ATT&CK's order.
        techniques: By id.
        replaced: Ids that have gone, and what stands for them now.
    """

    version: str
    source: str
    tactics: tuple[str, ...]
    techniques: Mapping[str, Technique]
    replaced: Mapping[str, str]

    def current(self, uid: str) -> str:
        """Return the id that stands for a technique now."""
        return self.replaced.get(uid, uid)

    def tactics_of(self, uid: str, tagged: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the tactics of a technique; of one that is not in the table, those a rule is tagged with."""
        known = self.techniques.get(uid) or self.techniques.get(uid.partition(".")[0])
        if known:
            return known.tactics
        now = (_SUCCESSOR if tactic == FORMER_TACTIC else tactic for tactic in tagged)
        return tuple(tactic for tactic in dict.fromkeys(now) if tactic in self.tactics)


@cache
def attack() -> Attack:
    """Return the table."""
    table = orjson.loads(files("streams.rulecheck").joinpath("attack.json").read_bytes())
    techniques = {
        uid: Technique(uid, name, tuple(tactics), tuple(RuleLogSource(*one.split("/")) for one in logsources))
        for uid, (name, tactics, logsources) in table["techniques"].items()
    }
    return Attack(table["version"], table["source"], tuple(table["tactics"]), techniques, table["replaced"])
