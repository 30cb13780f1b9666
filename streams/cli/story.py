"""Tell a person what a replay found, on one screen: the seven stages, the strongest verdicts, the others by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agents.investigation import Investigation
from agents.text import plain
from models.finding import Sequence
from models.verdict import TRUE_POSITIVE, VERDICTS
from streams.replay.run import Replayed
from streams.topics import rfc3339

PATH: Final = "raw record -> Event -> Signal -> Sequence -> Investigation -> Verdict -> Action"
MAX_RULES: Final = 4
MAX_IN_FULL: Final = 3
MAX_DETECTIONS: Final = 8
MAX_LISTED: Final = 12
INDENT: Final = "  "


@dataclass(frozen=True, slots=True)
class _Judged:
    """An investigation and the sequence it judged."""

    investigation: Investigation
    sequence: Sequence

    @property
    def strength(self) -> tuple[bool, int, int, int, str]:
        """Return what to sort by: sure verdicts first, then those with more signals, then the shorter group key."""
        verdict, sequence = self.investigation.verdict, self.sequence
        unsure = verdict.verdict_id != TRUE_POSITIVE
        return unsure, -verdict.confidence, -len(sequence.members), len(sequence.group), sequence.uid

    @property
    def signals(self) -> frozenset[str]:
        """Return the uids of the sequence's signals."""
        return frozenset(member.uid for member in self.sequence.members)


def tell_story(console: Console, found: Replayed) -> None:
    """Print the stages; the strongest verdicts that tell of new signals, in full and in order of time; the others."""
    sequences = {sequence.uid: sequence for sequence in found.sequences}
    judged = [_Judged(one, sequences[one.verdict.sequence_uid]) for one in found.investigations]
    judged.sort(key=lambda one: one.strength)
    in_full = _with_news(judged)
    console.print(PATH, style="bold", highlight=False)
    console.print(_stages(found))
    for clock in found.clocks:
        console.print(Padding(Text(f"{clock}"), (1, 0, 0, 0)), highlight=False)
    for one in sorted(in_full, key=lambda one: one.sequence.start_time):
        _tell(console, one)
    _list(console, [one for one in judged if one not in in_full])
    if not judged:
        console.print("\nNo sequence was escalated. --out DIR writes every signal and sequence.")


def _with_news(judged: Iterable[_Judged]) -> list[_Judged]:
    """Return the first investigations of which each has a signal that none before it has."""
    seen: set[str] = set()
    chosen: list[_Judged] = []
    for one in judged:
        if len(chosen) < MAX_IN_FULL and not one.signals <= seen:
            chosen.append(one)
            seen |= one.signals
    return chosen


def _stages(found: Replayed) -> Table:
    counts = found.counts
    kinds = Counter(VERDICTS[one.verdict.verdict_id] for one in found.investigations)
    targets = {action.target for one in found.investigations for action in one.actions}
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for name, count, what in (
        ("1 raw record", counts["records"], f"{_some(counts['dead-letter'], 'dead letter')}, {_duplicates(found)}"),
        ("2 event", counts["events"], _counted(found.by_source)),
        ("3 signal", counts["signals"], _counted(found.by_rule, MAX_RULES)),
        ("4 sequence", counts["sequences"], f"{counts['escalated']:,} escalated"),
        ("5 investigation", counts["escalated"], "deterministic: no model took part"),
        ("6 verdict", counts["verdicts"], _counted(kinds)),
        ("7 action", counts["actions"], f"proposed, on {_some(len(targets), 'target')}; a person has to approve each"),
    ):
        table.add_row(name, f"{count:,}", Text(what))  # rule titles: neither markup nor emoji is read out of them
    return table


def _duplicates(found: Replayed) -> str:
    return _some(found.counts["duplicates"], "duplicate")


def _counted(counts: Counter[str], most: int | None = None) -> str:
    told = [f"{name} ({count:,})" for name, count in counts.most_common(most)]
    left = len(counts) - len(told)
    return ", ".join([*told, f"{left} more"] if left else told)


def _some(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _tell(console: Console, one: _Judged) -> None:
    verdict = one.investigation.verdict
    kind = f"{VERDICTS[verdict.verdict_id]}, confidence {verdict.confidence}"
    console.print(Text(f"\n{kind}: {plain(one.sequence.analytic.name)}", style="bold"))
    console.print(Text(f"on {plain(verdict.group)}, verdict {verdict.uid}"))
    for line in _detections(one.sequence):
        _line(console, line)
    for line in _ending(one.investigation):
        console.print(Padding(Text(line), (0, 0, 0, len(INDENT))))


def _detections(sequence: Sequence) -> Iterator[str]:
    """Tell each detection once, at its first signal, with how often it fired."""
    fired = Counter(member.analytic.uid for member in sequence.members)
    first = {member.analytic.uid: member for member in reversed(sequence.members)}
    members = sorted(first.values(), key=lambda member: (member.time, member.uid))
    for member in members[:MAX_DETECTIONS]:
        times = fired[member.analytic.uid]
        again = f" ({times} times)" if times > 1 else ""
        yield f"{rfc3339(member.time)[:19].replace('T', ' ')}  {member.domain:8}  {member.analytic.name}{again}"
    if len(members) > MAX_DETECTIONS:
        yield f"and {_some(len(members) - MAX_DETECTIONS, 'more detection')}"


def _ending(investigation: Investigation) -> Iterator[str]:
    verdict = investigation.verdict
    yield f"{_some(len(verdict.claims), 'claim')} on {_some(len(verdict.evidence), 'record')} of evidence"
    if verdict.missing:
        yield f"missing: {verdict.missing[0]}"
    if len(verdict.missing) > 1:
        yield f"missing: {len(verdict.missing) - 1} more; --out DIR tells all"
    if investigation.actions:
        yield "proposed: " + ", ".join(
            f"{action.kind} {plain(action.target.value)}" for action in investigation.actions
        )


def _list(console: Console, rest: list[_Judged]) -> None:
    if rest:
        console.print("\nFurther verdicts, most of them on the same signals:", highlight=False)
    for one in rest[:MAX_LISTED]:
        verdict = one.investigation.verdict
        kind = f"{VERDICTS[verdict.verdict_id]} {verdict.confidence}"
        _line(console, f"{kind:16}  {one.sequence.analytic.name}, on {plain(verdict.group)}")
    if len(rest) > MAX_LISTED:
        _line(console, f"and {len(rest) - MAX_LISTED} more; --out DIR writes them all")


def _line(console: Console, text: str) -> None:
    """Print one line, cut to the width of the terminal."""
    console.print(Text(INDENT + text), no_wrap=True, overflow="ellipsis")
