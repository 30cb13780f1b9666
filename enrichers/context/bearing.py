"""What the context of an event means for a signal on it: facts for whoever investigates, and what more is at risk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

TOLD: Final = (
    *("criticality", "environment", "owner", "sensitivity"),
    *("peer_group", "is_privileged", "is_service_account", "is_on_leave", "is_travelling"),
)
PREFIX: Final = "braid.context."
MAX_FACTS: Final = 12
MAX_FACT: Final = 80  # characters
AT_RISK: Final[Mapping[str, int]] = {"critical": 10, "high": 5}  # points, by the criticality of an asset
PRIVILEGED: Final = 5
MOST: Final = 100


class Bearing:
    """The context of one event, as the enrichments of ours tell it."""

    __slots__ = ("_facts",)

    def __init__(self, enrichments: Sequence[Any] = ()) -> None:
        """Prepare.

        Args:
            enrichments: OCSF `enrichment` objects that enrichers of ours added; what sources say of themselves raises
                nothing.
        """
        found: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {}
        for told in enrichments:
            if told["type"] in _KINDS:
                for path, facts in _of(told["data"]):
                    found.setdefault((told["type"], facts["uid"]), (path, facts))  # one may stand in several places
        self._facts = tuple(found.values())

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return `braid.context.<object>.<fact>` and what it is, MAX_FACTS at most."""
        named = [
            (f"{PREFIX}{path}.{name}", _text(facts[name]))
            for path, facts in self._facts
            for name in TOLD
            if name in facts
        ]
        return tuple(named[:MAX_FACTS])

    def raised(self, risk: int) -> int:
        """Return the risk of a signal with what is at stake: the most critical asset, and a privileged user.

        That is AT_RISK for the one and PRIVILEGED for the other, 15 points at most; what has no risk gets none.
        """
        assets = max((AT_RISK.get(facts.get("criticality", ""), 0) for _, facts in self._facts), default=0)
        users = PRIVILEGED if any(facts.get("is_privileged") is True for _, facts in self._facts) else 0
        return min(MOST, risk + assets + users) if risk else 0


_KINDS: Final = frozenset({"asset", "identity"})
NO_BEARING: Final = Bearing()


def _of(data: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the facts of an enrichment of ours, with the dotted path that they are nested under."""
    if "uid" in data:  # every record of a table has one
        yield ".".join(above), data
        return
    for name, inner in data.items():
        yield from _of(inner, (*above, name))


def _text(fact: Any) -> str:
    text = ", ".join(fact) if isinstance(fact, list) else "true" if fact is True else str(fact)
    return text[:MAX_FACT]


def bearing_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> Bearing:
    """Return the bearing of what an event has now and did not have as its source told it.

    Args:
        before: The OCSF event as its source told it.
        after: The same one, enriched.
    """
    if before is after or "enrichments" not in after:
        return NO_BEARING
    said = before.get("enrichments")
    return Bearing(after["enrichments"][len(said) if isinstance(said, list) else 0 :])
