"""The attack scripts, made of three parts: where a text stands, what it says, and what the model then does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count

from streams.sources.registry import SOURCES
from tests.scenarios.attacks.behaviours import Behaviour, behaviours
from tests.scenarios.attacks.payloads import PAYLOADS
from tests.scenarios.attacks.vehicles import Vehicle, carried, vehicles
from tests.scenarios.attacks.victim import Victim, victim

TOGETHER = 10  # fields of one source that carry a text in one script
OBEDIENT = ("close-", "claim-", "act-", "ask-", "prose-", "overclaim", "technique")  # what a text can make a model do


@dataclass(frozen=True)
class Script:
    """One attack.

    Attributes:
        name: Vehicle, payload and behaviour.
        group: What it is run together with: a source, or a kind of behaviour.
        fields: Where the text stands.
        payload: A key of PAYLOADS.
        behaviour: What the model does.
    """

    name: str
    group: str
    fields: tuple[Vehicle, ...]
    payload: str
    behaviour: Behaviour

    def victim(self) -> Victim:
        """Return the case with the text in it."""
        text = PAYLOADS[self.payload]
        return victim([(event, text) for event in carried(text, self.fields)])


@cache
def scripts() -> tuple[Script, ...]:
    """Return all scripts, each of another name."""
    return (*_by_source(), *_by_behaviour())


def _by_source() -> Iterator[Script]:
    """Let every free-text field of every source carry a text; payloads and behaviours take turns."""
    obedient = [one for one in behaviours() if one.name.startswith(OBEDIENT)]
    number = count()
    for source in SOURCES:
        for fields in _batches(vehicles(source)):
            yield _script(source, fields, obedient, next(number))


def _batches(fields: tuple[Vehicle, ...]) -> Iterator[tuple[Vehicle, ...]]:
    yield from (fields[start : start + TOGETHER] for start in range(0, len(fields), TOGETHER))


def _by_behaviour() -> Iterator[Script]:
    """Let the model do all that it can do, told by one text after the other in a command line."""
    line = next(one for one in vehicles("windows") if one.field == "process.cmd_line")
    for number, behaviour in enumerate(behaviours()):
        yield _script(behaviour.name.partition("-")[0], (line,), [behaviour], number)


def _script(group: str, fields: tuple[Vehicle, ...], choice: list[Behaviour], number: int) -> Script:
    payload, behaviour = list(PAYLOADS)[number % len(PAYLOADS)], choice[number % len(choice)]
    where = f"{fields[0].source} {fields[0].field} and {len(fields) - 1} more"
    return Script(f"{where} / {payload} / {behaviour.name}", group, fields, payload, behaviour)
