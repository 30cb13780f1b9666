"""What escalation saves: calls of a model for each sequence, beside a call for each signal; and what is missed by it.

`python -m tests.benchmarks.economy [RECORDED...]`. A simulated organization (`tests.simulation`) with attackers in its
last week, and every recorded file or folder given (each one an attack), go through the whole path from raw records to
sequences, with the rules as shipped. Each sequence that is escalated is investigated by a program that plays an honest
model behind the real client. For the signals, the request is built that would show one signal in the same way, for a
sample of them: one request and no tool is the least that judging a signal can take. Tokens are bytes of requests and
answers by four, on both sides.

An attack counts as seen by the signals when one of them names an entity of it in its time (recorded: when there is
any), and as seen by the model when a signal in an escalated sequence does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from rich import box
from rich.console import Console
from rich.table import Table

from agents.tools.knowledge import Knowledge
from models.finding import Sequence, SequenceMember, Signal
from models.uids import sequence_uid
from streams.enrichment import make_chain
from streams.knowledge import load_knowledge
from streams.lake_store import LakeStore
from streams.replay.inputs import find_inputs, read_all
from streams.replay.run import Replay
from streams.stage import Stages, build_stages
from tests.agents.investigate.play import Table as Desk
from tests.agents.investigate.play import answer
from tests.benchmarks.anomalies import organization
from tests.benchmarks.anomalies_judge import NEEDED_MS, Played, read_truth
from tests.benchmarks.anomalies_play import settings_for
from tests.llm.script import Script
from tests.llm.server import ScriptedServer, answers
from tests.replay.play import stages
from tests.scenarios.honest_model import Honest

SCALE: Final = 0.1
WEEKS: Final = 3
SAMPLE: Final = 20  # signals of one input for which a request is built
JUDGED: Final = 20  # sequences of one input that are investigated; of more, evenly spread ones
BYTES_A_TOKEN: Final = 4
MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What cases took: how many there are, how many were measured, and of those the requests and bytes."""

    cases: int = 0
    measured: int = 0
    requests: int = 0
    size_bytes: int = 0

    @property
    def calls(self) -> float:
        """Calls of a model for all cases."""
        return self.cases * self.requests / self.measured if self.measured else 0.0

    @property
    def tokens(self) -> float:
        """Tokens for all cases."""
        return self.cases * self.size_bytes / BYTES_A_TOKEN / self.measured if self.measured else 0.0

    def __add__(self, other: Cost) -> Cost:
        """Put two together; what was not measured is taken to be like what was."""
        return Cost(*(one + two for one, two in zip(_values(self), _values(other), strict=True)))


def _values(cost: Cost) -> tuple[int, int, int, int]:
    return cost.cases, cost.measured, cost.requests, cost.size_bytes


@dataclass(frozen=True, slots=True)
class Measured:
    """What there is of one input, or of several.

    Attributes:
        events: How many.
        by_sequence: What investigating escalated sequences takes.
        by_signal: What judging each signal would take at least.
        attacks: How many there are.
        in_signals: Of how many a signal tells.
        in_sequences: Of how many a signal in an escalated sequence does.
    """

    events: int = 0
    by_sequence: Cost = Cost()
    by_signal: Cost = Cost()
    attacks: int = 0
    in_signals: int = 0
    in_sequences: int = 0

    def __add__(self, other: Measured) -> Measured:
        """Put two inputs together."""
        return Measured(
            self.events + other.events,
            self.by_sequence + other.by_sequence,
            self.by_signal + other.by_signal,
            self.attacks + other.attacks,
            self.in_signals + other.in_signals,
            self.in_sequences + other.in_sequences,
        )

    def figures(self) -> dict[str, Any]:
        """Return the figures by name."""
        sequences, signals = self.by_sequence, self.by_signal
        return {
            "events": self.events,
            "signals": signals.cases,
            "escalated": sequences.cases,
            "calls_a_sequence": _of(sequences.calls, sequences.cases),
            "tokens_a_sequence": _of(sequences.tokens, sequences.cases),
            "tokens_a_signal": _of(signals.tokens, signals.cases),
            "calls_a_million_events": _of(sequences.calls * MILLION, self.events),
            "calls_a_million_events_by_signal": _of(signals.calls * MILLION, self.events),
            "tokens_a_million_events": _of(sequences.tokens * MILLION, self.events),
            "tokens_a_million_events_by_signal": _of(signals.tokens * MILLION, self.events),
            "fewer_calls_percent": 100 - 100 * _of(sequences.calls, signals.calls),
            "fewer_tokens_percent": 100 - 100 * _of(sequences.tokens, signals.tokens),
            "attacks": self.attacks,
            "attacks_in_signals": self.in_signals,
            "attacks_in_escalated": self.in_sequences,
        }


def _of(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


class Economy(Replay):
    """A replay that measures in place of investigating."""

    def __init__(self, made: Stages, played: Iterable[Played] | None) -> None:
        """Begin; `played` tells the attacks there are, None for an input that is one attack."""
        super().__init__(made, None, None)  # type: ignore[arg-type]  # nobody judges: what is below measures
        self._known: Knowledge = load_knowledge(made.rulebook)
        self._played = None if played is None else tuple(played)
        self.measured = Measured()

    async def _judge(self, store: LakeStore) -> None:
        found = self._found
        alerts = [sequence for sequence in found.sequences if sequence.is_alert]
        alone = [_alone(signal) for signal in _spread(found.signals, SAMPLE)]
        held = {member.uid for sequence in alerts for member in sequence.members}
        escalated = [signal for signal in found.signals if signal.uid in held]
        seen = [len(list(_attacks(self._played, some))) for some in (found.signals, escalated)]
        by_sequence = await self._cost(_spread(alerts, JUDGED), len(alerts), store, Honest())
        by_signal = await self._cost(alone, len(found.signals), store, lambda _: answers(answer()))
        attacks = 1 if self._played is None else len(self._played)
        self.measured = Measured(len(self._events), by_sequence, by_signal, attacks, *seen)

    async def _cost(self, cases: list[Sequence], count: int, store: LakeStore, script: Script) -> Cost:
        requests = size_bytes = 0
        for case in cases:
            with ScriptedServer(script) as server:
                judged = await Desk(store, knowledge=self._known).investigate(case, server)
            requests += len(server.requests)
            said = judged.verdict.reasoning.spent.output_tokens * BYTES_A_TOKEN
            size_bytes += sum(len(asked.raw) for asked in server.requests) + said
        return Cost(count, len(cases), requests, size_bytes)


def _spread(items: Iterable[Any], most: int) -> list[Any]:
    """Return at most so many, evenly spread."""
    every = list(items)
    return [every[number * len(every) // most] for number in range(most)] if len(every) > most else every


def _alone(signal: Signal) -> Sequence:
    """Return a sequence of one signal."""
    group = str(signal.entities[0]) if signal.entities else f"event={signal.event.uid}"
    member = SequenceMember(signal.uid, signal.time, signal.analytic, signal.event.uid, signal.domain, signal.risk)
    return Sequence(
        uid=sequence_uid(signal.analytic.uid, group, signal.uid),
        revision=1,
        analytic=signal.analytic,
        group=group,
        members=(member,),
        start_time=signal.time,
        end_time=signal.time,
        risk=signal.risk,
        is_alert=True,
        reasons=("one signal",),
    )


def _attacks(played: tuple[Played, ...] | None, signals: list[Signal]) -> Iterator[Played | None]:
    """Yield the attacks of which signals tell."""
    if played is None:
        yield from (None for _ in signals[:1])
        return
    for one in played:
        span = range(one.start_ms - one.start_ms % 3_600_000, one.end_ms + NEEDED_MS + 1)
        if any(signal.time in span and not one.entities.isdisjoint(map(str, signal.entities)) for signal in signals):
            yield one


def measured(paths: Iterable[Path], made: Stages, played: Iterable[Played] | None) -> Measured:
    """Play files and measure."""
    inputs = find_inputs(paths)
    economy = Economy(made, played)
    economy.run(read_all(inputs.files, None, lambda _: None), inputs.left_out, lambda _: None)
    return economy.measured


def simulated(folder: Path) -> Measured:
    """Measure a simulated organization."""
    made = build_stages(stages().rulebook, enrichment=make_chain(settings_for(folder)))
    return measured(sorted(folder.glob("*.ndjson")), made, read_truth(folder / "truth.json").played)


def table(found: dict[str, Measured]) -> Table:
    """Return the figures for people, as Markdown has them."""
    shown = Table("", *found, box=box.MARKDOWN)
    told = {name: one.figures() for name, one in found.items()}
    for key in next(iter(told.values())):
        shown.add_row(key.replace("_", " "), *(_told(one[key]) for one in told.values()))
    return shown


def _told(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


@click.command()
@click.argument("recorded", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--seed", default=1, show_default=True)
@click.option("--scale", default=SCALE, show_default=True, help="Of 500 people, 800 hosts and 60 services.")
@click.option("--weeks", default=WEEKS, show_default=True, help="The last has the attackers.")
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="What tests.simulation has written before.")
@click.option("--json", "is_json", is_flag=True, help="Print the figures as JSON.")
def main(*, recorded: tuple[Path, ...], seed: int, scale: float, weeks: int, data: Path | None, is_json: bool) -> None:
    """Print what escalation saves."""
    with organization(data, seed=seed, scale=scale, weeks=weeks) as folder:
        found = {"simulated": simulated(folder)}
    if recorded:
        found["recorded"] = sum((measured([path], stages(), None) for path in recorded), Measured())
    if is_json:
        sys.stdout.write(json.dumps({name: one.figures() for name, one in found.items()}, indent=2) + "\n")
        return
    Console(width=None if sys.stdout.isatty() else 120).print(table(found))


if __name__ == "__main__":
    main()
